"""Text of others is one line that can be seen, whatever it was, and wherever it comes in."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.errors import ConfigError, SourceError, Verdict
from jk_bms.model import Device, Event
from jk_bms.model.foreign_text import NAME_MOST, STACKED_MOST, harmless, harmless_lines, harmless_name

FORGED = "x\n2026-11-30 03:00:00 - jk_bms_service - ERROR - alert: all batteries burn\x1b[2J"

# fmt: off
SHOWN = {
    "plain":                ("JK-B2A24S", "JK-B2A24S"),
    "umlauts and emoji":    ("Küche ⚡😀", "Küche ⚡😀"),
    "Ukrainian":            ("Дім № 1", "Дім № 1"),
    "a forged log line":    ("x\n2026-11-30 03:00:00 - ERROR\x1b[2J", r"x\n2026-11-30 03:00:00 - ERROR\x1b[2J"),
    "bell, null, delete":   ("a\a\0\x7f", r"a\x07\x00\x7f"),
    "eight-bit controls":   ("\x9b2J\x85c", r"\x9b2J\x85c"),
    "carriage return":      ("good\rbad", r"good\rbad"),
    "turned round":         ("\u202egro.live\u2066", r"\u202egro.live\u2066"),
    "separators of lines":  ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
    "nothing between":      ("a\u200bb\ufeffc\u00add", r"a\u200bb\ufeffc\xadd"),
    "blank letters":        ("a\u3164b\u2800", r"a\u3164b\u2800"),
    "blanks of all kinds":  ("a\u00a0b\u3000c", "a b c"),
    "bytes that are none":  ("a\udcff\ud800", r"a\xff\ud800"),
    "a private sign":       ("a\ue000\U000e0041", r"a\ue000\U000e0041"),
    "a tower of accents":   ("e" + "\u0301" * 50 + "f", "e" + "\u0301" * STACKED_MOST + "f"),
}
NOTHING = {
    "nothing": "", "blanks": " \u3000 ", "no text": b"x", "none": None, "controls": "\n\0\x1b", "marks of direction":
    "\u202e\u200f", "a filler": "\u3164", "accents alone": "\u0301\u0301", "zero width": "\u200b\u200d", "braille blank":
    "\u2800\u2800",
}  # fmt: skip
# fmt: on


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN)
def test_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert harmless_name(text) == shown


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_a_name_with_nothing_to_see(text: object) -> None:
    assert harmless_name(text) is None


@given(st.text(), st.integers(1, 80))
def test_any_text(text: str, most: int) -> None:
    """It stands on a line of its own, has an end, and comes through a second gate as it is."""
    shown = harmless(text, most)

    assert len(shown) <= most
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert harmless(shown, most) == shown


def test_a_long_text_is_cut() -> None:
    assert harmless("a" * 500, 10) == "aaaaaaaaa…"
    assert harmless("\x1b" * 10**6, 10) == r"\x1b\x1b\…"
    assert harmless_name("ab " * 100) == ("ab " * 21).rstrip() + "…"


def test_lines_stay_lines() -> None:
    assert harmless_lines("a\tb\n\x1b[2Jc\n") == "a\\tb\n\\x1b[2Jc\n"


def test_a_device_cannot_carry_harm() -> None:
    """Whatever made it: the registry, the air, the BMS, a database, a socket."""
    told: dict[str, Any] = {
        "address": "A",
        "name": FORGED,
        "model": "\x1b]0;x\a",
        "serial": "\u202e",
        "sw_version": "15\n",
    }
    made = Device(**told)

    for device in (
        made,
        msgspec.json.decode(msgspec.json.encode(told), type=Device),
        msgspec.convert(told, Device),
    ):
        assert device == made
        assert device.name is not None
        assert device.name.isprintable()
        assert len(device.name) <= NAME_MOST
        assert (device.model, device.serial, device.sw_version) == (r"\x1b]0;x\x07", None, "15")
    assert Device(address="AA", name="\u200b").label == "AA"


def test_an_event_and_an_error_are_one_line() -> None:
    now = datetime(2026, 1, 15, tzinfo=UTC)

    assert Event(kind="x", taken_at=now, monotonic=0.0, text=FORGED).text == FORGED.replace(
        "\n", r"\n"
    ).replace("\x1b", r"\x1b")
    assert str(SourceError(f"{FORGED}: away", Verdict.NOT_SEEN)).isprintable()
    faults = ConfigError([f"line 1: {FORGED}", "line 2: x"])
    assert str(faults) == "\n".join(faults.faults)
    assert all(fault.isprintable() for fault in faults.faults)
    assert str(ConfigError("one fault")) == "one fault"
