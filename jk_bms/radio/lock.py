"""Keep two programs from fighting over one radio: pollers, and the tool while it connects by itself.

The lock is a name in the kernel's abstract socket space: it needs no folder that both can
write, spans users and containers on the host network, and vanishes with its holder, so
nothing stale is ever left behind. Any user of the machine can take such a name; so the holder
listens on it, the kernel says who that is, and only who may use the radio anyway is believed.
"""

import contextlib
import grp
import hashlib
import logging
import os
import pwd
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jk_bms.errors import SourceError, Verdict

log = logging.getLogger(__name__)

PATIENCE = 15.0  # s to wait for it: the tool has the radio for a moment only
ASK_AGAIN = 0.25  # s between two attempts
PLACES = 16  # names, so that one that is taken by who may not have it is passed over
JUST_BOUND = 0.02  # s in which a program that took a name also listens on it

# Members may use the radio, or become root anyway.
GROUPS = ("bluetooth", "easun-jkbms", "sudo", "wheel", "admin")

SUBUIDS = Path("/etc/subuid")  # "user:first:count": users that are of a container of that user
ENGINES = ("dockremap", "containers")  # names in it for the containers that root starts

_SO_PEERGROUPS = 59  # of Linux; Python has no name for it
_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid


class Peer(NamedTuple):
    """A process at the other end of a socket, as the kernel tells it."""

    pid: int  # 0: of another container
    uid: int
    groups: frozenset[int]

    def __str__(self) -> str:
        try:
            user = f"user {pwd.getpwuid(self.uid).pw_name}"
        except KeyError:
            user = f"user {self.uid}"
        if not self.pid:
            return f"{user}, in another container"
        with contextlib.suppress(OSError):  # of another user, where the system hides it
            name = Path(f"/proc/{self.pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{user}, process {self.pid} {name!r}"
        return f"{user}, process {self.pid}"


class RadioLock:
    """Holds the radio of this machine from ``acquire`` to ``release``, or to the process's end."""

    def __init__(self) -> None:
        # One lock for each Bluetooth stack: a private bus is another stack.
        bus = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "")
        suffix = hashlib.sha256(bus.encode()).hexdigest()[:12] if bus else "system"
        self.name = f"easun-jkbms/radio/{suffix}"
        self._socket: socket.socket | None = None
        self._held = False
        self._told: set[str] = set()  # who was named as holding a place without a right to it

    def acquire(self) -> None:
        """Take the lock. Raises SourceError (``BUSY``) when another program has it."""
        if self._held or not sys.platform.startswith("linux"):
            return  # ours already; or no abstract names, and only the tool runs
        places = [self.name, *(f"{self.name}/{number}" for number in range(1, PLACES))]
        for place in places:  # all of them: the holder may have passed over some that are free by now
            self._refuse_holder(place)
        for place in places:
            if self._take(place):
                return
        log.error("the lock of the Bluetooth radio is kept from us by those named; going on without it")
        self._held = True

    def _refuse_holder(self, place: str) -> bool:
        """Raise SourceError (``BUSY``) when who holds ``place`` is to be believed; return whether it answers."""
        holder = _holder(place)
        if holder is not None and may_use_radio(holder):
            raise SourceError(
                "another poller already uses the Bluetooth radio of this machine, or jk-util.py does "
                f"({holder}); stop it first (systemctl stop easun-jkbms, docker compose stop jkbms)",
                Verdict.BUSY,
            )
        if holder is not None:
            self._name_culprit(str(holder))
        return holder is not None

    def _take(self, place: str) -> bool:
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            taken.bind(f"\0{place}")
        except OSError:
            taken.close()
            # Another process was faster, and perhaps has yet to listen.
            if not self._refuse_holder(place):
                time.sleep(JUST_BOUND)
                if not self._refuse_holder(place):
                    self._name_culprit("a process that does not answer")
            return False
        taken.listen()
        self._socket, self._held = taken, True
        threading.Thread(target=_answer, args=(taken,), name="radio lock", daemon=True).start()
        return True

    def _name_culprit(self, who: str) -> None:
        if who not in self._told:
            self._told.add(who)
            log.warning("%s: holds the name of the radio lock, but may not use the radio: passed over", who)

    def attempts(self, patience: float) -> Iterator[bool]:
        """Try until the lock is ours; between two attempts the caller waits for ASK_AGAIN s.

        Yields True before the first wait, then False. Raises SourceError (``BUSY``) after ``patience`` s.
        """
        deadline, first = time.monotonic() + patience, True
        while True:
            try:
                self.acquire()
                return
            except SourceError:
                if time.monotonic() >= deadline:
                    raise
            yield first
            first = False

    def release(self) -> None:
        """Give the lock back."""
        self._held = False
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # ends the waiting of the thread
            self._socket.close()
            self._socket = None


def may_use_radio(peer: Peer) -> bool:
    """Whether ``peer`` can be a poller or the tool: root, our own user, or one whom the radio is open to.

    A user whom this system does not know is of a container, or of the host of ours: believed, unless the
    system gave that number to one of its users who may not; he can take it at will.
    """
    if peer.uid in (0, os.geteuid()):
        return True
    try:
        pwd.getpwuid(peer.uid)
    except KeyError:
        owners = list(_owners(peer.uid))
        return not owners or any(map(_has_rights, owners))
    return bool(peer.groups & _trusted_groups())


def _owners(uid: int) -> Iterator[str]:
    """Who may use the number ``uid`` in containers of his own, by name or number, as this system says."""
    with contextlib.suppress(OSError):
        for line in SUBUIDS.read_text(encoding="utf-8", errors="replace").splitlines():
            owner, _, numbers = line.partition(":")
            with contextlib.suppress(ValueError):  # a broken line
                first, count = map(int, numbers.split(":"))
                if first <= uid < first + count:
                    yield owner


def _has_rights(owner: str) -> bool:
    """Whether that user may use the radio himself, or stands for the containers of root."""
    if owner in ENGINES:
        return True
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        user = pwd.getpwuid(int(owner)) if owner.isdecimal() else pwd.getpwnam(owner)
        if user.pw_uid in (0, os.geteuid()):
            return True
        return bool(_trusted_groups() & set(os.getgrouplist(user.pw_name, user.pw_gid)))
    return False


def _trusted_groups() -> set[int]:
    found = set()
    for name in GROUPS:
        with contextlib.suppress(KeyError):
            found.add(grp.getgrnam(name).gr_gid)
    return found


def _holder(place: str) -> Peer | None:
    """Who listens under the abstract name ``place``; None: no answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(f"\0{place}")
        except OSError:
            return None
        pid, uid, gid = _CREDENTIALS.unpack(
            caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        groups = {gid}
        with contextlib.suppress(OSError):  # an old kernel
            raw = caller.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)
            groups.update(struct.unpack(f"{len(raw) // 4}I", raw))
        return Peer(pid, uid, frozenset(groups))


def _answer(listening: socket.socket) -> None:
    """Take up calls, so that there is always room for the next; who calls only wants to know who we are."""
    with contextlib.suppress(OSError):  # the lock was given back
        while True:
            listening.accept()[0].close()
