"""A sample as a reading: the promised keys, the digits of the table, and the way back."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.model import Device, Sample
from jk_bms.model.quantities import BY_ATTRIBUTE, MERGED, QUANTITIES, fixed
from jk_bms.model.reading import as_reading, from_reading

KYIV_WINTER = timezone(timedelta(hours=2))
AT = datetime(2026, 12, 1, 10, 0, 0, 250_000, UTC)
PACK = Device(
    address="AA:BB:CC:DD:EE:FF",
    number=2,
    name="shed",
    model="JK_B2A8S20P",
    hw_version="15A",
    sw_version="15.38",
    serial="123",
)
FULL = Sample(
    device=PACK,
    taken_at=AT,
    monotonic=1234.5,
    voltage=52.583,
    current=-5.234,
    cell_voltages=(3.282, 3.29, 3.286),
    cell_numbers=(1, 3, 4),
    cell_resistances=(0.065, 0.07, 0.061),
    soc=84,
    soc_curve=49.21,
    battery_soc=84,
    battery_soc_source="bms",
    soh=99,
    remaining_ah=235.2,
    full_ah=280.0,
    cycles=12,
    cycle_charge_ah=3456.7,
    temperatures=(18.5, 17.0),
    mosfet_temperature=21.3,
    balance_current=-0.51,
    balancing=True,
    charge_enabled=True,
    discharge_enabled=False,
    heating=False,
    emergency_time=0,
    problem_code=16,
    alarms=("cell_overvoltage",),
    uptime=86400,
)


def test_reading_has_the_promised_keys() -> None:
    """Everything a sample knows, under the documented names and at the table's digits."""
    assert as_reading(FULL, KYIV_WINTER) == {
        "device": {
            "name": "shed",
            "address": "AA:BB:CC:DD:EE:FF",
            "number": 2,
            "type": "jk",
            "model": "JK_B2A8S20P",
            "hw_version": "15A",
            "sw_version": "15.38",
            "serial": "123",
        },
        "time": "2026-12-01T12:00:00.250+02:00",
        "voltage": 52.583,
        "current": -5.234,
        "power": -275.219,
        "battery_soc": 84,
        "battery_soc_source": "bms",
        "soc": 84,
        "soc_curve": 49.2,
        "temperature": 18.5,
        "temperatures": [18.5, 17.0],
        "cell_count": 3,
        "cells": [3.282, 3.29, 3.286],
        "cell_numbers": [1, 3, 4],
        "cell_resistances": [0.065, 0.07, 0.061],
        "cell_min": {"v": 3.282, "index": 1},
        "cell_max": {"v": 3.29, "index": 3},
        "cell_delta": 0.008,
        "cell_average": 3.286,
        "soh": 99,
        "charge": 235.2,
        "capacity": 280.0,
        "cycles": 12,
        "cycle_charge": 3456.7,
        "mos_temperature": 21.3,
        "balance_current": -0.51,
        "switches": {"charge": True, "discharge": False, "balance": True},
        "heating": False,
        "emergency_time": 0,
        "problem_code": 16,
        "alarms": ["cell_overvoltage"],
        "uptime": 86400,
    }


def test_what_is_absent_has_no_key() -> None:
    """An empty sample shows who and when, and nothing else."""
    reading = as_reading(Sample(device=Device(address="X"), taken_at=AT, monotonic=1.0), UTC)

    assert reading == {
        "device": {"address": "X", "number": 1, "type": "jk"},
        "time": "2026-12-01T10:00:00.250+00:00",
    }


def test_an_empty_sample_has_no_values_in_any_row() -> None:
    """Every row of the table can be asked of a sample that knows nothing."""
    sample = Sample(device=Device(address="X"), taken_at=AT, monotonic=1.0)

    known = {q.attribute for q in QUANTITIES if q.value(sample) is not None}

    assert known == {
        "device.address",
        "device.number",
        "device.kind",
        "device.balancer",
        "taken_at",
        "clock_trusted",
    }


def test_untrusted_time_and_monotonic_are_told() -> None:
    """A reader learns that the time may be wrong, and on request the time since boot."""
    sample = Sample(device=PACK, taken_at=AT, monotonic=7.5, clock_trusted=False, voltage=math.nan)

    reading = as_reading(sample, monotonic=True)

    assert (reading["clock_trusted"], reading["monotonic"]) == (False, 7.5)
    assert "voltage" not in reading
    assert from_reading(reading) == Sample(device=PACK, taken_at=AT, monotonic=7.5, clock_trusted=False)


def test_there_and_back() -> None:
    """Values at the resolution of a BMS come back as they were, derived ones included."""
    exact = as_reading(FULL, monotonic=True) | {"soc_curve": 49.21}

    assert from_reading(json.loads(json.dumps(exact))) == FULL


@pytest.mark.parametrize(
    "reading",
    [{}, {"time": 1}, {"device": {}, "time": "2026-12-01T10:00:00+00:00"}, {"device": 1, "time": "x"}],
)
def test_what_is_no_reading_is_refused(reading: dict[str, Any]) -> None:
    """The errors are the ones that the contract names."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_reading(reading)


numbers = st.none() | st.floats(-500, 500) | st.sampled_from([math.nan, math.inf, -0.0, -0.0004])
# At the resolution of a BMS: rounding never makes two cells equal.
cells = st.lists(st.integers(500, 5000).map(lambda mv: mv / 1000), max_size=32).map(tuple)


@given(
    voltage=numbers,
    current=numbers,
    cell_voltages=cells,
    soc=numbers,
    soc_curve=numbers,
    temperatures=st.lists(st.floats(-40, 120), max_size=5).map(tuple),
    balance_current=numbers,
    cycles=st.none() | st.integers(0, 10_000),
    charge_enabled=st.none() | st.booleans(),
    alarms=st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
)
def test_any_sample_is_strict_json_and_its_stored_values_are_stable(**fields: Any) -> None:
    """No NaN or -0.0 leaves; what is stored (not worked out) survives a second trip unchanged."""
    reading = as_reading(Sample(device=PACK, taken_at=AT, monotonic=0.0, **fields), UTC)
    text = json.dumps(reading, allow_nan=False)

    again = as_reading(from_reading(json.loads(text)), UTC)

    assert "-0.0," not in text
    worked_out = {"power", "cell_delta", "cell_average"}
    assert {k: v for k, v in again.items() if k not in worked_out} == {
        k: v for k, v in reading.items() if k not in worked_out
    }


FIXED = {"-0.04": (-0.04, 1, "0.0"), "-0.4": (-0.4, 0, "0"), "-0.05": (-0.051, 1, "-0.1"), "5": (5, 1, "5.0")}


@pytest.mark.parametrize(("value", "digits", "text"), FIXED.values(), ids=FIXED)
def test_fixed(value: float, digits: int, text: str) -> None:
    """Exactly the decimals, and no minus before a zero."""
    assert fixed(value, digits) == text


TEXTS = {
    "voltage": (52.583, "52.58V"),
    "current": (5.234, "5.234A"),
    "temperature": (18.5, "18.5°C"),
    "soc": (84, "84%"),
    "cycles": (12, "12"),
    "remaining_ah": (235.24, "235.2Ah"),
}


@pytest.mark.parametrize("attribute", TEXTS)
def test_text(attribute: str) -> None:
    """The words for a person carry the unit and the table's decimals."""
    value, text = TEXTS[attribute]

    assert BY_ATTRIBUTE[attribute].text(value) == text


def test_names_are_unique_and_every_field_of_a_sample_is_in_the_table() -> None:
    """No value can be forgotten, no key written twice."""
    keys = [q.key for q in QUANTITIES if q.key]
    payload_keys = [q.payload for q in MERGED]
    heads = {q.attribute.split(".")[0] for q in QUANTITIES}

    assert len(set(keys)) == len(keys)
    assert len(set(payload_keys)) == len(payload_keys)
    assert set(Sample.__struct_fields__) - heads == {"monotonic", "drain"}
