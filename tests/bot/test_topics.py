"""Forums: an answer stands in the topic of the question, and what nobody asked for where the owner wants it."""

from typing import Any

import pytest

from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.store import BotStore
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError
from tests.beside import cases
from tests.bot.conftest import Poller, Running, soon
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.bot.test_commands import answered

FORUM = -100500
IN_TOPIC: dict[str, Any] = {
    "chat": FORUM,
    "kind": "supergroup",
    "message_thread_id": 42,
    "is_topic_message": True,
}


@pytest.fixture
def forum(telegram: TelegramServer) -> TelegramServer:
    telegram.topics[FORUM] = {42, 45}
    return telegram


def thread(fields: dict[str, Any]) -> int | None:
    number = fields.get("message_thread_id")
    return None if number is None else int(number)


WHERE = {  # fields of the question: the topic of the answer
    "topic": ({"message_thread_id": 42, "is_topic_message": True}, 42),
    "general": ({}, None),
    "a thread of replies is no topic": ({"message_thread_id": 42}, None),
}


@pytest.mark.parametrize(("fields", "topic"), WHERE.values(), ids=WHERE)
async def test_the_answer_stands_where_the_question_does(
    forum: TelegramServer, poller: Poller, running: Running, fields: dict[str, Any], topic: int | None
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{FORUM}:45"):
        forum.say("/status", chat=FORUM, kind="supergroup", **fields)
        await answered(forum)

    assert thread(forum.messages()[0].fields) == topic


async def test_a_message_of_a_real_forum(forum: TelegramServer, poller: Poller, running: Running) -> None:
    for case in cases("20-forum-topic.json"):
        message = case["input"]["message"]
        forum.topics[message["chat"]["id"]] = {message["message_thread_id"]}
        async with running(TELEGRAM_CHAT_ID=str(message["chat"]["id"])):
            forum.add_update(message={"message_id": 5, "date": 1_800_000_000} | message)
            await answered(forum)

        assert thread(forum.messages()[0].fields) == 42


async def test_alerts_go_to_the_topic_of_the_settings(
    forum: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{FORUM}:45"):
        store.queue([Outgoing(chat=chat, text="an alert") for chat in (FORUM, OWNER)])
        await answered(forum, 2)

    assert {one.chat: thread(one.fields) for one in forum.messages()} == {FORUM: 45, OWNER: None}


async def test_without_a_named_topic_they_go_where_start_was_said(
    forum: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{FORUM}"):
        forum.say("/start", **IN_TOPIC)
        await soon(lambda: any("Battery Level" in one.shown for one in forum.messages()))

    assert {thread(one.fields) for one in forum.messages(FORUM)} == {42}


async def test_a_topic_that_was_deleted_costs_no_message(
    forum: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    forum.topics[FORUM] = set()
    async with running(TELEGRAM_CHAT_ID=f"{FORUM}:45"):
        store.queue([Outgoing(chat=FORUM, text="<b>an alert</b>")])
        await answered(forum)

    (sent,) = forum.messages()
    assert (sent.shown, thread(sent.fields)) == ("an alert", None)


@pytest.mark.parametrize(
    ("chats", "requests"), [(str(FORUM), 2), (f"{FORUM}:45", 3)], ids=["none", "deleted"]
)
async def test_a_closed_general_topic_is_refused_once_and_holds_up_no_other_message(
    forum: TelegramServer, poller: Poller, running: Running, store: BotStore, chats: str, requests: int
) -> None:
    forum.topics[FORUM] = set()
    forum.general_closed.add(FORUM)
    async with running(TELEGRAM_CHAT_ID=chats):
        store.queue([Outgoing(chat=FORUM, text="<b>an alert</b>")])
        await soon(lambda: not store.waiting())
        tried = [method for method, fields in forum.calls if fields.get("chat_id") == str(FORUM)]
        forum.general_closed.clear()
        store.queue([Outgoing(chat=FORUM, text="another")])
        await answered(forum)

    assert tried == ["sendMessage"] * requests  # in its topic if it has one, as it is, and bare
    assert [one.shown for one in forum.messages()] == ["another"]


async def test_what_follows_a_press_stays_in_its_topic(
    forum: TelegramServer, poller: Poller, running: Running
) -> None:
    """A page that can no longer be edited is sent anew."""
    async with running(TELEGRAM_CHAT_ID=str(FORUM)):
        forum.say("/chatid", **IN_TOPIC)
        await answered(forum)
        forum.press(press("status"), message=999, **IN_TOPIC)
        await answered(forum, 2)

    assert thread(forum.messages()[1].fields) == 42


async def test_chatid_tells_the_topic_as_the_settings_take_it(
    forum: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=str(FORUM)):
        forum.say("/chatid", **IN_TOPIC)
        (text,) = await answered(forum)

    assert text.endswith(f"{FORUM}:42")


READ = {  # TELEGRAM_CHAT_ID: chats and their topics, or what is said of the fault
    "77, -100500:45": [(77, None), (-100500, 45)],
    "-100500:45,-100500:45": [(-100500, 45)],
    "77:45": "numbers of chats",
    "-100500:45,-100500:46": "named with two topics",
    "-100500:": "numbers of chats",
    "-100500:x": "numbers of chats",
    "-100500:45:46": "numbers of chats",
    "-100500:-1": "numbers of chats",
}


@pytest.mark.parametrize(("text", "wanted"), READ.items(), ids=READ)
def test_how_the_settings_name_a_topic(text: str, wanted: list[tuple[int, int | None]] | str) -> None:
    environ = {"TELEGRAM_CHAT_ID": text, "JK_ENV_FILE": "/dev/null"}
    if isinstance(wanted, str):
        with pytest.raises(ConfigError, match=wanted):
            load_settings(environ)
    else:
        assert [(int(chat), chat.topic) for chat in load_settings(environ).chat_ids] == wanted
