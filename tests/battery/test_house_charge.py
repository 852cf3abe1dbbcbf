"""What several packs have as one is the same wherever it is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jk_bms.alerts.packs import Packs
from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.digest.facts import together
from jk_bms.model import Device, Sample
from jk_bms.store.history_query import Series, Values
from jk_bms.view.house import house_of
from tests.told import house

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PACKS = {"A": (80.0, 200.0, 280.0, 52.0), "B": (20.0, None, 100.0, 26.0)}  # %, Ah learnt, Ah of the BMS, V


@pytest.mark.parametrize(
    ("socs", "sizes", "charge"),
    [
        ([80.0, 20.0], [200.0, 100.0], 60.0),
        ([80.0, 20.0], [None, 100.0], 50.0),  # one is not known: all weigh alike
        ([80.0, 20.0], [0.0, 100.0], 50.0),
        ([80.0, 20.0], [None, None], 50.0),
        ([35.0], [], 35.0),  # one alone needs no size
        ([35.0], [70.0], 35.0),
    ],
)
def test_bigger_ones_weigh_more(socs: list[float], sizes: list[float | None], charge: float) -> None:
    assert weighted_charge(socs, sizes) == pytest.approx(charge)


def test_what_was_learnt_is_the_size() -> None:
    assert (size_of(200.0, 280.0), size_of(None, 280.0), size_of(None, None)) == (200.0, 280.0, None)
    assert (size_of(0.0, 280.0), size_of(0.0, 0.0)) == (280.0, None)


def page() -> float | None:
    devices: list[dict[str, Any]] = [
        {
            "number": number,
            "address": name,
            "age": 1.0,
            "reading": {"battery_soc": soc, "learned_capacity": learned, "capacity": full, "voltage": volts},
        }
        for number, (name, (soc, learned, full, volts)) in enumerate(PACKS.items(), 1)
    ]
    return house_of(house({"poll_interval": 30.0, "devices": devices})).soc


def alerts() -> float | None:
    samples = {
        name: Sample(
            device=Device(address=name),
            taken_at=NOW,
            monotonic=0.0,
            battery_soc=soc,
            learned_ah=learned,
            full_ah=full,
        )
        for name, (soc, learned, full, _) in PACKS.items()
    }
    return Packs(PACKS, samples.get, oldest=60.0).look(0.0).soc


def digest() -> float | None:
    series = [
        Series(name, "1 min", 60.0, [NOW.timestamp()], {"battery_soc": Values([soc], [soc], [soc])})
        for name, (soc, _, _, _) in PACKS.items()
    ]
    sizes = [size_of(learned, full) for _, learned, full, _ in PACKS.values()]
    return together(series, sizes).values["battery_soc"].mean[0]


@pytest.mark.parametrize("told", [page, alerts, digest])
def test_each_face_says_the_same(told: Any) -> None:
    assert told() == pytest.approx(60.0)
