"""The language of the live socket: one JSON object per line, version 1.

A client says ``snapshot`` (answered once), ``subscribe`` (a snapshot, then everything as it
happens) or ``request`` (an action, answered with the same ``id``). The server says
``snapshot``, ``sample``, ``link``, ``inverter``, ``event``, ``config``, ``answer`` and, when it did not
understand, ``error``.
Every object carries ``v`` and ``type``; unknown keys are ignored, so both sides may grow, and may be of
different versions while an update goes on. What the server says without a question has a form here.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from jk_bms.called import poller
from jk_bms.errors import LiveError, SourceError, Verdict
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import NOTHING, EventTold, InvertersTold, LinkNow, Snapshot

VERSION = 1
MAX_LINE = 1 << 20  # bytes of what the server says; the largest snapshot of 16 packs is well below 100 kB
LONGEST_REQUEST = 1 << 14  # bytes of what a client says
REQUEST_TTL = 30.0  # s; an older request is not carried out any more
LONGEST_TTL = 86400.0  # s
LONGEST_ID = 100  # characters


class SampleTold(msgspec.Struct, frozen=True, kw_only=True):
    """A battery gave a reading."""

    address: str = ""
    reading: Reading = NOTHING


class LinkTold(msgspec.Struct, frozen=True, kw_only=True):
    """The way to a battery is in another state, or cannot be used for another reason."""

    address: str = ""
    link: LinkNow = LinkNow()


class ConfigTold(msgspec.Struct, frozen=True, kw_only=True):
    """A setting is another one from now on; secrets are masked."""

    key: str = ""
    old: str = ""
    new: str = ""
    source: str = ""  # where it stands now
    by: str = ""  # who changed it


class Lost(msgspec.Struct, frozen=True):
    """No service answers: said by a client to itself, once for the whole outage."""

    error: str


Told = Snapshot | SampleTold | LinkTold | InvertersTold | EventTold | ConfigTold
FORMS: Mapping[str, type[Told]] = MappingProxyType(
    {
        "snapshot": Snapshot,
        "sample": SampleTold,
        "link": LinkTold,
        "inverter": InvertersTold,
        "event": EventTold,
        "config": ConfigTold,
    }
)
_TYPES = {form: name for name, form in FORMS.items()}


def told_line(told: Told) -> bytes:
    """Return what the server says as a message, with its newline."""
    head = msgspec.json.encode({"v": VERSION, "type": _TYPES[type(told)]})
    body = msgspec.json.encode(told)
    return head + b"\n" if body == b"{}" else head[:-1] + b"," + body[1:] + b"\n"


def told_in(message: dict[str, Any]) -> Told | None:
    """Return what the server says in a message; None: something that this version does not know.

    Raises ValueError for a message of a known type in which something has another form.
    """
    form = FORMS.get(message["type"])
    return None if form is None else msgspec.convert(message, form)


def line(message: str, /, **fields: Any) -> bytes:
    """Return one message of that type, with its newline."""
    return msgspec.json.encode({"v": VERSION, "type": message, **fields}) + b"\n"


def parse(raw: bytes) -> dict[str, Any]:
    """Return the message in one line. Raises ValueError saying what is wrong with it."""
    try:
        message = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a JSON object: {error}") from error
    if not isinstance(message, dict):
        raise ValueError(f"expected a JSON object, got {type(message).__name__}")
    if message.get("v") != VERSION:
        raise ValueError(f"version {message.get('v')!r} is not understood; this program speaks {VERSION}")
    if not isinstance(message.get("type"), str):
        raise ValueError("a message needs a type")
    return message


def number(message: Mapping[str, Any], key: str, default: float, *, low: float, high: float) -> float:
    """Return the number under ``key``. Raises LiveError when there is anything else, or it is out of range."""
    value = message.get(key, default)
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    said = f"{value:g}" if isinstance(value, float) else repr(value)
    raise LiveError(f"{key} is {said[:30]}{'...' if said[30:] else ''}; expected {low:g} to {high:g}")


# What both clients say of a service that they cannot ask


def unreachable(path: Path, error: OSError) -> LiveError:
    """Return what to raise when the socket at ``path`` cannot be connected."""
    if isinstance(error, PermissionError):
        return LiveError(
            f"{path}: no permission to ask the running service; join its group "
            "(usually: sudo usermod -aG easun-jkbms $USER, then log in again)"
        )
    why = error.strerror or error or "timed out"
    return LiveError(f"{path}: no service listens there ({why}); start it with: {poller('start')}")


def received(path: Path, raw: bytes) -> dict[str, Any]:
    """Return the message in one line from ``path``. Raises LiveError."""
    if not raw.endswith(b"\n"):
        raise LiveError(f"{path}: the service went away")
    try:
        return parse(raw)
    except ValueError as error:
        raise LiveError(f"{path}: {error}") from error


def understood(path: Path, message: dict[str, Any]) -> Told | None:
    """Return what the server at ``path`` says in a message, as ``told_in``. Raises LiveError."""
    try:
        return told_in(message)
    except ValueError as error:
        raise LiveError(
            f"{path}: the service says {message['type']} in a form that this program does not know: {error}; "
            "expected one of its own version"
        ) from error


def snapshot_in(path: Path, message: dict[str, Any]) -> Snapshot:
    """Return the snapshot in the answer to that question. Raises LiveError."""
    told = understood(path, message)
    assert isinstance(told, Snapshot)
    return told


def result(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a request brought. Raises SourceError when it was tried and failed, LiveError when refused."""
    if answer.get("ok"):
        brought = answer.get("result")
        if isinstance(brought, dict):
            return brought
        raise LiveError("the service answers in a form that this program does not know; restart both")
    text, verdict = str(answer.get("error")), answer.get("verdict")
    if verdict in list(Verdict):  # a newer service may know more of them
        raise SourceError(text, Verdict(verdict))
    raise LiveError(f"the service refused: {text}")
