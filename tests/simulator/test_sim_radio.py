"""The simulated radio: every byte as a JK sends it, however it is cut, and every fault as told."""

import itertools
from collections import Counter

import pytest

from jk_bms.errors import LinkError, ProtocolError, Verdict
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Frame,
    FrameAssembler,
    FrameKind,
    Settings,
    Variant,
    decode,
    identify,
)
from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_LOGBOOK, READ_SETTINGS, READY_FRAME, command
from jk_bms.protocol.frame import NOISE
from jk_bms.simulator import Faults, Radio, SimulatedBms
from jk_bms.simulator.radio import FRAGMENTS, PERIOD


def make(variant: Variant = Variant.JK02_32S, *, seed: int = 1, **how: object) -> Radio:
    return Radio(SimulatedBms(variant=variant, seed=seed), **how)  # type: ignore[arg-type]


def play(radio: Radio, until: float) -> list[tuple[float, bytes]]:
    """Poll whenever something is due; return times and chunks."""
    heard = []
    while (due := radio.next_due()) is not None and due <= until:
        heard += [(due, chunk) for chunk in radio.poll(due)]
    return heard


def talk(radio: Radio, seconds: float, start: float = 100.0) -> list[tuple[float, bytes]]:
    """The start-up conversation, then ``seconds`` of stream."""
    radio.connect(start)
    heard = radio_noise(radio, start)
    radio.write(READ_DEVICE_INFO, start)
    heard += play(radio, start + 0.45)
    radio.write(READ_SETTINGS, start + 0.45)
    return heard + play(radio, start + 0.45 + seconds)


def radio_noise(radio: Radio, now: float) -> list[tuple[float, bytes]]:
    return [(now, chunk) for chunk in radio.poll(now)]


def assemble(heard: list[tuple[float, bytes]]) -> tuple[list[Frame], FrameAssembler]:
    assembler = FrameAssembler()
    return [frame for _, chunk in heard for frame in assembler.feed(chunk)], assembler


def cell_infos(heard: list[tuple[float, bytes]]) -> list[bytes]:
    return [frame.data for frame in assemble(heard)[0] if frame.kind is FrameKind.CELL_INFO]


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"across": True},
        {"glue_ready": True},
        {"at_noise": True},
        {"across": True, "at_noise": True, "glue_ready": True},
    ],
    ids=lambda how: "+".join(how) or "plain",
)
def test_every_cut_gives_all_frames(
    variant: Variant, fragment: tuple[int, ...], how: dict[str, bool]
) -> None:
    """The assembler and the decoder understand all that a radio says, and it is the BMS's own."""
    radio = make(variant, fragment=fragment, **how)

    heard = talk(radio, 10.4)
    frames, assembler = assemble(heard)

    kinds = Counter(frame.kind for frame in frames)
    assert kinds[FrameKind.DEVICE_INFO] == kinds[FrameKind.SETTINGS] == 1
    assert 18 <= kinds[FrameKind.CELL_INFO] <= 20
    assert [frame.counter for frame in frames] == list(range(1, len(frames) + 1))
    assert assembler.refused == 0
    # Noise that stands alone is junk; what is not delivered yet may be missing.
    assert assembler.discarded == 0 or how.get("at_noise")
    assert {identify(frame).variant for frame in frames} == {variant}
    device, settings, *_ = (decode(frame) for frame in frames)
    assert isinstance(device, DeviceInfo)
    assert isinstance(settings, Settings)
    assert settings.cell_count == 16
    assert device.passcode_set
    assert max(len(chunk) for _, chunk in heard) <= max(fragment)


@pytest.mark.parametrize("variant", Variant)
def test_decoded_frames_say_what_the_bms_said(variant: Variant) -> None:
    radio = make(variant, fragment=300, seed=7)
    radio.bms.advance(3600.0)
    heard = talk(radio, 0.6)

    device, settings, info = (decode(frame) for frame in assemble(heard)[0])

    assert isinstance(info, CellInfo)
    said = radio.bms.cell_info()
    for name in CellInfo.__struct_fields__:
        told = getattr(said, name)
        if told is not None and name != "counter":
            assert getattr(info, name) == (pytest.approx(told, abs=2e-6) if told else told), name
    assert isinstance(device, DeviceInfo)
    assert (device.model, device.sw_version) == (
        radio.bms.device_info().model,
        radio.bms.device_info().sw_version,
    )
    assert isinstance(settings, Settings)
    assert settings.start_balance_voltage == pytest.approx(3.40)
    assert settings.balancer_switch is True


def test_conversation_as_captured() -> None:
    """Each command: its frame, then the ready frame; the stream starts by itself after 0x96."""
    radio = make(fragment=(128, 128, 44))
    radio.connect(0.0)
    assert radio.next_due() is None

    radio.write(READ_DEVICE_INFO, 0.0)
    heard = play(radio, 5.0)
    assert [len(chunk) for _, chunk in heard] == [128, 128, 44, 20]
    assert heard[0][1][:6] == b"\x55\xaa\xeb\x90\x03\x01"
    assert heard[3][1] == READY_FRAME

    radio.write(READ_SETTINGS, 5.0)
    heard = play(radio, 7.1)
    assert [len(chunk) for _, chunk in heard] == [128, 128, 44, 20] + [128, 128, 44] * 4
    assert heard[0][1][4:6] == b"\x01\x02"
    times = [time for time, chunk in heard if chunk[:5] == b"\x55\xaa\xeb\x90\x02"]
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([PERIOD] * 3)

    radio.write(READ_SETTINGS, 7.1)  # asked again: no second stream
    assert len(cell_infos(play(radio, 9.1))) == 4


def test_counter_wraps_at_a_byte() -> None:
    radio = make(fragment=300, period=0.01)

    counters = [data[5] for data in cell_infos(talk(radio, 3.0))]

    assert len(counters) > 256
    assert all((b - a) % 256 == 1 for a, b in itertools.pairwise(counters))


def test_noise_comes_all_the_time_but_never_inside_a_frame() -> None:
    radio = make(fragment=20, at_noise=True)

    heard = talk(radio, 20.0)

    alone = sum(chunk == NOISE for _, chunk in heard)
    stream = b"".join(chunk for _, chunk in heard)
    assert 60 <= alone <= 105
    assert stream.count(NOISE) - alone >= 15  # glued in front of a header
    assert NOISE + b"\x55\xaa\xeb\x90" in stream
    assert len(stream) - 4 * stream.count(NOISE) == 300 * len(assemble(heard)[0]) + 40


def test_bad_commands_are_counted_and_not_answered() -> None:
    radio = make()
    radio.connect(0.0)
    broken = bytearray(READ_SETTINGS)
    broken[19] ^= 1

    for data in (bytes(broken), b"\x00" * 20, READ_SETTINGS[:19], b""):
        radio.write(data, 1.0)

    assert (radio.bad_commands, radio.commands) == (4, 0)
    assert radio.next_due() is None
    assert [noted.detail.split(":")[0] for noted in radio.log][1:] == ["bad"] * 4


def test_switch_commands_reach_the_bms_and_are_acknowledged() -> None:
    radio = make()
    radio.connect(0.0)

    radio.write(command(0x1E, 0, 4), 0.0)
    radio.write(command(0x9D, 1, 4), 0.1)
    radio.write(READ_LOGBOOK, 0.2)
    heard = play(radio, 1.0)

    assert [chunk for _, chunk in heard] == [READY_FRAME] * 3
    assert radio.bms.settings().discharge_switch is False
    assert [noted.detail for noted in radio.log if noted.what == "command"] == [
        "1e ok",
        "9d unknown register",
        "a1 unknown register",
    ]


def test_some_firmware_streams_only_after_device_info() -> None:
    radio = make(info_first=True)
    radio.connect(0.0)

    radio.write(READ_SETTINGS, 0.0)
    assert cell_infos(play(radio, 5.0)) == []
    radio.write(READ_DEVICE_INFO, 5.0)
    radio.write(READ_SETTINGS, 5.5)
    assert len(cell_infos(play(radio, 8.0))) >= 4


def test_one_central_at_a_time() -> None:
    radio = make()
    radio.connect(0.0)

    with pytest.raises(LinkError) as refused:
        radio.connect(1.0)
    assert refused.value.verdict is Verdict.CONNECT_FAILED
    radio.disconnect(2.0)
    radio.disconnect(2.0)
    radio.connect(3.0)

    assert [noted.what for noted in radio.log] == ["connect", "disconnect", "connect"]
    radio.disconnect(4.0)
    with pytest.raises(LinkError) as gone:
        radio.write(READ_SETTINGS, 5.0)
    assert gone.value.verdict is Verdict.DROPPED


def test_a_new_connection_starts_from_silence() -> None:
    radio = make(at_noise=True)
    talk(radio, 1.2)
    radio.disconnect(102.0)
    assert radio.next_due() is None

    radio.connect(110.0)

    assert b"".join(chunk for _, chunk in radio_noise(radio, 110.0) + play(radio, 112.0)).strip(NOISE) == b""


def test_same_seed_same_bytes_even_through_faults() -> None:
    def heard(seed: int) -> list[tuple[float, bytes]]:
        faults = Faults(drop_chance=0.1, corrupt_every=3)
        return talk(make(seed=seed, fragment=20, at_noise=True, faults=faults, period=0.3), 30.0)

    assert heard(2) == heard(2)
    assert heard(2) != heard(3)


def test_speed_stretches_the_frame_period() -> None:
    radio = make(speed=120.0)
    t = radio.bms.t

    frames = cell_infos(talk(radio, 10.6))

    assert len(frames) in (20, 21)
    assert radio.bms.t - t == pytest.approx(11.0 * 120.0, abs=90.0)


def test_physics_goes_on_while_nobody_is_connected() -> None:
    radio = make()
    talk(radio, 2.0)
    radio.disconnect(103.0)
    t = radio.bms.t

    talk(radio, 2.0, start=703.0)

    assert radio.bms.t - t == pytest.approx(602.0, abs=2.0)


def test_a_sleeper_is_not_flooded_with_the_past() -> None:
    radio = make(fragment=300)
    talk(radio, 2.0)

    late = radio.poll(4000.0)
    radio.poll(4000.0)

    assert len(late) <= 2
    assert len(cell_infos(play(radio, 4010.0))) >= 19


# --- faults ---


def test_mute() -> None:
    radio = make(faults=Faults(mute=True), at_noise=True)

    assert talk(radio, 5.0) == []
    assert [noted.detail for noted in radio.log if noted.what == "command"] == ["97 unheard", "96 unheard"]
    radio.faults.mute = False
    radio.write(READ_SETTINGS, 110.0)
    assert len(cell_infos(play(radio, 112.1))) >= 3


def test_muted_while_streaming() -> None:
    radio = make()
    assert cell_infos(talk(radio, 2.0))

    radio.faults.mute = True
    assert play(radio, 110.0) == []
    radio.faults.mute = False
    assert cell_infos(play(radio, 112.0))


def test_first_command_ignored() -> None:
    radio = make(faults=Faults(ignore_commands=1))
    radio.connect(0.0)

    radio.write(READ_DEVICE_INFO, 0.0)
    assert play(radio, 3.0) == []
    radio.write(READ_DEVICE_INFO, 3.0)
    assert len(assemble(play(radio, 4.0))[0]) == 1


def test_every_nth_chunk_lost() -> None:
    radio = make(fragment=150, faults=Faults(drop_every=10))

    heard = talk(radio, 20.4)
    frames, assembler = assemble(heard)

    whole = talk(make(fragment=150), 20.4)
    assert len(heard) == len(whole) - len(whole) // 10
    assert len(assemble(whole)[0]) - len(whole) // 10 <= len(frames) < len(assemble(whole)[0])
    assert assembler.discarded > 0


def test_chunks_lost_by_chance() -> None:
    radio = make(fragment=20, faults=Faults(drop_chance=0.05))

    heard = talk(radio, 60.0)

    whole = talk(make(fragment=20), 60.0)
    assert 0.93 < len(heard) / len(whole) < 0.97
    assert 0.3 < len(assemble(heard)[0]) / len(assemble(whole)[0]) < 0.65


def test_every_nth_frame_corrupt() -> None:
    radio = make(fragment=300, faults=Faults(corrupt_every=4))

    frames, assembler = assemble(talk(radio, 20.1))

    assert radio.frames >= 40
    assert len(frames) == radio.frames - radio.frames // 4
    assert assembler.refused == radio.frames // 4


def test_frozen() -> None:
    radio = make()
    talk(radio, 2.0)

    radio.faults.frozen = True
    same = cell_infos(play(radio, 110.0))
    radio.faults.frozen = False
    other = cell_infos(play(radio, 115.0))

    assert len(same) > 10
    assert len(set(same)) == 1
    assert len(set(other)) == len(other)


def test_stop_after_some_frames() -> None:
    radio = make(faults=Faults(stop_after=3))

    assert len(cell_infos(talk(radio, 30.0))) == 3
    assert radio.connected
    radio.faults.stop_after = None
    assert cell_infos(play(radio, 135.0))


@pytest.mark.parametrize("fragment", [20, 128, 300])
@pytest.mark.parametrize("across", [False, True])
def test_drop_within_a_frame(fragment: int, across: bool) -> None:
    radio = make(fragment=fragment, across=across, faults=Faults(cut_after=2))

    heard = talk(radio, 30.0)

    frames, _ = assemble(heard)
    assert len(cell_infos(heard)) == 2
    assert sum(len(chunk) for _, chunk in heard) == 300 * len(frames) + 40 + 150
    assert not radio.connected
    assert radio.next_due() is None
    assert [noted.what for noted in radio.log][-1] == "drop"
    assert len(cell_infos(talk(radio, 5.0, start=140.0))) >= 8  # once only


def test_flood_falls_into_frames_and_they_survive() -> None:
    radio = make(fragment=20, faults=Faults(flood=True))

    heard = talk(radio, 5.1)
    frames, _ = assemble(heard)

    stream = b"".join(chunk for _, chunk in heard)
    assert stream.count(NOISE) > 500
    assert any(frame.data not in stream for frame in frames)
    assert len(frames) >= 9
    radio.faults.flood = False
    assert sum(chunk == NOISE for _, chunk in play(radio, 112.0)) <= 1


@pytest.mark.parametrize("variant", Variant)
def test_wrong_layout_is_refused_by_the_decoder(variant: Variant) -> None:
    radio = make(variant, fragment=300, faults=Faults(wrong_layout=True))
    frames = [frame for frame in assemble(talk(radio, 3.0))[0] if frame.kind is FrameKind.CELL_INFO]

    assert len(frames) >= 4
    for frame in frames:
        with pytest.raises(ProtocolError):
            decode(frame, variant)


@pytest.mark.parametrize("variant", Variant)
def test_no_cells(variant: Variant) -> None:
    radio = make(variant, faults=Faults(no_cells=True))
    frames = [frame for frame in assemble(talk(radio, 2.0))[0] if frame.kind is FrameKind.CELL_INFO]

    for frame in frames:
        info = decode(frame, variant)
        assert isinstance(info, CellInfo)
        assert info.cells == ()
    assert frames


def test_log_is_bounded() -> None:
    radio = make()
    radio.connect(0.0)

    for _ in range(1500):
        radio.write(b"nonsense", 0.0)

    assert len(radio.log) == 1000
    assert radio.bad_commands == 1500


@pytest.mark.parametrize("how", [{"fragment": 0}, {"fragment": ()}, {"period": 0.0}, {"speed": -1.0}])
def test_impossible_radios_are_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make(**how)  # type: ignore[arg-type]


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_everything_twice(fragment: object) -> None:
    """The same is heard as from a radio that says it once, with its noise."""
    once, _ = assemble(talk(make(fragment=fragment, at_noise=True), 20.0))

    twice, assembler = assemble(talk(make(fragment=fragment, at_noise=True, faults=Faults(twice=True)), 20.0))

    assert assembler.doubled.on
    assert list(dict.fromkeys(twice)) == once
