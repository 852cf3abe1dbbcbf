"""The lock of the radio: one holder, whoever else takes its names."""

import grp
import os
import pwd
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms.errors import SourceError
from jk_bms.radio import lock as module
from jk_bms.radio.lock import PLACES, Peer, RadioLock, may_use_radio


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[RadioLock]:
    """That of a bus that nobody else has."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path=/nowhere/{os.getpid()}/{threading.get_ident()}")
    made = RadioLock()
    yield made
    made.release()


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is to be believed."""
    monkeypatch.setattr(module, "may_use_radio", lambda _: False)


def squatter(name: str, *, listens: bool) -> socket.socket:
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    taken.bind(f"\0{name}")
    if listens:
        taken.listen()
    return taken


def test_one_holder_at_a_time(lock: RadioLock) -> None:
    """However often others ask; and it is free the moment it is given back."""
    other = RadioLock()
    lock.acquire()
    lock.acquire()  # ours already
    for _ in range(300):  # more than a queue of calls holds
        with pytest.raises(SourceError, match=rf"another poller .*process {os.getpid()}"):
            other.acquire()
    lock.release()

    other.acquire()
    with pytest.raises(SourceError, match="jk-util"):
        lock.acquire()
    other.release()
    lock.acquire()


@pytest.mark.parametrize("listens", [True, False], ids=["listens", "only binds"])
def test_a_name_that_a_stranger_took_stops_nobody(
    lock: RadioLock, listens: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is passed over and named; two pollers keep out of each other's way all the same."""
    taken = squatter(lock.name, listens=listens)
    with monkeypatch.context() as patched:
        patched.setattr(module, "may_use_radio", lambda _: False)
        lock.acquire()

    [warning] = [record.getMessage() for record in caplog.records]
    assert "holds the name of the radio lock, but may not use the radio" in warning
    assert not listens or f"process {os.getpid()}" in warning
    taken.close()  # the first name is free again, but the holder is elsewhere
    with pytest.raises(SourceError, match="another poller"):
        RadioLock().acquire()


def test_all_names_taken_by_strangers_stop_nobody(
    lock: RadioLock, strangers: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A house without a monitor is worse than two programs that may meet on one radio."""
    taken = [squatter(lock.name + (f"/{n}" if n else ""), listens=bool(n % 2)) for n in range(PLACES)]

    lock.acquire()

    assert "going on without it" in caplog.text
    for one in taken:
        one.close()


def test_the_kernel_says_who_it_is(lock: RadioLock) -> None:
    lock.acquire()

    assert module._holder(lock.name) == Peer(
        os.getpid(), os.geteuid(), frozenset({os.getegid(), *os.getgroups()})
    )


STRANGER = next(user for user in pwd.getpwall() if user.pw_uid not in (0, os.geteuid()))
UNKNOWN = next(uid for uid in range(60_000, 60_999) if uid not in {user.pw_uid for user in pwd.getpwall()})
NOWHERE = frozenset({4_000_000})


@pytest.mark.parametrize(
    ("uid", "believed"),
    [(0, True), (os.geteuid(), True), (UNKNOWN, True), (STRANGER.pw_uid, False)],
    ids=["root", "ourselves", "of a container", "any user"],
)
def test_who_is_believed(uid: int, believed: bool) -> None:
    assert may_use_radio(Peer(1, uid, NOWHERE)) is believed


def test_who_is_in_a_group_of_the_radio_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = grp.getgrall()[-1]
    monkeypatch.setattr(module, "GROUPS", ("no such group", known.gr_name))

    assert may_use_radio(Peer(1, STRANGER.pw_uid, frozenset({known.gr_gid})))
    assert not may_use_radio(Peer(1, STRANGER.pw_uid, NOWHERE))


@pytest.mark.parametrize(
    ("lines", "believed"),
    [
        ("{stranger}:{uid}:65536", False),
        ("{number}:{uid}:65536", False),
        ("nobody we know:{uid}:1", False),
        ("root:{uid}:65536", True),
        ("dockremap:{uid}:65536", True),
        ("{stranger}:0:{uid}", True),  # ends before it
        ("{stranger}:{uid}", True),  # says nothing
        ("{stranger}:{uid}:65536\nroot:{uid}:65536", True),
    ],
)
def test_a_user_of_a_container_is_who_may_start_it(
    lines: str, believed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subuids = tmp_path / "subuid"
    subuids.write_text(lines.format(stranger=STRANGER.pw_name, number=STRANGER.pw_uid, uid=UNKNOWN))
    monkeypatch.setattr(module, "SUBUIDS", subuids)
    monkeypatch.setattr(module, "GROUPS", ())

    assert may_use_radio(Peer(1, UNKNOWN, NOWHERE)) is believed


def test_a_container_of_who_may_use_the_radio_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subuids = tmp_path / "subuid"
    subuids.write_text(f"{STRANGER.pw_name}:{UNKNOWN}:65536\n")
    monkeypatch.setattr(module, "SUBUIDS", subuids)
    monkeypatch.setattr(module, "GROUPS", (grp.getgrgid(STRANGER.pw_gid).gr_name,))

    assert may_use_radio(Peer(1, UNKNOWN, NOWHERE))


def test_a_culprit_has_a_name() -> None:
    assert str(Peer(os.getpid(), STRANGER.pw_uid, NOWHERE)).startswith(
        f"user {STRANGER.pw_name}, process {os.getpid()} "
    )
    assert str(Peer(0, UNKNOWN, NOWHERE)) == f"user {UNKNOWN}, in another container"
