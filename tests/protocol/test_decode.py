"""Decoding: what was encoded comes back, what contradicts itself is refused, unknown is absent."""

import json
import struct
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.battery.plausible import impossible
from jk_bms.errors import ProtocolError
from jk_bms.model import CellExtreme, Device
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Logbook,
    Settings,
    Variant,
    as_dict,
    decode,
    encode_cell_info,
    encode_device_info,
    encode_logbook,
    encode_settings,
    identify,
    to_sample,
)
from jk_bms.protocol.fields import CELL_ARRAYS, INFO_NUMBERS, SETTINGS, Field
from jk_bms.protocol.layout import CELL_INFO_FIELDS, compile_fields
from jk_bms.protocol.values import LogEntry
from tests.protocol.jk_frames import (
    CANARY,
    CANARY2,
    CANARY3,
    CELLS,
    INFOS,
    LOGBOOK,
    cell_frame,
    framed,
    info_frame,
    logbook_frame,
    repaired,
    settings_frame,
)
from tests.protocol.jk_frames import SETTINGS as SETTINGS_SENT

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DEVICE = Device(address="C8:47:80:00:00:01")


def decoded_cells(data: bytes, variant: Variant | None = None, software: str | None = None) -> CellInfo:
    """The cell info in ``data``."""
    decoded = decode(framed(data), variant, software)
    assert isinstance(decoded, CellInfo)
    return decoded


def known(value: msgspec.Struct) -> dict[str, Any]:
    """The fields of ``value`` that are there."""
    return {n: v for n in value.__struct_fields__ if (v := getattr(value, n)) is not None}


# --- what was encoded comes back


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("told", [True, False])
def test_cell_info_comes_back(variant: Variant, told: bool) -> None:
    """Every value that the variant has room for, in its own unit and sign."""
    sent = CELLS[variant]

    got = decoded_cells(cell_frame(variant, 77), variant if told else None, "19.27" if told else None)

    want = known(sent) | {
        "counter": 77,
        "cell_numbers": sent.cell_numbers or tuple(range(1, sent.cell_count + 1)),
    }
    have = known(got)
    for name, value in want.items():
        assert have[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("variant", Variant)
def test_settings_come_back(variant: Variant) -> None:
    """Likewise for settings."""
    got = decode(framed(settings_frame(variant)))

    assert isinstance(got, Settings)
    for name, value in (known(SETTINGS_SENT[variant]) | {"counter": 2}).items():
        assert getattr(got, name) == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("variant", Variant)
def test_device_info_comes_back(variant: Variant) -> None:
    """Likewise for device info."""
    got = decode(framed(info_frame(variant)))

    assert isinstance(got, DeviceInfo)
    for name, value in (known(INFOS[variant]) | {"counter": 3}).items():
        if not name.endswith("passcode_set"):
            assert getattr(got, name) == pytest.approx(value), name
    assert (got.passcode_set, got.setup_passcode_set) == (True, True)


def test_logbook_comes_back() -> None:
    """Likewise for the logbook; codes have names."""
    got = decode(framed(logbook_frame()))

    assert isinstance(got, Logbook)
    assert got.entries == LOGBOOK.entries
    assert [e.event for e in got.entries] == ["boot", "charge_undertemperature_set"]
    assert [LogEntry(0, c).event for c in (0x1C, 0x64, 0xE7, 0xFF)] == [
        "charge_undertemperature_clear",
        "cell_1_overcharge",
        "cell_32_overdischarge",
        "code_255",
    ]


_MILLIVOLTS = st.integers(1000, 5000)


@settings(max_examples=150)
@given(st.sampled_from(list(Variant)), st.data())
def test_any_cell_info_comes_back(variant: Variant, data: st.DataObject) -> None:
    """Any plausible values survive the way there and back, to the last digit that is sent."""
    inputs = CELL_ARRAYS[variant].inputs
    numbers = sorted(data.draw(st.sets(st.integers(1, inputs), min_size=1)))
    cells = data.draw(st.lists(_MILLIVOLTS, min_size=len(numbers), max_size=len(numbers)))
    raw: dict[str, Any] = {}
    for field in CELL_INFO_FIELDS[variant]:
        if field.name in ("cell_mask", "voltage", "cell_average_bms", "time_to_sleep"):
            continue
        if field.name.startswith("cell_m"):
            raw[field.name] = data.draw(st.integers(1, 32))
        elif field.code == "?":
            raw[field.name] = data.draw(st.booleans())
        elif field.code == "f":
            least = 1 if field.name == "voltage_correction" else -8  # each BMS has one, a balancer none
            raw[field.name] = data.draw(st.floats(least, 8, width=32))
        else:
            size = 8 * struct.calcsize(field.code)
            low, high = (
                (0, 2**size - 1) if field.code.isupper() else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)
            )
            value = data.draw(st.integers(low, high))
            raw[field.name] = value / field.divisor if field.divisor != 1 else value
    sent = CellInfo(
        variant=variant,
        cells=tuple(mv / 1000 for mv in cells),
        cell_numbers=tuple(numbers),
        cell_resistances=tuple(mv / 10_000 for mv in cells)
        if variant is Variant.JK04
        else (0.07,) * len(cells),
        **raw,
    )

    got = decoded_cells(encode_cell_info(sent, variant, 5), variant, "19.27")

    assert got.cells == pytest.approx(sent.cells, abs=1e-6)
    assert (got.cell_numbers, got.counter) == (sent.cell_numbers, 5)
    assert got.cell_resistances == pytest.approx(sent.cell_resistances, abs=1e-6)
    for name, value in raw.items():
        absent = (
            (name == "soh" and value == 0)
            or ("temperature" in name and value == -200)
            or (name == "temperature_3" and (value == 0 or abs(value - raw["mos_temperature"]) <= 0.3))
            or (name == "heating_current" and not sent.heating)
            or (name == "clock_seconds" and value < 31 * 86_400)
        )
        if not absent:
            assert getattr(got, name) == pytest.approx(value, abs=1e-6), name


def test_numbers_are_divided() -> None:
    """Every millivolt reads as a person would write it."""
    for first in range(1000, 5000, 32):
        cells = tuple((first + i) / 1000 for i in range(32))
        info = CellInfo(variant=Variant.JK02_32S, cells=cells, cell_resistances=cells)

        got = decoded_cells(encode_cell_info(info, Variant.JK02_32S, 0))

        assert got.cells == cells
        assert [str(v) for v in got.cells] == [str(float(f"{first + i}e-3")) for i in range(32)]


def test_wires_beyond_the_table() -> None:
    """A balance wire that is torn off has any resistance."""
    info = CellInfo(variant=Variant.JK02_32S, cells=(3.3, 3.3), cell_resistances=(65.535, 0.07))

    assert decoded_cells(encode_cell_info(info, Variant.JK02_32S, 0)).cell_resistances == (65.535, 0.07)


@pytest.mark.parametrize("variant", Variant)
def test_no_field_overlaps_another(variant: Variant) -> None:
    """Tables with a wrong offset do not compile."""
    for table in (CELL_INFO_FIELDS[variant], SETTINGS[variant], INFO_NUMBERS):
        packer, names = compile_fields(table)
        assert packer.size == 300
        assert len(set(names)) == len(table)
    with pytest.raises(ValueError, match="b at 7 overlaps"):
        compile_fields([Field("a", 6, "H"), Field("b", 7, "H")])


# --- which variant


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("software", [None, "", "x", "8.0.6G"])
def test_content_tells_the_variant(variant: Variant, software: str | None) -> None:
    """Cell info and settings need no version."""
    for data in (cell_frame(variant), settings_frame(variant), info_frame(variant)):
        found = identify(framed(data), software)
        assert (found.variant, found.by, found.conflict) == (variant, "content", None)


@pytest.mark.parametrize(
    ("software", "variant"),
    [("3.3.0", Variant.JK04), ("10.07", Variant.JK02_24S), ("11.288H", Variant.JK02_32S)],
)
def test_conflict_with_the_version(software: str, variant: Variant) -> None:
    """The content wins, and the caller is told what to log."""
    for sent in Variant:
        found = identify(framed(cell_frame(sent)), software)
        assert found.variant is sent
        assert (found.conflict is None) == (sent is variant)
        if found.conflict:
            assert software in found.conflict
            assert sent in found.conflict


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("wrong", Variant)
def test_wrong_variant_is_refused(variant: Variant, wrong: Variant) -> None:
    """A layout that does not fit gives no numbers at all."""
    if variant is wrong:
        return
    for data in (cell_frame(variant), settings_frame(variant)):
        if data[4] == 1 and (variant, wrong) == (Variant.JK02_24S, Variant.JK02_32S):
            continue  # an old 32S may send as little
        with pytest.raises(ProtocolError, match=f"frame [12] as {wrong}: "):
            decode(framed(data), wrong)


CELL32 = cell_frame(Variant.JK02_32S)
# name: (frame, variant, words of the refusal)
REFUSED: dict[str, tuple[bytes, Variant | None, str]] = {
    "pack voltage": (
        repaired(CELL32, {150: struct.pack("<I", 99_000)}),
        Variant.JK02_32S,
        "pack voltage is 99.0 V, but the 32 cells add up to 105.6",
    ),
    "mask and average": (
        repaired(CELL32, {70: b"\xff\xff\xff\x7f", 74: b"\0\0", 150: struct.pack("<I", 102_300)}),
        Variant.JK02_32S,
        "neither the mask",
    ),
    "mask is empty": (repaired(CELL32, {70: bytes(4)}), Variant.JK02_32S, "mask of connected cells is empty"),
    "nothing fits": (repaired(CELL32, {70: bytes(80)}), None, "fits no known layout"),
    "float out of range": (
        repaired(cell_frame(Variant.JK04), {6: struct.pack("<f", 7.0)}),
        Variant.JK04,
        "not a number from 0.5 to 5.5 V",
    ),
    "not a number": (
        repaired(cell_frame(Variant.JK04), {6: struct.pack("<f", float("nan"))}),
        Variant.JK04,
        "not a number from 0.5 to 5.5 V",
    ),
    "mask of floats": (
        repaired(cell_frame(Variant.JK04), {214: b"\xff\xff\0\0"}),
        Variant.JK04,
        "mask of connected cells does not fit",
    ),
    "settings of nobody": (
        repaired(settings_frame(), {114: bytes(4), 34: bytes(4)}),
        None,
        "fits no known layout",
    ),
}


@pytest.mark.parametrize(("data", "variant", "words"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(data: bytes, variant: Variant | None, words: str) -> None:
    """The message names frame, value and expectation."""
    with pytest.raises(ProtocolError, match=words):
        decode(framed(data), variant)


def test_a_dead_cell_is_no_wrong_layout() -> None:
    """A cell at 0 V is news, not a reason to refuse the frame; but the reading does not pass the gate."""
    info = CellInfo(variant=Variant.JK02_32S, cells=(3.3, 0.0, 3.3, 3.3))

    got = decoded_cells(encode_cell_info(info, Variant.JK02_32S, 0))

    assert got.cells == (3.3, 0.0, 3.3, 3.3)
    assert "cell 2 has 0 V" in impossible(to_sample(got, device=DEVICE, taken_at=NOW, monotonic=1.0))


@pytest.mark.parametrize("variant", [Variant.JK02_24S, Variant.JK02_32S])
def test_board_without_cells(variant: Variant) -> None:
    """It has power, no battery: decoded, told apart by its end, never a sample."""
    empty = encode_cell_info(CellInfo(variant=variant, mos_temperature=20.0), variant, 4)

    got = decoded_cells(empty)

    assert (got.variant, got.cells, got.cell_min, got.cell_max_number_bms) == (variant, (), None, None)
    assert got.mos_temperature == 20.0
    with pytest.raises(ProtocolError, match="no sample: the board has power but reports no cells"):
        to_sample(got, device=DEVICE, taken_at=NOW, monotonic=1.0)
    other = {Variant.JK02_24S: Variant.JK02_32S, Variant.JK02_32S: Variant.JK02_24S}[variant]
    with pytest.raises(ProtocolError, match="no cells, and the end of the frame"):
        decode(framed(empty), other)


def test_jk04_without_cells_is_known_by_version() -> None:
    """Where the others have their mark it has its run time."""
    empty = encode_cell_info(CellInfo(variant=Variant.JK04, uptime=0xFE00), Variant.JK04, 4)

    found = identify(framed(empty), "3.3.0")

    assert (found.variant, found.by, found.conflict) == (Variant.JK04, "version", None)
    assert decoded_cells(empty, software="3.3.0").cells == ()


def test_cells_that_boot_are_no_cells() -> None:
    """A mask with every voltage 0 shows no cell of 0 V."""
    booting = repaired(CELL32, {6: bytes(64), 150: bytes(4)})

    assert decoded_cells(booting).cells == ()


# --- what is absent

SENTINELS: dict[str, tuple[dict[int, bytes], str | None, dict[str, object]]] = {
    # name: (bytes, software, values then)
    "no sensor": (
        {162: b"\x30\xf8", 144: b"\x30\xf8"},
        None,
        {"temperature_1": None, "mos_temperature": None},
    ),
    "no probes in firmware 13": ({256: bytes(4)}, "13.9", {"temperature_4": None, "temperature_5": None}),
    "no probes, firmware unknown": ({256: bytes(4)}, None, {"temperature_4": None, "temperature_5": None}),
    "frost in firmware 14": ({256: bytes(4)}, "14.20", {"temperature_4": 0.0, "temperature_5": 0.0}),
    "real probe, firmware unknown": ({256: bytes(2) + b"\x0a\0"}, None, {"temperature_4": 0.0}),
    "third probe not fitted": ({254: bytes(2), 214: b"\x07"}, "19.1", {"temperature_3": None}),
    "third probe in frost": ({254: bytes(2), 214: b"\xff"}, "19.1", {"temperature_3": 0.0}),
    "no third probe but the MOSFETs again": (
        {254: b"\x36\x01", 144: b"\x36\x01"},
        None,
        {"temperature_3": None},
    ),
    "the MOSFETs of a moment before": (
        {254: b"\x33\x01", 144: b"\x36\x01"},
        "15.38",
        {"temperature_3": None},
    ),
    "third probe": ({254: b"\x32\x01", 144: b"\x36\x01"}, "15.38", {"temperature_3": 30.6}),
    "third probe, MOSFETs without a sensor": (
        {254: b"\x32\x01", 144: b"\x30\xf8"},
        None,
        {"temperature_3": 30.6, "mos_temperature": None},
    ),
    "heating off": ({215: b"\0"}, None, {"heating": False, "heating_current": None}),
    "heating on": ({}, None, {"heating": True, "heating_current": 0.512}),
    "health not computed": ({190: b"\0"}, None, {"soh": None}),
    "health": ({190: b"\x4f"}, None, {"soh": 79}),
    "not falling asleep": ({270: struct.pack("<I", 86_400)}, None, {"time_to_sleep": None}),
    "clock never set": ({262: struct.pack("<I", 86_400)}, None, {"clock": None, "clock_seconds": None}),
    "clock": ({262: struct.pack("<I", 31 * 86_400)}, None, {"clock": datetime(2020, 2, 1)}),  # noqa: DTZ001
    "no battery type before 15": (
        {},
        "14.20",
        {"battery_type": None, "charge_stage": None, "charge_stage_time": None},
    ),
    "no battery type, no clock": ({262: bytes(4)}, None, {"battery_type": None, "charge_stage": None}),
    "battery type": (
        {},
        "15.38",
        {"battery_type": "lto", "charge_stage": "absorption", "charge_stage_time": 77},
    ),
    "unknown battery type": (
        {275: b"\x09", 280: b"\x09"},
        "15.38",
        {"battery_type": None, "charge_stage": None},
    ),
    "a float that is none": ({226: b"\xff\xff\xff\xff"}, None, {"voltage_correction": None}),
}


@pytest.mark.parametrize(("changes", "software", "values"), SENTINELS.values(), ids=SENTINELS)
def test_absent_is_absent(changes: dict[int, bytes], software: str | None, values: dict[str, object]) -> None:
    """What a firmware sends without knowing it is no value, and has no key in JSON."""
    got = decoded_cells(repaired(CELL32, changes), software=software)

    assert {name: getattr(got, name) for name in values} == values
    assert not [name for name, value in values.items() if value is None and name in as_dict(got)]


def test_jk04_tells_little() -> None:
    """No current, charge, temperature or alarm: not even as 0."""
    shown = as_dict(decoded_cells(cell_frame(Variant.JK04)))

    assert shown["voltage"] == pytest.approx(26.406)
    assert not shown.keys() & {
        "current", "power", "soc", "soh", "charge", "capacity", "cycles", "temperatures", "mos_temperature",
        "alarms", "problem_code", "switches", "release_timers", "heating", "dry_contacts", "clock",
    }  # fmt: skip


@pytest.mark.parametrize("variant", [Variant.JK04, Variant.JK02_24S])
def test_older_boards_have_no_ports(variant: Variant) -> None:
    """Their device info ends early: protocol numbers are absent, not 0."""
    shown = as_dict(decode(framed(info_frame(variant))))

    assert not [name for name in shown if "protocol" in name or "trigger" in name or name.endswith("_time")]


@pytest.mark.parametrize(
    ("software", "limits"),
    [
        (None, (-3, -10)),
        ("11.17", (None, None)),
        ("11.26", (-3, None)),
        ("14.2", (-3, None)),
        ("15.1", (-3, -10)),
    ],
)
def test_settings_by_firmware(software: str | None, limits: tuple[int | None, int | None]) -> None:
    """Bytes that an older firmware uses for something else are not temperatures."""
    got = decode(framed(settings_frame()), software=software)

    assert isinstance(got, Settings)
    assert (got.heating_start, got.discharge_utp) == limits


# --- what leaves the decoder


def test_passcodes_never_leave() -> None:
    """Set or not set is all there is to see, in every form of the object."""
    for variant in Variant:
        leaky = (
            repaired(info_frame(variant), {97: CANARY3.encode()})
            if INFOS[variant].serial
            else info_frame(variant)
        )
        frame = framed(leaky)
        got = decode(frame)

        seen = [
            repr(frame),
            str(frame),
            repr(got),
            str(got),
            json.dumps(as_dict(got)),
            str(msgspec.to_builtins(got)),
        ]
        if len(INFOS[variant].serial or "") <= 10:
            assert not [s for s in seen if CANARY3 in s]
        assert not [s for s in seen if CANARY in s or CANARY2 in s]
        assert as_dict(got)["passcode_set"] is True


def test_passcode_not_set() -> None:
    """An empty code is not set; stale bytes behind the end of a text are nothing."""
    data = encode_device_info(INFOS[Variant.JK02_32S], Variant.JK02_32S, 1)

    got = decode(framed(repaired(data, {46: b"ab\0Pcd", 63: b"stale"})))

    assert isinstance(got, DeviceInfo)
    assert (got.passcode_set, got.setup_passcode_set, got.name) == (False, False, "ab")


def test_device_info_with_broken_text() -> None:
    """Bytes that are no UTF-8, a version that is no number: shown as far as possible."""
    got = decode(framed(repaired(info_frame(), {46: b"\xff\xfeA\0", 30: b"V-X\0\0\0\0\0"})))

    assert isinstance(got, DeviceInfo)
    assert got.name == "\ufffd\ufffdA"
    assert got.variant is None
    assert "variant" not in as_dict(got)


def test_sample() -> None:
    """Everything that a reading of any make has, under the names of the house."""
    got = decoded_cells(cell_frame(Variant.JK02_24S))

    sample = to_sample(got, device=DEVICE, taken_at=NOW, monotonic=5.5, clock_trusted=False)

    assert sample.device is DEVICE
    assert (sample.taken_at, sample.monotonic, sample.clock_trusted) == (NOW, 5.5, False)
    assert sample.voltage == pytest.approx(26.406)
    assert (sample.current, sample.soc, sample.remaining_ah, sample.full_ah) == (-2.4, 97, 97.048, 100.0)
    assert sample.cell_numbers == (1, 2, 3, 5, 6, 7, 20, 24)
    assert sample.cell_max == CellExtreme(3.305, 6)
    assert sample.probes == ((1, 25.0), (2, -3.6))
    assert sample.mosfet_temperature == 24.2
    assert (sample.balancing, sample.charge_enabled, sample.discharge_enabled) == (True, True, False)
    assert sample.alarms == ("cell_overvoltage", "discharge_overtemperature")
    assert sample.power == pytest.approx(-63.3744)


def test_sample_of_jk04() -> None:
    """Cells, their sum, the balancer; the rest is unknown."""
    sample = to_sample(decoded_cells(cell_frame(Variant.JK04)), device=DEVICE, taken_at=NOW, monotonic=1.0)

    assert sample.voltage == pytest.approx(26.406)
    assert (sample.current, sample.soc, sample.problem_code, sample.temperature) == (None, None, None, None)
    assert sample.balancing is True
    assert sample.emergency_time is None


@pytest.mark.parametrize("seconds", [0, 299, 1800])
def test_sample_of_a_bms_in_emergency_mode(seconds: int) -> None:
    """The seconds that it still lasts; 0 when it is off."""
    frame = repaired(cell_frame(Variant.JK02_32S), {218: seconds.to_bytes(2, "little")})

    sample = to_sample(decoded_cells(frame), device=DEVICE, taken_at=NOW, monotonic=1.0)

    assert sample.emergency_time == seconds


def test_a_board_without_cells_gives_no_sample() -> None:
    """It has power, and nothing to tell of."""
    info = msgspec.structs.replace(decoded_cells(CELL32), cells=())

    with pytest.raises(ProtocolError, match="no sample: the board has power but reports no cells"):
        to_sample(info, device=DEVICE, taken_at=NOW, monotonic=1.0)


def test_capacity_zero_is_unknown() -> None:
    """Nobody divides by it."""
    info = msgspec.structs.replace(decoded_cells(CELL32), capacity=0.0)

    assert to_sample(info, device=DEVICE, taken_at=NOW, monotonic=1.0).full_ah is None


def test_json_object() -> None:
    """Groups, names and plain types; nothing that JSON or YAML cannot hold."""
    shown = as_dict(decoded_cells(CELL32, software="19.27"))

    assert json.loads(json.dumps(shown)) == shown
    assert type(shown["variant"]) is str
    assert shown["kind"] == "cell_info"
    assert shown["cell_count"] == 32
    assert shown["cell_min"] == {"v": 3.298, "index": 6}
    assert shown["temperatures"] == [21.0, 22.5, 19.5]
    assert shown["probe_numbers"] == [1, 2, 4]
    assert shown["switches"] == {"charge": True, "discharge": True}
    assert shown["release_timers"]["overvoltage"] == 17
    assert shown["alarms"] == ["wire_resistance", "change_password"]
    assert shown["dry_contacts"] == [False, True]
    assert shown["clock"] == "2026-01-08T01:46:40"
    assert shown["power"] == pytest.approx(9258.0, rel=1e-3)
    assert "temperature_1" not in shown


def test_json_of_settings_and_logbook() -> None:
    """The control bits stand beside their mask."""
    shown = as_dict(decode(framed(settings_frame())))
    book = as_dict(decode(framed(logbook_frame())))

    assert (shown["kind"], shown["controls_bitmask"]) == ("settings", 0b10_0000_1001)
    on = ["heating_enabled", "port_rs485", "charging_float_mode"]
    assert [name for name, value in shown.items() if value is True] == ["discharge_switch", *on]
    assert json.loads(json.dumps(shown)) == shown
    assert book["entries"][0] == {"time": 0, "code": 1, "event": "boot"}
    assert json.loads(json.dumps(book)) == book


# --- what cannot be encoded

UNSENDABLE = {
    "cell beyond the inputs": (
        lambda: encode_cell_info(CellInfo(Variant.JK02_24S, cells=(3.3,) * 25), Variant.JK02_24S, 0),
        "inputs 1 to 24",
    ),
    "numbers of other cells": (
        lambda: encode_cell_info(CellInfo(Variant.JK04, cells=(3.3,), cell_numbers=(1, 2)), Variant.JK04, 0),
        "1 cells, but 2 cell numbers",
    ),
    "too much current": (
        lambda: encode_cell_info(
            CellInfo(Variant.JK02_32S, cells=(3.3,), balance_current=40.0), Variant.JK02_32S, 0
        ),
        "balance_current is 40.0",
    ),
    "settings without cells": (
        lambda: encode_settings(Settings(variant=Variant.JK04), Variant.JK04, 0),
        "cell_count is missing",
    ),
    "long name": (
        lambda: encode_device_info(DeviceInfo(name="x" * 17), Variant.JK04, 0),
        "name has 17 bytes",
    ),
    "many entries": (lambda: encode_logbook(Logbook(entries=(LogEntry(0, 1),) * 58), 0), "58 log entries"),
}


@pytest.mark.parametrize(("encode", "words"), UNSENDABLE.values(), ids=UNSENDABLE)
def test_encoders_refuse(encode: Any, words: str) -> None:
    """What has no room is an error that names it."""
    with pytest.raises(ValueError, match=words):
        encode()


def test_long_passcode_is_not_shown() -> None:
    """Not even in an error."""
    with pytest.raises(ValueError, match="passcode has 20 bytes") as caught:
        encode_device_info(INFOS[Variant.JK04], Variant.JK04, 0, passcode="CANARY-CANARY-CANARY")
    assert "CANARY" not in str(caught.value)
