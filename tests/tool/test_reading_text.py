"""The page of a reading begins with the lines of the guide, which scripts look for."""

from datetime import UTC, datetime

from jk_bms.model import Device, Sample
from jk_bms.tool.reading_text import reading_text

GUIDE = """\
============================================================
BATTERY STATUS
============================================================
--- Cell Information (Real-time Data) ---
Cell Count: 3
Cell Voltages:
  Cell  1: 3.285V
  Cell  2: 3.282V
  Cell  3: 3.290V

Min Cell: 3.282V
Max Cell: 3.290V
Delta: 0.008V
Average: 3.286V

Total Voltage (from BMS): 52.58V
Current: 5.234A
Temperature: 18.5°C
"""


def sample(**fields: object) -> Sample:
    values = {"device": Device(address="AA:BB:CC:DD:EE:FF"), "monotonic": 0.0} | fields
    return Sample(taken_at=datetime(2026, 12, 1, tzinfo=UTC), **values)  # type: ignore[arg-type]


def test_the_lines_of_the_guide_come_first() -> None:
    text = reading_text(
        sample(
            voltage=52.583,
            current=5.234,
            cell_voltages=(3.285, 3.282, 3.290),
            temperatures=(18.5, 17.0),
            soc=84.0,
        )
    )

    assert text.startswith(GUIDE)
    assert text.removeprefix(GUIDE).splitlines()[:4] == [
        "Lowest Cell: 2",
        "Highest Cell: 3",
        "Power: 275W",
        "SOC: 84%",
    ]


def test_what_is_unknown_is_not_printed() -> None:
    rule = "=" * 60
    named = Device(address="AA:BB:CC:DD:EE:FF", name="Garage")

    assert reading_text(sample()).splitlines() == [rule, "BATTERY STATUS", rule, rule]
    assert reading_text(sample(device=named), remark="0.4 s old").splitlines()[:4] == [
        rule,
        "BATTERY STATUS",
        "Garage",
        "0.4 s old",
    ]
