"""The machine: room on the disk, jumps of the clock, a last run that ended without a word."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jk_bms.alerts.host import HostWatch
from jk_bms.model import Event
from jk_bms.store.bms_db import BmsDb, open_writer
from tests.sources.scripted import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def own(tmp_path: Path, clock: StillClock) -> Iterator[BmsDb]:
    with open_writer(tmp_path / "bms.db", clock) as store:
        yield store


def watch(own: BmsDb, clock: StillClock, why: str = "") -> HostWatch:
    made = HostWatch(own.path, clock, failure=lambda: why)
    made.open(own)
    return made


def note(own: BmsDb, clock: StillClock, kind: str, **facts: object) -> None:
    own.append(Event(kind=kind, taken_at=clock.now(), monotonic=clock.monotonic(), facts=facts))


async def test_an_ordinary_look(own: BmsDb, clock: StillClock) -> None:
    host = watch(own, clock)
    clock.boot += 60
    clock.wall += timedelta(seconds=60)

    view = await host.look()

    assert view.disk_free is not None
    assert 0 < view.disk_free < 1
    assert view.disk_path == str(own.path.parent)
    assert (view.clock_step, view.database_failing, view.started_after_crash) == (None, 0.0, False)
    assert view.uptime == 60


async def test_jumps_of_the_clock(own: BmsDb, clock: StillClock) -> None:
    host = watch(own, clock)
    steps = []
    for wall, boot in ((60, 60), (60, 60), (3660, 60), (-3540, 60)):
        clock.wall += timedelta(seconds=wall)
        clock.boot += boot
        steps.append((await host.look()).clock_step)

    assert steps == [None, 0.0, 3600.0, -3600.0]


async def test_a_clock_that_is_set_right_after_the_start_did_not_jump(own: BmsDb, clock: StillClock) -> None:
    right = clock.wall
    clock.wall -= timedelta(days=365 * 50)
    host = watch(own, clock)
    await host.look()
    clock.wall = right

    assert (await host.look()).clock_step is None


async def test_how_long_nothing_could_be_written(own: BmsDb, clock: StillClock) -> None:
    host = watch(own, clock, "the disk is full")
    await host.look()
    clock.boot += 60

    view = await host.look()

    assert (view.database_failing, view.database_error) == (60.0, "the disk is full")


@pytest.mark.parametrize(
    ("life", "crashed"),
    [
        ([], False),
        (["service.start", "service.stop"], False),
        (["service.start"], True),
        (["service.start", "link.up", "alert.raised"], True),
        (["service.start", "service.silent", "service.stop"], False),
        (["service.start", "service.silent"], True),
    ],
)
def test_how_the_last_run_ended(life: list[str], crashed: bool, own: BmsDb, clock: StillClock) -> None:
    for kind in life:
        note(own, clock, kind)

    assert watch(own, clock).crashed is crashed


def test_a_service_that_dies_each_minute_is_told_of_once_an_hour(own: BmsDb, clock: StillClock) -> None:
    note(own, clock, "service.start")
    told = 0
    for _ in range(120):
        clock.wall += timedelta(minutes=1)
        crashed = watch(own, clock).crashed
        told += crashed
        note(own, clock, "service.start", **({"after_crash": True} if crashed else {}))

    assert told == 2
