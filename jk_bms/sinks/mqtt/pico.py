"""The JSON tree of the Herak/Pico monitor, for who has displays and rules on it: one retained object a topic.

Numbers of batteries and cells begin at 0 there. What is not known is left out, never 0.
"""

import socket
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jk_bms.config.settings import Settings
from jk_bms.model import Sample
from jk_bms.model.kinds import kind_of
from jk_bms.sinks.mqtt.discovery import ORIGIN
from jk_bms.sinks.mqtt.outgoing import as_json

AGAIN = 20.0  # s after which an object is sent again though it says the same
_UNITS = {  # by end of the key: unit and class
    "_v": ("V", "voltage"), "v_avg": ("V", "voltage"), "v_delta": ("V", "voltage"), "_volt": ("V", "voltage"),
    "_r": ("ohms", ""), "temp": ("°C", "temperature"), "temp1": ("°C", "temperature"), "temp2": ("°C", "temperature"),
    "_mos": ("°C", "temperature"), "_curr": ("A", "current"), "_rem": ("Ah", ""), "_nom": ("Ah", ""),
    "_cap": ("Ah", ""), "batt_state": ("%", ""), "soh": ("%", ""),
}  # fmt: skip


class Known(NamedTuple):
    """An object as it was last sent."""

    values: Mapping[str, Any]
    at: float  # s since boot


class Pico:
    """What is sent below ``MQTT_TOPIC``, and what Home Assistant is told of it."""

    def __init__(self, settings: Settings, status: str) -> None:
        self._topic = settings.pico_topic or ""
        discovery = settings.pico_discovery
        self._discovered = settings.mqtt_discovery == "off" if discovery is None else discovery
        self._prefix, self._status = settings.mqtt_discovery_prefix, status
        self._client = settings.pico_client_id or socket.gethostname()
        self._known: dict[str, Known] = {}  # by topic

    def reset(self) -> None:
        """Send everything anew."""
        self._known.clear()

    def news(self, sample: Sample) -> Iterator[tuple[str, str]]:
        """Yield topic and text of what is to be sent of a battery now."""
        if not self._topic:
            return
        at = sample.monotonic
        for name, values in objects(sample).items():
            topic = f"{self._topic}/bms_jk{sample.device.number - 1}/{name}/status"
            known = self._known.get(topic)
            if values and (known is None or known.values != values or at - known.at >= AGAIN):
                self._known[topic] = Known(values, at)
                yield topic, as_json({"time": sample.taken_at.isoformat(timespec="seconds"), **values})

    def discovery(self) -> dict[str, str]:
        """Return what Home Assistant is told, by topic, of all that was sent."""
        if not self._discovered or not self._known:
            return {}
        device = {"identifiers": [self._client], "name": self._client}
        node = self._topic.replace("/", "_")
        told: dict[str, str] = {}
        for topic, known in self._known.items():
            battery = topic.removeprefix(f"{self._topic}/").partition("/")[0]
            for key in known.values:
                unit, kind = next((_UNITS[end] for end in _UNITS if key.endswith(end)), ("", ""))
                made = {
                    "unique_id": f"{self._client}_{battery}_{key}", "name": f"{battery}_{key}", "state_topic": topic,
                    "value_template": f"{{{{ value_json.{key} }}}}", "json_attributes_topic": topic,
                    "device": device, "origin": ORIGIN,
                    "unit_of_measurement": unit, "device_class": kind,
                }  # fmt: skip
                made = {name: value for name, value in made.items() if value}
                told[f"{self._prefix}/sensor/{node}_{battery}_{key}/config"] = as_json(made)
        link = {
            "platform": "binary_sensor", "unique_id": f"{self._client}_device_link", "name": "Link",
            "device_class": "connectivity", "state_topic": self._status, "payload_on": "online",
            "payload_off": "offline",
        }  # fmt: skip
        whole = {
            "device": device,
            "origin": ORIGIN,
            "components": {f"{self._client}-device": link},
        }
        return told | {f"{self._prefix}/device/{node}/config": as_json(whole)}


def objects(sample: Sample) -> dict[str, dict[str, Any]]:
    """Return the objects of a battery by the name in their topic."""
    device, numbers = sample.device, sample.cell_numbers or range(1, len(sample.cell_voltages) + 1)
    low, high, balance = sample.cell_min, sample.cell_max, sample.balance_current or 0.0
    action = None if sample.balancing is None else 0 if not sample.balancing else 1 if balance >= 0 else 2
    probes = {probe.number: probe.temperature for probe in sample.probes}
    first, second, *_ = (*(probes[number] for number in sorted(probes)), None, None)
    pack: dict[str, Any] = {
        "v_avg": _rounded(sample.cell_average, 3), "v_delta": _rounded(sample.cell_delta, 3),
        "cell_v_min": low and low.number - 1, "cell_v_max": high and high.number - 1, "batt_action": action,
        "power_temp": sample.mosfet_temperature, "batt_temp1": first, "batt_temp2": second,
        "batt_temp_mos": sample.mosfet_temperature, "batt_volt": _rounded(sample.voltage, 3),
        "batt_power": _rounded(sample.power, 1), "batt_state": _rounded(sample.battery_soc, 1),
        "batt_cycles": sample.cycles, "batt_charge_curr": _rounded(sample.current, 3),
        "batt_balance_curr": _rounded(sample.balance_current, 3), "batt_cap_rem": _rounded(sample.remaining_ah, 3),
        "batt_cap_nom": _rounded(sample.full_ah, 3), "batt_cycles_cap": _rounded(sample.cycle_charge_ah, 3),
        "soh": _rounded(sample.soh, 1), "batt_v": _rounded(sample.voltage, 3),
    }  # fmt: skip
    who = {
        "Vendor": kind_of(device.kind).make, "Model": device.model, "Hardware": device.hw_version,
        "Software": device.sw_version, "SerialN": device.serial,
    }  # fmt: skip
    cells = zip(numbers, sample.cell_voltages, strict=False)
    wires = zip(numbers, sample.cell_resistances, strict=False)
    return {
        "cell_0_v": {f"cell_{number - 1}_v": _rounded(value, 3) for number, value in cells},
        "cell_0_r": {f"cell_{number - 1}_r": _rounded(value, 3) for number, value in wires},
        "v_avg": {key: value for key, value in pack.items() if value is not None},
        "Vendor": {key: str(value) for key, value in who.items() if value},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0
