"""The list of rules is sound: every one has its codes, its order and an example that comes true."""

import ast
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

import jk_bms
from jk_bms.model import Sample
from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Moment, PackView, Rule, beyond
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options
from jk_bms.rules.telling import USUAL, telling_of

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


def test_no_rule_reads_the_bits_of_a_make() -> None:
    """What a bit means, only the maker's own part knows; rules read names: ``Sample.alarms``."""
    rules = Path(jk_bms.__file__).parent / "rules"

    assert [path.name for path in rules.glob("*.py") if "problem_code" in path.read_text("utf-8")] == []


# Adding a rule is one file and one row: all that is its own stands in the rule


def test_no_other_part_knows_a_rule_by_its_name() -> None:
    """What must be done for one rule and not for others is a field of ``Rule``, not a list somewhere else."""
    package = Path(jk_bms.__file__).parent
    # What these words mean elsewhere: fields of a sample, a part of the state of a pack, a value in the form that
    # programs of the older monitor read, a form of numbers on the page.
    names = set(BY_NAME) - set(Sample.__struct_fields__) - {"runtime", "charge_current", "wire"}
    places = [
        path
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[:1] != ("rules",)
        and path.relative_to(package).parts[:2] not in (("texts", "en"), ("texts", "uk"))
    ]

    found = {
        f"{path.relative_to(package)}:{node.lineno}: {node.value}"
        for path in places
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }

    assert len(places) > 200
    assert found == set()


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_what_a_rule_says_of_itself_is_so(rule: Rule) -> None:
    facts = {name for look in (rule.look(rule.example()) or {}).values() if look for name in look.facts}
    told = rule.telling

    assert telling_of(rule.name) is told
    assert facts >= {*told.units, *filter(None, [told.listed]), *rule.names}
    assert told.picture in ("", "low", "high", "cells")
    assert not told.picture or rule.scope is PackView
    assert told.picture not in ("low", "high") or (told.picture == "high") is rule.rising
    assert told.state in ("", "grid", "battery")
    assert not told.millivolts or rule.unit == "V"
    assert set(rule.hidden_by) <= set(BY_NAME) - {rule.name}
    assert set(rule.needs) <= set(Sample.__struct_fields__)


def test_a_rule_of_another_version_is_told_in_the_usual_way() -> None:
    assert telling_of("cell_on_fire") is USUAL


def test_of_many_alerts_of_an_empty_battery_it_is_clear_which_says_most() -> None:
    emptying = {rule.emptying.place: rule.name for rule in RULES if rule.emptying is not None}

    assert [emptying[place] for place in sorted(emptying)] == [
        "house_dark",
        "going_dark",
        "emergency",
        "pack_ending",
        "cell_low",
        "pack_low",
        "bms_alarm",
        "runtime",
        "soc_low",
        "not_charged",
        "cell_spread",
    ]
    assert len(emptying) == sum(rule.emptying is not None for rule in RULES)


def test_what_the_house_lives_by_comes_first_in_a_list() -> None:
    first = [rule for rule in RULES if rule.telling.place != USUAL.place]

    ordered = sorted(first, key=lambda rule: rule.telling.place)
    assert [rule.name for rule in ordered] == ["house_dark", "going_dark", "grid_lost"]
    assert all(rule.telling.place < USUAL.place for rule in first)
