"""The event stream: what comes, in which order, what a page that comes back gets, and when it ends."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from jk_bms.live.messages import LinkTold, SampleTold
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import EventTold, LinkNow
from jk_bms.web import stream as module
from jk_bms.web.stream import MOST_KEPT, QUEUE, Feed, Stream
from tests.scale import PATIENCE
from tests.web.asking import Browser, House, asked

Event = tuple[str, str, Any]  # kind, id, data


def events(body: bytes) -> list[Event]:
    """What a browser makes of it."""
    found: list[Event] = []
    for block in body.decode().split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":") and ": " in line
        )
        if "event" in fields:
            found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


class Viewer:
    """An open stream."""

    def __init__(self, browser: Browser, last: str = "") -> None:
        self.came: list[Event] = []
        self._wanted = ""
        self._seen = asyncio.Event()
        headers = {"host": browser.host, "cookie": browser.cookie, **browser.headers}
        if last:
            headers["last-event-id"] = last
        self.left = False
        self.task = asyncio.create_task(
            asked(browser.app, "GET", "/api/live", headers, address=browser.address, until=self._look)
        )

    def _look(self, body: bytes) -> bool:
        self.came = events(body)
        if any(kind == self._wanted for kind, _, _ in self.came):
            self._seen.set()
        return self.left

    async def until(self, kind: str) -> Event:
        """Wait for an event of that kind; return the first."""
        self._wanted = kind
        async with asyncio.timeout(PATIENCE):
            while not (found := [event for event in self.came if event[0] == kind]):
                self._seen.clear()
                await self._seen.wait()
        return found[0]

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.came]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)


async def test_it_begins_with_hello_and_the_state(house: House) -> None:
    owner = await house.owner()
    viewer = Viewer(owner)
    _, ident, state = await viewer.until("state")
    await viewer.leave()

    assert viewer.kinds[:2] == ["hello", "state"]
    hello = viewer.came[0][2]
    assert (hello["resumed"], hello["boot"]) == (False, ident.partition("-")[0])
    assert state["batteries"][0]["reading"]["voltage"] == pytest.approx(52.6, abs=0.3)


async def test_what_happens_comes_at_once(house: House) -> None:
    viewer = Viewer(await house.owner())
    await viewer.until("state")
    address = house.service.state["devices"][0]["address"]

    house.service.server.send(SampleTold(address=address, reading=Reading(voltage=51.25)))
    house.service.server.send(LinkTold(address=address, link=LinkNow(state="silent")))
    house.service.server.send(EventTold(kind="alert.raised", time="x", facts={"rule": "cell_low"}))
    house.service.server.send(EventTold(kind="link.lost", time="x", text="gone"))

    assert (await viewer.until("battery"))[2]["reading"]["voltage"] == 51.25
    assert (await viewer.until("link"))[2]["link"]["state"] == "silent"
    alert = (await viewer.until("alert"))[2]
    assert (alert["kind"], set(alert["words"])) == ("alert.raised", {"en", "uk"})
    assert (await viewer.until("event"))[2]["text"] == "gone"
    await viewer.leave()


async def test_who_comes_in_is_not_told_to_guests(house: House) -> None:
    viewer = Viewer(await house.owner())
    await viewer.until("state")
    house.service.server.send(EventTold(kind="web.claimed", time="x", text="a code was used"))
    house.service.server.send(EventTold(kind="link.lost", time="x", text="gone"))

    assert (await viewer.until("event"))[2]["text"] == "gone"
    await viewer.leave()


async def test_one_that_comes_back_gets_what_it_missed(house: House) -> None:
    owner = await house.owner()
    viewer = Viewer(owner)
    _, ident, _ = await viewer.until("state")
    await viewer.leave()
    for number in range(3):
        house.service.server.send(EventTold(kind="link.lost", time="x", text=str(number)))
    again = Viewer(owner, ident)
    async with asyncio.timeout(PATIENCE):
        while again.kinds.count("event") < 3:
            await asyncio.sleep(0.01)
    await again.leave()

    assert again.came[0][2]["resumed"] is True
    assert [data["text"] for kind, _, data in again.came if kind == "event"] == ["0", "1", "2"]


@pytest.mark.parametrize("last", ["another-7", "x", "-", "deadbeef-99999999999999999999", "\u00e4-1"])
async def test_one_that_comes_from_elsewhere_begins_anew(house: House, last: str) -> None:
    viewer = Viewer(await house.owner(), last)
    await viewer.until("state")
    await viewer.leave()

    assert viewer.came[0][2]["resumed"] is False


async def test_it_ends_with_the_session(house: House) -> None:
    owner = await house.owner()
    viewer = Viewer(owner)
    await viewer.until("state")

    await owner.post("/api/logout")

    async with asyncio.timeout(PATIENCE):
        await viewer.task


async def test_the_service_going_and_coming_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await house.owner()
    viewer = Viewer(owner)
    await viewer.until("state")
    for client in tuple(house.service.server._clients):
        house.service.server._drop(client)

    async with asyncio.timeout(PATIENCE):
        while [data["up"] for kind, _, data in viewer.came if kind == "poller"] != [False, True]:
            await asyncio.sleep(0.01)
    await viewer.leave()


async def test_a_quiet_house_beats(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.1)
    viewer = Viewer(await house.owner())
    beat = (await viewer.until("beat"))[2]
    await viewer.leave()

    address = house.service.state["devices"][0]["address"]
    assert beat["ages"][address] >= 0.4
    assert beat["ages"]["inverter"] >= 4.2


async def test_no_more_streams_than_there_is_room_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await house.owner()
    monkeypatch.setattr(module, "MOST_STREAMS", 2)
    viewers = [Viewer(owner), Viewer(owner)]
    for viewer in viewers:
        await viewer.until("state")

    got = await owner.get("/api/live")

    assert (got.status, got.code) == (503, "busy")
    for viewer in viewers:
        await viewer.leave()
    assert house.page.feed.open == 0


async def test_many_at_once_are_no_way_round_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await house.owner()
    monkeypatch.setattr(module, "MOST_STREAMS", 2)
    viewers = [Viewer(owner) for _ in range(5)]
    going = {viewer.task for viewer in viewers}
    async with asyncio.timeout(PATIENCE):
        while len(going) > 2:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result().status for task in done} == {503}

    assert house.page.feed.open == 2
    for viewer in viewers:
        await viewer.leave()
    assert (await owner.ask("HEAD", "/api/live")).status == 200
    assert house.page.feed.open == 0


class Clock:
    """Turned by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_of_readings_only_the_newest_counts_and_of_alerts_each() -> None:
    clock = Clock()
    feed, stream = Feed(clock), Stream()
    feed._streams.add(stream)
    for number in range(5):
        clock.now += 1
        feed.say("battery", "a", partial(int, number))
        feed.say("alert", "", partial(int, number))

    kinds = [(said.kind, said.body.split(b"data: ")[1].strip()) for said in stream.take()]

    assert kinds.count(("battery", b"4")) == 1
    assert [kind for kind, _ in kinds].count("battery") == 1
    assert [body for kind, body in kinds if kind == "alert"] == [b"0", b"1", b"2", b"3", b"4"]


async def test_readings_come_at_most_twice_a_second_and_the_last_one_does_come() -> None:
    feed, stream = Feed(), Stream()
    feed._streams.add(stream)
    for number in range(20):
        feed.say("battery", "a", partial(int, number))
    first = [said.body for said in stream.take()]
    async with asyncio.timeout(PATIENCE):
        await stream.news.wait()
    second = [said.body for said in stream.take()]

    assert [body.split(b"data: ")[1].strip() for body in first + second] == [b"0", b"19"]


def test_one_that_takes_nothing_is_let_go() -> None:
    """What may be left out goes first; when even alerts have no room, the stream ends and its browser comes back."""
    feed, stream = Feed(), Stream()
    feed._streams.add(stream)
    feed.say("battery", "a", lambda: 1)
    for number in range(QUEUE - 1):
        feed.say("alert", "", partial(int, number))
    assert not stream.full
    feed.say("alert", "", lambda: "one more")
    assert ("battery", "a") not in stream.waiting
    assert not stream.full
    feed.say("alert", "", lambda: "too many")

    assert stream.full


@pytest.mark.parametrize(("seconds", "known"), [(299.0, True), (301.0, False)])
def test_what_was_missed_is_known_for_five_minutes(seconds: float, known: bool) -> None:
    clock = Clock()
    feed = Feed(clock)
    feed.say("alert", "", lambda: 0)
    feed.say("alert", "", lambda: 1)
    clock.now += seconds
    feed.say("alert", "", lambda: 2)

    missed = feed.missed(f"{feed.boot}-1")

    assert (missed is not None) == known
    if missed is not None:
        assert [said.number for said in missed] == [2, 3]
    assert feed.missed(f"{feed.boot}-3") == []


def test_what_is_kept_has_an_end() -> None:
    clock = Clock()
    feed = Feed(clock)
    for number in range(MOST_KEPT + 500):
        feed.say("alert", "", partial(int, number))

    assert len(feed._said) <= MOST_KEPT
    assert feed.missed(f"{feed.boot}-1") is None
    assert len(feed.missed(f"{feed.boot}-2400") or []) == 100
