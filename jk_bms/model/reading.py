"""A sample as the JSON object that the tool prints and the socket carries, and back."""

from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import Any

from jk_bms.model.device import Device
from jk_bms.model.quantities import QUANTITIES, Quantity, rounded
from jk_bms.model.sample import CellExtreme, Probe, Sample

# What a sample works out for itself from the rest: shown in a reading, not read back.
DERIVED = frozenset(
    {"power", "temperature", "cell_count", "cell_delta", "cell_average", "cell_min", "cell_max"}
)


_USUAL = {"clock_trusted": True, "device.balancer": False}  # not worth saying


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


def probes_of(reading: dict[str, Any]) -> tuple[Probe, ...]:
    """Return the battery probes of a reading, by their numbers."""
    return tuple(map(Probe, reading.get("probe_numbers") or count(1), reading.get("temperatures") or ()))


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
