"""Records of the inverter program as readings: every form in which they are written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jk_bms.inverters.records import OVERHEARD, inverter_sample
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.sinks import payload as payloads
from jk_bms.store.readings import Record

MADE = "2026-12-01T12:00:00+02:00"
TIME = datetime(2026, 12, 1, 10, tzinfo=UTC)
RECORD = {
    "grid_voltage": "230.1",
    "grid_power": "412",
    "grid_current": "1.79",
    "ac_output_voltage": "230.0",
    "ac_output_freq": "50.00",
    "ac_output_power": "380",
    "ac_output_current": "1.7",
    "battery_voltage": "52.6",
    "battery_current": "-5.2",
    "battery_power": "-274",
    "battery_soc": "85",
    "temperature": "18",
    "battery_charge_power": "32",
    "pv_input_voltage": "310.0",
    "pv_input_power": "1200",
    "pv_input_current": "3.9",
    "status_text": "SUB",
}


def read(payload: Any, error: Any = None, made: Any = MADE) -> InverterSample | None:
    text = json.dumps(payload) if isinstance(payload, dict) else payload
    return inverter_sample(Record(7, made, text, error), monotonic=50.0)


def test_a_record_as_the_inverter_program_writes_it() -> None:
    assert read(RECORD) == InverterSample(
        device=OVERHEARD,
        taken_at=TIME,
        monotonic=50.0,
        grid_voltage=230.1,
        grid_power=412.0,
        grid_current=1.79,
        load_voltage=230.0,
        load_frequency=50.0,
        load_power=380.0,
        load_current=1.7,
        pv_voltage=310.0,
        pv_power=1200.0,
        charge_power=32.0,
        battery_voltage=52.6,
        battery_current=-5.2,
        battery_soc=85.0,
        temperature=18.0,
        status="SUB",
    )


@pytest.mark.parametrize(
    ("written", "voltage"),
    [
        ("230.1", 230.1),
        (230.1, 230.1),
        (230, 230.0),
        ("0.0", 0.0),
        (" 230.1 ", 230.1),
        ("N/A", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (None, None),
        (True, None),
        ([230.1], None),
    ],
)
def test_forms_of_a_number(written: object, voltage: float | None) -> None:
    sample = read({"grid_voltage": written})

    assert sample is not None
    assert sample.grid_voltage == voltage


def test_a_missing_key_is_unknown_not_zero() -> None:
    sample = read({"ac_output_power": "380"})

    assert sample is not None
    assert (sample.grid_voltage, sample.grid_power, sample.load_power) == (None, None, 380.0)


def test_an_inverter_that_does_not_answer() -> None:
    sample = read(dict.fromkeys(RECORD, "N/A") | {"status_text": "UNKNOWN"})

    assert sample is not None
    assert not sample.answered
    assert sample.status is None


def test_an_error_record() -> None:
    sample = read(None, error="timed out")

    assert sample == InverterSample(device=OVERHEARD, taken_at=TIME, monotonic=50.0, error="timed out")


def test_what_our_merge_wrote_is_not_the_inverters() -> None:
    battery = Sample(
        device=Device(address="AA"), taken_at=TIME, monotonic=1.0, voltage=53.3, current=-9.0, soc=50.0
    )
    merged = payloads.merge_payload(payloads.parse(json.dumps(RECORD)), [battery])

    sample = read(payloads.as_text(merged))

    assert sample is not None
    assert (sample.battery_voltage, sample.battery_current, sample.battery_soc) == (None, None, None)
    assert sample.grid_voltage == 230.1


@pytest.mark.parametrize(
    ("payload", "made"),
    [
        (dict(payloads.STANDALONE), MADE),
        ("[1]", MADE),
        ("{", MADE),
        (None, MADE),
        (b"\x00", MADE),
        (RECORD, "yesterday"),
        (RECORD, None),
        (RECORD, 5),
    ],
    ids=["our own", "list", "torn", "nothing", "bytes", "no time", "null time", "number as time"],
)
def test_what_says_nothing_of_an_inverter(payload: object, made: object) -> None:
    assert read(payload, made=made) is None
