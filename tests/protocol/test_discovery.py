"""Which advertisements are taken for a JK BMS, and how surely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.model.found import Certainty
from jk_bms.protocol.discovery import SERIAL_SERVICE, score

FFE0 = [SERIAL_SERVICE]
FEE7 = "0000fee7-0000-1000-8000-00805f9b34fb"
PLAIN = "11:22:33:44:55:66"
JK = "C8:47:80:12:34:56"
JK_DATA = {0x0B65: bytes.fromhex("88a0c84780123456")}

ADVERTISEMENTS = {
    # name: (name, services, manufacturer data, address, level)
    "all there": ("JK-B2A8S20P", FFE0, JK_DATA, JK, Certainty.SURE),
    "renamed": ("Garage", FFE0, JK_DATA, JK, Certainty.SURE),
    "nameless": (None, FFE0, JK_DATA, JK, Certainty.SURE),
    "two-characteristic module": ("BMS", FFE0, {0x4B4A: b"\x00\x01"}, "20:21:11:00:00:01", Certainty.SURE),
    "id no decoder knew": ("JK", FFE0, {0xFAD6: b"\x88\xa0\x3c\xa5\x50\x00\x00\x01"}, PLAIN, Certainty.SURE),
    "more services": ("x", [FEE7, SERIAL_SERVICE.upper()], JK_DATA, JK, Certainty.SURE),
    "company id without service": ("Garage", [], JK_DATA, JK, Certainty.LIKELY),
    "its address the other way round": (
        None,
        [],
        {0x0B65: bytes.fromhex("88a05634128047c8")},
        JK,
        Certainty.LIKELY,
    ),
    "letters JK without service": ("x", [], {0x4B4A: b"\x00\x01"}, PLAIN, Certainty.LIKELY),
    "the address of another": ("Garage", [], JK_DATA, PLAIN, Certainty.POSSIBLE),
    "no address known": ("Garage", [], JK_DATA, "8E2F-UUID", Certainty.LIKELY),
    "service and name": ("JK_PB2A16S20P", FFE0, {}, PLAIN, Certainty.LIKELY),
    "name in small letters": ("jk-bd6a20s10p", FFE0, {}, PLAIN, Certainty.LIKELY),
    "service only": ("Garage", FFE0, {}, PLAIN, Certainty.POSSIBLE),
    "service and known address": ("Garage", FFE0, {}, JK, Certainty.POSSIBLE),
    "name only": ("JK-B2A8S20P", [], {}, PLAIN, Certainty.POSSIBLE),
    "our id with foreign data": ("Garage", FFE0, {0x0B65: b"\x01\x02"}, PLAIN, Certainty.POSSIBLE),
    "NEEY balancer": ("NEEY-24S4EB", [*FFE0, FEE7], {}, "3C:A5:09:00:00:01", Certainty.POSSIBLE),
    "Heltec balancer": ("GW-24S4EB", FFE0, JK_DATA, "3C:A5:09:00:00:01", Certainty.POSSIBLE),
    "balancer without service": ("NEEY", [], {}, PLAIN, None),
    "address only": ("TV", [], {}, JK, None),
    "mouse": ("BT Mouse", ["00001812-0000-1000-8000-00805f9b34fb"], {}, PLAIN, None),
    "thermometer": ("ATC_1234", [], {0x0499: b"\x05\x12"}, "A4:C1:38:00:00:01", None),
    "nothing at all": (None, [], {}, PLAIN, None),
}


@pytest.mark.parametrize(
    ("name", "services", "data", "address", "level"), ADVERTISEMENTS.values(), ids=ADVERTISEMENTS
)
def test_score(
    name: str | None, services: list[str], data: dict[int, bytes], address: str, level: Certainty | None
) -> None:
    """The table is the rule."""
    match = score(name, services, data, address)

    assert (match and match.level) == level


def test_evidence_can_be_checked_by_a_person() -> None:
    match = score("JK-B2A8S20P", FFE0, JK_DATA, JK)

    assert match is not None
    assert match.evidence == "service FFE0, company id 0x0B65, name starts JK-, address starts C8:47:80"


def test_a_balancer_says_why_it_is_not_trusted() -> None:
    match = score("NEEY-1", FFE0, {}, PLAIN)

    assert match is not None
    assert match.evidence == "service FFE0, but named like a NEEY balancer"


@given(
    st.none() | st.text(max_size=20),
    st.lists(st.text(max_size=40), max_size=3),
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=3),
    st.text(max_size=20),
)
def test_any_advertisement_is_judged(
    name: str | None, services: list[str], data: dict[int, bytes], address: str
) -> None:
    """The air is full of rubbish: none of it raises, and every match says why."""
    match = score(name, services, data, address)

    assert match is None or match.evidence
