"""The start-up: what is written when, and when we stop asking."""

import pytest

from jk_bms.errors import ProtocolError
from jk_bms.protocol import FrameKind
from jk_bms.protocol.commands import (
    READ_DEVICE_INFO,
    READ_LOGBOOK,
    READ_SETTINGS,
    READY_FRAME,
    Command,
    command,
    parse_command,
)
from jk_bms.protocol.conversation import REPEATS, Conversation, Phase

INFO, SETTINGS, CELLS = FrameKind.DEVICE_INFO, FrameKind.SETTINGS, FrameKind.CELL_INFO


def played(
    events: dict[float, FrameKind | str], until: float
) -> tuple[list[tuple[float, bytes]], Conversation]:
    """Return what is written (when, what) if ``events`` happen, waking only when told to."""
    talk, now = Conversation(), 0.0
    written: list[tuple[float, bytes]] = []
    talk.started(0.0)
    coming = sorted(events.items())
    while True:
        due = talk.next_due()
        if coming and (due is None or coming[0][0] <= due):
            now, event = coming.pop(0)
            if isinstance(event, FrameKind):
                talk.on_frame(event, now)
            else:
                talk.on_ready(now)
        elif due is not None and due <= until:
            now = due
        else:
            return written, talk
        while (sent := talk.due(now)) is not None:
            written.append((round(now, 3), sent))


SAID = {
    # name: (what the BMS does, what we write, phase at second 30)
    "as it should be": (
        {0.5: INFO, 0.6: "ready", 1.3: SETTINGS, 1.4: "ready"} | {2 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (1.1, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "cell info before the ready frame": (
        {0.5: INFO, 0.6: "ready", 1.3: CELLS} | {2 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (1.1, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "no ready frames": (
        {0.5: INFO, 3.0: SETTINGS} | {4 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (2.0, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "first question ignored": (
        {2.5: INFO, 2.6: "ready", 3.3: SETTINGS, 3.4: "ready"} | {4 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (2.3, READ_DEVICE_INFO), (3.1, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "ready, but the answer is lost": (
        {0.6: "ready", 2.5: INFO, 2.6: "ready", 3.3: SETTINGS, 3.4: "ready"}
        | {4 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (2.3, READ_DEVICE_INFO), (3.1, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "no device info at all": (
        {6.4: SETTINGS, 6.5: "ready"} | {7 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (2.3, READ_DEVICE_INFO), (4.3, READ_DEVICE_INFO), (6.3, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "streams already, tells its name all the same": (
        {0.1: CELLS, 0.4: CELLS, 0.5: INFO, 0.6: "ready", 0.9: CELLS, 1.3: SETTINGS, 1.4: "ready"}
        | {2 + i / 2: CELLS for i in range(80)},
        [(0.3, READ_DEVICE_INFO), (1.1, READ_SETTINGS)],
        Phase.STREAMING,
    ),
    "settings, but no stream": (
        {0.5: INFO, 0.6: "ready", 1.3: SETTINGS, 1.4: "ready"},
        [
            (0.3, READ_DEVICE_INFO),
            (1.1, READ_SETTINGS),
            (6.4, READ_SETTINGS),
            (11.4, READ_SETTINGS),
            (16.4, READ_SETTINGS),
        ],
        Phase.MUTE,
    ),
    "a stream that stops and comes back": (
        {0.5: INFO, 0.6: "ready", 1.3: SETTINGS, 1.4: "ready", 2.0: CELLS, 13.0: CELLS}
        | {13 + i / 2: CELLS for i in range(60)},
        [(0.3, READ_DEVICE_INFO), (1.1, READ_SETTINGS)],  # not its affair: that is no start-up any more
        Phase.STREAMING,
    ),
    "nothing at all": (
        {},
        [(0.3, READ_DEVICE_INFO), (2.3, READ_DEVICE_INFO), (4.3, READ_DEVICE_INFO)]
        + [(6.3 + 5 * i, READ_SETTINGS) for i in range(1 + REPEATS)],
        Phase.MUTE,
    ),
}


@pytest.mark.parametrize(("events", "written", "phase"), SAID.values(), ids=SAID)
def test_start_up(
    events: dict[float, FrameKind | str], written: list[tuple[float, bytes]], phase: Phase
) -> None:
    """Each command in its time, none too many."""
    got, talk = played(events, until=30.0)

    assert got == written
    assert (talk.phase, talk.commands) == (phase, len(written))


def test_phases() -> None:
    """They name what is being waited for."""
    talk = Conversation()
    talk.started(10.0)

    phases = [talk.phase]
    assert talk.due(10.2) is None
    assert talk.due(10.3) == READ_DEVICE_INFO
    talk.on_frame(INFO, 10.4)
    talk.on_ready(10.5)
    phases.append(talk.phase)
    assert talk.due(11.0) == READ_SETTINGS
    talk.on_frame(SETTINGS, 11.1)
    talk.on_ready(11.2)
    phases.append(talk.phase)
    assert phases == [Phase.DEVICE_INFO, Phase.SETTINGS, Phase.STREAMING]


def test_mute_bms_that_speaks_again() -> None:
    """After we gave up asking, a frame still brings the stream back."""
    events: dict[float, FrameKind | str] = {60.0: CELLS}

    written, talk = played(events, until=200.0)

    assert [at for at, _ in written if at > 30] == []
    assert talk.phase == Phase.STREAMING


def test_not_started() -> None:
    """Nothing is written before the notifications are on."""
    talk = Conversation()

    talk.on_frame(CELLS, 1.0)
    talk.on_ready(1.0)

    assert (talk.due(100.0), talk.next_due()) == (None, None)


# --- commands


def test_known_commands() -> None:
    """Bytes as the phone app sends them."""
    assert READ_DEVICE_INFO.hex() == "aa5590eb97" + "00" * 14 + "11"
    assert READ_SETTINGS.hex() == "aa5590eb96" + "00" * 14 + "10"
    assert READY_FRAME.hex() == "aa5590ebc80101" + "00" * 12 + "44"
    assert parse_command(READ_LOGBOOK) == Command(0xA1, 0, 0)


@pytest.mark.parametrize(
    ("register", "value", "length", "back"),
    [(0x1D, 1, 4, 1), (0x37, -5, 1, 0xFB), (0x18, -200, 4, 2**32 - 200), (0xA5, 0x0102, 2, 0x0102)],
)
def test_commands_come_back(register: int, value: int, length: int, back: int) -> None:
    """Register, length and value; the value as the BMS sees its bytes."""
    assert parse_command(command(register, value, length)) == Command(register, length, back)


def test_filler_is_ignored() -> None:
    """The app leaves old bytes behind the value."""
    filled = bytearray(command(0x1D, 1, 4))
    filled[10:19] = b"leftovers"
    filled[19] = sum(filled[:19]) & 0xFF

    assert parse_command(bytes(filled)) == Command(0x1D, 4, 1)


NO_COMMANDS = {
    "short": (READ_SETTINGS[:-1], "19 bytes; expected 20"),
    "header": (b"\x55" + READ_SETTINGS[1:], "starts with 555590eb"),
    "check byte": (READ_SETTINGS[:-1] + b"\0", "check byte is 00; expected 10"),
    "length": (READ_SETTINGS[:5] + b"\x03" + READ_SETTINGS[6:-1] + b"\x13", "value length is 3"),
}


@pytest.mark.parametrize(("data", "words"), NO_COMMANDS.values(), ids=NO_COMMANDS)
def test_what_is_no_command(data: bytes, words: str) -> None:
    """It is refused with the reason."""
    with pytest.raises(ProtocolError, match=words):
        parse_command(data)


@pytest.mark.parametrize(("value", "length"), [(1, 0), (256, 1), (1, 3), (2**32, 4), (-129, 1)])
def test_values_that_do_not_fit(value: int, length: int) -> None:
    """A command is never cut to size."""
    with pytest.raises(ValueError, match="command"):
        command(0x1D, value, length)
