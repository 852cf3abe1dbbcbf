"""kill -9 at any moment: no frame is lost, none counts twice."""

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jk_bms.sinks.period import Period
from jk_bms.store.history import HistoryStore
from jk_bms.store.history_query import samples
from tests.scale import scaled
from tests.sinks.history_process import AT, COMMIT, PACKS, House

ROOT = Path(__file__).resolve().parents[2]


def run_and_kill(folder: Path, first: int, after: float) -> int:
    """Let the process work for ``after`` s from its first frame on; return the last frame it said it took."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sinks.history_process", str(folder), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    time.sleep(after)  # a random moment is the point
    process.kill()
    rest = process.stdout.read().split("\n")  # the last line is torn, or empty
    process.wait()
    assert line, "it ended by itself"
    return int(rest[-2]) if len(rest) > 1 else int(line)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_kills_cost_nothing(tmp_path: Path) -> None:
    """After each kill the next process finds every frame that was said to be taken."""
    random.seed(11)
    first = 0
    for _ in range(scaled(1000)):
        last = run_and_kill(tmp_path, first, random.uniform(0, 0.03))
        first = last + 1
        # A frame may be in the journal that could not be said any more.
        house = House(tmp_path)
        taken = sum(toy.frames for toy in house.toys.values())
        assert taken in (first, first + 1)
        first = taken
        for index, pack in enumerate(PACKS):
            mine = range(index, first, 2)
            assert house.toys[pack.address].state() == {
                "frames": len(mine),
                "total": sum(n * n for n in mine),
            }
            assert house.toys[pack.address].learnt() == {"sevens": len(mine) // 7}
        house.journal.close()
        house.own.close()
    assert first > COMMIT
    house = House(tmp_path)
    house.commit()
    for index, pack in enumerate(PACKS):
        rows = list(samples(house.own, pack.address, AT, AT + timedelta(days=99)))
        begun = HistoryStore(house.own).counters()[pack.address].begun
        left = Period.restored(begun.split(b"\n", 1)[1], pack).frames if begun else 0
        assert sum(row.values["frames"] for row in rows) + left == len(range(index, first, 2))
        assert all(row.values["frames"] == 5 for row in rows)
    house.journal.close()
    house.own.close()
