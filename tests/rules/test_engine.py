"""What the engine adds to the rules: time, silence, memory."""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import LONG_WAIT, NO_WAIT, HostView, Look, Notice
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import GONE, HEARD, Engine
from jk_bms.rules.options import Options
from tests.rules.driver import BEGIN, CRITICAL, DAY, HOUR, WARNING, Driver, rule

BAD, WORSE, BETWEEN, GOOD = 12, 22, 7, 1
KYIV = ZoneInfo("Europe/Kyiv")


def restarted(driver: Driver, *, off: float = 30.0, reboot: bool = False, **changes: Any) -> Driver:
    """Return another engine that goes on from the stored state of ``driver``, ``off`` s later."""
    state = json.loads(json.dumps(driver.engine.state()))
    place: dict[str, Any] = {
        "at": 20.0 if reboot else driver.at + off,
        "time": driver.time + timedelta(seconds=off),
        "boot": "b2" if reboot else "b1",
    }
    return Driver(state=state, **(place | changes))


# From ok to pending to active to clearing to ok


def test_it_is_told_when_confirmed_in_samples_and_in_seconds() -> None:
    assert Driver().see(BAD, looks=2, every=60.0) == []
    assert Driver().see(BAD, looks=3, every=60.0) == ["raised warning"]
    assert Driver().see(BAD, looks=100, every=0.1) == []
    assert Driver().see(BAD, looks=102, every=0.1) == ["raised warning"]


def test_one_good_value_begins_confirming_anew() -> None:
    driver = Driver()

    told = [driver.see(value, looks=2) for value in (BAD, GOOD, BAD, BETWEEN, BAD)]

    assert told == [[]] * 5


def test_a_value_between_the_limits_neither_raises_nor_clears() -> None:
    driver = Driver()

    assert driver.see(BETWEEN, looks=50) == []
    assert driver.see(BAD) == ["raised warning"]
    assert driver.see(BETWEEN, looks=50) == []


def test_a_value_between_the_limits_begins_counting_for_the_end_anew() -> None:
    driver = Driver()
    driver.see(BAD)

    driver.see(GOOD, looks=4)
    driver.see(BETWEEN, looks=1)
    assert driver.see(GOOD, looks=4) == []
    assert driver.see(GOOD, looks=1) == ["cleared warning"]


@pytest.mark.parametrize(("rising", "values"), [(True, (12, 14, 11)), (False, (-12, -14, -11))])
def test_the_worst_is_the_highest_of_what_rises_and_the_lowest_of_what_falls(
    rising: bool, values: tuple[int, ...]
) -> None:
    falling = tuple(grade._replace(set=-grade.set, clear=-grade.clear) for grade in (CRITICAL, WARNING))
    driver = Driver([rule() if rising else rule(rising=False, grades=lambda _: falling)])
    for value in values:
        driver.see(value, looks=3)

    (alert,) = driver.engine.open()
    assert (alert.peak, alert.value) == (values[1], values[2])


# Over only on evidence


def test_a_good_value_that_proves_nothing_ends_nothing_and_makes_nothing_milder() -> None:
    told: list[bool] = []

    def look(view: HostView) -> dict[str, Look]:
        return {"": Look(float(view.disk_path), proof=told == [])}

    driver = Driver([rule(look=look)])
    driver.see(WORSE)
    driver.see(GOOD, looks=4)
    told.append(True)
    assert driver.see(GOOD, looks=50) == []
    assert driver.engine.open()[0].severity is Severity.CRITICAL
    told.clear()
    assert driver.see(GOOD, looks=4) == []  # counted from the first that proves something
    assert driver.see(GOOD, looks=1) == ["cleared critical"]


def test_an_alert_is_not_over_while_the_probe_that_it_names_is_not_measured() -> None:
    seen: tuple[int, ...] = (1, 2)

    def look(view: HostView) -> dict[str, Look]:
        warmest = 2 if 2 in seen else 1
        return {"": Look(float(view.disk_path), {"probe": warmest}, seen=seen)}

    driver = Driver([rule(look=look, names=("probe",))])
    driver.see(BAD)
    seen = (1,)

    assert driver.see(GOOD, looks=50) == []
    assert driver.see(BETWEEN, looks=5) == []
    assert driver.engine.open()[0].facts["probe"] == 2
    seen = (1, 2)
    assert driver.see(GOOD, looks=5) == ["cleared warning"]


def without_probe_2() -> Driver:
    """An engine with an alert that names probe 2, of which no look knows any more."""
    seen: tuple[int, ...] = (1, 2)

    def look(view: HostView) -> dict[str, Look]:
        return {"": Look(float(view.disk_path), {"probe": max(seen)}, seen=seen)}

    driver = Driver([rule(look=look, names=("probe",))], repeat_hours=0)
    driver.see(BAD)
    seen = (1,)
    return driver


@pytest.mark.parametrize("restart", [False, True])
def test_a_probe_that_is_gone_for_good_is_over_when_the_others_are_good(restart: bool) -> None:
    """An unplugged one, or one that an earlier version took for one."""
    driver = without_probe_2()
    assert driver.see(GOOD, looks=59, every=HEARD) == []
    if restart:
        engine = Engine(driver.engine.options, [*driver.engine._rules.values()], boot="b1")
        engine.restore(json.loads(json.dumps(driver.engine.state())))
        driver.engine = engine
    assert driver.see(GOOD, looks=int(GONE / HEARD) - 59, every=HEARD) == []  # not before it is six hours
    assert driver.see(GOOD, looks=5, every=HEARD) == ["cleared warning"]
    ended = driver.notices[-1].alert.facts
    assert (ended["probe"], ended["unmeasured"]) == (2, True)


def test_hours_of_silence_do_not_end_what_is_not_measured() -> None:
    driver = without_probe_2()
    driver.see(GOOD, looks=2)
    driver.wait(10 * GONE)
    assert driver.see(GOOD, looks=50) == []
    assert driver.see(None, looks=100, every=HEARD) == []
    assert len(driver.engine.open()) == 1


def test_another_probe_that_is_bad_takes_the_place_of_one_that_is_gone() -> None:
    driver = without_probe_2()
    driver.see(BETWEEN, looks=int(GONE / HEARD) + 5, every=HEARD)

    assert driver.engine.open()[0].facts["probe"] == 1


def test_it_ends_as_people_know_it_whichever_was_the_worst_meanwhile() -> None:
    worst = 5

    def look(view: HostView) -> dict[str, Look]:
        return {"": Look(float(view.disk_path), {"cell": worst})}

    driver = Driver([rule(look=look)])
    driver.see(BAD)
    worst = 9
    driver.see(BAD)
    assert driver.engine.open()[0].facts == {"cell": 9}

    driver.see(GOOD, looks=5)

    assert driver.notices[-1].what == "cleared"
    assert driver.notices[-1].alert.facts == {"cell": 5}


def test_it_is_over_when_confirmed_in_samples_and_in_seconds() -> None:
    driver = Driver()
    driver.see(BAD)

    assert driver.see(GOOD, looks=4) == []
    assert driver.see(GOOD, looks=1) == ["cleared warning"]
    driver.wait(2 * HOUR)
    driver.see(BAD)
    assert driver.see(GOOD, looks=99, every=0.1) == []


def test_nothing_known_keeps_both_the_alert_and_what_was_counted() -> None:
    driver = Driver()
    driver.see(BAD, looks=2)
    driver.see(None, looks=10)

    assert driver.see(BAD, looks=1) == ["raised warning"]
    driver.see(GOOD, looks=3)
    assert driver.see(None, looks=10) == []
    assert driver.see("nan", looks=10) == []
    assert driver.see("=?", looks=10) == []
    assert driver.see(GOOD, looks=2) == ["cleared warning"]


def test_one_reading_in_two_hours_is_enough_to_confirm() -> None:
    """Somebody who looks so seldom is told late, not never."""
    assert Driver().see(BAD, looks=3, every=2 * HOUR) == ["raised warning"]


def test_a_worse_grade_is_told_at_once_a_milder_one_is_not_told_at_all() -> None:
    driver = Driver()

    assert driver.see(BAD) == ["raised warning"]
    assert driver.see(WORSE) == ["worse critical"]
    assert driver.see(BAD, looks=20) == []
    (alert,) = driver.engine.open()
    assert (alert.severity, alert.code, alert.peak) == (Severity.WARNING, 9001, 22.0)
    assert driver.see(GOOD, looks=5) == ["cleared critical"]


def test_the_worse_grade_hides_the_milder_one() -> None:
    driver = Driver()

    assert driver.see(WORSE) == ["raised critical"]
    assert len(driver.engine.open()) == 1


def test_swinging_around_the_worse_limit_is_told_once() -> None:
    driver = Driver()
    driver.see(WORSE)

    told = [driver.see(value, looks=6) for value in (BAD, WORSE) * 5]

    assert told == [[]] * 10


def test_as_bad_again_after_hours_is_news() -> None:
    driver = Driver()
    driver.see(WORSE)
    driver.see(BAD, looks=6)
    driver.wait(3 * HOUR)

    assert driver.see(WORSE) == ["worse critical"]


def test_the_alert_tells_what_people_want_to_know() -> None:
    driver = Driver()
    driver.see("a=12")
    driver.see("a=14", looks=1)
    driver.see("a=11", looks=1)

    (alert,) = driver.engine.open()
    assert (alert.subject, alert.rule, alert.part, alert.code) == ("box", "level", "a", 9001)
    assert (alert.value, alert.peak, alert.set, alert.clear) == (11.0, 14.0, 10.0, 5.0)
    assert alert.since == BEGIN + timedelta(seconds=5)
    assert alert.facts == {"seen": "11"}


def test_what_was_told_does_not_change_afterwards() -> None:
    driver = Driver()
    driver.see(12)
    driver.see(14, looks=1)

    assert driver.notices[0].alert.value == 12.0
    assert driver.notices[0].alert.facts == {"seen": "12"}


def test_a_part_that_is_not_named_any_more_is_over() -> None:
    driver = Driver()
    driver.see("a=12 b=12")

    assert driver.see("b=12", looks=5) == ["cleared warning"]
    assert [alert.part for alert in driver.engine.open()] == ["b"]


def test_ten_alerts_at_once_all_arrive() -> None:
    rules = [rule(f"level{n}") for n in range(5)]
    driver = Driver(rules)

    told = driver.see("a=12 b=22")

    assert len(told) == 10
    assert len(driver.engine.open()) == 10
    assert driver.engine.open()[0].severity is Severity.CRITICAL


def test_a_rule_that_fails_costs_nobody_else_anything() -> None:
    def broken(_: object) -> dict[str, Look]:
        raise ZeroDivisionError("of a cell count")

    driver = Driver([rule("before"), rule("broken", look=broken), rule("odd", grades=None), rule("after")])

    told = driver.see(BAD)

    assert told == ["raised warning"] * 2
    assert driver.engine.faults["broken"] == "ZeroDivisionError: of a cell count"
    assert "TypeError" in driver.engine.faults["odd"]


def test_fewer_or_more_samples_when_the_owner_wants_them() -> None:
    assert Driver(confirm=1).see(BAD, looks=2, every=30.0) == ["raised warning"]
    assert Driver(confirm=6).see(BAD, looks=5, every=30.0) == []
    assert Driver(confirm=6).see(BAD, looks=6, every=30.0) == ["raised warning"]
    driver = Driver(clear=10)
    driver.see(BAD)
    assert driver.see(GOOD, looks=9) == []
    assert driver.see(GOOD, looks=1) == ["cleared warning"]


def test_milder_than_wanted_is_recorded_and_not_told() -> None:
    driver = Driver(min_level=Severity.ERROR)

    assert driver.see(BAD) == []
    assert driver.see(GOOD, looks=6) == []
    assert driver.quiet() == [("raised", "severity"), ("cleared", "untold")]
    assert driver.see(WORSE) == ["raised critical"]


def test_recovery_is_not_told_to_those_who_do_not_want_it() -> None:
    driver = Driver(cleared_notify=False)
    driver.see(BAD)

    assert driver.see(GOOD, looks=6) == []
    assert driver.quiet() == [("cleared", "off")]
    driver.wait(HOUR)
    assert driver.see(BAD) == ["raised warning"]


# What the owner switched off


def test_a_code_that_is_off_is_never_raised_and_its_milder_one_stands() -> None:
    off = Driver(off=frozenset({9001, 9002}))
    worst_off = Driver(off=frozenset({9002}))
    mild_off = Driver(off=frozenset({9001}))

    assert off.see(WORSE) + off.see(GOOD, looks=6) == []
    assert off.notices == []
    assert worst_off.see(WORSE) == ["raised warning"]
    assert mild_off.see(BAD) == []
    assert mild_off.see(WORSE) == ["raised critical"]
    assert mild_off.see(BAD, looks=6) == ["cleared critical"]


def test_an_open_alert_that_is_switched_off_is_gone_without_a_word() -> None:
    """That it is over would not be true."""
    driver = Driver()
    driver.see(BAD)
    driver = Driver(state=driver.engine.state(), at=driver.at, time=driver.time, off=frozenset({9001}))

    assert driver.engine.open() == []
    assert driver.see(BAD, looks=20) == []
    assert driver.notices == []


# Repeats


def test_an_open_alert_is_told_again_after_exactly_twelve_hours() -> None:
    driver = Driver()
    driver.see(BAD, looks=3)

    assert driver.wait(12 * HOUR - 1) == []
    assert driver.wait(1) == ["repeat warning"]
    assert driver.wait(12 * HOUR - 1) == []
    assert driver.wait(1) == ["repeat warning"]


@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_a_restart_moves_no_repeat(reboot: bool) -> None:
    driver = Driver()
    driver.see(BAD, looks=3)
    driver.wait(5 * HOUR)
    driver = restarted(driver, off=HOUR, reboot=reboot)

    assert driver.wait(0) == []
    assert driver.wait(6 * HOUR - 1) == []
    assert driver.wait(1) == ["repeat warning"]


MINUTE = 60.0
PAUSES = (10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, 12 * HOUR)


def acknowledge(driver: Driver) -> Notice | None:
    return driver.engine.acknowledge("box", "level", "", by="Olena", now=driver.now)


def test_a_critical_alert_is_repeated_with_growing_pauses_until_somebody_has_seen_it() -> None:
    driver = Driver()
    driver.see(WORSE, looks=3)

    for pause in PAUSES:
        assert driver.wait(pause - 1) == []
        assert driver.wait(1) == ["repeat critical"]


@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_what_an_owner_has_seen_is_repeated_as_seldom_as_all_else(reboot: bool) -> None:
    driver = Driver()
    driver.see(WORSE, looks=3)
    driver.wait(10 * MINUTE)
    notice = acknowledge(driver)
    driver = restarted(driver, reboot=reboot, off=MINUTE)
    driver.wait(0)

    assert notice is not None
    assert (notice.what, notice.silent, notice.alert.acknowledged_by) == ("acknowledged", True, "Olena")
    assert driver.engine.open()[0].acknowledged_by == "Olena"
    assert driver.wait(12 * HOUR - MINUTE - 1) == []
    assert driver.wait(1) == ["repeat critical"]


def test_it_is_acknowledged_once() -> None:
    driver = Driver()
    driver.see(WORSE)

    assert acknowledge(driver) is not None
    assert acknowledge(driver) is None


def test_what_is_over_cannot_be_acknowledged() -> None:
    driver = Driver()
    with pytest.raises(LookupError, match="'level'"):
        acknowledge(driver)


def test_something_worse_is_not_acknowledged_with_it() -> None:
    driver = Driver()
    driver.see(BAD)
    acknowledge(driver)

    assert driver.see(WORSE) == ["worse critical"]
    assert driver.engine.open()[0].acknowledged is None
    assert driver.wait(10 * MINUTE) == ["repeat critical"]


def test_what_comes_back_is_to_be_seen_again() -> None:
    driver = Driver()
    driver.see(WORSE)
    acknowledge(driver)
    driver.see(GOOD, looks=6)
    driver.wait(HOUR)

    assert driver.see(WORSE, looks=3) == ["raised critical"]
    assert driver.wait(10 * MINUTE) == ["repeat critical"]


def test_a_mute_keeps_the_repeats_quiet_and_is_no_acknowledgement() -> None:
    driver = Driver()
    driver.see(WORSE, looks=3)
    mute(driver, hours=8.0)

    assert driver.wait(7.9 * HOUR) == []
    assert driver.engine.open()[0].acknowledged is None
    assert driver.wait(0.2 * HOUR) == ["repeat critical"]
    assert driver.wait(30 * MINUTE) == ["repeat critical"]


def test_a_rule_may_repeat_seldom_and_without_a_sound() -> None:
    driver = Driver([rule(rings_again=False)])
    driver.see(WORSE, looks=3)
    assert driver.wait(11 * HOUR) == []
    driver.wait(HOUR)

    assert [(notice.what, notice.silent) for notice in driver.notices] == [
        ("raised", False),
        ("repeat", True),
    ]


# Of many one


def codes(notice: Notice) -> list[str]:
    """The parts that a notice names, the first of all first."""
    return [notice.alert.part, *(alert.part for alert in notice.also)]


def test_all_that_is_urgent_is_repeated_in_one_message() -> None:
    driver = Driver()
    driver.see("a=22 b=12", looks=3)
    driver.wait(5 * MINUTE)
    driver.see("a=22 b=12 c=23", looks=3)
    driver.notices.clear()

    driver.wait(10 * MINUTE)
    (notice,) = driver.notices
    assert (notice.what, notice.silent, codes(notice)) == ("repeat", False, ["a", "c"])
    assert driver.wait(25 * MINUTE) == []
    assert driver.wait(5 * MINUTE) == ["repeat critical"]


def test_what_an_owner_has_seen_or_muted_is_not_named_again() -> None:
    driver = Driver()
    driver.see("a=22 b=22 c=22", looks=3)
    driver.engine.acknowledge("box", "level", "a", by="Olena", now=driver.now)
    driver.engine.mute("box", "level", "b", until_cleared=True, now=driver.now)
    driver.notices.clear()
    driver.wait(10 * MINUTE)

    assert [codes(notice) for notice in driver.notices] == [["c"]]


def test_one_press_is_for_all_that_is_urgent() -> None:
    driver = Driver()
    driver.see("a=22 b=12 c=23", looks=3)

    notice = driver.engine.acknowledge_all(by="Olena", now=driver.now)

    assert notice is not None
    assert (notice.silent, codes(notice)) == (True, ["a", "c"])
    assert {alert.acknowledged_by for alert in (notice.alert, *notice.also)} == {"Olena"}
    assert driver.engine.acknowledge_all(by="Petro", now=driver.now) is None
    assert driver.wait(11 * HOUR) == []


def test_it_is_not_said_to_go_on_while_it_may_be_over() -> None:
    driver = Driver()
    driver.see(WORSE, looks=3)
    driver.wait(9 * MINUTE)

    assert driver.see(GOOD, looks=4, every=30.0) == []
    assert driver.see(WORSE, looks=1) == ["repeat critical"]
    driver.see(GOOD, looks=1)
    assert driver.wait(31 * MINUTE) == ["repeat critical"]  # the good value is of long ago


def test_what_is_being_mended_is_not_urgent() -> None:
    calm = True

    def look(view: HostView) -> dict[str, Look]:
        return {"": Look(float(view.disk_path), calm=calm)}

    driver = Driver([rule(look=look)])
    driver.see(WORSE, looks=3)
    assert driver.wait(HOUR) == []
    calm = False
    assert driver.see(WORSE, looks=1) == ["repeat critical"]


EMPTYING = {one.name: one.emptying for one in RULES}


def emptying(name: str, **changes: Any) -> Any:
    """A rule read from its own word of the view, which says as much of an emptying battery as ours of that name."""

    def look(view: HostView) -> dict[str, Look]:
        return {"": Look(value)} if (value := dict(_words(view)).get(name)) is not None else {}

    def known(view: HostView) -> dict[str, Look] | None:
        return look(view) if view.disk_path else None

    changes = {"look": known, "emptying": EMPTYING.get(name)} | changes
    return rule(name, **changes)


def _words(view: HostView) -> list[tuple[str, float]]:
    return [(word.partition("=")[0], float(word.partition("=")[2])) for word in view.disk_path.split()]


def test_of_one_cause_the_worst_is_told_and_the_rest_is_listed() -> None:
    driver = Driver([emptying("soc_low"), emptying("cell_low"), emptying("runtime")])

    assert driver.see("soc_low=12") == ["raised warning"]
    assert driver.see("soc_low=12 cell_low=22") == ["raised critical"]
    assert driver.see("soc_low=22 cell_low=22 runtime=22") == []
    assert driver.quiet() == [("worse", "grouped"), ("raised", "grouped")]
    assert {alert.rule for alert in driver.engine.listed()} == {"soc_low", "cell_low", "runtime"}
    driver.notices.clear()
    driver.wait(10 * MINUTE)
    (notice,) = driver.notices
    assert {one.rule for one in (notice.alert, *notice.also)} == {"soc_low", "cell_low", "runtime"}


def test_what_remains_when_the_worst_is_over_is_told() -> None:
    driver = Driver([emptying("cell_low"), emptying("runtime")])
    driver.see("cell_low=22 runtime=12")
    driver.see("cell_low=22 runtime=22")

    assert driver.see("runtime=22", looks=6) == ["cleared critical", "raised critical"]


def test_another_cause_is_told_beside_it() -> None:
    driver = Driver([emptying("cell_low"), emptying("cell_hot")])

    assert driver.see("cell_low=22 cell_hot=12") == ["raised critical", "raised warning"]


def test_what_says_nothing_more_is_not_even_listed_and_ends_with_the_other() -> None:
    driver = Driver([emptying("runtime", hidden_by=("going_dark",)), emptying("going_dark")])
    driver.see("runtime=22")

    assert driver.see("runtime=22 going_dark=22") == ["raised critical"]
    assert [alert.rule for alert in driver.engine.listed()] == ["going_dark"]
    assert {alert.rule for alert in driver.engine.open()} == {"runtime", "going_dark"}
    assert driver.see("", looks=6) == []  # nothing is known
    assert driver.see("other=0", looks=6) == ["cleared critical"]
    assert driver.engine.open() == []


def test_what_stays_when_the_other_is_over_is_listed_again() -> None:
    driver = Driver([emptying("runtime", hidden_by=("going_dark",)), emptying("going_dark")])
    driver.see("runtime=22")
    driver.see("runtime=22 going_dark=22")

    assert driver.see("runtime=22", looks=6) == ["cleared critical"]
    assert [alert.rule for alert in driver.engine.listed()] == ["runtime"]
    driver.wait(20 * MINUTE)
    assert driver.see("other=0", looks=6) == ["cleared critical"]


def test_what_another_rule_says_better_is_not_told_while_that_stands() -> None:
    one, other = rule("one"), rule("other", hidden_by=("one",))
    driver = Driver([one, other])

    assert driver.see(BAD) == ["raised warning"]
    assert driver.quiet() == [("raised", "hidden")]


def test_no_repeats_when_the_owner_wants_none() -> None:
    driver = Driver(repeat_hours=0)
    driver.see(BAD)

    assert driver.wait(30 * DAY) == []


def test_a_stepping_wall_clock_neither_repeats_nor_forgets() -> None:
    driver = Driver()
    driver.see(BAD, looks=3)
    for step in (40 * DAY, -80 * DAY, 365 * DAY, -325 * DAY):
        driver.time += timedelta(seconds=step)
        assert driver.wait(HOUR) == []

    assert driver.wait(8 * HOUR - 1) == []
    assert driver.wait(1) == ["repeat warning"]


def test_after_a_power_cut_with_a_wrong_clock_a_repeat_waits_until_the_clock_is_right() -> None:
    """Switched off for a day, awake in 1970: how long it was is known only when the network told."""
    driver = Driver()
    driver.see(BAD)
    driver.wait(HOUR)
    right = driver.time + timedelta(days=1)
    driver = restarted(driver, reboot=True, time=datetime(1970, 1, 1, tzinfo=UTC), trusted=False)

    assert driver.wait(10.0) == []
    assert driver.wait(HOUR) == []
    driver.time, driver.trusted = right, True
    assert driver.wait(1.0) == ["repeat warning"]
    assert driver.wait(HOUR) == []


def test_two_power_cuts_with_a_wrong_clock_hurry_nothing() -> None:
    driver = Driver()
    driver.see(BAD)
    wrong = datetime(1970, 1, 1, tzinfo=UTC)
    driver = restarted(driver, reboot=True, time=wrong, trusted=False)
    driver.wait(5 * HOUR)
    driver = restarted(driver, boot="b3", at=5.0, time=wrong, trusted=False)
    driver.wait(0.0)
    driver.time, driver.trusted = BEGIN + timedelta(hours=11), True

    assert driver.wait(1.0) == []
    assert driver.wait(2 * HOUR) == ["repeat warning"]


def test_the_date_of_an_alert_is_put_right_with_the_clock() -> None:
    driver = Driver(time=datetime(1970, 1, 1, tzinfo=UTC), trusted=False)
    driver.see(BAD, looks=3)
    driver.wait(600.0)
    driver.time, driver.trusted = BEGIN, True
    driver.wait(0.0)

    (alert,) = driver.engine.open()
    assert alert.since == BEGIN - timedelta(seconds=610)


# Since when, and for how long


def lasted(driver: Driver) -> float | None:
    """What the last notice says of it."""
    return driver.notices[-1].alert.lasted


def test_it_lasts_from_the_first_bad_look_to_the_first_good_one() -> None:
    driver = Driver([rule(clear_seconds=600.0)])
    driver.see(BAD, looks=61)

    assert driver.notices[0].alert.since == BEGIN + timedelta(seconds=5)
    assert driver.notices[0].alert.lasted is None
    assert driver.see(GOOD, looks=121) == ["cleared warning"]
    assert lasted(driver) == 305.0


def test_it_is_bad_since_the_milder_limit_was_crossed() -> None:
    driver = Driver()
    driver.see(BAD, looks=2)

    assert driver.see(WORSE, looks=3) == ["raised warning", "worse critical"]
    assert [notice.alert.since for notice in driver.notices] == [BEGIN + timedelta(seconds=5)] * 2


def test_an_age_counts_from_its_own_beginning() -> None:
    driver = Driver([rule(age=True)])
    driver.see(1800, looks=3)

    assert driver.notices[0].alert.since == BEGIN + timedelta(seconds=15 - 1800)
    driver.see(GOOD, looks=5)
    assert lasted(driver) == 1805.0


def test_what_ended_at_night_lasted_no_longer_because_it_is_told_in_the_morning() -> None:
    driver = night()
    driver.see(BAD)
    driver.wait(3 * HOUR)
    driver.see(GOOD, looks=6)

    assert driver.wait(8 * HOUR) == ["cleared warning"]
    assert lasted(driver) == 3 * HOUR + 20.0


@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_a_restart_moves_no_beginning(reboot: bool) -> None:
    driver = Driver([rule(age=True)])
    driver.see(1800, looks=3)
    state = json.loads(json.dumps(driver.engine.state()))
    place = {"boot": "b2", "at": 20.0} if reboot else {"at": driver.at + HOUR}
    driver = Driver([rule(age=True)], state=state, time=driver.time + timedelta(hours=1), **place)

    driver.see(GOOD, looks=5)
    assert lasted(driver) == pytest.approx(1800.0 + HOUR + 5.0, abs=0.01)
    assert driver.notices[-1].alert.since == BEGIN + timedelta(seconds=15 - 1800)


def test_what_was_stored_before_beginnings_were_kept_can_be_read() -> None:
    driver = Driver()
    driver.see(BAD, looks=3)
    state = json.loads(json.dumps(driver.engine.state()))
    for *_, watch in state["watches"]:
        del watch["began"], watch["alert"]["lasted"]
    driver = Driver(state=state, at=driver.at, time=driver.time)

    assert driver.see(GOOD, looks=5) == ["cleared warning"]
    assert lasted(driver) == 5.0


# Quiet times


def test_after_the_start_nobody_is_told_until_it_is_clear_what_stays() -> None:
    driver = Driver(startup_delay=180.0)

    assert driver.see("a=12 b=22") == []
    assert driver.see("a=12 b=1", looks=6) == []
    assert driver.quiet() == [("raised", "startup"), ("raised", "startup"), ("cleared", "untold")]
    assert driver.wait(134.0) == []
    assert driver.wait(1.0) == ["raised warning"]
    assert driver.see("a=1", looks=6) == ["cleared warning"]


def test_what_ends_in_the_quiet_time_after_the_start_is_told_afterwards() -> None:
    """People were told of it before the restart."""
    driver = Driver()
    driver.see(BAD)
    driver = restarted(driver, startup_delay=180.0)

    assert driver.see(GOOD, looks=10) == []
    assert driver.wait(180.0) == ["cleared warning"]
    assert driver.wait(DAY) == []


QUIET = (time(22, 0), time(7, 0))


def night(**options: Any) -> Driver:
    """An engine at 21:00 in Kyiv, with quiet hours from 22:00 to 07:00 there."""
    evening = datetime(2026, 12, 1, 21, 0, tzinfo=KYIV).astimezone(UTC)
    return Driver(time=evening, quiet_hours=QUIET, zone=KYIV, **options)


def test_at_night_only_the_critical_is_told_the_rest_in_the_morning() -> None:
    driver = night()
    driver.wait(2 * HOUR)

    assert driver.see("a=12 b=12 c=22") == ["raised critical"]
    driver.engine.acknowledge("box", "level", "c", by="Olena", now=driver.now)
    assert driver.see("a=12 b=1 c=22", looks=6) == []
    assert driver.wait(8 * HOUR - 120) == []
    assert driver.wait(120) == ["raised warning"]
    assert [(alert.part, alert.told is not None) for alert in driver.engine.open()] == [
        ("c", True),
        ("a", True),
    ]


def test_what_was_told_in_the_evening_and_ends_at_night_is_closed_in_the_morning() -> None:
    driver = night()
    assert driver.see(BAD) == ["raised warning"]
    driver.wait(3 * HOUR)

    assert driver.see(GOOD, looks=6) == []
    assert driver.wait(8 * HOUR) == ["cleared warning"]


def test_what_ends_and_begins_again_at_night_is_still_the_same_in_the_morning() -> None:
    driver = night()
    driver.see(BAD)
    driver.wait(3 * HOUR)
    driver.see(GOOD, looks=6)
    driver.wait(2 * HOUR)

    assert driver.see(BAD) == []
    assert driver.wait(5 * HOUR) == []
    assert driver.see(GOOD, looks=6) == ["cleared warning"]


def test_a_repeat_waits_for_the_morning() -> None:
    driver = night(repeat_hours=4.0)
    driver.see(BAD)

    assert driver.wait(5 * HOUR) == []
    assert driver.wait(5 * HOUR) == ["repeat warning"]


def test_getting_critical_passes_the_quiet_hours() -> None:
    driver = night()
    driver.see(BAD)
    driver.wait(3 * HOUR)

    assert driver.see(WORSE) == ["worse critical"]


def test_a_wrong_clock_knows_no_quiet_hours() -> None:
    driver = night()
    driver.trusted = False
    driver.wait(3 * HOUR)

    assert driver.see(BAD) == ["raised warning"]


def test_quiet_hours_within_a_day() -> None:
    options = Options(quiet_hours=(time(12, 0), time(14, 30)))

    assert [options.in_quiet_hours(t) for t in (time(11, 59), time(12), time(14, 29), time(14, 30))] == [
        False,
        True,
        True,
        False,
    ]


# Mutes


def mute(driver: Driver, *, hours: float | None = None, part: str = "") -> None:
    until = None if hours is None else driver.time + timedelta(hours=hours)
    driver.engine.mute("box", "level", part, until=until, until_cleared=hours is None, now=driver.now)


def test_muted_for_hours_nothing_is_told_and_what_still_stands_is_repeated_afterwards() -> None:
    driver = Driver(repeat_hours=1.0)
    driver.see(BAD)
    mute(driver, hours=8.0)

    (alert,) = driver.engine.open()
    assert alert.muted_until == driver.time + timedelta(hours=8)
    assert driver.wait(7.9 * HOUR) == []
    assert driver.wait(0.2 * HOUR) == ["repeat warning"]
    assert driver.engine.open()[0].muted_until is None


def test_the_end_of_a_muted_alert_is_told_since_its_beginning_was() -> None:
    driver = Driver()
    driver.see(BAD)
    mute(driver, hours=8.0)

    assert driver.see(GOOD, looks=6) == ["cleared warning"]
    driver.wait(HOUR)
    assert driver.see(BAD) == []
    assert driver.quiet() == [("raised", "muted")]


def test_muted_until_it_is_over_and_no_longer() -> None:
    driver = Driver(repeat_hours=1.0)
    driver.see(BAD)
    mute(driver)

    assert driver.engine.open()[0].muted_until_cleared
    assert driver.wait(30 * HOUR) == []
    assert driver.see(GOOD, looks=6) == ["cleared warning"]
    driver.wait(HOUR)
    assert driver.see(BAD) == ["raised warning"]


def test_something_worse_breaks_a_mute() -> None:
    driver = Driver()
    driver.see(BAD)
    mute(driver, hours=8.0)

    assert driver.see(WORSE) == ["worse critical"]


def test_a_mute_can_be_taken_back() -> None:
    driver = Driver(repeat_hours=1.0)
    driver.see(BAD)
    mute(driver, hours=8.0)
    driver.engine.unmute("box", "level", "")

    assert driver.wait(HOUR) == ["repeat warning"]


def test_a_mute_survives_a_restart() -> None:
    driver = Driver(repeat_hours=1.0)
    driver.see(BAD)
    mute(driver, hours=8.0)
    driver = restarted(driver, reboot=True, off=HOUR, repeat_hours=1.0)

    assert driver.wait(6.9 * HOUR) == []
    assert driver.wait(0.2 * HOUR) == ["repeat warning"]


def test_what_is_over_already_cannot_be_muted_until_it_is_over() -> None:
    driver = Driver()
    mute(driver)

    assert driver.see(BAD) == ["raised warning"]


def test_a_mute_names_a_rule_and_an_end() -> None:
    engine = Driver().engine

    with pytest.raises(LookupError, match="'levle'"):
        engine.mute("box", "levle", "", until_cleared=True, now=Driver().now)
    with pytest.raises(ValueError, match="until when"):
        engine.mute("box", "level", "", now=Driver().now)


# Flapping


def test_what_comes_back_within_ten_minutes_is_counted_not_told() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.see(GOOD, looks=6)

    assert driver.see(BAD) == []
    assert driver.quiet() == [("raised", "flapping")]
    assert driver.engine.open()[0].count == 2


def test_what_comes_back_and_stays_is_told_after_ten_minutes() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.see(GOOD, looks=6)
    driver.see(BAD)

    assert driver.wait(590.0) == []
    assert driver.wait(10.0) == ["raised warning"]
    assert driver.see(GOOD, looks=6) == ["cleared warning"]


def test_what_comes_back_later_is_told() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.see(GOOD, looks=6)
    driver.wait(600.0)

    assert driver.see(BAD) == ["raised warning"]


def test_a_day_of_flapping_is_told_now_and_then() -> None:
    """Two minutes bad, two minutes good: seldom enough to bear, often enough to know."""
    driver = Driver()
    told = []
    for _ in range(360):
        told += driver.see(BAD, looks=24) + driver.see(GOOD, looks=24)

    assert 20 <= len(told) <= 48
    assert told[0::2] == ["raised warning"] * len(told[0::2])
    assert told[1::2] == ["cleared warning"] * len(told[1::2])


def test_flapping_up_to_a_worse_grade_is_told() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.see(GOOD, looks=6)

    assert driver.see(WORSE) == ["raised critical"]


def test_a_critical_one_that_comes_back_and_stays_is_told_after_a_minute() -> None:
    driver = Driver()
    driver.see(WORSE)
    driver.see(GOOD, looks=6)

    assert driver.see(WORSE) == []
    assert driver.quiet() == [("raised", "flapping")]
    assert driver.wait(54.0) == []
    assert driver.wait(1.0) == ["raised critical"]


def test_a_critical_one_waits_no_longer_however_often_it_came() -> None:
    driver = Driver()
    for _ in range(20):
        driver.see(WORSE, looks=6)
        driver.see(GOOD, looks=6)
    driver.see(WORSE)

    assert driver.wait(55.0) == ["raised critical"]


def test_a_rule_may_wait_long_although_it_is_critical() -> None:
    driver = Driver([rule(flap_wait=LONG_WAIT)])
    driver.see(WORSE)
    driver.see(GOOD, looks=6)
    driver.see(WORSE)

    assert driver.wait(590.0) == []
    assert driver.wait(10.0) == ["raised critical"]


def test_a_rule_may_do_without_the_guard() -> None:
    driver = Driver([rule(flap_wait=NO_WAIT)])
    driver.see(BAD)
    driver.see(GOOD, looks=6)

    assert driver.see(BAD) == ["raised warning"]


def test_what_has_been_calm_for_long_is_guarded_as_at_first() -> None:
    """The guard of what came back often is forgotten once it came back late."""
    driver = Driver()
    for _ in range(4):
        driver.see(BAD)
        driver.see(GOOD, looks=6)
    driver.wait(3 * HOUR)
    assert driver.see(BAD) == ["raised warning"]
    driver.see(GOOD, looks=6)
    driver.wait(20 * MINUTE)

    assert driver.see(BAD) == ["raised warning"]


def test_what_comes_back_often_is_guarded_longer() -> None:
    driver = Driver()
    for _ in range(4):
        driver.see(BAD)
        driver.see(GOOD, looks=6)
    driver.wait(20 * MINUTE)

    assert driver.see(BAD) == []


def test_after_a_quiet_day_counting_begins_anew() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.see(GOOD, looks=6)
    driver.wait(DAY)
    driver.see(BAD)

    assert driver.engine.open()[0].count == 1


# Memory


@pytest.mark.parametrize("reboot", [False, True], ids=["restart", "reboot"])
def test_a_restart_sends_nothing_twice_and_forgets_nothing(reboot: bool) -> None:
    driver = Driver()
    driver.see("a=12 b=22")
    before = driver.engine.open()
    driver = restarted(driver, reboot=reboot)

    assert driver.engine.open() == before
    assert driver.see("a=12 b=22", looks=50) == []
    assert driver.see("a=1 b=1", looks=5) == ["cleared warning", "cleared critical"]


def test_a_restart_while_it_is_confirmed_goes_on_confirming() -> None:
    driver = Driver()
    driver.see(BAD, looks=2)
    driver = restarted(driver, off=1.0)

    assert driver.see(BAD, looks=1) == ["raised warning"]


def test_a_restart_before_anything_was_seen_keeps_the_state() -> None:
    driver = Driver()
    driver.see(BAD)
    state = driver.engine.state()
    idle = restarted(driver)

    assert idle.engine.state() == state


def test_a_state_of_somebody_else_is_refused() -> None:
    engine = Engine(Options())
    for state in ({}, {"version": 99}, {"version": 1, "moment": None, "known": [], "watches": [["a"]]}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            engine.restore(state)


def test_rules_that_are_gone_are_forgotten_with_their_alerts() -> None:
    driver = Driver([rule("old"), rule("level")])
    driver.see(BAD)
    driver = restarted(driver)

    assert [alert.rule for alert in driver.engine.open()] == ["level"]


def test_packs_that_were_taken_away_are_forgotten() -> None:
    driver = Driver()
    driver.see(BAD)
    driver.engine.keep({"another"})

    assert driver.engine.open() == []


def test_nothing_is_kept_of_what_was_over_long_ago() -> None:
    driver = Driver()
    driver.see(" ".join(f"{n}=12" for n in range(50)))
    driver.see("0=1", looks=6)
    driver.wait(DAY + 1)

    assert driver.engine.state()["watches"] == []


def test_all_rules_together_are_stored_and_restored() -> None:
    engine = Engine(Options(startup_delay=0))
    driver = Driver()
    for _ in range(140):
        driver.at += 5.0
        for each in RULES:
            engine.look(each.name, each.example(), driver.now)
    other = Engine(Options())
    other.restore(json.loads(json.dumps(engine.state())))

    assert other.open() == engine.open()
    assert len(other.open()) >= len(RULES) - 1
    assert other.look("host", example.host(), driver.now) == []


@pytest.mark.parametrize(
    ("then", "named"), [("20", ["p0", "p1"]), ("0", ["p0"])], ids=["stands", "may be over"]
)
def test_a_reminder_does_not_say_of_what_may_be_over_that_it_goes_on(then: str, named: list[str]) -> None:
    driver = Driver([rule(clear_seconds=60.0)])
    driver.see("p0=20 p1=20", looks=117)

    driver.see(f"p0=20 p1={then}", looks=9)

    (reminder,) = [notice for notice in driver.notices if notice.what == "repeat"]
    assert sorted(one.part for one in (reminder.alert, *reminder.also)) == named
