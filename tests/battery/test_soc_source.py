"""Which state of charge people are shown, and where it is said to come from."""

from datetime import UTC, datetime

import pytest

from jk_bms.battery.curves import DOCUMENTED
from jk_bms.battery.soc_source import SOURCES, soc_to_show, with_shown_soc
from jk_bms.model import Device, Sample


def reading(soc: float | None = 84.0, cells: tuple[float, ...] = (3.30, 3.30)) -> Sample:
    return Sample(
        device=Device(address="one"),
        taken_at=datetime(2026, 12, 1, tzinfo=UTC),
        monotonic=1.0,
        soc=soc,
        cell_voltages=cells,
    )


@pytest.mark.parametrize(
    ("source", "sample", "shown"),
    [
        ("auto", reading(), (84.0, "bms")),
        ("auto", reading(soc=None), (50.0, "curve")),
        ("auto", reading(soc=101.0), (50.0, "curve")),  # implausible
        ("auto", reading(soc=None, cells=()), (None, None)),
        ("bms", reading(), (84.0, "bms")),
        ("bms", reading(soc=None), (None, None)),
        ("curve", reading(), (50.0, "curve")),
        ("curve", reading(cells=()), (None, None)),
        ("counted", reading(), (84.0, "bms")),  # nothing was counted yet
    ],
)
def test_shown(source: str, sample: Sample, shown: tuple[float | None, str | None]) -> None:
    after = with_shown_soc(sample, source=source, curve=DOCUMENTED)

    assert (after.battery_soc, after.battery_soc_source) == shown


@pytest.mark.parametrize(
    ("source", "band", "anchored", "shown"),
    [
        ("auto", (57.0, 65.0), True, (61.0, "counted")),
        ("auto", (41.0, 81.0), True, (61.0, "counted")),
        ("auto", (1.0, 98.0), True, (84.0, "bms")),  # such a count says nothing
        ("auto", (50.0, 80.0), False, (84.0, "bms")),
        ("auto", None, False, (84.0, "bms")),
        ("auto", (20.0, 70.0), True, (61.0, "counted")),  # but that the BMS cannot be right
        ("auto", (20.0, 70.0), False, (61.0, "counted")),
        ("bms", (20.0, 70.0), True, (84.0, "bms")),  # as the owner wants it
        ("counted", (1.0, 98.0), True, (61.0, "counted")),
    ],
)
def test_a_count_is_shown_as_long_as_it_says_something(
    source: str, band: tuple[float, float] | None, anchored: bool, shown: tuple[float, str]
) -> None:
    assert (
        soc_to_show(reading(), source=source, by_curve=50.0, counted=61.0, band=band, anchored=anchored)
        == shown
    )


@pytest.mark.parametrize("source", SOURCES)
def test_the_curve_is_always_told(source: str) -> None:
    """Beside whatever is shown; and nothing else of the sample changes."""
    after = with_shown_soc(reading(), source=source, curve=DOCUMENTED)

    assert after.soc_curve == pytest.approx(50.0)
    assert (after.soc, after.cell_voltages) == (84.0, (3.30, 3.30))
