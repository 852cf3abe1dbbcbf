"""How far the counted state of charge is from the truth; writes the tables of docs/truth.md.

    .venv/bin/python bench/soc.py [--first N] [--physics]

Packs drawn at random live four weeks each in our simulator (SOAK=20: 30 packs, else 3), and the
committed traces of PyBaMM are replayed; ``--physics`` makes new, longer ones first (an environment
under bench/.pybamm, several minutes). ``--first`` takes packs, and days of new traces, that nobody has
looked at. Exit code 1 when a figure is missed. The tables are only
written by a whole run (SOAK=20), so that a short one does not replace better numbers.
"""

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, write_between
from bench.soc_packs import (
    CELLS,
    LATEST,
    WARNINGS,
    Life,
    Note,
    Score,
    counted,
    counter_for,
    draw,
    live,
    lived,
    score,
    three_days_after,
)
from bench.soc_traces import own_curve, traced, traced_pack
from jk_bms.battery.low_charge import MOST_BELOW, OF_THE_DOUBT
from tests.scale import scaled

PACKS = 30
WEEKS = 4.0
PAGE = TOP / "docs" / "truth.md"
BEGIN, END = "<!-- bench/soc.py: from here", "<!-- bench/soc.py: to here -->"
TRACES = TOP / "tests" / "battery" / "data"
PYBAMM = TOP / "bench" / ".pybamm"
LOCK = TOP / "bench" / "pybamm-requirements.txt"
LONG = {"house": 14, "drive": 5}  # days of new traces
FRAMES = 20_000  # to time
SENSORS = 6  # times each trace is told, each time by another sensor
HEAD = (
    "| what | hours | RMSE | 95 % are within | worst | band holds the truth | median width |\n"
    "|---|---|---|---|---|---|---|"
)


def row(name: str, found: Score | None) -> str:
    """Return a line of a table."""
    if found is None:
        return f"| {name} | 0 | - | - | - | - | - |"
    return (
        f"| {name} | {found.hours:.0f} | {found.rmse:.1f} | {found.p95:.1f} | {found.worst:.1f} "
        f"| {found.covered:.1%} | {found.width:.1f} |"
    )


def before(notes: Iterable[Note]) -> list[Note]:
    """The notes made before the first anchor."""
    return [n for n in notes if not n.anchored]


def after(notes: Iterable[Note]) -> list[Note]:
    """The notes made after it."""
    return [n for n in notes if n.anchored]


def one(seed: int) -> Life:
    """Let the pack of ``seed`` live."""
    return live(draw(seed, WEEKS))


def late(warned: list[float]) -> int:
    """How many warnings came below a true 12 %."""
    return sum(w < LATEST for w in warned)


def low_warnings(
    warned: dict[float, list[float]], missed: dict[float, int], early: dict[float, int]
) -> list[str]:
    """Return a table of when low warnings came."""
    lines = [
        "Low warnings, by the true charge at which they came ("
        f"{MOST_BELOW:.0f} points below the value, or {OF_THE_DOUBT:.0%} of the way to the lower end of the band):",
        "",
        "| warns below | times | least | 5 % are below | half | 5 % are above | most "
        "| below 12 % or missed | above 35 % by a band below 20 points |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for at, each in warned.items():
        if each:
            five, half, most = (each[int(share * (len(each) - 1))] for share in (0.05, 0.5, 0.95))
            lines.append(
                f"| {at:.0f} % | {len(each)} | {each[0]:.0f} | {five:.0f} | {half:.0f} | {most:.0f} "
                f"| {each[-1]:.0f} | {late(each) + missed[at]} | {early[at]} |"
            )
    return lines


def simulated(seed: int) -> tuple[list[str], bool]:
    """Return the lines about packs drawn at random from ``seed`` on, and whether all figures are reached."""
    count = scaled(PACKS, least=3)
    with ProcessPoolExecutor() as workers:
        lives = list(workers.map(one, range(seed, seed + count)))
    notes = [n for life in lives for n in life.notes]
    warned = {at: sorted(w for life in lives for w in life.warnings[at]) for at in WARNINGS}
    early = {at: sum(life.early[at] for life in lives) for at in WARNINGS}
    missed = {at: sum(len(life.missed[at]) for life in lives) for at in WARNINGS}
    first, later, three = score(before(notes)), score(after(notes)), score(three_days_after(notes))
    each = sorted(s.rmse for life in lives if (s := score(after(life.notes))))
    lines = [
        f"{count} packs drawn at random, seeds from {seed} on, {WEEKS:.0f} weeks each "
        f"({CELLS} cells, 50 to 400 Ah, LFP):",
        "",
        HEAD,
        row("before the first anchor (BMS 20 points off)", first),
        row("after the first anchor", later),
        row("three days after an anchor", three),
        row("the BMS's own value, for comparison", score([n._replace(value=n.bms) for n in notes])),
        "",
        f"After its first anchor half of the packs have an RMSE below {each[len(each) // 2]:.1f}, the worst has"
        f" {each[-1]:.1f}. The largest change of the value from one sample to the next without a reason given"
        f" was {max(life.unexplained for life in lives):.2f} points.",
        "",
        *low_warnings(warned, missed, early),
    ]
    good = [
        judge("SoC RMSE before the first anchor", first.rmse if first else 0.0, 10.0),
        judge("SoC RMSE after the first anchor", later.rmse if later else math.inf, 2.0),
        judge(
            "truth outside the band after an anchor, %", 100 * (1 - later.covered) if later else 100.0, 5.0
        ),
        judge("truth outside the band three days after, %", 100 * (1 - three.covered) if three else 0.0, 5.0),
        judge("median width three days after an anchor", three.width if three else 0.0, 15.0),
        judge(
            "truth outside the band before any anchor, %", 100 * (1 - first.covered) if first else 0.0, 5.0
        ),
        *(
            judge(f"warnings at {at:.0f} % missed or below a true 12 %", late(warned[at]) + missed[at], 0.0)
            for at in WARNINGS
        ),
        *(
            judge(f"warnings at {at:.0f} % above a true 35 % by a band below 20 points", early[at], 0)
            for at in WARNINGS
        ),
        judge("change without a reason", max(life.unexplained for life in lives), 1.5),
    ]
    return lines, all(good)


def physics(folder: Path) -> tuple[list[str], bool]:
    """Return the lines about the traces in ``folder``, and whether the figures are reached."""
    lines, good = [HEAD], []
    for name in ("house", "drive"):
        path = folder / f"lfp_{name}.csv"
        for curve, words in ((None, "our curve"), (own_curve(path), "its own curve")):
            notes: list[Note] = []
            for seed in range(SENSORS):
                pack = traced_pack(seed, 20.0 if seed % 2 else -20.0)
                notes += counted(pack, traced(pack, path), curve).notes
            lines.append(row(f"{name}, {words}, before the first anchor", score(before(notes))))
            lines.append(row(f"{name}, {words}, after it", score(after(notes))))
            found = score(after(notes))
            if curve is not None:
                good.append(
                    judge(f"PyBaMM {name}, its own curve: RMSE after", found.rmse if found else math.inf, 3.0)
                )
            elif found:
                outside = 100.0 * (1.0 - found.covered)
                if folder == TRACES:
                    good.append(judge(f"PyBaMM {name}, our curve: RMSE after", found.rmse, 5.0))
                    good.append(judge(f"PyBaMM {name}, our curve: outside the band, %", outside, 5.0))
                else:
                    print(f"{f'PyBaMM {name}, our curve: RMSE after':<52} {found.rmse:8.2f}  for comparison")
                    print(f"{f'PyBaMM {name}, our curve: outside the band, %':<52} {outside:8.2f}  likewise")
    return lines, all(good)


def judge(what: str, value: float, most: float) -> bool:
    """Print a figure beside what it should reach."""
    print(f"{what:<52} {value:8.2f}  at most {most:<5g} {'ok' if value <= most else 'MISSED'}")
    return value <= most


def cost() -> bool:
    """Print what a frame costs on average, at two frames a second."""
    pack = draw(1, WEEKS)
    few = islice(lived(pack, 0.5), FRAMES)
    moments = [  # of a whole pack
        replace(s.sample, cell_voltages=s.sample.cell_voltages * 2, voltage=2.0 * (s.sample.voltage or 0.0))
        for s in few
    ]
    best = math.inf
    for _ in range(5):
        counter = counter_for(pack)
        begin = time.process_time()
        for sample in moments:
            counter.feed(sample, 0.5)
        best = min(best, (time.process_time() - begin) / len(moments))
    return judge("counting one frame, us", best * 1e6, 12.0)


def new_traces(seed: int) -> Path:
    """Make an environment with PyBaMM if there is none, and new traces of ``seed``; return their folder."""
    python = PYBAMM / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PYBAMM)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)]
        subprocess.run(pip, check=True)
    silent = os.environ | {"PYBAMM_DISABLE_TELEMETRY": "true"}
    for name, days in LONG.items():
        script, trace = TOP / "bench" / "soc_physics.py", PYBAMM / f"lfp_{name}.csv"
        command = [str(python), str(script), name, str(days), str(trace), str(seed)]
        subprocess.run(command, check=True, env=silent, stderr=subprocess.DEVNULL)
    return PYBAMM


def main() -> int:
    """Measure, print, write; 1 when a figure is missed."""
    parser = argparse.ArgumentParser(description="Judge the counted charge on our simulator and on PyBaMM.")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="seed of the first pack and of new traces"
    )
    parser.add_argument("--physics", action="store_true", help="make new traces with PyBaMM")
    given = parser.parse_args()
    cheap = cost()
    theirs, also_good = physics(new_traces(given.first) if given.physics else TRACES)
    ours, good = simulated(given.first)
    print("\n".join(["", *ours, "", *theirs]))
    if scaled(20) >= 20:
        new = f"new traces of 14 and 5 days, seed {given.first}"
        source = new if given.physics else "the committed traces"
        told = f"Replayed: {source} of PyBaMM (SPMe, Prada2013), each told by {SENSORS} wrong sensors."
        write_between(PAGE, BEGIN, END, [*ours, "", told, "", *theirs])
    return 0 if good and also_good and cheap else 1


if __name__ == "__main__":
    sys.exit(main())
