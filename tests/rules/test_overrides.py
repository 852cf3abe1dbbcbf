"""What the owner wants of one alert otherwise: for one subject, or for all."""

import msgspec
import pytest

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Moment, beyond
from jk_bms.rules.catalogue import RULES, all_codes
from jk_bms.rules.overrides import ALL, BOUNDS, Override, adjusted, in_rule_unit, rule_of, unit_told
from tests.rules.test_rules import BEGIN, Trial

RULE = {rule.name: rule for rule in RULES}
DISK = 3002  # warning, below 9.9 %, over at 12 %


def at(percent: float) -> object:
    return example.host(disk_free=percent / 100)


CASES = {
    # name: (overrides, options, % free, what is told)
    "as the rule says": ({}, {}, 9.0, ["raised disk_full 3002"]),
    "off here": ({"x": {DISK: Override(on=False)}}, {}, 5.0, []),
    "off elsewhere": ({"y": {DISK: Override(on=False)}}, {}, 5.0, ["raised disk_full 3002"]),
    "off for all": ({ALL: {DISK: Override(on=False)}}, {}, 5.0, []),
    "off for all but here": (
        {ALL: {DISK: Override(on=False)}, "x": {DISK: Override(on=True)}}, {}, 5.0, ["raised disk_full 3002"]
    ),
    "ALERTS_OFF but here": (
        {"x": {DISK: Override(on=True)}}, {"off": frozenset({DISK})}, 5.0, ["raised disk_full 3002"]
    ),
    "ALERTS_OFF": ({"x": {DISK: Override(set=20.0)}}, {"off": frozenset({DISK})}, 5.0, []),
    "another limit": ({"x": {DISK: Override(set=20.0, clear=25.0)}}, {}, 19.0, ["raised disk_full 3002"]),
    "not yet at another limit": ({"x": {DISK: Override(set=5.0)}}, {}, 9.0, []),
    "the nearest limit": (
        {ALL: {DISK: Override(set=50.0)}, "x": {DISK: Override(set=5.0)}}, {}, 9.0, []
    ),
    "a limit for all, a time here": (
        {ALL: {DISK: Override(set=50.0)}, "x": {DISK: Override(for_s=5000.0)}}, {}, 40.0, []
    ),
    "another code": ({"x": {3003: Override(on=False)}}, {}, 5.0, ["raised disk_full 3002"]),
}  # fmt: skip


@pytest.mark.parametrize(("overrides", "options", "percent", "told"), CASES.values(), ids=CASES)
def test_what_is_raised(
    overrides: dict[str, dict[int, Override]], options: dict[str, object], percent: float, told: list[str]
) -> None:
    assert Trial(overrides=overrides, **options).hold(at(percent)) == told


def test_it_is_over_at_the_other_limit() -> None:
    trial = Trial(overrides={"x": {DISK: Override(set=20.0, clear=25.0)}})
    trial.hold(at(19))

    assert trial.hold(at(24)) == []
    assert trial.hold(at(25)) == ["cleared disk_full 3002"]


def test_another_severity_is_told_and_kept() -> None:
    trial = Trial(overrides={"x": {DISK: Override(severity=Severity.CRITICAL)}})
    trial.hold(at(5))

    alert = trial.open("disk_full")
    assert alert is not None
    assert alert.severity is Severity.CRITICAL


def test_a_repeat_of_its_own() -> None:
    """Every hour where all others are told every twelve, and never where it says 0."""
    hourly = Trial(overrides={"x": {DISK: Override(repeat_h=1.0)}}, repeat_hours=12)
    never = Trial(overrides={"x": {DISK: Override(repeat_h=0.0)}}, repeat_hours=12)

    assert hourly.hold(at(5), looks=24 * 12, every=300.0).count("repeat disk_full 3002") >= 22
    assert never.hold(at(5), looks=24 * 12, every=300.0) == ["raised disk_full 3002"]


def test_what_is_switched_off_while_it_is_open_is_no_alert_any_more() -> None:
    trial = Trial()
    trial.hold(at(5))
    off = trial.engine.options._replace(overrides={"x": {DISK: Override(on=False)}})

    trial.engine.use(off)

    assert trial.open("disk_full") is None
    assert trial.hold(at(5)) == []
    state = Trial().engine.state()
    trial.engine.restore(state)
    assert trial.open("disk_full") is None


def test_an_open_alert_that_becomes_another_severity_goes_on() -> None:
    trial = Trial()
    trial.hold(at(5))
    trial.engine.use(
        trial.engine.options._replace(overrides={"x": {DISK: Override(severity=Severity.ERROR)}})
    )

    trial.hold(at(5))

    alert = trial.open("disk_full")
    assert alert is not None
    assert alert.severity is Severity.ERROR


# Limits that do not fit each other

SPREAD = RULE["cell_spread"]  # rising: warning 1005, critical 1004
LOW = RULE["cell_low"]  # falling: warning 1007, critical 1006


def limits(grades: tuple[Grade, ...]) -> list[tuple[int, float, float]]:
    return [(grade.code, grade.set, grade.clear) for grade in grades]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, [(1004, 0.2, 0.15), (1005, 0.12, 0.08)]),
        ({1005: Override(set=0.045, clear=0.03)}, [(1004, 0.2, 0.15), (1005, 0.045, 0.03)]),
        ({1005: Override(set=0.05)}, [(1004, 0.2, 0.15), (1005, 0.05, 0.05)]),  # its end moves along
        ({1005: Override(clear=0.15)}, [(1004, 0.2, 0.15), (1005, 0.15, 0.15)]),  # its beginning does
        ({1005: Override(set=0.3, clear=0.2)}, [(1004, 0.2, 0.15)]),  # behind the critical one: never seen
        ({1005: Override(severity=Severity.CRITICAL)}, [(1004, 0.2, 0.15), (1005, 0.12, 0.08)]),
        ({1004: Override(severity=Severity.INFO)}, [(1005, 0.12, 0.08)]),
    ],
)
def test_limits_that_do_not_fit(
    overrides: dict[int, Override], expected: list[tuple[int, float, float]]
) -> None:
    assert limits(adjusted(SPREAD, SPREAD.grades(SPREAD.example()), overrides)) == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("shift", [-0.5, -0.01, 0.0, 0.01, 0.5])
def test_whatever_is_set_the_mildest_is_reached_first(rule: object, shift: float) -> None:
    """The engine looks at the last grade alone to see whether anything begins."""
    rule = next(one for one in RULES if one is rule)
    grades = rule.grades(rule.example())
    for grade in grades:
        for severity in (None, *Severity):
            override = Override(set=grade.set * (1 + shift), severity=severity)
            found = adjusted(rule, grades, {grade.code: override})
            assert found
            assert all(beyond(rule, one.set, found[-1].set) for one in found)
            assert all(beyond(rule, one.set, one.clear) for one in found)
            assert [one.severity for one in found] == sorted((one.severity for one in found), reverse=True)


def test_a_limit_is_written_in_the_unit_of_the_page() -> None:
    assert (unit_told(SPREAD), in_rule_unit(SPREAD, 45.0)) == ("mV", 0.045)
    assert (unit_told(LOW), in_rule_unit(LOW, 2.9)) == ("V", 2.9)
    assert {unit_told(rule) for rule in RULES} - {""} == set(BOUNDS)
    assert all(rule_of(code) for code in all_codes())
    assert rule_of(9999) is None


def test_the_state_of_an_adjusted_alert_is_plain() -> None:
    trial = Trial(overrides={"x": {DISK: Override(severity=Severity.ERROR, set=20.0)}})
    trial.hold(at(15))

    assert msgspec.json.encode(trial.engine.state())
    again = Trial(overrides={"x": {DISK: Override(on=False)}})
    again.engine.restore(trial.engine.state())
    assert again.engine.open() == []
    assert again.engine.tick(Moment(trial.now + 5, BEGIN)) == []
