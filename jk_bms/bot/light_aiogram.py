"""The one door by which aiogram comes in: without building its models until they are used.

aiogram describes the whole Bot API as some five hundred pydantic models and builds a validator for each of
its types at import: 2.7 s of work and 110 MB on a machine where we need a dozen of them. Here that
work is put off. While aiogram is imported,

- ``BaseModel`` asks every model made meanwhile to build itself at its first use (``defer_build``),
- ``model_rebuild``, which aiogram calls for every type at the end, only notes the names that the
  types need to find one another.

Afterwards pydantic is as it was, and aiogram's own base classes build with those names.

All of this rests on how aiogram is written. ``_check`` refuses a version that is written otherwise,
with an ImportError, before anything is sent.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = [
    "AiohttpSession",
    "BotCommand",
    "BufferedInputFile",
    "CallbackQuery",
    "ClientDecodeError",
    "DefaultBotProperties",
    "InlineKeyboardButton",
    "InlineKeyboardMarkup",
    "InputMediaPhoto",
    "Message",
    "Response",
    "TelegramAPIError",
    "TelegramAPIServer",
    "TelegramBadRequest",
    "TelegramBot",
    "TelegramConflictError",
    "TelegramEntityTooLarge",
    "TelegramForbiddenError",
    "TelegramMethod",
    "TelegramMigrateToChat",
    "TelegramNetworkError",
    "TelegramNotFound",
    "TelegramRetryAfter",
    "TelegramUnauthorizedError",
    "TokenValidationError",
    "Update",
]

_LIGHT = "aiogram" not in sys.modules  # imported by another module before: heavy, but it works
_names: dict[str, Any] = {}  # what aiogram's types call one another


@contextlib.contextmanager
def _deferred() -> Iterator[None]:
    """Have models that are made meanwhile built at their first use."""
    if not _LIGHT:
        yield
        return
    config, rebuild = BaseModel.model_config, BaseModel.__dict__["model_rebuild"]

    def note_names(
        cls: type[BaseModel], /, *, _types_namespace: Mapping[str, Any] | None = None, **_: object
    ) -> None:
        if not cls.__module__.startswith("aiogram."):
            raise ImportError(f"{cls.__module__}.{cls.__name__}: rebuilt while aiogram is imported")
        _names.update(_types_namespace or {})

    BaseModel.model_config = ConfigDict(defer_build=True)
    BaseModel.model_rebuild = classmethod(note_names)  # type: ignore[assignment]
    try:
        yield
    finally:
        BaseModel.model_config = config
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]


with _deferred():
    from aiogram import Bot as TelegramBot
    from aiogram import __version__ as _aiogram_version
    from aiogram.client.default import DefaultBotProperties
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.exceptions import (
        ClientDecodeError,
        TelegramAPIError,
        TelegramBadRequest,
        TelegramConflictError,
        TelegramEntityTooLarge,
        TelegramForbiddenError,
        TelegramMigrateToChat,
        TelegramNetworkError,
        TelegramNotFound,
        TelegramRetryAfter,
        TelegramUnauthorizedError,
    )
    from aiogram.methods.base import Response, TelegramMethod
    from aiogram.types import (
        BotCommand,
        BufferedInputFile,
        CallbackQuery,
        InlineKeyboardButton,
        InlineKeyboardMarkup,
        InputMediaPhoto,
        Message,
        Update,
    )
    from aiogram.types.base import TelegramObject
    from aiogram.utils.token import TokenValidationError


def _build_with_names(base: type[BaseModel]) -> None:
    """Let ``base`` and its heirs find aiogram's types when they are built."""

    def rebuild(
        cls: type[BaseModel], /, *, _types_namespace: Mapping[str, Any] | None = None, **options: Any
    ) -> bool | None:
        # Without this frame the caller is as near as pydantic expects it.
        options["_parent_namespace_depth"] = options.get("_parent_namespace_depth", 2) + 1
        namespace = _names if _types_namespace is None else _types_namespace
        rebuilt: bool | None = _rebuild.__func__(cls, _types_namespace=namespace, **options)
        return rebuilt

    base.model_rebuild = classmethod(rebuild)  # type: ignore[assignment]


def _check() -> None:
    """Raise ImportError when aiogram is not written as this module expects."""
    built = [
        model.__name__
        for model in (Update, Message, TelegramBot.send_message.__globals__["SendMessage"])
        if model.__pydantic_complete__
    ]
    missing = [name for name in ("Update", "Message", "Default") if name not in _names]
    if built or missing:
        raise ImportError(
            f"aiogram {_aiogram_version} does not let its models be built late "
            f"(built: {', '.join(built) or 'none'}; names missing: {', '.join(missing) or 'none'}); "
            "install the version of requirements-bot.txt"
        )


if _LIGHT:
    _rebuild: Any = BaseModel.__dict__["model_rebuild"]
    _check()
    for _base in (TelegramObject, TelegramMethod, Response):
        _build_with_names(_base)
