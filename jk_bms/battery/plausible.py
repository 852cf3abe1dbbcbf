"""Whether a reading can be true: asked of every one before anything remembers, counts or judges it.

A frame passes an 8-bit sum by chance now and then, and one of 2,000,000 A would stay in the meters for
good. Limits follow from the device: what its own protections allow, times a factor that no short circuit
reaches. A value that leaps is doubted at first and believed when it stays: cells come loose, probes
fall off, and a BMS sets its count right.
"""

import math
from typing import NamedTuple

from jk_bms.battery.limits import CAPACITIES, CELLS, PackLimits
from jk_bms.model import Sample

VOLTAGE = 1000.0  # V, pack; more than 0
SUM = 0.01  # pack voltage against the sum of the cells
CURRENT = 2000.0  # A, either way, whatever the device says of itself
BEYOND_LIMITS = 5.0  # times what the BMS lets through for seconds: it flows until it cuts a short circuit ...
LEAST_CURRENT = 300.0  # A ... but so much flows through any of them
TEMPERATURES = (-40.0, 120.0)  # °C, of the battery
MOSFETS = (-40.0, 180.0)  # °C
CAPACITY = CAPACITIES[1]  # Ah
REMAINING = 1.5  # times the capacity, either way: counters run a little beyond both ends
WIRES = (0.0, 10.0)  # Ohm, each balance wire; a loose one has some
OVERLOAD = 2.0  # times what the protections let through: loads that start ...
OVERLOAD_AH = 0.5  # Ah ... and what more than that may carry from one reading to the next
STAYS = 3  # readings in a row that leapt alike are believed


class Range(NamedTuple):
    """What a value can be at all."""

    name: str  # of Sample
    least: float
    most: float
    unit: str


RANGES = (
    Range("soc", 0.0, 100.0, "%"),
    Range("soh", 0.0, 100.0, "%"),
    Range("remaining_ah", -CAPACITY, CAPACITY, "Ah"),
    Range("full_ah", -CAPACITY, CAPACITY, "Ah"),
    Range("cycles", 0.0, 50_000.0, ""),
    Range("cycle_charge_ah", 0.0, 2_000_000.0, "Ah"),
    Range("balance_current", -25.0, 25.0, "A"),
    Range("emergency_time", 0.0, 7200.0, "s"),
)


class Leap(NamedTuple):
    """How far a value may move from one reading to the next."""

    name: str  # of Sample
    most: float  # at once
    rate: float  # and more with each second between them: what can flow or warm in it
    unit: str
    share: bool = False  # ``most`` is a share of the value before; else in its unit


LEAPS = (
    Leap("soc", 20.0, 100 / 900, "%"),  # full in a quarter of an hour
    Leap("soh", 20.0, 0.0, "%"),
    Leap("full_ah", 0.5, 0.0, "Ah", share=True),
    Leap("temperature", 20.0, 0.2, "°C"),
    Leap("mosfet_temperature", 60.0, 2.0, "°C"),
    Leap("cycles", 10.0, 1 / 900, ""),
    Leap("cycle_charge_ah", 100.0, CURRENT / 3600, "Ah"),
)


class Plausibility:
    """The gate in front of one device. ``judge`` every reading, in order."""

    def __init__(self) -> None:
        self._most_current = CURRENT
        self._protected = math.inf  # A, what the protections let through for good
        self._last: Sample | None = None  # that passed
        self._doubted: list[Sample] = []  # those since, which leapt

    def limits(self, limits: PackLimits) -> None:
        """Take over what a device tells of its protections."""
        known = [limit for limit in (limits.charge_current, limits.discharge_current) if limit and limit > 0]
        if known:
            self._protected = max(known)
            self._most_current = min(CURRENT, max(LEAST_CURRENT, BEYOND_LIMITS * max(known)))

    def judge(self, sample: Sample) -> str:
        """Return why ``sample`` cannot be true; empty: it may be."""
        reason = impossible(sample, most_current=self._most_current) or self._leap(sample)
        if not reason:
            self._last = sample
            self._doubted.clear()
        return reason

    def _leap(self, sample: Sample) -> str:
        reason = _leapt(self._last, sample, self._protected)
        if not reason:
            return ""
        if self._doubted and _leapt(self._doubted[-1], sample, self._protected):
            self._doubted.clear()  # it leaps about
        self._doubted.append(sample)
        return reason if len(self._doubted) < STAYS else ""


def impossible(sample: Sample, *, most_current: float = CURRENT) -> str:
    """Return what no battery can have, whatever it had before; empty: nothing."""
    voltage, cells = sample.voltage, sample.cell_voltages
    if voltage is not None and not 0 < voltage <= VOLTAGE:
        return f"voltage is {_plain(voltage)} V; expected more than 0 and at most {_plain(VOLTAGE)} V"
    low, high = CELLS
    if cells and not (low <= min(cells) and max(cells) <= high and all(map(math.isfinite, cells))):
        numbers = sample.cell_numbers or range(1, len(cells) + 1)
        number, worst = next((n, v) for n, v in zip(numbers, cells, strict=False) if not low <= v <= high)
        return f"cell {number} has {_plain(worst)} V; expected {_plain(low)} to {_plain(high)} V"
    if cells and voltage is not None and abs(math.fsum(cells) - voltage) > SUM * voltage:
        return (
            f"pack voltage is {_plain(voltage)} V, but the {len(cells)} cells add up to {math.fsum(cells):.3f} V; "
            f"expected at most {SUM:.0%} between them"
        )
    if sample.current is not None and not abs(sample.current) <= most_current:
        return f"current is {_plain(sample.current)} A; expected at most {_plain(most_current)} A either way"
    for name, least, most, unit in RANGES:
        value = getattr(sample, name)
        if value is not None and not least <= value <= most:
            return _outside(name, value, least, most, unit)
    left, full = sample.remaining_ah, sample.full_ah
    if left is not None and full and abs(left) > REMAINING * abs(full):
        return (
            f"remaining_ah is {_plain(left)} Ah; expected at most {REMAINING:g} times "
            f"the capacity of {_plain(full)} Ah"
        )
    low, high = WIRES
    for number, resistance in enumerate(sample.cell_resistances, 1):
        if not low <= resistance <= high:
            number = sample.cell_numbers[number - 1] if sample.cell_numbers else number
            return _outside(f"wire resistance of cell {number}", resistance, low, high, "Ohm")
    low, high = TEMPERATURES
    for number, temperature in sample.probes:
        if not low <= temperature <= high:
            return _outside(f"temperature {number}", temperature, low, high, "°C")
    low, high = MOSFETS
    mosfets = sample.mosfet_temperature
    if mosfets is not None and not low <= mosfets <= high:
        return _outside("temperature of the MOSFETs", mosfets, low, high, "°C")
    return ""


def _outside(name: str, value: float, least: float, most: float, unit: str) -> str:
    space = f" {unit}" if unit else ""
    return f"{name} is {_plain(value)}{space}; expected {_plain(least)} to {_plain(most)}{space}"


def _plain(value: float) -> str:
    """Write a number as people do, whatever its size: 2000000, not 2e+06."""
    text = f"{value:.4f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _leapt(before: Sample | None, sample: Sample, protected: float) -> str:
    """Return which value moved further since ``before`` than it can in that time; empty: none.

    ``protected``: A, what the protections of the device let through.
    """
    if before is None or sample.monotonic < before.monotonic:
        return ""
    seconds = sample.monotonic - before.monotonic
    for leap in LEAPS:
        old, new = getattr(before, leap.name), getattr(sample, leap.name)
        if old is None or new is None:
            continue
        most = (leap.most * abs(old) if leap.share else leap.most) + leap.rate * seconds
        if abs(new - old) > most:
            return _leap_text(leap.name, old, new, leap.unit, seconds)
    old, new = before.current, sample.current
    if old is None or new is None or abs(new - old) <= protected:
        return ""
    # A short circuit is cut within seconds: true of a moment, never of the whole time since the last reading.
    if (abs(new) - OVERLOAD * protected) * seconds / 3600 > OVERLOAD_AH:
        return _leap_text("current", old, new, "A", seconds)
    return ""


def _leap_text(name: str, old: float, new: float, unit: str, seconds: float) -> str:
    space = f" {unit}" if unit else ""
    return f"{name} leapt from {_plain(old)} to {_plain(new)}{space} within {seconds:.1f} s"
