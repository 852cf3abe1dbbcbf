"""Who may do what: owners everything, guests look, strangers nothing; codes, and the page of who is let in."""

from typing import Any

import pytest

from jk_bms.bot.access import GUESSES, Access
from jk_bms.bot.commands import MENU
from jk_bms.bot.pages.callbacks import alert_key, press
from jk_bms.bot.roles import Role
from jk_bms.bot.store import BotStore, Chat
from jk_bms.model.alert import alert_of
from tests.bot.conftest import CODE, INVITATION, Configure, Poller, Running, soon
from tests.bot.house_snapshot import device, lent, snapshot
from tests.bot.telegram_server import OWNER, STRANGER, TelegramServer
from tests.bot.test_commands import ALERT, answered, silence

GUEST, GROUP, CHANNEL = 88, -100500, -100600
PRIVATE: dict[str, Any] = {"chat": GUEST, "user": GUEST}
IN_GROUP: dict[str, Any] = {"chat": GROUP, "user": GUEST, "kind": "supergroup"}

ROLES = {  # chat, user, kind; settings; what is known of chats: the role
    "named chat": ((77, 77, "private"), {"TELEGRAM_CHAT_ID": "77"}, [], Role.OWNER),
    "named user": ((77, 77, "private"), {"TELEGRAM_ALLOWED_USERS": "77"}, [], Role.OWNER),
    "named chat beside named users": (
        (77, 77, "private"),
        {"TELEGRAM_CHAT_ID": "77", "TELEGRAM_ALLOWED_USERS": "5"},
        [],
        Role.GUEST,
    ),
    "claimed": ((77, 77, "private"), {}, [Chat(id=77, allowed=True, role="owner")], Role.OWNER),
    "invited": ((77, 77, "private"), {}, [Chat(id=77, allowed=True, role="guest")], Role.GUEST),
    "taken out": ((77, 77, "private"), {}, [Chat(id=77, role="owner")], Role.STRANGER),
    "stranger": ((77, 77, "private"), {"TELEGRAM_CHAT_ID": "5"}, [], Role.STRANGER),
    "owner in a new group": ((GROUP, 77, "group"), {"TELEGRAM_CHAT_ID": "77"}, [], Role.OWNER),
    "guest in a new group": (
        (GROUP, 77, "group"),
        {},
        [Chat(id=77, allowed=True, role="guest")],
        Role.STRANGER,
    ),
    "member of a group": ((GROUP, 77, "group"), {"TELEGRAM_CHAT_ID": str(GROUP)}, [], Role.GUEST),
    "member, users named": (
        (GROUP, 77, "group"),
        {"TELEGRAM_CHAT_ID": str(GROUP), "TELEGRAM_ALLOWED_USERS": "5"},
        [],
        Role.STRANGER,
    ),
    "channel": ((CHANNEL, None, "channel"), {"TELEGRAM_CHAT_ID": str(CHANNEL)}, [], Role.GUEST),
}


@pytest.mark.parametrize(("who", "env", "chats", "role"), ROLES.values(), ids=ROLES)
def test_roles(
    configure: Configure,
    store: BotStore,
    who: tuple[int, int | None, str],
    env: dict[str, str],
    chats: list[Chat],
    role: Role,
) -> None:
    for chat in chats:
        store.remember(chat)
    access = Access(configure(**({"TELEGRAM_CHAT_ID": ""} | env)), store)

    assert access.role(*who) is role


# Guests


READING = ("status", "battery", "cells", "health", "alerts", "link", "until 07:00", "chatid", "help")
DOING = ("release 10m", "release", "resume", "users")


def with_guest(store: BotStore) -> None:
    store.remember(Chat(id=GUEST, title="Ann", allowed=True, role="guest"))


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("where", [PRIVATE, IN_GROUP], ids=["private", "group"])
async def test_a_guest_may_look(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    store: BotStore,
    command: str,
    where: dict[str, Any],
) -> None:
    with_guest(store)
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say(f"/{command}", **where)
        (text,) = await answered(telegram)

    assert "Only an owner" not in text


@pytest.mark.parametrize(
    ("where", "missing"),
    [
        (PRIVATE, {"/release", "/resume", "/users"}),
        (IN_GROUP, {"/release", "/resume", "/users", "/start", "/stop", "/settings"}),
    ],
    ids=["private", "group"],
)
async def test_help_names_what_its_reader_may_do(
    telegram: TelegramServer,
    running: Running,
    store: BotStore,
    where: dict[str, Any],
    missing: set[str],
) -> None:
    with_guest(store)
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/help", **where)
        (of_guest,) = await answered(telegram)
        telegram.forget()
        telegram.say("/help")
        (of_owner,) = await answered(telegram)

    every = {f"/{name}" for name in MENU}
    assert {line.partition(" – ")[0] for line in of_owner.splitlines() if " – " in line} == every
    assert {line.partition(" – ")[0] for line in of_guest.splitlines() if " – " in line} == every - missing


@pytest.mark.parametrize("command", DOING)
@pytest.mark.parametrize("where", [PRIVATE, IN_GROUP], ids=["private", "group"])
async def test_a_guest_may_do_nothing(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    store: BotStore,
    command: str,
    where: dict[str, Any],
) -> None:
    with_guest(store)
    poller.snapshot = snapshot(lent())
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say(f"/{command}", **where)
        (text,) = await answered(telegram)

    assert text == "Only an owner of this bot may do that. You may look at everything."
    assert poller.asked("release") == poller.asked("resume") == []


PRESSES = {
    "release": press("release", "10m", 1),
    "resume": press("resume", 1),
    "mute": press("mute", "3600", alert_key(alert_of(ALERT))),
    "ack": press("ack", alert_key(alert_of(ALERT))),
    "invite": press("users", "invite", "owner"),
    "remove": press("users", "removed", GUEST),
}


@pytest.mark.parametrize("data", PRESSES.values(), ids=PRESSES)
@pytest.mark.parametrize("where", [PRIVATE, IN_GROUP], ids=["private", "group"])
async def test_a_guests_press_does_nothing(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    store: BotStore,
    data: str,
    where: dict[str, Any],
) -> None:
    with_guest(store)
    poller.snapshot = snapshot(lent(), alerts=[ALERT])
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        await soon(lambda: poller.asked("telegram"))
        telegram.say("/chatid", **where)
        await answered(telegram)
        telegram.press(data, **where)
        await soon(lambda: any("Only an owner" in one.text for one in telegram.sent))

    assert {request["action"] for request in poller.requests} == {"telegram"}
    assert store.chat(GUEST).allowed


@pytest.mark.parametrize(("user", "changed"), [(GUEST, False), (OWNER, True)], ids=["guest", "owner"])
async def test_only_an_owner_turns_a_group_on_again(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore, user: int, changed: bool
) -> None:
    """Nor is the topic of all alerts moved by a guest."""
    with_guest(store)
    before = Chat(id=GROUP, kind="supergroup", title="House", monitoring=False, topic=45)
    store.remember(before)
    telegram.topics[GROUP] = {42, 45}
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say(
            "/start", chat=GROUP, user=user, kind="supergroup", message_thread_id=42, is_topic_message=True
        )
        (text, *_) = await answered(telegram)
        if changed:
            await soon(lambda: store.chat(GROUP).monitoring)

    after = store.chat(GROUP)
    assert (after.monitoring, after.topic) == ((True, 42) if changed else (False, 45))
    assert ("Only an owner" in text) is not changed


async def test_a_guest_who_sends_a_code_into_a_group_makes_it_void(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    with_guest(store)
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say(f"/start {CODE}", **IN_GROUP)
        (text,) = await answered(telegram)

    assert poller.asked("void")
    assert "Only an owner" not in text


async def test_an_owner_does_everything_in_every_chat(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/release 10m", chat=GROUP, kind="supergroup")
        await soon(lambda: telegram.shown(GROUP))  # the other chat is told too, before or after

    (text,) = telegram.shown(GROUP)
    assert "lent to the phone app until" in text


async def test_where_nobody_is_an_owner_it_says_how_to_become_one(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=str(GROUP)):
        telegram.say("/release", **IN_GROUP)
        (text,) = await answered(telegram)

    assert "has none yet: " in text


async def test_an_owner_is_told_the_id_of_a_new_group(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running():
        telegram.say("/chatid", chat=GROUP, kind="supergroup")
        telegram.say("/chatid", chat=GROUP, kind="supergroup", user=STRANGER)
        texts = await answered(telegram, 2)

    assert texts == [f"The id of this chat is {GROUP}", "This bot works only for its owner."]


async def test_a_turn_is_told_to_the_other_chats(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    with_guest(store)
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/release 10m")
        await soon(lambda: telegram.messages(GROUP) and telegram.messages(GUEST))
        poller.snapshot = snapshot(lent())
        telegram.say("/resume")
        await soon(lambda: len(telegram.messages(GROUP)) == 2)

    lending, back = telegram.messages(GROUP)
    assert "User 77 <&> lends Main to the phone app until" in lending.shown
    assert "Main: being read again" in back.shown
    assert lending.fields["disable_notification"] == "true"
    assert len(telegram.messages(OWNER)) == 2  # the answers


# Codes


async def test_the_right_code_is_good_after_any_number_of_wrong_ones(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    """Of strangers in his group, or his own: nobody can lock out the owner."""
    poller.codes = {CODE: "owner"}
    async with running(TELEGRAM_CHAT_ID=""):
        for number in range(20):
            for sender in (STRANGER, OWNER):
                last = telegram.say(f"/start WRNG{number:06d}".replace("0", "2"), chat=sender, user=sender)
        await soon(lambda: telegram.done_with(last))
        telegram.say(f"/start {CODE}")
        await soon(lambda: any("yours now" in text for text in telegram.shown(OWNER)))

    assert len(telegram.messages(STRANGER)) == GUESSES  # and then he is told nothing


def test_very_many_strangers_cost_the_answers_not_the_code(configure: Configure, store: BotStore) -> None:
    access = Access(configure(), store)

    told = sum(access.answer_wrong_code(user) for user in range(3000))

    assert told == 1000


async def test_what_cannot_be_a_code_never_reaches_the_service(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=""):
        telegram.say("/start " + "x" * 4000, chat=STRANGER, user=STRANGER)
        (text,) = await answered(telegram)

    assert "is wrong" in text
    assert poller.asked("claim") == []


@pytest.mark.parametrize("listed", [False, True], ids=["new group", "group of the settings"])
async def test_a_code_in_a_group_is_good_for_nobody(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore, listed: bool
) -> None:
    poller.codes = {CODE: "owner"}
    async with running(TELEGRAM_CHAT_ID=str(GROUP) if listed else ""):
        telegram.say(f"/start {CODE}", **IN_GROUP)
        (first,) = await answered(telegram)
        telegram.say(f"/start {CODE}", chat=STRANGER, user=STRANGER)
        await answered(telegram, 2)

    assert first.startswith("Everyone here could read that code")
    assert "is wrong" in telegram.shown(STRANGER)[0]
    assert not store.chat(GROUP).allowed
    assert store.chat(STRANGER).allowed is False


READ_BY_OTHERS: dict[str, dict[str, Any]] = {
    "alone": {"text": CODE},
    "in small letters": {"text": CODE.lower()},
    "in a sentence": {"text": f"Ann, take this: {CODE}, it is good for an hour"},
    "command in a sentence": {"text": f"send /start {CODE} to the bot"},
    "for another bot": {"text": f"/start@other_bot {CODE}"},
    "as a link": {"text": f"https://t.me/house_bot?start={CODE}"},
    "behind a word": {
        "text": "open it",
        "entities": [
            {"type": "text_link", "offset": 0, "length": 4, "url": f"https://t.me/house_bot?start={CODE}"}
        ],
    },
    "below a picture": {"text": None, "caption": f"code {CODE}"},
    "forwarded": {
        "text": f"/start {CODE}",
        "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Bob"},
    },
    "while the bot was away": {"text": CODE, "ago": 3600.0},
}


@pytest.mark.parametrize("said", READ_BY_OTHERS.values(), ids=READ_BY_OTHERS)
@pytest.mark.parametrize("where", ["supergroup", "channel"])
async def test_a_code_that_others_read_is_burnt_however_it_was_written(
    telegram: TelegramServer, poller: Poller, running: Running, said: dict[str, Any], where: str
) -> None:
    """And the owner, who is asked for a new one, hears of it in private."""
    poller.codes = {CODE: "owner"}
    more = {key: value for key, value in said.items() if key != "text"}
    channel: dict[str, Any] = {"chat": CHANNEL, "user": None, "field": "channel_post"}
    user = channel if where == "channel" else IN_GROUP
    async with running():
        telegram.say(said["text"], **(user | {"kind": where} | more))
        await soon(lambda: len(telegram.messages()) == 2)

    assert poller.codes == {}
    texts = {one.chat: one.shown for one in telegram.messages()}
    assert texts[user["chat"]].startswith("Everyone here could read that code")
    assert "A code was written into “House & <home>”" in texts[OWNER]


@pytest.mark.parametrize(
    "text", ["the restaurant", "RESTAURANT", f"x{CODE}", f"{CODE}2", f"{CODE[:5]} {CODE[5:]}", "0123456789"]
)
async def test_a_word_in_a_group_that_is_no_code_is_not_answered(
    telegram: TelegramServer, poller: Poller, running: Running, text: str
) -> None:
    poller.codes = {CODE: "owner"}
    async with running():
        update = telegram.say(text, **IN_GROUP)
        await silence(telegram, update)

    assert poller.codes == {CODE: "owner"}


async def test_a_message_of_many_words_does_not_keep_the_service_busy(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    words = " ".join(f"WRNG{number:06d}".translate(str.maketrans("01", "ZY")) for number in range(300))
    async with running():
        update = telegram.say(words, **IN_GROUP)
        await silence(telegram, update)

    assert 0 < len(poller.asked("void")) <= 10


async def test_who_comes_second_is_not_told_that_the_bot_is_his(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    poller.codes = {CODE: "guest", INVITATION: "owner"}
    poller.first = False
    async with running():
        telegram.say(f"/start {CODE}", **PRIVATE)
        await soon(lambda: telegram.messages(GUEST))
        telegram.say(f"/start {INVITATION}", **PRIVATE)  # and is made an owner later
        await soon(lambda: any("You are now an owner" in text for text in telegram.shown(GUEST)))
        await soon(lambda: len([t for t in telegram.shown(OWNER) if "has joined with a code" in t]) == 2)

    assert telegram.shown(GUEST)[0].startswith("Welcome: you may look at everything here.")
    assert "as guest" in telegram.shown(OWNER)[0]
    assert store.chat(GUEST).role == "owner"


async def test_who_was_let_in_is_spoken_to_in_his_language_from_the_first_message(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.codes = {CODE: "guest"}
    async with running(TELEGRAM_CHAT_ID=""):
        telegram.say(f"/start {CODE}", language="uk", **PRIVATE)
        texts = await answered(telegram, 2)  # the level comes by itself

    assert not any("Battery Level" in text for text in texts)


async def test_an_owner_who_opens_his_own_invitation_does_not_use_it_up(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    poller.codes = {CODE: "guest"}
    async with running():
        telegram.say(f"/start {CODE}")
        (text,) = await answered(telegram)

    assert "still works for another person" in text
    assert CODE in poller.codes


# /users


async def test_an_owner_invites_lists_and_removes(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    poller.first = False
    async with running():
        telegram.say("/users")
        await answered(telegram)
        (page,) = telegram.messages()
        telegram.press(page.button("Invite a guest"), message=page.message)
        await soon(lambda: any(f"/start {INVITATION}" in one.shown for one in telegram.sent))
        telegram.say(f"/start {INVITATION}", **PRIVATE)
        await soon(lambda: store.chat(GUEST).monitoring)
        telegram.press(press("users"), message=page.message)
        await soon(lambda: any("Remove Ann" in str(one.buttons) for one in telegram.sent))
        shown = next(one for one in telegram.sent if "Remove Ann" in str(one.buttons))
        telegram.press(shown.button("Remove Ann"), message=page.message)
        await soon(lambda: any("Yes, remove" in str(one.buttons) for one in telegram.sent))
        asked = next(one for one in telegram.sent if "Yes, remove" in str(one.buttons))
        telegram.press(asked.button("Yes"), message=page.message)
        await soon(lambda: not store.chat(GUEST).allowed)
        telegram.forget()
        telegram.say("/status", **PRIVATE)
        (text,) = await answered(telegram)

    assert "Ann: guest" in shown.shown
    assert f"{OWNER}: owner, named in the settings, you" in shown.shown
    assert text == "This bot works only for its owner."
    assert not store.chat(GUEST).monitoring


async def test_who_is_named_in_the_settings_cannot_be_removed_here(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GUEST}"):
        telegram.press(press("users", "removed", GUEST))
        telegram.say("/status", **PRIVATE)
        (text,) = [one async for one in _shown(telegram, GUEST)]

    assert "Grid is on" in text


async def _shown(telegram: TelegramServer, chat: int) -> Any:
    await soon(lambda: telegram.messages(chat))
    for text in telegram.shown(chat):
        yield text


async def test_in_a_group_nobody_is_invited(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/users", chat=GROUP, kind="supergroup")
        await answered(telegram)
        (page,) = telegram.messages()
        telegram.press(press("users", "invite", "owner"), chat=GROUP, kind="supergroup", message=page.message)
        await soon(lambda: any(one.method == "editMessageText" for one in telegram.sent))

    assert "Invite" not in str(page.buttons)
    assert poller.asked("invite") == []


# What is a command


NOT_MEANT = {
    "caption of a photo": {"text": None, "caption": "/status"},
    "another bot": {"from": {"id": 5, "is_bot": True, "first_name": "B"}},
    "through another bot": {"via_bot": {"id": 5, "is_bot": True, "first_name": "B"}},
    "forwarded": {
        "forward_origin": {
            "type": "hidden_user",
            "date": 1,
            "sender_user_name": "Bob",
        }
    },
}


@pytest.mark.parametrize("more", NOT_MEANT.values(), ids=NOT_MEANT)
async def test_what_a_person_did_not_write_is_no_command(
    telegram: TelegramServer, poller: Poller, running: Running, more: dict[str, Any]
) -> None:
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/release", chat=GROUP, kind="supergroup", **more)
        last = telegram.say("/release", **more)
        await soon(lambda: telegram.done_with(last))

    assert telegram.messages() == []
    assert poller.asked("release") == []


async def test_an_administrator_who_writes_as_his_group_is_its_guest(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    admin: dict[str, Any] = {
        "from": {"id": 1087968824, "is_bot": True, "first_name": "Group"},
        "sender_chat": {"id": GROUP, "type": "supergroup", "title": "G"},
    }
    poller.snapshot = snapshot(device())
    async with running(TELEGRAM_CHAT_ID=f"{OWNER},{GROUP}"):
        telegram.say("/status", chat=GROUP, kind="supergroup", **admin)
        telegram.say("/release", chat=GROUP, kind="supergroup", **admin)
        texts = await answered(telegram, 2)

    assert "Grid is on" in texts[0]
    assert "Only an owner" in texts[1]
