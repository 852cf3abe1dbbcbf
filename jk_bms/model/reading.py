"""A sample as the tool prints it and the socket carries it, and back."""

from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import Any

import msgspec

from jk_bms.model.device import Device
from jk_bms.model.quantities import QUANTITIES, Quantity, rounded
from jk_bms.model.sample import CellExtreme, Probe, Sample

# What a sample works out for itself from the rest: shown in a reading, not read back.
DERIVED = frozenset(
    {"power", "temperature", "cell_count", "cell_delta", "cell_average", "cell_min", "cell_max"}
)


_USUAL = {"clock_trusted": True, "device.balancer": False}  # not worth saying


class ReadDevice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose reading it is."""

    name: str | None = None
    address: str | None = None
    number: int | None = None
    kind: str | None = msgspec.field(default=None, name="type")
    model: str | None = None
    hw_version: str | None = None
    sw_version: str | None = None
    serial: str | None = None
    balancer: bool = False


class ReadCell(msgspec.Struct, frozen=True):
    """The highest or lowest cell."""

    v: float = 0.0  # V
    index: int = 0  # 1 = first


class ReadMeters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went in and out since they began."""

    charged_kwh: float | None = None
    discharged_kwh: float | None = None
    charged_ah: float | None = None
    discharged_ah: float | None = None
    equivalent_cycles: float | None = None


class ReadSwitches(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the BMS lets through; None: it does not tell."""

    charge: bool | None = None
    discharge: bool | None = None
    balance: bool | None = None


_NO_DEVICE = ReadDevice()


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sample at the digits of a reading; a field for each key of ``QUANTITIES``, with its unit there."""

    device: ReadDevice = msgspec.field(default_factory=lambda: _NO_DEVICE)
    time: str = msgspec.field(default_factory=lambda: "")  # ISO 8601; "": not known
    voltage: float | None = None
    current: float | None = None
    power: float | None = None
    battery_soc: float | None = None
    temperature: float | None = None
    cell_count: int | None = None
    cell_delta: float | None = None
    cells: tuple[float, ...] = ()
    battery_soc_source: str | None = None
    soc_curve: float | None = None
    soc: float | None = None
    soc_counted: float | None = None
    soc_low: float | None = None
    soc_high: float | None = None
    clock_trusted: bool = True
    cell_numbers: tuple[int, ...] = ()
    cell_resistances: tuple[float, ...] = ()
    cell_min: ReadCell | None = None
    cell_max: ReadCell | None = None
    cell_average: float | None = None
    soc_anchor: str | None = None
    soc_anchor_age: float | None = None
    learned_capacity: float | None = None
    meters: ReadMeters = ReadMeters()
    empty_in: tuple[float, float] | None = None
    full_in: tuple[float, float] | None = None
    soh: float | None = None
    charge: float | None = None
    capacity: float | None = None
    cycles: int | None = None
    cycle_charge: float | None = None
    temperatures: tuple[float, ...] = ()
    probe_numbers: tuple[int, ...] = ()
    mos_temperature: float | None = None
    balance_current: float | None = None
    switches: ReadSwitches = ReadSwitches()
    heating: bool | None = None
    emergency_time: int | None = None
    battery_type: str | None = None
    problem_code: int | None = None
    alarms: tuple[str, ...] = ()
    uptime: int | None = None
    monotonic: float | None = None  # s since boot, for readers on the same machine

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The battery probes, by their numbers."""
        return tuple(map(Probe, self.probe_numbers or count(1), self.temperatures))


def reading_of(sample: Sample, tz: tzinfo | None = None, *, monotonic: bool = False) -> Reading:
    """Return ``sample`` as ``as_reading`` does, in fields."""
    return msgspec.convert(as_reading(sample, tz, monotonic=monotonic), Reading)


def as_reading(sample: Sample, tz: tzinfo | None = None, *, monotonic: bool = False) -> dict[str, Any]:
    """Return ``sample`` as plain JSON values; what is absent has no key.

    ``time`` is in ``tz``, else in the system's zone. ``monotonic`` adds the time since boot
    for readers on the same machine: the age of a reading without trust in the wall clock.
    """
    reading: dict[str, Any] = {"device": {}, "time": ""}
    for quantity in QUANTITIES:
        if quantity.key is None:
            continue
        value = quantity.value(sample)
        if value is None or value is _USUAL.get(quantity.key):
            continue
        place, key = _place(reading, quantity.key)
        place[key] = _plain(quantity, value, tz)
    if monotonic:
        reading["monotonic"] = sample.monotonic
    return reading


def from_reading(reading: dict[str, Any]) -> Sample:
    """Return the sample that ``as_reading`` was given, at the digits of a reading.

    Keys that it does not know are ignored. Raises ValueError, TypeError or KeyError when
    ``reading`` is not a reading.
    """
    parts: dict[str, dict[str, Any]] = {"": {}, "device": {}}
    for quantity in QUANTITIES:
        if quantity.key is None or quantity.attribute in DERIVED:
            continue
        value = _find(reading, quantity.key)
        if value is None:
            continue
        owner, _, name = quantity.attribute.rpartition(".")
        parts[owner][name] = tuple(value) if isinstance(value, list) else value
    fields = parts[""]
    fields["taken_at"] = datetime.fromisoformat(fields["taken_at"]).astimezone(UTC)
    return Sample(device=Device(**parts["device"]), monotonic=reading.get("monotonic", 0.0), **fields)


def sample_of(reading: Reading) -> Sample:
    """Return the sample that ``reading_of`` was given, at the digits of a reading. Raises as ``from_reading``."""
    return from_reading(msgspec.to_builtins(reading))


def _place(reading: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    *parents, name = key.split(".")
    for parent in parents:
        reading = reading.setdefault(parent, {})
    return reading, name


def _find(reading: dict[str, Any], key: str) -> Any:
    value: Any = reading
    for name in key.split("."):
        if not isinstance(value, dict):
            raise TypeError(f"not a reading: an object was expected around {key!r}")
        value = value.get(name)
        if value is None:
            return None
    return value


def _plain(quantity: Quantity, value: Any, tz: tzinfo | None) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(tz).isoformat(timespec="milliseconds")
    if isinstance(value, CellExtreme):
        return {"v": rounded(value.voltage, quantity.digits or 0), "index": value.number}
    if quantity.digits is None:
        return list(value) if isinstance(value, tuple) else value
    if isinstance(value, tuple):
        return [rounded(item, quantity.digits) for item in value]
    return rounded(value, quantity.digits)
