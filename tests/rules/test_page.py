"""docs/alerts.md and the table of tests know every grade of every rule."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jk_bms.rules.catalogue import RULES
from jk_bms.rules.levels import CELLS as LEVELS
from jk_bms.rules.levels import CellLevels
from tests.rules.table import ROWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\| (\d{4}) \| ([a-z ]+) \|", re.MULTILINE)
ROW = re.compile(r"^\| (\d{4}) \|(?:[^|]*\|){2} ([^|]*?) ?\| ([^|]*?) ?\| ([^|]*?) ?\|$", re.MULTILINE)
QUANTITY = re.compile(r"(below |more than |)([\d.]+)(?: (mV|V|°C|%|Ω|s|min|h))?(?=$|,| a cell)")
BASE = {
    None: 1.0,
    "": 1.0,
    "mV": 0.001,
    "V": 1.0,
    "°C": 1.0,
    "%": 1.0,
    "Ω": 1.0,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
}
OF_THE_LIMIT = {1012, 1013, 1014, 1015}  # the page tells shares of the critical limit
BY_UPTIME = {3001}  # over 10 min after the start, not by its own value
CELLS = 16  # of the packs in the examples of rules
# What the page tells in words, or as a distance from another value.
IN_WORDS = {
    "at": {1008, 1009, 1030, 1031, 1032, 1040, 1041, 1045, 1047, 1051, 2001, 2012, 3005, 3006, 3009},
    "over": {1008, 1009, 1020, 1021, 1022, 1023, 1026, 1027, 1030, 1031, 1032, 1040, 1041, 1043, 1045, 1046,
             1047, 1051,
             2001, 2012, 3003, 3004, 3005, 3006, 3009},
}  # fmt: skip
LASTING = {"at once": 0.0, "three samples": 0.0}


def test_the_page_has_each_code_with_its_severity() -> None:
    grades = {(grade.code, grade.severity.word) for rule in RULES for grade in rule.grades(rule.example())}

    told = {(int(code), word) for code, words in LINE.findall(PAGE) for word in words.split(" or ")}

    assert told == grades


def test_every_grade_has_a_row_in_the_table_of_tests() -> None:
    once = {"cycles"}  # it never ends, so it has no such row

    missing = {(rule.name, grade.code) for rule in RULES for grade in rule.grades(rule.example())} - {
        (row.rule, row.code) for row in ROWS
    }

    assert {name for name, _ in missing} == once


def told(text: str) -> tuple[float, float] | None:
    """Return between which values, in base units, the page puts a limit; None where it has words."""
    found = QUANTITY.match(text)
    if not found:
        return None
    how, number, unit = found.groups()
    value = float(number) * BASE[unit] * (CELLS if text.endswith("a cell") else 1)
    dust = 1e-9 * value
    below, above = {"": (dust, dust), "below ": (0.015 * value, -dust), "more than ": (-dust, 0.015 * value)}[
        how
    ]
    return value - below, value + above


def agrees(text: str, value: float) -> bool:
    """Whether ``value`` is what the page tells, where that is a number."""
    between = told(text)
    return between is None or between[0] <= value <= between[1]


def lasting(text: str) -> float:
    """The seconds of the last column."""
    between = told(text)
    return LASTING[text] if between is None else sum(between) / 2


def test_the_page_has_the_limits_of_each_grade() -> None:
    """Where a grade begins, where it is over, how long it must last."""
    rows: dict[int, list[tuple[str, str, str]]] = {}
    for code, at, over, lasts in ROW.findall(PAGE):
        rows.setdefault(int(code), []).append((at, over, lasts))
    in_words: dict[str, set[int]] = {"at": set(), "over": set()}

    for rule in RULES:
        grades = rule.grades(rule.example())
        for grade in grades:
            if grade.code in BY_UPTIME:
                continue
            share = 100.0 / grades[0].set if grade.code in OF_THE_LIMIT else BASE[rule.unit]
            assert any(
                agrees(at, grade.set * share)
                and agrees(over, grade.clear * share)
                and lasting(lasts) == pytest.approx(grade.seconds)
                for at, over, lasts in rows[grade.code]
            ), (grade, rows[grade.code])
            for column, texts in (("at", 0), ("over", 1)):
                if all(told(row[texts]) is None for row in rows[grade.code]):
                    in_words[column].add(grade.code)

    assert in_words == IN_WORDS


def pair(unit: str, digits: int, *values: float) -> str:
    """What the page shows of two limits."""
    scale = 1000.0 if unit == "mV" else 1.0
    return ", ".join(f"{scale * value:.{digits}f} {unit}" for value in values)


# what the page says of a kind of cell, in its order
OF_A_KIND: list[tuple[str, Callable[[CellLevels], str]]] = [
    ("a cell is nearly too full", lambda it: pair("V", 2, it.high_warning.set, it.high_critical.set)),
    ("over", lambda it: pair("V", 2, it.high_warning.clear, it.high_critical.clear)),
    ("before the BMS trips", lambda it: pair("mV", 0, *it.before_trip)),
    ("a cell is nearly empty", lambda it: pair("V", 2, it.low_warning.set, it.low_critical.set)),
    ("over", lambda it: pair("V", 2, it.low_warning.clear, it.low_critical.clear)),
    ("the curve is flat from, to", lambda it: pair("V", 2, *it.middle)),
    ("cells apart there", lambda it: pair("mV", 0, it.middle_warning.set, it.middle_critical.set)),
    ("over", lambda it: pair("mV", 0, it.middle_warning.clear, it.middle_critical.clear)),
    ("the curve is steep below, above", lambda it: pair("V", 2, it.bottom, it.top)),
    ("cells too warm", lambda it: pair("°C", 0, it.hot_warning.set, it.hot_critical.set)),
    ("over", lambda it: pair("°C", 0, it.hot_warning.clear, it.hot_critical.clear)),
    ("charging in frost is", lambda it: "allowed" if it.charge_in_frost else "told"),
    ("pack voltage too high, a cell", lambda it: pair("V", 2, *it.pack_high)),
    ("pack voltage too low, a cell", lambda it: pair("V", 2, *it.pack_low)),
]


def test_the_page_has_the_limits_of_each_kind_of_cell() -> None:
    lines = [
        f"| {what} | {' | '.join(shown(LEVELS[kind]) for kind in ('lfp', 'nmc', 'lto'))} |"
        for what, shown in OF_A_KIND
    ]

    assert set(LEVELS) == {"lfp", "nmc", "lto"}
    assert "\n".join(lines) in PAGE
