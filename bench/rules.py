"""What the rules cost: one frame of a healthy pack before all of them, and one with an alert open.

    .venv/bin/python bench/rules.py

Frames come twice a second, so that 40 us are less than a ten-thousandth of one core.
"""

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import Sheet
from jk_bms.rules import example
from jk_bms.rules.base import Moment, PackView
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options

LOOKS, ROUNDS = 4000, 15
BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
MOMENTS = [Moment(0.5 * n, BEGIN + timedelta(seconds=0.5 * n)) for n in range(LOOKS)]


def microseconds(view: PackView) -> float:
    """Return the CPU time of one look, the median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        engine = Engine(Options())
        begin = time.process_time()
        for moment in MOMENTS:
            engine.look("pack", view, moment)
        taken.append((time.process_time() - begin) / LOOKS * 1e6)
    return statistics.median(taken)


def main() -> int:
    """Measure and print; return the exit code."""
    sheet = Sheet()
    sheet.figure("all rules on a healthy pack, us", microseconds(example.pack()), most=40, digits=1)
    troubled = example.pack(**example.with_cell(7, 3.64, 3.46), current=10.0)
    sheet.figure("the same with three alerts open, us", microseconds(troubled), most=60, digits=1)
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
