"""Alarm bits: the names of a mask, and what has none."""

from jk_bms.model.alarms import ALARMS, Severity, alarm
from jk_bms.protocol.alarms import BITS, alarm_names


def test_table() -> None:
    """29 bits, each with a name of its own that the table of all makes explains in one short line."""
    assert len(BITS) == len(set(BITS)) == 29
    assert {a.name for a in ALARMS} >= set(BITS)
    assert all(a.text and len(a.text) < 70 and a.text[-1] != "." for a in ALARMS)
    graded = {s: [bit for bit, name in enumerate(BITS) if alarm(name).severity is s] for s in Severity}
    assert graded == {
        Severity.CRITICAL: [1, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 21],
        Severity.ERROR: [],
        Severity.WARNING: [0, 2, 3, 4, 5, 9, 10, 20, 22, 23, 24, 25, 26, 27],
        Severity.INFO: [18, 19, 28],
    }


def test_masks() -> None:
    """A mask seen on a real board, and every bit of it in order."""
    assert alarm_names(0) == ()
    assert alarm_names(0x00080201) == ("wire_resistance", "charge_undertemperature", "change_password")
    assert alarm_names(1 << 28) == ("gps_remote_lock",)


def test_unknown_bits() -> None:
    """They keep their number and ask for a look."""
    assert alarm_names(0xE000_0000) == ("bit_29", "bit_30", "bit_31")
    assert alarm("bit_31").severity is Severity.WARNING
    assert "31" in alarm("bit_31").text
