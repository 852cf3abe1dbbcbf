"""Borrowing batteries from the running service, which holds their only connection, and the radio."""

import contextlib
import time
from collections.abc import Iterator

from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, SourceError
from jk_bms.live.client import LiveClient
from jk_bms.radio.lock import ASK_AGAIN, PATIENCE, RadioLock
from jk_bms.tool.output import note

BORROWED = 300.0  # s for which the service leaves a device alone, should we die


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[LiveClient | None]:
    """Give the running service; None when there is none."""
    try:
        client = LiveClient(settings.socket_path)
    except LiveError:
        yield None
        return
    with client:
        yield client


def held_by(service: LiveClient | None, entries: list[Entry]) -> list[Entry]:
    """Those that the service reads; the others are free."""
    if service is None:
        return []
    devices = service.snapshot().devices
    known = {(text or "").casefold() for device in devices for text in (device.address, device.name)}
    return [entry for entry in entries if (entry.address or entry.name or "").casefold() in known]


@contextlib.contextmanager
def borrowed(service: LiveClient | None, entries: list[Entry]) -> Iterator[None]:
    """Have the service let go of the devices, and give them back."""
    if service is None or not entries:
        yield
        return
    try:
        borrow(service, entries)
        note("The running service let go of the device.")
        yield
    finally:
        try:
            for entry in entries:
                service.request("resume", device=entry.address or entry.name)
            note("The running service has the device again.")
        except LiveError as error:  # must not hide what happened meanwhile
            note(f"The running service could not be given the device back: {error}")


def borrow(service: LiveClient, entries: list[Entry]) -> None:
    """Have the service let go of the devices for ``BORROWED`` seconds. Raises LiveError."""
    for entry in entries:
        service.request("release", device=entry.address or entry.name, seconds=BORROWED)


@contextlib.contextmanager
def radio(service: LiveClient | None, *, patience: float = PATIENCE) -> Iterator[None]:
    """Have the radio of this machine: to ourselves, or that of the service, which lends it.

    A service that starts meanwhile waits for us: it would take our connection for one that a killed
    program left behind, and end it. Raises SourceError (``BUSY``) when a program that cannot be
    asked keeps the radio for ``patience`` seconds.
    """
    lock = RadioLock()
    try:
        for first in lock.attempts(patience if service is None else 0.0):
            if first:
                note(f"Another program uses the Bluetooth radio; waiting up to {patience:g} s ...")
            time.sleep(ASK_AGAIN)
    except SourceError:
        if service is None:
            raise
    try:
        yield
    finally:
        lock.release()
