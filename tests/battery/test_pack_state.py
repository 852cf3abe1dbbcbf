"""A pack's memory: the parts hang together, and a restart changes nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.curves import DOCUMENTED
from jk_bms.battery.pack_state import PackState, likely_chemistry
from jk_bms.model import Device, Sample
from jk_bms.protocol import to_sample
from jk_bms.simulator import SimulatedBms

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEVICE = Device(address="AA:BB:CC:DD:EE:FF")


def pack(boot: str = "one") -> PackState:
    return PackState(CHEMISTRIES["lfp"], nominal_ah=280.0, boot=boot, zone=UTC, curve=DOCUMENTED)


def house_day(count: int = 2000, step: float = 5.0) -> Iterator[Sample]:
    """Samples of a simulated house, ``step`` s apart."""
    bms = SimulatedBms(start=NOON)
    for n in range(count):
        bms.advance(step)
        yield to_sample(
            bms.cell_info(), device=DEVICE, taken_at=NOON + timedelta(seconds=n * step), monotonic=n * step
        )


def test_everything_is_filled_in() -> None:
    state = pack()
    fed = [state.feed(sample) for sample in house_day(400)]
    last = fed[-1]

    assert last.soc_low is not None
    assert last.soc_high is not None
    assert last.soc_counted is not None
    assert last.soc_low <= last.soc_counted <= last.soc_high
    assert last.soc_anchor is None
    assert last.battery_soc_source == "bms"  # auto: our count has no anchor yet
    assert last.discharged_kwh is not None
    assert last.discharged_kwh > 0
    assert any(sample.empty_in for sample in fed)
    assert not any(sample.empty_in and sample.full_in for sample in fed)


@pytest.mark.parametrize("cut", [1, 7, 500, 1400])
def test_restart_changes_nothing(cut: int) -> None:
    """State, through JSON, and the samples since: the same numbers as without a restart."""
    samples = list(house_day(1500))
    through = pack()
    whole = [through.feed(sample) for sample in samples]

    first = pack()
    for sample in samples[:cut]:
        first.feed(sample)
    second = pack()
    second.restore(*json.loads(json.dumps([first.state(), first.learnt()])))
    rest = [second.feed(sample) for sample in samples[cut:]]

    assert rest == whole[cut:]
    assert (second.state(), second.learnt()) == (through.state(), through.learnt())


def test_what_is_learnt_changes_seldom() -> None:
    """A minute of most hours writes nothing of it, and nothing of it needs a second place."""
    state = pack()
    changes = {"health": 0, "jumps": 0, "days": 0}
    learnt = state.learnt()
    for n, sample in enumerate(house_day()):
        state.feed(sample)
        if n % 12 == 11:
            before, learnt = learnt, state.learnt()
            for part in changes:
                changes[part] += before[part] != learnt[part]

    assert changes["health"] <= 5
    assert changes["jumps"] <= 10
    assert changes["days"] <= 1
    assert not {"weeks", "faults", "looked", "resistance"} & set(state.state()["health"])


def test_a_state_of_one_piece_is_taken_over() -> None:
    """As it was stored before what was learnt got a place of its own."""
    first, second = pack(), pack()
    for sample in house_day(600):
        first.feed(sample)
    state, learnt = json.loads(json.dumps([first.state(), first.learnt()]))
    health = state["health"]
    health["charge"] |= learnt["health"].pop("charge")
    health |= learnt["health"]
    health["resistance"] = health["resistance"] | learnt["jumps"]
    state["meters"] |= learnt["days"]

    second.restore(state, {})

    assert (second.state(), second.learnt()) == (first.state(), first.learnt())


def test_nothing_is_metered_while_nobody_measured() -> None:
    """The SoC bridges a restart; the meters do not invent what flowed meanwhile."""
    samples = list(house_day(400))
    state = pack()
    for sample in samples[:300]:
        before = state.feed(sample)
    state.resumed()
    after = state.feed(samples[303])

    assert after.discharged_ah == before.discharged_ah
    assert after.charged_ah == before.charged_ah
    assert after.soc_counted != before.soc_counted


@pytest.mark.parametrize(
    ("boot", "trusted", "elapsed"),
    [("one", True, 5.0), ("one", False, 5.0), ("two", True, 60.0), ("two", False, None)],
)
def test_time_since_the_last_sample(boot: str, trusted: bool, elapsed: float | None) -> None:
    """Within a boot the monotonic clock counts; over a boot the wall clock, if it can be believed."""
    earlier = next(house_day(1))
    first = pack("one")
    first.feed(earlier)
    second = pack(boot)
    second.restore(first.state(), first.learnt())
    later = msgspec.structs.replace(
        earlier, taken_at=NOON + timedelta(seconds=60), monotonic=5.0, clock_trusted=trusted
    )

    assert second._elapsed(later, boot) == elapsed


@pytest.mark.parametrize(
    ("ovp", "name"), [(3.65, "lfp"), (3.6, "lfp"), (4.2, "nmc"), (4.1, "nmc"), (2.8, "lto"), (None, "lfp")]
)
def test_likely_chemistry(ovp: float | None, name: str) -> None:
    assert likely_chemistry(ovp).name == name


def test_foreign_state_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        pack().restore({"version": 99}, {})
