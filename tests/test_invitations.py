"""Codes for the bot: the first that comes with the right one gets in, once."""

import pytest

from jk_bms.errors import LiveError
from jk_bms.poller.invitations import ALPHABET, INVITATION, LENGTH, Invitations
from tests.sources.scripted import StillClock


def claims(state: dict[str, object] | None = None, *, open_to_first: bool = True) -> Invitations:
    made = Invitations(StillClock(), open_to_first=open_to_first)
    made.restore(state)
    return made


def test_the_first_code_is_good_once() -> None:
    bot = claims()
    assert bot.code is not None
    assert len(bot.code) == LENGTH
    assert set(bot.code) <= set(ALPHABET)
    code = bot.code

    bot.claim(f" {code.lower()} ")

    assert bot.claimed
    assert bot.code is None
    with pytest.raises(LiveError, match="not, or no longer, good"):
        bot.claim(code)


@pytest.mark.parametrize("code", ["", "AAAAAAAAAA", None, 5, "ÄÖÜ"])
def test_a_wrong_code_changes_nothing(code: object) -> None:
    bot = claims()
    before = bot.code

    with pytest.raises(LiveError):
        bot.claim(code)

    assert not bot.claimed
    assert bot.code == before


def test_after_a_restart_a_claimed_bot_shows_no_code() -> None:
    bot = claims()
    bot.claim(bot.code)

    again = claims(bot.state())

    assert again.claimed
    assert again.code is None


def test_a_bot_that_lost_its_owner_can_be_claimed_again() -> None:
    """Its database was lost with the card: without a code nobody would be told of any alert."""
    bot = claims({"claimed": True})

    assert not bot.disowned()  # once may be said while the owner is just being written down
    assert not bot.lost
    assert bot.disowned()
    assert bot.lost
    assert claims(bot.state()).lost  # a restart does not make it a new house
    assert bot.claim(bot.code) == "owner"
    assert not bot.lost
    assert bot.code is None
    assert not bot.disowned()
    bot.claim_known()
    assert not bot.disowned()


def test_no_bot_loses_an_owner_that_it_never_had() -> None:
    bot, named = claims(), claims({"claimed": True}, open_to_first=False)
    before = bot.code

    assert not any(one.disowned() for one in (bot, named) for _ in range(5))

    assert bot.code == before
    assert named.code is None


def test_where_chats_are_configured_there_is_no_first_code() -> None:
    assert claims(open_to_first=False).code is None


def test_an_invitation_is_good_for_an_hour() -> None:
    bot = claims({"claimed": True, "username": "house_bot"})
    first, second = bot.invite(), bot.invite()
    assert first["link"] == f"https://t.me/house_bot?start={first['code']}"
    assert first["expires"] == "2026-12-01T13:00:00+00:00"

    bot.claim(first["code"])
    bot._clock.boot += INVITATION.total_seconds()  # type: ignore[attr-defined]

    with pytest.raises(LiveError):
        bot.claim(second["code"])


def test_an_invitation_does_not_need_the_name_of_the_bot() -> None:
    assert claims().invite()["link"] is None


@pytest.mark.parametrize("role", ["owner", "guest"])
def test_an_invitation_gives_its_role(role: str) -> None:
    bot = claims({"claimed": True})

    assert bot.claim(bot.invite(role)["code"]) == role


def test_a_guest_does_not_claim_the_bot() -> None:
    bot = claims()
    first = bot.code

    assert bot.claim(bot.invite("guest")["code"]) == "guest"
    assert (bot.claimed, bot.code) == (False, first)


def test_there_is_no_other_role() -> None:
    with pytest.raises(LiveError, match="owner or guest"):
        claims().invite("king")


def test_a_void_code_is_good_for_nobody_and_the_first_one_is_made_anew() -> None:
    bot = claims()
    first, invited = str(bot.code), bot.invite()["code"]

    bot.void(first.lower())
    bot.void(invited)

    assert bot.code not in (None, first)
    assert not bot.claimed
    for code in (first, invited):
        with pytest.raises(LiveError):
            bot.claim(code)
    with pytest.raises(LiveError):
        bot.void("AAAAAAAAAA")
    assert bot.claim(bot.code) == "owner"


def test_nothing_that_is_kept_holds_a_code() -> None:
    bot = claims()
    invitation = bot.invite()

    assert bot.code is not None
    assert bot.code not in str(bot.state())
    assert invitation["code"] not in str(bot.state())
