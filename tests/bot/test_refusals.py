"""Telegram gives its updates to another program, or knows the token no more: told, outlived, over by itself."""

import asyncio

import pytest

from jk_bms.bot.light_aiogram import (
    ClientDecodeError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from jk_bms.bot.outgoing import Outgoing
from jk_bms.bot.store import BotStore
from jk_bms.bot.telegram_errors import Refusal, brief, refusal
from tests.bot.conftest import QUICK_PATIENCE, Poller, Running, soon
from tests.bot.telegram_server import OWNER, TelegramServer

KNOWN = {  # an error: what it says of the token
    "another program": (TelegramConflictError(None, "Conflict: terminated by other getUpdates"), Refusal.TAKEN),  # type: ignore[arg-type]
    "a webhook": (TelegramConflictError(None, "Conflict: can't use getUpdates while webhook is active"), Refusal.WEBHOOK),  # type: ignore[arg-type]
    "401": (TelegramUnauthorizedError(None, "Unauthorized"), Refusal.UNKNOWN),  # type: ignore[arg-type]
    "404": (TelegramNotFound(None, "Not Found"), Refusal.UNKNOWN),  # type: ignore[arg-type]
    "no network": (TelegramNetworkError(None, "ClientConnectorDNSError: Cannot connect"), None),  # type: ignore[arg-type]
    "a proxy's page": (ClientDecodeError("Failed to decode", ValueError(), "<html>"), None),
}  # fmt: skip


@pytest.mark.parametrize(("error", "why"), KNOWN.values(), ids=KNOWN)
def test_what_an_error_says_of_the_token(error: Exception, why: Refusal | None) -> None:
    assert refusal(error) is why


def test_every_refusal_tells_what_to_do() -> None:
    assert all("@BotFather" in one.remedy for one in Refusal)


def network(cause: Exception) -> str:
    """How a network error with that cause is told."""
    error = TelegramNetworkError(None, f"{type(cause).__name__}: https://host/bot1:secret")  # type: ignore[arg-type]
    error.__cause__ = cause
    return brief(error)


@pytest.mark.parametrize(
    ("cause", "words"),
    [(TimeoutError(), "no answer in time"), (ConnectionResetError(104, "Connection reset by peer"), "reset")],
)
def test_a_network_error_is_told_in_words(cause: Exception, words: str) -> None:
    assert network(cause).startswith("cannot reach Telegram: ")
    assert words in network(cause)


@pytest.mark.parametrize(
    ("code", "state", "told"), [("409", "taken", True), ("401", "unknown_token", False)], ids=["409", "401"]
)
async def test_a_refusal_that_goes_on_is_told_and_is_over_by_itself(
    telegram: TelegramServer,
    poller: Poller,
    running: Running,
    store: BotStore,
    caplog: pytest.LogCaptureFixture,
    code: str,
    state: str,
    told: bool,
) -> None:
    async with running():
        await soon(lambda: poller.asked("telegram"))
        for _ in range(300):
            telegram.fail(code, "getUpdates")
        telegram.say("/help")
        await soon(lambda: poller.asked("telegram")[-1]["state"] == state)
        store.queue([Outgoing(chat=OWNER, text="an alert")])
        await soon(lambda: "an alert" in telegram.shown())
        telegram.faults.clear()
        telegram.say("/chatid")
        await soon(lambda: str(OWNER) in telegram.shown()[-1])
        await asyncio.sleep(QUICK_PATIENCE.calm)
        telegram.say("/weather")  # the next answer, that the server would hold back else
        await soon(lambda: poller.asked("telegram")[-1]["state"] == "well")

    assert any("Another program answers with my token" in text for text in telegram.shown()) == told
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1  # once, however often it is refused


async def test_a_short_refusal_alarms_nobody(
    telegram: TelegramServer, poller: Poller, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with running():
        for _ in range(2):
            telegram.fail("409", "getUpdates")
        telegram.say("/chatid")
        await soon(lambda: telegram.shown())

    assert telegram.shown() == [telegram.shown()[0]]
    assert {request["state"] for request in poller.asked("telegram")} == {"well"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_people_are_told_of_another_program_once_a_day(
    telegram: TelegramServer, poller: Poller, running: Running
) -> None:
    for _ in range(2):
        async with running():
            await soon(lambda: poller.asked("telegram"))
            poller.requests.clear()
            for _ in range(300):
                telegram.fail("409", "getUpdates")
            telegram.say("/help", ago=400.0)
            await soon(lambda: any(one["state"] == "taken" for one in poller.asked("telegram")))
            telegram.faults.clear()
    await soon(lambda: telegram.messages())

    assert sum("Another program" in text for text in telegram.shown()) == 1
