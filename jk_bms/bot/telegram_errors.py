"""What Telegram's errors mean for the whole bot."""

import ssl
from enum import StrEnum

from aiohttp import ClientConnectorDNSError, ClientConnectorError, ServerDisconnectedError

from jk_bms.bot.light_aiogram import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

LONGEST = 200  # characters of an error: the answer of a proxy may be a page of HTML


class NotReached(Exception):
    """A request surely did not arrive: no connection was made."""


class Refusal(StrEnum):
    """Why Telegram gives this bot no updates, though it can be reached."""

    TAKEN = "taken"  # another program asks with the same token; sending still works
    WEBHOOK = "webhook"  # another program has Telegram call it instead; sending still works
    UNKNOWN = "unknown_token"  # it does not know the token; nothing works

    @property
    def remedy(self) -> str:
        """What it means and what a person should do, for the log."""
        return _REMEDIES[self]


_REMEDIES = {
    Refusal.TAKEN: (
        "another program uses the same TELEGRAM_BOT_TOKEN, and Telegram serves only one: stop it, or make a "
        "bot of its own for this house with @BotFather"
    ),
    Refusal.WEBHOOK: (
        "another program has set a webhook for this TELEGRAM_BOT_TOKEN, so Telegram gives its updates to that "
        "one: stop it and have it delete its webhook, or make a bot of its own for this house with @BotFather"
    ),
    Refusal.UNKNOWN: (
        "TELEGRAM_BOT_TOKEN: Telegram does not know this token (it may have been revoked); "
        "expected the one that @BotFather shows for your bot"
    ),
}


def refusal(error: Exception) -> Refusal | None:
    """Return why Telegram refuses this bot; None for an error that says nothing of it."""
    if isinstance(error, TelegramConflictError):
        return Refusal.WEBHOOK if "webhook" in error.message.lower() else Refusal.TAKEN
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return Refusal.UNKNOWN
    return None


def brief(error: TelegramAPIError | ClientDecodeError) -> str:
    """What went wrong, on one line, as a person would say it."""
    if isinstance(error, TelegramNetworkError):
        return f"cannot reach Telegram: {_network(error)}"
    text = error.message if isinstance(error, TelegramAPIError) else f"{error.message}: {error.data}"
    return " ".join(text.split())[:LONGEST] or type(error).__name__


def _network(error: TelegramNetworkError) -> str:
    match error.__cause__:
        case ClientConnectorDNSError():
            return "its name is not found (is the internet there?)"
        case ssl.SSLError() | ClientConnectorError(os_error=ssl.SSLError()):
            return "its certificate is not trusted (is the clock of this machine right?)"
        case ClientConnectorError(os_error=reason) if reason.strerror:
            return reason.strerror.lower()
        case TimeoutError():
            return "no answer in time"
        case ServerDisconnectedError():
            return "it closed the connection"
        case OSError(strerror=str(reason)):
            return reason.lower()
    return " ".join(error.message.split())[:LONGEST] or "the connection failed"
