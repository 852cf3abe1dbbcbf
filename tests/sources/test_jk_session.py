"""One open conversation: what is believed, what is refused, and what a silence is called."""

import asyncio

import msgspec
import pytest

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.errors import SourceError, Verdict
from jk_bms.model import Device
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.protocol import ThirdProbe, Variant, encode_cell_info
from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS
from jk_bms.repair import machine
from jk_bms.rules.base import Link, PackView
from jk_bms.rules.temperatures import CELL_HOT, TEMPERATURE_SPREAD
from jk_bms.sources.jk import JkSession
from jk_bms.sources.session import Heard, alone
from tests.protocol.jk_frames import CELLS, cell_frame, info_frame, repaired, settings_frame
from tests.sources.scripted import ScriptedConnection, StillClock

UNKNOWN_LAYOUT = repaired(cell_frame(counter=9), {6: bytes(64), 70: b"\xff" * 60})
DAMAGED = cell_frame(counter=9)[:200] + b"\x5a" + cell_frame(counter=9)[201:]


class Talk:
    """A session over a scripted connection, and what it yielded before it ended."""

    def __init__(self, chunks: list[bytes], *, ends: bool = True, patience: float = 0.05) -> None:
        self.connection = ScriptedConnection(chunks, ends=ends)
        self.terms = alone(patience=patience, clock=StillClock())
        self.status = self.terms.status
        self.session = JkSession(self.connection, Device(address="AA:BB:CC:DD:EE:FF"), self.terms)
        self.heard: list[Heard] = []

    async def to_its_end(self) -> SourceError:
        try:
            async for item in self.session.listen():
                self.heard.append(item)
        except SourceError as error:
            return error
        raise AssertionError("a session ends with an error only")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FIRST_SILENCE", 0.05)
    monkeypatch.setattr(machine, "LEAST_SILENCE", 0.05)
    monkeypatch.setattr(machine, "ASK_PATIENCE", 0.05)


async def test_device_grows_by_what_the_bms_tells() -> None:
    talk = Talk([info_frame(), settings_frame(), cell_frame()])

    assert (await talk.to_its_end()).verdict is Verdict.DROPPED

    info, _, cells = talk.heard
    assert info.about is not None
    assert cells.sample is not None
    assert cells.sample.device.model == talk.session.device.model == info.about["device_info"]["model"]
    assert cells.sample.device.name == info.about["device_info"]["name"]
    assert cells.sample.monotonic == talk.status.last_sample == 1000.0
    assert talk.session.variant is Variant.JK02_32S
    assert talk.status.frames == 1


async def test_asks_for_device_info_first() -> None:
    talk = Talk([], ends=False, patience=0.6)

    error = await talk.to_its_end()

    assert talk.connection.written == [READ_DEVICE_INFO]
    assert talk.status.commands == 1
    assert error.verdict is Verdict.MUTE
    assert "did not answer within 0.6 s" in str(error)
    assert READ_SETTINGS not in talk.connection.written  # it waits for the first answer


async def test_frozen_frame_is_no_reading() -> None:
    """Believed once; a BMS that repeats it for ever is refused with that reason."""
    talk = Talk([cell_frame(counter=7)] * 4, ends=False)

    error = await talk.to_its_end()

    assert len(talk.heard) == 1
    assert talk.status.refused == 3
    assert (talk.status.repeated, talk.status.repeats_since) == (3, 1000.0)
    assert error.verdict is Verdict.FROZEN
    assert "repeats the very same frame" in str(error)


async def test_unknown_layout_is_refused() -> None:
    talk = Talk([UNKNOWN_LAYOUT], ends=False)

    error = await talk.to_its_end()

    assert talk.heard == []
    assert error.verdict is Verdict.FRAMES_REFUSED
    assert talk.session.refusal
    assert talk.session.refusal in str(error)


async def test_damaged_frames_are_counted_and_named() -> None:
    talk = Talk([DAMAGED, DAMAGED], ends=False)

    error = await talk.to_its_end()

    assert talk.status.refused >= 2
    assert error.verdict is Verdict.FRAMES_REFUSED
    assert "damaged frames" in str(error)


@pytest.mark.parametrize("earlier", [UNKNOWN_LAYOUT, DAMAGED], ids=["refused", "damaged"])
async def test_old_trouble_does_not_explain_a_new_silence(earlier: bytes) -> None:
    """After a good sample a silence is a silence, whatever was refused before."""
    talk = Talk([earlier, cell_frame(counter=1), cell_frame(counter=2)], ends=False)

    error = await talk.to_its_end()

    assert len(talk.heard) == 2
    assert error.verdict is Verdict.MUTE
    assert "no frames come any more" in str(error)
    assert talk.connection.written.count(READ_SETTINGS) == 1  # asked again, once


async def test_counters_go_on_over_sessions() -> None:
    """They belong to the link, not to one connection."""
    status = LinkStatus()
    for _ in range(2):
        talk = Talk([b"noise", cell_frame()])
        talk.session.terms.status = talk.status = status
        await talk.to_its_end()

    assert status.discarded == 10
    assert status.frames == 2


async def test_good_samples_put_the_deadline_off() -> None:
    """The patience for the first sample is not the patience for the second."""
    talk = Talk([cell_frame()], ends=False, patience=30)
    began = asyncio.get_running_loop().time()

    await talk.to_its_end()

    assert asyncio.get_running_loop().time() - began < 5


async def test_own_name_is_kept() -> None:
    talk = Talk([info_frame(), cell_frame()])
    talk.session.device = msgspec.structs.replace(talk.session.device, name="main")

    await talk.to_its_end()

    sample = talk.heard[-1].sample
    assert sample is not None
    assert sample.device.name == "main"
    assert talk.heard[-1].sample is not None


def cells_with(counter: int, **values: float) -> bytes:
    info = msgspec.structs.replace(CELLS[Variant.JK02_32S], **values)
    return encode_cell_info(info, Variant.JK02_32S, counter)


async def test_hot_mosfets_do_not_warm_the_battery() -> None:
    """They stand in the frame twice; no rule about the battery may see either."""
    talk = Talk([cells_with(n, mos_temperature=62.0, uptime=n) for n in range(9)])

    await talk.to_its_end()

    for item in talk.heard:
        assert item.sample is not None
        assert (item.sample.temperature, item.sample.mosfet_temperature) == (22.5, 62.0)
        assert item.sample.probe_numbers == (1, 2, 4)
        view = PackView(item.sample.device, item.sample, Link(LinkState.STREAMING), CHEMISTRIES["lfp"])
        for rule in (CELL_HOT, TEMPERATURE_SPREAD):
            look = rule.look(view)
            assert look is not None
            measured = look[""]
            assert measured is not None
            assert all(measured.value < grade.set for grade in rule.grades(view)), rule.name


async def test_a_third_probe_is_known_to_the_next_session() -> None:
    """It showed on the link before; the same temperature as the MOSFETs does not hide it now."""
    probe = ThirdProbe()
    for first, mosfets in ((0, 20.7), (20, 12.9)):
        talk = Talk(
            [
                cells_with(first + n, mos_temperature=mosfets, temperature_3=12.9, uptime=first + n)
                for n in range(9)
            ]
        )
        talk.session = JkSession(talk.connection, talk.session.device, talk.terms, third_probe=probe)
        await talk.to_its_end()

    assert [item.sample.probe_numbers for item in talk.heard if item.sample] == [(1, 2, 3, 4)] * 9


async def test_a_radio_that_notifies_everything_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Each reading comes once, nothing is refused, and one line says what is the matter."""
    caplog.set_level("INFO")
    stream = b"".join([info_frame(), settings_frame(), *(cell_frame(counter=n) for n in range(9))])
    pieces = [stream[at : at + 20] for at in range(0, len(stream), 20)]
    talk = Talk([chunk for piece in pieces for chunk in (piece, piece)])

    await talk.to_its_end()

    assert [next(iter(item.about or ["cells"])) for item in talk.heard] == [
        "device_info",
        "settings",
        *["cells"] * 9,
    ]
    assert talk.status.frames == 9
    assert [r.getMessage() for r in caplog.records if "twice" in r.getMessage()] == [
        "AA:BB:CC:DD:EE:FF: each notification arrives twice; it is taken once"
    ]


async def test_what_cannot_be_true_is_left_out_and_told() -> None:
    """It is counted apart, told with its frame, and explains a silence; the next good one counts."""
    told: list[tuple[str, bytes]] = []
    bad = cells_with(2, current=2_000_000.0)
    talk = Talk([settings_frame(), cell_frame(), bad, cell_frame(counter=3)])
    talk.terms.doubted = lambda reason, raw: told.append((reason, raw))

    await talk.to_its_end()

    samples = [item.sample for item in talk.heard if item.sample is not None]
    assert [sample.current for sample in samples] == [87.654, 87.654]
    # The settings allow 150 A.
    reason = "current is 2000000 A; expected at most 750 A either way"
    assert told == [(reason, bad)]
    assert (talk.status.refused, talk.status.implausible, talk.status.implausible_reason) == (1, 1, reason)
    assert (talk.status.implausible_lately(1000.0), talk.status.implausible_lately(1600.1)) == (1, 0)


async def test_nothing_but_impossible_values_is_a_reason() -> None:
    talk = Talk([cells_with(n, current=2_000_000.0, uptime=n) for n in range(9)], ends=False)

    error = await talk.to_its_end()

    assert error.verdict is Verdict.FRAMES_REFUSED
    assert "current is 2000000 A" in str(error)
    assert talk.status.frames == 0
