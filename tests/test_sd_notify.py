"""What systemd hears from us, and that nobody listening does no harm."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms.live.sd_notify import Notifier
from jk_bms.poller.upkeep import longer_start


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket and its NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        if request.param == "path":
            name = str(tmp_path / "n")
            listener.bind(name)
        else:
            name = f"@easun-jkbms-test-{os.getpid()}"
            listener.bind("\0" + name[1:])
        listener.settimeout(5)
        yield listener, name


def test_messages(manager: tuple[socket.socket, str]) -> None:
    """Each call is one datagram in systemd's words."""
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})

    notifier.still_starting(90.0)
    notifier.ready()
    notifier.status("52.6 V,\n 18.5°C\nREADY=1")
    notifier.watchdog()
    notifier.stopping()

    got = [listener.recv(1000).decode() for _ in range(5)]
    assert got == [
        "EXTEND_TIMEOUT_USEC=90000000",
        "READY=1",
        "STATUS=52.6 V, 18.5°C READY=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_no_watchdog_ping_unless_asked(manager: tuple[socket.socket, str]) -> None:
    """Without WATCHDOG_USEC only what was asked for is sent."""
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})

    notifier.watchdog()
    notifier.stopping()

    assert listener.recv(1000) == b"STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_silent_without_a_manager(environ: dict[str, str]) -> None:
    """No socket, or a dead one: no error."""
    notifier = Notifier(environ)

    notifier.ready()
    notifier.status("well")
    notifier.stopping()

    assert notifier.watchdog_period is None


PERIODS = {
    "for us": ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
    "for whoever": ({"WATCHDOG_USEC": "1500000"}, 1.5),
    "for another": ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    "off": ({"WATCHDOG_USEC": "0"}, None),
    "nonsense": ({"WATCHDOG_USEC": "soon"}, None),
}


@pytest.mark.parametrize(("environ", "period"), PERIODS.values(), ids=PERIODS)
def test_watchdog_period(environ: dict[str, str], period: float | None) -> None:
    """Seconds, and only when this process is the one that is watched."""
    assert Notifier(environ).watchdog_period == period


@pytest.mark.parametrize(("times", "asked"), [(3, 3), (1, 1)])
async def test_a_start_that_takes_long_is_waited_for_but_not_for_ever(
    manager: tuple[socket.socket, str], times: int, asked: int
) -> None:
    """As the first one after an update, which copies the database before it changes it."""
    listener, name = manager
    with longer_start(Notifier({"NOTIFY_SOCKET": name}), every=0.001, times=times):
        got = [await asyncio.to_thread(listener.recv, 1000) for _ in range(asked)]
        await asyncio.sleep(0.01)

    assert got == [b"EXTEND_TIMEOUT_USEC=3000"] * asked
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(1000)


async def test_when_it_has_started_no_more_time_is_asked_for(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    with longer_start(Notifier({"NOTIFY_SOCKET": name}), every=0.005):
        pass
    await asyncio.sleep(0.02)

    assert listener.recv(1000) == b"EXTEND_TIMEOUT_USEC=15000"
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(1000)
