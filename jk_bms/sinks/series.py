"""The names under which numbers leave for databases of time series, in units of their own: one table for all.

Line protocol, ``/metrics`` and the dashboards share it. A battery's numbers are called as the columns of its
history (``store.columns``), so that a row of the past and a sample of now go the same way.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from jk_bms.battery.house_charge import size_of
from jk_bms.hub import LinkChange
from jk_bms.model import InverterSample, Sample
from jk_bms.model.inverter import INVERTER_QUANTITIES
from jk_bms.model.link import LinkState
from jk_bms.model.sample import MOST_CELLS
from jk_bms.model.snapshot import OutboxNow, Snapshot
from jk_bms.repair.ladder import Rung

Labels = tuple[tuple[str, str], ...]
_PERCENT, _CELL = 0.01, "cell"


class Metric(NamedTuple):
    """One number: what ``/metrics`` and a database call it. A name that ends in ``_total`` never falls."""

    column: str
    name: str = ""  # behind ``easun_battery_``; empty: not there
    field: str = ""  # as BatMON calls it; empty: it has none
    factor: float = 1.0  # to the unit of ``name``
    labels: Labels = ()
    whole: int = 0  # times so much it is a whole number as BatMON has it; 0: it is none


def _labelled(label: str, value: str) -> Labels:
    return ((label, value),)


M = Metric
# fmt: off
_BATTERY = (
    # column               name                            BatMON's            factor
    M("voltage",           "voltage_volts",                "voltage"),
    M("current",           "current_amperes",              "current"),
    M("power",             "power_watts",                  "power"),
    M("charge_power",      "",                             "charge_power"),
    M("discharge_power",   "",                             "discharge_power"),
    M("battery_soc",       "soc_ratio",                    "soc",              _PERCENT),
    M("soc_low",           "soc_low_ratio",                "soc_low",          _PERCENT),
    M("soc_high",          "soc_high_ratio",               "soc_high",         _PERCENT),
    M("soc_counted",       "soc_source_ratio",             "",                 _PERCENT, _labelled("source", "counted")),
    M("soc",               "soc_source_ratio",             "",                 _PERCENT, _labelled("source", "bms")),
    M("soc_curve",         "soc_source_ratio",             "",                 _PERCENT, _labelled("source", "curve")),
    M("soh",               "soh_ratio",                    "soh",              _PERCENT),
    M("remaining_ah",      "remaining_amperehours",        "charge"),
    M("full_ah",           "capacity_amperehours",         "capacity"),
    M("learned_ah",        "learned_amperehours",          "aged_capacity"),
    M("stored_energy",     "stored_energy_kilowatthours",  "stored_energy"),
    M("empty_low",         "empty_seconds",                "",                 labels=_labelled("edge", "low")),
    M("empty_high",        "empty_seconds",                "",                 labels=_labelled("edge", "high")),
    M("full_low",          "full_seconds",                 "",                 labels=_labelled("edge", "low")),
    M("full_high",         "full_seconds",                 "",                 labels=_labelled("edge", "high")),
    M("cell_delta",        "cell_delta_volts"),
    M("cell_min",          "cell_min_volts",               "voltage_cell_min", whole=1000),
    M("cell_max",          "cell_max_volts",               "voltage_cell_max", whole=1000),
    M("cell_mean_mv",      "",                             "voltage_cell_mean"),
    M("cell_median_mv",    "",                             "voltage_cell_median"),
    M("mosfet_temperature", "temperature_celsius",         "mos_temperature",  labels=_labelled("sensor", "mosfet")),
    M("balance_current",   "balance_current_amperes",      "balance_current"),
    M("charge_enabled",    "switch_on",                    "switches_charge",  labels=_labelled("name", "charge")),
    M("discharge_enabled", "switch_on",                    "switches_discharge", labels=_labelled("name", "discharge")),
    M("balancing",         "switch_on",                    "switches_balance", labels=_labelled("name", "balance")),
    M("heating",           "switch_on",                    "switches_heating", labels=_labelled("name", "heating")),
    M("charged_kwh",       "energy_charged_kilowatthours_total", "meter_total_energy_charge"),
    M("discharged_kwh",    "energy_discharged_kilowatthours_total", "meter_total_energy_discharge"),
    M("charged_ah",        "charge_charged_amperehours_total"),
    M("discharged_ah",     "charge_discharged_amperehours_total"),
    M("net_kwh",           "",                             "meter_total_energy"),
    M("net_ah",            "",                             "meter_total_charge"),
    M("equivalent_cycles", "equivalent_cycles_total",      "meter_total_cycles"),
    M("cycles",            "cycles",                       "num_cycles"),
    M("cycle_charge_ah",   "",                             "total_charge_throughput"),
    M("problem",           "",                             "problem"),
    M("problem_code",      "",                             "problem_code"),
    M("uptime",            "",                             "uptime"),
    *(M(f"cell_{n}", "cell_voltage_volts", f"voltage_cell{n - 1:03}", labels=_labelled(_CELL, f"{n:02}"), whole=1000)
      for n in range(1, MOST_CELLS + 1)),
    *(M(f"resistance_{n}", "cell_wire_resistance_ohms", labels=_labelled(_CELL, f"{n:02}"))
      for n in range(1, MOST_CELLS + 1)),
    *(M(f"temperature_{n}", "temperature_celsius", f"temperatures_{n - 1}", labels=_labelled("sensor", f"{n}"))
      for n in range(1, 11)),
)
# fmt: on
BATTERY: Mapping[str, Metric] = {metric.column: metric for metric in _BATTERY}
_OF_SAMPLE = tuple(name for name in BATTERY if name in Sample.__struct_fields__ or hasattr(Sample, name))
_UNITS = {"voltage": "volts", "power": "watts", "current": "amperes", "frequency": "hertz"}


def _inverter(attribute: str, key: str, column: str) -> Metric:
    unit = _UNITS.get(attribute.rpartition("_")[2], "celsius")
    name, factor = (
        ("battery_soc_ratio", _PERCENT) if attribute == "battery_soc" else (f"{attribute}_{unit}", 1.0)
    )
    return Metric(column, name, key, factor)


INVERTER: Mapping[str, Metric] = {
    quantity.column: _inverter(quantity.attribute, quantity.key, quantity.column)
    for quantity in INVERTER_QUANTITIES
}


def of_sample(sample: Sample) -> dict[str, float]:
    """Return the numbers of a sample by the names of columns; what is absent has no key."""
    values = {name: value for name in _OF_SAMPLE if isinstance(value := getattr(sample, name), int | float)}
    numbers = sample.cell_numbers or range(1, len(sample.cell_voltages) + 1)
    values |= {f"cell_{n}": v for n, v in zip(numbers, sample.cell_voltages, strict=False)}
    values |= {f"resistance_{n}": v for n, v in zip(numbers, sample.cell_resistances, strict=False)}
    values |= {f"temperature_{probe.number}": probe.temperature for probe in sample.probes}
    for name, span in (("empty", sample.empty_in), ("full", sample.full_in)):
        if span is not None:
            values[f"{name}_low"], values[f"{name}_high"] = span
    return completed(values)


def completed(values: Mapping[str, float]) -> dict[str, float]:
    """Return ``values`` of a sample or a row with what follows from them."""
    whole = dict(values)
    cells = [value for name, value in values.items() if name.startswith("cell_") and name[5:].isdigit()]
    if cells:
        low, high = min(cells), max(cells)
        whole |= {"cell_min": low, "cell_max": high, "cell_delta": high - low}
        whole |= {"cell_mean_mv": 1000 * fmean(cells), "cell_median_mv": 1000 * median(cells)}
    if (power := values.get("power")) is not None:
        whole["charge_power"], whole["discharge_power"] = max(power, 0.0), max(-power, 0.0)
    size = size_of(values.get("learned_ah"), values.get("full_ah"))
    if size and "battery_soc" in values and "voltage" in values:
        whole["stored_energy"] = values["battery_soc"] / 100 * size * values["voltage"] / 1000
    if (code := values.get("problem_code")) is not None:
        whole["problem"] = float(code != 0)
    for net, into, out in (
        ("net_kwh", "charged_kwh", "discharged_kwh"),
        ("net_ah", "charged_ah", "discharged_ah"),
    ):
        if into in values and out in values:
            whole[net] = values[into] - values[out]
    return whole


def of_inverter(sample: InverterSample) -> dict[str, float]:
    """Return the numbers of an inverter by the names of columns."""
    told = ((quantity.column, getattr(sample, quantity.attribute)) for quantity in INVERTER_QUANTITIES)
    return {column: value for column, value in told if value is not None}


class Series(NamedTuple):
    """One value of the program itself, of a link or an alert."""

    name: str
    labels: Labels
    value: float


def of_house(snapshot: Snapshot, repairs: Mapping[tuple[str, str], int]) -> Iterator[Series]:
    """Yield what is told of links, adapters, alerts, sinks and the program. ``repairs``: by label and step."""

    def one(name: str, value: Any, **labels: object) -> Iterator[Series]:
        if value is not None:
            told = tuple((key, str(label)) for key, label in labels.items() if label not in (None, ""))
            yield Series(f"easun_{name}", told, float(value))

    for battery in snapshot.devices:
        device, told, link = battery.label, battery.told.device, battery.link
        yield from one(
            "battery_info",
            1,
            device=device,
            number=battery.number,
            address=battery.address,
            type=battery.kind,
            model=told.model,
            hw=told.hw_version,
            sw=told.sw_version,
            chemistry=battery.told.battery_type,
            simulated="1" if battery.kind == "simulated" else None,
        )
        yield from one("reading_age_seconds", battery.age, device=device)
        if link is None:
            continue
        yield from one("link_up", link.state in (LinkState.STREAMING, LinkState.WAITING), device=device)
        for state in LinkState:
            yield from one("link_state", state == link.state, device=device, state=state.value)
        yield from one("link_rssi_dbm", link.rssi, device=device)
        yield from one("link_info", 1, device=device, adapter=link.adapter, verdict=link.verdict)
        yield from one("link_connects_total", link.connects, device=device)
        yield from one("link_frames_total", link.frames, device=device)
        yield from one("link_frames_refused_total", link.refused, device=device)
        yield from one("link_commands_total", link.commands, device=device)
    for (device, step), count in tuple(repairs.items()):
        yield from one("link_repairs_total", count, device=device, step=step)
    for adapter in snapshot.adapters:
        yield from one("adapter_slots", adapter.connections, adapter=adapter.adapter)
        yield from one("adapter_devices", adapter.devices, adapter=adapter.adapter)
    names = snapshot.names
    for alert in snapshot.alerts or ():
        whose = names.get(alert.subject, alert.subject)
        yield from one(
            "alert_active", 1, device=whose, code=alert.code, level=alert.severity, part=alert.part
        )
    if snapshot.inverter is not None:
        grid = {"present": 1, "lost": 0}.get(snapshot.inverter.grid.state)
        yield from one("grid_present", grid)
    for inverter in snapshot.inverters:
        yield from one("inverter_record_age_seconds", inverter.age, device=inverter.label)
    for name, sink in snapshot.sinks.items():
        yield from one("sink_up", not sink.failure, sink=name)
        if isinstance(sink, OutboxNow):
            yield from one("outbox_behind_seconds", sink.behind or 0.0, sink=name)
            for why, count in sink.dropped.items():
                yield from one("outbox_dropped_total", count, sink=name, reason=why)
    yield from one("build_info", 1, version=snapshot.program.version)
    yield from one("start_time_seconds", round(time.time() - snapshot.program.uptime))
    yield from one("clock_trusted", snapshot.clock_trusted)
    try:
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        yield Series("process_resident_memory_bytes", (), float(resident * os.sysconf("SC_PAGE_SIZE")))
        yield Series("process_open_fds", (), float(len(list(Path("/proc/self/fd").iterdir()))))
    except OSError:  # a system without /proc tells neither
        pass
    yield Series("process_cpu_seconds_total", (), time.process_time())


class Repairs(dict[tuple[str, str], int]):
    """How often which step was tried, by label and step: counted where the ladder is climbed."""

    def __init__(self) -> None:
        super().__init__()
        self._rungs: dict[str, int] = {}

    def take(self, link: LinkChange) -> None:
        """Count the step that is tried now, if it is a higher one than the last."""
        address, rung = link.device.address, Rung(link.status.rung)
        if rung > self._rungs.get(address, 0):
            key = link.device.label, rung.code
            self[key] = self.get(key, 0) + 1
        self._rungs[address] = rung
