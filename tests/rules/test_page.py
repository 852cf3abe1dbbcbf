"""docs/alerts.md and the table of tests know every grade of every rule."""

import re
from pathlib import Path

from jk_bms.rules.catalogue import RULES
from tests.rules.table import ROWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\| (\d{4}) \| ([a-z ]+) \|", re.MULTILINE)


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
