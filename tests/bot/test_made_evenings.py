"""`/until` where only the BMS is read: evenings of made houses whose nights the grid carries in part."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bench.forecast import HOUSES
from bench.soc_family import DAY, HOUR
from jk_bms.battery.runtime import Runtime
from jk_bms.battery.until import Outlook
from jk_bms.errors import StoreError
from jk_bms.model import Sample
from jk_bms.model.snapshot import Snapshot
from jk_bms.store.history_query import Series, Values
from jk_bms.view import until as module
from tests.battery.quick_pack import DEVICE
from tests.scale import scaled
from tests.told import battery

UTC_ = ZoneInfo("UTC")
AH, VOLTS, MINUTE = 200.0, 52.0, 60.0
BEGAN = datetime(2026, 11, 1, tzinfo=UTC_)
KINDS = ("steady", "fridge", "kettle", "growing evening")


class Evening:
    """A house asked on some evening. What the grid carries is hidden from its battery."""

    def __init__(self, number: int) -> None:
        rng = random.Random(f"evening {number}")
        self.days = rng.choice((1, 3, 5, 9))
        house = HOUSES[KINDS[number % len(KINDS)]]
        end = (self.days + 2) * DAY
        self.load = _minutes(house.loads(rng, AH), end)  # A, each minute
        self.grid = _cuts(rng, end)
        self.asked = int((self.days * DAY + rng.uniform(18.5, 22.5) * HOUR) / MINUTE)  # min from the start
        self.hours = rng.uniform(3.0, 11.0)
        self.wanted = self.drawn(self.hours)  # Ah
        # About what is needed, so that it is not plain.
        self.charge = min(98.0, 100.0 * self.wanted / AH * rng.uniform(0.6, 1.9))  # %
        self.half = rng.uniform(2.0, 6.0)  # %, half of the band
        self.off = rng.uniform(-1.0, 1.0) * self.half
        self.on_grid = number % 3 == 0  # when asked: then no forecast stands
        self.grid[self.asked - 15 : self.asked + 1] = [self.on_grid] * 16

    def drawn(self, hours: float) -> float:
        """Ah that the house needs from now on."""
        return sum(self.load[self.asked : self.asked + int(hours * 60)]) / 60.0

    def current(self, minute: int) -> float:
        """Of the battery, in A."""
        return 0.0 if self.grid[minute] else -self.load[minute]

    def series(self, start: datetime, end: datetime, points: int) -> Series:
        """What the history holds of it."""
        step = max(60.0, (end - start).total_seconds() / points)
        first = (start - BEGAN).total_seconds()
        times: list[float] = []
        means: list[float | None] = []
        while first < (end - BEGAN).total_seconds():
            minutes = [m for m in range(int(first / 60), int((first + step) / 60)) if 0 <= m < self.asked]
            powers = [VOLTS * self.current(m) for m in minutes]
            times.append(BEGAN.timestamp() + first)
            means.append(sum(powers) / len(powers) if powers else None)
            first += step
        return Series("pack", "1 min", step, times, {"power": Values(means, means, means)})

    def answer(self, monkeypatch: pytest.MonkeyPatch) -> Outlook | None:
        """What ``/until`` says."""

        def query(reader: Any, track: str, names: Sequence[str], start: Any, end: Any, points: int) -> Series:
            if track != "pack":
                raise StoreError("no inverter")
            return self.series(start, end, points)

        monkeypatch.setattr(module, "query", query)
        now = BEGAN + timedelta(minutes=self.asked)
        low, high = (min(100.0, max(0.0, self.charge + self.off + d)) for d in (-self.half, self.half))
        runtime, forecast = Runtime(), None
        for minute in range(max(0, self.asked - 3 * 1440), self.asked):
            taken = BEGAN + timedelta(minutes=minute)
            sample = Sample(
                device=DEVICE, taken_at=taken, monotonic=60.0 * minute, current=self.current(minute)
            )
            forecast = runtime.feed(sample, low, high, AH, MINUTE)
        reading: dict[str, Any] = {
            "battery_soc": self.charge + self.off,
            "soc_low": low,
            "soc_high": high,
            "capacity": AH,
            "voltage": VOLTS,
            "power": VOLTS * self.current(self.asked),
        }
        if forecast is not None:
            reading["empty_in"] = [forecast.low, forecast.high]
        device = battery({"address": "pack", "age": 5.0, "reading": reading})
        until = now + timedelta(hours=self.hours)
        return module.outlook(None, Snapshot(devices=(device,)), device, until, now, UTC_)  # type: ignore[arg-type]

    @property
    def lasts(self) -> bool:
        """The truth, if the grid is away from now on."""
        return self.wanted <= 0.01 * self.charge * AH


def _minutes(loads: Any, end: float) -> list[float]:
    """The load at each minute's mean, in A."""
    amounts = [0.0] * int(end / MINUTE + 2)
    for (a, amps), (b, _) in pairwise(chain(loads, [(end, 0.0)])):
        while a < min(b, end):
            minute = int(a / MINUTE)
            stop = min(b, (minute + 1) * MINUTE)
            amounts[minute] += amps * (stop - a) / MINUTE
            a = stop
        if b >= end:
            break
    return amounts


def _cuts(rng: random.Random, end: float) -> list[bool]:
    """Whether there is grid, each minute: it comes and goes every few hours."""
    grid: list[bool] = []
    there = True
    while len(grid) < end / MINUTE + 2:
        grid += [there] * int(rng.uniform(1.5, 5.0) * 60)
        there = not there
    return grid


def test_no_evening_is_told_yes_that_ends_in_the_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(one, one.answer(monkeypatch)) for one in map(Evening, range(scaled(200, 24)))]
    yes = [one for one, answer in told if answer is not None and answer.verdict == "yes"]
    no = [one for one, answer in told if answer is not None and answer.verdict == "no"]

    assert [one for one in yes if not one.lasts] == []
    assert len([one for one in no if one.lasts]) <= 0.02 * len(told)
    # It is not silent, and says yes where there is plenty.
    assert len([one for one, answer in told if answer is None]) < 0.3 * len(told)
    assert len(yes) > 0.4 * len([one for one, _ in told if one.lasts])
