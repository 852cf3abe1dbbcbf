"""How surely and how soon a faulty cell is found, and how often a good one is accused.

    .venv/bin/python bench/health.py

SOAK=20: 40 packs with each fault and 100 pack-years without (half an hour on two cores), and the table of
docs/truth.md is written; else a twentieth, printed only. PACKS=4 YEARS=3 with it: fewer of both.

The packs are those of bench/health_family.py, which shares nothing with our simulator and our curves. Each
verdict that is wrong is printed with what is true. Exit code 1 when a goal is missed: every fault found within
three weeks and nothing else, no false alarm; a sample costs at most 6 µs on average.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from bench.common import write_between  # noqa: E402
from bench.health_family import KINDS, Unlike, healthy, watched, with_fault  # noqa: E402
from bench.soc_family import DAY  # noqa: E402
from jk_bms.battery.chemistry import CHEMISTRIES  # noqa: E402
from jk_bms.battery.health import Health  # noqa: E402
from tests.battery.quick_pack import QuickPack, drawn  # noqa: E402
from tests.scale import scaled, soaking  # noqa: E402

PAGE = TOP / "docs" / "truth.md"
BEGIN, END = "<!-- bench/health.py: from here", "<!-- bench/health.py: to here -->"

SOON, MONTH, YEAR = 21, 28, 365  # days
# Of the packs below these numbers some were looked at while the judgement was written.
FAULTY_FROM, HEALTHY_FROM = 200, 1100
COST = 6.0  # µs


class Verdict(NamedTuple):
    """What was said of a cell for the first time."""

    cell: int  # position
    kind: str
    day: int
    words: str  # with what is true, for whoever looks into it


def verdicts(pack: Unlike) -> Iterator[Verdict]:
    """Watch ``pack`` for all its days; yield each verdict on the day on which it is first given."""
    made = pack.made
    health = Health(CHEMISTRIES[made.chemistry], nominal_ah=made.nominal_ah)
    told: set[tuple[int, str]] = set()
    day = 1
    for seen in watched(pack):
        health.feed(seen.sample, seen.elapsed)
        if seen.at < day * DAY:
            continue
        day = int(seen.at // DAY) + 1
        for cell in health.report().cells:
            for fault in cell.faults:
                if (cell.number, fault.kind) not in told:
                    told.add((cell.number, fault.kind))
                    yield Verdict(
                        cell.number - 1,
                        fault.kind,
                        day - 1,
                        f"{made.scenario}, pack {made.number}, day {day - 1}: cell {cell.number} {fault.kind}"
                        f" (size {cell.size}, loses {cell.loss_month} % a month, resistance"
                        f" {cell.resistance_excess}); in truth {pack.truth(cell.number - 1)}",
                    )


def cost() -> float:
    """Mean processor time in µs for one sample, a second after the one before; the best of five."""
    pack = QuickPack(1)
    chemistry = drawn(1)[1]
    samples = [step.sample for step in pack.live(2)]
    best = float("inf")
    for _ in range(5):
        health = Health(chemistry, nominal_ah=280.0)
        begun = time.process_time()
        for sample in samples * 5:
            health.feed(sample, 1.0, 50.0)
        best = min(best, (time.process_time() - begun) / len(samples) / 5)
    return 1e6 * best


def said_of_healthy(number: int) -> list[Verdict]:
    """The verdicts on a year of healthy pack ``number``: each of them is a false alarm."""
    return list(verdicts(healthy(number, YEAR)))


def said_of_faulty(kind: str, number: int) -> list[Verdict]:
    """The verdicts on a month of pack ``number`` with a cell that has the fault ``kind``."""
    return list(verdicts(with_fault(number, kind, MONTH)))


def main(packs: int, years: int, write: bool) -> int:
    """Print the figures; return the exit code."""
    with ProcessPoolExecutor() as pool:
        missed, table = faults(pool, packs)
        alarms = 0
        for said in pool.map(said_of_healthy, range(HEALTHY_FROM, HEALTHY_FROM + years)):
            alarms += len(said)
            for verdict in said:
                print("wrong:", verdict.words, flush=True)
    table += ["", f"False alarms in {years} pack-years of healthy packs: {alarms}."]
    print("\n".join(table))
    each = cost()
    print(f"cost: {each:.1f} µs for each sample (at most {COST:g})")
    if write:
        write_between(PAGE, BEGIN, END, table)
    return int(missed or alarms > 0 or each > COST)


def faults(pool: Executor, packs: int) -> tuple[bool, list[str]]:
    """Whether a goal was missed on ``packs`` packs with each fault, and the table of it."""
    missed = False
    table = ["| fault | packs | found within three weeks | median day | last day | said of other cells |"]
    table.append("|---|---|---|---|---|---|")
    numbers = range(FAULTY_FROM, FAULTY_FROM + packs)
    for kind in KINDS:
        days, wrong = [], 0
        for number, said in zip(numbers, pool.map(partial(said_of_faulty, kind), numbers), strict=True):
            pack = with_fault(number, kind, MONTH)
            truth = "" if pack.faulty is None else pack.truth(pack.faulty)
            found = None
            for verdict in said:
                if (verdict.cell, verdict.kind) == (pack.faulty, kind):
                    found = verdict.day
                else:
                    wrong += 1
                    print("wrong:", verdict.words, flush=True)
            if found is None or found > SOON:
                print(f"late: {pack.made.scenario}, pack {number}, {kind}: day {found}; {truth}")
            if found is not None:
                days.append(found)
        soon = sum(day <= SOON for day in days)
        when = f"{statistics.median(days):.0f} | {max(days):.0f}" if days else "never | never"
        table.append(f"| {kind} | {packs} | {soon} | {when} | {wrong} |")
        print(table[-1], flush=True)
        missed |= soon < packs or wrong > 0
    return missed, table


if __name__ == "__main__":
    fewer = os.environ.get
    sys.exit(main(int(fewer("PACKS", scaled(40))), int(fewer("YEARS", scaled(100))), soaking()))
