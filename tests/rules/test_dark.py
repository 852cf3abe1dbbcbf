"""A house that is dark is called so, one that is idle is not, and nothing is over because nothing flows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jk_bms.rules import example
from jk_bms.rules.base import Batteries, HouseView, PackView
from jk_bms.rules.grid import LOST, PRESENT, UNKNOWN
from jk_bms.rules.house import powered, verdict
from tests.rules.test_rules import Trial

NOTHING = Batteries(power=0.0, off=False, fed=30.0, soc=9.0)
CUT = NOTHING._replace(off=True)
IDLE = NOTHING._replace(power=-45.0)  # an inverter and its standby


def inverter(grid: str = LOST, packs: Batteries = NOTHING, **sample: Any) -> HouseView:
    """A house whose inverter says only what is given here."""
    blank = dict.fromkeys(("grid_voltage", "grid_power", "load_power", "load_voltage"))
    return example.house(grid=grid, batteries=packs, **{**blank, **sample})


# Its last word was that the grid is there, and that is too long ago.
GRID_THEN = inverter(PRESENT, grid_voltage=230.0, load_power=400.0)._replace(stale=True, grid=UNKNOWN)

# fmt: off
HOUSES: dict[str, tuple[HouseView, bool | None]] = {
    "output off, no grid":           (inverter(load_voltage=0.0, load_power=0.0), True),
    "output off, batteries unknown": (inverter(load_voltage=0.0, load_power=0.0, packs=Batteries()), True),
    "output off, electronics live":  (inverter(load_voltage=0.0, load_power=0.0, packs=NOTHING._replace(power=-18.0)), True),
    "no load, no current, no volts": (inverter(load_power=0.0), True),
    "no load, batteries cut":        (inverter(load_power=0.0, packs=CUT), True),
    "no grid named, output off, cut": (inverter(UNKNOWN, CUT, load_voltage=0.0, load_power=0.0), True),
    "load unknown, batteries cut":   (inverter(packs=CUT, grid_voltage=0.0), True),
    "silent, batteries cut":         (inverter()._replace(stale=True, grid=UNKNOWN, batteries=CUT), True),
    "grid there, silent, fed since": (GRID_THEN._replace(batteries=CUT, age=300.0), True),
    "only batteries, just cut":      (HouseView(None, stale=True, batteries=CUT), True),
    # not dark
    "grid there":                    (inverter(PRESENT, load_power=0.0), False),
    "grid there, batteries cut":     (inverter(PRESENT, CUT, load_power=0.0), False),
    "idle at 20 W":                  (inverter(load_voltage=230.0, load_power=20.0, packs=IDLE), False),
    "idle at 20 W, volts unknown":   (inverter(load_power=20.0, packs=NOTHING), False),
    "idle at 0 W, volts known":      (inverter(load_voltage=230.0, load_power=0.0), False),
    "idle at 0 W, volts unknown":    (inverter(load_power=0.0, packs=IDLE), False),
    "another inverter feeds":        (inverter(load_voltage=0.0, packs=NOTHING._replace(power=-600.0)), False),
    "silent, but fed":               (inverter()._replace(stale=True, grid=UNKNOWN, batteries=IDLE), False),
    "only batteries, feeding":       (HouseView(None, stale=True, batteries=IDLE), False),
    # nobody knows
    "grid there, silent, cut before": (GRID_THEN._replace(batteries=CUT._replace(fed=600.0), age=300.0), None),
    "grid there, silent, never fed": (GRID_THEN._replace(batteries=CUT._replace(fed=None), age=300.0), None),
    "silent, batteries on":          (inverter()._replace(stale=True, grid=UNKNOWN), None),
    "only batteries, at rest":       (HouseView(None, stale=True, batteries=NOTHING), None),
    "only batteries, cut long ago":  (HouseView(None, stale=True, batteries=CUT._replace(fed=7200.0)), None),
    "only batteries, cut at start":  (HouseView(None, stale=True, batteries=CUT._replace(fed=None)), None),
    "nothing at all":                (HouseView(None, stale=True), None),
    "no grid named, batteries on":   (inverter(UNKNOWN, load_voltage=0.0, load_power=0.0), None),
    "no grid named, volts unknown":  (inverter(UNKNOWN, CUT, load_power=0.0), None),
    "grid not yet confirmed":        (inverter(UNKNOWN, CUT, grid_voltage=230.0, load_voltage=0.0), None),
    "grid unknown":                  (inverter(UNKNOWN, load_power=0.0), None),
    "no load, batteries unknown":    (inverter(load_power=0.0, packs=Batteries()), None),
    "no load, but sun":              (inverter(load_power=0.0, pv_power=300.0), None),
    "another one charges":           (inverter(load_voltage=0.0, load_power=0.0, packs=NOTHING._replace(power=900.0)), None),
}
# fmt: on


@pytest.mark.parametrize(("view", "dark"), HOUSES.values(), ids=HOUSES)
def test_a_house(view: HouseView, dark: bool | None) -> None:
    found = verdict(view)

    assert (None if found is None else found.dark) is dark
    trial = Trial()
    trial.hold(view)
    assert (trial.code("house_dark") == 2012) is (dark is True)


def test_how_it_is_said_depends_on_what_was_known_last() -> None:
    cut = GRID_THEN._replace(batteries=CUT, age=300.0)
    lost = inverter(grid_voltage=0.0)._replace(stale=True, grid=UNKNOWN, batteries=CUT)

    assert verdict(cut) == (True, "cut")
    assert verdict(lost) == (True, "silent")
    assert verdict(inverter(UNKNOWN, CUT, load_voltage=0.0)) == (True, "output")


def test_power_is_back_after_so_long_and_from_such_a_charge() -> None:
    trial = Trial()

    assert trial.hold(inverter(load_voltage=0.0), looks=6) == []
    assert trial.hold(inverter(load_voltage=0.0), looks=1) == ["raised house_dark 2012"]
    assert trial.hold(inverter()._replace(stale=True, grid=UNKNOWN)) == []
    back = inverter(PRESENT, load_power=500.0, packs=Batteries(power=1500.0, off=False, soc=11.0))
    assert trial.hold(back, looks=3) == ["cleared house_dark 2012"]


def test_where_no_inverter_is_read_the_inverter_tells_nothing_of_power() -> None:
    assert powered(HouseView(None, stale=True, batteries=IDLE)) is None


# What must not be over when the house goes dark: (alert, view before, what its pack then looks like)
DEAD: dict[str, Any] = {"current": 0.0, "empty_in": None, "full_in": None, "battery_soc": 7.0}
LONG: dict[str, Any] = {"current": 0.0, "empty_in": (90_000.0, 200_000.0), "battery_soc": 7.0}


def low(minutes: float, **changes: Any) -> PackView:
    """A pack that lasts so long."""
    return example.pack(
        current=-60.0, battery_soc=7.0, soc_low=7.0, soc_high=9.0, empty_in=(60.0 * minutes, 90.0 * minutes)
    )._replace(**changes)


BEFORE = {
    "going_dark": low(10.0),
    "runtime": low(25.0),
    "cell_low": example.pack(current=-60.0, **example.with_cell(7, 2.80, 3.0)),
    "pack_low": example.pack(current=-60.0, voltage=44.0, cell_voltages=(2.75,) * 16),
    "discharge_current": example.pack(current=-210.0),
}
# The cells rise when nothing is drawn; the BMS has cut, the inverter has switched off, or only it is known.
CUTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cut by the BMS": ({"discharge_enabled": False}, {"powered": None}),
    "cut by the BMS, inverter silent": ({"discharge_enabled": False}, {"powered": False, "on_battery": None}),
    "the inverter is off": ({}, {"powered": False}),
    "only the BMS is known": ({}, {"powered": None, "on_battery": None}),
}


@pytest.mark.parametrize("after", [DEAD, LONG], ids=["no forecast", "a long one"])
@pytest.mark.parametrize("rule", BEFORE)
@pytest.mark.parametrize(("sample", "view"), CUTS.values(), ids=CUTS)
def test_nothing_is_over_because_the_house_went_dark(
    rule: str, sample: dict[str, Any], view: dict[str, Any], after: dict[str, Any]
) -> None:
    trial = Trial()
    trial.hold(BEFORE[rule])
    code = trial.code(rule)
    assert code is not None

    risen: dict[str, Any] = {"cell_voltages": (3.17,) * 16, "voltage": 50.7}
    told = trial.hold(example.pack(**after, **risen, **sample)._replace(**view))

    assert trial.code(rule) == code
    assert [line for line in told if line.startswith("cleared")] == []


ENDS: dict[str, PackView] = {
    "the grid is back": example.pack(current=0.0, empty_in=None)._replace(on_battery=False),
    "it is charged": example.pack(current=30.0, empty_in=None, full_in=(9000.0, 9900.0)),
    "less is drawn": example.pack(
        current=-2.0, battery_soc=7.0, soc_low=7.0, soc_high=9.0, empty_in=(30_000.0, 40_000.0)
    ),
    "an idle house": example.pack(current=0.0, empty_in=None, battery_soc=7.0)._replace(powered=True),
    "an idle house, drawing a little": example.pack(current=-0.6, empty_in=None, battery_soc=7.0),
}


FED = (
    "the grid is back",
    "it is charged",
)  # a smaller load lets no house that is going dark be sure of its light


@pytest.mark.parametrize(("how", "view"), ENDS.items(), ids=ENDS)
@pytest.mark.parametrize("rule", ["going_dark", "runtime"])
def test_it_is_over_when_something_shows_it(rule: str, how: str, view: PackView) -> None:
    trial = Trial()
    trial.hold(BEFORE[rule])

    told = trial.hold(view)

    over = rule == "runtime" or how in FED
    assert (trial.code(rule) is None) is over
    assert any(line.startswith("cleared going_dark") for line in told) is (over and rule == "going_dark")


@pytest.mark.parametrize("on_battery", [True, None], ids=["no grid", "no grid named"])
def test_a_load_that_falls_for_a_while_does_not_end_it(on_battery: bool | None) -> None:
    trial = Trial()
    trial.hold(low(12.0, on_battery=on_battery))

    told = trial.hold(low(36.0, on_battery=on_battery), looks=600)

    alert = trial.open("going_dark")
    assert alert is not None
    assert (alert.code, alert.facts["low"]) == (1042, 36 * 60)  # it tells the time of now, if it is repeated
    assert [line for line in told if line.startswith("cleared going_dark")] == []


def test_a_large_load_that_ends_on_a_pack_that_holds_enough_is_over() -> None:
    trial = Trial()
    full: dict[str, Any] = {"battery_soc": 40.0, "soc_low": 40.0, "soc_high": 42.0}
    trial.hold(example.pack(current=-400.0, empty_in=(700.0, 800.0), **full))
    assert trial.code("going_dark") == 1042

    trial.hold(example.pack(current=-20.0, empty_in=(20_000.0, 21_000.0), **full))

    assert trial.code("going_dark") is None


@pytest.mark.parametrize("current", [0.0, -0.2, -60.0])
@pytest.mark.parametrize("rule", ["going_dark", "runtime"])
def test_nothing_is_foretold_of_a_pack_that_is_switched_off(rule: str, current: float) -> None:
    trial = Trial()
    off = example.pack(
        current=current,
        discharge_enabled=False,
        battery_soc=7.0,
        soc_low=7.0,
        soc_high=9.0,
        empty_in=(600.0, 900.0),
    )

    trial.hold(off)

    assert trial.code(rule) is None


def test_what_was_foretold_is_not_repeated_while_it_is_so() -> None:
    trial = Trial(repeat_hours=12)
    trial.hold(low(10.0), looks=20)
    for _ in range(20):
        trial.now += 5.0
        trial.engine.look("house", inverter(load_voltage=0.0), _moment(trial.now))

    told = trial.hold(example.pack(**DEAD)._replace(powered=False), looks=2000)

    assert [line for line in told if "going_dark" in line or "runtime" in line] == []
    assert "repeat house_dark 2012" in told


def test_a_lost_grid_is_not_repeated_while_the_house_is_dark() -> None:
    trial = Trial(repeat_hours=1)
    trial.hold(example.inverter())
    lost = example.inverter(grid=LOST, grid_voltage=0.0)
    assert "repeat grid_lost 2001" in trial.hold(lost, looks=1500)
    trial.hold(inverter(load_voltage=0.0), looks=20)

    told = trial.hold(lost, looks=1500)

    assert [line for line in told if "grid_lost" in line] == []
    assert trial.code("grid_lost") == 2001


# The same kind in the other rules


def test_a_switch_that_is_off_and_explained_meanwhile_is_not_on_again() -> None:
    trial = Trial()
    trial.hold(example.pack(discharge_enabled=False, current=0.0))

    told = trial.hold(
        example.pack(discharge_enabled=False, current=0.0, **example.with_cell(3, 2.7, 3.0)), looks=50
    )

    assert trial.code("switch_off") == 1045
    assert not any("cleared switch_off" in line for line in told)


def test_a_grid_that_nobody_knows_of_makes_no_switch_less_bad() -> None:
    trial = Trial()
    off = example.pack(discharge_enabled=False, current=0.0)
    trial.hold(off)

    trial.hold(off._replace(on_battery=None))

    assert trial.code("switch_off") == 1045


def test_an_alarm_that_is_no_news_any_more_is_not_taken_back() -> None:
    trial = Trial()
    one_ahead: dict[str, Any] = {"cell_voltages": (3.45,) * 15 + (3.60,)}
    trial.hold(example.pack(current=0.0, charge_enabled=False, alarms=("cell_overvoltage",), **one_ahead))
    assert trial.open("bms_alarm") is not None

    all_full: dict[str, Any] = {"cell_voltages": (3.56,) * 15 + (3.59,)}
    trial.hold(example.pack(current=0.0, charge_enabled=False, alarms=("cell_overvoltage",), **all_full))
    assert trial.open("bms_alarm") is not None
    trial.hold(example.pack(current=0.0, alarms=(), **all_full))
    assert trial.open("bms_alarm") is None


def test_a_hot_probe_that_falls_out_has_not_cooled_down() -> None:
    trial = Trial()
    trial.hold(example.pack(temperatures=(31.0, 54.5)))

    trial.hold(example.pack(temperatures=(31.0,)))

    assert trial.code("cell_hot") == 1010
    assert trial.code("temperature_spread") == 1037


def test_a_wire_that_is_not_measured_any_more_has_not_become_better() -> None:
    trial = Trial()
    trial.hold(example.pack(cell_resistances=(0.06,) * 15 + (0.62,)))

    trial.hold(example.pack(cell_resistances=(0.06,) * 15))

    assert trial.code("wire") == 1018


def test_a_current_that_the_bms_has_cut_is_not_back_within_its_limits() -> None:
    trial = Trial()
    trial.hold(example.pack(current=150.0))

    trial.hold(example.pack(current=0.0, charge_enabled=False))
    assert trial.code("charge_current") == 1012
    trial.hold(example.pack(current=90.0))
    assert trial.code("charge_current") is None


def test_the_dark_survives_a_restart() -> None:
    before, after = Trial(), Trial()
    before.hold(inverter(load_voltage=0.0))
    after.engine.restore(json.loads(json.dumps(before.engine.state())))
    after.now = before.now

    assert after.hold(HouseView(None, stale=True)) == []
    assert after.code("house_dark") == 2012
    assert after.hold(inverter(PRESENT)) == ["cleared house_dark 2012"]


def _moment(at: float) -> Any:
    from jk_bms.rules.base import Moment

    return Moment(at, datetime(2026, 12, 1, tzinfo=UTC) + timedelta(seconds=at))


# 1003


@pytest.mark.parametrize(
    ("changes", "view", "raised"),
    [
        ({}, {"could_be_charged": True, "on_battery": False}, True),
        ({}, {"could_be_charged": True, "on_battery": True}, True),  # more sun than load
        ({}, {"could_be_charged": None, "on_battery": None}, False),
        ({}, {"could_be_charged": False}, False),
        ({"current": 0.6}, {"could_be_charged": True}, False),
        ({"current": 0.5}, {"could_be_charged": True}, True),
        ({"current": None}, {"could_be_charged": True}, False),
        ({"battery_soc": 30.0}, {"could_be_charged": True}, False),
        ({"battery_soc": 24.0}, {"could_be_charged": True}, False),  # then 1002 says it
    ],
)
def test_low_and_not_charged(changes: dict[str, Any], view: dict[str, Any], raised: bool) -> None:
    trial = Trial()

    told = trial.hold(example.pack(**({"battery_soc": 27.0, "current": 0.0} | changes))._replace(**view))

    assert ("raised not_charged 1003" in told) is raised


def test_low_and_not_charged_needs_ten_minutes_and_ends_with_a_charge() -> None:
    trial = Trial()
    view = example.pack(battery_soc=27.0, current=0.0)._replace(could_be_charged=True, on_battery=False)

    assert trial.hold(view, looks=120) == []
    assert trial.hold(view, looks=2) == ["raised not_charged 1003"]
    assert trial.hold(view._replace(could_be_charged=None), looks=50) == []
    charged = example.pack(battery_soc=27.0, current=5.0)._replace(could_be_charged=True, on_battery=False)
    assert trial.hold(charged, looks=20) == ["cleared not_charged 1003"]
