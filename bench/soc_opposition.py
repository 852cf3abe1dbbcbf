"""How the counted charge does on packs that share nothing with our simulator or our curves.

    .venv/bin/python bench/soc_opposition.py [SCENARIO ...]

Packs of bench/soc_family.py, by scenario, the worst pack of each named; SOAK=20: twelve packs for each
scenario, else one. It only tells: nothing is written, and no figure is demanded yet.
"""

import math
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.soc_family import DAY, KINDS, SCENARIOS, draw, lived
from jk_bms.battery.chemistry import chemistry
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.soc import SocCounter
from tests.scale import scaled

PACKS = 12  # for each scenario
DAYS = 30
LOOK = 900.0  # s between two looks of the judge
LOW = 12.0  # %


class Note(NamedTuple):
    """One look of the judge."""

    true: float
    value: float
    low: float
    high: float
    age: float | None  # s since the last anchor; None: there was none yet


def judged(job: tuple[str, int]) -> list[Note]:
    """Let the pack of that scenario and number live, and count it."""
    made = draw(*job, days=DAYS)
    kind = KINDS[made.chemistry]
    counter = SocCounter(chemistry(made.chemistry), nominal_ah=made.nominal_ah)
    counter.limits(PackLimits(cell_ovp=kind.ovp, cell_uvp=kind.uvp, nominal_ah=made.nominal_ah))
    notes: list[Note] = []
    last = -LOOK
    for at, elapsed, sample, true in lived(made):
        estimate = counter.feed(sample, elapsed)
        if estimate is not None and at - last >= LOOK:
            last = at
            notes.append(Note(true, estimate.value, estimate.low, estimate.high, estimate.anchor_age))
    return notes


def figures(notes: Sequence[Note]) -> str:
    """Return RMSE, share of the looks in the band and median width as columns."""
    if not notes:
        return f"{'-':>6}{'-':>7}{'-':>6}"
    rmse = math.sqrt(statistics.fmean((n.value - n.true) ** 2 for n in notes))
    return f"{rmse:6.1f}{covered(notes):7.1f}{statistics.median(n.high - n.low for n in notes):6.1f}"


def covered(notes: Sequence[Note]) -> float:
    """Share of the looks, in %, in which the truth lay in the band."""
    return 100.0 * statistics.fmean(n.low <= n.true <= n.high for n in notes)


def row(name: str, packs: Sequence[Sequence[Note]]) -> str:
    """Return a line of the table."""
    notes = [note for pack in packs for note in pack]
    after = [n for n in notes if n.age is not None]
    three_days = [n for n in after if n.age is not None and 2.5 * DAY <= n.age <= 3.5 * DAY]
    low = [n for n in after if n.true <= LOW]
    anchored = [[n for n in pack if n.age is not None] for pack in packs]
    worst = min((covered(pack) for pack in anchored if pack), default=None)
    return (
        f"{name:<28}{figures(after)}{'-' if worst is None else f'{worst:.0f}':>7}  |{figures(three_days)}  |"
        f"{figures([n for n in notes if n.age is None])}  |{figures(low)}  |"
        f"{sum(map(bool, anchored)):3} of {len(packs)}"
    )


def main() -> int:
    """Judge and print."""
    wanted = sys.argv[1:] or list(SCENARIOS)
    if unknown := [name for name in wanted if name not in SCENARIOS]:
        print(f"scenario is {unknown[0]!r}; expected one of: {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    jobs = [(name, number) for name in wanted for number in range(scaled(PACKS, least=1))]
    with ProcessPoolExecutor() as workers:
        found = dict(zip(jobs, workers.map(judged, jobs), strict=True))
    print(
        f"{'':28}{'after an anchor':>26}  |{'three days after':>19}  |{'before':>19}  |{'true <= 12 %':>19}"
    )
    print(
        f"{'scenario':<28}"
        + f"{'RMSE':>6}{'cover':>7}{'width':>6}{'worst':>7}  |"
        + f"{'RMSE':>6}{'cover':>7}{'width':>6}  |" * 3
    )
    for name in wanted:
        print(row(name, [notes for (each, _), notes in found.items() if each == name]))
    print(row("all", list(found.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
