"""/settings: what a chat chooses for itself, and that it counts."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.bot.choices import FIELDS, QUIET, STEPS, Choices, chosen, is_quiet
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.pages import choices
from jk_bms.bot.store import BotStore, Chat
from jk_bms.texts import LANGUAGES, language
from tests.bot.conftest import Poller, Running, soon
from tests.bot.telegram_server import OWNER, TelegramServer
from tests.bot.test_commands import answered

WORDS = {  # what is said: what is chosen; None: not understood
    "level 10": Choices(step=10.0),
    "level 3 %": Choices(step=3.0),
    "рівень 2,5": Choices(step=2.5),
    "level off": Choices(step=0.0),
    "level 0": Choices(step=0.0),
    "level 101": None,
    "level -5": None,
    "level": None,
    "quiet 22:00-07:00": Choices(quiet="22:00-07:00"),
    "quiet 22-7": Choices(quiet="22:00-07:00"),
    "quiet 2230-0615": Choices(quiet="22:30-06:15"),
    "тиша 21:30 – 6:00": Choices(quiet="21:30-06:00"),
    "quiet 22:00-24:00": Choices(quiet="22:00-00:00"),
    "quiet off": Choices(quiet=""),
    "quiet 7-7": None,
    "quiet 25-7": None,
    "quiet 22:60-7:00": None,
    "language uk": Choices(language="uk"),
    "language auto": Choices(),
    "language klingon": None,
    "pictures dark": Choices(pictures="dark"),
    "pictures pink": None,
    "brightness 5": None,
}


@pytest.mark.parametrize(("text", "choices"), WORDS.items(), ids=WORDS)
def test_what_is_said_and_what_is_chosen(text: str, choices: Choices | None) -> None:
    assert chosen(Choices(), text.split()) == choices


def test_one_choice_leaves_the_others() -> None:
    before = Choices(step=5.0, quiet="22:00-07:00", language="uk", pictures="dark")

    assert chosen(before, ["level", "20"]) == Choices(
        step=20.0, quiet="22:00-07:00", language="uk", pictures="dark"
    )
    assert set(FIELDS) == set(Choices.__struct_fields__)


@pytest.mark.parametrize(("field", "values"), [("step", STEPS), ("quiet", QUIET)])
def test_every_button_is_understood(field: str, values: tuple[str, ...]) -> None:
    assert all(chosen(Choices(), [field, value]) is not None for value in values)


HOURS = {  # quiet hours, local time: whether it is quiet
    "over midnight, late": ("22:00-07:00", 23, True),
    "over midnight, early": ("22:00-07:00", 6, True),
    "it begins": ("22:00-07:00", 22, True),
    "it ends": ("22:00-07:00", 7, False),
    "by day": ("13:00-15:00", 14, True),
    "not by night": ("13:00-15:00", 2, False),
    "none": ("", 23, False),
    "never chosen": (None, 23, False),
}


@pytest.mark.parametrize(("quiet", "hour", "wanted"), HOURS.values(), ids=HOURS)
def test_quiet_hours(quiet: str | None, hour: int, wanted: bool) -> None:
    zone = ZoneInfo("Europe/Kyiv")
    at = datetime(2026, 7, 5, hour, 0, tzinfo=zone).astimezone(UTC)

    assert is_quiet(quiet, at, zone) is wanted


HOUSE = (time(21), time(6))
OF_HOUSE = "House: 21:00–06:00 only critical alerts are sent"
SHOWN: dict[str, tuple[Choices, tuple[time, time] | None, list[str], list[str]]] = {
    # what the chat and the house chose: the lines that tell of it, the marked buttons
    "nothing": (Choices(), None, ["Quiet hours: none; only the level is silent 22:00–07:00"], []),
    "nothing, no levels": (Choices(step=0.0), None, ["Quiet hours: none"], []),
    "off": (Choices(quiet=""), None, ["Quiet hours: none"], ["• off"]),
    "of the chat": (
        Choices(quiet="22:00-07:00"),
        None,
        ["Quiet hours: 22:00–07:00; only critical alerts make a sound"],
        ["• 🔕 22–07"],
    ),
    "of the house": (
        Choices(),
        HOUSE,
        ["Quiet hours: 21:00–06:00; only critical alerts make a sound", OF_HOUSE],
        ["• 🔕 21–06"],
    ),
    "off, though the house has some": (Choices(quiet=""), HOUSE, ["Quiet hours: none", OF_HOUSE], ["• off"]),
    "both": (
        Choices(quiet="23:00-08:00"),
        HOUSE,
        ["Quiet hours: 23:00–08:00; only critical alerts make a sound", OF_HOUSE],
        ["• 🔕 23–08"],
    ),
}


@pytest.mark.parametrize(("chat", "house", "lines", "marked"), SHOWN.values(), ids=SHOWN)
def test_settings_show_the_hours_that_count(
    chat: Choices, house: tuple[time, time] | None, lines: list[str], marked: list[str]
) -> None:
    page = choices(chat, 10.0, house, language("en"))

    assert [line for line in page.text.splitlines() if line.startswith(("Quiet", "House"))] == lines
    assert [one.label for one in page.buttons[1] if one.label.startswith("•")] == marked


async def test_settings_know_the_quiet_hours_of_the_house(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    async with running(ALERT_QUIET_HOURS="21:00-06:00"):
        telegram.say("/settings")
        (text,) = await answered(telegram)

    assert OF_HOUSE in text


async def test_a_chat_chooses_by_buttons_in_place(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running():
        telegram.say("/settings")
        await answered(telegram)
        (page,) = telegram.messages()
        for label, words in {
            "20 %": "a message every 20 %",
            "🔕 22–07": "Quiet hours: 22:00–07:00",
            "dark": "Pictures: dark",
            "Українська": "Мова: Українська",
        }.items():
            telegram.press(page.button(label), message=page.message)
            await soon(lambda words=words: any(words in one.shown for one in telegram.sent))
        telegram.say("/chatid", language="en")
        await answered(telegram, 2)

    assert store.chat(OWNER).choices == Choices(
        step=20.0, quiet="22:00-07:00", language="uk", pictures="dark"
    )
    assert telegram.shown()[-1] == f"Ідентифікатор цього чату: {OWNER}"  # though his Telegram is English


async def test_what_is_not_understood_changes_nothing(
    telegram: TelegramServer, poller: Poller, running: Running, store: BotStore
) -> None:
    async with running():
        telegram.say("/settings level many")
        (text,) = await answered(telegram)

    assert "did not understand" in text
    assert store.chat(OWNER).choices == Choices()


SOUNDS: dict[str, tuple[dict[str, Any], bool]] = {  # a message at night: whether it rings
    "level": ({"key": "level"}, False),
    "critical": ({"rings": True}, True),
}


@pytest.mark.parametrize(("fields", "rings"), SOUNDS.values(), ids=SOUNDS)
async def test_at_night_only_what_is_critical_rings(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    store: BotStore,
    fields: dict[str, Any],
    rings: bool,
) -> None:
    store.remember(Chat(id=OWNER, choices=Choices(quiet="00:00-23:59")))
    async with running():
        store.queue([Outgoing(chat=OWNER, text="news", **fields)])
        await answered(telegram)
        telegram.say("/chatid")
        await answered(telegram, 2)

    news, answer = telegram.messages()
    assert ("disable_notification" not in news.fields) is rings
    assert "disable_notification" not in answer.fields  # who asks is awake


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_each_language_is_offered_in_its_own_words(spoken: str) -> None:
    """Who cannot read the present one must find his."""
    page = choices(Choices(language=spoken), 10.0, None, language(spoken))

    assert {"English", "Українська"} <= {one.label.removeprefix("• ") for row in page.buttons for one in row}
