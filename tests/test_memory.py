"""What the poller remembers, in this process: kills and full disks, with real files and packs."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import load_settings
from jk_bms.model import Device, Sample
from jk_bms.poller.memory import Memory
from jk_bms.protocol import to_sample
from jk_bms.simulator import SimulatedBms
from jk_bms.sinks import history as sinking
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.history_query import samples
from jk_bms.store.journal import NAME as JOURNAL

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF")
SILENT = Device(address="AA:BB:CC:DD:EE:00", number=2)
STEP = 10.0  # s, two periods: each frame is a row


@pytest.fixture(scope="module")
def day() -> list[Sample]:
    """A day of a simulated house over midnight."""
    return made_day(int(86_400 / STEP))


def made_day(frames: int) -> list[Sample]:
    """The first frames of that day."""
    bms = SimulatedBms(start=NOON)
    found = []
    for n in range(frames):
        bms.advance(STEP)
        at = n * STEP
        found.append(
            to_sample(bms.cell_info(), device=PACK, taken_at=NOON + timedelta(seconds=at), monotonic=at)
        )
    return found


class House:
    """A memory on the files of ``folder``; ``with`` it ends as if it had been killed."""

    def __init__(self, folder: Path, *, confirmed: bool = False, capacity: str = "280") -> None:
        folder.mkdir(exist_ok=True)
        settings = load_settings({"TIMEZONE": "UTC"}, top=folder)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.writer = ThreadPoolExecutor(1)
        entries = [
            Entry(address=pack.address, type="jk", options={"capacity_ah": capacity})
            for pack in (PACK, SILENT)
        ]
        self.memory = Memory(
            settings,
            entries,
            Clock(),
            writer=self.writer,
            report=self._report,
            confirmed=lambda: confirmed,
        )
        self.own = open_writer(settings.bms_db_path, Clock())
        self.memory.open(self.own)

    def full(self, full: bool) -> None:
        """Let the disk be full, or have room again."""
        pages = self.own._connection.execute("PRAGMA page_count").fetchone()[0] if full else 1_000_000
        self.own._connection.execute(f"PRAGMA max_page_count = {pages}")

    async def live(self, some: list[Sample], every: int = 12) -> list[bool]:
        """Take frames with a commit now and then; return which of these worked."""
        worked = []
        for n, sample in enumerate(some, 1):
            self.memory.take(sample)
            if n % every == 0:
                worked.append(await self.memory.commit())
        return worked

    def states(self, device: Device = PACK) -> tuple[Any, Any]:
        """All that is known of a pack."""
        pack = self.memory._pack(device.address)
        return pack.state(), pack.learnt()

    def _report(self, kind: str, device: Device | None, text: str, **facts: Any) -> None:
        self.told.append((kind, facts))


@contextmanager
def house_in(folder: Path, *, confirmed: bool = False, capacity: str = "280") -> Iterator[House]:
    house = House(folder, confirmed=confirmed, capacity=capacity)
    try:
        yield house
    finally:
        house.memory._journal.close()
        house.own.close()
        house.writer.shutdown()


def rows_of(own: BmsDb) -> list[float]:
    """Times of all rows, in s since noon."""
    found = samples(own, PACK.address, NOON, NOON + timedelta(days=9))
    return [(row.taken_at - NOON).total_seconds() for row in found]


def numbers(states: tuple[Any, Any]) -> tuple[Any, Any]:
    """The same without what a restart may change: nothing is metered over it."""
    state, learnt = states
    fewer = {part: value for part, value in state.items() if part not in ("meters", "runtime")}
    return fewer, {part: value for part, value in learnt.items() if part != "days"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, day: list[Sample]) -> tuple[Any, Any]:
    """What is known after that day to a poller that nothing disturbs."""
    with house_in(tmp_path_factory.mktemp("whole") / "house") as whole:
        asyncio.run(whole.live(day, every=720))
        return whole.states()


@pytest.mark.long
async def test_a_kill_at_any_time_changes_no_number(
    tmp_path: Path, day: list[Sample], expected: tuple[Any, Any]
) -> None:
    """What is written each minute and what is written seldom fit together after each kill."""
    at = 0
    while at < len(day):
        length = 1577 + at % 1000
        with house_in(tmp_path / "killed") as house:
            await house.live(day[at : at + length], every=60)
        at += length

    with house_in(tmp_path / "killed") as house:
        assert numbers(house.states()) == numbers(expected)
        meters, through = (each[0]["meters"]["sums"] for each in (house.states(), expected))
        assert meters == pytest.approx(through, rel=0.01)
        assert await house.memory.commit()
        assert rows_of(house.own) == [n * STEP for n in range(len(day) - 1)]


@pytest.mark.long
async def test_a_disk_that_is_full_for_long_costs_nothing(
    tmp_path: Path, day: list[Sample], expected: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor journal grow with the time that it lasts, nor does a kill meanwhile hurt."""
    monkeypatch.setattr(sinking, "JOURNAL_MOST", 100_000)
    with house_in(tmp_path) as house:
        assert all(await house.live(day[:500], every=100))
        house.full(True)
        assert not any(await house.live(day[500:4500], every=100))
        journal = house.memory._journal
        assert journal.size < 200_000
        assert journal.path.stat().st_size < 500_000
        assert (journal.path.parent / "samples.waiting").exists()
    for first, last in ((4500, 4501), (4501, 6000), (6000, 6010)):
        with house_in(tmp_path) as house:  # killed, and the disk still full
            house.full(True)
            assert not any(await house.live(day[first:last], every=100))
            assert not await house.memory.commit()
    with house_in(tmp_path) as house:
        await house.live(day[6010:], every=1000)
        assert await house.memory.commit()
        assert not (tmp_path / "samples.waiting").exists()
        assert numbers(house.states()) == numbers(expected)
        assert rows_of(house.own) == [n * STEP for n in range(len(day) - 1)]
        assert "history.lost" not in dict(house.told)

    with house_in(tmp_path) as house:
        assert numbers(house.states()) == numbers(expected)


async def test_what_was_committed_is_not_put_back(
    tmp_path: Path, day: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill between the commit and the removal of the file of what waits."""
    monkeypatch.setattr(sinking, "JOURNAL_MOST", 10_000)
    with house_in(tmp_path) as house:
        waiting = house.memory._journal.path.with_name("samples.waiting")
        house.full(True)
        await house.live(day[:600])
        left = waiting.read_bytes()
        house.full(False)
        await house.live(day[600:1200])
        expected = house.states()
    waiting.write_bytes(left)

    with house_in(tmp_path) as house:
        assert not waiting.exists()
        assert house.states() == expected
        assert rows_of(house.own) == [n * STEP for n in range(1199)]


@pytest.mark.long
async def test_the_oldest_rows_go_when_too_many_wait_but_no_counter(
    tmp_path: Path, day: list[Sample], expected: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted, and told once something can be written again."""
    monkeypatch.setattr(sinking, "ROWS_MOST", 2000)
    with house_in(tmp_path) as house:
        house.full(True)
        await house.live(day[:4000], every=100)
        house.full(False)
        await house.live(day[4000:], every=100)
        await house.memory.commit()

        rows = rows_of(house.own)
        [lost] = [facts["rows"] for kind, facts in house.told if kind == "history.lost"]
        assert 1900 <= lost <= 2800
        assert len(rows) + lost == len(day) - 1
        assert rows == [n * STEP for n in range(lost, len(day) - 1)]
        assert house.states() == expected


async def test_a_database_that_is_lost_in_use_gets_all_that_counts(tmp_path: Path, day: list[Sample]) -> None:
    """Also what is known of a pack that does not speak any more; the rows of before are in the file put aside."""
    with house_in(tmp_path) as house:
        await house.live([msgspec.structs.replace(sample, device=SILENT) for sample in day[:600]])
        await house.live(day[600:1200])
        silent = house.states(SILENT)
        house.own._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with house.own.path.open("r+b") as file:
            file.write(b"\xff" * house.own.path.stat().st_size)
        house.own._connection.execute("PRAGMA cache_size = 0")

        assert all(await house.live(day[1200:1224]))
        expected = house.states()

    with house_in(tmp_path) as house:
        assert len(list(tmp_path.glob("bms.db.damaged-*"))) == 1
        assert house.states(SILENT) == silent
        assert house.states() == expected
        assert rows_of(house.own) == [n * STEP for n in range(1199, 1223)]
        assert house.own._rows("SELECT count(*) FROM boots") == [(1,)]


async def test_no_frame_is_skipped_at_a_kill_after_a_power_cut(tmp_path: Path, day: list[Sample]) -> None:
    """The power cut took the journal; the database knows the numbers of the frames before it."""
    with house_in(tmp_path) as house:
        await house.live(day[:600], every=100)
    (tmp_path / JOURNAL).unlink()
    with house_in(tmp_path) as house:
        for sample in day[600:700]:
            house.memory.take(sample)

    with house_in(tmp_path) as house:
        await house.live(day[700:702], every=1)
        assert rows_of(house.own) == [n * STEP for n in range(701)]


async def test_only_a_frame_of_now_is_dated_by_who_confirms_the_clock_now(
    tmp_path: Path, day: list[Sample]
) -> None:
    """Those of the journal may have been taken under another time."""
    with house_in(tmp_path) as first:
        first.memory.take(day[0])

    with house_in(tmp_path, confirmed=True) as second:
        assert second.states()[0]["clock"]["sure"] is False
        second.memory.take(day[1])
        assert second.states()[0]["clock"]["sure"] is True


async def test_a_capacity_corrected_in_the_registry_is_counted_with(
    tmp_path: Path, day: list[Sample]
) -> None:
    with house_in(tmp_path) as first:
        await first.live(day[:24])
        assert first.states()[0]["soc"]["nominal_ah"] == 280.0

    with house_in(tmp_path, capacity="230") as second:
        second.told.clear()
        await second.live(day[24:36])

        assert [kind for kind, _ in second.told] == ["soc.jump"]
        state = second.states()[0]
        assert (state["soc"]["nominal_ah"], state["health"]["capacity"]) == (230.0, 230.0)
