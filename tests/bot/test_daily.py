"""The digest goes out once a day, late rather than never, and not twice."""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from jk_bms.bot.child import ChildError
from jk_bms.bot.daily import KEPT_FOR, NOTE, Daily
from jk_bms.bot.pages.page import Page
from jk_bms.bot.store import BotStore, open_store
from jk_bms.config.settings import Settings, load_settings
from jk_bms.digest.ai import PAUSES
from jk_bms.errors import StoreError
from jk_bms.texts import Texts, language
from tests.charts.lived_house import live

KYIV = ZoneInfo("Europe/Kyiv")
OWNER, GRANDMA = 7, 8
KEY = "sk-canary-99887766"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KYIV).astimezone(UTC)


class Ended(Exception):
    """The time of a test is over."""


class House:
    """A bot whose clock is turned, and whose child answers at once."""

    def __init__(self, folder: Path, store: BotStore, now: str, **settings: Any) -> None:
        self.store = store
        self.now = local(now)
        self.end = self.now
        self.settings: Settings = msgspec.structs.replace(
            load_settings({}, top=folder), timezone=KYIV, summary_time=time(23, 59), **settings
        )
        self.requests: list[Mapping[str, Any]] = []
        self.patience: list[float] = []
        self.replies: list[tuple[int, str, bytes | None]] = []
        self.faults: list[Exception] = []
        self.chats = [OWNER]
        self.jumps: list[tuple[datetime, timedelta]] = []
        self.stretch: Callable[[], float] = lambda: 1.0
        self.newest: str | None = None
        self.model = asyncio.Event()  # it answers when this is set
        self.model.set()
        self.why = ""

    def daily(self, look: float = 30.0, soon: float = 30.0) -> Daily:
        return Daily(
            self.settings,
            self.store,
            self,
            lambda: self.chats,
            self.texts_of,
            child=self.child,
            now=lambda: self.now,
            sleep=self.sleep,
            look=look,
            soon=soon,
        )

    def texts_of(self, chat: int) -> Texts:
        return language("uk" if chat == GRANDMA else "en")

    async def child(self, module: str, request: Mapping[str, Any], *, timeout: float) -> bytes:
        assert module == "jk_bms.digest"
        self.requests.append(request)
        self.patience.append(timeout)
        if self.faults:
            raise self.faults.pop(0)
        text = f"<{request['language']}> {request['day']}"
        if request["service"]:
            await self.model.wait()
            text = f"{text} by the model" if not self.why else text
        picture = base64.b64encode(b"PNG").decode()
        pictures = dict.fromkeys(("light", "dark"), picture)
        told = {"text": text, "by_model": False, "why": "", "pictures": pictures, "newest": self.newest}
        if request["service"]:
            told |= {"why": self.why, "pictures": {}}
        return json.dumps(told).encode()

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds * self.stretch())
        for jump in [jump for jump in self.jumps if self.now >= jump[0]]:
            self.jumps.remove(jump)
            self.now += jump[1]
        if self.now >= self.end:
            raise Ended
        await asyncio.sleep(0)

    async def reply(self, chat: int, page: Page, *, photo: bytes | None = None, topic: int = 0) -> None:
        self.replies.append((chat, page.text, photo))

    async def until(self, end: str, look: float = 30.0) -> None:
        """Run a bot, as if newly started, until ``end``."""
        self.end = local(end)
        with pytest.raises(Ended):
            await self.daily(look).run()

    def queued(self, chat: int = OWNER) -> list[str]:
        return [waiting.message.text for waiting in self.store.oldest(chat)]


async def test_at_the_summary_time_each_chat_gets_it_in_its_language(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 12:00:00")
    house.chats = [OWNER, GRANDMA, OWNER]

    await house.until("2026-12-11 12:00:00")

    assert (house.queued(), house.queued(GRANDMA)) == (["&lt;en&gt; 2026-12-10"], ["&lt;uk&gt; 2026-12-10"])
    [waiting] = house.store.oldest(OWNER)
    assert (waiting.message.photo, waiting.message.keep_for) == (b"PNG", KEPT_FOR)
    request = house.requests[0]
    assert (request["start"], request["end"]) == ("2026-12-09T22:00:00+00:00", "2026-12-10T21:59:00+00:00")
    assert (request["timezone"], request["service"]) == ("Europe/Kyiv", None)


async def test_digest_chats_of_the_settings_beat_all_others(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 12:00:00", digest_chats=(GRANDMA,))

    await house.until("2026-12-11 12:00:00")

    assert (house.queued(), len(house.queued(GRANDMA))) == ([], 1)


async def test_a_year_has_each_date_once(tmp_path: Path, store: BotStore) -> None:
    """With restarts, days without power and a machine that sleeps; both days of clock changes are in it."""
    house = House(tmp_path, store, "2027-01-01 12:00:00")
    random = Random(1)
    house.stretch = lambda: random.choice((1.0, 1.0, 1.0, 2.5))
    stop = local("2027-01-01 12:00:00")
    last = local("2028-01-01 12:00:00")
    missed: set[date] = set()
    while stop < last:
        stop = min(last, stop + timedelta(hours=random.uniform(1, 200)))
        await house.until(stop.astimezone(KYIV).replace(tzinfo=None).isoformat(), look=1800.0)
        if random.random() < 0.1:  # two days without power
            begin, made = house.now, {request["day"] for request in house.requests}
            house.now += timedelta(days=2)
            for day in range(-1, 3):
                of = begin.astimezone(KYIV).date() + timedelta(days=day)
                due = datetime.combine(of, time(23, 59), KYIV).astimezone(UTC)
                if due < house.now - timedelta(hours=6) and of.isoformat() not in made:
                    missed.add(of)
            stop = house.now

    days = [date.fromisoformat(str(request["day"])) for request in house.requests]
    wanted = {date(2027, 1, 1) + timedelta(days=n) for n in range(365)} - missed
    assert days == sorted(set(days))
    assert set(days) - {date(2028, 1, 1), date(2028, 1, 2)} == wanted
    assert {date(2027, 3, 28), date(2027, 10, 31)} <= set(days)


async def test_restart_at_the_last_moment(tmp_path: Path) -> None:
    with open_store(tmp_path / "bot.db") as store:
        await House(tmp_path, store, "2026-12-10 12:00:00").until("2026-12-10 23:58:59.9")
    with open_store(tmp_path / "bot.db") as store:
        house = House(tmp_path, store, "2026-12-10 23:58:59.9")
        await house.until("2026-12-11 00:10:00")
        assert len(house.queued()) == 1
    with open_store(tmp_path / "bot.db") as store:
        again = House(tmp_path, store, "2026-12-11 00:10:00")
        await again.until("2026-12-11 20:00:00")
        assert again.requests == []


async def test_made_up_after_a_power_cut_it_says_so(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 12:00:00")
    await house.until("2026-12-10 20:00:00")
    house.now = local("2026-12-11 05:30:00")

    await house.until("2026-12-11 06:30:00")

    [text] = house.queued()
    assert text == "This digest is late: the program was not running at 23:59.\n\n&lt;en&gt; 2026-12-10"
    assert house.requests[0]["end"] == "2026-12-10T21:59:00+00:00"  # of its own day, not of the night


async def test_a_clock_that_jumps_two_hours(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 12:00:00")
    house.jumps = [
        (local("2026-12-10 22:30:00"), timedelta(hours=2)),
        (local("2026-12-11 00:50:00"), timedelta(hours=-2)),
    ]

    await house.until("2026-12-12 12:00:00")

    assert [request["day"] for request in house.requests] == ["2026-12-10", "2026-12-11"]


async def test_a_new_bot_tells_nothing_of_the_day_before_it(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 00:30:00")

    await house.until("2026-12-10 12:00:00")

    assert house.requests == []


async def test_while_the_clock_is_wrong_nothing_is_told(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "1970-01-05 12:00:00")

    await house.until("1970-01-08 12:00:00", look=600.0)

    assert (house.requests, store.note(NOTE)) == ([], None)


async def test_a_child_that_fails_is_tried_again(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 23:00:00")
    house.faults = [ChildError("killed"), ChildError("killed")]

    await house.until("2026-12-11 01:00:00")

    assert house.queued() == ["&lt;en&gt; 2026-12-10"]
    assert len(house.requests) == 3


async def test_a_digest_that_cannot_be_made_is_not_passed_over_in_silence(
    tmp_path: Path, store: BotStore
) -> None:
    house = House(tmp_path, store, "2026-12-10 23:00:00")
    house.faults = [ChildError("not JSON")] * 3

    await house.until("2026-12-11 01:00:00")

    assert house.queued() == ["The digest of 10 Dec could not be made; the bot's log says why."]


async def test_a_full_disk_delays_it(
    tmp_path: Path, store: BotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, store, "2026-12-10 12:00:00")
    await house.until("2026-12-10 23:00:00")
    queue, fails = store.queue, [StoreError("bot.db: disk full")] * 2

    def failing(*args: Any) -> None:
        if fails:
            raise fails.pop()
        queue(*args)

    monkeypatch.setattr(store, "queue", failing)
    await house.until("2026-12-11 01:00:00")

    assert len(house.queued()) == 1


async def test_nobody_to_tell(tmp_path: Path, store: BotStore, caplog: pytest.LogCaptureFixture) -> None:
    house = House(tmp_path, store, "2026-12-10 23:00:00")
    house.chats = []

    with caplog.at_level(logging.INFO):
        await house.until("2026-12-11 01:00:00")

    assert house.requests == []
    assert sum("no chat" in line for line in caplog.messages) == 1


async def test_on_demand_at_most_once_in_ten_minutes_and_for_every_chat(
    tmp_path: Path, store: BotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One language is made once; a second chat gets the same, the first is told to wait."""
    passed = [1000.0]
    monkeypatch.setattr("jk_bms.bot.daily.time.monotonic", lambda: passed[0])
    house = House(tmp_path, store, "2026-12-10 15:00:00")
    daily = house.daily()

    await daily.on_demand(OWNER)
    await daily.on_demand(OWNER + 10)
    await daily.on_demand(GRANDMA)
    await daily.on_demand(OWNER)
    passed[0] += 600.0
    await daily.on_demand(OWNER)

    told = [(chat, text, picture) for chat, text, picture in house.replies if "2026-12-10" in text]
    assert [request["language"] for request in house.requests] == ["en", "uk", "en"]
    assert {request["end"] for request in house.requests} == {"2026-12-10T13:00:00+00:00"}
    assert told == [
        (OWNER, "&lt;en&gt; 2026-12-10", b"PNG"),
        (OWNER + 10, "&lt;en&gt; 2026-12-10", b"PNG"),
        (GRANDMA, "&lt;uk&gt; 2026-12-10", b"PNG"),
        (OWNER, "&lt;en&gt; 2026-12-10", b"PNG"),
    ]
    assert sum("10 min" in text for _, text, _ in house.replies) == 1
    assert store.note(NOTE) is None  # the digest of the day comes all the same


async def test_on_demand_it_says_how_old_its_data_are(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 15:00:00")
    house.newest = local("2026-12-10 14:49:00").isoformat()  # a row that begins then, of a minute

    await house.daily().on_demand(OWNER)

    assert house.replies[-1][1] == "&lt;en&gt; 2026-12-10\n\nNewest data: 10 min ago."


async def test_a_model_that_answers_in_time_is_the_answer(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 15:00:00", openai_url="http://127.0.0.1:9/v1")

    await house.daily().on_demand(OWNER)

    assert house.replies[1:] == [(OWNER, "&lt;en&gt; 2026-12-10 by the model", b"PNG")]


@pytest.mark.parametrize("why", ["", "busy"])
async def test_a_model_that_takes_long_is_not_waited_for(why: str, tmp_path: Path, store: BotStore) -> None:
    """Our own words at once; the model's, or why there are none, when they come. A second chat gets those alone."""
    house = House(tmp_path, store, "2026-12-10 15:00:00", openai_key=KEY)
    house.model.clear()
    house.why = why
    daily = house.daily(soon=0.05)

    await asyncio.wait_for(daily.on_demand(OWNER), 60)

    ours = "&lt;en&gt; 2026-12-10"
    later = "The AI service has not answered yet; its words follow when they come."
    assert house.replies[1:] == [(OWNER, f"{ours}\n\n{later}", b"PNG")]
    house.model.set()
    await asyncio.wait_for(asyncio.gather(*daily._late), 60)
    note = "Written without AI: the AI service was busy."
    assert house.replies[2:] == [(OWNER, note if why else f"{ours} by the model", None)]
    await daily.on_demand(OWNER + 10)
    assert house.replies[3:] == [(OWNER + 10, ours if why else f"{ours} by the model", b"PNG")]


async def test_a_digest_that_fails_does_not_make_anybody_wait(tmp_path: Path, store: BotStore) -> None:
    house = House(tmp_path, store, "2026-12-10 15:00:00")
    daily = house.daily()
    house.faults = [ChildError("chart: no")]

    await daily.on_demand(OWNER)
    await daily.on_demand(OWNER)

    assert house.replies[-1][1:] == ("&lt;en&gt; 2026-12-10", b"PNG")


async def test_with_a_key_the_child_gets_it_and_the_time_for_it(
    tmp_path: Path, store: BotStore, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path, store, "2026-12-10 23:00:00", openai_key=KEY, openai_prompt="Tell")

    with caplog.at_level(logging.DEBUG):
        await house.until("2026-12-11 01:00:00")

    assert house.requests[0]["service"]["key"] == KEY
    # The child may wait as long as the service is away, and ask once more for a better answer.
    assert house.patience[0] > sum(PAUSES) + (len(PAUSES) + 2) * house.settings.digest_timeout
    assert KEY not in caplog.text


async def test_the_real_child_makes_text_and_picture(tmp_path: Path, store: BotStore) -> None:
    """Its own process, a real database, no service: a page of words and a PNG."""
    end = local("2026-12-10 18:00:00")
    live(tmp_path / "bms.db", end, 1.0)
    house = House(tmp_path, store, "2026-12-10 18:00:00", bms_db_path=tmp_path / "bms.db")
    daily = Daily(
        house.settings,
        store,
        house,
        lambda: [OWNER],
        house.texts_of,
        now=lambda: house.now,
        sleep=house.sleep,
    )

    await daily.on_demand(GRANDMA)

    [(_, waiting, _), (chat, text, picture)] = house.replies
    assert (chat, waiting != text) == (GRANDMA, True)
    assert text.startswith("Підсумок за 10 грудня 2026\n")
    assert "кВт·год" in text
    assert picture
    assert picture.startswith(b"\x89PNG")
