"""How surely and how soon a faulty cell is found, and how often a good one is accused.

    .venv/bin/python bench/health.py

SOAK=20: 40 packs with each fault and 100 pack-years without (about an hour), and the table of
docs/truth.md is written; else a twentieth, printed only.

Packs are drawn at random: size, use, warmth, weather, voltmeters that differ by millivolts, a curve
that is not quite ours, outages. Exit code 1 when a goal is missed: every fault found within four
weeks and nothing else, no false alarm; a sample costs at most 6 µs on average.
"""

import os
import statistics
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from jk_bms.battery.health import Health  # noqa: E402
from jk_bms.battery.health_report import HealthReport  # noqa: E402
from tests.battery.quick_pack import QuickPack, drawn, watched  # noqa: E402
from tests.scale import scaled  # noqa: E402

PAGE = TOP / "docs" / "truth.md"
BEGIN, END = "<!-- bench/health.py: from here", "<!-- bench/health.py: to here -->"

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


def main(packs: int, years: int, write: bool) -> int:
    """Print the figures; return the exit code."""
    missed = False
    table = ["| fault | packs | found within four weeks | median day | last day | said of other cells |"]
    table.append("|---|---|---|---|---|---|")
    for kind in KINDS:
        days, wrong = [], 0
        for seed in range(packs):
            found = verdicts(seed, kind, MONTH)
            if (5, kind) in found:
                days.append(found.pop((5, kind)))
            wrong += len(found)
        when = f"{statistics.median(days):.0f} | {max(days):.0f}" if days else "never | never"
        table.append(f"| {kind} | {packs} | {len(days)} | {when} | {wrong} |")
        missed |= len(days) < packs or wrong > 0
    alarms = sum(len(verdicts(seed, None, YEAR)) for seed in range(1000, 1000 + years))
    table += ["", f"False alarms in {years} pack-years of healthy packs: {alarms}."]
    print("\n".join(table))
    each = cost()
    print(f"cost: {each:.1f} µs for each sample (at most {COST:g})")
    if write:
        before, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
        line, _, old = rest.partition("\n")
        after = old[old.index(END) :]
        PAGE.write_text(before + begin + line + "\n\n" + "\n".join(table) + "\n\n" + after, "utf-8")
    return int(missed or alarms > 0 or each > COST)


if __name__ == "__main__":
    soak = float(os.environ.get("SOAK", "1")) >= 20
    sys.exit(main(scaled(40), scaled(100) if soak else 1, soak))
