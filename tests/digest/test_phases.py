"""Times on battery and full charges, told by the level: the golden logs and the edges of the rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.bot.stat_log import read_lines
from jk_bms.digest.phases import Level, Phase, find_phases, lowest

KYIV = ZoneInfo("Europe/Kyiv")
GOLDEN = Path(__file__).parent / "golden"
START = datetime(2026, 1, 15, tzinfo=UTC)


def logged(name: str) -> list[Level]:
    lines = read_lines(GOLDEN / f"{name}.log", KYIV)
    return [Level(line.at, line.level) for line in lines if line.level is not None]


def measured(*levels: float) -> list[Level]:
    """A measurement every ten minutes."""
    return [Level(START + timedelta(minutes=10 * n), level) for n, level in enumerate(levels)]


def told(phase: Phase) -> tuple[str, float, float, str, str | None, str | None]:
    start, low, end, full = phase.start, phase.low, phase.end, phase.full_at
    return (
        f"{start.at:%H:%M}",
        start.level,
        low.level,
        f"{low.at:%H:%M}",
        None if end is None else f"{end:%H:%M}",
        None if full is None else f"{full:%H:%M}",
    )


@pytest.mark.parametrize(
    ("name", "phases", "minimum"),
    [
        ("none", [], (96.4, "09:00")),
        ("one", [("09:30", 100.0, 46.0, "14:00", "14:10", "18:00")], (46.0, "14:00")),
        (
            "three",
            [
                ("01:00", 100.0, 61.0, "05:00", "05:10", "08:00"),
                ("09:00", 100.0, 71.2, "12:00", "12:10", None),
                ("13:30", 84.4, 38.9, "16:30", "16:40", "20:00"),
            ],
            (38.9, "16:30"),
        ),
    ],
)
def test_golden_logs_give_exact_numbers(
    name: str, phases: list[tuple[object, ...]], minimum: tuple[float, str]
) -> None:
    levels = logged(name)

    assert len(levels) == 144  # broken lines and other texts are passed over
    assert [told(phase) for phase in find_phases(levels)] == phases
    low = lowest(levels)
    assert low is not None
    assert (low.level, f"{low.at:%H:%M}") == minimum


@pytest.mark.parametrize(
    ("what", "levels", "count"),
    [
        ("nothing measured", [], 0),
        ("one measurement", [50.0], 0),
        ("a fall of 2.9 points", [92.0, 90.0, 89.1, 95.0], 0),
        ("a fall of 3 points", [92.0, 90.0, 89.0, 95.0], 1),
        ("it stays above 90 %", [100.0, 96.0, 92.0, 90.0, 95.0], 0),
        ("just below 90 %", [100.0, 96.0, 92.0, 89.9, 95.0], 1),
        ("half a point up is within tolerance", [95.0, 91.0, 91.5, 87.0, 87.4, 84.0, 90.0], 1),
        ("more than that breaks a fall that is none yet", [92.0, 90.5, 91.1, 89.5, 90.2, 88.6], 0),
        ("a rise of 0.9 points does not end it", [95.0, 85.0, 85.5, 85.9, 80.0], 1),
        ("a rise of 1 point over two measurements does", [95.0, 85.0, 85.5, 86.0, 80.0, 90.0], 2),
        (
            "a sun too weak for that ends it after 3 points",
            [95.0, 80.0, *(80.4 + 0.3 * n for n in range(20)), 70.0],
            2,
        ),
        ("a fall as slow as a day", [95.0 - 0.1 * n for n in range(100)], 1),
    ],
)
def test_edges_of_the_rules(what: str, levels: list[float], count: int) -> None:
    assert len(find_phases(measured(*levels))) == count, what


def test_a_time_on_battery_may_go_on() -> None:
    [phase] = find_phases(measured(100.0, 100.0, 99.8, 95.0, 88.0, 70.0))

    assert (phase.start, phase.end, phase.full_at) == (measured(0, 0, 99.8)[2], None, None)
    assert phase.depth == pytest.approx(29.8)
