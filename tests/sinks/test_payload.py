"""Which keys and which text a merge writes: the value rules, as tables and as properties."""

import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.model import Device, Sample
from jk_bms.model.quantities import MERGED
from jk_bms.sinks.payload import (
    STANDALONE,
    as_text,
    battery_values,
    has_merged,
    is_own,
    merge_payload,
    parse,
    summary,
)

AT = datetime(2026, 12, 1, 10, 0, 0, 250_000, UTC)
PLUS_2 = timezone(timedelta(hours=2))
NUMBER = re.compile(r"-?\d+(\.\d+)?")
FIVE = ("battery_voltage", "battery_current", "battery_power", "battery_soc", "temperature")
BEFORE = {
    "battery_voltage": "52.0",
    "battery_current": "4.0",
    "battery_power": "208",
    "battery_soc": "80",
    "temperature": "31",
    "status_text": "SUB",
}


def sample(number: int = 1, name: str | None = "JK-B2A24S", **fields: Any) -> Sample:
    device = Device(address="AA:BB:CC:DD:EE:FF", number=number, name=name)
    return Sample(device=device, taken_at=AT, monotonic=0.0, **fields)


def strict(text: str) -> dict[str, Any]:
    """Parse as a strict reader would: NaN and Infinity are errors."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    parsed: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return parsed


DOCUMENTED = sample(
    voltage=52.583,
    current=-5.234,
    cell_voltages=(3.282, 3.290, *[3.286] * 14),
    temperatures=(17.0, 18.5),
    soc=84,
    soc_curve=49.16,
    battery_soc=49.16,
    battery_soc_source="curve",
)


def test_the_documented_example() -> None:
    """The example of the contract, in order; the inverter's own keys keep their place."""
    merged = merge_payload(BEFORE, [DOCUMENTED], cells=True, tz=PLUS_2)

    assert list(merged.items()) == [
        ("battery_voltage", "52.6"),
        ("battery_current", "-5.2"),
        ("battery_power", "-275"),
        ("battery_soc", "49"),
        ("temperature", "18"),
        ("status_text", "SUB"),
        ("bms_cell_count", 16),
        ("bms_cell_min_v", "3.282"),
        ("bms_cell_max_v", "3.290"),
        ("bms_cell_delta_v", "0.008"),
        ("bms_cells", [3.282, 3.29, *[3.286] * 14]),
        ("battery_soc_source", "curve"),
        ("bms_soc_curve", "49.2"),
        ("bms_soc", "84.0"),
        ("bms_name", "JK-B2A24S"),
        ("bms_address", "AA:BB:CC:DD:EE:FF"),
        ("bms_updated_at", "2026-12-01T12:00:00+02:00"),
    ]


VALUES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    # name: (fields of the sample, values in the record)
    "exact decimals": ({"voltage": 52}, {"battery_voltage": "52.0"}),
    "minus only before something": ({"current": -0.04}, {"battery_current": "0.0"}),
    "no -0 W": ({"voltage": 50.0, "current": -0.004}, {"battery_power": "0"}),
    "power of the unrounded": ({"voltage": 52.96, "current": 99.96}, {"battery_power": "5294"}),
    "ordinary rounding": ({"temperatures": (18.5,)}, {"temperature": "18"}),
    "frost": ({"temperatures": (-0.4, -3.0)}, {"temperature": "0"}),
    "warmest probe": ({"temperatures": (-7.6, -3.2)}, {"temperature": "-3"}),
    "not the MOSFETs": ({"mosfet_temperature": 60.0}, {"temperature": "31"}),
    "unknown stays the inverter's": ({}, {key: BEFORE[key] for key in FIVE}),
    "NaN is unknown": (
        {"voltage": math.nan, "current": 1.0},
        {"battery_voltage": "52.0", "battery_power": "208"},
    ),
    "infinite is unknown": ({"soc": math.inf, "battery_soc": math.inf}, {"battery_soc": "80"}),
    "power needs both": ({"current": 7.0}, {"battery_current": "7.0", "battery_power": "208"}),
}


@pytest.mark.parametrize(("fields", "values"), VALUES.values(), ids=VALUES)
def test_values(fields: dict[str, Any], values: dict[str, str]) -> None:
    """What a field becomes in the record."""
    merged = merge_payload(BEFORE, [sample(**fields)])

    assert {key: merged[key] for key in values} == values


def test_absent_values_have_no_bms_key() -> None:
    """A sample that knows nothing adds only who and when."""
    assert set(merge_payload({}, [sample(name=None)])) == {"bms_address", "bms_updated_at"}


def test_an_earlier_samples_keys_do_not_outlive_it() -> None:
    """Cells of an earlier sample must not stand beside the time of a later one without cells."""
    once = merge_payload(BEFORE, [DOCUMENTED])

    again = merge_payload(once, [sample(voltage=52.0)])

    assert [key for key in again if key.startswith("bms_")] == ["bms_name", "bms_address", "bms_updated_at"]
    assert (again["battery_soc"], again["battery_soc_source"]) == ("49", "curve")


def test_switched_sign_flips_current_and_power_only() -> None:
    """BMS_INVERT_CURRENT."""
    plain = battery_values(DOCUMENTED)
    flipped = battery_values(DOCUMENTED, invert_current=True)

    assert {key: flipped[key] for key in flipped if flipped[key] != plain[key]} == {
        "battery_current": "5.2",
        "battery_power": "275",
    }


def test_cells_only_when_wanted() -> None:
    """BMS_MERGE_CELLS: without it the array goes, the numbers about it stay."""
    merged = merge_payload(BEFORE | {"bms_cells": [3.3]}, [DOCUMENTED])

    assert "bms_cells" not in merged
    assert merged["bms_cell_count"] == 16


def test_what_the_page_gets() -> None:
    """BMS_MERGE_FIELDS=page: the first battery what the page and the bot show, each further one its five."""
    second = msgspec.structs.replace(DOCUMENTED, device=sample(2).device)

    merged = merge_payload(BEFORE, [DOCUMENTED, second], fields="page")

    assert [key for key in merged if key not in BEFORE] == [
        "bms_cell_count",
        "bms_cell_min_v",
        "bms_cell_max_v",
        "bms_cell_delta_v",
        "battery_soc_source",
        "bms_soc_curve",
        "bms_soc",
        "bms_name",
        "battery2_battery_voltage",
        "battery2_battery_current",
        "battery2_battery_power",
        "battery2_battery_soc",
        "battery2_temperature",
    ]
    cells = merge_payload(BEFORE, [DOCUMENTED, second], fields="page", cells=True)
    assert cells.keys() - merged.keys() == {"bms_cells", "battery2_bms_cells"}


def test_what_is_no_longer_written_goes() -> None:
    """A record with all of it that is merged again for the page keeps no time of an earlier sample."""
    second = msgspec.structs.replace(DOCUMENTED, device=sample(2).device)
    everything = merge_payload(BEFORE, [DOCUMENTED, second], cells=True)

    again = merge_payload(everything, [DOCUMENTED, second], fields="page")

    assert again == merge_payload(BEFORE, [DOCUMENTED, second], fields="page")


@pytest.mark.parametrize("fields", ["all", "page"])
def test_a_merged_record_is_known(fields: str) -> None:
    """Its battery values are no longer the inverter's; those beside a second battery still are."""
    assert has_merged(merge_payload(BEFORE, [DOCUMENTED], fields=fields))
    assert has_merged(merge_payload(BEFORE, [sample(voltage=52.0)], fields=fields))
    second = msgspec.structs.replace(DOCUMENTED, device=sample(2).device)
    assert not has_merged(merge_payload(BEFORE, [second], fields=fields))
    assert not has_merged(STANDALONE)


def test_further_batteries_have_a_prefix_on_every_key() -> None:
    """Battery 2 touches none of battery 1's keys; battery 1 alone is unprefixed."""
    second = msgspec.structs.replace(
        DOCUMENTED, device=sample(2).device, soc_counted=48.7, soc_low=45.0, soc_high=52.0
    )

    merged = merge_payload(BEFORE, [second], cells=True)

    assert {key: merged[key] for key in BEFORE} == BEFORE
    assert {key for key in merged if key not in BEFORE} == {f"battery2_{q.payload}" for q in MERGED}


def test_untouched_values_survive_as_text() -> None:
    """Numbers that a float cannot hold, odd spacing inside, letters of any script."""
    foreign = (
        '{"a": 1e400, "b":0.10,"n": {"x" : [1.0]}, "big":123456789012345678901234567890,"імʼя":"\\u00b5 Ж"}'
    )

    text = as_text(merge_payload(parse(foreign), [sample(voltage=52.0)]))

    assert text.startswith(
        '{"a":1e400,"b":0.10,"n":{"x" : [1.0]},"big":123456789012345678901234567890,"імʼя":"\\u00b5 Ж",'
        '"battery_voltage":"52.0"'
    )


REFUSED = [
    "",
    "null",
    "[]",
    '"text"',
    "1",
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":1',
    "{'a':1}",
    '{"a":1}x',
    "\udc80",
]
REFUSED.append('{"a":' + "[" * 100_000 + "]" * 100_000 + "}")


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:12]))
def test_what_is_no_object_is_refused(text: str) -> None:
    """ValueError and nothing else, so that the record is left alone."""
    with pytest.raises(ValueError):  # noqa: PT011 - many texts, one type
        parse(text)


OWN = {
    "ours": (as_text(STANDALONE), True),
    "the inverter program's": (as_text(BEFORE), False),
    "another recorder": ('{"bms_recorder":"other"}', False),
    "not even text": ('{"bms_recorder":1}', False),
}


@pytest.mark.parametrize(("text", "own"), OWN.values(), ids=OWN)
def test_own_records_are_known(text: str, own: bool) -> None:
    """Only the recorder key makes a record ours."""
    assert is_own(parse(text)) is own


SUMMARIES = {
    "whole": (DOCUMENTED, "Battery updated: 52.6V, -5.2A, 49%, 18.5°C, 16 cells (delta: 0.008V)"),
    "parts missing": (sample(voltage=52.583), "Battery updated: 52.6V"),
    "second": (sample(2, current=-0.01), "Battery 2 updated: 0.0A"),
    "nothing": (sample(), "Battery updated: no values"),
}


@pytest.mark.parametrize(("given_sample", "line"), SUMMARIES.values(), ids=SUMMARIES)
def test_summary(given_sample: Sample, line: str) -> None:
    """The promised log line; what is missing is left out."""
    assert summary(given_sample) == line


def test_summary_says_what_the_record_says() -> None:
    """With the sign switched the line follows the record."""
    assert summary(sample(current=-5.2), invert_current=True) == "Battery updated: 5.2A"


odd = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, -0.04, 0.04, 1e-300])
number = st.none() | odd | st.floats(-3000, 3000)
samples = st.builds(
    sample,
    number=st.integers(1, 3),
    name=st.none() | st.text(st.characters(codec="utf-8"), max_size=10),
    voltage=number,
    current=number,
    cell_voltages=st.lists(st.floats(0.5, 5.0), max_size=24).map(tuple),
    temperatures=st.lists(st.floats(-40, 120) | odd, max_size=3).map(tuple),
    soc=number,
    battery_soc=number,
    battery_soc_source=st.sampled_from([None, "bms", "curve", ""]),
    soc_curve=number,
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
foreign = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), json_values, max_size=8)


def no_surrogates(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@given(sample=samples, extra=foreign.filter(no_surrogates), invert=st.booleans())
def test_every_merge_is_strict_json_of_numbers(sample: Sample, extra: dict[str, Any], invert: bool) -> None:
    """Acceptance 4: whatever comes in, strict readers can read it and the values are numbers."""
    before = {**BEFORE, **extra}

    text = as_text(merge_payload(parse(json.dumps(before)), [sample], invert_current=invert))

    merged = strict(text)
    ours = battery_values(sample)
    if not any(key in extra for key in FIVE):
        for key in FIVE:
            assert NUMBER.fullmatch(merged[key]), (key, merged[key])
    assert not {"-0", "-0.0", "-0.000"} & {
        value for key, value in merged.items() if key in ours and isinstance(value, str) and key not in extra
    }
    assert not any(merged[key] in (None, "") for key in ours if key in merged and key not in extra)
    untouched = [key for key in before if key not in ours]
    assert [key for key in merged if key in before and key not in ours] == untouched
    assert {key: merged[key] for key in untouched} == {key: before[key] for key in untouched}


@given(sample=samples)
def test_merging_twice_is_merging_once(sample: Sample) -> None:
    """Equal payloads can be recognised: nothing depends on how often it is done."""
    once = as_text(merge_payload(BEFORE, [sample]))

    assert as_text(merge_payload(parse(once), [sample])) == once
