"""Whether a reading can be true: asked of every one before anything remembers, counts or judges it.

A frame passes an 8-bit sum by chance now and then, and one of 2,000,000 A would stay in the meters for
good. Limits follow from the device: what its own protections allow, times a factor that no short circuit
reaches. A value that leaps is doubted at first and believed when it stays: cells come loose, probes
fall off, and a BMS sets its count right.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from jk_bms.model import Sample

VOLTAGE = 1000.0  # V, pack; more than 0
CELLS = (0.5, 5.0)  # V
SUM = 0.01  # pack voltage against the sum of the cells
CURRENT = 2000.0  # A, either way, whatever the device says of itself
BEYOND_LIMITS = (
    5.0  # times what the BMS lets through for seconds: what flows until it cuts a short circuit ...
)
LEAST_CURRENT = 300.0  # A ... but so much flows through any of them
TEMPERATURES = (-40.0, 120.0)  # °C, of the battery
MOSFETS = (-40.0, 180.0)  # °C
CAPACITY = 20_000.0  # Ah
LOOSE = 10.0  # s; readings further apart say nothing about leaps
STAYS = 3  # readings in a row that leapt alike are believed


class Leap(NamedTuple):
    """How far a value may move from one reading to the next."""

    name: str  # of Sample
    most: float
    unit: str
    share: bool = False  # of the value before; else in its unit


LEAPS = (
    Leap("soc", 20.0, "%"),
    Leap("full_ah", 0.5, "Ah", share=True),
    Leap("temperature", 20.0, "°C"),
    Leap("mosfet_temperature", 60.0, "°C"),
)


class Plausibility:
    """The gate in front of one device. ``judge`` every reading, in order."""

    def __init__(self) -> None:
        self._most_current = CURRENT
        self._last: Sample | None = None  # that passed
        self._doubted: list[Sample] = []  # those since, which leapt

    def limits(self, settings: Mapping[str, Any]) -> None:
        """Take over what a device tells of its protections, under the tool's names."""
        told = [settings.get(name) for name in ("max_charge_current", "max_discharge_current")]
        known = [limit for limit in told if isinstance(limit, int | float) and limit > 0]
        if known:
            self._most_current = min(CURRENT, max(LEAST_CURRENT, BEYOND_LIMITS * max(known)))

    def judge(self, sample: Sample) -> str:
        """Return why ``sample`` cannot be true; empty: it may be."""
        reason = impossible(sample, most_current=self._most_current) or self._leap(sample)
        if not reason:
            self._last = sample
            self._doubted.clear()
        return reason

    def _leap(self, sample: Sample) -> str:
        reason = _leapt(self._last, sample)
        if not reason:
            return ""
        if self._doubted and _leapt(self._doubted[-1], sample):
            self._doubted.clear()  # it leaps about
        self._doubted.append(sample)
        return reason if len(self._doubted) < STAYS else ""


def impossible(sample: Sample, *, most_current: float = CURRENT) -> str:
    """Return what no battery can have, whatever it had before; empty: nothing."""
    voltage, cells = sample.voltage, sample.cell_voltages
    if voltage is not None and not 0 < voltage <= VOLTAGE:
        return f"voltage is {voltage:g} V; expected more than 0 and at most {VOLTAGE:g} V"
    low, high = CELLS
    if cells and not (low <= min(cells) and max(cells) <= high and all(map(math.isfinite, cells))):
        numbers = sample.cell_numbers or range(1, len(cells) + 1)
        number, worst = next((n, v) for n, v in zip(numbers, cells, strict=False) if not low <= v <= high)
        return f"cell {number} has {worst:g} V; expected {low:g} to {high:g} V"
    if cells and voltage is not None and abs(sum(cells) - voltage) > SUM * voltage:
        return (
            f"pack voltage is {voltage:g} V, but the {len(cells)} cells add up to {sum(cells):.3f} V; "
            f"expected at most {SUM:.0%} between them"
        )
    if sample.current is not None and not abs(sample.current) <= most_current:
        return f"current is {sample.current:g} A; expected at most {most_current:g} A either way"
    if sample.soc is not None and not 0 <= sample.soc <= 100:
        return f"soc is {sample.soc:g} %; expected 0 to 100 %"
    for name in ("remaining_ah", "full_ah"):
        charge = getattr(sample, name)
        if charge is not None and not abs(charge) <= CAPACITY:
            return f"{name} is {charge:g} Ah; expected at most {CAPACITY:g} Ah"
    low, high = TEMPERATURES
    for number, temperature in sample.probes:
        if not low <= temperature <= high:
            return f"temperature {number} is {temperature:g} °C; expected {low:g} to {high:g} °C"
    low, high = MOSFETS
    mosfets = sample.mosfet_temperature
    if mosfets is not None and not low <= mosfets <= high:
        return f"temperature of the MOSFETs is {mosfets:g} °C; expected {low:g} to {high:g} °C"
    return ""


def _leapt(before: Sample | None, sample: Sample) -> str:
    """Return which value moved too far since ``before``; empty: none, or it is too long ago to say."""
    if before is None or not 0 <= sample.monotonic - before.monotonic <= LOOSE:
        return ""
    for leap in LEAPS:
        old, new = getattr(before, leap.name), getattr(sample, leap.name)
        if old is None or new is None:
            continue
        most = leap.most * abs(old) if leap.share else leap.most
        if abs(new - old) > most:
            seconds = sample.monotonic - before.monotonic
            return f"{leap.name} leapt from {old:g} to {new:g} {leap.unit} within {seconds:.1f} s"
    return ""
