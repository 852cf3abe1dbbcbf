"""What Telegram's errors mean for the whole bot."""

from jk_bms.bot.light_aiogram import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from jk_bms.errors import ConfigError, JkBmsError


class TokenInUse(JkBmsError):
    """Another program asks with our token."""


def check_token(error: Exception) -> None:
    """Raise ConfigError or TokenInUse when ``error`` says that going on makes no sense."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        raise ConfigError(
            "TELEGRAM_BOT_TOKEN: Telegram does not know this token (it may have been revoked); "
            "expected the one that @BotFather shows for your bot"
        ) from error
    if isinstance(error, TelegramConflictError):
        raise TokenInUse(
            "another program uses the same TELEGRAM_BOT_TOKEN, and Telegram serves only one: stop it, or make "
            f"a bot of its own for this house with @BotFather (Telegram says: {error.message})"
        ) from error


def brief(error: TelegramAPIError | ClientDecodeError) -> str:
    """What went wrong, on one line: the answer of a proxy may be a page of HTML."""
    text = error.message if isinstance(error, TelegramAPIError) else f"{error.message}: {error.data}"
    return " ".join(text.split())[:200] or type(error).__name__
