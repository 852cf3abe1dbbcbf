"""How the counted charge does on packs that share nothing with our simulator or our curves.

    .venv/bin/python bench/soc_opposition.py [--first N] [SCENARIO ...]

Packs of bench/soc_family.py, by scenario, the worst pack of each named. SOAK=20: twelve packs for each
scenario, and the tables of docs/truth.md are written; else one, and nothing is written. ``--first`` takes
packs from another number on, which nobody has looked at. Exit code 1 when a figure is missed.
"""

import argparse
import math
import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, write_between
from bench.soc_family import DAY, KINDS, SCENARIOS, Made, draw, lived
from jk_bms.battery.chemistry import Chemistry, chemistry
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.soc import SocCounter
from tests.scale import scaled

PACKS = 12  # for each scenario
DAYS = 30
LOOK = 900.0  # s between two looks of the judge
LOW = 12.0  # %
WIDE = 40.0  # %: a wider band says "not known yet"
SMALL = "small errors"
FAR_SHIFT = ("shift +25 mV", "shift -25 mV")  # voltmeters beyond what can be told from a charge
# Curves that the counter knows and the family draws from: the pack's own is kept from it.
KNOWN = {"board": 0, "model": 1, "prada": 2, "seller": 3, "21700": 1}
PAGE = TOP / "docs" / "truth.md"
BEGIN, END = "<!-- bench/soc_opposition.py: from here", "<!-- bench/soc_opposition.py: to here -->"


class Note(NamedTuple):
    """One look of the judge."""

    at: float  # s since the pack was met
    true: float
    value: float
    low: float
    high: float
    age: float | None  # s since the last anchor; None: there was none yet


class Reach(NamedTuple):
    """A figure that must be reached."""

    what: str
    found: float
    least: float | None = None
    most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether it is."""
        return (self.least is None or self.found >= self.least) and (
            self.most is None or self.found <= self.most
        )


def judged_curves(made: Made) -> Chemistry:
    """Return what the counter may know of the cells of ``made``: not their own curve."""
    kind = chemistry(made.chemistry)
    if (own := KNOWN.get(made.curve)) is None:
        return kind
    return replace(kind, others=tuple(c for i, c in enumerate(kind.others) if i != own))


def judged(job: tuple[str, int, int]) -> list[Note]:
    """Let the pack of that scenario and number live for so many days, and count it."""
    scenario, number, days = job
    made = draw(scenario, number, days=days)
    kind = KINDS[made.chemistry]
    counter = SocCounter(judged_curves(made), nominal_ah=made.nominal_ah)
    counter.limits(PackLimits(cell_ovp=kind.ovp, cell_uvp=kind.uvp, nominal_ah=made.nominal_ah))
    notes: list[Note] = []
    last = -LOOK
    for at, elapsed, sample, true in lived(made):
        estimate = counter.feed(sample, elapsed)
        if estimate is not None and at - last >= LOOK:
            last = at
            notes.append(Note(at, true, estimate.value, estimate.low, estimate.high, estimate.anchor_age))
    return notes


def off(notes: Iterable[Note]) -> float:
    """Root of the mean square error, in %."""
    return math.sqrt(statistics.fmean((n.value - n.true) ** 2 for n in notes))


def covered(notes: Iterable[Note]) -> float:
    """Share of the looks, in %, in which the truth lay in the band."""
    return 100.0 * statistics.fmean(n.low <= n.true <= n.high for n in notes)


def width(notes: Iterable[Note]) -> float:
    """Median width of the band, in %."""
    return statistics.median(n.high - n.low for n in notes)


def upper_percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def after(notes: Iterable[Note]) -> list[Note]:
    """Those made after an anchor."""
    return [n for n in notes if n.age is not None]


def before(notes: Iterable[Note]) -> list[Note]:
    """Those made before the first."""
    return [n for n in notes if n.age is None]


def aged(notes: Iterable[Note], first: float, last: float) -> list[Note]:
    """Those whose anchor is from ``first`` to ``last`` days old."""
    return [n for n in notes if n.age is not None and first * DAY <= n.age <= last * DAY]


def figures(notes: Sequence[Note]) -> str:
    """Return RMSE, share of the looks in the band and median width as three cells of a table."""
    return f"{off(notes):.1f} | {covered(notes):.1f} | {width(notes):.1f}" if notes else "- | - | -"


def row(name: str, packs: Sequence[Sequence[Note]]) -> str:
    """Return a line of the table."""
    notes = [note for pack in packs for note in pack]
    anchored = [found for pack in packs if (found := after(pack))]
    low = [n for n in after(notes) if n.true <= LOW]
    worst = "-" if not anchored else f"{min(map(covered, anchored)):.0f}"
    near_empty = "-" if not low else f"{upper_percentile([n.value - n.true for n in low], 0.95):+.0f}"
    return (
        f"| {name} | {len(anchored)} of {len(packs)} | {figures(after(notes))} | {worst} "
        f"| {figures(before(notes))} | {near_empty} |"
    )


Found = dict[tuple[str, int], list[Note]]


def reaches(found: Found) -> list[Reach]:
    """Return the figures that must be reached, as far as these packs tell of them."""
    lfp = {key: notes for key, notes in found.items() if SCENARIOS[key[0]][0] == "lfp"}
    hostile = [n for (name, _), notes in lfp.items() if name != SMALL for n in notes]
    small = [n for (name, _), notes in lfp.items() if name == SMALL for n in notes]
    everyone = [n for notes in found.values() for n in notes]
    low = [n for n in after(everyone) if n.true <= LOW]
    by_scenario = {
        name: after([n for key, ns in found.items() if key[0] == name for n in ns]) for name, _ in found
    }
    usual = {name: ns for name, ns in by_scenario.items() if ns and name not in FAR_SHIFT}
    packs = [covered(a) for ns in found.values() if (a := after(ns))]
    watched = [covered(b) for ns in found.values() if len(b := [n for n in before(ns) if n.at > DAY]) > 48]
    list_: list[Reach] = []

    def add(what: str, notes: Sequence[object], value: object, **limits: float) -> None:
        if notes:
            list_.append(Reach(what, value(notes), **limits))  # type: ignore[operator]

    add("band true after an anchor, %", after(everyone), covered, least=95.0)
    add(
        "band true after an anchor, worst scenario, %",
        list(usual.values()),
        lambda s: min(map(covered, s)),
        least=90.0,
    )
    far = [ns for name in FAR_SHIFT if (ns := by_scenario.get(name))]
    add("the same, voltmeter 20 to 30 mV off, %", far, lambda s: min(map(covered, s)), least=80.0)
    add(
        "packs whose band is true 85 % of the time, %",
        packs,
        lambda p: 100 * statistics.fmean(x >= 85 for x in p),
        least=95.0,
    )
    add("band true before an anchor, %", before(everyone), covered, least=95.0)
    add("the same, worst pack watched for a day, %", watched, min, least=85.0)
    add("RMSE after an anchor", after(everyone), off, most=3.0)
    add("RMSE after an anchor, worst scenario", list(usual.values()), lambda s: max(map(off, s)), most=5.0)
    add("RMSE after an anchor, small errors", after(small), off, most=2.3)
    add("median width three days after an anchor", aged(hostile, 2.5, 3.5), width, most=20.0)
    add("the same, small errors", aged(small, 2.0, 4.0), width, most=15.0)
    add("band true two weeks and more after an anchor, %", aged(everyone, 14, 99), covered, least=90.0)
    add(
        "true 12 % and less: value above the truth, p95",
        low,
        lambda n: upper_percentile([x.value - x.true for x in n], 0.95),
        most=8.0,
    )
    add("true 12 % and less: band true, %", low, covered, least=95.0)
    return list_


def failing(found: Found) -> list[str]:
    """Return a line for each pack whose band is true less than 85 % of the time after an anchor."""
    lines = []
    for (name, number), notes in found.items():
        anchored = after(notes)
        if anchored and covered(anchored) < 85.0:
            made = draw(name, number, days=DAYS)
            error = statistics.fmean(n.value - n.true for n in anchored)
            lines.append(
                f"- {name}, pack {number}: true {covered(anchored):.0f} % of the time, value {error:+.1f} off on "
                f"average (cells of '{made.curve}', voltmeter {1000 * made.shift:+.0f} mV, "
                f"{made.capacity_ah / made.nominal_ah:.0%} of the capacity, gain {made.gain:.3f})"
            )
    return lines


def page(found: Found, first: int) -> list[str]:
    """Return the tables."""
    names = list(dict.fromkeys(name for name, _ in found))
    lines = [
        f"{len(found)} packs, {DAYS} days each, numbers from {first} on; {sum(map(len, found.values()))} looks.",
        "",
        "| what must hold | found | must be | |",
        "|---|---|---|---|",
    ]
    for one in reaches(found):
        must = f"at least {one.least:g}" if one.least is not None else f"at most {one.most:g}"
        lines.append(f"| {one.what} | {one.found:.1f} | {must} | {'' if one.reached else '**missed**'} |")
    lines += [
        "",
        "| packs | anchored | RMSE | band true, % | width | worst pack, % | before: RMSE | band true, % | width "
        "| near empty |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [row(name, [notes for key, notes in found.items() if key[0] == name]) for name in names]
    lines.append(row("all", list(found.values())))
    wide = [n.high - n.low > WIDE for n in before([n for notes in found.values() for n in notes])]
    if wide:
        lines += ["", f'Before an anchor {statistics.fmean(wide):.0%} of the looks say "not known yet".']
    bad = failing(found)
    lines += [
        "",
        "Packs whose band was true less than 85 % of the time:" if bad else "No pack below 85 %.",
        *([""] if bad else []),
        *bad,
    ]
    return lines


def main() -> int:
    """Judge, print, and write the page after a whole run."""
    parser = argparse.ArgumentParser(description="Judge the counted charge on hostile packs.")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="number of the first pack of each scenario"
    )
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO")
    given = parser.parse_args()
    wanted = given.scenario or list(SCENARIOS)
    if unknown := [name for name in wanted if name not in SCENARIOS]:
        print(f"scenario is {unknown[0]!r}; expected one of: {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    count = scaled(PACKS, least=1)
    jobs = [(name, number, DAYS) for name in wanted for number in range(given.first, given.first + count)]
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        notes = workers.map(judged, jobs)
        found = {(name, number): each for (name, number, _), each in zip(jobs, notes, strict=True)}
    lines = page(found, given.first)
    print("\n".join(lines))
    if count >= PACKS and not given.scenario:
        write_between(PAGE, BEGIN, END, lines)
    return 0 if all(one.reached for one in reaches(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
