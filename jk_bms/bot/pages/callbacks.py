"""What stands behind a button: ``page:argument:...``, at most 64 bytes.

| data                  | shows                                                                |
|-----------------------|----------------------------------------------------------------------|
| ``status``            | grid, load and batteries                                             |
| ``battery:N``         | battery N, its number in the registry; so do ``cells:N``, ``health:N`` |
| ``alerts``            | what is wrong now                                                    |
| ``mute:HOW:KEY``      | mutes an alert, then ``alerts``; HOW: seconds, ``clear`` (until it is  |
|                       | over) or ``off`` (tell it again); KEY: ``alert_key`` of the alert    |
| ``hush:HOW:KEY``      | keeps an alert quiet in a guest's own chat, then ``alerts``; as ``mute``  |
| ``ack:KEY``           | an owner has seen an alert, KEY ``all``: every critical one that is   |
|                       | open; ``ack:KEY:page`` shows ``alerts`` then                          |
| ``link``              | how the radio is doing                                               |
| ``release:TIME:N``    | leaves battery N alone for TIME (``10m``, ``600s``); N: ``all`` for all of |
|                       | them, left out: the only one, or which?                              |
| ``resume:N``          | takes battery N up again; N as above                                 |
| ``until:HHMM:N``      | whether battery N lasts until then; N: ``all`` for the house         |
| ``chart:SPAN:WHAT:N`` | a picture, e.g. ``chart:24h:soc:1``; N: ``all`` for the house         |
| ``settings``          | what this chat chose; ``settings:quiet:2200-0700`` and the like choose   |
| ``users``             | who may use the bot; ``users:invite:ROLE`` makes a code, ``users:remove:ID`` |
|                       | asks whether to take a person out, ``users:removed:ID`` does it      |
"""

from collections.abc import Iterable
from hashlib import blake2s
from typing import NamedTuple

from jk_bms.model.alert import AlertTold

LONGEST = 64  # bytes, Telegram's limit
ALL_ALERTS = "all"  # in the place of KEY


class Press(NamedTuple):
    """A pressed button: the page that it asks for and its arguments."""

    page: str
    arguments: tuple[str, ...] = ()


def press(page: str, *arguments: object) -> str:
    """Return the data of a button. Raises ValueError when it would be too long or ambiguous."""
    parts = (page, *map(str, arguments))
    joined = ":".join(parts)
    if len(joined.encode()) > LONGEST or any(":" in part for part in parts):
        raise ValueError(f"callback data is {joined!r}; expected parts without ':', {LONGEST} bytes in all")
    return joined


def pressed(data: str | None) -> Press:
    """Return what a button asks for. Anything may come: an unknown page is the caller's to refuse."""
    page, *arguments = (data or "").split(":")
    return Press(page, tuple(arguments))


def alert_key(alert: AlertTold) -> str:
    """Return a short name of an open alert: the same as long as subject, rule and part are."""
    named = "\0".join(alert.name)
    return blake2s(named.encode("utf-8", "replace"), digest_size=6).hexdigest()


def find_alert(alerts: Iterable[AlertTold], key: str) -> AlertTold | None:
    """Return the alert that ``key`` names; None when it is over."""
    return next((alert for alert in alerts if alert_key(alert) == key), None)
