"""Outages in bms.db: one row each, however often it is written, with its true time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from jk_bms.model.outage import OutageRecord
from jk_bms.store.bms_db import open_writer
from jk_bms.store.outages import correct_outage_times, newest_outages, open_outages, put_outage
from tests.sources.scripted import StillClock

BEGAN = OutageRecord(
    device="AA",
    began=datetime(2026, 12, 1, 11, 50, tzinfo=UTC),
    monotonic=400.0,
    clock_trusted=True,
    lasted=5.0,
    over=False,
    verdict="dropped",
    message="the link dropped",
    causes=(("link_lost", 0.6), ("weak_signal", 0.2)),
    rungs=(),
    cure=None,
    attempts=1,
    relapses=0,
)
OVER = msgspec.structs.replace(
    BEGAN,
    over=True,
    lasted=65.0,
    verdict="stale_cache",
    cure="forget",
    rungs=(("forget", 60.0, True),),
    attempts=3,
)


def test_one_row_for_an_outage(tmp_path: Path) -> None:
    """What is known of it grows; others are left alone."""
    other = msgspec.structs.replace(BEGAN, device="BB", began=BEGAN.began + timedelta(hours=1))
    with open_writer(tmp_path / "bms.db", StillClock()) as own:
        for record in (BEGAN, other, OVER):
            put_outage(own, record, "boot-1")

        assert newest_outages(own) == [other, OVER]
        assert newest_outages(own, "AA") == [OVER]
        assert newest_outages(own, limit=1) == [other]


def test_what_was_left_open(tmp_path: Path) -> None:
    """The newest first, each with its boot."""
    later = msgspec.structs.replace(BEGAN, began=BEGAN.began + timedelta(hours=1), monotonic=4000.0)
    with open_writer(tmp_path / "bms.db", StillClock()) as own:
        put_outage(own, BEGAN, "boot-1")
        put_outage(own, later, "boot-2")
        put_outage(own, msgspec.structs.replace(later, monotonic=5000.0, over=True), "boot-2")
        put_outage(own, msgspec.structs.replace(BEGAN, device="BB"), "boot-1")

        assert open_outages(own, "AA") == [("boot-2", later), ("boot-1", BEGAN)]


def test_times_of_a_wrong_clock_are_corrected(tmp_path: Path) -> None:
    clock = StillClock()
    wrong = msgspec.structs.replace(BEGAN, began=datetime(1970, 1, 1, tzinfo=UTC), clock_trusted=False)
    with open_writer(tmp_path / "bms.db", clock) as own:
        put_outage(own, wrong, "boot-1")
        put_outage(own, msgspec.structs.replace(wrong, device="BB"), "boot-0")

        correct_outage_times(own, clock, "boot-1")

        assert newest_outages(own, "AA")[0].began == clock.wall - timedelta(seconds=600)
        assert newest_outages(own, "AA")[0].clock_trusted
        assert not newest_outages(own, "BB")[0].clock_trusted  # another boot: nobody knows
