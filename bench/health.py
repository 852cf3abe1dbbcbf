"""How surely and how soon a faulty cell is found, and how often a good one is accused.

    .venv/bin/python bench/health.py [packs of each kind] [pack-years of healthy ones]

Packs are drawn at random: size, use, warmth, weather, voltmeters that differ by millivolts, a curve
that is not quite ours, outages. Exit code 1 when a goal is missed: every fault found within four
weeks and nothing else, no false alarm; a sample costs at most 6 µs on average.
"""

import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from jk_bms.battery.health import Health  # noqa: E402
from jk_bms.battery.health_report import HealthReport  # noqa: E402
from tests.battery.quick_pack import QuickPack, drawn, watched  # noqa: E402

MONTH, YEAR = 28.0, 365.0
COST = 6.0  # µs
KINDS = ("weak", "leaking", "bad connection")


def verdicts(seed: int, kind: str | None, days: float) -> dict[tuple[int, str], float]:
    """Every verdict on a drawn pack within ``days``, and the day on which it was first given."""
    first: dict[tuple[int, str], float] = {}

    def note(report: HealthReport, day: float) -> None:
        for cell in report.cells:
            for fault in cell.faults:
                first.setdefault((cell.number, fault.kind), day)

    pack, chemistry = drawn(seed, kind)
    watched(pack, days, note, chemistry)
    return first


def cost() -> float:
    """Mean time in µs for one sample, a second after the one before; the best of five."""
    pack = QuickPack(1)
    chemistry = drawn(1)[1]
    samples = [step.sample for step in pack.live(2)]
    best = float("inf")
    for _ in range(5):
        health = Health(chemistry, nominal_ah=280.0)
        begun = time.perf_counter()
        for sample in samples * 5:
            health.feed(sample, 1.0, 50.0)
        best = min(best, (time.perf_counter() - begun) / len(samples) / 5)
    return 1e6 * best


def main(packs: int, years: int) -> int:
    """Print the figures; return the exit code."""
    missed = False
    print(f"{'fault':<16} packs  found  median day  last day  wrong besides")
    for kind in KINDS:
        days, wrong = [], 0
        for seed in range(packs):
            found = verdicts(seed, kind, MONTH)
            if (5, kind) in found:
                days.append(found.pop((5, kind)))
            wrong += len(found)
        when = f"{statistics.median(days):>10.0f}  {max(days):>8.0f}" if days else f"{'never':>20}"
        print(f"{kind:<16} {packs:>5}  {len(days):>5}  {when}  {wrong:>13}")
        missed |= len(days) < packs or wrong > 0
    alarms = sum(len(verdicts(seed, None, YEAR)) for seed in range(1000, 1000 + years))
    print(f"none: {alarms} false alarms in {years} pack-years")
    each = cost()
    print(f"cost: {each:.1f} µs for each sample (at most {COST:g})")
    return int(missed or alarms > 0 or each > COST)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    sys.exit(main(*(given + [10, 2][len(given) :])))
