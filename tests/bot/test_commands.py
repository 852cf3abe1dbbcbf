"""Commands and buttons, from Telegram's update to what arrives in the chat."""

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jk_bms.bot.commands import MENU
from jk_bms.bot.commands.values import CHART_SPANS
from jk_bms.bot.hushed import hushed_note
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import Button
from jk_bms.bot.pages.callbacks import alert_key, press
from jk_bms.bot.release_request import ReleaseRequest, wanted_release
from jk_bms.bot.store import BotStore, Chat
from jk_bms.errors import LiveError
from jk_bms.model.alert import alert_of
from jk_bms.texts import language
from tests.bot.conftest import CODE, Poller, Running, soon
from tests.bot.house_snapshot import device, lent, reading, snapshot, troubled
from tests.bot.telegram_server import OWNER, STRANGER, USERNAME, TelegramServer
from tests.charts.lived_house import PACK, live

GROUP, CHANNEL = -100500, -100600
HOSTILE = '<b>&"</pre>{0}%s\u202e\n' + "x" * 3000


async def answered(telegram: TelegramServer, count: int = 1) -> list[str]:
    """Wait until so many messages arrived; return them."""
    await soon(lambda: len(telegram.messages()) >= count)
    return telegram.shown()


async def silence(telegram: TelegramServer, update: int) -> None:
    """Wait until the bot is done with an update; nothing may have come of it."""
    await soon(lambda: telegram.done_with(update))
    assert telegram.messages() == []


EVERY_COMMAND = {  # what the answer has, with the poller of a house with one battery
    "start": "/stop ends the level",
    "stop": "/start begins again",
    "status": "Grid is on",
    "battery": "Main",
    "cells": "3.282",
    "health": "Main",
    "alerts": "No open alerts",
    "link": "connected",
    "release": "Main: lent to the phone app until",
    "resume": "No battery is lent",
    "until": "/until 07:00",
    "settings": "Quiet hours: none",
    "users": "named in the settings",
    "chatid": str(OWNER),
    "web": "easun-jkbms-web does not run",
    "help": "/battery",
}


@pytest.mark.parametrize(("command", "words"), EVERY_COMMAND.items(), ids=EVERY_COMMAND)
async def test_every_command_is_answered(
    telegram: TelegramServer, poller: Poller, running: Running, command: str, words: str
) -> None:
    async with running():
        telegram.say(f"/{command}")

        assert words in (await answered(telegram))[0]


def test_the_table_above_is_complete() -> None:
    assert set(MENU) == set(EVERY_COMMAND) | {"chart", "digest"}  # made by child processes


WAYS = {  # how a command may come: text, more about it
    "capitals": ("/STATUS", {}),
    "with our name": (f"/status@{USERNAME}", {}),
    "our name in capitals": (f"/Status@{USERNAME.upper()}", {}),
    "edited": ("/status", {"field": "edited_message"}),
    "group": ("/status", {"chat": GROUP, "kind": "group"}),
    "supergroup": (f"/status@{USERNAME}", {"chat": GROUP, "kind": "supergroup"}),
    "channel": ("/status", {"chat": CHANNEL, "kind": "channel", "user": None, "field": "channel_post"}),
    "edited in a channel": (
        "/status",
        {"chat": CHANNEL, "kind": "channel", "user": None, "field": "edited_channel_post"},
    ),
}


@pytest.mark.parametrize(("text", "more"), WAYS.values(), ids=WAYS)
async def test_a_command_is_understood_wherever_it_comes_from(
    telegram: TelegramServer, poller: Poller, running: Running, text: str, more: dict[str, Any]
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP},{CHANNEL}") as bot:
        await soon(lambda: bot.store.note("username"))
        telegram.say(text, **more)
        await answered(telegram)

    (sent,) = telegram.messages()
    assert sent.chat == more.get("chat", OWNER)
    assert "Grid is on" in sent.shown


IGNORED = {
    "for another bot": ("/status@other_bot", {}),
    "unknown, in a group": ("/weather", {"chat": GROUP, "kind": "group"}),
    "talk in a group": ("hello", {"chat": GROUP, "kind": "group"}),
}


@pytest.mark.parametrize(("text", "more"), IGNORED.values(), ids=IGNORED)
async def test_what_is_not_meant_is_ignored(
    telegram: TelegramServer, poller: Poller, running: Running, text: str, more: dict[str, Any]
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}") as bot:
        await soon(lambda: bot.store.note("username"))
        await silence(telegram, telegram.say(text, **more))


async def test_an_unknown_command_in_private_is_answered_with_help(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/weather")

        (text,) = await answered(telegram)

    assert "do not know" in text
    assert "/battery" in text


async def test_a_slow_answer_holds_up_no_other_chat_and_keeps_its_order(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},88"):
        telegram.fail("slow", "sendMessage", seconds=2.0)
        telegram.say("/chatid")
        await asyncio.sleep(0.1)
        telegram.say("/help")
        telegram.say("/chatid", chat=88, user=88)
        await soon(lambda: telegram.messages(88))
        early = telegram.shown(OWNER)
        await answered(telegram, 3)

    assert early == []
    assert [str(OWNER) in text for text in telegram.shown(OWNER)] == [True, False]


# Who is served


async def test_a_stranger_is_refused_once_and_gets_no_data(
    telegram: TelegramServer, poller: Poller, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with running():
        telegram.say("/status", chat=STRANGER, user=STRANGER)
        await answered(telegram)
        for text in ("/battery", "/start", "hello"):
            last = telegram.say(text, chat=STRANGER, user=STRANGER)
        telegram.press("status", chat=STRANGER, user=STRANGER)
        await soon(lambda: telegram.done_with(last))

    assert telegram.shown(STRANGER) == ["This bot works only for its owner."]
    assert "refused" in caplog.text


async def test_with_users_named_a_group_is_served_for_them_only(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=str(GROUP), TELEGRAM_ALLOWED_USERS=str(OWNER)):
        telegram.say("/status", chat=GROUP, kind="group", user=STRANGER)
        telegram.say("/status", chat=GROUP, kind="group", user=OWNER)
        texts = await answered(telegram, 2)

    assert texts[0] == "This bot works only for its owner."
    assert "Grid is on" in texts[1]


async def test_the_first_code_claims_the_bot(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    poller.codes = {CODE: "owner"}
    async with running(TELEGRAM_CHAT_ID=""):
        telegram.say("/start")
        telegram.say("/start WRONG1")
        telegram.say(f"/start {CODE}")
        await answered(telegram, 4)  # the level comes by itself
        telegram.say(f"/start {CODE}", chat=STRANGER, user=STRANGER)
        telegram.say("/status")
        await answered(telegram, 6)

    refused, wrong, claimed, *_ = telegram.shown(OWNER)
    assert "has no owner yet" in refused
    assert "is wrong" in wrong
    assert claimed.startswith("This bot is yours now.")
    assert telegram.shown(STRANGER) != []
    assert "yours" not in telegram.shown(STRANGER)[0]
    assert [chat.id for chat in store.chats() if chat.allowed] == [OWNER]
    assert not any(CODE in text for text in telegram.shown())


async def test_a_claimed_bot_stays_claimed(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.codes = {CODE: "owner"}
    async with running(TELEGRAM_CHAT_ID=""):
        telegram.say(f"/start {CODE}")
        await answered(telegram, 2)  # the level comes by itself
    telegram.forget()
    async with running(TELEGRAM_CHAT_ID=""):
        telegram.say("/battery")
        assert "Main" in (await answered(telegram))[0]
        await soon(lambda: poller.asked("telegram")[-1]["claimed"])


# Start, stop, restart


async def test_start_again_makes_no_second_job(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running():
        for _ in range(3):
            telegram.say("/start")
        await answered(telegram, 4)
        await asyncio.sleep(0.3)

    hello = [text for text in telegram.shown() if text.startswith("Hello!")]
    level = [text for text in telegram.shown() if "Battery Level" in text]
    assert (len(hello), len(level)) == (3, 1)
    assert (
        len({tuple(text.splitlines()[:2]) for text in hello}) == 1
    )  # below stands the house, with its times
    assert store.chat(OWNER).monitoring


async def test_stop_says_what_still_comes(telegram: TelegramServer, poller: Poller, running: Running) -> None:
    async with running(TELEGRAM_ALLOWED_USERS="88"):
        telegram.say("/stop")
        telegram.say("/start", chat=88, user=88)
        await soon(lambda: len(telegram.messages(88)) == 2)
        telegram.say("/stop", chat=88, user=88)
        await soon(lambda: len(telegram.messages(88)) == 3)

    assert "Alerts and the digest still come" in telegram.shown(OWNER)[0]
    assert telegram.shown(88)[-1].startswith("I will be quiet here.")


async def test_start_in_a_group_that_is_not_named_promises_nothing(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running(TELEGRAM_CHAT_ID="", TELEGRAM_ALLOWED_USERS=str(OWNER)):
        telegram.say("/start", chat=GROUP, kind="group")
        (text,) = await answered(telegram)

    assert f"add {GROUP}" in text
    assert "I report to this chat" not in text
    assert not store.chat(GROUP).monitoring


async def test_a_registration_is_noted_in_the_log_file(
    telegram: TelegramServer, poller: Poller, running: Running, tmp_path: Path
) -> None:
    path = tmp_path / "logs" / "stat.log"
    async with running(LOG_FILE_PATH=str(path)):
        await soon(path.exists)
        telegram.say("/start")
        # The level after /start and the registration are written in either order.
        await soon(lambda: path.read_text().count(f"Chat ID: {OWNER}") == 2)
        await soon(lambda: path.read_text().count("Battery Level") >= 2)

    texts = [line.split(";")[1] for line in path.read_text().splitlines()]
    assert texts[0] == f"Chat ID: {OWNER}"
    assert texts.count(f"Chat ID: {OWNER}") == 2
    assert set(texts[1:]) == {f"Chat ID: {OWNER}", "Voltage: 52.583 V, Battery Level: 84.3%"}


async def test_a_restart_repeats_and_loses_no_command(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/start")
        await answered(telegram, 2)
    telegram.forget()
    telegram.say("/chatid")  # while it is down
    telegram.say("/status", ago=299.0)
    telegram.say("/battery", ago=302.0)

    async with running():
        await answered(telegram, 2)
        await asyncio.sleep(0.2)

    texts = telegram.shown()
    assert len(texts) == 2
    assert str(OWNER) in texts[0]
    assert "Grid is on" in texts[1]


async def test_a_button_that_was_pressed_while_it_was_down_does_nothing(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    """Such a press carries no date: it may be of last night."""
    poller.snapshot = snapshot(alerts=[ALERT])
    telegram.press(press("mute", "3600", alert_key(alert_of(ALERT))))

    async with running():
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))

    assert poller.asked("mute") == []
    assert [one.shown for one in telegram.sent if one.shown] == [
        "I was away for a while. Press again if you still want this."
    ]


async def test_more_than_one_answer_of_what_has_waited(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    """Telegram hands out a hundred at a time; the rest has waited as long."""
    for _ in range(101):
        telegram.say("/weather", chat=GROUP, kind="group")
    telegram.say("/status", ago=400.0)

    async with running():
        await asyncio.sleep(0.5)
        telegram.say("/chatid")
        await answered(telegram)

    (text,) = telegram.shown()
    assert str(OWNER) in text


async def test_a_clock_that_is_fast_makes_no_command_old(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/chatid")
        await answered(telegram)
        telegram.say("/status", ago=4000.0)
        texts = await answered(telegram, 2)

    assert "Grid is on" in texts[1]


async def test_an_end_right_after_an_answer_does_not_repeat_it(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    for _ in range(3):
        async with running():
            telegram.say("/chatid")
            await answered(telegram)
        telegram.forget()
    async with running():
        await asyncio.sleep(0.3)

    assert telegram.shown() == []


async def test_monitoring_goes_on_after_a_restart(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/start")
        await answered(telegram, 2)
    telegram.forget()

    poller.snapshot = snapshot(device(reading=reading(battery_soc=60.0)))
    async with running():
        texts = await answered(telegram, 1)

    assert texts == ["Voltage: 52.583 V, Battery Level: 60.0% ↓"]


async def test_with_a_full_disk_commands_are_answered_all_the_same(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running() as bot:
        await soon(lambda: bot.store.note("username"))
        pages = store._rows("PRAGMA page_count")[0][0]
        store._rows(f"PRAGMA max_page_count = {pages}")
        store.set_notes({"much": "x" * 100_000})
        assert "full" in (store.failure or "")
        store._connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)  # from now on nothing works
        telegram.say("/battery", language="en")
        telegram.say("/chatid")
        texts = await answered(telegram, 2)
        store._connection.set_authorizer(None)

    assert "Main" in texts[0]
    assert str(OWNER) in texts[1]


async def test_a_claim_while_nothing_can_be_written_is_kept_once_it_can(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    poller.codes = {CODE: "owner"}
    async with running(TELEGRAM_CHAT_ID="") as bot:
        await soon(lambda: bot.store.note("username"))
        store._connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
        telegram.say(f"/start {CODE}")
        texts = await answered(telegram)
        store._connection.set_authorizer(None)
        store._again_at = 0.0
        store.set_notes({"writable": "again"})
        with closing(sqlite3.connect(store.path)) as file:
            chats = [chat for (chat,) in file.execute("SELECT id FROM chats")]

    assert "yours now" in texts[0]
    assert chats == [OWNER]


# Languages


async def test_two_chats_are_spoken_to_in_their_languages(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},88"):
        telegram.say("/start", language="en")
        telegram.say("/start", chat=88, user=88, language="uk-UA")
        await soon(lambda: len(telegram.messages()) >= 4)

    for words, other in (("Grid is on", "мережа"), ("Battery Level: 84.3%", "заряд батареї")):
        assert any(words in text for text in telegram.shown(OWNER))
        assert any(other in text.lower() for text in telegram.shown(88))
        assert not any(words in text for text in telegram.shown(88))


async def test_the_menu_is_given_in_each_language_once(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running() as bot:
        await soon(lambda: bot.store.note("username"))
    async with running() as bot:
        await soon(lambda: len([1 for name, _ in telegram.calls if name == "getMe"]) == 2)

    assert set(telegram.commands) == {"", "uk"}
    assert [one["command"] for one in telegram.commands["uk"]] == list(MENU)
    assert telegram.commands["uk"] != telegram.commands[""]
    assert [name for name, _ in telegram.calls].count("setMyCommands") == 2


# Buttons


async def test_refresh_edits_in_place_and_is_answered_also_when_nothing_changed(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/cells")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.press(press("cells", 1), message=sent.message)
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))
        poller.snapshot = snapshot(device(reading=reading(cells=[3.3] * 15 + [3.411])))
        telegram.press(press("cells", 1), message=sent.message)
        await soon(lambda: any("3.411" in one.shown for one in telegram.sent))

    assert len(telegram.messages()) == 1
    edits = [one for one in telegram.sent if one.method == "editMessageText"]
    assert {edit.message for edit in edits} == {sent.message}


@pytest.mark.parametrize("mood", ["429", "500", "close", "html"])
async def test_a_refresh_outlives_telegrams_moods(
    telegram: TelegramServer, poller: Poller, running: Running, mood: str
) -> None:
    async with running():
        telegram.say("/cells")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.fail(mood, "editMessageText", retry_after=1 if mood == "429" else 0)
        poller.snapshot = snapshot(device(reading=reading(cells=[3.3] * 15 + [3.411])))
        telegram.press(press("cells", 1), message=sent.message)
        await soon(lambda: any("3.411" in one.shown for one in telegram.sent))

    assert len(telegram.messages()) == 1


async def test_a_button_in_a_group_edits_the_message_of_that_group(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/status", chat=GROUP, kind="group")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.press(press("battery", 1), chat=GROUP, kind="group", message=sent.message)
        await soon(lambda: any(one.method == "editMessageText" for one in telegram.sent))

    (edit,) = [one for one in telegram.sent if one.method == "editMessageText"]
    assert (edit.chat, edit.message) == (GROUP, sent.message)


async def test_several_batteries_are_chosen_by_buttons(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(device(1, "Left"), device(2, "Right"))
    async with running():
        telegram.say("/battery")
        await answered(telegram)
        (choice,) = telegram.messages()
        assert choice.shown.startswith("🟢 House: 84 %")
        telegram.press(choice.button("Right"), message=choice.message)
        await soon(lambda: any(one.method == "editMessageText" for one in telegram.sent))
        telegram.say("/battery left")
        await answered(telegram, 2)
        telegram.say("/battery 3")
        await answered(telegram, 3)

    (edit,) = [one for one in telegram.sent if one.method == "editMessageText"]
    assert "Right" in edit.shown
    assert "Left" in telegram.shown()[1]
    assert telegram.shown()[2] == "There is no battery “3”. Known: Left, Right."


UNKNOWN = {  # what was said: what the button of the second battery does, words below the answer
    "/cells Garage": ("cells:2", ""),
    "/health garage door": ("health:2", ""),
    "/until 07:00 Garage": ("until:0700:2", ""),
    "/release 10m Garage": ("release:600s:2", "For how long"),
    "/chart 7d power Garage": ("chart:7d:power:2", "For example /chart"),
}


@pytest.mark.parametrize(("text", "wanted"), UNKNOWN.items(), ids=UNKNOWN)
async def test_a_battery_of_an_unknown_name_is_answered_with_those_there_are(
    telegram: TelegramServer, poller: Poller, running: Running, text: str, wanted: tuple[str, str]
) -> None:
    poller.snapshot = snapshot(device(1, "Left"), device(2, "Right"))
    async with running():
        telegram.say(text)
        (answer,) = await answered(telegram)

    (sent,) = telegram.messages()
    assert re.match(r"There is no battery “(Garage|garage door)”\. Known: Left, Right\.", answer)
    assert wanted[1] in answer
    assert sent.button("Right") == wanted[0]
    assert poller.asked("release") == []


async def test_an_unknown_name_is_shown_harmless(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/cells <b>&\u202e" + "x" * 3000)
        (answer,) = await answered(telegram)

    assert len(answer) < 200
    assert "<b>&" in answer
    assert "\u202e" not in answer


ALERT = {
    "rule": "cell_low",
    "code": 1028,
    "severity": "critical",
    "part": "7",
    "subject": "AA:BB:CC:DD:EE:01",
    "value": 2.81,
    "set": 2.85,
    "clear": 3.0,
    "peak": 2.8,
    "since": "2026-11-21T16:00:00+00:00",
    "unit": "V",
    "digits": 3,
    "count": 1,
    "facts": {"cell": 7},
    "what": "raised",
    "muted": False,
    "muted_until": None,
}
MUTES = {"3600": {"seconds": 3600}, "28800": {"seconds": 28800}, "clear": {"until_cleared": True}}


@pytest.mark.parametrize(("how", "fields"), MUTES.items(), ids=MUTES)
async def test_an_alert_is_muted_by_its_button(
    telegram: TelegramServer, poller: Poller, running: Running, how: str, fields: dict[str, Any]
) -> None:
    poller.snapshot = snapshot(alerts=[ALERT])
    async with running():
        telegram.say("/alerts")
        await answered(telegram)
        (sent,) = telegram.messages()
        data = press("mute", how, alert_key(alert_of(ALERT)))
        telegram.press(sent.button(data), message=sent.message)
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))

    (request,) = poller.asked("mute")
    wanted = {"subject": ALERT["subject"], "rule": "cell_low", "part": "7"} | fields
    assert {name: request.get(name) for name in wanted} == wanted
    assert telegram.sent[-1].shown == "Muted."


async def test_an_owner_says_that_he_has_seen_an_alert(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(alerts=[ALERT])
    async with running():
        telegram.say("/alerts")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.press(sent.button(press("ack", alert_key(alert_of(ALERT)), "page")), message=sent.message)
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))

    (request,) = poller.asked("acknowledge")
    assert {name: request[name] for name in ("subject", "rule", "part")} == {
        "subject": ALERT["subject"],
        "rule": "cell_low",
        "part": "7",
    }
    assert request["by"]
    (told,) = [one.shown for one in telegram.sent if one.method == "answerCallbackQuery"]
    assert told == "Noted. Everybody will be told that you have seen it."


async def test_the_message_of_an_alert_loses_its_button_when_that_was_pressed(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    """The presser needs no message that he has seen it."""
    poller.snapshot = snapshot(alerts=[ALERT])
    button = Button("👀", press("ack", alert_key(alert_of(ALERT))))
    async with running():
        store.queue([Outgoing(chat=OWNER, text="alert", buttons=((button,), (Button("more", "status"),)))])
        await soon(lambda: any(one.shown == "alert" for one in telegram.messages()))
        (sent,) = [one for one in telegram.messages() if one.shown == "alert"]
        telegram.press(sent.button("👀"), message=sent.message)
        await soon(lambda: any(one.method == "editMessageReplyMarkup" for one in telegram.sent))

    (edited,) = [one for one in telegram.sent if one.method == "editMessageReplyMarkup"]
    assert edited.message == sent.message
    assert [[one["callback_data"] for one in row] for row in edited.buttons] == [["status"]]
    (request,) = poller.asked("acknowledge")
    assert request["origin"] == OWNER


async def test_an_owner_says_that_he_has_seen_everything(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(alerts=[ALERT, ALERT | {"part": "8"}])
    async with running():
        telegram.say("/alerts")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.press(sent.button("I have seen all of it"), message=sent.message)
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))

    (request,) = poller.asked("acknowledge")
    assert request["all"] is True


async def test_a_guest_keeps_an_alert_quiet_in_his_own_chat(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    guest = 4321
    store.remember(Chat(id=guest, allowed=True, role="guest"))
    poller.snapshot = snapshot(alerts=[ALERT])
    async with running():
        telegram.say("/alerts", chat=guest, user=guest)
        await soon(lambda: [one for one in telegram.messages(guest) if "code 1028" in one.shown])
        sent = [one for one in telegram.messages(guest) if "code 1028" in one.shown][-1]
        assert "mute:" not in str(sent.fields)
        assert "ack:" not in str(sent.fields)
        telegram.press(sent.button("until over"), chat=guest, user=guest, message=sent.message)
        await soon(lambda: store.note(hushed_note(guest)))
        await soon(lambda: any("muted in this chat" in one.shown for one in telegram.sent))
        telegram.say("/link", chat=guest, user=guest)
        await soon(lambda: any("connected" in text for text in telegram.shown(guest)))

    assert poller.asked("mute") == []
    assert "release:" not in str([one.fields for one in telegram.messages(guest)])
    assert list(store.note(hushed_note(guest))) == [alert_key(alert_of(ALERT))]


async def test_what_somebody_has_seen_says_so_and_has_no_such_button(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    seen = ALERT | {"acknowledged": "2026-11-21T16:05:00+00:00", "acknowledged_by": "Petro <3"}
    poller.snapshot = snapshot(alerts=[seen])
    async with running():
        telegram.say("/alerts")
        await answered(telegram)

    (sent,) = telegram.messages()
    assert "👀 seen by Petro <3" in sent.shown
    assert "ack:" not in str(sent.fields)


async def test_a_button_of_an_alert_that_is_over_says_so(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/chatid")
        await answered(telegram)
        telegram.press(press("mute", "3600", "0123456789ab"))
        await soon(lambda: any(one.method == "answerCallbackQuery" for one in telegram.sent))

    assert poller.asked("mute") == []
    assert "This alert is over." in [one.shown for one in telegram.sent]


ODD_PRESSES = (
    "",
    "nonsense",
    "battery",
    "battery:99",
    "until",
    "chart:1y:what:1",
    "mute",
    "release",
    "release:99h:1",
    "release:10m:7",
    "resume:x:y",
    "stop",
    ":::",
    "x" * 64,
)


async def test_whatever_a_button_says_it_is_answered_and_nothing_breaks(
    telegram: TelegramServer, poller: Poller, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with running():
        for data in ODD_PRESSES:
            last = telegram.press(data)
        await soon(lambda: telegram.done_with(last))

    answers = [one for one in telegram.sent if one.method == "answerCallbackQuery"]
    assert len(answers) == len(ODD_PRESSES)
    assert "went wrong" not in caplog.text


# Taking turns with the phone app

TWO = [device(), device(2, "Garage")]

TURNS = {  # /release: what the service is asked for, s and address
    "": (600.0, 1),
    "10m": (600.0, 1),
    "90s": (90.0, 1),
    "1H": (3600.0, 1),
    "15 min": (900.0, 1),
    "0,5 год": (1800.0, 1),
    "0h30m": (1800.0, 1),
    "2m 30s Main": (150.0, 1),
    "10m Main": (600.0, 1),
    "garage 1h": (3600.0, 2),
    "2": (600.0, 2),
    "2 1h": (3600.0, 2),
    "all": (600.0, None),
    "1h all": (3600.0, None),
}


@pytest.mark.parametrize(("text", "wanted"), TURNS.items(), ids=lambda x: str(x))
async def test_release_asks_the_service_for_that_battery_and_time(
    telegram: TelegramServer, poller: Poller, running: Running, text: str, wanted: tuple[float, int | None]
) -> None:
    several = "all" in text or "2" in text.split() or "garage" in text
    poller.snapshot = snapshot(*(TWO if several else TWO[:1]))
    async with running():
        telegram.say(f"/release {text}".strip())
        (answer,) = await answered(telegram)

    (request,) = poller.asked("release")
    seconds, number = wanted
    assert request["seconds"] == seconds
    assert request.get("device") == (None if number is None else device(number)["address"])
    assert "lent to the phone app until" in answer
    assert "The phone app can connect now." in answer


def test_the_turns_that_are_named_as_examples_are_understood() -> None:
    examples = re.findall("``(.+?)``", wanted_release.__doc__ or "")

    assert [wanted_release(text) for text in examples] == [
        ReleaseRequest(600.0, ""),
        ReleaseRequest(150.0, ""),
        ReleaseRequest(3600.0, "Main"),
        ReleaseRequest(90.0, "Main"),
    ]


@pytest.mark.parametrize(
    "text",
    ["59s", "1h1s", "1h30m", "2h Main", "24h", "0m", "0.5m", "10", "7", "abc", "abc 10m", "99999999999h"],
)
async def test_a_turn_that_cannot_be_meant_is_refused_with_how_to_say_it(
    telegram: TelegramServer, poller: Poller, running: Running, text: str
) -> None:
    async with running():
        telegram.say(f"/release {text}")
        (answer,) = await answered(telegram)

    assert poller.asked("release") == []
    assert "from 1m to 1h" in answer


async def test_in_a_house_without_batteries_all_is_none(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot() | {"devices": []}
    async with running():
        telegram.say("/release all")
        (answer,) = await answered(telegram)

    assert "No battery is known yet" in answer
    assert poller.asked("release") == []


async def test_of_several_batteries_the_one_to_release_is_chosen_by_button(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(*TWO)
    async with running():
        telegram.say("/release 30m")
        await answered(telegram)
        (sent,) = telegram.messages()
        assert poller.asked("release") == []
        telegram.press(sent.button("Garage"), message=sent.message)
        await soon(lambda: any("Garage: lent to the phone app until" in one.shown for one in telegram.sent))
        telegram.press(sent.button("All"), message=sent.message)
        await soon(
            lambda: any("Main, Garage: lent to the phone app until" in one.shown for one in telegram.sent)
        )

    asked = [(request["device"], request["seconds"]) for request in poller.asked("release")]
    assert asked == [(TWO[1]["address"], 1800.0), (None, 1800.0)]


async def test_the_link_page_lends_the_battery_and_takes_it_back(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/link")
        await answered(telegram)
        (sent,) = telegram.messages()
        telegram.press(sent.button("10 min"), message=sent.message)
        await soon(lambda: any("Main: lent to the phone app until" in one.shown for one in telegram.sent))
        poller.snapshot = snapshot(lent())
        edited = next(one for one in telegram.sent if "Main: lent to the phone app until" in one.shown)
        telegram.press(edited.button("Resume"), message=sent.message)
        await soon(lambda: any("connecting again" in one.shown for one in telegram.sent))

    assert [request["seconds"] for request in poller.asked("release")] == [600.0]
    assert [request["device"] for request in poller.asked("resume")] == [device()["address"]]
    assert len([one for one in telegram.sent if one.method == "answerCallbackQuery"]) == 2


async def test_a_slow_release_keeps_nobody_waiting(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    """The service closes the link first, which may take half a minute."""
    poller.holds.clear()
    async with running():
        telegram.say("/release")
        telegram.say("/status")
        (first,) = await answered(telegram)
        poller.holds.set()
        second = (await answered(telegram, 2))[1]

    assert "Grid is on" in first
    assert "lent to the phone app until" in second


RESUMES = {  # what was said: whom it is about; None: the answer says that nothing is released
    "": ["Garage"],
    "garage": ["Garage"],
    "2": ["Garage"],
    "all": ["Garage"],
    "Main": None,
    "Attic": None,
}


@pytest.mark.parametrize(("text", "names"), RESUMES.items(), ids=RESUMES)
async def test_resume_is_about_what_is_released(
    telegram: TelegramServer, poller: Poller, running: Running, text: str, names: list[str] | None
) -> None:
    poller.snapshot = snapshot(device(), lent(2, "Garage"))
    async with running():
        telegram.say(f"/resume {text}".strip())
        (answer,) = await answered(telegram)

    if names is None:
        assert poller.asked("resume") == []
        assert "No battery is lent" in answer or "There is no battery “Attic”" in answer
    else:
        assert [request["device"] for request in poller.asked("resume")] == [device(2)["address"]]
        assert "Garage: connecting again." in answer


async def test_of_several_released_batteries_resume_asks_which(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(lent(), lent(2, "Garage"), device(3, "Attic"))
    async with running():
        telegram.say("/resume")
        await answered(telegram)
        (sent,) = telegram.messages()
        labels = [button["text"] for row in sent.buttons for button in row]
        telegram.press(sent.button("All"), message=sent.message)
        await soon(lambda: any("Main, Garage: connecting again" in one.shown for one in telegram.sent))

    assert labels == ["Main", "Garage", "All"]
    assert [request["device"] for request in poller.asked("resume")] == [None]


@pytest.mark.parametrize("command", ["release 10m", "resume"])
async def test_turns_are_for_those_who_are_served_only(
    telegram: TelegramServer, poller: Poller, running: Running, command: str
) -> None:
    poller.snapshot = snapshot(lent())
    async with running():
        telegram.say(f"/{command}", chat=STRANGER, user=STRANGER)
        last = telegram.press(press(command.split()[0], "all"), chat=STRANGER, user=STRANGER)
        await soon(lambda: telegram.done_with(last))

    assert poller.asked(command.split()[0]) == []


@pytest.mark.parametrize("command", ["release", "release 1h Main", "resume", "resume Main"])
async def test_without_the_service_nothing_is_promised(
    telegram: TelegramServer, poller: Poller, running: Running, command: str
) -> None:
    poller.snapshot = snapshot(lent(), device(2, "Garage"))
    async with running():
        telegram.say("/battery Main")
        await answered(telegram)
        poller.server._clear_stale = lambda: None  # type: ignore[method-assign]
        poller.server.path.unlink()
        telegram.say(f"/{command}")
        answer = (await answered(telegram, 2))[1]

    assert answer == "The battery monitor does not answer. Try again in a minute."


@pytest.mark.parametrize(
    "failure", [LiveError("release: no"), TimeoutError(), RuntimeError("a bug in the service")], ids=repr
)
async def test_a_service_that_does_not_confirm_is_told_in_one_sentence(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    failure: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    poller.snapshot = snapshot(lent())
    poller.fails = {"release": failure, "resume": failure}
    async with running():
        telegram.say("/release")
        telegram.say("/resume")
        answers = await answered(telegram, 2)

    assert answers == ["The battery monitor did not confirm this; /link shows the present state."] * 2
    assert "went wrong" not in caplog.text


# The poller away, hostile values


async def test_with_the_poller_down_it_says_so_and_shows_the_last_known(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.snapshot = snapshot(alerts=[ALERT])
    async with running():
        telegram.say("/battery")
        await answered(telegram)
        poller.server._clear_stale = lambda: None  # type: ignore[method-assign]
        poller.server.path.unlink()
        telegram.say("/status")
        telegram.say("/alerts")
        telegram.say("/health")
        texts = await answered(telegram, 4)

    assert "does not answer" not in texts[0]
    assert "battery monitor does not answer" in texts[1]
    assert "52.58" in texts[1]
    assert "Grid unknown" in texts[1]
    assert "No open alerts" not in texts[2]
    assert "Open alerts are not known" in texts[2]
    assert "Open when the battery monitor was last heard" in texts[2]
    assert "2.810 V" in texts[2]
    assert "mute" not in str(telegram.messages()[2].buttons)  # nobody is there to mute it
    assert "Try again" in texts[3]


@pytest.mark.parametrize("command", ["status", "battery", "cells", "health", "alerts", "link", "until 07:00"])
async def test_hostile_names_and_errors_arrive_as_text(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    command: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    strange = {"code": HOSTILE, "sure": 0.9, "meaning": HOSTILE, "action": HOSTILE}
    link = troubled(message=HOSTILE, causes=[strange])
    hostile = device(name=HOSTILE, link=link, reading=reading(alarms=[HOSTILE], battery_soc_source=HOSTILE))
    poller.snapshot = snapshot(
        hostile,
        alerts=[ALERT | {"facts": {"error": HOSTILE}, "rule": HOSTILE, "part": HOSTILE}],
        inverter={"grid": {"state": "unknown"}, "error": HOSTILE, "status": HOSTILE, "age": 1.0},
    )
    async with running():
        telegram.say(f"/{command}")
        await answered(telegram)

    assert "refused a message" not in caplog.text  # each template passed Telegram's parser as it was
    assert "went wrong" not in caplog.text


async def test_a_low_battery_arrives_as_html(
    telegram: TelegramServer, poller: Poller, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    poller.snapshot = snapshot(device(reading=reading(battery_soc=15.0)))
    async with running():
        telegram.say("/status")
        telegram.say("/battery")
        texts = await answered(telegram, 2)

    assert "The battery is low." in texts[0]
    assert "15 %" in texts[1]
    assert "refused a message" not in caplog.text


async def test_eighty_batteries_come_in_parts(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    batteries = [device(number, f"Pack {number} " + "y" * 50) for number in range(1, 81)]
    poller.snapshot = snapshot(*batteries)
    async with running():
        telegram.say("/status")
        await answered(telegram, 2)
        await asyncio.sleep(0.2)

    shown = "\n".join(telegram.shown())
    assert all(f"Pack {number} " in shown for number in range(1, 81))


async def test_a_chart_comes_as_a_picture_with_buttons(
    telegram: TelegramServer, poller: Poller, running: Running, tmp_path: Path
) -> None:
    live(tmp_path / "bms.db", datetime.now(UTC), 0.1)
    poller.snapshot = snapshot(device(address=PACK, name="<shed>"))
    async with running():
        telegram.say("/chart 24h cells")
        await soon(lambda: telegram.messages())
        (sent,) = telegram.messages()
        telegram.press(sent.button("Power"), message=sent.message)
        await soon(lambda: any(one.method.startswith("edit") for one in telegram.sent))
        telegram.press("chart:24h:soc:1", message=sent.message + 1000)  # below a text
        await soon(lambda: len(telegram.messages()) == 2)

    (replaced,) = (one for one in telegram.sent if one.method.startswith("edit"))
    _, added = telegram.messages()
    assert sent.photo.startswith(b"\x89PNG")
    assert re.match(
        r"<shed>: Cell voltages, last (\d h( \d+ min)?|24 hours)\ncell difference now ", sent.shown
    )
    assert (replaced.method, replaced.message) == ("editMessageMedia", sent.message)
    assert re.match(r"<shed>: Power, last (\d h( \d+ min)?|24 hours)\n", replaced.shown)
    assert replaced.photo not in (b"", sent.photo)
    assert added.method == "sendPhoto"


async def test_a_chart_of_nothing_is_words(
    telegram: TelegramServer, poller: Poller, running: Running, tmp_path: Path
) -> None:
    """No picture of one dot, and none of an empty panel."""
    live(tmp_path / "bms.db", datetime.now(UTC), 3 / 1440)
    poller.snapshot = snapshot(device(address=PACK), device(2, "Other"))
    async with running():
        telegram.say("/chart 7d soc Main")
        await soon(lambda: telegram.messages())
        telegram.say("/chart 7d soc Other")
        await soon(lambda: len(telegram.messages()) == 2)
        telegram.say("/chart sometime")
        await answered(telegram, 3)

    little, nothing, usage = telegram.shown()
    assert re.fullmatch(r"Only \d min recorded so far: a picture needs at least 10 minutes\.", little)
    assert nothing == "Nothing was recorded in that time."
    assert usage.endswith(language("en")("bot.chart.usage"))


async def test_the_chart_of_a_house_with_two_batteries_is_that_of_the_house(
    telegram: TelegramServer, poller: Poller, running: Running, tmp_path: Path
) -> None:
    live(tmp_path / "bms.db", datetime.now(UTC), 0.05)
    poller.snapshot = snapshot(device(address=PACK), device(2, "Other"))
    async with running():
        telegram.say("/chart")
        await soon(lambda: telegram.messages())

    (sent,) = telegram.messages()
    assert re.match(r"House, without Other: State of charge, last \d h( \d+ min)?\n", sent.shown)
    assert sent.button("7d") == "chart:7d:soc:all"


def test_the_buttons_of_spans_are_in_the_language_of_the_chat() -> None:
    texts = language("uk")

    assert [texts(f"bot.button.span_{span}") for span in CHART_SPANS] == ["доба", "7 днів", "30 днів"]
