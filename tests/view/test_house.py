"""The figures of a house of several packs: weighted, added up, and never with a pack that does not tell."""

from typing import Any

import pytest

from jk_bms.view.house import LENT, NEVER, NO_CHARGE, OFF, SILENT, WholeHouse, house_of
from tests.told import house as told


def pack(
    number: int = 1, *, age: float | None = 5.0, state: str = "streaming", **reading: Any
) -> dict[str, Any]:
    known: dict[str, Any] = {
        "voltage": 52.0,
        "current": -10.0,
        "power": -520.0,
        "battery_soc": 50.0,
        "capacity": 100.0,
    }
    known |= {"soc_low": 48.0, "soc_high": 52.0, "switches": {"charge": True, "discharge": True}}
    told = {name: value for name, value in (known | reading).items() if value is not None}
    return {
        "number": number,
        "address": f"AA:{number}",
        "name": f"Pack {number}",
        "age": age,
        "link": {"state": state},
        "reading": told if age is not None else None,
    }


def house(*devices: dict[str, Any], **other: Any) -> WholeHouse:
    return house_of(told({"poll_interval": 30.0, "devices": list(devices)} | other))


def test_charge_is_weighted_by_capacity_and_the_rest_added_up() -> None:
    got = house(
        pack(battery_soc=90.0, capacity=280.0),
        pack(2, battery_soc=20.0, capacity=70.0, current=3.0, power=156.0),
    )

    assert got.soc == pytest.approx(76.0)
    assert got.left_kwh == pytest.approx(0.76 * 350 * 52 / 1000)
    assert (got.current, got.power, got.voltage) == (-7.0, -364.0, 52.0)
    assert [one.number for one in got.counted] == [1, 2]


def test_what_was_learnt_is_the_capacity() -> None:
    got = house(pack(learned_capacity=50.0, battery_soc=100.0), pack(2, battery_soc=0.0))

    assert got.soc == pytest.approx(100 / 3)


def test_of_unknown_size_all_weigh_alike_and_energy_is_not_known() -> None:
    got = house(pack(battery_soc=80.0, capacity=None), pack(2, battery_soc=40.0))

    assert (got.soc, got.left_kwh, got.capacity_kwh, got.empty_in) == (60.0, None, None, None)


LEFT_OUT = {  # name: (the second pack, why it is not counted, is its power)
    "silent": (pack(2, age=91.0), SILENT, False),
    "never read": (pack(2, age=None), NEVER, False),
    "lent to the phone": (pack(2, age=91.0, state="released"), LENT, False),
    "discharge switched off": (pack(2, switches={"discharge": False}), OFF, True),
    "no charge known": (pack(2, battery_soc=None), NO_CHARGE, True),
}


@pytest.mark.parametrize(("second", "why", "flows"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_cannot_be_counted_on_is_named_and_not_averaged(
    second: dict[str, Any], why: str, flows: bool
) -> None:
    second["reading"] = second["reading"] and second["reading"] | (
        {"battery_soc": 0.0} if why != NO_CHARGE else {}
    )

    got = house(pack(), second)

    assert got.soc == 50.0
    assert got.left_kwh == pytest.approx(2.6)
    assert [(one.device.number, one.why) for one in got.left_out] == [(2, why)]
    assert got.power == (-1040.0 if flows else -520.0)


def test_a_single_pack_has_its_charge_though_it_is_switched_off() -> None:
    assert house(pack(switches={"discharge": False})).soc == 50.0


def test_just_young_enough_counts() -> None:
    assert len(house(pack(), pack(2, age=90.0)).counted) == 2


@pytest.mark.parametrize("snapshot", [{"poller_down": True}, {"devices": []}])
def test_without_any_pack_nothing_is_known(snapshot: dict[str, Any]) -> None:
    got = house(pack(), **snapshot)

    assert got == WholeHouse((), got.left_out)


def test_the_house_lasts_as_long_as_what_its_packs_have_at_what_they_give() -> None:
    """Packs of the same charge at the same load: as long as each; one that rests lets it last longer."""
    given: dict[str, Any] = {"empty_in": [3600.0, 7200.0]}

    assert house(pack(**given), pack(2, **given)).empty_in == pytest.approx((3600.0, 7200.0))
    assert house(pack(**given), pack(2)).empty_in == pytest.approx((7200.0, 14400.0))
    assert house(pack(**given)).empty_in == pytest.approx((3600.0, 7200.0))


def test_the_house_is_full_when_what_is_missing_went_in() -> None:
    given: dict[str, Any] = {"full_in": [3600.0, 7200.0]}

    assert house(pack(**given), pack(2, **given)).full_in == pytest.approx((3600.0, 7200.0))
    assert house(pack(**given), pack(2, **given)).empty_in is None


def test_no_forecast_while_one_charges_the_other() -> None:
    got = house(pack(full_in=[3600.0, 7200.0]), pack(2, empty_in=[3600.0, 7200.0]))

    assert (got.empty_in, got.full_in) == (None, None)


def test_how_long_it_lasts_is_what_the_alerts_judge() -> None:
    """One forecast for all who show it: of the house, of a pack; and none where the service makes none."""
    drawn = [pack(empty_in=[5000.0, 9000.0]), pack(2, empty_in=[5000.0, 9000.0])]
    told = {"empty_in": [1200.0, 1500.0], "packs": {"AA:1": [700.0, 800.0]}}

    assert house(*drawn, house=told).empty_in == (1200.0, 1500.0)
    assert house(drawn[0], house=told).empty_in == (700.0, 800.0)
    assert house(*drawn, house={"packs": {}}).empty_in is None
    assert house(*drawn).empty_in == pytest.approx((5000.0, 9000.0), rel=0.2)
