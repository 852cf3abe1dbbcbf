"""What all routes share: settings, who is let in, the house now, its history, the streams."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from jk_bms import __version__
from jk_bms.clock import Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import JkBmsError
from jk_bms.live.messages import ConfigTold, LinkTold, Lost, SampleTold
from jk_bms.model.alert import alert_of
from jk_bms.model.snapshot import EventTold, InvertersTold, Snapshot
from jk_bms.web.access import Access
from jk_bms.web.answers import Battery, State
from jk_bms.web.archive import Archive
from jk_bms.web.assets import tree
from jk_bms.web.house import Back, House, News, known
from jk_bms.web.http import Answer, etag_of, packed
from jk_bms.web.push.channel import Push
from jk_bms.web.push.services import PushServices
from jk_bms.web.stream import Feed
from jk_bms.web.web_db import WebStore
from jk_bms.web.words import alert_words

if TYPE_CHECKING:
    from jk_bms.web.routes import Route

log = logging.getLogger(__name__)

REPORT_EVERY = 60.0  # s between two words to the battery service on how the page does
PRIVATE_EVENTS = ("telegram.", "web.")  # of who comes in: not for guests
STATE_KEPT = (
    0.1  # s that an answer with the state is given to more than one who asks; its ages are off by so much
)


class Page:
    """All that the page is made of; routes get it with each request."""

    def __init__(
        self,
        settings: Settings,
        store: WebStore,
        static: Mapping[str, Answer],
        routes: "tuple[Route, ...]",
        *,
        clock: Clock | None = None,
        push_services: PushServices | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.static = static  # by path
        self.routes = routes
        self.port = settings.web_port  # on which it really answers
        self.within_port: int | None = None  # on which it answers Home Assistant
        self.access = Access(settings, store)
        self.house = House(settings)
        self.feed = Feed()
        self.archive = Archive(settings.bms_db_path)
        self.exports = Archive(settings.bms_db_path, "export")
        self.push = Push(
            settings,
            store,
            self.archive,
            self.access,
            self.house.snapshot,
            clock=clock,
            services=push_services,
        )
        self.exporting = asyncio.Lock()  # one export at a time in the house
        self.started = time.monotonic()
        self._report_now = asyncio.Event()
        self._state: tuple[float, int, Answer | None] = (0.0, -1, None)  # made when, of which change
        self.house.listen(self._tell)
        self.access.on_end(self.feed.look)

    @property
    def uptime(self) -> float:
        """s since the start."""
        return time.monotonic() - self.started

    def state_answer(self) -> Answer:
        """Return the state as an answer; the same one to all who ask within STATE_KEPT s, unless something changed."""
        now, changes = time.monotonic(), self.house.changes
        made, of, answer = self._state
        if answer is None or of != changes or now - made >= STATE_KEPT:
            told = self.house.state()
            body = msgspec.json.encode(told)
            # The tag goes by what is so, not by the second in which it is told.
            tag = (
                answer.etag
                if answer is not None and of == changes
                else etag_of(msgspec.structs.replace(told, time=""))
            )
            answer = Answer(body, etag=tag, packed=packed(body))
            self._state = (now, changes, answer)
        return answer

    @property
    def url(self) -> str:
        """The address of the page as people are told it."""
        return self.settings.web_url or f"http://{machine_name()}.local:{self.port}"

    async def run(self) -> None:
        """Keep everything going until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.house.run(), name="house")
            group.create_task(self._report(), name="signs of life")
            group.create_task(self.store.look_after(), name="file")
            group.create_task(self.push.run(), name="push")

    def close(self) -> None:
        """Let go of threads and files."""
        self.access.close()
        self.archive.close()
        self.exports.close()

    def report(self) -> None:
        """Tell the battery service at once how the page does."""
        self._report_now.set()

    async def _report(self) -> None:
        """Tell the battery service where the page is, and whether it still needs a set-up code."""
        while True:
            self._report_now.clear()
            try:
                await self.house.request(
                    "web", url=self.url, set_up=self.access.has_password, push=self.push.told()
                )
            except JkBmsError as error:
                log.debug("the battery service was not told of the page: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_EVERY):
                    await self._report_now.wait()

    def _tell(self, news: News) -> None:
        """Tell the open pages what the battery service said."""
        house, say = self.house, self.feed.say
        match news:
            case Back() | Lost():
                say("poller", "", lambda: house.state().poller)
            case Snapshot():
                say("state", "", house.state)
            case SampleTold(address=address):
                say("battery", address, lambda: _frame(house.battery(address)))
            case LinkTold(address=address):
                say("link", address, lambda: _link(house.battery(address)))
            case InvertersTold():
                say("inverter", "", lambda: _inverters(house.state()))
            case ConfigTold():
                say("config", "", lambda: {"keys": [news.key]})
            case EventTold():
                kind = "alert" if news.kind.startswith("alert.") else "event"
                if kind == "alert":
                    self.push.wake()
                if not news.kind.startswith(PRIVATE_EVENTS):
                    say(kind, "", lambda: self._event(news))

    def _event(self, event: EventTold) -> dict[str, Any]:
        told = known(msgspec.to_builtins(event))
        del told["monotonic"]
        if event.kind.startswith("alert."):
            state, now = self.house.state(), datetime.now(UTC)
            labels = {battery.address: battery.label for battery in state.batteries}
            label = labels.get(str(event.facts.get("subject")))
            told["words"] = alert_words(alert_of(event.facts), label, self.settings.timezone, now)
        return told


def _frame(battery: Battery | None) -> dict[str, Any]:
    if battery is None:  # the owner took it out meanwhile
        return {}
    return {name: getattr(battery, name) for name in ("address", "age", "old", "shown", "reading")}


def _inverters(state: State) -> dict[str, Any]:
    return {"inverter": state.inverter, "inverters": state.inverters}


def _link(battery: Battery | None) -> dict[str, Any]:
    return {} if battery is None else {"address": battery.address, "link": battery.link}


def machine_name() -> str:
    """Return the name of this machine, without its domain."""
    return socket.gethostname().partition(".")[0].lower() or "localhost"


def hello(page: Page, resumed: bool) -> dict[str, Any]:
    """Return what a stream begins with."""
    state = page.house.state()
    return {
        "version": __version__,
        "static": tree().hash,  # another than its own tells a page that there is a newer release
        "boot": page.feed.boot,
        "resumed": resumed,
        "time": state.time,
        "clock_trusted": state.clock_trusted,
    }
