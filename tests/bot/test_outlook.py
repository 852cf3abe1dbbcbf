"""What is usual comes from history: of the inverter, else of the pack."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.store.bms_db import open_reader
from jk_bms.view.until import DAYS, outlook
from tests.charts.lived_house import PACK, live
from tests.told import battery, house

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)
READING = {
    "battery_soc": 60.0,
    "soc_low": 57.0,
    "soc_high": 63.0,
    "capacity": 280.0,
    "voltage": 52.6,
    "power": -900.0,
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lived") / "bms.db"
    live(path, NOW, 4.9)
    return path


def pack(address: str = PACK, age: float = 5.0, **reading: Any) -> dict[str, Any]:
    return {"address": address, "age": age, "reading": READING | reading}


def asked(path: Path, hours: float, *others: dict[str, Any], age: float = 5.0, **reading: Any) -> Any:
    """The outlook for a pack beside ``others``."""
    device = pack(age=age, **reading)
    snapshot = house({"devices": [*others, device]})
    with open_reader(path) as reader:
        return outlook(reader, snapshot, battery(device), NOW + timedelta(hours=hours), NOW, KYIV)


def test_the_same_hours_of_the_last_days_tell_the_load(lived: Path) -> None:
    night = asked(lived, 8)

    assert night.days == 4  # of the fifth the first hours are missing
    assert 300 < night.load < 900  # a house that sleeps
    assert night.verdict == "yes"
    assert 0 < night.soc_low < night.soc_high < 60


def test_a_low_battery_will_not_last_the_night(lived: Path) -> None:
    night = asked(lived, 8, soc_low=6.0, soc_high=9.0)

    assert night.verdict == "no"
    assert NOW < night.empty_first < night.empty_last < NOW + timedelta(hours=8)
    assert night.save > 0


def test_two_packs_last_as_long_as_one_of_their_size(lived: Path) -> None:
    low = {"soc_low": 48.0, "soc_high": 52.0}
    one = asked(lived, 8, **low)
    other = pack("other", capacity=140.0)
    half = asked(lived, 8, other, capacity=140.0, **low)

    assert one.verdict == "yes"
    assert (half.verdict, half.share) == ("yes", 0.5)
    assert (half.soc_low, half.soc_high, half.load) == pytest.approx(
        (one.soc_low, one.soc_high, 0.5 * one.load)
    )
    assert asked(lived, 8, capacity=140.0, **low).verdict == "no", "alone it would not last"


def test_packs_share_the_load_by_size(lived: Path) -> None:
    small, unknown = pack("small", capacity=140.0), pack("unknown", capacity=None)

    assert asked(lived, 8, small).share == pytest.approx(2 / 3)
    assert asked(lived, 8, small, learned_capacity=140.0).share == 0.5
    assert asked(lived, 8, small, unknown).share == pytest.approx(1 / 3), "alike where a size is unknown"


def test_a_pack_that_says_nothing_of_now_carries_nothing(lived: Path) -> None:
    stale, never = pack("stale", age=36_000.0), {"address": "never"}

    assert asked(lived, 8, stale, never).share == 1.0
    assert asked(lived, 8, stale, never) == asked(lived, 8)
    assert asked(lived, 8, stale, pack("other")).share == 0.5


def test_what_a_pack_gave_itself_is_not_shared_again(tmp_path: Path) -> None:
    path = tmp_path / "bms.db"
    live(path, NOW, 4.0, inverter=False)

    assert asked(path, 1, pack("other")).load == asked(path, 1).load


def test_without_an_inverter_the_pack_tells(tmp_path: Path) -> None:
    path = tmp_path / "bms.db"
    live(path, NOW, 4.0, inverter=False)

    evening = asked(path, 1)

    assert evening.days == 4
    assert evening.load > 0


def test_a_house_without_a_past_knows_the_present_load(tmp_path: Path) -> None:
    path = tmp_path / "bms.db"
    live(path, NOW, 0.1)

    assert asked(path, 2).days == 0
    assert asked(path, 2).load == 900
    assert asked(path, 2, power=300.0) is None


def test_old_values_tell_nothing(lived: Path) -> None:
    assert asked(lived, 2, age=36_000.0) is None
    assert asked(lived, 2, age=91.0) is None
    assert asked(lived, 2, age=90.0) is not None


def test_unknown_charge_or_capacity_is_unknown(lived: Path) -> None:
    assert asked(lived, 2, battery_soc=None, soc_low=None, soc_high=None) is None
    assert asked(lived, 2, capacity=None) is None
    assert DAYS >= 7


def test_an_end_that_is_near_is_the_one_that_the_alert_tells(lived: Path) -> None:
    """What was usual at this hour says nothing of a house that is about to go dark."""
    device = pack(soc_low=6.0, soc_high=9.0, empty_in=[3000.0, 4000.0])
    snapshot = house(
        {
            "devices": [device],
            "house": {"empty_in": [900.0, 1500.0], "packs": {PACK: [900.0, 1500.0]}},
        }
    )
    with open_reader(lived) as reader:
        near = outlook(reader, snapshot, None, NOW + timedelta(hours=8), NOW, KYIV)
        sooner = outlook(reader, snapshot, None, NOW + timedelta(minutes=10), NOW, KYIV)
        between = outlook(reader, snapshot, battery(device), NOW + timedelta(minutes=20), NOW, KYIV)

    assert near is not None
    assert (near.verdict, near.days) == ("no", None)
    assert near.load == pytest.approx(0.075 * 280.0 * 52.6 * 3)
    assert (near.empty_first, near.empty_last) == (NOW + timedelta(minutes=15), NOW + timedelta(minutes=25))
    assert sooner is not None
    assert (sooner.verdict, sooner.empty_first, sooner.save) == ("yes", None, None)
    assert between is not None
    assert (between.verdict, between.empty_last) == ("maybe", None)


@pytest.mark.parametrize(
    ("state", "age", "told"), [("present", 5.0, 0), ("lost", 5.0, None), ("present", 600.0, None)]
)
def test_what_the_grid_spares_a_pack_is_no_forecast(
    tmp_path: Path, state: str, age: float, told: int | None
) -> None:
    """In a house without a past a pack that trickles would last for days; what the house draws now ends it tonight."""
    path = tmp_path / "bms.db"
    live(path, NOW, 0.1)
    span = [200_000.0, 400_000.0]
    device = pack(power=-60.0, empty_in=span)
    inverter = {"load_power": 2760.0, "pv_power": 460.0, "age": age, "grid": {"state": state}}
    snapshot = house(
        {"devices": [device], "inverter": inverter, "house": {"empty_in": span, "packs": {PACK: span}}}
    )
    with open_reader(path) as reader:
        found = outlook(reader, snapshot, battery(device), NOW + timedelta(hours=8), NOW, KYIV)

    assert found is not None
    assert found.days == told
    assert found.verdict == ("yes" if told is None else "no")
    if told is not None:
        assert found.load == pytest.approx(2500.0)
