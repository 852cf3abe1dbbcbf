"""Random walks: whatever a value does, nobody is told twice, too early, or never."""

import json
from datetime import timedelta
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import NO_WAIT, USUAL_WAIT, Moment, Notice, beyond
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options
from tests.rules.driver import BEGIN, CRITICAL, WARNING, Driver, rule
from tests.rules.table import ROWS, Row
from tests.scale import scaled

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]  # a soak walks for minutes

STEADY = st.sampled_from((0.0, 4.9, 5.0, 7.0, 9.9, 10.0, 12.0, 15.0, 18.0, 20.0, 25.0))
# A value, or that it is not known, for so many looks.
STRETCH = st.tuples(st.one_of(STEADY, st.floats(0.0, 30.0), st.none()), st.integers(1, 12))
WALK = st.lists(STRETCH, min_size=1, max_size=40)
ALWAYS = settings(max_examples=scaled(4000, 200))


def follow(
    walk: list[tuple[float | None, int]], *, restart_after: int | None = None, guard: bool = True
) -> Driver:
    """Feed ``walk``; with ``restart_after`` stretches by another engine that has only the stored state."""
    driver = Driver([rule(flap_wait=USUAL_WAIT if guard else NO_WAIT)])
    for n, (value, looks) in enumerate(walk):
        if n == restart_after:
            after = Driver(
                [rule(flap_wait=USUAL_WAIT if guard else NO_WAIT)],
                state=json.loads(json.dumps(driver.engine.state())),
                at=driver.at,
                time=driver.time,
            )
            after.notices = driver.notices
            driver = after
        driver.see(value, looks)
    return driver


def excursions(walk: list[tuple[float | None, int]]) -> int:
    """How often the value went from the good side to the bad one."""
    count, bad = 0, False
    for value, _ in walk:
        if value is not None and not bad and value >= WARNING.set:
            count, bad = count + 1, True
        elif value is not None and value <= WARNING.clear:
            bad = False
    return count


def raw(notices: list[Notice]) -> list[str]:
    """What happened, told or not."""
    return [f"{notice.what} {notice.alert.severity.word}" for notice in notices]


def without_repeats(notices: list[Notice]) -> list[Notice]:
    return [notice for notice in notices if notice.what != "repeat"]


@ALWAYS
@given(WALK)
def test_each_excursion_is_at_most_one_pair_of_messages(walk: list[tuple[float | None, int]]) -> None:
    driver = follow(walk, guard=False)

    whats = [notice.what for notice in driver.notices if notice.what in ("raised", "cleared")]
    assert whats[0::2] == ["raised"] * len(whats[0::2])
    assert whats[1::2] == ["cleared"] * len(whats[1::2])
    assert len(whats[0::2]) <= excursions(walk)


@ALWAYS
@given(WALK)
def test_with_the_guard_people_hear_of_a_beginning_and_an_end_in_turns(
    walk: list[tuple[float | None, int]],
) -> None:
    told = [notice.what for notice in follow(walk).notices if notice.quiet is None]

    pairs = [
        what for what in told if what not in ("worse", "repeat")
    ]  # one that stands for ten minutes rings again
    assert pairs[0::2] == ["raised"] * len(pairs[0::2])
    assert pairs[1::2] == ["cleared"] * len(pairs[1::2])


@ALWAYS
@given(st.lists(st.floats(0.0, 40.0), min_size=1, max_size=60).map(sorted))
def test_while_it_only_gets_worse_severity_only_grows(values: list[float]) -> None:
    driver = follow([(value, 4) for value in values])

    severities = [notice.alert.severity for notice in driver.notices]
    assert severities == sorted(set(severities))
    assert all(notice.what in ("raised", "worse") for notice in driver.notices)
    open_ones = driver.engine.open()
    if values[-1] >= CRITICAL.set:
        assert open_ones[0].severity is Severity.CRITICAL
    elif values[-1] < WARNING.set:
        assert open_ones == []


@ALWAYS
@given(WALK, st.integers(0, 40))
def test_a_restart_anywhere_changes_nothing(walk: list[tuple[float | None, int]], where: int) -> None:
    straight = follow(walk)
    restarted = follow(walk, restart_after=where)

    assert raw(restarted.notices) == raw(straight.notices)
    assert restarted.quiet() == straight.quiet()
    assert restarted.engine.open() == straight.engine.open()


@ALWAYS
@given(WALK, st.lists(st.integers(0, 40), max_size=5), st.floats(-4e8, 4e8))
def test_the_wall_clock_decides_nothing(
    walk: list[tuple[float | None, int]], where: list[int], step: float
) -> None:
    """It may step at any time: the same is told at the same moments."""
    straight = follow(walk)
    stepping = Driver()
    for n, (value, looks) in enumerate(walk):
        if n in where:
            stepping.time = BEGIN + timedelta(seconds=step + n)
        stepping.see(value, looks)

    assert raw(stepping.notices) == raw(straight.notices)


@ALWAYS
@given(st.lists(WALK, min_size=2, max_size=4))
def test_what_one_part_does_never_touches_another(walks: list[list[tuple[float | None, int]]]) -> None:
    """An open alert never blocks another. What is open is repeated in one message, none of it the later for that."""
    names = [f"p{n}" for n in range(len(walks))]
    values = [[value for value, looks in walk for _ in range(looks)] for walk in walks]
    longest = max(map(len, values))
    values = [each + [None] * (longest - len(each)) for each in values]
    together = Driver()
    alone = [Driver() for _ in walks]

    for row in zip(*values, strict=True):
        words = [f"{name}={'?' if value is None else value}" for name, value in zip(names, row, strict=True)]
        together.see(" ".join(words), looks=1)
        for driver, word in zip(alone, words, strict=True):
            driver.see(word, looks=1)

    for name, driver in zip(names, alone, strict=True):
        mine = [notice for notice in together.notices if notice.alert.part == name]
        assert raw(without_repeats(mine)) == raw(without_repeats(driver.notices))
        reminders = [notice for notice in together.notices if notice.what == "repeat"]
        named = [one for one in reminders if name in (one.alert.part, *(also.part for also in one.also))]
        assert len(named) >= len(driver.notices) - len(without_repeats(driver.notices))


@settings(max_examples=scaled(600, 40))
@given(st.lists(st.tuples(st.sampled_from((0.0, 7.0, 12.0, 22.0)), st.integers(1, 900)), max_size=40))
def test_every_alert_that_stays_is_told_in_the_end(walk: list[tuple[float, int]]) -> None:
    """Start, quiet hours and flapping only put off: whatever stands for a day was told."""
    driver = Driver(startup_delay=180.0, quiet_hours=(BEGIN.time(), (BEGIN + timedelta(hours=9)).time()))
    for value, looks in walk:
        driver.see(value, looks, every=30.0)
    driver.see(12.0, looks=1440, every=60.0)

    (alert,) = driver.engine.open()
    told = [notice.what for notice in driver.notices if notice.quiet is None]
    assert alert.told is not None
    assert told
    assert told[-1] != "cleared"


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"version": 1, "watches": 3}'])
def test_a_torn_state_is_refused_and_the_engine_still_works(text: str) -> None:
    engine = Engine(Options(startup_delay=0), [rule()])
    with pytest.raises((KeyError, TypeError, ValueError)):
        engine.restore(json.loads(text))

    driver = Driver()
    driver.engine = engine
    assert driver.see(12) == ["raised warning"]


# The same for every rule of the list, over the values around its own limits

AROUND = [row for row in ROWS if row.rule != "bms_alarm"]  # whose values are different alarms
BY_NAME = {one.name: one for one in RULES}


def measured(row: Row, value: float) -> float | None:
    """What the rule of ``row`` measures in the view of ``value``; None: nothing bad."""
    looks = BY_NAME[row.rule].look(row.view(value)) or {}
    seen = [look.value for look in looks.values() if look is not None]
    return (max if BY_NAME[row.rule].rising else min)(seen) if seen else None


def walked(row: Row, steps: list[tuple[float, int]]) -> tuple[list[Notice], int]:
    """Let the rule of ``row`` see each value so often; return what came of it, and its excursions."""
    one = BY_NAME[row.rule]
    engine = Engine(Options(startup_delay=0, min_level=Severity.INFO), [one._replace(flap_wait=NO_WAIT)])
    notices: list[Notice] = []
    at, count, bad = 0.0, 0, False
    for value, looks in steps:
        view, seen = row.view(value), measured(row, value)
        for _ in range(looks):
            at += 30.0
            notices += engine.look("x", view, Moment(at, BEGIN + timedelta(seconds=at)))
        mildest = one.grades(view)[-1]
        if seen is not None and beyond(one, seen, mildest.set):
            bad, count = True, count + (not bad)
        elif seen is None or beyond(one._replace(rising=not one.rising), seen, mildest.clear):
            bad = False
    assert engine.faults == {}
    return notices, count


@pytest.mark.parametrize("row", AROUND, ids=lambda row: f"{row.rule}-{row.code}-{row.fires}")
@settings(max_examples=scaled(300, 12))
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 45)), min_size=1, max_size=25))
def test_no_rule_chatters(row: Row, steps: list[tuple[int, int]]) -> None:
    values = (row.quiet, row.fires, row.holds, row.clears)

    notices, most = walked(row, [(values[index], looks) for index, looks in steps])

    whats = [notice.what for notice in notices if notice.what in ("raised", "cleared")]
    assert whats[0::2] == ["raised"] * len(whats[0::2])
    assert whats[1::2] == ["cleared"] * len(whats[1::2])
    assert len(whats[0::2]) <= most


@pytest.mark.parametrize("row", AROUND, ids=lambda row: f"{row.rule}-{row.code}-{row.fires}")
def test_every_rule_only_grows_in_severity_while_it_gets_worse(row: Row) -> None:
    sign = 1.0 if BY_NAME[row.rule].rising else -1.0
    values = {value: measured(row, value) for value in (row.clears, row.quiet, row.holds, row.fires)}
    worse = sorted(values, key=lambda value: sign * seen if (seen := values[value]) is not None else -inf)

    notices, _ = walked(row, [(value, 45) for value in worse])

    severities = [notice.alert.severity for notice in notices]
    assert severities
    assert severities == sorted(set(severities))
    assert {notice.what for notice in notices} <= {"raised", "worse"}
