"""The exception tree, sorted by what the caller should do about it.

``ConfigError``: a person must change something. ``SourceError``: try again later.
``ProtocolError``: these bytes are refused, the next may be good. ``StoreError``: the
database cannot be used now. Anything else is a bug and ends the task that met it.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

LONGEST = 2000  # characters of one line of a message


class Verdict(StrEnum):
    """Why there is no data from a device, as far as we can tell."""

    NO_ADAPTER = "no_adapter"
    ADAPTER_OFF = "adapter_off"
    ADAPTER_BLOCKED = "adapter_blocked"  # by rfkill: a switch, flight mode
    ADAPTER_WEDGED = "adapter_wedged"  # it is on, and hears nothing of any kind
    NO_PERMISSION = "no_permission"
    SERVICE_DOWN = "service_down"  # bluetoothd or the D-Bus daemon is not there
    NOT_SEEN = "not_seen"  # not in the scan: phone connected, off, out of range look alike
    WEAK_SIGNAL = "weak_signal"  # seen, but too faint to be connected to
    CONNECT_FAILED = "connect_failed"
    PAIRING_NEEDED = "pairing_needed"
    PAIRING_REFUSED = "pairing_refused"  # wrong passkey, or a device that does not pair
    STALE_CACHE = "stale_cache"  # what the Bluetooth service remembers of it is no longer true
    DROPPED = "dropped"  # the link was there and went away
    NOT_A_BMS = "not_a_bms"  # connected, but no JK characteristics or answers
    MUTE = "mute"  # connected, asked, no frame came
    FROZEN = "frozen"  # the very same frame again and again
    FRAMES_REFUSED = "frames_refused"  # frames came, none could be trusted
    BUSY = "busy"  # another poller or program uses the radio
    INTERNAL_ERROR = "internal_error"  # a fault of this program
    RELEASED = "released"  # left alone on request


def reason(error: OSError) -> str:
    """Return why the system refused something, as a part of a sentence: ``no space left on device``."""
    return (error.strerror or str(error)).lower()


def _told(message: str) -> str:
    from jk_bms.model.foreign_text import harmless  # where something is wrong: --help loads no library for it

    return harmless(message, LONGEST)


class JkBmsError(Exception):
    """Base of all errors that this program raises on purpose.

    A message is one harmless line, whatever text of others is in it.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_told(message))


class ConfigError(JkBmsError):
    """The configuration is wrong; ``faults`` holds one line for each fault."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        given = (faults,) if isinstance(faults, str) else faults
        self.faults: tuple[str, ...] = tuple(map(_told, given))
        super().__init__()
        self.args = ("\n".join(self.faults),)


class ProtocolError(JkBmsError):
    """A frame that must not be decoded; the message says which check it failed."""


class SourceError(JkBmsError):
    """A device gave no data; worth another try. ``verdict`` says why.

    ``evidence``: what was seen besides, under the names of ``repair.causes.Evidence``.
    """

    def __init__(self, message: str, verdict: Verdict, evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.evidence: Mapping[str, object] = evidence or {}


class LinkError(SourceError):
    """The radio, or what stands between it and us, failed."""


class StoreError(JkBmsError):
    """A database or file cannot be used at the moment; the message names it."""


class LiveError(JkBmsError):
    """The running service cannot be asked, or refused the request."""
