"""docs/digest.md shows what the program really says."""

from datetime import timedelta
from pathlib import Path

from jk_bms.digest.local_text import local_text
from jk_bms.digest.log_lines import read_line
from jk_bms.texts import language
from tests.digest.test_facts import DAY, House, at
from tests.e2e.house import TOP

EXAMPLES = [
    line.removeprefix("    ")
    for line in (TOP / "docs" / "digest.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("    ")
]


def test_the_digest_is_one_of_the_program(tmp_path: Path) -> None:
    house = House(tmp_path / "bms.db")
    for back in (3, 2, 1):
        house.live(DAY - timedelta(days=back))
    house.live(DAY, blind=("03:00", "03:40"))
    house.grid(DAY, ("10:00", "14:02"), ("21:15", "21:40"))

    text = local_text(house.facts(end=at("23:59")), language("en"))

    assert text.splitlines() == [line for line in EXAMPLES if ";" not in line], text


def test_the_lines_of_the_log_can_be_read() -> None:
    lines = [read_line(line, None) for line in EXAMPLES if ";" in line]

    assert [line and (line.chat, line.level) for line in lines] == [(123456789, None), (None, 95.3)]
