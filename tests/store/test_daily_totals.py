"""What went in and out per day, from the hours of history: any zone, gaps, meters that begin anew."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.errors import StoreError
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, Cut, HistoryStore
from jk_bms.store.history_query import DayTotals, daily_totals
from tests.store.history_rows import PACK, open_store

KWH, OUT_KWH, AH = (BY_NAME[name].id for name in ("charged_kwh", "discharged_kwh", "charged_ah"))
COLUMNS = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, KWH, OUT_KWH, AH)
MINUTE = 60_000
BERLIN = ZoneInfo("Europe/Berlin")


def store_minutes(
    path: Path, start: datetime, hours: int, *, gap: range = range(0), begin_anew: int | None = None
) -> None:
    """A row each minute: in goes 1 Wh a minute, out 2 Wh; in ``gap`` nothing is measured or counted."""
    rows, wh = [], 1000
    for n in range(hours * 60):
        if n in gap:
            continue
        if n == begin_anew:
            wh = 0
        time = int(start.timestamp() * 1000) + n * MINUTE
        rows.append((time, 1, 0, 1, 1, wh, 2 * wh, None))
        wh += 1
    with open_store(path) as own:
        for at in range(0, len(rows), 60):
            HistoryStore(own).commit(Cut([Batch(PACK, MINUTE, COLUMNS, rows[at : at + 60])], {}))


def totals(path: Path, days: int, now: datetime) -> dict[str, DayTotals]:
    with open_store(path) as own:
        return daily_totals(own, PACK, days, now)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia"])
def test_each_day_has_its_own(zone: str, tmp_path: Path) -> None:
    """From the first row's to the middle of today; no day of the zone takes of another."""
    start = datetime(2026, 11, 20, 6, tzinfo=UTC)
    store_minutes(tmp_path / "bms.db", start, 80)
    now = (start + timedelta(hours=80)).astimezone(ZoneInfo(zone))

    found = totals(tmp_path / "bms.db", 5, now)

    expected: dict[str, int] = {}
    for n in range(1, 80 * 60):
        day = (start + timedelta(minutes=n)).astimezone(ZoneInfo(zone)).date().isoformat()
        expected[day] = expected.get(day, 0) + 1
    assert {day: each.charged_kwh for day, each in found.items()} == {
        day: minutes / 1000 for day, minutes in expected.items()
    }
    assert all(each.discharged_kwh == pytest.approx(2 * (each.charged_kwh or 0)) for each in found.values())
    assert {each.charged_ah for each in found.values()} == {None}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_on_which_the_clocks_change(day: date, hours: int, tmp_path: Path) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=BERLIN) - timedelta(hours=2)
    store_minutes(tmp_path / "bms.db", start, 32)

    found = totals(tmp_path / "bms.db", 3, datetime(day.year, day.month, day.day + 1, 5, tzinfo=BERLIN))

    assert found[day.isoformat()].charged_kwh == hours * 60 / 1000


def test_nothing_is_said_of_days_without_rows(tmp_path: Path) -> None:
    """And nothing that was not measured is counted."""
    start = datetime(2026, 11, 20, tzinfo=UTC)
    store_minutes(tmp_path / "bms.db", start, 24 * 4, gap=range(23 * 60, 50 * 60))

    found = totals(tmp_path / "bms.db", 30, start + timedelta(days=3, hours=5))

    assert {day: each.charged_kwh for day, each in found.items()} == {
        "2026-11-20": 23 * 60 / 1000 - 0.001,
        "2026-11-22": 22 * 60 / 1000,
        "2026-11-23": 1.44,
    }


@pytest.mark.parametrize("minute", [24 * 60 + 90, 24 * 60 + 120])
def test_meters_that_began_anew_cost_an_hour_at_most(minute: int, tmp_path: Path) -> None:
    """What they had before is not taken for what came in."""
    start = datetime(2026, 11, 20, tzinfo=UTC)
    store_minutes(tmp_path / "bms.db", start, 48, begin_anew=minute)

    found = totals(tmp_path / "bms.db", 2, start + timedelta(hours=47))

    assert found["2026-11-20"].charged_kwh == pytest.approx(1.44, abs=0.0011)
    assert 1.44 - 0.062 <= (found["2026-11-21"].charged_kwh or 0) <= 1.44


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "bms.db"
    store_minutes(path, datetime(2026, 11, 20, tzinfo=UTC), 1)

    with pytest.raises(ValueError, match="a time with a zone"):
        totals(path, 3, datetime(2026, 11, 20))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="at least one"):
        totals(path, 0, datetime(2026, 11, 20, tzinfo=UTC))
    with open_store(path) as own, pytest.raises(StoreError, match="nothing of 'garage'"):
        daily_totals(own, "garage", 3, datetime(2026, 11, 20, tzinfo=UTC))
