"""When a battery is sent, and what: means of voltage, current and power since the last time, the newest of the rest."""

import math
from datetime import datetime, timedelta

from jk_bms.model import Sample
from jk_bms.sinks.mqtt.entities import NUMBERS, SWITCHES, Entity
from jk_bms.sinks.series import of_sample

MEANS = ("voltage", "current", "power")
JUMP, IDLE = 0.15, 120.0  # power rose by this part of itself and so many W: ...
HURRY = 4.0  # s for which every sample is sent then
EARLY = 0.25  # s: half a frame early rather than a whole one late
MOVED = 60.0  # s by which a start must move to be another one
_FOUR = ("voltage", "current", "power", "battery", "temperature")  # classes with four significant digits


class Battery:
    """What is sent of one battery. ``last``: by key, as it was last due; empty before that."""

    def __init__(self, period: float, *, invert: bool) -> None:
        self.last: dict[str, str] = {}
        self.newest: Sample | None = None
        self._period, self._sign = period, -1.0 if invert else 1.0
        self._sums: dict[str, tuple[float, int]] = {}
        self.first = math.inf  # s since boot, when it was first heard
        self._due = self._hurried = 0.0
        self._told: tuple[float, set[str]] = 0.0, set()  # power in W and what there was, when last sent
        self._started: datetime | None = None
        self._count = 0

    def take(self, sample: Sample) -> bool:
        """Take ``sample``; return whether ``last`` is to be sent."""
        self.newest, now = sample, sample.monotonic
        self._count += 1
        self.first = min(self.first, now)
        values = {name: value for name, value in of_sample(sample).items() if math.isfinite(value)}
        for name in MEANS:
            if (value := values.get(name)) is not None:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1
        power, there = self._told
        if there and abs(values.get("power", 0.0)) - power > JUMP * (power + IDLE):
            self._hurried = now + HURRY
        if now < self._due and now >= self._hurried and there == set(values):
            return False
        self._due = now + self._period - min(EARLY, self._period / 4)
        self._told = abs(values.get("power", 0.0)), set(values)
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        self.last = self._states(sample, values | means)
        return True

    def _states(self, sample: Sample, values: dict[str, float]) -> dict[str, str]:
        if (power := values.get("power")) is not None:
            values |= {"charge_power": max(power, 0.0), "discharge_power": max(-power, 0.0)}
        for name in ("current", "power"):
            if name in values:
                values[name] *= self._sign
        if "cell_median_mv" in values:
            values["cell_median"] = values["cell_median_mv"] / 1000
        if sample.cell_average is not None:
            values["cell_average"] = sample.cell_average
        if sample.problem_code is not None:
            values["problem_code"] = sample.problem_code
        told = {
            entity.key: number(value, entity)
            for name, value in values.items()
            if (entity := NUMBERS.get(name)) is not None
        }
        for switch, name in SWITCHES.items():
            if (on := getattr(sample, name)) is not None:
                told[f"switch/{switch}"] = flag(on)
        if sample.cell_min and sample.cell_max:
            told["cell_voltages/min_index"] = str(sample.cell_min.number)
            told["cell_voltages/max_index"] = str(sample.cell_max.number)
        if sample.problem_code is not None or sample.alarms is not None:
            told["problem"] = flag(sample.problem_code or sample.alarms)
        if sample.alarms is not None:
            told["alarms"] = ", ".join(sample.alarms).replace("_", " ")[:255] or "none"
        if power is not None:
            told["battery_charging"] = flag(power > 0)
        if sample.uptime is not None and sample.clock_trusted:
            started = sample.taken_at - timedelta(seconds=sample.uptime)
            if self._started is None or abs((self._started - started).total_seconds()) > MOVED:
                self._started = started
            told["bms/started"] = self._started.isoformat(timespec="seconds")
        return told | {"meter/sample_count": str(self._count)}


def flag(on: object) -> str:
    """Return a state of what is on or off."""
    return "ON" if on else "OFF"


def number(value: float, entity: Entity) -> str:
    """Return a finite number as it is sent: no exponent, no minus before a zero; what is counted up to 3 decimals."""
    if entity.state_class.startswith("total"):
        value = round(value, 3)
    else:
        value = float(f"{value:.{4 if entity.device_class in _FOUR else 5}g}")
    text = f"{value + 0.0:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
