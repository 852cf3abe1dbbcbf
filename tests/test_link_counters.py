"""The counters of a link go on over restarts, and cost no writing while nothing changes."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jk_bms.model import Device
from jk_bms.model.link import LinkStatus
from jk_bms.poller.link_counters import PERIOD, PREFIX, LinkCounters
from jk_bms.repair.machine import LinkMachine
from jk_bms.repair.shared import SharedRepair
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.states import read_states, write_states
from tests.sources.scripted import StillClock

PACK = Device(address="AA", name="shed")
HOUR = 3600.0


class Run:
    """One run with one link. ``now`` of its machine is not the time since boot: a suspended machine's is not."""

    def __init__(self, own: BmsDb, clock: StillClock, boot: str = "boot-1", now: float = 500.0) -> None:
        self.now = now
        self.writes = 0
        self.clock = clock
        self.machine = LinkMachine(now)
        self.status = LinkStatus()
        house = SharedRepair(now)
        house.join(PACK.address, self.machine)

        def write(change: Callable[[BmsDb], object]) -> None:
            self.writes += 1
            change(own)

        source: Any = SimpleNamespace(device=PACK, status=self.status)
        self.counters = LinkCounters(house, clock, boot, write, lambda: self.now)
        self.counters.open(own, [source])

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.clock.boot += seconds
        self.clock.wall += timedelta(seconds=seconds)

    def command(self, count: int) -> None:
        for _ in range(count):
            self.machine.commanded(self.now)
        self.status.commands += count


def test_counted_on_after_a_restart(tmp_path: Path) -> None:
    clock = StillClock()
    with open_writer(tmp_path / "bms.db", clock) as own:
        run = Run(own, clock)
        run.machine.connected(run.now)
        run.machine.seen(-71, run.now)
        run.command(3)
        run.status.refused, run.status.discarded = 4, 120
        run.counters.keep(at_once=True)
        run.wait(HOUR)

        again = Run(own, clock, now=run.now)
        assert again.status.connects == 1
        assert (again.status.refused, again.status.discarded, again.status.commands) == (4, 120, 3)
        assert (again.status.commands_day, again.status.rssi) == (3, -71)
        assert run.now - again.machine.signals[-1].at == pytest.approx(HOUR, abs=1.0)
        again.machine.connected(again.now)
        again.counters.keep(at_once=True)

        assert Run(own, clock, now=run.now).status.connects == 2


@pytest.mark.parametrize("minutes", [0, 1, 29, 31, 59])
def test_a_restart_loses_no_command_of_this_hour(tmp_path: Path, minutes: int) -> None:
    """At whatever minute of it: the hour that is not over yet counts too."""
    clock = StillClock()
    with open_writer(tmp_path / "bms.db", clock) as own:
        run = Run(own, clock, now=7 * HOUR + 60.0 * minutes)
        run.command(3)
        run.counters.keep(at_once=True)

        for _ in range(3):
            run.wait(5.0)
            again = Run(own, clock, now=run.now)
            assert again.status.commands_day == 3
            again.counters.keep(at_once=True)


@pytest.mark.parametrize(
    ("away", "trusted", "day"), [(2 * HOUR, True, 3), (25 * HOUR, True, 0), (2 * HOUR, False, 0)]
)
def test_commands_of_the_last_day_over_a_boot(tmp_path: Path, away: float, trusted: bool, day: int) -> None:
    """As far as it is known how long ago they were; the sum of all is known in any case."""
    clock = StillClock()
    with open_writer(tmp_path / "bms.db", clock) as own:
        run = Run(own, clock)
        run.command(3)
        run.counters.keep(at_once=True)
        run.wait(away)
        clock.boot = 30.0
        if not trusted:
            clock.wall = clock.wall.replace(year=1970)

        again = Run(own, clock, "boot-2", now=30.0)

        assert (again.status.commands, again.status.commands_day) == (3, day)


def test_what_does_not_change_is_not_written(tmp_path: Path) -> None:
    """Frames alone cost nothing, nor do hours; a change waits for its minute."""
    clock = StillClock()
    with open_writer(tmp_path / "bms.db", clock) as own:
        run = Run(own, clock)
        run.command(1)
        run.counters.keep()
        assert run.writes == 0
        run.wait(PERIOD)
        run.counters.keep()
        assert run.writes == 1

        for _ in range(600):
            run.wait(PERIOD)
            run.machine.frame(run.now)
            run.status.frames += 120
            run.counters.keep()
        assert run.writes == 1

        run.status.refused += 1
        run.counters.keep()
        assert run.writes == 1
        run.wait(PERIOD)
        run.counters.keep()
        assert run.writes == 2


def test_a_state_of_no_use_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = StillClock()
    with open_writer(tmp_path / "bms.db", clock) as own:
        write_states(own, {f"{PREFIX}AA": {"boot": "boot-1"}})
        run = Run(own, clock)
        run.counters.keep(at_once=True)

        assert "AA: what was counted of its link is of no use" in caplog.text
        assert read_states(own, PREFIX)[f"{PREFIX}AA"]["connects"] == 0
