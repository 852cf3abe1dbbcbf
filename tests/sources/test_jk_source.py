"""The source around the conversation: back-off, visits, release and resume, reading now."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jk_bms.config.devices import Entry
from jk_bms.errors import ConfigError, LinkError, SourceError, Verdict
from jk_bms.links.base import Link
from jk_bms.links.simulated import SimulatedLink, simulated_link
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkState
from jk_bms.model.outage import OutageRecord
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.slots import Turns
from jk_bms.repair import machine
from jk_bms.sources import SourceContext, build, link_for
from jk_bms.sources.held import HeldSource
from jk_bms.sources.jk import JkSessions
from tests.fast_loop import simulate
from tests.house_times import MORNING
from tests.protocol.jk_frames import cell_frame, info_frame, settings_frame
from tests.scale import PATIENCE
from tests.sources.scripted import Notes, ScriptedLink

DEVICE = Device(address="AA:BB:CC:DD:EE:FF", name="main")


def quick(**options: str) -> SimulatedLink:
    return simulated_link({"period": "0.02", "start": MORNING, **options})


@asynccontextmanager
async def running(link: Link, notes: Notes, **options: Any) -> AsyncIterator[HeldSource]:
    source = HeldSource(DEVICE, link, JkSessions(notes.context.radio), notes.context, **options)
    task = asyncio.create_task(source.run())
    try:
        yield source
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.005)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FIRST_PAUSE", 0.01)


async def test_streams_and_says_who_it_is() -> None:
    notes = Notes()
    async with running(quick(), notes) as source:
        await notes.sample()
        await notes.sample()
        assert source.status.state is LinkState.STREAMING

    assert notes.events == ["link.up"]
    assert set(notes.told[-1]) == {"device_info", "settings"}
    assert source.device.model


async def test_another_firmware_ends_what_the_last_one_refused() -> None:
    radio = RadioMemory()
    radio.speaks(DEVICE.address, "10.0")
    radio.refuses(DEVICE.address, "123456")
    notes = Notes(radio=radio)
    async with running(quick(), notes):
        await until(lambda: notes.told)

    assert not radio.refused(DEVICE.address, "123456")


async def test_calibration_multiplies_the_current() -> None:
    plain, scaled = Notes(), Notes()
    async with running(ScriptedLink([[cell_frame()]]), plain):
        before = await plain.sample()
    async with running(ScriptedLink([[cell_frame()]]), scaled, current_calibration=2.0):
        after = await scaled.sample()

    assert before.current
    assert after.current == pytest.approx(2 * before.current)
    assert after.voltage == before.voltage


@pytest.mark.usefixtures("no_backoff")
async def test_reconnects_and_tells_each_change_once(caplog: pytest.LogCaptureFixture) -> None:
    """One event for an outage and one for its end, however many attempts it took."""
    away = [LinkError("not seen", Verdict.NOT_SEEN) for _ in range(3)]
    notes = Notes()
    link = ScriptedLink([[info_frame(), cell_frame(counter=1)], *away, [info_frame(), cell_frame(counter=2)]])
    with caplog.at_level("INFO"):
        async with running(link, notes):
            await until(lambda: len(notes.samples) == 2)

    assert notes.events[:4] == ["link.up", "link.down", "link.down", "link.up"]  # dropped, then not seen
    assert "and 4 failed attempts: connected anew" in caplog.text
    assert link.open_now == 0


@pytest.mark.usefixtures("no_backoff")
async def test_a_frozen_bms_stays_frozen_over_a_reconnect() -> None:
    """The frame that it repeats is no fresh reading because somebody connected anew."""
    notes = Notes()
    frozen = cell_frame(counter=1)
    link = ScriptedLink([[frozen], [frozen], [frozen, frozen]])
    async with running(link, notes) as source:
        await until(lambda: source.status.repeated == 3)
        assert source.status.repeats_since is not None
        link.script.append([frozen, cell_frame(counter=2)])
        await until(lambda: len(notes.samples) == 2)

        assert source.status.repeated == 0


async def test_visits_and_leaves() -> None:
    """Poll mode: one sample, the link is closed, until the next visit is due."""
    notes = Notes(keep_alive=False, interval=0.05)
    link = quick()
    async with running(link, notes) as source:
        await until(lambda: source.status.state is LinkState.WAITING)
        assert not link.radio.connected
        assert len(notes.samples) == 1
        await until(lambda: source.status.connects == 3)

    assert notes.events == ["link.up"]  # a visit that works is no news


async def test_read_now_wakes_a_waiting_source() -> None:
    notes = Notes(keep_alive=False, interval=3600)
    async with running(quick(), notes) as source:
        await until(lambda: source.status.state is LinkState.WAITING)
        async with asyncio.timeout(5):
            sample = await source.read_now()

    assert sample is notes.samples[1]


async def test_read_now_while_a_visit_ends() -> None:
    """Asked in the moment of leaving: a visit of its own, not the next one in an hour."""
    notes = Notes(keep_alive=False, interval=3600)
    asked: list[asyncio.Task[Any]] = []

    class Leaving(ScriptedLink):
        @asynccontextmanager
        async def connect(self) -> AsyncIterator[Any]:
            async with super().connect() as connection:
                yield connection
            if not asked:
                asked.append(asyncio.create_task(source.read_now()))
                await asyncio.sleep(0.01)

    link = Leaving([[cell_frame(counter=1)], [cell_frame(counter=2)]], ends=False)
    source = HeldSource(DEVICE, link, JkSessions(notes.context.radio), notes.context)
    task = asyncio.create_task(source.run())
    try:
        await until(lambda: asked and asked[0].done())
        assert asked[0].result() is notes.samples[1]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("no_backoff")
async def test_read_now_tells_why_not() -> None:
    async with running(quick(faults="mute"), Notes(timeout=0.1)) as source:
        with pytest.raises(SourceError) as caught:
            await source.read_now()

    assert caught.value.verdict is Verdict.MUTE


async def test_release_closes_the_link_until_resumed() -> None:
    link, notes = quick(), Notes()
    async with running(link, notes) as source:
        await notes.sample()
        source.release(60)
        await source.released()
        assert not link.radio.connected
        await until(lambda: source.status.state is LinkState.RELEASED)
        assert source.status.released_until is not None
        with pytest.raises(SourceError, match="resume it first"):
            await source.read_now()
        source.resume()
        await notes.sample()

    assert source.status.verdict is None
    assert notes.events == ["link.up", "link.released", "link.up"]


async def test_release_ends_by_itself() -> None:
    notes = Notes()
    async with running(quick(), notes) as source:
        await notes.sample()
        source.release(0.05)
        await until(lambda: source.status.connects == 2)


async def test_release_does_not_leave_a_question_open() -> None:
    """Who waits for a sample is told at once, not after his patience."""
    async with running(quick(faults="mute"), Notes()) as source:
        await until(lambda: source.status.state is LinkState.IDENTIFYING)
        question = asyncio.create_task(source.read_now())
        await asyncio.sleep(0)
        source.release(60)
        with pytest.raises(SourceError) as caught:
            async with asyncio.timeout(1):
                await question

    assert caught.value.verdict is Verdict.RELEASED


async def test_release_while_waiting_for_the_next_attempt() -> None:
    async with running(ScriptedLink([]), Notes()) as source:
        await until(lambda: source.status.failures == 1)
        source.release(60)
        await until(lambda: source.status.state is LinkState.RELEASED)
        source.release(90)  # longer
        source.resume()
        await until(lambda: source.status.failures == 2)


async def test_release_and_resume_at_once() -> None:
    notes = Notes()
    async with running(quick(), notes) as source:
        await notes.sample()
        source.release(60)
        source.resume()
        await until(lambda: source.status.connects == 2)
        await notes.sample()


async def test_end_closes_the_link() -> None:
    link, notes = quick(), Notes()
    async with running(link, notes):
        await notes.sample()

    assert not link.radio.connected


async def test_unknown_content_of_an_answer_is_no_bug() -> None:
    """Settings alone, then a lost link: a failure as any other."""
    notes = Notes()
    async with running(ScriptedLink([[settings_frame()]]), notes) as source:
        await until(lambda: source.status.failures == 1)

    assert source.status.verdict is Verdict.DROPPED
    assert notes.samples == []


def test_a_frozen_bms_gives_no_reading_to_the_next_run_either() -> None:
    """Until it changes; a run that was told nothing would publish the old frame as one of now."""
    link, memory = simulated_link({"period": "1", "start": MORNING}), RadioMemory()
    samples: list[Sample] = []

    async def live(memory: RadioMemory, thaws: bool) -> None:
        source = HeldSource(
            DEVICE, link, JkSessions(memory), SourceContext(publish=samples.append, radio=memory)
        )
        task = asyncio.create_task(source.run())
        await asyncio.sleep(60)
        link.radio.faults.frozen = not thaws
        await asyncio.sleep(120)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    simulate(live(memory, thaws=False))
    before = len(samples)
    assert before > 30
    again = RadioMemory()
    again.recall(memory.remembered())
    simulate(live(again, thaws=False))
    assert len(samples) == before
    simulate(live(again, thaws=True))
    assert len(samples) > before


def test_what_an_outage_turns_out_to_be_is_recorded_at_once() -> None:
    """Who is killed in the middle of it leaves its verdict, not only that the link dropped."""
    records: list[OutageRecord] = []

    async def live() -> None:
        link = simulated_link({"period": "1", "start": MORNING})
        source = HeldSource(DEVICE, link, JkSessions(), SourceContext(outage=records.append))
        task = asyncio.create_task(source.run())
        await asyncio.sleep(60)
        link.hindrance = LinkError("not heard", Verdict.NOT_SEEN), ""
        link.radio.disconnect(asyncio.get_running_loop().time())
        await asyncio.sleep(60)

        assert [record.verdict for record in records] == [Verdict.DROPPED, Verdict.NOT_SEEN]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    simulate(live())


# Bugs


class Crashing:
    """A house that cannot take some samples, as a bug would have it."""

    def __init__(self, *, while_called: Callable[[], bool]) -> None:
        self.records: list[OutageRecord] = []
        self.down: list[dict[str, Any]] = []
        self.taken = 0
        self._wrong = while_called
        self.context = SourceContext(publish=self._publish, report=self._report, outage=self.records.append)

    def _publish(self, _: Sample) -> None:
        if self._wrong():
            raise IndexError("a frame nobody thought of")
        self.taken += 1

    def _report(self, kind: str, *_: Any, **facts: Any) -> None:
        if kind == "link.down":
            self.down.append(facts)


def test_a_bug_is_an_outage_as_any_other(caplog: pytest.LogCaptureFixture) -> None:
    """It has a verdict, a record and pauses; the traceback is in the log once."""

    async def live() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        house = Crashing(while_called=lambda: 60 < loop.time() - began < 1800)
        source = HeldSource(
            DEVICE, simulated_link({"period": "1", "start": MORNING}), JkSessions(), house.context
        )
        task = asyncio.create_task(source.run())
        await asyncio.sleep(600)

        assert (source.status.state, source.status.verdict) == (LinkState.SEARCHING, "internal_error")
        assert source.status.message == "a fault of this program: IndexError('a frame nobody thought of')"
        assert source.status.causes[0].code == "internal_error"
        assert house.down[0]["verdict"] is Verdict.INTERNAL_ERROR
        assert not house.records[-1].over
        assert caplog.text.count("IndexError: a frame nobody thought of") == 1
        assert 5 <= source.status.connects <= 11, "a minute between two attempts, as each makes it beep"

        taken = house.taken
        await asyncio.sleep(1800)
        assert house.taken > taken
        assert (house.records[-1].over, house.records[-1].verdict) == (True, Verdict.INTERNAL_ERROR)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    simulate(live())


def test_a_bug_in_a_repair_is_a_repair_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(NoRepairs):
        async def forget(self) -> None:
            raise KeyError("path")

    async def live() -> None:
        notes = Notes()
        stale = [LinkError("no services", Verdict.STALE_CACHE)] * 2
        async with running(ScriptedLink(stale), notes, repairs=Broken()) as source:
            await asyncio.sleep(60)
            assert "link.repair" in notes.events
            assert source.status.failures > 1

    simulate(live())

    assert caplog.text.count("Traceback") == 1


# Repairs


class NoRepairs:
    """A radio at which nothing can be repaired, but for what a test makes of it."""

    adapter = "00:1A:7D:DA:71:13"

    async def forget(self) -> None:
        raise LinkError("it is not to be seen now", Verdict.NOT_SEEN)

    async def power_cycle(self) -> None:
        raise LinkError("not now", Verdict.BUSY)

    async def restart_service(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)

    async def reboot(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)


def test_a_battery_that_could_not_be_forgotten_is_forgotten_later() -> None:
    """The first time it was out of sight; that must not use up what is for once in a boot."""
    stale = LinkError("no services", Verdict.STALE_CACHE)
    tries: list[float] = []

    class Stale(ScriptedLink):
        @asynccontextmanager
        async def connect(self) -> AsyncIterator[Any]:
            self.script = [[cell_frame()]] if len(tries) > 1 else [stale]
            async with super().connect() as connection:
                yield connection

    class Once(NoRepairs):
        async def forget(self) -> None:
            tries.append(asyncio.get_running_loop().time())
            if len(tries) == 1:
                await super().forget()

    async def live() -> None:
        notes = Notes()
        async with running(Stale([], ends=False), notes, repairs=Once()), asyncio.timeout(1800):
            while not notes.samples:
                await asyncio.sleep(1)

    simulate(live())

    assert len(tries) == 2


# How entries become sources


def test_playback_is_looked_for_beside_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dump.txt").write_text(cell_frame().hex() + "\n")
    monkeypatch.chdir("/")
    entry = Entry(address="one", type="playback", options={"file": "dump.txt"})

    assert link_for(entry, SourceContext(folder=tmp_path))
    with pytest.raises(ConfigError, match=r"/elsewhere/dump\.txt"):
        link_for(entry, SourceContext(folder=Path("/elsewhere")))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (Entry(address="AA:BB:CC:DD:EE:FF", type="jkk"), "type is 'jkk'"),
        (Entry(address="one", type="playback"), "needs the key 'file'"),
        (Entry(address="one", type="simulated", options={"cells": "many"}), "cells is 'many'"),
    ],
)
def test_entry_that_cannot_be_read(entry: Entry, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build(entry, SourceContext())


# -- few connections ---------------------------------------------------------------------------


async def test_with_connections_enough_the_links_are_held() -> None:
    turns = Turns(2)
    notes = Notes()
    async with running(quick(), notes, turn=lambda: turns.turn("a")) as source:
        for _ in range(5):
            await notes.sample()
        assert source.status.state is LinkState.STREAMING
        assert turns.slots.active == ("a",)

    assert source.status.connects == 1
    assert not turns.slots.active


async def test_with_too_few_they_go_round() -> None:
    """One sample each, then the next; none is connected while another is."""
    turns, open_now, most = Turns(1), 0, 0

    class Counted(SimulatedLink):
        @asynccontextmanager
        async def connect(self) -> AsyncIterator[Any]:
            nonlocal open_now, most
            async with super().connect() as connection:
                open_now += 1
                most = max(most, open_now)
                yield connection
                open_now -= 1

    notes = [Notes(interval=0.05) for _ in range(3)]
    links = [Counted(quick(seed=str(n)).radio) for n in range(3)]
    async with AsyncExitStack() as stack:
        sources = [
            await stack.enter_async_context(running(link, each, turn=partial(turns.turn, str(n))))
            for n, (link, each) in enumerate(zip(links, notes, strict=True))
        ]
        await until(lambda: all(len(each.samples) >= 3 for each in notes))
        assert all(source.status.outage is None for source in sources)

    assert most == 1
    assert all(
        len(each.samples) <= source.status.connects for each, source in zip(notes, sources, strict=True)
    )


async def test_a_release_gives_the_connection_to_the_next() -> None:
    turns = Turns(1)
    first, second = Notes(), Notes()
    async with (
        running(quick(), first, turn=lambda: turns.turn("a")) as source,
        running(quick(), second, turn=lambda: turns.turn("b")) as other,
    ):
        await first.sample()
        source.release(60)
        await second.sample()
        await until(lambda: other.status.state is LinkState.WAITING)

    assert source.status.state is LinkState.RELEASED
