"""A pack's memory: the parts hang together, and a restart changes nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.curves import DOCUMENTED
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.pack_state import PackState
from jk_bms.battery.which_cells import foreseen
from jk_bms.model import Device, Sample
from jk_bms.protocol import to_sample
from jk_bms.simulator import SimulatedBms

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEVICE = Device(address="AA:BB:CC:DD:EE:FF")


def pack(boot: str = "one", *, confirmed: bool = False, nominal_ah: float = 280.0) -> PackState:
    return PackState(
        CHEMISTRIES["lfp"],
        nominal_ah=nominal_ah,
        boot=boot,
        zone=UTC,
        curve=DOCUMENTED,
        confirmed=lambda: confirmed,
    )


def after_boot(of: PackState, boot: str, *, confirmed: bool) -> PackState:
    """The same memory in a machine that was started again."""
    again = pack(boot, confirmed=confirmed)
    again.restore(*json.loads(json.dumps([of.state(), of.learnt()])))
    again.resumed()
    return again


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


@pytest.mark.parametrize("told", [-1.0, 0.0, 1e-6])
def test_what_is_no_capacity_is_not_known(told: float) -> None:
    """A full capacity of -1 Ah ended in an error of mathematics."""
    state = PackState(None, boot="one", zone=UTC, curve=DOCUMENTED)

    for sample in house_day(100):
        fed = state.feed(msgspec.structs.replace(sample, full_ah=told))

    assert fed.full_ah is None
    assert (fed.soc_counted, fed.battery_soc_source) == (None, "bms")


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

    second.restore(state, {"charge": learnt["charge"]})

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
    ("boot", "before", "now", "elapsed"),
    [
        ("one", True, True, 5.0),
        ("one", False, False, 5.0),
        ("two", True, True, 60.0),
        ("two", True, False, None),
        ("two", False, True, None),
    ],
)
def test_time_since_the_last_sample(boot: str, before: bool, now: bool, elapsed: float | None) -> None:
    """Within a boot the monotonic clock counts; over a boot the wall clock, if both times were confirmed."""
    earlier = next(house_day(1))
    first = pack("one", confirmed=before)
    first.feed(earlier)
    second = after_boot(first, boot, confirmed=now)
    at = [
        msgspec.structs.replace(earlier, taken_at=NOON + timedelta(seconds=60), monotonic=5.0),
        msgspec.structs.replace(earlier, taken_at=NOON + timedelta(seconds=65), monotonic=10.0),
    ]
    seen: list[float | None] = []
    second._soc.feed = lambda sample, elapsed: seen.append(elapsed)  # type: ignore[method-assign]

    for sample in at:
        second.feed(sample)

    assert seen == [elapsed, 5.0]


@pytest.fixture(scope="module")
def anchored() -> tuple[PackState, list[Sample]]:
    """A pack that was full, in a house with the time of the network, and its next samples."""
    bms = SimulatedBms(start=NOON - timedelta(hours=13))
    state, samples = pack(confirmed=True), []
    for n in range(2 * 8640):
        bms.advance(10.0)
        sample = to_sample(
            bms.cell_info(),
            device=DEVICE,
            taken_at=NOON - timedelta(hours=13) + timedelta(seconds=n * 10.0),
            monotonic=n * 10.0,
        )
        if n < 2 * 8640 - 30:
            state.feed(sample)
        else:
            samples.append(sample)
    return state, samples


def test_a_boot_with_the_clock_far_ahead_leaves_nothing_behind(
    anchored: tuple[PackState, list[Sample]],
) -> None:
    """Two years ahead for minutes, and nobody confirms it: no number is moved, widened or dated by it."""
    before, samples = anchored
    days = list(before.days())
    plain = after_boot(before, "three", confirmed=False)
    wrong = after_boot(before, "two", confirmed=False)
    for n, sample in enumerate(samples):
        wrong.feed(
            msgspec.structs.replace(
                sample, taken_at=sample.taken_at + timedelta(days=730), monotonic=10.0 * n
            )
        )
    right = after_boot(wrong, "three", confirmed=True)

    for n, sample in enumerate(samples):
        now = msgspec.structs.replace(
            sample, taken_at=sample.taken_at + timedelta(seconds=400), monotonic=10.0 * n
        )
        expected, got = plain.feed(now), right.feed(now)

    assert expected.soc_anchor == got.soc_anchor == "full"
    assert got.soc_counted == pytest.approx(expected.soc_counted, abs=2.0)
    assert got.soc_high is not None
    assert got.soc_low is not None
    assert expected.soc_high is not None
    assert expected.soc_low is not None
    assert got.soc_high - got.soc_low < 1.3 * (expected.soc_high - expected.soc_low)
    assert list(right.days()) == days
    assert right.report().days == pytest.approx(plain.report().days, abs=0.1)


@pytest.mark.parametrize(("confirmed_after", "narrow"), [(0.0, True), (60.0, True), (900.0, False)])
def test_the_time_may_be_confirmed_some_minutes_after_a_boot(
    anchored: tuple[PackState, list[Sample]], confirmed_after: float, narrow: bool
) -> None:
    """The first frames come before the time server: how long the machine was off is then told later."""
    before, samples = anchored
    state, learnt = json.loads(json.dumps([before.state(), before.learnt()]))
    state["soc"]["numbers"]["remaining"] -= 40.0  # it differs from us: after hours it may have been set
    clock = [0.0]
    again = PackState(
        CHEMISTRIES["lfp"],
        nominal_ah=280.0,
        boot="two",
        zone=UTC,
        curve=DOCUMENTED,
        confirmed=lambda: clock[0] >= confirmed_after,
    )
    again.restore(state, learnt)
    again.resumed()

    for n in range(120):
        clock[0] = 10.0 * n
        got = again.feed(
            msgspec.structs.replace(
                samples[0],
                remaining_ah=(samples[0].remaining_ah or 0.0) - 40.0,
                taken_at=samples[0].taken_at + timedelta(seconds=90.0 + 10.0 * n),
                monotonic=20.0 + 10.0 * n,
            )
        )

    assert got.soc_low is not None
    assert got.soc_high is not None
    assert got.soc_anchor == "full"
    assert (got.soc_high - got.soc_low < 22.0) is narrow
    assert (got.soc_high - got.soc_low > 23.0) is not narrow


def test_a_house_without_network_dates_its_days_all_the_same() -> None:
    """Its clock goes on where it was; after a longer outage it is believed when a day has shown it steady."""
    state = pack()
    first = next(house_day(1))

    def at(days: float, boot_at: float) -> list[str]:
        state.feed(
            msgspec.structs.replace(
                first, taken_at=NOON + timedelta(days=days), monotonic=86_400.0 * (days - boot_at)
            )
        )
        return list(state.days())

    assert at(0.0, 0.0) == ["2026-11-20"]
    assert at(0.9, 0.0) == at(1.1, 0.0) == ["2026-11-20", "2026-11-21"]
    state = after_boot(state, "two", confirmed=False)
    assert at(8.0, 8.0) == at(8.9, 8.0) == ["2026-11-20", "2026-11-21"]
    assert at(9.1, 8.0) == ["2026-11-20", "2026-11-21", "2026-11-29"]


def test_a_state_without_a_judged_clock_is_taken_over() -> None:
    """Its last time counts as one that was believed."""
    first = pack(confirmed=True)
    first.feed(next(house_day(1)))
    state = first.state()
    del state["clock"]

    second = pack("two")
    second.restore(state, first.learnt())
    second.feed(
        msgspec.structs.replace(next(house_day(1)), taken_at=NOON + timedelta(days=730), monotonic=1.0)
    )

    assert list(second.days()) == ["2026-11-20"]


def test_a_corrected_capacity_is_told_once_and_reaches_the_health() -> None:
    """Not by a frame of the journal, whose jumps were told when it was taken."""
    first, second = pack(), pack(nominal_ah=230.0)
    before, journaled, now, later = house_day(4)
    first.feed(before)
    second.restore(first.state(), first.learnt())

    jumps = []
    for sample, boot in ((journaled, "one"), (now, None), (later, None)):
        second.feed(sample, boot)
        jumps.append(second.jump)

    assert (jumps[0], jumps[2]) == (None, None)
    assert (jumps[1] or "").startswith("capacity of 280 Ah corrected to 230 Ah: ")
    assert second.report().nominal_ah == 230.0


@pytest.mark.parametrize(
    ("ovp", "name"), [(3.65, "lfp"), (3.6, "lfp"), (4.2, "nmc"), (4.1, "nmc"), (2.8, "lto"), (None, "lfp")]
)
def test_the_kind_of_cells_by_their_protection(ovp: float | None, name: str) -> None:
    assert foreseen(None, PackLimits(cell_ovp=ovp)).name == name


def test_foreign_state_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        pack().restore({"version": 99}, {})
