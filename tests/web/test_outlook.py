"""``/api/outlook``, and what history says of a battery that has none yet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.clock import Clock
from jk_bms.store.bms_db import open_writer
from jk_bms.web.http import Failure
from jk_bms.web.outlook import until_of
from tests.charts.lived_house import live
from tests.web import made_up
from tests.web.asking import House, house_in

KYIV = ZoneInfo("Europe/Kyiv")
EVENING = datetime(2026, 11, 27, 20, 15, tzinfo=KYIV)
UNTIL = {
    # said: meant
    "07:00": datetime(2026, 11, 28, 7, 0, tzinfo=KYIV),
    "7:00": datetime(2026, 11, 28, 7, 0, tzinfo=KYIV),
    "20:16": datetime(2026, 11, 27, 20, 16, tzinfo=KYIV),
    "20:15": datetime(2026, 11, 28, 20, 15, tzinfo=KYIV),
    "2026-11-29T06:00:00+02:00": datetime(2026, 11, 29, 6, 0, tzinfo=KYIV),
    "2026-11-29T06:00": datetime(2026, 11, 29, 6, 0, tzinfo=KYIV),
}


@pytest.mark.parametrize("said", UNTIL)
def test_which_time_is_meant(said: str) -> None:
    assert until_of(said, EVENING.astimezone(UTC), KYIV) == UNTIL[said]


@pytest.mark.parametrize(
    "said", ["24:00", "7", "", "tomorrow", "2026-11-27T20:00", "2026-12-05T20:00", "9999-01-01T00:00"]
)
def test_a_time_that_cannot_be_meant_is_refused(said: str) -> None:
    with pytest.raises(Failure):
        until_of(said, EVENING.astimezone(UTC), KYIV)


def test_on_the_day_that_has_25_hours_the_clock_on_the_wall_counts() -> None:
    before = datetime(2026, 10, 24, 20, 0, tzinfo=KYIV)

    assert until_of("07:00", before.astimezone(UTC), KYIV) - before.astimezone(UTC) == timedelta(hours=12)


def test_without_a_zone_it_is_the_system_s() -> None:
    """TIMEZONE need not be set."""
    now = datetime.now(UTC)

    until = until_of("07:00", now, None)

    assert now < until <= now + timedelta(hours=25)
    assert f"{until.astimezone():%H:%M}" == "07:00"


async def test_what_is_left_in_the_morning(tmp_path: Path) -> None:
    """As the bot answers /until: from what the house usually draws in those hours."""
    live(tmp_path / "bms.db", datetime.now(UTC), 4.9, pack=made_up.address(1))
    until = (datetime.now(UTC) + timedelta(hours=8)).isoformat(timespec="seconds").replace("+", "%2B")

    async with house_in(tmp_path) as house:
        owner = await house.owner()
        got = await owner.get(f"/api/outlook?device=Main&until={until}")
        whole = await owner.get(f"/api/outlook?until={until}")

    assert got.status == 200
    assert got.json["verdict"] in ("yes", "maybe", "no")
    assert 0 <= got.json["soc_low"] <= got.json["soc_high"] < 100
    assert whole.json["soc_low"] == pytest.approx(got.json["soc_low"], abs=0.1)  # a house of one battery


async def test_what_is_not_known_is_not_there(house: House, tmp_path: Path) -> None:
    with open_writer(tmp_path / "bms.db", Clock()):
        pass
    del house.service.state["devices"][0]["reading"]["battery_soc"]
    await house.page.house.ask()
    owner = await house.owner()

    got = await owner.get("/api/outlook?device=1")

    assert (got.status, got.json.keys()) == (200, {"until"})


async def test_a_battery_of_the_first_minutes_has_an_empty_history(house: House, tmp_path: Path) -> None:
    """It is known and there is nothing of it: no failure, and no word in a browser's console."""
    with open_writer(tmp_path / "bms.db", Clock()):
        pass
    owner = await house.owner()

    got = await owner.get("/api/history?device=Main&keys=power&from=2026-11-27T00:00")
    days = await owner.get("/api/days?device=Main")
    strange = await owner.get("/api/history?device=Nobody&keys=power&from=2026-11-27T00:00")

    assert (got.status, got.json["values"]) == (200, {"power": {"mean": [], "min": [], "max": []}})
    assert (days.status, days.json) == (200, [])
    assert strange.status == 404


async def test_a_stranger_is_told_nothing(house: House) -> None:
    assert (await house.browser().get("/api/outlook")).status in (401, 403)
