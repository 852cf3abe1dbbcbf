"""Requests to Telegram: one session, and log lines that never hold the token."""

import logging
import time
from typing import Any

from jk_bms.bot.light_aiogram import (
    AiohttpSession,
    DefaultBotProperties,
    TelegramAPIServer,
    TelegramBot,
)
from jk_bms.errors import ConfigError

log = logging.getLogger(__name__)

CONNECTIONS = 8  # at once: a long poll and some chats
MASK = "<token>"


def make_bot(token: str, api: str, *, proxy: str | None = None, log_requests: bool = False) -> TelegramBot:
    """Return the bot; ``api``: the server's address, asked through ``proxy``. TLS is always verified.

    Raises TokenValidationError for what cannot be a token, ConfigError where a package for the proxy is missing.
    """
    server = TelegramAPIServer.from_base(api)
    session = _proxied(server, proxy) if proxy else AiohttpSession(api=server, limit=CONNECTIONS)
    if log_requests:
        session.middleware.register(_log_request)
    defaults = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)
    return TelegramBot(token, session=session, default=defaults)


def _proxied(server: TelegramAPIServer, proxy: str) -> AiohttpSession:
    try:
        from jk_bms.bot.proxied import ProxiedSession

        return ProxiedSession(api=server, proxy=proxy, limit=CONNECTIONS)
    except (ImportError, RuntimeError) as error:  # aiogram itself says the latter
        raise ConfigError(
            "HTTPS_PROXY: the package aiohttp-socks is not installed; expected those of requirements-bot.txt"
        ) from error


async def _log_request(make_request: Any, bot: TelegramBot, method: Any) -> Any:
    """Log one request: its name, chat, outcome and time; never its address, which holds the token."""
    began = time.perf_counter()
    chat = getattr(method, "chat_id", None)
    where = "" if chat is None else f" to chat {chat}"
    try:
        result = await make_request(bot, method)
    except Exception as error:
        took = 1000 * (time.perf_counter() - began)
        log.info("%s%s: %s after %.0f ms", method.__api_method__, where, type(error).__name__, took)
        raise
    log.info("%s%s: ok in %.0f ms", method.__api_method__, where, 1000 * (time.perf_counter() - began))
    return result


class TokenMask(logging.Filter):
    """Takes the token, and other ``secrets``, out of every line, wherever it comes from: a traceback, a library."""

    def __init__(self, token: str, *secrets: str) -> None:
        super().__init__()
        self._secrets = tuple(part for part in (token, token.partition(":")[2], *secrets) if part)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without the token."""
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = self._masked(record.exc_text) if record.exc_text else record.exc_text
        text = record.getMessage()
        masked = self._masked(text)
        if masked != text:
            record.msg, record.args = masked, ()
        return True

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text
