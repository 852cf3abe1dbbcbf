"""A capture is read as people post it: every form below is the same frame."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.protocol import FrameAssembler
from jk_bms.protocol.posted import LONGEST_LINE, Posted
from tests.beside import cases
from tests.protocol.jk_frames import cell_frame

FRAME = cell_frame()
CUTS = [FRAME[at : at + 128] for at in range(0, len(FRAME), 128)]  # as notifications bring it
COMMAND = bytes.fromhex("aa5590eb96000000000000000000000000000010")


def pairs(chunk: bytes, sep: str, form: str = "{:02X}") -> str:
    return sep.join(form.format(byte) for byte in chunk)


def node(data: bytes) -> str:
    """As ``console.log`` of all of it: twelve numbers a line, below one another."""
    rows = [", ".join(f"{byte:3d}" for byte in data[at : at + 12]) for at in range(0, len(data), 12)]
    return f"Uint8Array({len(data)}) [\n  " + ",\n  ".join(rows) + "\n]"


def numpy(data: bytes) -> str:
    rows = [" ".join(f"{byte:3d}" for byte in data[at : at + 18]) for at in range(0, len(data), 18)]
    return "[" + "\n ".join(rows) + "]"


def lines(form: Callable[[bytes], str]) -> str:
    return "\n".join(map(form, CUTS))


def xxd(data: bytes) -> str:
    rows = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{at:08x}: {' '.join(row[i : i + 2].hex() for i in range(0, len(row), 2)):<39}  {seen}")
    return "\n".join(rows)


def hexdump(data: bytes) -> str:
    rows = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{at:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{seen}|")
    return "\n".join([*rows, f"{len(data):08x}"])


# fmt: off
FORMS = {
    "dots":                 lines(lambda c: pairs(c, ".")),
    "dots and a length":    lines(lambda c: f"{pairs(c, '.')} ({len(c)})"),
    "ESPHome":              lines(lambda c: "[12:34:56][VV][jk_bms_ble:424]: Notification received (handle 0x10): "
                                            f"{pairs(c, '.')} ({len(c)})"),
    "ESPHome, colours":     lines(lambda c: "\x1b[0;36m[12:34:56.789][D][jk_bms_ble:424]: Frame: "
                                            f"{pairs(c, '.')} ({len(c)})\x1b[0m"),
    "C, with commas":       lines(lambda c: pairs(c, ", ", "0x{:02x}") + ","),
    "C, an array":          "const uint8_t frame[300] = {\n"
                            + lines(lambda c: "    " + pairs(c, ", ", "0x{:02X}") + ",  // 0x10") + "\n};",
    "0x in front":          lines(lambda c: "0x" + c.hex()),
    "C, a string":          lines(lambda c: '"' + pairs(c, "", "\\x{:02x}") + '"'),
    "colons and an arrow":  lines(lambda c: f"<<< {pairs(c, ':')}"),
    "quoted":               lines(lambda c: f'"{c.hex()}"'),
    "JSON":                 lines(lambda c: f'{{"time": 12.5, "data": "{c.hex()}"}},'),
    "bleak":                lines(lambda c: "2026-11-30 03:00:00,123 DEBUG: RX BLE data (start): " + repr(bytearray(c))),
    "aiobmsble":            lines(lambda c: f"2026-11-30 03:00:00.1 DEBUG [aiobmsble] C8:47:80:12:34:56: RX: {c!r}"),
    "Python, bytes":        lines(repr),
    "Python, fromhex":      lines(lambda c: f'    bytes.fromhex("{c.hex(" ")}")'),
    "Python, a list":       lines(lambda c: str(list(c))),
    "stamped":              lines(lambda c: f"12:34:56.789 {c.hex(' ')}"),
    "stamped, with date":   lines(lambda c: f"2026-11-30T03:00:00 -> {c.hex()}"),
    "nRF Connect":          lines(lambda c: "A\t12:34:56.789\tNotification received from "
                                            f"0000ffe1-0000-1000-8000-00805f9b34fb, value: (0x) {pairs(c, '-')}"),
    "a quote of a mail":    lines(lambda c: f"> {c.hex(' ')}"),
    "a fence":              "```\n" + lines(lambda c: c.hex()) + "\n```",
    "a byte order mark":    "\ufeff" + lines(lambda c: c.hex()),
    "Windows":              lines(lambda c: c.hex(" ")).replace("\n", "\r\n"),
    "xxd":                  xxd(FRAME),
    "hexdump -C":           hexdump(FRAME),
    "our own":              lines(lambda c: f"12.345 {c.hex()}"),
    "decimal, JSON":        lines(lambda c: str(list(c)).replace(" ", "")),
    "decimal, in JSON":     lines(lambda c: f'{{"at": [2026, 11, 30], "rssi": -61, "data": {list(c)}}}'),
    "decimal, Buffer":      lines(lambda c: f'{{"type":"Buffer","data":{list(c)}}}'),
    "decimal, by place":    lines(lambda c: "{" + ",".join(f'"{i}":{byte}' for i, byte in enumerate(c)) + "}"),
    "decimal, bare":        lines(lambda c: ", ".join(map(str, c))),
    "decimal, semicolons":  lines(lambda c: ";".join(map(str, c))),
    "decimal, blanks":      lines(lambda c: " ".join(map(str, c))),
    "decimal, signed":      lines(lambda c: str([byte - 256 if byte > 127 else byte for byte in c])),
    "decimal, stamped":     lines(lambda c: f"03:00:00.123 RX: {', '.join(map(str, c))}"),
    "decimal, a line each": "[\n" + "".join(f"  {byte},\n" for byte in FRAME) + "]",
    "Node":                 node(FRAME),
    "numpy":                numpy(FRAME),
}
# Moments in front of a chunk, none of whose digits is data.
STAMPS = (
    "2026-11-30T03:00:00.123+02:00", "2026-11-30T03:00:00+0200", "2026-11-30T03:00:00Z", "2026-11-30 03:00:00,123",
    "2026-11-30 03:00", "2026/11/30 03:00:00", "2026.11.30 03:00:00", "30.11.2026 03:00:00", "30.11.2026 03.00.00",
    "30.11.2026, 03:00:00", "30.11.26 03:00:00", "30/11/2026 03:00", "11/30/2026, 3:00:00 AM", "30-11-2026 03:00:00",
    "[2026-11-30T03:00:00+02:00]", "(30.11.2026 03:00:00)", "20261130 030000", "20261130T030000Z", "20261130-030000.123",
    "2026 11 30 03 00 00", "30 11 2026 03 00 00", "30.11.2026", "2026-11-30", "03:00:00+02:00", "3:00:00 PM",
    "Nov 30 03:00:00 raspberrypi bot[1234]:", "1763640000.123", "1763640000123", "12:34:56.789 ->",
)
WORDS = """
# a capture of mine
Hello, here is what I got from C8:47:80:12:34:56 at 12:34:56 on 2026-11-30 (firmware 15.38):
[12:34:55][I][jk_bms_ble:020]: Connected, mtu 247, handle 0x10
service 0000ffe0-0000-1000-8000-00805f9b34fb
"""
# fmt: on


def read(text: str) -> tuple[list[bytes], Posted]:
    posted, assembler = Posted(), FrameAssembler()
    frames = [
        frame.data for line in posted.notifications(text.splitlines()) for frame in assembler.feed(line.chunk)
    ]
    return frames, posted


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_is_the_same_frame(text: str) -> None:
    assert read(text)[0] == [FRAME]
    assert read(f"{WORDS}\n{text}\nthat was all, feed back welcome\n")[0] == [FRAME]


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize(
    "form", [bytes.hex, lambda c: c.hex(" "), lambda c: pairs(c, ":"), lambda c: str(list(c))],
    ids=["hex", "spaced", "colons", "decimal"],
)  # fmt: skip
def test_no_digit_of_a_moment_is_taken_for_data(stamp: str, form: Callable[[bytes], str]) -> None:
    assert read(lines(lambda c: f"{stamp} {form(c)}"))[0] == [FRAME]
    assert read(lines(lambda c: f"{stamp} RX {form(c)}"))[0] == [FRAME]


def test_frames_of_nothing_but_digits_in_hex_are_no_decimals() -> None:
    """Every pair could be a decimal number, and the next line's letters say that it is none."""
    for chunk in (bytes.fromhex("55112233"), bytes.fromhex("102030405060"), bytes.fromhex("120055101122")):
        for text in (
            chunk.hex(" "),
            chunk.hex(" ", 2),
            f"7 {chunk.hex()}",
            f"120 {chunk.hex(' ')}",
            chunk.hex(":"),
        ):
            found = [line.chunk for line in Posted().notifications([FRAME.hex(" "), text])]
            assert found == [FRAME, chunk], text


NO_FRAMES = {
    "digits": "1234567890" * 30,
    "a counter": "1763640000",
    "too large": "[256, 300, 999, 1000]",
    "too small": "[-129, 1, 2, 3]",
    "dates": "30.11.2026\n01.12.2026\n2026-12-02\n",
    "readings": "Cell 1: 3.285, 3.287, 3.290\nrssi -61, -62, -60\n12.5;85;170\n",
    "a table": "time;volts;amps\n2026-11-30 03:00:00;53;12;5;100;0;7;9;3\n",
    "all the same": "[170, 170, 170, 170]\n" * 40,
    "the beginning of a frame": str(list(FRAME[:80])),
    "brackets": "[[[[[\n]]]]]\n[\n,\n;\n-\n--1, 2, 3, 4\n",
}


@pytest.mark.parametrize("text", NO_FRAMES.values(), ids=NO_FRAMES)
def test_numbers_that_are_no_frame_are_none(text: str) -> None:
    assert read(text)[0] == []
    assert read(f"{text}\n{lines(lambda c: str(list(c)))}")[0] in (
        [FRAME],
        [],
    )  # and stand in the way of none
    assert read(f"{lines(lambda c: str(list(c)))}\n{text}")[0] == [FRAME]


def test_numbers_that_may_be_either_are_named() -> None:
    _, posted = read("hello\n[85, 17, 23, 14]\n[85, 17, 23, 14]")

    assert posted.unsure == 2


@pytest.mark.parametrize(
    "text",
    [
        node(FRAME[:100]).replace("\n]", ",\n  ... 200 more items\n]"),
        f"<Buffer {FRAME[:50].hex(' ')} ... 250 more bytes>",
        "[ 85 170 235 ...   0   0  12]",
        "[85, 170, 235, 144, …]",
    ],
)
def test_what_was_cut_by_the_program_that_printed_it_is_named(text: str) -> None:
    frames, posted = read(f"from my console\n{text}")

    assert frames == []
    assert posted.cut_short > 1


def test_what_was_sent_is_not_what_was_heard() -> None:
    """A log has both; a command in the middle of a frame would tear it."""
    first, *rest = (f"RX: {chunk.hex(' ')}" for chunk in CUTS)
    text = "\n".join([first, f"TX: {COMMAND.hex(' ')}", *rest])

    assert read(text)[0] == [FRAME]


def test_words_hold_no_bytes() -> None:
    frames, posted = read(WORDS)

    assert frames == []
    assert (posted.left_out, posted.first_left_out) == (3, 3)
    assert list(Posted().notifications(WORDS.splitlines())) == []


@given(
    st.text()
    | st.sampled_from(sorted(FORMS.values())).map(lambda t: "".join(random.Random(1).sample(t, 200)))
)
def test_any_text(text: str) -> None:
    """Nothing but bytes comes out, and no error."""
    for line in Posted().notifications(text.splitlines()):
        assert isinstance(line.chunk, bytes)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part",
    [
        "55 ",
        "0x55,",
        "b'",
        "[1,",
        "1 ",
        "-1;",
        '"1":1,',
        "...",
        "2026-11-30 ",
        "[\\n",
        "\\x55",
        "12:34:56 ",
        "((((",
        "a" * 7,
        "'\\",
        "00000000: ",
    ],
)
def test_a_line_without_end_takes_no_time(part: str) -> None:
    list(Posted().notifications([part * 200_000]))


@pytest.mark.parametrize("sep", ["", " ", ":", "."])
def test_a_whole_capture_in_one_line_is_read_to_its_end(sep: str) -> None:
    sent = [cell_frame(counter=n % 256) for n in range(200)]
    frames, posted = read(sep.join(frame.hex(sep) if sep else frame.hex() for frame in sent))

    assert (frames, posted.cut) == (sent, 0)


def test_a_line_that_is_too_long_is_named() -> None:
    """Of words and bytes mixed only the beginning is read, and that is said."""
    frames, posted = read(f"hello\nRX: {FRAME.hex()} {'z' * LONGEST_LINE} {FRAME.hex()}")

    assert frames == [FRAME]
    assert (posted.cut, posted.first_cut) == (1, 2)


def test_the_forms_of_the_public() -> None:
    """Each form of the collection, with a frame of ours in it."""
    for form in (form for case in cases("18-decode-formats.json") for form in case["input"]):
        if "bytearray" in form:
            text = f"RX BLE data (start): {bytearray(FRAME)!r}"
        elif "0x" in form:
            text = pairs(FRAME, ", ", "0x{:02x}")
        else:
            text = form.partition("55")[0] + pairs(FRAME, form.partition("55")[2][0])
        assert read(text)[0] == [FRAME], form
