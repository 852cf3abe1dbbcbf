"""The list of rules is sound: every one has its codes, its order and an example that comes true."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Moment, PackView, Rule
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options
from jk_bms.rules.watch import beyond

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
BY_NAME = {rule.name: rule for rule in RULES}


def moment(seconds: float) -> Moment:
    return Moment(seconds, BEGIN + timedelta(seconds=seconds))


def test_no_two_rules_share_a_name_or_a_code() -> None:
    codes = [{grade.code for grade in rule.grades(rule.example())} for rule in RULES]

    assert len(BY_NAME) == len(RULES)
    assert sum(map(len, codes)) == len(set().union(*codes))


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_grades_are_in_order_and_do_not_end_where_they_begin(rule: Rule) -> None:
    grades = rule.grades(rule.example())

    severities = [grade.severity for grade in grades]
    assert grades
    assert severities == sorted(set(severities), reverse=True)
    for grade in grades:
        assert not beyond(rule, grade.clear, grade.set)
    for worse, milder in pairwise(grades):
        assert beyond(rule, worse.set, milder.set)


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_its_example_raises_its_worst_grade_and_can_be_stored(rule: Rule) -> None:
    engine = Engine(Options(startup_delay=0, min_level=Severity.INFO))
    view = rule.example()

    notices = [n for step in range(140) for n in engine.look("x", view, moment(5.0 * step))]

    mine = [notice for notice in notices if notice.alert.rule == rule.name]
    worst = rule.grades(view)[0]
    assert mine[-1].alert.severity is worst.severity
    assert mine[-1].alert.code == worst.code
    assert engine.faults == {}
    json.dumps(engine.state(), allow_nan=False)


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_every_code_has_a_marked_example(rule: Rule) -> None:
    engine = Engine(Options())
    for grade in {grade.code: grade for grade in reversed(rule.grades(rule.example()))}.values():
        notice = engine.example(grade.code, moment(0.0))

        assert notice.what == "raised"
        assert notice.quiet is None
        assert notice.alert.code == grade.code
        assert notice.alert.severity is grade.severity
        assert notice.alert.facts["test"] is True
    assert engine.open() == []


def test_an_unknown_code_is_refused() -> None:
    engine = Engine(Options())

    assert engine.find(4711) is None
    with pytest.raises(LookupError, match="4711"):
        engine.example(4711, moment(0.0))


@pytest.mark.parametrize(
    "view", [example.pack(), example.inverter(), example.host()], ids=lambda view: type(view).__name__
)
def test_what_is_in_order_raises_nothing(view: object) -> None:
    engine = Engine(Options(startup_delay=0, min_level=Severity.INFO))

    notices = [n for step in range(2000) for n in engine.look("x", view, moment(0.5 * step))]  # type: ignore[arg-type]

    assert notices == []
    assert engine.state()["watches"] == []


def test_a_pack_that_tells_nothing_raises_nothing_and_breaks_no_rule() -> None:
    """Every value of the sample may be missing, and so may all settings."""
    engine = Engine(Options(startup_delay=0))
    whole = example.pack()
    assert whole.sample is not None
    empty = type(whole.sample)(device=whole.device, taken_at=BEGIN, monotonic=0.0)
    views = [
        whole._replace(sample=empty, limits=type(whole.limits)()),
        whole._replace(sample=None, limits=type(whole.limits)()),
        PackView(whole.device, empty, whole.link, whole.chemistry),
    ]

    notices = [n for step in range(60) for view in views for n in engine.look("x", view, moment(step))]

    assert notices == []
    assert engine.faults == {}
