"""Requests to Telegram through a proxy, for houses where it cannot be reached directly.

Loaded only where there is one. What a proxy does wrong becomes a network error of Telegram's, so that
every part of the bot meets it as it meets an outage.
"""

import re
from typing import Any

from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

from jk_bms.bot.light_aiogram import AiohttpSession, TelegramBot, TelegramMethod, TelegramNetworkError
from jk_bms.bot.telegram_errors import NotReached


class ProxiedSession(AiohttpSession):
    """A session whose proxy may fail."""

    async def make_request(
        self, bot: TelegramBot, method: TelegramMethod[Any], timeout: int | None = None
    ) -> Any:
        """Ask Telegram; raises TelegramNetworkError as well for what the proxy does not do."""
        try:
            return await super().make_request(bot, method, timeout)
        except (ProxyConnectionError, ProxyError, ProxyTimeoutError, OSError) as error:
            # Its text names host and port, never the password.
            reason = re.sub(r"^\[Errno [-\d]+\] ", "", str(error)) or type(error).__name__
            raise TelegramNetworkError(
                method=method, message=f"the proxy (HTTPS_PROXY) does not lead there: {reason}"
            ) from NotReached(reason)
