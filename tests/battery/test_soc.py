"""Counting, anchors, gaps and what survives a restart, on samples made by hand."""

import json
import random
import struct
from base64 import b64encode
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from jk_bms.battery.chemistry import CHEMISTRIES, chemistry
from jk_bms.battery.curves import Curve
from jk_bms.battery.hypotheses import CHARGE, GAIN, IDLE, OFFSET, Belief, Hypothesis
from jk_bms.battery.limits import PackLimits
from jk_bms.battery.low_charge import soc_for_warnings
from jk_bms.battery.soc import IDLE_WRONG, MOST_AFTER, SENSOR_MOST, SocCounter, SocEstimate
from jk_bms.model import Device, Sample

NOMINAL = 100.0
LFP = chemistry("lfp")


def seen(current: float | None, volts: float = 3.30, **more: Any) -> Sample:
    values: dict[str, Any] = {
        "soc": 50.0,
        "remaining_ah": 50.0,
        "full_ah": NOMINAL,
        "temperatures": (25.0,),
    } | more
    cells = more.pop("cell_voltages", (volts,) * 4)
    return Sample(
        device=Device(address="C8:47:8C:00:00:01"),
        taken_at=datetime(2026, 6, 1, tzinfo=UTC),
        monotonic=0.0,
        current=current,
        voltage=sum(cells),
        **(values | {"cell_voltages": cells}),
    )


def counter(**more: Any) -> SocCounter:
    return SocCounter(LFP, nominal_ah=more.get("nominal_ah", NOMINAL))


def feed(to: SocCounter, sample: Sample, seconds: float, step: float = 10.0) -> list[SocEstimate]:
    found = [to.feed(sample, step) for _ in range(round(seconds / step))]
    assert all(found)
    return [each for each in found if each]


def full(to: SocCounter) -> SocEstimate:
    """Hold the pack at its target until that is an anchor."""
    to.feed(seen(1.0, 3.45), None)
    return feed(to, seen(1.0, 3.45), 300.0)[-1]


def test_no_anchor_yet_says_so_and_is_wide() -> None:
    estimate = counter().feed(seen(0.0, soc=70.0), None)

    assert estimate is not None
    assert (estimate.anchor, estimate.anchor_age, estimate.capacity_ah) == (None, None, None)
    assert estimate.high - estimate.low > 20.0
    assert estimate.low < estimate.value < estimate.high
    assert estimate.jump == "first sample: no anchor yet"


def test_voltage_outweighs_a_bms_that_cannot_be_right() -> None:
    estimate = counter().feed(seen(0.0, 3.05, soc=60.0), None)

    assert estimate is not None
    assert estimate.value < 30.0
    assert estimate.low < 15.0


def test_full_is_an_anchor_with_time_kind_and_reason() -> None:
    pack = counter()
    pack.feed(seen(1.0, 3.45), None)

    estimates = feed(pack, seen(1.0, 3.45), 600.0)

    first = next(i for i, each in enumerate(estimates) if each.anchor)
    assert 80.0 <= first * 10.0 <= 100.0  # a minute and a half at C/100
    assert (estimates[first].jump or "").startswith("full: cells at 3.450 V with 1.0 A")
    assert estimates[first].value > 98.5
    assert estimates[-1].anchor == "full"
    assert estimates[-1].anchor_age == pytest.approx(600.0 - (first + 1) * 10.0)


@pytest.mark.parametrize(
    ("current", "volts"),
    [(13.0, 3.46), (1.0, 3.38), (-3.0, 3.45)],
    ids=["above the tail", "below the target", "discharging"],
)
def test_what_is_not_full(current: float, volts: float) -> None:
    pack = counter()
    pack.feed(seen(current, volts), None)

    assert feed(pack, seen(current, volts), 1800.0)[-1].anchor is None


def test_a_larger_tail_needs_a_longer_look() -> None:
    pack = counter()
    pack.feed(seen(4.9, 3.46), None)

    estimates = feed(pack, seen(4.9, 3.46), 1000.0)

    first = next(i for i, each in enumerate(estimates) if each.anchor)
    assert 190.0 <= first * 10.0 <= 230.0


def emptied(to: SocCounter) -> SocEstimate:
    """Draw a full pack down until its cells show that it is empty."""
    full(to)
    for amps, volts, hours in ((-20.0, 3.28, 4.2), (-10.0, 3.15, 1.0), (-5.0, 3.05, 0.3), (-5.0, 2.88, 1.0)):
        last = feed(to, seen(amps, volts), hours * 3600.0)[-1]
    return last


def test_a_pack_whose_cells_show_that_it_is_empty_has_an_anchor() -> None:
    last = emptied(counter())

    assert last.anchor == "empty"
    assert last.value < 8.0
    assert last.high < 12.0


def test_the_load_is_taken_out_before_a_pack_is_called_empty() -> None:
    pack = counter()
    full(pack)

    assert feed(pack, seen(-100.0, 2.93), 600.0)[-1].anchor == "full"


def test_counts_with_the_real_time_as_a_trapezoid() -> None:
    ramped, even = counter(), counter()
    start = full(ramped), full(even)
    for pack in (ramped, even):
        pack.feed(seen(0.0, cell_voltages=()), 1e-6)

    for i in range(1, 11):
        last = ramped.feed(seen(-4.0 * i, cell_voltages=()), 36.0)  # to -40 A
    even.feed(seen(-20.0, cell_voltages=()), 1e-6)
    flat = feed(even, seen(-20.0, cell_voltages=()), 360.0)[-1]

    assert last is not None
    assert start[0] == start[1]
    assert start[0].value - last.value == pytest.approx(start[1].value - flat.value, rel=0.01)
    assert start[0].value - last.value == pytest.approx(
        2.0, rel=0.15
    )  # 360 s of 20 A, by a gain not known yet


def test_a_gap_is_bridged_by_the_counter_of_the_bms() -> None:
    pack = counter()
    before = full(pack)
    pack.feed(seen(-1.0, 3.33, remaining_ah=95.0), 10.0)

    after = pack.feed(seen(-1.0, 3.30, remaining_ah=75.0), 4 * 3600.0)

    assert after is not None
    assert after.value == pytest.approx(before.value - 20.0, abs=3.0)
    assert after.jump is not None
    assert "bridged by the BMS's counter, -20.0 Ah" in after.jump
    assert after.high - after.low < 18.0  # what the pack holds is not learned yet


@pytest.mark.parametrize(
    ("elapsed", "remaining"),
    [(4 * 3600.0, None), (4 * 3600.0, 100.0), (600.0, 20.0), (None, None), (-5.0, None)],
    ids=["counts nothing", "set to full", "faster than possible", "unknown time", "time went back"],
)
def test_a_gap_that_nobody_saw_widens_the_band(elapsed: float | None, remaining: float | None) -> None:
    pack = counter()
    full(pack)
    before = pack.feed(seen(-1.0, 3.33, remaining_ah=70.0), 10.0)

    after = pack.feed(seen(-1.0, 3.30, remaining_ah=remaining), elapsed)

    assert before is not None
    assert after is not None
    assert after.high - after.low > before.high - before.low + 10.0


@pytest.mark.parametrize("unseen", [None, 9.5 * 3600.0, 1200.0, 600.0])
def test_what_the_cells_showed_before_a_gap_is_no_part_of_what_they_show_after_it(
    unseen: float | None,
) -> None:
    """A pack seen full, and again at a true 42 %, was said to be at 97 %, by the mean of both voltages."""
    pack = counter()
    full(pack)
    feed(pack, seen(0.0, 3.45, remaining_ah=100.0), 290.0)

    bridged = pack.feed(seen(-1.0, 3.28, remaining_ah=42.0), unseen)
    after = feed(pack, seen(-1.0, 3.28, remaining_ah=42.0), 900.0)[-1]

    assert bridged is not None
    assert after.value <= bridged.value + 3.0
    assert after.low <= 42.0 <= after.high


def sensor(pack: SocCounter) -> list[tuple[float, float]]:
    """Mean and standard deviation of offset, idle current and gain in the likeliest hypothesis."""
    best = max(map(Hypothesis.restored, pack.learnt()["hypotheses"]), key=lambda each: each.log)
    return [(best.mean[i], best.cov[i][i] ** 0.5) for i in (OFFSET, IDLE, GAIN)]


def test_however_long_nobody_looked_the_sensor_is_not_forgotten() -> None:
    """Years, perhaps of a wrong clock, are bridged as well, and the next anchor teaches nothing absurd."""
    pack = counter()
    full(pack)
    before = feed(pack, seen(-20.0, 3.30, remaining_ah=80.0), 3600.0)[-1]
    unsure = [sd for _, sd in sensor(pack)]

    after = pack.feed(seen(-1.0, 3.30, remaining_ah=80.0), 2 * 365 * 86_400.0)

    assert after is not None
    assert after.value == pytest.approx(before.value, abs=15.0)
    assert [sd for _, sd in sensor(pack)] == pytest.approx(unsure, rel=0.4)
    assert full(pack).value > 98.0
    assert abs(sensor(pack)[0][0]) < 0.3


def test_what_was_learned_of_the_sensor_is_known_a_week_later() -> None:
    """Its offset does not wander as far in a week as it may lie off at first."""
    pack = counter()
    full(pack)
    learned = sensor(pack)[0][1]

    for _ in range(7):
        pack.feed(seen(-0.2, 3.30), 86_400.0)

    assert sensor(pack)[0][1] < 1.1 * learned


def test_a_sensor_that_nothing_is_heard_of_for_years_becomes_no_worse_than_a_bad_one() -> None:
    pack = counter()
    full(pack)

    for _ in range(120):
        pack.feed(seen(-1.0, 3.30, remaining_ah=80.0), 6 * 86_400.0)

    (_, offset), (_, idle), _ = sensor(pack)
    assert offset <= SENSOR_MOST[0] + SENSOR_MOST[1] * NOMINAL
    assert idle <= IDLE_WRONG[0] + IDLE_WRONG[1] * NOMINAL + 1e-6


def test_looking_again_at_a_pack_that_rests_makes_no_surer() -> None:
    """The same evidence counts once: twelve hours at rest after a discharge, near empty and on the flank."""
    for volts in (2.95, 3.15, 3.20):
        pack = counter()
        full(pack)
        feed(pack, seen(-20.0, 3.28), 4.2 * 3600.0)
        first = feed(pack, seen(0.0, volts), 1800.0)[-1]

        later = feed(pack, seen(0.0, volts), 12 * 3600.0)[-1]

        assert later.value <= first.value + 0.3
        assert later.high >= first.high - 0.3


def test_looking_again_after_short_gaps_is_the_same_look_too() -> None:
    """A radio link that breaks each ten minutes made a pack at rest fuller and surer."""
    pack = counter()
    full(pack)
    feed(pack, seen(-20.0, 3.28), 4.2 * 3600.0)
    first = feed(pack, seen(0.0, 3.15), 1800.0)[-1]

    for _ in range(72):
        pack.feed(seen(0.0, 3.15), 180.0)
        later = feed(pack, seen(0.0, 3.15), 420.0)[-1]

    assert later.value == pytest.approx(first.value, abs=0.5)
    assert later.high - later.low >= first.high - first.low - 0.3


def test_what_drains_a_pack_unseen_is_seen_by_its_cells() -> None:
    """Below the dead band for days: the value stood at 19 % while the cells fell to 2.9 V."""
    pack = counter()
    full(pack)
    feed(pack, seen(-20.0, 3.23), 4.0 * 3600.0)
    before = feed(pack, seen(0.0, 3.235), 3600.0)[-1]

    for volts in (3.23, 3.22, 3.21, 3.19, 3.17, 3.12, 3.06, 3.0, 2.95, 2.92):
        after = feed(pack, seen(0.0, volts), 12 * 3600.0, 30.0)[-1]

    assert before.value > 12.0
    assert after.value < 4.0
    assert after.high < 15.0


@pytest.mark.parametrize("amps", [0.0, 5.0], ids=["reads nothing", "has the wrong sign"])
def test_a_count_that_the_cells_cannot_have_is_doubted(amps: float) -> None:
    """Whatever the sensor says: no cell at 2.95 V holds 60 %."""
    pack = counter()
    full(pack)
    counted = feed(pack, seen(-20.0, 3.27), 2.0 * 3600.0)[-1]
    for volts in (3.26, 3.24, 3.20, 3.10, 2.95):
        after = feed(pack, seen(amps, volts), 3600.0)[-1]

    assert counted.low > 40.0
    assert after.value < 25.0
    assert after.low < 10.0


def test_a_pack_that_is_seen_each_ten_minutes_has_anchors() -> None:
    """Many batteries on one radio: each is met every few minutes, and never twice within GAP."""
    pack = counter()
    pack.feed(seen(1.0, 3.45), None)

    first = pack.feed(seen(1.0, 3.45), 600.0)
    second = pack.feed(seen(1.0, 3.45), 600.0)

    assert first is not None
    assert second is not None
    assert (first.anchor, second.anchor) == (None, "full")


def test_a_state_that_has_not_noted_its_looks_is_taken_over() -> None:
    before = counter()
    full(before)
    state = json.loads(json.dumps(before.state()))
    for name in ("seen_at", "seen_doubt", "walked", "unseen", "gaps"):
        del state["numbers"][name]

    again = counter()
    again.restore(state, before.learnt())

    assert again.feed(seen(0.0), 10.0) == before.feed(seen(0.0), 10.0)


@pytest.mark.parametrize("told", [-1.0, 0.0, 1e-9, 1e9, float("inf"), float("nan")])
def test_what_is_no_capacity_is_not_counted_with(told: float) -> None:
    pack = SocCounter(LFP, nominal_ah=None)
    pack.limits(PackLimits(nominal_ah=told))

    assert pack.nominal_ah is None


def test_whatever_the_cells_say_the_band_stays_a_band() -> None:
    rng = random.Random(1)
    pack = counter()
    pack.feed(seen(0.0), None)

    for _ in range(3000):
        volts, amps = rng.choice((rng.uniform(2.4, 3.7), 3.3)), rng.choice((0.0, rng.uniform(-90.0, 60.0)))
        estimate = pack.feed(seen(amps, volts), rng.choice((30.0, 60.0, 100.0, 4000.0, None)))
        assert estimate is not None
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 100.0


def test_a_counter_at_its_end_is_believed_as_far_as_it_agreed_before() -> None:
    """Filled up while nobody looked; a counter 40 points off before may have stopped at its end."""
    agreed, differed = counter(), counter()
    for pack, remaining in ((agreed, 50.0), (differed, 90.0)):
        full(pack)
        feed(pack, seen(-50.0, 3.25, remaining_ah=remaining), 3600.0)

    after = [pack.feed(seen(0.0, 3.34, remaining_ah=100.0), 6 * 3600.0) for pack in (agreed, differed)]

    assert after[0] is not None
    assert after[1] is not None
    assert after[0].high - after[0].low < 0.85 * (after[1].high - after[1].low)


def test_a_counter_that_was_set_faster_than_anything_flows_is_believed_little() -> None:
    pack = counter()
    full(pack)
    feed(pack, seen(-20.0, 3.29, remaining_ah=80.0), 3600.0)

    estimate = pack.feed(seen(0.0, 3.30, remaining_ah=0.0), 300.0)

    assert estimate is not None
    assert estimate.high > 20.0


@pytest.mark.parametrize(
    ("counted", "low", "high", "judged"),
    [
        (40.0, 35.0, 45.0, 37.0),
        (40.0, 22.0, 58.0, 34.6),
        (21.0, 19.5, 22.5, 19.5),
        (0.0, 0.0, 1.0, 0.0),
        (None, 10.0, 20.0, None),
        (10.0, None, None, None),
        (99.0, 1.0, 100.0, None),
    ],
    ids=[
        "some points below",
        "a wide band is no low pack, but warns a little earlier",
        "a narrow one",
        "empty",
        "nothing counted",
        "no band",
        "a band that says nothing",
    ],
)
def test_the_charge_that_warnings_look_at(
    counted: float | None, low: float | None, high: float | None, judged: float | None
) -> None:
    assert soc_for_warnings(counted, low, high) == judged


def test_a_restart_goes_on_bit_for_bit() -> None:
    pack, again = counter(), counter()
    full(pack)
    feed(pack, seen(-20.0, 3.28), 3300.0)

    texts = [json.dumps(each, allow_nan=False) for each in (pack.state(), pack.learnt())]
    again.restore(*map(json.loads, texts))

    assert len(texts[0]) < 1000
    assert len(texts[1]) < 250 * MOST_AFTER
    for sample in (seen(-7.0, 3.29), seen(0.0, 3.31), seen(30.0, 3.34), seen(1.0, 3.45)) * 40:
        assert again.feed(sample, 10.0) == pack.feed(sample, 10.0)
    assert (again.state(), again.learnt()) == (pack.state(), pack.learnt())


def test_the_first_anchor_narrows_the_band_at_once_and_for_a_restart_alike() -> None:
    """Cells that show themselves empty before any full charge."""
    pack, again = counter(), counter()
    pack.feed(seen(-5.0, 2.80, soc=5.0), None)
    last = next(
        each for _ in range(2000) if (each := pack.feed(seen(-5.0, 2.80, soc=5.0), 10.0)) and each.anchor
    )

    again.restore(pack.state(), pack.learnt())

    assert last.anchor == "empty"
    assert again.feed(seen(-5.0, 2.80), 1.0) == pack.feed(seen(-5.0, 2.80), 1.0)


def test_a_counter_without_samples_has_a_state_too() -> None:
    again = counter()

    again.restore(*json.loads(json.dumps([counter().state(), counter().learnt()])))

    assert (again.state(), again.learnt()) == (counter().state(), counter().learnt())


FINITE, NOT_FINITE = (b64encode(struct.pack("<36f", *[v] * 36)).decode() for v in (0.5, float("nan")))


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 99},
        {"hypotheses": [[0, "AAAA"]]},
        {"hypotheses": [[0, NOT_FINITE]]},
        {"hypotheses": [[-1, FINITE]]},
        {"hypotheses": [["0", FINITE]]},
        {"hypotheses": [[0, "no base64!"]]},
        {"hypotheses": None},
        {"numbers": {}},
        {"numbers": None},
        {"anchor": "half"},
        {"nominal_ah": 0},
        {"ohmic": {"at_25": "x"}},
    ],
    ids=str,
)
def test_a_damaged_state_is_refused_and_changes_nothing(damage: dict[str, Any]) -> None:
    pack, other = counter(), counter()
    full(pack)
    full(other)
    feed(pack, seen(-9.0), 500.0)
    before = other.state(), other.learnt()
    learnt = {key: damage.get(key, value) for key, value in pack.learnt().items()}

    with pytest.raises(ValueError, match=r"hypothesis|state"):
        other.restore(pack.state() | damage, learnt)

    assert (other.state(), other.learnt()) == before


def test_without_current_or_capacity_there_is_nothing_to_count() -> None:
    assert counter().feed(seen(None), None) is None
    assert counter(nominal_ah=None).feed(seen(1.0, full_ah=None), None) is None


def test_capacity_from_the_settings_or_the_sample() -> None:
    by_settings, by_sample = counter(nominal_ah=None), counter(nominal_ah=None)
    by_settings.limits(PackLimits(nominal_ah=200.0))

    for pack in (by_settings, by_sample):
        pack.feed(seen(-10.0), None)
        feed(pack, seen(-10.0), 50.0)

    assert by_settings.state()["nominal_ah"] == 200.0
    assert by_sample.state()["nominal_ah"] == NOMINAL


Kept = tuple[dict[str, Any], dict[str, Any]]


def taken_on(kept: Kept, nominal_ah: float | None) -> SocCounter:
    """A counter that goes on from what was ``kept`` with what the registry says now."""
    again = counter(nominal_ah=nominal_ah)
    again.restore(*json.loads(json.dumps(kept)))
    return again


@pytest.fixture
def declared_too_large() -> Kept:
    """Declared with 280 Ah, a pack of 100 Ah has given 75 Ah since it was full."""
    pack = counter(nominal_ah=280.0)
    full(pack)
    feed(pack, seen(-30.0, cell_voltages=()), 2.5 * 3600.0)
    return pack.state(), pack.learnt()


@pytest.mark.parametrize("told_by", ["registry", "BMS"])
def test_a_corrected_capacity_takes_effect(declared_too_large: Kept, told_by: str) -> None:
    pack = taken_on(declared_too_large, NOMINAL if told_by == "registry" else None)
    if told_by == "BMS":
        pack.limits(PackLimits(nominal_ah=NOMINAL))

    first = pack.feed(seen(-10.0, cell_voltages=()), 10.0)
    last = feed(pack, seen(-10.0, cell_voltages=()), 3600.0)[-1]

    assert pack.nominal_ah == NOMINAL
    assert (pack.rescaled or "").startswith("capacity of 280 Ah corrected to 100 Ah: 7")
    assert first is not None
    assert first.anchor == "full"
    assert first.value == pytest.approx(25.0, abs=5.0)
    assert first.low < 25.0 < first.high
    assert first.value - last.value == pytest.approx(10.0, abs=1.5)


def test_the_registry_outweighs_the_bms() -> None:
    pack = counter()
    full(pack)
    before = pack.state()

    pack.limits(PackLimits(nominal_ah=280.0))

    assert pack.state() == before
    assert pack.rescaled is None


def test_the_same_capacity_rounded_is_no_correction(declared_too_large: Kept) -> None:
    pack = taken_on(declared_too_large, 282.0)

    assert (pack.state(), pack.learnt()) == declared_too_large
    assert pack.rescaled is None


def test_what_was_learned_of_the_capacity_outlives_a_correction_that_fits() -> None:
    """Declared with 280 Ah and found to have 270: the owner who writes 270 changes nothing but the words."""
    found = 280.0 / 270.0 - 1.0
    one = Hypothesis.of(
        0, 1.0, {CHARGE: 50.0, GAIN: found}, {CHARGE: 2.0, OFFSET: 0.1, IDLE: 0.1, GAIN: 0.002}
    )

    one.rescale(100.0 / 280.0, 100.0 / 270.0, Belief(0.0, 0.04))

    assert 270.0 / (1.0 + one.mean[GAIN]) == pytest.approx(270.0, abs=0.2)
    assert one.mean[0] == pytest.approx(50.0, abs=0.1)
    assert one.cov[GAIN][GAIN] < 0.04**2


def test_a_count_far_past_the_end_says_that_it_knows_nothing() -> None:
    """A pack that was declared too small is not empty after what was declared: its cells do not look it."""
    pack = counter()
    full(pack)
    feed(pack, seen(-50.0, 3.28), 3 * 3600.0)

    last = feed(pack, seen(-50.0, 3.28), 600.0)[-1]

    assert last.anchor == "full"
    assert last.high - last.low > 40.0


def test_a_count_that_reaches_empty_among_cells_that_look_it_is_no_surer_for_that() -> None:
    """Cells at 3.10 V hold some percent still; that the count has come to 0 does not say how many."""
    pack = counter()
    full(pack)
    feed(pack, seen(-5.0, 3.10), 600.0)
    nearly = Hypothesis.of(0, 1.0, {CHARGE: 1.0}, {CHARGE: 3.0, GAIN: 0.05})
    pack.restore(pack.state(), {"hypotheses": [nearly.state()]})

    last = feed(pack, seen(-5.0, 3.10), 3600.0)[-1]

    assert last.low < 2.0
    assert last.high > 4.0


@pytest.mark.parametrize(
    ("kind", "full", "half"), [("lfp", 3.45, 3.33), ("nmc", 4.18, 4.02), ("lto", 2.68, 2.43)]
)
def test_however_often_a_pack_was_full_its_band_leaves_room_for_a_curve_that_is_not_ours(
    kind: str, full: float, half: float
) -> None:
    pack = SocCounter(chemistry(kind), nominal_ah=NOMINAL)
    pack.feed(seen(0.5, full), None)
    for _ in range(8):
        feed(pack, seen(0.5, full), 1200.0, 20.0)
        last = feed(pack, seen(-20.0, half), 3600.0, 60.0)[-1]
        feed(pack, seen(20.0, half), 3600.0, 60.0)

    assert last.anchor == "full"
    assert last.high - last.low >= 2.0 * 1.96 * 1.4 * chemistry(kind).surest


def test_a_state_of_version_1_is_taken_over() -> None:
    """Of a counter that had one belief of five numbers, its covariance as the lower half."""
    older = counter().state() | {
        "version": 1,
        "anchor": "full",
        "belief": {
            "per_ah": 1.0,
            "mean": [64.0, 0.1, 0.0, 0.03, 0.002],
            "cov": [4.0, 0, 0.01, 0, 0, 0.01, 0, 0, 0, 0.0009, 0, 0, 0, 0, 1e-5],
        },
    }
    older["numbers"] = older["numbers"] | {"anchor_age": 7200.0, "current": 0.0, "remaining": 50.0}
    pack = counter()

    pack.restore(json.loads(json.dumps(older)), {})
    estimate = pack.feed(seen(0.0, 3.30), 10.0)

    assert estimate is not None
    assert estimate.value == pytest.approx(64.0, abs=1.0)
    assert (estimate.anchor, estimate.anchor_age) == ("full", 7210.0)
    assert estimate.low < 60.0
    assert estimate.high > 68.0


def test_chemistries_by_name_or_with_a_curve_of_the_owner() -> None:
    own = Curve(((2.5, 0.0), (3.6, 100.0)))

    assert {chemistry(name.upper()).name for name in CHEMISTRIES} == {"lfp", "nmc", "lto"}
    assert chemistry("nmc", own).ocv is own
    assert chemistry("nmc", own).surest < chemistry("nmc").surest
    with pytest.raises(ValueError, match="expected one of lfp, nmc, lto"):
        chemistry("lead")


def test_steep_chemistries_know_that_a_careful_charger_stops_early() -> None:
    pack = SocCounter(chemistry("nmc"), nominal_ah=NOMINAL)
    pack.feed(seen(1.0, 4.15), None)

    last = feed(pack, seen(1.0, 4.15), 600.0)[-1]

    assert last.anchor == "full"
    assert last.value == pytest.approx(chemistry("nmc").ocv.soc(4.147), abs=2.0)


def test_a_value_never_changes_by_a_percent_without_a_reason() -> None:
    """A count that ran beyond full was drawn back by 1.7 points, and nothing was said."""
    pack = counter()
    shown = [pack.feed(seen(40.0, 3.36, soc=80.0), after) for after in (None, *[20.0] * 900)]

    told = [each for each in shown if each is not None]
    for before, after in pairwise(told):
        assert after.jump or abs(after.value - before.value) < 1.3  # a percent, and what flowed meanwhile
