"""The settings of a BMS as the page shows them: grouped, in words, with units; read-only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jk_bms.texts import Texts
from jk_bms.web.answers import Of
from jk_bms.web.words import printed


class Field(NamedTuple):
    """Where a setting stands and how its value is written. ``unit``: a key of topic ``units``; "": none."""

    group: str
    unit: str = ""
    digits: int = 0


class BmsSetting(Of, frozen=True, kw_only=True):
    """One setting of a BMS, in words."""

    key: str
    group: str  # in words
    label: str
    text: str  # the value with its unit


# fmt: off
FIELDS: Mapping[str, Field] = {
    "cell_count":                         Field("cells"),
    "nominal_battery_capacity":           Field("cells", "Ah", 1),
    "cell_ovp":                           Field("cells", "V", 3),
    "cell_ovpr":                          Field("cells", "V", 3),
    "cell_uvp":                           Field("cells", "V", 3),
    "cell_uvpr":                          Field("cells", "V", 3),
    "soc_100_voltage":                    Field("cells", "V", 3),
    "soc_0_voltage":                      Field("cells", "V", 3),
    "cell_request_charge_voltage":        Field("cells", "V", 3),
    "cell_request_float_voltage":         Field("cells", "V", 3),
    "power_off_voltage":                  Field("cells", "V", 3),
    "max_charge_current":                 Field("current", "A", 1),
    "charge_ocp_delay":                   Field("current", "second"),
    "charge_ocp_recovery":                Field("current", "second"),
    "max_discharge_current":              Field("current", "A", 1),
    "discharge_ocp_delay":                Field("current", "second"),
    "discharge_ocp_recovery":             Field("current", "second"),
    "short_circuit_protection_recovery":  Field("current", "second"),
    "charge_switch":                      Field("current"),
    "discharge_switch":                   Field("current"),
    "charge_otp":                         Field("temperature", "°C", 1),
    "charge_otp_recovery":                Field("temperature", "°C", 1),
    "discharge_otp":                      Field("temperature", "°C", 1),
    "discharge_otp_recovery":             Field("temperature", "°C", 1),
    "charge_utp":                         Field("temperature", "°C", 1),
    "charge_utp_recovery":                Field("temperature", "°C", 1),
    "discharge_utp":                      Field("temperature", "°C", 1),
    "discharge_utp_recovery":             Field("temperature", "°C", 1),
    "mos_otp":                            Field("temperature", "°C", 1),
    "mos_otp_recovery":                   Field("temperature", "°C", 1),
    "heating_start":                      Field("temperature", "°C", 1),
    "heating_stop":                       Field("temperature", "°C", 1),
    "balancer_switch":                    Field("balance"),
    "balance_trigger_voltage":            Field("balance", "V", 3),
    "start_balance_voltage":              Field("balance", "V", 3),
    "max_balance_current":                Field("balance", "A", 1),
    "smart_sleep_voltage":                Field("rest", "V", 3),
    "smart_sleep_hours":                  Field("rest", "hour"),
    "precharge_time":                     Field("rest", "second"),
    "device_address":                     Field("rest"),
}
# fmt: on
GROUPS = ("cells", "current", "temperature", "balance", "rest")  # in their order


def told(settings: Mapping[str, Any], texts: Texts) -> list[BmsSetting]:
    """Return what a BMS is set to, by group; a setting that has no words here under the name that its maker gave it."""
    plain = {key: value for key, value in settings.items() if isinstance(value, bool | int | float | str)}
    order = {key: place for place, key in enumerate(FIELDS)}
    field_of = {key: FIELDS.get(key, Field("rest")) for key in plain}
    keys = sorted(plain, key=lambda key: (GROUPS.index(field_of[key].group), order.get(key, len(order)), key))
    return [
        BmsSetting(
            key=key,
            group=texts(f"bms_settings.group.{field_of[key].group}"),
            label=texts(f"bms_settings.{key}") if key in FIELDS else key.replace("_", " "),
            text=_text(plain[key], field_of[key], texts),
        )
        for key in keys
    ]


def _text(value: float | str, field: Field, texts: Texts) -> str:
    if isinstance(value, bool):
        return texts("web.yes" if value else "web.no")
    if isinstance(value, str):
        return value
    if field.unit:
        return printed(texts.quantity(value, field.unit, field.digits))
    return f"{value:g}"
