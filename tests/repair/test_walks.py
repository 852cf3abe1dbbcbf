"""Random lives of two devices on one adapter: whatever happens, the machine keeps its promises."""

import random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.errors import Verdict
from jk_bms.model.link import LinkState
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import JITTER, LONGEST_PAUSE, Do, LinkMachine, Trouble
from jk_bms.repair.shared import SharedRepair
from tests.scale import scaled

BOUND = 900.0  # s in which a working radio leads back to streaming
SLOW = {Verdict.NOT_SEEN: 20.0, Verdict.ADAPTER_WEDGED: 20.0, Verdict.CONNECT_FAILED: 20.0}
DEVICES = ("one", "two")
TROUBLES = [verdict for verdict in Verdict if verdict is not Verdict.RELEASED]


class Happens(NamedTuple):
    """For so long the radio of a device gives this; None: it works."""

    device: str
    verdict: Verdict | None
    lasts: float  # s
    release: float  # s for which it is released at the beginning; 0: it is not


HAPPENINGS = st.builds(
    Happens,
    st.sampled_from(DEVICES),
    st.none() | st.sampled_from(TROUBLES),
    st.floats(1.0, 3000.0),
    st.sampled_from([0.0, 0.0, 0.0, 30.0, 600.0]),
)


class Life:
    """Drives both machines second by second, as the source would, and watches them."""

    def __init__(self, seed: int) -> None:
        self.now = 50.0
        self.house = SharedRepair(self.now, may_restart=True)
        self.machines = {name: LinkMachine(self.now, rng=random.Random(seed)) for name in DEVICES}
        for name, machine in self.machines.items():
            self.house.join(name, machine)
            self.house.reached_by(name, "hci0")
        self.radio: dict[str, Verdict | None] = dict.fromkeys(DEVICES)
        self.busy_until = dict.fromkeys(DEVICES, 0.0)
        self.repairing: dict[str, Rung] = {}
        self.forgotten: list[str] = []

    def second(self) -> None:
        for name in DEVICES:
            self.step(name, self.machines[name])
        self.now += 1.0

    def step(self, name: str, machine: LinkMachine) -> None:
        now, wrong = self.now, self.radio[name]
        if now < self.busy_until[name]:
            return
        if name in self.repairing:
            repaired = self.repairing.pop(name)
            self.house.ends(name, repaired, worked=True)
            machine.repaired(repaired, now, worked=True)
        if machine.state is LinkState.CONNECTING:
            if wrong is None or wrong is Verdict.MUTE:
                machine.connected(now)
                machine.commanded(now)
            else:
                machine.lost(Trouble(wrong, ""), now)
        elif machine.state in (LinkState.IDENTIFYING, LinkState.STREAMING, LinkState.SILENT):
            if wrong is None:
                machine.frame(now)
            elif wrong in (Verdict.MUTE, Verdict.FROZEN, Verdict.FRAMES_REFUSED):
                rung = machine.quiet(Trouble(wrong, ""), now)
                assert rung in (None, Rung.ASK, Rung.RECONNECT)
                if rung is Rung.ASK:
                    machine.commanded(now)
                elif rung is Rung.RECONNECT:
                    machine.lost(Trouble(wrong, ""), now)
            else:
                machine.lost(Trouble(Verdict.DROPPED, ""), now)
        else:
            self.obey(name, machine)

    def obey(self, name: str, machine: LinkMachine) -> None:
        now = self.now
        order = machine.next(now, self.house.around(name, now))
        if order.do is Do.CONNECT:
            machine.connecting(now)
            self.busy_until[name] = now + SLOW.get(self.radio[name] or Verdict.MUTE, 1.0)
        elif order.do is Do.REPAIR:
            self.watch_repair(name, machine, order.rung)
            self.house.begins(name, order.rung, now)
            self.repairing[name] = order.rung
            self.busy_until[name] = now + 5.0
        elif order.do is Do.WAIT:
            assert order.until > now
            assert machine.failures == 0 or order.until - now <= 5 * LONGEST_PAUSE * (1 + JITTER)

    def watch_repair(self, name: str, machine: LinkMachine, rung: Rung) -> None:
        assert not self.repairing, "two repairs at once"
        assert machine.released_until is None or machine.released_until <= self.now, "it is released"
        others = [each for other, each in self.machines.items() if other != name]
        if rung >= Rung.POWER_CYCLE:
            assert all(other.state is not LinkState.STREAMING for other in others), "another is cut off"
        if rung is Rung.FORGET:
            assert name not in self.forgotten, "forgotten twice in one boot"
            self.forgotten.append(name)

    def live(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.second()

    def all_stream(self) -> bool:
        return all(machine.state is LinkState.STREAMING for machine in self.machines.values())


@settings(max_examples=scaled(400, 20))
@given(st.lists(HAPPENINGS, max_size=6), st.integers(0, 1000))
def test_a_working_radio_leads_back_to_streaming(happenings: list[Happens], seed: int) -> None:
    """From wherever it stands, within a bounded time, and with a clean record in the end."""
    life = Life(seed)
    for device, verdict, lasts, release in happenings:
        life.radio[device] = verdict
        if release:
            life.machines[device].release(life.now + release, life.now)
        life.live(lasts)
    life.radio = dict.fromkeys(DEVICES)
    for machine in life.machines.values():
        machine.resume(life.now)

    for _ in range(int(BOUND)):
        life.second()
        if life.all_stream():
            break
    assert life.all_stream()

    life.live(40)
    for machine in life.machines.values():
        assert machine.failures == 0
        assert machine.rung is Rung.NONE
        assert machine.outage is None
        assert all(outage.ended is not None for outage in machine.over)
