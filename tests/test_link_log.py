"""What is remembered of links over restarts: one outage is one row, however many runs it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jk_bms.clock import Mark
from jk_bms.errors import Verdict
from jk_bms.model import Device
from jk_bms.model.link import LinkStatus
from jk_bms.model.outage import OutageRecord
from jk_bms.poller.link_log import LinkLog
from jk_bms.repair.ladder import Rung
from jk_bms.repair.shared import SharedRepair
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.outages import newest_outages
from tests.sources.scripted import StillClock

PACK = Device(address="AA", name="shed")
NIGHT = 8 * 3600.0  # s


class Life:
    """One battery over many runs; times are s since the first good frame."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bms.db"
        self.clock = StillClock()
        self.boot = "boot-1"
        self.heard: Mark | None = None
        self.begin = self.clock.wall
        self.hear()

    def hear(self) -> None:
        """A good frame comes."""
        self.heard = Mark(self.boot, self.clock.boot, self.clock.wall)

    def wait(self, seconds: float) -> None:
        self.clock.boot += seconds
        self.clock.wall += timedelta(seconds=seconds)

    def reboot(self, away: float) -> None:
        self.wait(away)
        self.boot = f"{self.boot}+"
        self.clock.boot = 20.0

    @contextmanager
    def run(self) -> Iterator["Run"]:
        """A run of the program."""
        with open_writer(self.path, self.clock) as own:
            yield Run(self, own)

    def rows(self) -> list[OutageRecord]:
        with open_writer(self.path, self.clock) as own:
            return newest_outages(own)

    def at(self, seconds: float) -> datetime:
        return self.begin + timedelta(seconds=seconds)


class Run:
    """One run: what its source and its poller tell."""

    def __init__(self, life: Life, own: BmsDb) -> None:
        self.life = life
        self.own = own
        self.status = LinkStatus()
        self._began = life.clock.boot

        def write(change: Callable[[BmsDb], object]) -> None:
            change(own)

        source: Any = SimpleNamespace(device=PACK, status=self.status)
        self.log = LinkLog(SharedRepair(0.0), life.clock, life.boot, write)
        self.log.open(own, [source], lambda _: life.heard)

    def fails(self, verdict: Verdict = Verdict.NOT_SEEN, *, attempts: int = 1, **values: Any) -> None:
        """An attempt failed; the outage of this run began with it, or with the last frame it heard."""
        clock = self.life.clock
        lasted = clock.boot - self._began
        self.log.outage(
            OutageRecord(
                **{
                    "device": PACK.address,
                    "began": clock.now() - timedelta(seconds=lasted),
                    "monotonic": self._began,
                    "clock_trusted": clock.trusted(),
                    "lasted": lasted,
                    "over": False,
                    "verdict": verdict,
                    "message": f"it is {verdict}",
                    "causes": (),
                    "rungs": (),
                    "cure": None,
                    "attempts": attempts,
                    "relapses": 0,
                    **values,
                }
            )
        )

    def hears(self, failures: int = 0) -> None:
        """Data again; after so many failed attempts the outage is over when that has settled."""
        self.life.hear()
        self.log.happened("link.up", PACK, {"failures": failures})
        if failures:
            self.fails(attempts=failures, over=True, cure="reconnect")
        self._began = self.life.clock.boot

    def ends(self, rung: Rung = Rung.NONE) -> None:
        self.log.ended_by = rung
        self.log.keep()


def test_an_outage_over_our_own_fresh_starts_is_one_row(tmp_path: Path) -> None:
    """It begins with the last good frame, counts on, and keeps what was tried in each run."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(600)
        run.fails(Verdict.ADAPTER_WEDGED, attempts=9, rungs=(("power_cycle", 60.0, True),))
        run.ends(Rung.EXIT)
    for _ in range(2):
        life.wait(10)
        with life.run() as run:
            assert run.log.heard("AA") == life.clock.boot - run.status.outage_before
            life.wait(600)
            run.fails(attempts=5, rungs=(("power_cycle", 400.0, False),))
            run.ends(Rung.EXIT)
    (row,) = life.rows()
    assert (row.began, row.lasted, row.over) == (life.at(0), 1820, False)
    assert (row.verdict, row.attempts) == (Verdict.ADAPTER_WEDGED, 19)
    assert row.rungs == (
        ("power_cycle", 60.0, True),
        ("exit", 600.0, True),
        ("power_cycle", 1010.0, False),
        ("exit", 1210.0, True),
        ("power_cycle", 1620.0, False),
    )

    life.wait(10)
    with life.run() as run:
        assert run.status.outage_before == 1830
        life.wait(5)
        run.hears()
        assert run.status.outage_before == 0
        assert run.status.last_outage is not None
        assert (run.status.last_outage.lasted, run.status.last_outage.cure) == (1835, "exit")

    (row,) = life.rows()
    assert (row.over, row.cure, row.lasted, row.began) == (True, "exit", 1835, life.at(0))


@pytest.mark.parametrize(
    ("ended", "failures", "cure"),
    [
        (Rung.EXIT, 1, "exit"),
        (Rung.REBOOT, 0, "reboot"),
        (Rung.EXIT, 2, "reconnect"),
        (Rung.NONE, 0, "reconnect"),
    ],
)
def test_what_helped(tmp_path: Path, ended: Rung, failures: int, cure: str) -> None:
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(600)
        run.fails()
        run.ends(ended)
    life.wait(10)
    with life.run() as run:
        life.wait(20)
        run.hears(failures)

    (row,) = life.rows()
    assert (row.over, row.cure, row.lasted) == (True, cure, 630)


@pytest.mark.parametrize(
    ("earlier", "later", "cause"),
    [
        (Verdict.NOT_SEEN, Verdict.NOT_SEEN, "out_of_range"),
        (Verdict.DROPPED, Verdict.NOT_SEEN, "phone_connected"),
        (Verdict.NOT_SEEN, Verdict.DROPPED, "out_of_range"),
    ],
)
def test_what_was_heard_before_a_restart_tells_the_cause(
    tmp_path: Path, earlier: Verdict, later: Verdict, cause: str
) -> None:
    """A new run did not hear how weak it was before it went away."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(60)
        run.fails(earlier, causes=(("out_of_range", 0.5),))
    with life.run() as run:
        run.fails(later, causes=(("phone_connected", 0.38),))

    (row,) = life.rows()
    assert row.causes[0][0] == cause


def test_a_kill_before_the_outage_was_noticed(tmp_path: Path) -> None:
    """It began with the last good frame all the same; a short restart without trouble is none."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
    life.wait(12)
    with life.run() as run:
        life.wait(8)
        run.fails()
    (row,) = life.rows()
    assert (row.began, row.lasted, row.attempts) == (life.at(0), 20, 1)

    with life.run() as run:
        run.hears()
    life.wait(12)
    with life.run() as run:
        run.hears()
    assert [row.over for row in life.rows()] == [True]


def test_who_was_switched_off_had_no_outage(tmp_path: Path) -> None:
    """The first failed attempt in the morning is a short outage of its own."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
    life.reboot(away=NIGHT)
    with life.run() as run:
        assert run.log.heard("AA") == 20 - NIGHT
        life.wait(5)
        run.fails()

    (row,) = life.rows()
    assert (row.began, row.lasted) == (life.at(NIGHT), 5)


@pytest.mark.parametrize(("trusted", "lasted"), [(True, 3600 + 60 + 5), (False, 60 + 5)])
def test_another_boot(tmp_path: Path, trusted: bool, lasted: float) -> None:
    """Where a clock was wrong nobody knows how long the machine was off: it lasted at least what was seen."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(60)
        run.fails()
    life.reboot(away=3600)
    right = life.clock.wall
    if not trusted:
        life.clock.wall = datetime.fromtimestamp(0, right.tzinfo)
    with life.run() as run:
        assert (run.log.heard("AA") is not None) is trusted
        life.wait(5)
        run.fails()
        (row,) = newest_outages(run.own)
        assert (row.began, row.lasted, row.attempts) == (life.at(0), lasted, 2)

        life.clock.wall = right + timedelta(seconds=5)
        run.log.clock_set()
        assert run.status.outage_before == 3660


def test_what_was_over_before_the_run_ended(tmp_path: Path) -> None:
    """Data came again, but the run ended before that had settled: it is over as it was known, and no more is added."""
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(60)
        run.fails()
        life.wait(10)
        life.hear()  # and is killed
    life.wait(NIGHT)
    with life.run() as run:
        assert (run.status.outage_before, run.status.last_outage is not None) == (0, True)
        run.fails()

    new, old = life.rows()
    assert (old.over, old.cure, old.lasted) == (True, "reconnect", 60)
    assert (new.over, new.began) == (False, life.at(70 + NIGHT))


def test_a_release_ends_an_earlier_outage_too(tmp_path: Path) -> None:
    life = Life(tmp_path)
    with life.run() as run:
        run.hears()
        life.wait(60)
        run.fails()
    with life.run() as run:
        life.wait(5)
        run.log.happened("link.released", PACK, {})
        life.wait(600)
        run.fails(began=life.clock.wall, monotonic=life.clock.boot, lasted=0.0)

    new, old = life.rows()
    assert (old.over, old.cure, old.lasted) == (True, None, 65)
    assert (new.over, new.began) == (False, life.at(665))


def test_a_battery_that_never_spoke(tmp_path: Path) -> None:
    """It is silent since the first look for it."""
    life = Life(tmp_path)
    life.heard = None
    with life.run() as run:
        assert (run.log.heard("AA"), run.log.silent_since("AA")) == (None, None)
        life.wait(600)
        run.fails()
        run.ends(Rung.EXIT)
    with life.run() as run:
        assert run.log.heard("AA") is None  # it has no last frame
        assert run.log.silent_since("AA") == life.clock.boot - 600
        life.wait(600)
        run.fails()

    (row,) = life.rows()
    assert (row.began, row.lasted) == (life.at(0), 1200)
