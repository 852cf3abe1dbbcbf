"""Whether the bot is there, by its signs of life."""

import pytest

from jk_bms.bot.telegram_errors import Refusal
from jk_bms.poller.bot_presence import GONE, TROUBLES, WELL, BotPresence
from tests.sources.scripted import StillClock


def after(seconds: float, *, state: object = None, wanted: bool = True, known: bool = True) -> str:
    """The trouble, so many s after the last sign of life (after the start, when ``state`` is None)."""
    clock = StillClock()
    bot = BotPresence(clock, wanted=wanted)
    if state is not None:
        clock.boot += 1000.0
        bot.heard(state)
    clock.boot += seconds
    return bot.trouble(known=known)


SILENCE = "not been heard of"
CASES = {  # s, more about it: what is wrong, None: nothing
    "just started": (GONE - 1, {}, None),
    "never came": (GONE, {}, SILENCE),
    "the token is for another program": (10 * GONE, {"known": False}, None),
    "no token": (10 * GONE, {"wanted": False}, None),
    "at work": (GONE - 1, {"state": "well"}, None),
    "an older bot": (1, {"state": 5}, None),
    "Telegram away": (1, {"state": "away"}, None),
    "gone": (GONE, {"state": "well"}, SILENCE),
    "gone for the first time": (GONE, {"state": "well", "known": False}, SILENCE),
    "another program": (1, {"state": "taken"}, "another program"),
    "a webhook": (1, {"state": "webhook"}, "webhook"),
    "token revoked": (1, {"state": "unknown_token"}, "does not know"),
    "of a newer bot": (1, {"state": "dancing"}, None),
}


@pytest.mark.parametrize(("seconds", "more", "words"), CASES.values(), ids=CASES)
def test_trouble(seconds: float, more: dict[str, object], words: str | None) -> None:
    told = after(seconds, **more)  # type: ignore[arg-type]

    assert told == "" if words is None else words in told


@pytest.mark.parametrize(("seconds", "gone"), [(GONE - 1, False), (GONE, True)])
def test_a_simulated_house_in_a_hurry_waits_as_long_for_the_bot(seconds: float, gone: bool) -> None:
    clock = StillClock()
    clock.speed = 600.0
    bot = BotPresence(clock, wanted=True)
    bot.heard("well")
    clock.boot += seconds * clock.speed

    told = bot.trouble(known=True)

    assert told.startswith("the bot has not been heard of for 5 min") if gone else told == ""


def test_every_refusal_has_its_words() -> None:
    assert set(TROUBLES) == {str(one) for one in Refusal}
    assert not set(TROUBLES) & WELL
