"""Alerts through the real Apprise in its own process to a real web server: in order, none lost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jk_bms.actions import follow, notify
from jk_bms.actions.notify import Messenger
from jk_bms.config.settings import load_settings
from jk_bms.model import Event
from jk_bms.rules.base import Moment
from jk_bms.rules.engine import Engine
from jk_bms.rules.facts import notice_facts
from jk_bms.rules.options import Options
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.states import read_state
from tests.actions.http_server import WebService
from tests.bot.test_proxy import WRITTEN, Proxy
from tests.scale import PATIENCE
from tests.sources.scripted import StillClock

pytestmark = pytest.mark.long  # processes and real seconds

TOKEN = "canary-4711-token"


class House:
    """A database with events, and a messenger that reads them."""

    def __init__(self, folder: Path, *urls: str, **environ: str) -> None:
        self.clock = StillClock()
        known = {"ALERT_URLS": " ".join(urls), "BMS_DB_PATH": str(folder / "bms.db")}
        self.settings = load_settings(known | environ, top=folder)
        self.writer = ThreadPoolExecutor(1)
        self.own: BmsDb = open_writer(self.settings.bms_db_path, self.clock)
        self.waiting: list[Event] = []
        self.engine = Engine(Options())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Messenger]:
        """A run of the service, as far as this is concerned."""

        async def in_writer(work: Callable[[BmsDb], Any]) -> Any:
            return await asyncio.get_running_loop().run_in_executor(self.writer, work, self.own)

        messenger = Messenger(
            self.settings,
            self.clock,
            in_writer=in_writer,
            label=lambda address: address and "shed",
            waiting=lambda: self.waiting,
        )
        messenger.open(self.own)
        task = asyncio.create_task(messenger.run())
        try:
            yield messenger
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def event(self, value: float, *, code: int = 1006, age: float = 0.0, **facts: Any) -> Event:
        """An alert that stands apart by its value."""
        moment = Moment(self.clock.monotonic(), self.clock.now())
        found = self.engine.find(code)
        assert found is not None
        notice = self.engine.example(code, moment, "AA")
        told = notice_facts(notice, found[0]) | {"value": value, "facts": {}} | facts
        return Event(
            kind=f"alert.{told['what']}",
            taken_at=self.clock.now() - timedelta(seconds=age),
            monotonic=self.clock.monotonic() - age,
            device="AA",
            text=f"{value}",
            facts=told,
        )

    def places(self) -> list[dict[str, Any]]:
        """How far each address is, as it is kept."""
        return list((read_state(self.own, notify.STATE) or {}).values())

    def raise_alert(self, value: float, **options: Any) -> None:
        self.own.append(self.event(value, **options))


@pytest.fixture
def web() -> Iterator[WebService]:
    with WebService() as service:
        yield service


@pytest.fixture
def house(tmp_path: Path, web: WebService) -> Iterator[House]:
    made = House(tmp_path, f"json://127.0.0.1:{web.port}/{TOKEN}")
    yield made
    made.writer.shutdown()
    made.own.close()


async def until(what: Callable[[], object], limit: float = PATIENCE) -> None:
    async with asyncio.timeout(limit):
        while not what():
            await asyncio.sleep(0.01)


async def test_each_alert_arrives_in_order_and_in_words(house: House, web: WebService) -> None:
    """What was before this address was configured is of the past; quiet ones are nobody's business."""
    house.raise_alert(2.1)
    async with house.running() as messenger:
        house.raise_alert(2.71)
        house.raise_alert(2.72, quiet="muted")
        house.raise_alert(2.73)
        messenger.wake()
        await until(lambda: len(web.posted) == 2)
        house.raise_alert(2.74)
        messenger.wake()
        await until(lambda: len(web.posted) == 3)

    assert ["2.71" in web.titles[0], "2.73" in web.titles[1], "2.74" in web.titles[2]] == [True] * 3
    assert web.titles[0].startswith("shed: ")
    assert "1006" in web.posted[0]["message"]
    assert web.posted[0]["type"] == "failure"


async def test_what_is_milder_than_wanted_is_not_told_be_it_a_crash(house: House, web: WebService) -> None:
    async with house.running() as messenger:
        house.raise_alert(1, code=3001, quiet="severity", severity="info")
        house.raise_alert(2.71)
        messenger.wake()
        await until(lambda: web.posted)

    assert ["unexpected stop" in title for title in web.titles] == [False]


async def test_a_restart_goes_on_where_it_was(house: House, web: WebService) -> None:
    async with house.running() as messenger:
        house.raise_alert(2.71)
        messenger.wake()
        await until(lambda: [place["cursor"] for place in house.places()] == [1])
    house.raise_alert(2.72)
    async with house.running():
        await until(lambda: len(web.posted) == 2)

    assert "2.72" in web.titles[1]
    assert "perhaps" not in "".join(web.titles)


async def test_a_kill_before_the_first_message_loses_nothing(house: House, web: WebService) -> None:
    """Where a new address begins is on the disk before anything can happen."""
    async with house.running():
        house.raise_alert(2.71)
    async with house.running():
        await until(lambda: web.posted)

    assert "2.71" in web.titles[0]


async def test_after_an_outage_the_late_ones_come_together(
    house: House, web: WebService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service was away: one line in the log, then one message for what is old and one for what is new."""
    monkeypatch.setattr(notify, "LONGEST_REST", 0.1)
    web.stop()
    with caplog.at_level("INFO"):
        async with house.running() as messenger:
            for number in range(12):
                house.raise_alert(2.0 + number / 100, age=3600 - number)
            house.raise_alert(2.9)
            messenger.wake()
            await until(lambda: "not sent" in caplog.text)
            await asyncio.sleep(2)
            web.start()
            await until(lambda: len(web.posted) == 2)

    assert "12" in web.titles[0]
    assert "2.11" in web.posted[0]["message"]  # the newest of them
    assert "2.90" in web.titles[1]
    assert caplog.text.count("not sent, will be tried again") == 1
    assert caplog.text.count("works again") == 1
    assert "perhaps" not in str(web.posted)
    assert TOKEN not in caplog.text


def test_an_address_that_is_down_is_tried_every_minute_at_least() -> None:
    assert [notify.rest(failures) for failures in (1, 2, 3, 6, 7, 8, 5000)] == [1, 2, 4, 32, 60, 60, 60]


async def test_an_address_that_is_down_is_tried_at_once_when_something_critical_comes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else happens waits for the next attempt; so does what was known at the last one."""
    monkeypatch.setattr(notify, "FIRST_REST", 1e9)
    monkeypatch.setattr(notify, "LONGEST_REST", 1e9)
    monkeypatch.setattr(follow, "PAGE", 2)
    sent: list[str] = []
    rested: list[list[float]] = []

    async def send(_: Messenger, address: Any, message: Any) -> notify.Outcome:
        if message is None:
            return notify.Outcome(ok=True)
        sent.append(message[0][0])
        return notify.Outcome(ok=len(sent) > 2, error="no route")

    def looked(own: BmsDb, after: int, limit: int = 100) -> Any:
        page = events_after(own, after, limit)
        rested.append([event.facts["value"] for _, event in page])
        return page

    events_after = BmsDb.events_after
    monkeypatch.setattr(Messenger, "_send", send)
    monkeypatch.setattr(BmsDb, "events_after", looked)
    async with house.running() as messenger:
        for value in (2.1, 2.2, 2.3):
            house.raise_alert(value)
        messenger.wake()
        await until(lambda: rested[-1:] == [[]] and sent)
        house.raise_alert(2.4, severity="warning")
        messenger.wake()
        await until(lambda: rested[-2:] == [[2.4], []])
        assert len(sent) == 1
        house.raise_alert(2.5)
        messenger.wake()
        await until(lambda: len(sent) == 2 and rested[-1] == [])
        house.raise_alert(2.6)
        messenger.wake()
        await until(lambda: len(sent) == 8)

    values = ("2.10", "2.10", "2.10", "2.20", "2.30", "2.40", "2.50", "2.60")
    assert [value in title for value, title in zip(values, sent, strict=True)] == [True] * 8


async def test_killed_between_sending_and_noting_it_is_sent_again_and_marked(
    house: House, web: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Messenger._note

    async def dies(self: Messenger, address: Any, *, cursor: Any = None, sending: Any = None) -> None:
        if cursor is not None:
            await asyncio.Event().wait()  # it was sent, and never gets to write that down
        await noted(self, address, cursor=cursor, sending=sending)

    monkeypatch.setattr(Messenger, "_note", dies)
    async with house.running() as messenger:
        house.raise_alert(2.71)
        messenger.wake()
        await until(lambda: web.posted)
    monkeypatch.setattr(Messenger, "_note", noted)
    house.raise_alert(2.72)
    async with house.running():
        await until(lambda: len(web.posted) == 3)

    assert ["perhaps sent before" in title for title in web.titles] == [False, True, False]
    assert ["2.71" in web.titles[1], "2.72" in web.titles[2]] == [True, True]


async def test_one_address_that_is_down_holds_up_no_other(
    tmp_path: Path, web: WebService, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does one that Apprise refuses: it is named by its place and kind, not by what it holds."""
    house = House(
        tmp_path,
        f"json://127.0.0.1:9/{TOKEN}",
        f"nonsense://{TOKEN}@example",
        f"json://127.0.0.1:{web.port}/{TOKEN}",
    )
    async with house.running() as messenger:
        house.raise_alert(2.71)
        messenger.wake()
        await until(lambda: web.posted and "address 1" in caplog.text and "address 2" in caplog.text)
    house.own.close()

    assert "ALERT_URLS: address 1 (json): not sent" in caplog.text
    assert "ALERT_URLS: address 2 (nonsense): refused by Apprise" in caplog.text
    assert TOKEN not in caplog.text
    assert "Bearer" not in caplog.text


async def test_an_alert_that_cannot_be_written_is_told_from_memory_once(
    house: House, web: WebService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, and that is what it wants to tell."""
    monkeypatch.setattr(follow, "LOOK_PERIOD", 0.05)
    stuck = house.event(2.71, age=90)
    house.waiting = [stuck]
    async with house.running() as messenger:
        await until(lambda: web.posted)
        house.waiting = []
        house.own.append(stuck)
        house.raise_alert(2.72)
        messenger.wake()
        await until(lambda: len(web.posted) == 2)
        await asyncio.sleep(0.2)

    assert ["2.71" in web.titles[0], "2.72" in web.titles[1]] == [True, True]
    assert len(web.posted) == 2


async def test_a_sender_that_hangs_is_ended(
    house: House, web: WebService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows whether it arrived: the next attempt says so."""
    import threading

    looked_at = asyncio.Event()
    send = Messenger._send

    async def watched(self: Messenger, address: Any, message: Any) -> notify.Outcome:
        outcome = await send(self, address, message)
        looked_at.set()
        return outcome

    monkeypatch.setattr(Messenger, "_send", watched)
    async with house.running() as messenger:
        await asyncio.wait_for(looked_at.wait(), 100.0)
        web.hang = hang = threading.Event()
        with monkeypatch.context() as hurried:
            # However slow the machine is: it may end the child before that has asked the web service at all.
            hurried.setattr(notify, "PATIENCE", 3.0)
            house.raise_alert(2.71)
            messenger.wake()
            await until(lambda: "no end within" in caplog.text)
        hang.set()
        web.hang = None
        await until(lambda: any("perhaps sent before" in title for title in web.titles))

    assert "2.71" in web.titles[-1]


async def test_neither_arguments_nor_the_database_show_the_address(house: House, web: WebService) -> None:
    seen: set[str] = set()
    async with house.running() as messenger:
        house.raise_alert(2.71)
        messenger.wake()

        def look() -> bool:
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(process.read_bytes().decode(errors="replace"))
                except OSError:
                    continue
            return bool(web.posted)

        await until(look)

    assert any("apprise_send" in arguments for arguments in seen)
    assert not any(TOKEN in arguments for arguments in seen)
    with sqlite3.connect(house.settings.bms_db_path) as db:
        assert TOKEN not in "\n".join(db.iterdump())


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_it_goes_through_the_proxy_of_the_settings(
    scheme: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the environment of the sender, never in its arguments, and in no log."""
    proxy = Proxy(port=9)
    async with proxy.serve():
        way = f"{scheme}://{WRITTEN}@127.0.0.1:{proxy.port}"
        house = House(tmp_path, f"jsons://alerts.example/{TOKEN}", HTTPS_PROXY=way)
        arguments: list[str] = []
        start = asyncio.create_subprocess_exec

        async def watched(*given: Any, **named: Any) -> Any:
            arguments.extend(map(str, given))
            return await start(*given, **named)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
        async with house.running() as messenger:
            house.raise_alert(2.71)
            messenger.wake()
            await until(lambda: "not sent" in caplog.text)
        house.own.close()

    assert {host.partition(":")[0] for host in proxy.asked} == {"alerts.example"}
    assert arguments
    for told in ("".join(arguments), caplog.text):
        assert "word-of-the-proxy" not in told
        assert TOKEN not in told


async def test_a_host_of_no_proxy_is_asked_directly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    proxy = Proxy(port=9)
    async with proxy.serve():
        way = f"socks5://{WRITTEN}@127.0.0.1:{proxy.port}"
        house = House(
            tmp_path, f"jsons://127.0.0.2/{TOKEN}", HTTPS_PROXY=way, NO_PROXY="example.org, 127.0.0.2"
        )
        async with house.running() as messenger:
            house.raise_alert(2.71)
            messenger.wake()
            await until(lambda: "not sent" in caplog.text)
        house.own.close()

    assert proxy.asked == []
