"""Events and the state that says they were told reach the disk together, and sooner or later always."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.alerts import outbox
from jk_bms.alerts.outbox import Outbox
from jk_bms.errors import StoreError
from jk_bms.model import Event
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.states import put_states, read_state
from tests.scale import PATIENCE
from tests.sources.scripted import StillClock


def event(number: int) -> Event:
    clock = StillClock()
    return Event(kind="alert.raised", taken_at=clock.now(), monotonic=1.0, text=str(number))


class Bed:
    """An outbox on a real database, and what came out of it."""

    def __init__(self, folder: Path) -> None:
        self.own: BmsDb = open_writer(folder / "bms.db", StillClock())
        self.state: dict[str, Any] = {"told": 0}
        self.told: list[str] = []
        self.flushed: list[int] = []
        self.flush: Callable[[], Any] = self._flush
        self.writer = ThreadPoolExecutor(1)
        self.outbox = Outbox(
            "alerts",
            state=lambda: dict(self.state),
            writer=self.writer,
            flush=lambda: self.flush(),
            told=lambda event: self.told.append(event.text),
        )
        self.outbox.open(self.own)

    async def _flush(self) -> None:
        self.flushed.append(len(self.written()))

    def written(self) -> list[str]:
        return [event.text for _, event in self.own.events_after(0)]

    def add(self, *numbers: int, **options: Any) -> None:
        self.state["told"] = numbers[-1]
        self.outbox.add([event(number) for number in numbers], **options)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.writer.shutdown()
    made.own.close()


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.005)


async def test_events_go_out_in_order_with_their_state(bed: Bed) -> None:
    async with bed.running():
        bed.add(1, 2)
        bed.add(3)
        await until(lambda: len(bed.told) == 3)

    assert bed.written() == bed.told == ["1", "2", "3"]
    assert read_state(bed.own, "alerts") == {"told": 3}
    assert bed.outbox.waiting == ()


async def test_what_cannot_be_written_waits_and_is_tried_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full for a while: nothing is told too early, nothing is lost, one line each way."""
    monkeypatch.setattr(outbox, "RETRY", 0.02)
    full = True

    def refuse(db: sqlite3.Connection, states: Any) -> None:
        put_states(db, states)
        if full:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox, "put_states", refuse)
    with caplog.at_level("INFO"):
        async with bed.running():
            bed.add(1)
            await until(lambda: bed.outbox.failure)
            await asyncio.sleep(0.1)
            bed.add(2)
            assert (bed.written(), bed.told, len(bed.outbox.waiting)) == ([], [], 2)
            full = False
            await until(lambda: len(bed.told) == 2)

    assert bed.written() == ["1", "2"]
    assert bed.outbox.failure == ""
    assert [record.message.split(":")[1].split(",")[0].strip() for record in caplog.records] == [
        "not written",
        "written again",
    ]


async def test_last_words_wait_for_history(bed: Bed) -> None:
    async with bed.running():
        bed.add(1)
        await until(lambda: bed.told)
        bed.add(2, flush_first=True)
        await until(lambda: len(bed.told) == 2)

    assert bed.flushed == [1]  # before the second was written


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_disk_that_hangs_or_fails_does_not_keep_the_last_words(
    hangs: bool, bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FLUSH_PATIENCE", 0.05)

    async def flush() -> None:
        if hangs:
            await asyncio.Event().wait()
        raise StoreError("broken")

    bed.flush = flush
    async with bed.running():
        bed.add(1, flush_first=True)
        await until(lambda: bed.told)


async def test_cancelled_while_writing_it_still_knows_what_was_written(bed: Bed) -> None:
    for number in range(20):
        task = asyncio.create_task(bed.outbox.run())
        bed.add(number)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await bed.outbox.write()

    assert bed.written() == bed.told == [str(number) for number in range(20)]


async def test_a_state_that_cannot_be_kept_does_not_hold_up_an_alert(bed: Bed) -> None:
    async with bed.running():
        bed.state["peak"] = float("nan")
        bed.add(1)
        await until(lambda: bed.told)

    assert bed.written() == ["1"]
    assert read_state(bed.own, "alerts") is None


# What cannot be written is told all the same


async def test_what_cannot_be_written_is_announced_once_and_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY", 0.01)
    bed = Bed(tmp_path)
    announced: list[list[str]] = []
    bed.outbox._unsaved = lambda events: announced.append([one.text for one in events])
    append = bed.own.append_all
    monkeypatch.setattr(bed.own, "append_all", _full)
    async with bed.running():
        bed.add(1, 2)
        await until(lambda: len(announced) > 3)  # after each attempt, so that who waits is woken
        bed.add(3)
        await until(lambda: ["3"] in announced)
        assert bed.outbox.failure
        monkeypatch.setattr(bed.own, "append_all", append)
        await until(lambda: bed.told == ["1", "2", "3"])
        monkeypatch.setattr(bed.own, "append_all", _full)
        bed.add(4)
        await until(lambda: ["4"] in announced)
    bed.writer.shutdown()
    bed.own.close()

    assert [text for texts in announced for text in texts] == ["1", "2", "3", "4"]


async def test_a_disk_that_hangs_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "HANGS", 0.05)
    bed = Bed(tmp_path)
    goes_on = threading.Event()
    announced: list[str] = []
    bed.outbox._unsaved = lambda events: announced.extend(one.text for one in events)
    bed.writer.submit(goes_on.wait)
    async with bed.running():
        bed.add(1)
        await until(lambda: announced == ["1"])
        goes_on.set()
        await until(lambda: bed.told == ["1"])
        assert not bed.outbox.failure
    bed.writer.shutdown()
    bed.own.close()


def test_of_too_many_the_quiet_ones_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 4)
    bed = Bed(tmp_path)
    quiet = [msgspec.structs.replace(event(n), facts={"quiet": "muted"}) for n in (1, 3)]

    bed.outbox.add([event(0), quiet[0], event(2), quiet[1], event(4), event(5), event(6)])

    assert [one.text for one in bed.outbox.waiting] == ["2", "4", "5", "6"]
    bed.writer.shutdown()
    bed.own.close()


def _full(*_: object) -> list[int]:
    raise StoreError("bms.db: the disk is full")
