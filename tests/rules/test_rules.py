"""Each rule against its table: where it begins, where it ends, and what it does not know."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.model.alarms import Severity
from jk_bms.model.link import LinkState
from jk_bms.rules import example
from jk_bms.rules.base import Alert, HouseView, Link, Moment, PackView
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import Engine
from jk_bms.rules.grid import LOST, UNKNOWN
from jk_bms.rules.levels import CELLS
from jk_bms.rules.options import Options
from tests.rules.table import ROWS, Row, band, cell, frozen, minutes, of, silent, spread

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
LONG = 200  # looks, five seconds apart: longer than any confirmation
RULE = {rule.name: rule for rule in RULES}
OF_PACKS = [row for row in ROWS if RULE[row.rule].scope is PackView]
MEASURED = [row for row in OF_PACKS if row.rule not in ("bms_silent", "bms_frozen")]


class Trial:
    """An engine and a clock, to hold one view before it for a while."""

    def __init__(self, **options: Any) -> None:
        self.engine = Engine(
            Options(**({"startup_delay": 0, "repeat_hours": 0, "min_level": Severity.INFO} | options))
        )
        self.now = 0.0

    def hold(self, view: Any, looks: int = LONG, every: float = 5.0) -> list[str]:
        """Let ``view`` stand; return what happened, as ``what rule code``."""
        told: list[str] = []
        for _ in range(looks):
            self.now += every
            moment = Moment(self.now, BEGIN + timedelta(seconds=self.now))
            subject = "house" if isinstance(view, HouseView) else "x"
            notices = self.engine.look(subject, view, moment)
            if isinstance(view, PackView):  # it is the house's only one
                known = view if view.sample is not None else None
                notices += self.engine.look("house", example.packs(*([known] if known else [])), moment)
            notices += self.engine.tick(moment)
            told += [f"{n.what} {n.alert.rule} {n.alert.code}" for n in notices if n.quiet is None]
        assert self.engine.faults == {}
        return told

    def open(self, rule: str) -> Alert | None:
        """The open alert of ``rule``, if there is one."""
        return next((alert for alert in self.engine.open() if alert.rule == rule), None)

    def code(self, rule: str) -> int | None:
        """The code of the open alert of ``rule``."""
        alert = self.open(rule)
        return alert.code if alert else None


def milder(row: Row) -> set[int | None]:
    """No alert of this rule, or its milder grades."""
    grades = RULE[row.rule].grades(RULE[row.rule].example())
    severity = next(grade.severity for grade in grades if grade.code == row.code)
    return {None, *(grade.code for grade in grades if grade.severity < severity)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.code}-{row.fires}")
def test_it_fires_at_its_limit_and_ends_at_the_other(row: Row) -> None:
    trial = Trial()

    trial.hold(row.view(row.quiet))
    assert trial.code(row.rule) in milder(row)
    trial.hold(row.view(row.fires))
    assert trial.code(row.rule) == row.code
    trial.hold(row.view(row.holds))
    assert trial.code(row.rule) == row.code
    trial.hold(row.view(row.clears))
    assert trial.code(row.rule) in milder(row)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.rule}-{row.code}-{row.fires}")
def test_one_look_alone_raises_nothing_that_a_spike_could_cause(row: Row) -> None:
    """Silence, frozen counters, grid and host are confirmed before they come here."""
    trial = Trial()
    good, bad = row.view(row.clears), row.view(row.fires)
    trial.hold(good)
    before = trial.code(row.rule)
    assert before in milder(row)

    for _ in range(40):
        trial.hold(bad, looks=1, every=30.0)
        assert trial.code(row.rule) == before
        trial.hold(good, looks=3)


@pytest.mark.parametrize("row", OF_PACKS, ids=lambda row: f"{row.rule}-{row.code}-{row.fires}")
def test_what_is_missing_changes_nothing(row: Row) -> None:
    """An alert stays when its value is no longer known, and none comes."""
    trial = Trial()
    view = row.view(row.fires)
    nothing = view._replace(sample=None, faults=(), link=Link(LinkState.SEARCHING, silent=1.0))
    assert trial.hold(nothing) == []
    trial.hold(view)
    assert trial.code(row.rule) == row.code

    trial.hold(nothing, looks=50)

    assert trial.code(row.rule) == row.code


def test_slow_polls_need_three_samples_and_no_more() -> None:
    trial = Trial()
    view = cell(3.3)(3.62)

    assert trial.hold(view, looks=2, every=30.0) == []
    assert trial.hold(view, looks=1, every=30.0) == ["raised cell_high 1008"]


def test_quick_frames_need_ten_seconds_as_well() -> None:
    trial = Trial()
    view = cell(3.3)(3.62)

    assert trial.hold(view, looks=20, every=0.5) == []
    assert trial.hold(view, looks=2, every=0.5) == ["raised cell_high 1008"]


RESTS = {
    "lfp": (52.0, 53.0, 54.4, 55.2, 56.0, 56.8),
    "nmc": (52.8, 59.2, 64.0, 66.4),
    "lto": (34.4, 37.0, 41.0, 42.4),
}


UVP = {"lfp": 2.65, "nmc": 2.95, "lto": 1.6}  # V


@pytest.mark.parametrize(("chemistry", "volts"), [(name, v) for name, all_v in RESTS.items() for v in all_v])
def test_a_healthy_pack_of_any_chemistry_raises_nothing_at_any_voltage(chemistry: str, volts: float) -> None:
    """A 16S LFP pack that rests at 53 V is in order; limits never cross from one chemistry to another."""
    facts = CHEMISTRIES[chemistry]
    pack = example.pack(voltage=volts, cell_voltages=(volts / 16,) * 16, current=20.0)
    view = pack._replace(
        chemistry=facts,
        limits=PackLimits(cell_ovp=facts.ovp, cell_uvp=UVP[chemistry], nominal_ah=280.0),
    )

    assert Trial().hold(view) == []


def test_every_chemistry_has_its_own_limits() -> None:
    assert set(CELLS) == set(CHEMISTRIES)


def test_limits_of_nothing_are_no_limits() -> None:
    """Some boards send zeros for what they do not have."""
    names = (
        "cell_ovp",
        "cell_uvp",
        "charge_otp",
        "discharge_otp",
        "mosfet_otp",
        "charge_current",
        "discharge_current",
    )
    view = example.pack()._replace(limits=PackLimits(**dict.fromkeys(names, 0.0)))  # type: ignore[arg-type]

    assert Trial().hold(view) == []


# Single rules in particular


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (silent(1890.0), example.pack()),
        (frozen(1890.0), example.pack()),
        (example.inverter(grid=UNKNOWN, age=1890.0), example.inverter()),
        (example.host(database_failing=1890.0), example.host()),
    ],
    ids=["silent", "frozen", "inverter", "database"],
)
def test_what_is_found_out_late_has_lasted_since_its_beginning(bad: Any, good: Any) -> None:
    """The service may have been off meanwhile, or slow to look."""
    trial = Trial()
    trial.hold(bad, looks=1)

    (alert,) = trial.engine.open()
    assert alert.since == BEGIN + timedelta(seconds=5 - 1890)
    trial.hold(good, looks=10)
    assert trial.engine.open() == []


def test_every_duration_that_is_measured_is_an_age() -> None:
    jumps = {"clock_jump", "emergency"}  # by how much, and how much is left

    assert {rule.name for rule in RULES if rule.unit == "s"} - jumps == {r.name for r in RULES if r.age}


def test_cells_are_named_by_their_number() -> None:
    trial = Trial()
    numbers = (*range(1, 8), *range(9, 18))  # the harness has no cell 8
    view = example.pack(**example.with_cell(9, 3.64, 3.46), cell_numbers=numbers, current=10.0)

    trial.hold(view)

    alert = trial.open("cell_high")
    assert alert is not None
    assert alert.facts == {"cell": 10, "limit": 3.65}


def test_a_spread_in_the_middle_under_load_says_nothing() -> None:
    assert Trial().hold(spread(3.28, current=-90.0)(0.07)) == []


def test_what_the_top_showed_is_not_over_because_the_flat_middle_hides_it() -> None:
    trial = Trial()
    trial.hold(spread(3.45)(0.130))

    trial.hold(spread(3.31)(0.005))
    hidden = trial.code("cell_spread")
    trial.hold(spread(3.45)(0.060))

    assert (hidden, trial.code("cell_spread")) == (1005, None)


@pytest.mark.parametrize("current", [2.0, -90.0, None])
@pytest.mark.parametrize("mean", [2.9, 3.05, 3.15, 3.16, 3.19, 3.2, 3.27, 3.34, 3.35, 3.39, 3.4, 3.41, 3.5])
def test_a_cell_far_off_is_seen_wherever_the_others_are(mean: float, current: float | None) -> None:
    trial = Trial()

    trial.hold(example.pack(**example.with_cell(7, mean - 0.69, mean), current=current))

    assert trial.code("cell_spread") == 1004


def test_a_cell_far_off_is_told_once_on_its_way_along_the_curve() -> None:
    """It is far off at the top, in the middle, at the bottom and under load, and all that is one thing."""
    trial = Trial()
    told = [
        line
        for mean, current in ((3.45, 20.0), (3.37, 0.0), (3.30, 0.0), (3.25, -90.0), (3.18, 0.0), (3.10, 0.0))
        for line in trial.hold(spread(mean, current)(0.300))
        if "cell_spread" in line
    ]

    assert told == ["raised cell_spread 1004"]


def test_it_is_over_when_it_is_over_everywhere() -> None:
    trial = Trial()
    trial.hold(spread(3.45, 20.0)(0.300))
    trial.hold(spread(3.14)(0.200))

    assert "cleared cell_spread 1004" not in trial.hold(spread(3.45, 20.0)(0.010))
    assert "cleared cell_spread 1004" in trial.hold(spread(3.14)(0.010))


def test_frost_is_no_danger_while_nothing_is_charged() -> None:
    trial = Trial()

    assert trial.hold(example.pack(current=-20.0, temperatures=(-8.0, -7.0))) == []
    assert trial.hold(example.pack(current=0.3, temperatures=(-8.0, -7.0))) == []


def test_charging_in_frost_is_over_ten_minutes_after_the_charge() -> None:
    """A cloud does not end it."""
    trial = Trial()
    trial.hold(example.pack(current=20.0, temperatures=(-1.0, -1.0)))
    idle = example.pack(current=0.0, temperatures=(-1.0, -1.0))

    assert trial.hold(idle, looks=100) == []
    assert trial.hold(idle, looks=30) == ["cleared charge_cold 1044"]


def test_lto_may_be_charged_in_frost() -> None:
    frost = of(
        "lto",
        lambda v: example.pack(current=20.0, temperatures=(v,), cell_voltages=(2.3,) * 16, voltage=36.8),
    )

    assert Trial().hold(frost(-8.0)) == []


def test_without_its_limits_no_current_is_judged() -> None:
    view = example.pack(current=-400.0)._replace(limits=PackLimits())

    assert Trial().hold(view) == []


def test_an_uncertain_count_is_not_believed_before_its_first_anchor() -> None:
    guess = example.pack(battery_soc=60.0, soc_counted=24.0, soc_low=8.0, soc_anchor=None)

    assert Trial().hold(guess) == []


def test_a_wide_band_alone_is_no_reason_to_warn() -> None:
    vague = example.pack(battery_soc=40.0, soc_counted=40.0, soc_low=10.0, soc_anchor="full")

    assert Trial().hold(vague) == []


@pytest.mark.parametrize(
    "changes", [{"current": 30.0, "full_in": (600.0, 900.0)}, {"current": 0.5}], ids=["charging", "idle"]
)
def test_a_pack_that_is_not_drawn_from_has_no_runtime(changes: dict[str, Any]) -> None:
    assert Trial().hold(example.pack(empty_in=None, **changes)) == []


@pytest.mark.parametrize(
    "soc",
    [
        {"battery_soc": 29.0, "soc_anchor": None},
        {"battery_soc": 29.0, "soc_counted": 29.0, "soc_anchor": "full"},
    ],
    ids=["never counted from a known charge", "counted for weeks"],
)
@pytest.mark.parametrize("low", [0.0, 2.0])
def test_a_charge_that_is_known_badly_is_no_reason_to_call_the_end(soc: dict[str, Any], low: float) -> None:
    """A quarter of 280 Ah at 8 A: hours, though the lower end of the band is empty in minutes."""
    hour = 36.0 * 280.0 / 8.0  # s that one percent lasts
    view = example.pack(
        current=-8.0, soc_low=low, soc_high=52.0, empty_in=(0.95 * low * hour, 1.05 * 52.0 * hour), **soc
    )

    assert Trial().hold(view) == []


def test_a_kettle_is_not_the_load_of_the_evening() -> None:
    """Half of 280 Ah at 51 A lasts for nearly three hours, though with all its swings it may last for one and a half."""
    kettle = example.pack(
        current=-51.0,
        battery_soc=53.0,
        soc_counted=53.0,
        soc_low=51.0,
        soc_high=55.0,
        soc_anchor="full",
        empty_in=(36.0 * 51.0 * 280.0 / 95.0, 36.0 * 55.0 * 280.0 / 7.0),
    )

    assert Trial().hold(kettle) == []


def test_the_end_is_called_by_the_most_that_the_load_may_be() -> None:
    """Eight percent at 60 A, now and then 100 A."""
    view = example.pack(
        current=-60.0,
        battery_soc=8.0,
        soc_counted=8.0,
        soc_low=8.0,
        soc_high=10.0,
        soc_anchor="full",
        empty_in=(36.0 * 8.0 * 280.0 / 100.0, 36.0 * 10.0 * 280.0 / 20.0),
    )

    trial = Trial()
    trial.hold(view)

    dark, left = trial.open("going_dark"), trial.open("runtime")
    assert dark is not None
    assert left is not None
    assert (dark.value, left.value) == (13.4, 22.4)


def test_the_end_is_called_each_time_that_it_comes_near() -> None:
    """A kettle off, a kettle on: what was said of the end ten minutes ago may be wrong by all that is left."""
    trial = Trial()

    for _ in range(3):
        assert "raised going_dark 1042" in trial.hold(minutes(13.4), looks=12)
        assert "cleared going_dark 1042" in trial.hold(minutes(40.0), looks=70)


def test_a_grid_that_comes_and_goes_floods_nobody() -> None:
    trial = Trial()
    there, gone = example.inverter(), example.inverter(grid=LOST, grid_voltage=0.0)
    trial.hold(there)

    told = [line for _ in range(60) for line in trial.hold(gone, looks=6) + trial.hold(there, looks=6)]

    assert told == ["raised grid_lost 2001", "cleared grid_lost 2001"]


def test_on_the_grid_runtime_is_nothing_to_worry_about() -> None:
    view = minutes(10.0)

    assert Trial().hold(view._replace(on_battery=False)) == []
    assert Trial().hold(view._replace(on_battery=None)) != []


def test_back_on_the_grid_the_warning_is_over() -> None:
    trial = Trial()
    trial.hold(minutes(100.0))

    assert trial.hold(minutes(100.0)._replace(on_battery=False)) == ["cleared runtime 1038"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"charge_enabled": False, "alarms": ("charge_undertemperature",)}, "an alarm stands"),
        ({"charge_enabled": False, "battery_soc": 100.0}, "full"),
        ({"charge_enabled": False, "cell_voltages": (3.46,) * 16}, "full"),
        ({"discharge_enabled": False, "cell_voltages": (2.84,) + (3.1,) * 15}, "empty"),
        ({"charge_enabled": None, "discharge_enabled": None}, "nobody knows"),
    ],
)
def test_a_switch_that_is_off_for_a_reason_is_no_alert(changes: dict[str, Any], why: str) -> None:
    trial = Trial()

    trial.hold(example.pack(**changes))

    assert trial.open("switch_off") is None, why


@pytest.mark.parametrize(
    "alarms",
    [
        None,
        ("wire_resistance",),
        ("gps_disconnected",),
        ("change_password",),
        ("gps_remote_lock",),
        ("wire_resistance", "change_password"),
    ],
)
def test_an_alarm_that_cuts_no_current_does_not_explain_a_switch_that_is_off(
    alarms: tuple[str, ...] | None,
) -> None:
    """Some boards ask for another passcode all their life, some tell no alarms at all."""
    trial = Trial()

    trial.hold(example.pack(charge_enabled=False, alarms=alarms))

    assert trial.open("switch_off") is not None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cell_voltages": (3.56,) * 15 + (3.59,)}, False),
        ({"cell_voltages": (3.38,) * 15 + (3.40,), "battery_soc": 100.0}, False),
        ({"cell_voltages": (3.45,) * 15 + (3.60,)}, True),
        ({"cell_voltages": (3.38,) * 15 + (3.59,), "battery_soc": 100.0}, True),
        ({"cell_voltages": (3.33,) * 16}, True),
        ({"cell_voltages": ()}, True),
    ],
    ids=["all full", "just after", "one ahead", "one far ahead", "half full", "no cells known"],
)
def test_that_the_bms_ends_a_charge_is_news_only_when_not_all_cells_are_full(
    changes: dict[str, Any], told: bool
) -> None:
    """A house that is charged every day must not hear of it every day."""
    trial = Trial()

    trial.hold(example.pack(current=0.0, charge_enabled=False, alarms=("cell_overvoltage",), **changes))

    assert (trial.open("bms_alarm") is not None) == told


def test_each_alarm_of_the_bms_is_an_alert_of_its_own_and_information_is_none() -> None:
    trial = Trial()
    bad = ("mos_overtemperature", "current_sensor_fault")

    trial.hold(example.pack(alarms=(*bad, "gps_disconnected", "change_password", "gps_remote_lock")))

    assert {(a.part, a.severity.word) for a in trial.engine.open()} == {
        ("mos_overtemperature", "critical"),
        ("current_sensor_fault", "warning"),
    }


def test_an_alarm_of_a_make_that_the_table_does_not_know_is_a_warning_of_its_own() -> None:
    trial = Trial()

    trial.hold(example.pack(alarms=("precharge_failed", "bit_31")))

    assert {(a.part, a.severity.word) for a in trial.engine.open()} == {
        ("precharge_failed", "warning"),
        ("bit_31", "warning"),
    }


def test_a_bms_that_ceases_to_tell_its_alarms_has_not_taken_them_back() -> None:
    trial = Trial()
    trial.hold(example.pack(alarms=("mos_overtemperature",)))

    assert trial.hold(example.pack(alarms=None), looks=50) == []
    assert trial.open("bms_alarm") is not None
    assert trial.hold(example.pack(alarms=()), looks=50) == ["cleared bms_alarm 1030"]


def test_the_end_names_the_cell_that_was_named_at_the_begin() -> None:
    """When it is over, another cell may well be the highest."""
    trial = Trial()
    trial.hold(example.pack(**example.with_cell(7, 3.64, 3.46)))

    trial.hold(example.pack(**example.with_cell(3, 3.40, 3.38)), looks=4)

    ending = trial.open("cell_high")
    assert ending is not None
    assert (ending.value, ending.facts["cell"]) == (3.40, 7)
    trial.hold(example.pack(**example.with_cell(3, 3.64, 3.46)), looks=1)
    again = trial.open("cell_high")
    assert again is not None
    assert again.facts["cell"] == 3


def test_an_emergency_mode_that_is_off_is_no_alert_and_ends_one() -> None:
    trial = Trial()

    assert trial.hold(example.pack(emergency_time=0)) == []
    assert trial.hold(example.pack(emergency_time=20), looks=5) == ["raised emergency 1024"]
    assert trial.hold(example.pack(emergency_time=0), looks=5) == ["cleared emergency 1024"]


def test_an_emergency_mode_that_gets_more_time_is_over_until_that_runs_out() -> None:
    trial = Trial()
    left = [*range(640, 200, -10), *range(1800, 200, -10)]

    told = [line for seconds in left for line in trial.hold(example.pack(emergency_time=seconds), looks=2)]

    assert told == [
        "raised emergency 1025",
        "worse emergency 1024",
        "cleared emergency 1024",
        "raised emergency 1025",
        "worse emergency 1024",
    ]


def test_each_bad_wire_is_named() -> None:
    trial = Trial()

    trial.hold(example.pack(cell_resistances=(0.06, 0.31, 0.55) + (0.06,) * 13))

    assert {(alert.part, alert.code) for alert in trial.engine.open()} == {("2", 1019), ("3", 1018)}


def test_a_bms_that_does_not_judge_its_health_is_not_worn_out() -> None:
    assert Trial().hold(example.pack(soh=0.0)) == []


def test_cycles_are_told_once_at_each_step_and_never_again() -> None:
    trial = Trial(repeat_hours=1.0)

    assert trial.hold(example.pack(cycles=1500)) == []
    assert trial.hold(example.pack(cycles=1501), every=60.0) == ["raised cycles 1027"]
    assert trial.hold(example.pack(cycles=2001), every=60.0) == ["worse cycles 1026"]
    assert trial.hold(example.pack(cycles=12), every=60.0) == []
    assert trial.engine.open() == []


def test_a_pack_left_alone_on_request_is_not_silent() -> None:
    released = silent(5000.0)._replace(link=Link(LinkState.RELEASED, silent=5000.0))

    assert Trial().hold(released) == []


def test_slow_polls_may_be_silent_for_three_intervals() -> None:
    def view(seconds: float) -> Any:
        return silent(seconds)._replace(link=Link(LinkState.WAITING, silent=seconds, interval=300.0))

    assert Trial().hold(view(899.0)) == []
    assert Trial().hold(view(900.0)) == ["raised bms_silent 1031"]


def test_a_silent_bms_is_back_after_two_good_readings_not_after_looking_twice() -> None:
    trial = Trial()
    trial.hold(silent(150.0))
    between = silent(4.0)

    told = trial.hold(silent(0.0), looks=1) + trial.hold(between, looks=5)

    assert told == []
    assert trial.hold(silent(0.0), looks=1) == ["cleared bms_silent 1031"]


def test_a_restart_is_no_sign_of_life_from_a_silent_bms() -> None:
    """Silence is counted from the start of the service then; nothing was heard all the same."""
    trial = Trial()
    trial.hold(silent(150.0))

    for seconds in range(1, 119):
        assert trial.hold(silent(float(seconds)), looks=1, every=1.0) == []
    assert trial.code("bms_silent") == 1031


def test_whoever_repeats_himself_is_frozen_not_silent() -> None:
    trial = Trial()

    assert trial.hold(frozen(1000.0)) == ["raised bms_frozen 1046"]
    assert trial.hold(example.pack()) == ["cleared bms_frozen 1046"]


def test_two_frames_alike_are_not_frozen() -> None:
    view = example.pack(link=Link(LinkState.STREAMING, silent=10.0, frozen=10.0, frozen_frames=2))

    assert Trial().hold(view) == []


def test_an_unknown_grid_is_never_lost_and_never_back() -> None:
    trial = Trial()
    trial.hold(example.inverter(grid="present"))

    assert trial.hold(example.inverter(grid="unknown")) == []
    assert trial.hold(example.inverter(grid="lost")) == ["raised grid_lost 2001"]
    assert trial.hold(example.inverter(grid="unknown")) == []
    assert trial.hold(example.inverter(grid="present")) == ["cleared grid_lost 2001"]


def test_the_first_state_of_the_grid_is_no_news_but_its_end_is() -> None:
    trial = Trial()

    assert trial.hold(example.inverter(grid="lost")) == []
    assert trial.hold(example.inverter(grid="present")) == ["cleared grid_lost 2001"]
    trial.now += 3600.0
    assert trial.hold(example.inverter(grid="lost")) == ["raised grid_lost 2001"]


def test_a_grid_that_was_there_before_a_restart_and_is_gone_after_it_is_news() -> None:
    """The machine may go down with the grid."""
    before, after = Trial(), Trial()
    before.hold(example.inverter(grid="present"))
    after.engine.restore(json.loads(json.dumps(before.engine.state())))
    after.now = before.now

    assert after.hold(example.inverter(grid="lost")) == ["raised grid_lost 2001"]


def test_without_an_inverter_none_is_missing() -> None:
    assert Trial().hold(example.inverter(age=None, grid="unknown")) == []


def test_a_clock_that_jumped_is_told_once_and_its_end_is_no_news() -> None:
    trial = Trial()

    told = trial.hold(example.host(clock_step=7200.0), looks=1) + trial.hold(example.host())

    assert told == ["raised clock_jump 3003"]
    assert trial.engine.open() == []


def test_what_the_machine_does_not_know_of_itself_raises_nothing() -> None:
    assert Trial().hold(example.host(disk_free=None, clock_step=None)) == []


def test_a_start_after_a_crash_is_told_at_once_and_over_in_ten_minutes() -> None:
    trial = Trial(startup_delay=180.0)

    first = trial.hold(example.host(started_after_crash=True, uptime=5.0), looks=1)
    later = trial.hold(example.host(started_after_crash=True, uptime=700.0))

    assert (first, later) == (["raised started_after_crash 3001"], [])
    assert trial.engine.open() == []


def test_the_lower_end_of_the_band_is_judged_and_the_shown_value_is_told() -> None:
    trial = Trial()

    trial.hold(band(24.0))

    alert = trial.open("soc_low")
    assert alert is not None
    assert (alert.value, alert.facts) == (24.0, {"soc": 26.0})
