"""Alerts from the poller's log of events to the chats: a real database, real pictures, a Bot API server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot.alert_feed import GREETED, NOTE, AlertFeed, limits_of
from jk_bms.bot.hushed import hush, hushed_note, is_hushed
from jk_bms.bot.light_aiogram import TelegramBot
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages.callbacks import alert_key
from jk_bms.bot.sender import Sender
from jk_bms.bot.store import BotStore
from jk_bms.clock import Clock
from jk_bms.config.settings import Settings, load_settings
from jk_bms.model import Device, Event
from jk_bms.model.alert import alert_of
from jk_bms.model.inverter import INVERTER
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import EventTold, Snapshot
from jk_bms.rules import example
from jk_bms.rules.base import InverterView, Link, Moment, PackView
from jk_bms.rules.engine import Engine
from jk_bms.rules.facts import alert_facts, notice_facts
from jk_bms.rules.options import Options
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.texts import language
from jk_bms.view.live_view import LiveView
from tests.bot.conftest import QUICK, Poller, soon
from tests.bot.house_snapshot import device, snapshot
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.scale import in_time
from tests.told import battery

OTHER = 88
PACK = Device(address="AA:BB:CC:DD:EE:01", name="<Main> & co")
PNG = b"\x89PNG"
Seen = InverterView | PackView


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        {"BMS_DB_PATH": str(tmp_path / "bms.db"), "BMS_SOCKET": str(tmp_path / "s")}, top=tmp_path
    )


@pytest.fixture
def own(settings: Settings) -> Iterator[BmsDb]:
    with open_writer(settings.bms_db_path, Clock()) as store:
        store.remember_device(PACK)
        yield store


class Feeding:
    """The feed with a sender behind it, and the events it follows."""

    def __init__(self, settings: Settings, store: BotStore, bot: TelegramBot, own: BmsDb) -> None:
        self.settings = settings
        self.store = store
        self.own = own
        self.chats = [OWNER]
        self.monitoring: set[int] = set()
        self.owners = {OWNER, OTHER}
        self.live = LiveView(settings)
        texts = {OWNER: language("en"), OTHER: language("uk")}
        self.sender = Sender(bot, store, texts.__getitem__, QUICK)
        self.feed = AlertFeed(
            settings,
            store,
            self.live,
            chats=lambda: self.chats,
            monitoring=lambda: self.monitoring,
            texts_of=texts.__getitem__,
            of_owner=lambda chat: chat in self.owners,
        )
        self.engine = Engine(Options())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(part.run(), name=str(part)) for part in (self.live, self.feed, self.sender)
        ]
        await soon(lambda: self.store.note(NOTE) is not None)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def happen(
        self, code: int, *, kind: str = "alert.raised", ago: timedelta = timedelta(0), **facts: Any
    ) -> float:
        """Write an alert as the poller does; return when."""
        now = datetime.now(UTC) - ago
        found = self.engine.find(code)
        assert found is not None
        notice = self.engine.example(code, Moment(1.0, now), PACK.address)
        told = notice_facts(notice, found[0]) | {"what": kind.partition(".")[2]}
        told["facts"].pop("test", None)
        self.own.append(
            Event(kind=kind, taken_at=now, monotonic=1.0, device=PACK.address, facts=told | facts)
        )
        at = time.monotonic()
        self.feed._hear(EventTold(kind=kind))
        return at

    def write(self, told: EventTold) -> None:
        """Write an event that the socket told before."""
        self.own.append(
            Event(
                kind=told.kind,
                taken_at=datetime.fromisoformat(told.time),
                monotonic=told.monotonic,
                device=told.device,
                text=told.text,
                facts=told.facts,
            )
        )
        self.feed.wake()

    def judge(self, view: Seen, at: float) -> None:
        """Have the rules look ``at`` s since boot, and write what comes of it as the poller does."""
        address = PACK.address if isinstance(view, PackView) else None
        now = Moment(at, datetime.now(UTC))
        notices = [*self.engine.look(address or INVERTER, view, now), *self.engine.tick(now)]
        for notice in notices:
            found = self.engine.find(notice.alert.code)
            assert found is not None
            self.own.append(
                Event(
                    kind=f"alert.{notice.what}",
                    taken_at=now.time,
                    monotonic=at,
                    device=address,
                    facts=notice_facts(notice, found[0]),
                )
            )

    async def queued(self, chat: int = OWNER) -> list[Outgoing]:
        """What ``chat`` is to be told of all that happened, since the last time."""
        if self.store.note(NOTE) is None:
            self.store.set_notes({NOTE: 0})
        following = asyncio.create_task(self.feed.run())
        await soon(lambda: self.store.note(NOTE) == self.own.newest_event())
        following.cancel()
        waiting = self.store.oldest(chat)
        self.store.done(one.number for one in waiting)
        return [one.message for one in waiting]


@pytest.fixture
def feeding(
    settings: Settings,
    store: BotStore,
    bot: TelegramBot,
    own: BmsDb,
    monkeypatch: pytest.MonkeyPatch,
) -> Feeding:
    for patience in ("bot.alert_feed.HOUSE_PATIENCE", "view.live_view.PATIENCE"):
        monkeypatch.setattr(f"jk_bms.{patience}", 10.0)  # a slow machine gets the same messages
    return Feeding(settings, store, bot, own)


async def test_an_alert_reaches_every_chat_in_its_language_within_two_seconds(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    feeding.chats = [OWNER, OTHER]
    feeding.happen(1006)  # before the bot was first started: of the past
    async with feeding.running():
        at = feeding.happen(1014)
        await soon(lambda: telegram.shown(OWNER) and telegram.shown(OTHER))

    assert in_time(time.monotonic() - at, 2)
    assert len(telegram.shown(OWNER)) == len(telegram.shown(OTHER)) == 1
    assert "<Main> & co" in telegram.shown(OWNER)[0]
    assert "1014" in telegram.shown(OWNER)[0]
    assert telegram.shown(OWNER) != telegram.shown(OTHER)


async def test_quiet_ones_are_nobodys_business(feeding: Feeding, telegram: TelegramServer) -> None:
    async with feeding.running():
        feeding.happen(1014, quiet="muted")
        feeding.own.append(Event(kind="link.up", taken_at=datetime.now(UTC), monotonic=1.0))
        feeding.happen(1015)
        await soon(lambda: telegram.shown(OWNER))
        await soon(lambda: feeding.store.note(NOTE) == feeding.own.newest_event())

    assert len(telegram.shown(OWNER)) == 1
    assert "1015" in telegram.shown(OWNER)[0]


async def test_ten_at_once_all_arrive_in_order(feeding: Feeding, telegram: TelegramServer) -> None:
    codes = [1001, 1014, 1034, 1040, 1041, 2002, 1010, 1016, 1018, 1026]
    async with feeding.running():
        for code in codes:
            feeding.happen(code)
        await soon(lambda: len([one for one in telegram.shown(OWNER) if one]) == len(codes))

    shown = [one for one in telegram.shown(OWNER) if one]
    assert [str(code) in text for code, text in zip(codes, shown, strict=True)] == [True] * len(codes)


async def test_a_restart_tells_nothing_twice_and_misses_nothing(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    async with feeding.running():
        feeding.happen(1014)
        # Shown is not yet remembered: between the two a stop rightly means that it is sent again.
        await soon(lambda: telegram.shown(OWNER) and not feeding.store.waiting())
    feeding.happen(1015)
    feeding.happen(1015, kind="alert.cleared")
    async with feeding.running():
        await soon(lambda: not feeding.store.waiting() and len(telegram.shown(OWNER)) > 1)

    assert sum("1014" in text for text in telegram.shown(OWNER)) == 1
    assert "✅" in telegram.shown(OWNER)[-1]


async def test_a_picture_follows_an_alert_about_cells(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    """First the words, so that a slow machine does not keep them; then the cells, without a sound."""
    poller.snapshot["devices"][0]["address"] = PACK.address
    async with feeding.running():
        await soon(lambda: feeding.live.connected)
        feeding.happen(1006)
        await soon(lambda: len(telegram.messages(OWNER)) == 2)

    words, picture = telegram.messages(OWNER)
    assert "1006" in words.shown
    assert not words.photo
    assert picture.photo.startswith(PNG)
    assert picture.shown.startswith("Main: Cells now\ncell difference now 8 mV; lowest: cell 4")
    assert str(picture.fields.get("disable_notification")).lower() == "true"


async def test_of_many_alerts_only_the_newest_has_a_picture(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    """After an outage: the cells as they are now say nothing of an old alert, and once is enough."""
    poller.snapshot["devices"][0]["address"] = PACK.address
    async with feeding.running():
        await soon(lambda: feeding.live.connected)
    for minutes in (200, 100, 50):
        feeding.happen(1006, ago=timedelta(minutes=minutes))
    feeding.happen(1006)
    feeding.happen(1006, kind="alert.worse")
    async with feeding.running():
        await soon(lambda: len([one for one in telegram.messages(OWNER) if one.photo]) == 1)
        await asyncio.sleep(0.5)

    assert len([one for one in telegram.messages(OWNER) if one.photo]) == 1


async def test_without_the_poller_there_is_no_picture_of_other_cells(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    async with feeding.running():
        feeding.happen(1006)
        await soon(lambda: telegram.shown(OWNER))
        await asyncio.sleep(0.3)

    assert len(telegram.messages(OWNER)) == 1


# Seen by an owner, and told to who comes later


def open_alert(code: int, **facts: Any) -> dict[str, Any]:
    """An open alert as the poller's snapshot has it."""
    engine = Engine(Options())
    found = engine.find(code)
    assert found is not None
    alert = engine.example(code, Moment(1.0, datetime.now(UTC)), PACK.address).alert
    alert.told = datetime.now(UTC)
    del alert.facts["test"]
    return alert_facts(alert, found[0]) | {"muted": False, "muted_until": None} | facts


@pytest.mark.parametrize(("code", "buttons"), [(1006, True), (1014, True), (1015, False), (1034, False)])
async def test_a_critical_alert_has_a_button_for_who_has_seen_it(
    feeding: Feeding, code: int, buttons: bool
) -> None:
    for kind in ("alert.raised", "alert.repeat", "alert.cleared", "alert.test"):
        feeding.happen(code, kind=kind)

    told = await feeding.queued()

    labels = [[button.label for row in one.buttons for button in row] for one in told]
    wanted = [["👀 I have seen it"]] if buttons else [[]]
    assert labels == [*wanted, *wanted, [], []]
    assert all(one.rings for one in told) is buttons


async def test_every_chat_hears_who_has_seen_it_without_a_sound(feeding: Feeding) -> None:
    feeding.chats = [OWNER, OTHER]
    seen: dict[str, Any] = {
        "acknowledged": datetime.now(UTC).isoformat(),
        "acknowledged_by": "Petro <3",
        "silent": True,
    }
    feeding.happen(1006, kind="alert.acknowledged", **seen)

    told = [*await feeding.queued(), *(one.message for one in feeding.store.oldest(OTHER))]

    assert [one.silent for one in told] == [True, True]
    assert "Seen by Petro &lt;3" in told[0].text
    assert "Petro &lt;3 уже знає" in told[1].text
    assert all(one.text.count("Petro") == 1 for one in told)  # said once
    assert "No more urgent reminders." in told[0].text
    assert "Більше не нагадую так часто." in told[1].text
    assert told[0].buttons == ()


async def test_who_has_pressed_the_button_is_not_told_so_again(feeding: Feeding) -> None:
    feeding.chats = [OWNER, OTHER]
    feeding.happen(1006, kind="alert.acknowledged", acknowledged_by="Olena", silent=True, origin=OWNER)

    assert await feeding.queued() == []
    assert ["Olena" in one.message.text for one in feeding.store.oldest(OTHER)] == [True]


async def test_all_that_is_seen_at_once_is_one_message(feeding: Feeding) -> None:
    also = [open_alert(1010) | {"label": "Garage"}]
    feeding.happen(1006, kind="alert.acknowledged", acknowledged_by="Olena", silent=True, also=also)

    (told,) = await feeding.queued()

    lines = told.text.splitlines()
    assert "Olena has seen 2 alerts" in lines[0]
    assert [line.partition(":")[0] for line in lines if line.startswith("- ")] == [
        "- &lt;Main&gt; &amp; co",
        "- Garage",
    ]


async def test_a_reminder_names_all_that_is_open_and_has_one_button(feeding: Feeding) -> None:
    also = [open_alert(1010) | {"label": "Garage"}, open_alert(1002) | {"label": "Garage"}]
    feeding.happen(1006, kind="alert.repeat", also=also)

    (told,) = await feeding.queued()

    assert told.text.startswith("🚨 <b>&lt;Main&gt; &amp; co: cell 7 is nearly empty")
    assert "Also open:\n- Garage: the battery is dangerously hot" in told.text
    assert [[one.data for one in row] for row in told.buttons] == [["ack:all"]]


async def test_a_guest_has_no_button_that_is_not_his(feeding: Feeding) -> None:
    feeding.chats, feeding.owners = [OWNER, OTHER], {OWNER}
    feeding.happen(1006)

    (of_owner,), of_guest = await feeding.queued(), feeding.store.oldest(OTHER)

    assert pages_behind(of_owner) == ["ack"]
    assert [pages_behind(one.message) for one in of_guest] == [[]]


async def test_what_a_guest_keeps_quiet_is_told_in_all_other_chats(feeding: Feeding) -> None:
    feeding.chats, now = [OWNER, OTHER], datetime.now(UTC)
    feeding.happen(1007)
    await feeding.queued()
    (known,) = [one.message for one in feeding.store.oldest(OTHER)]
    feeding.store.done(one.number for one in feeding.store.oldest(OTHER))
    mild = alert_of(open_alert(1007))
    kept = hush({}, mild, "3600", now, {alert_key(mild)})
    feeding.store.set_notes({hushed_note(OTHER): kept})

    feeding.happen(1007, kind="alert.repeat")
    assert len(await feeding.queued()) == 1
    assert feeding.store.oldest(OTHER) == []
    feeding.happen(1006, kind="alert.worse")  # that breaks the silence
    feeding.happen(1007, kind="alert.cleared")
    await feeding.queued()
    assert len(feeding.store.oldest(OTHER)) == 2
    assert known.buttons == ()


def test_a_silence_ends_and_is_forgotten() -> None:
    alert, now = alert_of(open_alert(1007)), datetime.now(UTC)
    key = alert_key(alert)
    for_an_hour = hush({}, alert, "3600", now, {key})
    till_over = hush({}, alert, "clear", now, {key})

    assert is_hushed(for_an_hour, alert, now + timedelta(minutes=59))
    assert not is_hushed(for_an_hour, alert, now + timedelta(minutes=61))
    assert is_hushed(till_over, alert, now + timedelta(days=9))
    assert not is_hushed(till_over, alert_of(open_alert(1006)), now)
    assert hush(till_over, alert, "off", now, {key}) == {}
    assert hush(till_over, alert_of(open_alert(1010)), "clear", now, {"another"}).keys() == {
        alert_key(alert_of(open_alert(1010)))
    }


@pytest.mark.parametrize("owner", [True, False])
async def test_a_chat_that_is_new_gets_one_summary_of_what_is_open(
    feeding: Feeding, telegram: TelegramServer, poller: Poller, owner: bool
) -> None:
    poller.snapshot["alerts"] = [open_alert(code) for code in (2012, 1006, 1010, 1001, 1023, 1036)]
    feeding.owners = {OWNER} if owner else set()
    async with feeding.running():
        await soon(lambda: feeding.store.note(GREETED) == [OWNER] and not feeding.store.waiting())

    (sent,) = telegram.messages(OWNER)
    assert sent.shown.startswith("6 alerts are open, the worst first:\n🚨")
    assert ["code 2012" in line for line in sent.shown.splitlines()[1:]] == [True] + [False] * 5
    assert [[one["callback_data"] for one in row] for row in sent.buttons] == ([["ack:all"]] if owner else [])


async def test_a_bot_that_cannot_read_its_database_takes_up_what_is_open(
    feeding: Feeding, telegram: TelegramServer, poller: Poller, tmp_path: Path
) -> None:
    """It does not know its place in the log of events: what began before is told from the state of the house."""
    feeding.happen(1014)
    poller.snapshot["alerts"] = [open_alert(1014)]
    feeding.store._go_into_memory("disk I/O error", unread=True)
    async with feeding.running():
        await soon(lambda: telegram.shown(OWNER))

    assert ["1014" in text for text in telegram.shown(OWNER)] == [True]


async def test_a_chat_that_comes_later_is_told_what_is_open(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    poller.snapshot["alerts"] = [
        open_alert(1006),
        open_alert(1011, muted=True),
        open_alert(1034, told=None),
    ]
    async with feeding.running():
        await soon(lambda: telegram.shown(OWNER))
        feeding.chats.append(OTHER)
        feeding.feed.wake()
        await soon(lambda: telegram.shown(OTHER))
        await soon(lambda: feeding.store.note(GREETED) == [OWNER, OTHER] and not feeding.store.waiting())
    async with feeding.running():  # and once only, whatever restarts lie between
        feeding.happen(1015)
        await soon(lambda: [len(telegram.shown(chat)) for chat in (OWNER, OTHER)] == [2, 2])

    assert "1006" in telegram.shown(OWNER)[0]
    assert "(still)" in telegram.shown(OWNER)[0]
    assert "1015" in telegram.shown(OWNER)[1]


async def test_a_chat_that_comes_to_a_dark_house_is_not_told_that_it_runs_on_the_battery(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    poller.snapshot["alerts"] = [open_alert(2001), open_alert(2012)]
    async with feeding.running():
        await soon(lambda: feeding.store.note(GREETED) == [OWNER] and not feeding.store.waiting())

    assert ["2012" in text for text in telegram.shown(OWNER)] == [True]


async def test_who_comes_while_the_poller_is_away_is_told_when_it_is_back(
    feeding: Feeding, telegram: TelegramServer, tmp_path: Path
) -> None:
    async with feeding.running():
        feeding.feed.wake()
        await soon(lambda: feeding.live.down_since is not None)
        assert feeding.store.note(GREETED) == []
        late = Poller(tmp_path / "s")
        late.snapshot["alerts"] = [open_alert(1006)]
        async with late.server.serve():
            await soon(lambda: telegram.shown(OWNER))

    assert "1006" in telegram.shown(OWNER)[0]


async def test_after_an_update_only_who_comes_later_is_new(
    feeding: Feeding, telegram: TelegramServer, poller: Poller
) -> None:
    """Earlier versions noted a place in the log of events, and not which chats were greeted."""
    feeding.store.set_notes({NOTE: 0})
    poller.snapshot["alerts"] = [open_alert(1006)]
    async with feeding.running():
        await soon(lambda: feeding.store.note(GREETED) == [OWNER])
        feeding.chats.append(OTHER)
        feeding.feed.wake()
        await soon(lambda: telegram.shown(OTHER))
        feeding.happen(1015)
        await soon(lambda: telegram.shown(OWNER))

    assert ["1015" in text for text in telegram.shown(OWNER)] == [True]
    assert "1006" in telegram.shown(OTHER)[0]


NO_DELAY = Options(startup_delay=0.0)
ANSWERS = example.pack()  # a fresh sample


def grid(state: str) -> InverterView:
    return example.inverter(grid=state)


def silent(seconds: float, interval: float = 30.0) -> PackView:
    link = Link(LinkState.SEARCHING, verdict="not_seen", silent=seconds, interval=interval)
    return example.pack(link=link)._replace(sample=None)


def house(view: Seen) -> dict[str, Any]:
    """What the poller says of a house in which the rules see ``view``."""
    if isinstance(view, InverterView):
        return snapshot(inverter={"grid": {"state": view.grid, "for": 3.0}, "age": 1.0})
    return snapshot(device(age=view.link.silent), poll_interval=view.link.interval)


NEWS = {  # what the rules see one after the other: what a chat with monitoring is told
    "the first state is no news": ([grid("lost")], []),
    "the grid": ([grid("present"), grid("lost"), grid("present")], ["Grid lost", "Grid is back"]),
    "unknown is never lost": ([grid("present"), grid("unknown"), grid("present")], []),
    "lost behind an unknown": ([grid("present"), grid("unknown"), grid("lost")], ["Grid lost"]),
    "told once": ([grid("present"), *[grid("lost")] * 3], ["Grid lost"]),
    "no silence": ([ANSWERS, silent(119)], []),
    "a silent battery": (
        [ANSWERS, silent(121), silent(500), ANSWERS, ANSWERS],
        ["Main does not answer", "Main answers again, after 8 min"],
    ),
    "two polls": ([ANSWERS, silent(179, 60.0)], []),
    "three polls": ([ANSWERS, silent(181, 60.0)], ["Main does not answer"]),
}


@pytest.mark.parametrize(("seen", "told"), NEWS.values(), ids=NEWS)
async def test_a_chat_with_monitoring_is_shown_grid_and_silent_batteries(
    feeding: Feeding, poller: Poller, seen: Sequence[Seen], told: list[str]
) -> None:
    feeding.monitoring, feeding.engine = {OWNER}, Engine(NO_DELAY)
    said = []
    for number, view in enumerate(seen):
        poller.snapshot = house(view)
        feeding.judge(view, at=30.0 * number)
        said += await feeding.queued()

    assert [one.text.splitlines()[0].partition("<b>")[2].removesuffix("</b>") for one in said] == told
    assert all(code not in one.text for one in said for code in ("2001", "1031"))


async def test_what_gets_worse_or_goes_on_is_told_as_an_alert(feeding: Feeding, poller: Poller) -> None:
    feeding.monitoring = {OWNER}
    poller.snapshot = house(silent(960))
    feeding.happen(1043, kind="alert.worse")
    feeding.happen(1043, kind="alert.repeat")

    assert ["Critical, code 1043" in one.text for one in await feeding.queued()] == [True, True]


async def test_nobody_hears_it_twice_and_others_hear_the_alert(feeding: Feeding, poller: Poller) -> None:
    feeding.chats, feeding.monitoring = [OWNER, OTHER], {OWNER}
    poller.snapshot = house(grid("lost"))
    feeding.happen(2001)
    (shown,), (told,) = await feeding.queued(), await feeding.queued(OTHER)

    assert "Grid lost" in shown.text
    assert "2001" in shown.line
    assert "2001" in shown.later  # if Telegram is away
    assert pages_behind(shown) == ["ack", "status", "battery"]
    assert "2001" in told.text
    assert pages_behind(told) == ["ack"]


def pages_behind(message: Outgoing) -> list[str]:
    """What its buttons lead to."""
    return [str(button.data).partition(":")[0] for row in message.buttons for button in row]


BY_THEN = {  # an event, and the house as it is by then, which must not be shown with it
    "lost, but back": (2001, "raised", house(grid("present"))),
    "lost, but unknown": (2001, "raised", house(grid("unknown"))),
    "lost, but no inverter": (2001, "raised", snapshot(inverter=None)),
    "back, but lost": (2001, "cleared", house(grid("lost"))),
    "silent, but answers": (1031, "raised", house(ANSWERS)),
    "answers, but silent": (1031, "cleared", house(silent(200))),
    "taken away": (1031, "raised", snapshot(device(2, age=200.0))),
}


@pytest.mark.parametrize(("code", "step", "state"), BY_THEN.values(), ids=BY_THEN)
async def test_a_house_that_says_otherwise_is_not_shown(
    feeding: Feeding, poller: Poller, code: int, step: str, state: dict[str, Any]
) -> None:
    feeding.monitoring = {OWNER}
    poller.snapshot = state
    feeding.happen(code, kind=f"alert.{step}")
    (told,) = await feeding.queued()

    assert f"ode {code}" in told.text
    assert set(pages_behind(told)) <= {"ack"}


async def test_late_news_are_told_as_alerts(feeding: Feeding, poller: Poller) -> None:
    """What came and went while the bot was away as well."""
    feeding.monitoring = {OWNER}
    poller.snapshot = house(grid("lost"))
    for step, minutes in (("raised", 50), ("cleared", 40), ("raised", 2)):
        feeding.happen(2001, kind=f"alert.{step}", ago=timedelta(minutes=minutes))

    assert ["ode 2001" in one.text for one in await feeding.queued()] == [True] * 3


async def test_without_the_poller_the_alert_is_told(feeding: Feeding) -> None:
    feeding.monitoring = {OWNER}
    feeding.happen(2001)

    assert ["code 2001" in one.text for one in await feeding.queued()] == [True]


async def test_a_poller_that_hangs_does_not_hold_up_the_alert(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def snapshot() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(feeding.live, "snapshot", snapshot)
    monkeypatch.setattr("jk_bms.bot.alert_feed.HOUSE_PATIENCE", 0.01)
    feeding.monitoring = {OWNER}
    feeding.happen(2001)

    assert ["code 2001" in one.text for one in await feeding.queued()] == [True]


async def test_a_battery_lost_at_a_restart_of_the_poller_shows_its_last_values(
    feeding: Feeding, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recorded() -> Snapshot:
        return Snapshot(devices=(battery(device(age=4000.0)),))

    monkeypatch.setattr(feeding.live, "recorded", recorded)
    unread = device()
    del unread["age"], unread["reading"]
    poller.snapshot = snapshot(unread)
    feeding.monitoring = {OWNER}
    feeding.happen(1031)
    (told,) = await feeding.queued()

    assert "No battery data since" in told.text
    assert "52.58" in told.text


async def test_sixty_flaps_of_the_grid_are_not_sixty_messages(feeding: Feeding, poller: Poller) -> None:
    feeding.monitoring, feeding.engine = {OWNER}, Engine(NO_DELAY)
    for number, state in enumerate(["present", *["lost", "present"] * 60]):
        feeding.judge(grid(state), at=10.0 * number)

    assert 0 < len(await feeding.queued()) < 6


async def test_quiet_hours_hold_for_a_silent_battery(feeding: Feeding, poller: Poller) -> None:
    feeding.monitoring = {OWNER}
    feeding.engine = Engine(NO_DELAY._replace(quiet_hours=(clock_time.min, clock_time.max)))
    poller.snapshot = house(silent(960))
    feeding.judge(ANSWERS, at=0.0)
    feeding.judge(silent(130), at=130.0)
    quiet = await feeding.queued()
    feeding.judge(silent(960), at=960.0)  # critical: that passes

    assert quiet == []
    assert ["Main does not answer" in one.text for one in await feeding.queued()] == [True]


async def test_what_came_and_went_between_two_looks_is_told(feeding: Feeding, poller: Poller) -> None:
    """However short the outage was: it stands in the log."""
    feeding.monitoring, feeding.engine = {OWNER}, Engine(NO_DELAY)
    for number, view in enumerate((ANSWERS, silent(130), ANSWERS, ANSWERS)):
        feeding.judge(view, at=float(number))
    poller.snapshot = house(ANSWERS)
    lost, back = await feeding.queued()

    assert "code 1031" in lost.text
    assert "Main answers again, after 2 min" in back.text


async def test_a_database_that_was_begun_anew_is_followed_from_its_beginning(
    feeding: Feeding, telegram: TelegramServer
) -> None:
    feeding.store.set_notes({NOTE: 4711})
    async with feeding.running():
        await soon(lambda: feeding.store.note(NOTE) == 0)
        feeding.happen(1014)
        await soon(lambda: telegram.shown(OWNER))


async def test_what_was_written_before_the_bot_looked_into_a_database_begun_anew_is_told(
    feeding: Feeding,
) -> None:
    """And of a backup that was put back, only what is of the last day."""
    feeding.store.set_notes({NOTE: 4711})
    feeding.happen(1015, ago=timedelta(days=3))
    feeding.happen(1014, ago=timedelta(hours=3))
    feeding.happen(1016)

    told = [message.text for message in await feeding.queued()]

    assert [next(code for code in ("1014", "1015", "1016") if code in text) for text in told] == [
        "1014",
        "1016",
    ]


async def test_a_backup_of_long_ago_tells_nothing(feeding: Feeding) -> None:
    feeding.store.set_notes({NOTE: 4711})
    feeding.happen(1015, ago=timedelta(days=3))

    assert await feeding.queued() == []


async def test_no_database_yet(settings: Settings, store: BotStore, bot: TelegramBot, tmp_path: Path) -> None:
    """The poller was never started: nothing to tell, and no noise."""
    live = LiveView(settings)
    feed = AlertFeed(settings, store, live, chats=list, monitoring=set, texts_of=lambda _: language("en"))
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0.1)

    assert not task.done()
    task.cancel()


@pytest.mark.parametrize(
    ("device", "facts", "limits"),
    [
        ({"cell_limits": [3.05, 3.55]}, {"rule": "cell_spread", "set": 80.0}, (3.05, 3.55)),
        ({"cell_limits": [3.05, 3.55]}, {"rule": "cell_low", "set": 2.85}, (2.85, 3.55)),
        ({"cell_limits": [3.05, 3.55]}, {"rule": "cell_high", "set": 3.6}, (3.05, 3.6)),
        ({}, {"rule": "cell_low", "set": 2.85}, (2.85, None)),
        ({}, {"rule": "cell_spread", "set": 80.0}, (None, None)),
    ],
)
def test_a_picture_of_cells_has_both_limits(
    device: dict[str, Any], facts: dict[str, Any], limits: tuple[float | None, float | None]
) -> None:
    """Whatever the alert is about: a cell beyond a limit is never green."""
    assert limits_of(battery(device), facts) == limits
