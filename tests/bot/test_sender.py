"""What must arrive arrives: once, in order, in pieces that Telegram takes, at its speed."""

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jk_bms.bot.light_aiogram import TelegramBot
from jk_bms.bot.outgoing import Outgoing, plain, split_html
from jk_bms.bot.pages.page import Button, Page
from jk_bms.bot.sender import PACE, Sender
from jk_bms.bot.store import BotStore, open_store
from jk_bms.texts import language
from tests.bot.conftest import QUICK, soon
from tests.bot.telegram_server import OWNER, TelegramServer, parsed_html

OTHER = 88
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture
def sender(bot: TelegramBot, store: BotStore) -> Sender:
    return Sender(bot, store, lambda chat: language("uk" if chat == OTHER else "en"), QUICK)


@contextlib.asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def alert(number: int, chat: int = OWNER, key: str = "") -> Outgoing:
    return Outgoing(chat=chat, text=f"<b>alert {number}</b>", line=f"alert {number}", key=key or f"k{number}")


def nothing_waits(store: BotStore) -> bool:
    return not store.waiting()


async def test_what_is_queued_arrives_in_order(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    async with running(sender):
        store.queue([alert(number) for number in range(3)])
        store.queue([alert(3), alert(4, OTHER)])

        await soon(lambda: nothing_waits(store))

    assert telegram.shown(OWNER) == ["alert 0", "alert 1", "alert 2", "alert 3"]
    assert telegram.shown(OTHER) == ["alert 4"]


async def test_ten_at_once_all_arrive(telegram: TelegramServer, store: BotStore, sender: Sender) -> None:
    async with running(sender):
        store.queue([alert(number) for number in range(10)])
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == [f"alert {number}" for number in range(10)]


async def test_a_buttons_and_a_picture_go_along(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    rows = ((Button("Mute 1 h", "mute:3600:x"), Button("Page", url="https://example.com/")),)
    async with running(sender):
        store.queue([Outgoing(chat=OWNER, text="cells", photo=PNG, buttons=rows)])
        await soon(lambda: nothing_waits(store))

    (sent,) = telegram.messages()
    assert (sent.method, sent.photo, sent.shown) == ("sendPhoto", PNG, "cells")
    assert sent.button("Mute") == "mute:3600:x"


async def test_no_chat_gets_more_than_twenty_in_a_minute(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.limit = (QUICK.messages, QUICK.minute * 0.9)  # the server's clock is not ours
    async with running(sender):
        # Without a line each is worth a message of its own, however many there are.
        store.queue([Outgoing(chat=OWNER, text=f"text {number}") for number in range(40)])
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == [f"text {number}" for number in range(40)]
    assert len(telegram.calls) == 40  # not one was refused


async def test_an_answer_passes_a_queue_that_must_wait(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    async with running(sender):
        store.queue([Outgoing(chat=OWNER, text=f"text {number}") for number in range(20)])
        await soon(lambda: len(telegram.messages()) == QUICK.of_queue)

        began = time.monotonic()
        await sender.reply(OWNER, Page("answer"))

        assert time.monotonic() - began < QUICK.minute / 2
        assert telegram.shown()[-1] == "answer"


@pytest.mark.parametrize("chat", [OWNER, -5])
async def test_an_alert_does_not_wait_for_one_who_asks_a_lot(
    telegram: TelegramServer, store: BotStore, sender: Sender, chat: int
) -> None:
    async with running(sender):
        for number in range(QUICK.of_queue):
            await sender.reply(chat, Page(f"answer {number}"))
        began = time.monotonic()
        store.queue([alert(1, chat=chat)])
        await soon(lambda: nothing_waits(store))

    assert time.monotonic() - began < QUICK.minute / 2
    assert telegram.shown()[-1] == "alert 1"


BUSY = {
    "a person": (OWNER, 0.0),
    "a group": (-5, QUICK.minute),
}  # how long the last of 25 answers waits at least


@pytest.mark.parametrize(("chat", "waits"), BUSY.values(), ids=BUSY)
async def test_who_asks_a_lot_is_answered_as_fast_as_telegram_takes_it(
    telegram: TelegramServer, sender: Sender, chat: int, waits: float
) -> None:
    began = time.monotonic()
    for number in range(25):
        await sender.reply(chat, Page(f"answer {number}"))

    assert telegram.shown() == [f"answer {number}" for number in range(25)]
    assert waits <= time.monotonic() - began < QUICK.patience


async def test_after_an_outage_many_become_one(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.down()
    async with running(sender):
        for number in range(40):
            store.queue([alert(number, key=f"rule{number % 38}")])
        await asyncio.sleep(QUICK.late * 1.5)
        telegram.up()
        await soon(lambda: nothing_waits(store))
        store.queue([alert(99)])
        await soon(lambda: nothing_waits(store))

    first, second = telegram.shown()
    assert first.splitlines()[0] == "40 messages that could not be sent in time"
    assert first.splitlines()[1] == "alert 39 (×2)"
    assert first.splitlines()[-1] == "and 13 older messages"
    assert "alert 1\n" not in first  # told by its newer one
    assert second == "alert 99"


async def test_after_an_outage_what_goes_on_comes_first_and_whole(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    """That it is going dark was line 13 of 24."""

    def step(text: str, key: str, standing: bool) -> Outgoing:
        return Outgoing(
            chat=OWNER,
            text=f"<b>{text}</b>\n\nall of it",
            line=text,
            key=key,
            standing=standing,
            rings=standing,
        )

    telegram.down()
    async with running(sender):
        for number in range(12):
            store.queue([step(f"{number} raised", f"k{number}", True)])
            store.queue([step(f"{number} over", f"k{number}", False)])
            if number == 3:
                store.queue([step("low", "low", True)])
            if number == 8:
                store.queue([step("going dark", "dark", True), step("going dark (worse)", "dark", True)])
        await asyncio.sleep(QUICK.late * 1.5)
        telegram.up()
        await soon(lambda: nothing_waits(store))

    dark, low, over = telegram.shown()
    assert dark.startswith("going dark (worse)\n\nall of it")
    assert low.startswith("low\n\nall of it")
    assert over.splitlines()[0] == "24 messages that could not be sent in time"
    assert over.splitlines()[1] == "11 over (×2)"


@pytest.mark.parametrize(("waited", "shown"), [(10.0, "page"), (61.0, "lost at 18:42")])
async def test_a_page_of_the_present_does_not_arrive_as_one_of_the_past(
    telegram: TelegramServer,
    store: BotStore,
    sender: Sender,
    monkeypatch: pytest.MonkeyPatch,
    waited: float,
    shown: str,
) -> None:
    rows = ((Button("Refresh", "status"),),)
    store.queue([Outgoing(chat=OWNER, text="page", line="lost", later="<b>lost</b> at 18:42", buttons=rows)])
    (queued,) = store.oldest(OWNER)
    monkeypatch.setattr(store, "oldest", lambda chat: [queued._replace(made=queued.made - waited)])
    async with running(sender):
        await soon(lambda: telegram.messages())

    assert telegram.shown()[0] == shown
    assert bool(telegram.messages()[0].buttons) == (shown == "page")


def picture(chat: int = OWNER) -> Outgoing:
    """The cells, as they follow an alert."""
    return Outgoing(chat=chat, text="", photo=PNG, silent=True)


async def test_pictures_do_not_keep_many_from_becoming_one(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.down()
    async with running(sender):
        for number in range(40):
            store.queue([alert(number)])
            store.queue([picture()])
        await asyncio.sleep(QUICK.late * 1.5)
        store.queue([alert(99)])
        telegram.up()
        await soon(lambda: nothing_waits(store))

    words, *rest = telegram.messages()
    assert words.shown.splitlines()[0] == "41 messages that could not be sent in time"
    assert words.shown.splitlines()[1] == "alert 99"
    assert rest == []


async def test_what_has_words_of_its_own_is_never_dropped_with_the_pictures(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    digest = Outgoing(chat=OWNER, text="digest", photo=PNG, key="digest")
    hint = Outgoing(chat=OWNER, text="hint", silent=True)
    telegram.down()
    async with running(sender):
        store.queue([one for number in range(10) for one in (alert(number), picture())])
        store.queue([digest, picture(), hint])
        store.queue([one for number in range(10, 20) for one in (alert(number), picture())])
        await asyncio.sleep(QUICK.late * 1.5)
        telegram.up()
        await soon(lambda: nothing_waits(store))

    first, *between, last, newest = telegram.messages()
    assert first.shown.splitlines()[0] == "10 messages that could not be sent in time"
    assert [one.shown for one in between] == ["digest", "hint"]
    assert last.shown.splitlines()[0] == "10 messages that could not be sent in time"
    assert (newest.shown, newest.photo) == ("", PNG)  # of the newest alert


async def test_words_pass_the_pictures_that_wait(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    store.queue([picture() for _ in range(QUICK.of_queue)])
    store.queue([alert(1), picture()])
    async with running(sender):
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == ["alert 1", *[""] * (QUICK.of_queue + 1)]


async def test_a_picture_that_does_not_arrive_holds_up_no_words(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    store.queue([picture(), alert(1)])
    store.trying([store.oldest(OWNER)[0].number])
    async with running(sender):
        await soon(lambda: nothing_waits(store))

    words, again = telegram.messages()
    assert (words.shown, again.photo) == ("alert 1", PNG)
    assert "may be a repeat" in again.shown


async def test_a_crash_while_many_became_one_brings_back_one(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    """The pictures that were dropped with them stay dropped, and what came later is told by itself."""
    store.queue([one for number in range(8) for one in (alert(number), picture())])
    numbers = [one.number for one in store.oldest(OWNER)]
    store.trying(numbers[:-1])  # the last picture came after the batch
    store.queue([alert(8)])
    async with running(sender):
        await soon(lambda: nothing_waits(store))

    again, later, shown = telegram.messages()
    assert again.shown.splitlines()[0] == "8 messages that could not be sent in time"
    assert "may be a repeat" in again.shown
    assert later.shown == "alert 8"
    assert shown.photo == PNG


async def test_few_late_messages_arrive_as_they_are(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.down()
    async with running(sender):
        store.queue([alert(number) for number in range(3)])
        await asyncio.sleep(QUICK.late * 1.5)
        telegram.up()
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == ["alert 0", "alert 1", "alert 2"]  # and none is called a repeat


async def test_of_equal_events_the_newest_tells_all(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    store.queue([Outgoing(chat=OTHER, text=f"рівень {n}", line=f"рівень {n}", key="level") for n in range(3)])
    async with running(sender):
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == ["рівень 2\n(замість 2 старіших повідомлень про те саме)"]


async def test_a_pause_that_telegram_asks_for_is_kept(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.fail(429, "sendMessage", retry_after=1)
    began = time.monotonic()
    async with running(sender):
        store.queue([alert(1), alert(2, OTHER)])
        await soon(lambda: len(telegram.messages()) == 1)
        other_waited = time.monotonic() - began
        await soon(lambda: nothing_waits(store))

    assert time.monotonic() - began >= 1
    assert other_waited < 0.9  # one chat does not hold up the other
    assert sorted(telegram.shown()) == ["alert 1", "alert 2"]


FAULTS = {  # what happens to the first request: whether it may have arrived
    "500": True,
    "502": True,
    "html": True,
    "close": True,
    "hang": True,
}


@pytest.mark.parametrize(("how", "doubtful"), FAULTS.items(), ids=FAULTS)
async def test_a_failed_request_is_repeated(
    telegram: TelegramServer, store: BotStore, sender: Sender, how: str, doubtful: bool
) -> None:
    telegram.fail(how, "sendMessage")
    async with running(sender):
        store.queue([alert(1)])
        await soon(lambda: nothing_waits(store))

    (text,) = telegram.shown()
    assert text.startswith("alert 1")
    assert ("may be a repeat" in text) is doubtful


async def test_an_answer_that_was_lost_makes_a_marked_repeat(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.fail("done, close", "sendMessage")
    async with running(sender):
        store.queue([alert(1), alert(2)])
        await soon(lambda: nothing_waits(store))

    first, again, second = telegram.shown()
    assert (first, second) == ("alert 1", "alert 2")
    assert again == "alert 1\n(may be a repeat: it is not known whether it arrived before)"


async def test_who_blocked_the_bot_costs_the_others_nothing(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.blocked.add(OWNER)
    store.change_chat(OWNER, monitoring=True)
    async with running(sender):
        store.queue([alert(1), alert(2), alert(3, OTHER)])
        await soon(lambda: nothing_waits(store))
        await soon(lambda: not store.chat(OWNER).monitoring)

    assert telegram.shown() == ["alert 3"]


async def test_a_group_that_became_a_supergroup_is_followed(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    telegram.moved[-5] = -1005
    async with running(sender):
        store.queue([alert(1, -5)])
        await soon(lambda: nothing_waits(store))
        store.queue([alert(2, -5)])
        await soon(lambda: nothing_waits(store))

    assert telegram.shown(-1005) == ["alert 1", "alert 2"]
    assert store.chat(-1005).allowed


async def test_a_template_that_telegram_refuses_still_tells(
    telegram: TelegramServer, store: BotStore, sender: Sender
) -> None:
    async with running(sender):
        store.queue([Outgoing(chat=OWNER, text="<b>hot & <blink>bright</blink>")])
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == ["hot & bright"]


async def test_what_came_too_late_is_given_up_and_said(
    telegram: TelegramServer, store: BotStore, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    store.queue([Outgoing(chat=OWNER, text="digest", key="digest", keep_for=0.0)])
    await asyncio.sleep(0.01)
    async with running(sender):
        await soon(lambda: nothing_waits(store))

    assert telegram.shown() == []
    assert "digest could not be sent" in caplog.text


async def test_a_long_answer_comes_in_parts(telegram: TelegramServer, sender: Sender) -> None:
    lines = [f"<b>cell {number}</b> &amp; 3.{number:03} V" for number in range(400)]

    await sender.reply(OWNER, Page("\n".join(lines), ((Button("Refresh", "cells:1"),),)))

    parts = telegram.messages()
    assert len(parts) > 1
    assert "\n".join(part.shown for part in parts) == "\n".join(plain(line) for line in lines)
    assert [bool(part.buttons) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_a_refresh_that_changes_nothing_is_no_error(
    telegram: TelegramServer, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    await sender.reply(OWNER, Page("page"))
    (message,) = telegram.messages()

    await sender.edit(OWNER, message.message, Page("page"))
    await sender.edit(OWNER, message.message, Page("another"))

    assert [one.method for one in telegram.sent] == ["sendMessage", "editMessageText"]
    assert not caplog.records


TEXTS = {  # whatever is torn, each part is valid and nothing is lost
    "lines": "\n".join(f"line {number}" for number in range(2000)),
    "one line": "x" * 10000,
    "a long block": "<pre>" + "\n".join(f"row {number} &lt;" for number in range(1500)) + "</pre>",
    "nested": "<b>bold <i>" + "both &amp; " * 1000 + "</i></b> end",
    "many tags": "".join(f"<b>{number}</b>" for number in range(3000)),
    "battery signs": "🔋⚡" * 3000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_long_text_is_torn_into_parts_that_telegram_takes(text: str) -> None:
    parts = split_html(text)

    shown = [parsed_html(part) for part in parts]
    assert all(len(part.encode("utf-16-le")) // 2 <= 4096 for part in shown)
    assert "".join(shown).replace("\n", "") == parsed_html(text).replace("\n", "")


KILLED = """
import asyncio, sys
from pathlib import Path
from jk_bms.bot.light_aiogram import AiohttpSession, DefaultBotProperties, TelegramAPIServer, TelegramBot
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.sender import PACE, Sender
from jk_bms.bot.store import open_store
from jk_bms.texts import language

PACE = PACE._replace(minute=0.5, first_pause=0.01)

async def main(path, url, token):
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    bot = TelegramBot(token, session=session, default=DefaultBotProperties(parse_mode="HTML"))
    store = open_store(Path(path))
    next_number = store.note("cursor", 0)
    async def events():
        for number in range(next_number, 60):
            message = Outgoing(chat=77, text=f"alert {number}.", line=f"alert {number}.", key=str(number))
            await store.aside(store.queue, [message], {"cursor": number + 1})
            await asyncio.sleep(0.02)
    sender = Sender(bot, store, lambda chat: language("en"), PACE)
    await asyncio.gather(sender.run(), events())

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def program(tmp_path: Path, telegram: TelegramServer) -> list[str]:
    script = tmp_path / "program.py"
    script.write_text(KILLED)
    return [sys.executable, str(script), str(tmp_path / "killed.db"), telegram.url, telegram.token]


def test_kill_9_loses_no_message_and_marks_the_repeat(
    telegram: TelegramServer, program: list[str], tmp_path: Path
) -> None:
    """The bot is killed again and again, also between Telegram's taking a message and its own noting so."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    kills = 6
    for goal in range(5, 5 * (kills + 1), 5):
        process = subprocess.Popen(program, env=environment)
        telegram.until(functools.partial(lambda goal: len(telegram.messages()) >= goal, goal))
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = subprocess.Popen(program, env=environment)
    try:
        telegram.until(lambda: any("alert 59." in text for text in telegram.shown()))
        time.sleep(0.3)  # it notes that it has arrived
    finally:
        process.kill()
        process.wait()

    told = [
        word
        for text in telegram.shown()
        if "repeat" not in text
        for word in text.split()
        if word[0].isdigit()
    ]
    numbers = [int(word.rstrip(".")) for word in told if word.endswith(".")]
    repeats = [text for text in telegram.shown() if "repeat" in text]
    everything = "\n".join(telegram.shown())
    assert all(f"alert {number}." in everything for number in range(60))
    assert len(repeats) <= kills + 1  # a kill hits at most one request of a chat
    assert numbers == sorted(set(numbers))  # nothing unmarked twice, nothing out of order
    with open_store(tmp_path / "killed.db") as store:
        assert nothing_waits(store)


def test_the_real_pace_is_telegrams() -> None:
    assert (PACE.messages, PACE.minute, PACE.longest_pause, PACE.timeout) == (20, 60.0, 60.0, 10.0)
