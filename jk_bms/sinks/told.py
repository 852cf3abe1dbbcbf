"""Which merge is worth a line of the log: the first of a battery, a change, and one a minute."""

from collections.abc import Iterable

from jk_bms.model import Sample

STEADY_PERIOD = 60.0  # s between lines of a house in which nothing changes
SOC_STEP = 1.0  # %
IDLE = 1.0  # A: for the log, so that a load that hovers about nothing is no change each time


class Told:
    """Remembers what the log last said of each battery."""

    def __init__(self) -> None:
        self._samples: dict[
            int, tuple[float, Sample]
        ] = {}  # by battery number: when it was told, s since boot
        self._last = -STEADY_PERIOD

    def worth_telling(self, samples: Iterable[Sample], now: float) -> list[Sample]:
        """Return those of ``samples`` to be told at ``now`` s since boot, and take them as told."""
        before = self._samples
        new = [
            sample
            for sample in samples
            if sample.device.number not in before or _changed(before[sample.device.number][1], sample)
        ]
        if not new and now - self._last >= STEADY_PERIOD:
            new = sorted(samples, key=lambda sample: before[sample.device.number][0])[:1]
        for sample in new:
            before[sample.device.number] = (now, sample)
            self._last = now
        return new


def _changed(old: Sample, new: Sample) -> bool:
    """Whether a person would call the battery's state another one."""
    if old.battery_soc is None or new.battery_soc is None:
        stepped = old.battery_soc is not new.battery_soc
    else:
        stepped = abs(new.battery_soc - old.battery_soc) >= SOC_STEP
    return stepped or _turned(old.current, new.current) or old.cell_count != new.cell_count


def _turned(old: float | None, new: float | None) -> bool:
    """Whether charging became discharging, or either began or ended; a little around nothing is no turn."""
    if old is None or new is None:
        return (old is None) != (new is None)
    if (old > 0) != (new > 0) and max(abs(old), abs(new)) >= IDLE:
        return True
    return (abs(old) < IDLE / 2) != (abs(new) < IDLE / 2) and abs(new - old) >= IDLE
