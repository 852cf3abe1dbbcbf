"""THE table of what Home Assistant has of a battery and of the house: topic, name, unit, class. docs/mqtt.md shows it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jk_bms.model.link import LinkState
from jk_bms.sinks.mqtt.alerts import STEPS


class Entity(NamedTuple):
    """One row; its unique id and its place in a discovery message follow from ``key``."""

    key: str  # topic behind that of its device
    name: str
    column: str = ""  # its number in ``sinks.series``; empty: worked out where it is sent
    unit: str = ""
    device_class: str = ""
    state_class: str = ""
    digits: int | None = None  # decimals that are shown
    icon: str = ""
    platform: str = "sensor"
    diagnostic: bool = False
    hidden: bool = False  # off until its owner wants it
    lasts: bool = False  # is there also while the battery is not heard
    more: Mapping[str, Any] = {}  # further keys of its discovery, never changed

    @property
    def id(self) -> str:
        """What it is called inside a discovery message."""
        return f"{self.platform}_{self.key.removeprefix('cmd/').replace('/', '_')}"


E, M, T, ICON = (
    Entity,
    "measurement",
    "total_increasing",
    "battery-heart-variant",
)  # short, so that a row is a line
SWITCHES = {
    "charge": "charge_enabled",
    "discharge": "discharge_enabled",
    "balance": "balancing",
    "heating": "heating",
}
_ALERT = {"event_types": tuple(STEPS.values())}
# fmt: off
_ROWS = (
    # topic                  name                      column               unit   class           state  digits icon
    E("soc/total_voltage", "Voltage", "voltage", "V", "voltage",        M, 2, "meter-electric"),
    E("soc/current",         "Current",                "current",           "A",   "current",        M, 2),
    E("soc/balance_current", "Balance_current", "balance_current", "A", "current",        M, 2, "scale-unbalanced"),
    E("soc/soc_percent",     "Soc",                    "battery_soc",       "%",   "battery",        M, 2),
    E("soc/soc_low",         "SoC at least",           "soc_low",           "%",   "",               M, 1),
    E("soc/soc_high",        "SoC at most",            "soc_high",          "%",   "",               M, 1),
    E("soc/power",           "Power",                  "power",             "W",   "power",          M, 1, "flash"),
    E("soc/charge_power",    "Charge power",           "charge_power",      "W",   "power",          M, 0),
    E("soc/discharge_power", "Discharge power",        "discharge_power",   "W",   "power",          M, 0),
    E("soc/stored_energy",   "Stored energy",          "stored_energy",     "kWh", "energy_storage", M, 2),
    E("soc/capacity",        "Capacity",               "full_ah",           "Ah",  "",               M, 1),
    E("soc/aged_capacity",   "Aged_capacity",          "learned_ah",        "Ah",  "",               M, 2, ICON),
    E("soc/soh",             "Soh",                    "soh",               "%",   "",               M, 1, ICON),
    E("soc/cycle_capacity",  "Total_charge_throughput", "cycle_charge_ah",  "Ah",  "",               T, 0),
    E("soc/num_cycles", "Num_cycles", "cycles", "", "",               M, 0, "battery-sync"),
    E("mosfet_status/capacity_ah", "Charge",           "remaining_ah",      "Ah",  "",               M, 1),
    E("mosfet_status/temperature", "Mos_temperature",  "mosfet_temperature", "°C", "temperature",    M, 1, "thermometer"),
    E("bms/uptime",          "Uptime",                 "uptime",            "s",   "duration",       M, 0, "clock",
      diagnostic=True, hidden=True),
    E("bms/started",         "Started", device_class="timestamp", diagnostic=True),
    E("bms/runtime",         "Runtime",                "empty_low",         "s",   "duration",       M, 0, "timer-sand"),
    E("bms/full_in", "Full in", "full_low", "s", "duration",       M, 0, "timer-sand-complete"),
    E("meter/sample_count",  "Num_samples", state_class=M, digits=0, icon="counter", diagnostic=True, hidden=True),
    E("meter/total_energy", "total energy netted", "net_kwh", "kWh", "energy", "total", 2, "meter-electric", lasts=True),
    E("meter/total_energy_charge", "total energy input", "charged_kwh", "kWh", "energy", T, 2, "meter-electric", lasts=True),
    E("meter/total_energy_discharge", "total energy output", "discharged_kwh", "kWh", "energy", T, 2, lasts=True),
    E("meter/total_charge",  "total charge netted",    "net_ah",            "Ah",  "",       "total", 2, lasts=True),
    E("meter/total_cycles",  "total cycle count",      "equivalent_cycles", "", "", T, 2, "battery-sync", lasts=True),
    *(E(f"cell_voltages/{n}", f"Cell Volt {n:02}", f"cell_{n}", "V", "voltage", M, 3) for n in range(1, 49)),
    E("cell_voltages/min",     "Cell Volt min",        "cell_min",          "V",   "voltage",        M, 3),
    E("cell_voltages/max",     "Cell Volt max",        "cell_max",          "V",   "voltage",        M, 3),
    E("cell_voltages/average", "Cell Volt average",    "cell_average",      "V",   "voltage",        M, 3),
    E("cell_voltages/median",  "Cell Volt median",     "cell_median",       "V",   "voltage",        M, 3),
    E("cell_voltages/delta",   "Cell Volt delta",      "cell_delta",        "V",   "voltage",        M, 3),
    E("cell_voltages/min_index", "Cell Index min", digits=0, diagnostic=True),
    E("cell_voltages/max_index", "Cell Index max", digits=0, diagnostic=True),
    *(E(f"temperatures/{n}", f"Temperatures {n}", f"temperature_{n}", "°C", "temperature", M, 1) for n in range(1, 11)),
    *(E(f"switch/{name}", f"{name} switch", device_class="power", platform="binary_sensor") for name in SWITCHES),
    E("problem",             "problem", device_class="problem", platform="binary_sensor", diagnostic=True),
    E("problem_code", "problem code", "problem_code", icon="alert-circle", diagnostic=True, hidden=True),
    E("alarms",              "Alarms"),
    E("battery_charging",    "battery charging", device_class="battery_charging", platform="binary_sensor"),
    E("link",                "Link", device_class="connectivity", platform="binary_sensor", diagnostic=True, lasts=True),
    E("link_state",          "Link state", device_class="enum", diagnostic=True, lasts=True,
      more={"options": tuple(state.value for state in LinkState), "json_attributes_topic": "link_info"}),
    E("rssi",                "Signal", "", "dBm", "signal_strength", M, 0, diagnostic=True, hidden=True),
    E("last_seen",           "Last seen", device_class="timestamp", diagnostic=True, lasts=True),
    E("alert",               "Alert", platform="event", lasts=True, more=_ALERT),
    E("alert_open",          "Alert open", device_class="problem", platform="binary_sensor", lasts=True,
      more={"json_attributes_topic": "alerts"}),
)
BUTTONS = (
    E("cmd/release_link", "Release link", icon="bluetooth-off", platform="button", lasts=True),
    E("cmd/resume_link",  "Resume link", icon="bluetooth-connect", platform="button", lasts=True),
    E("cmd/read_now",     "Read now", icon="refresh", platform="button", lasts=True),
    E("cmd/release_minutes", "Release minutes", unit="min", icon="timer-cog-outline", platform="number", lasts=True,
      more={"min": 1, "max": 60, "step": 1, "mode": "box"}),
)
_HOUSE = (
    E("status",        "Status", device_class="connectivity", platform="binary_sensor", diagnostic=True, lasts=True,
      more={"payload_on": "online", "payload_off": "offline"}),
    E("alert",         "Alert", platform="event", lasts=True, more=_ALERT),
    E("alert_open",    "Alert open", device_class="problem", platform="binary_sensor", lasts=True,
      more={"json_attributes_topic": "alerts"}),
    E("clock",         "Clock", device_class="problem", platform="binary_sensor", diagnostic=True, lasts=True),
    E("grid_present",  "Grid", device_class="power", platform="binary_sensor"),
    E("grid_voltage",  "Grid voltage",  "", "V", "voltage", M, 1),
    E("grid_power",    "Grid power",    "", "W", "power",   M, 0),
    E("load_power",    "Load power",    "", "W", "power",   M, 0),
    E("pv_power",      "Solar power",   "", "W", "power",   M, 0),
)
TEST_ALERT = E("cmd/test_alert", "Test alert", icon="bell-ring", platform="button", lasts=True)
# fmt: on
ENTITIES = {entity.key: entity for entity in (*_ROWS, *BUTTONS)}
HOUSE = {entity.key: entity for entity in (*_HOUSE, TEST_ALERT)}
NUMBERS = {entity.column: entity for entity in _ROWS if entity.column}


def outbox(sink: str) -> Entity:
    """Return the row of how far a sink that sends later is behind."""
    return E(f"outbox_{sink}", f"Behind {sink}", "", "s", "duration", M, 0, diagnostic=True, lasts=True)
