"""What is encrypted and signed: the example of RFC 8291, another's decryption, another's arithmetic."""

import json
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.web.push import crypto
from jk_bms.web.push.keyfile import base64url, unbase64url
from jk_bms.web.push.message import LONGEST_BODY, LONGEST_TITLE, SIZES, Notice, cut, encoded, size_for
from tests.scale import scaled
from tests.web.push_service import NAMES, Phone, signature_of, unbase64, verified

# RFC 8291, section 5 and appendix A
TEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
# RFC 8292, section 2.4
SIGNED = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3Njgs"
    "InN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjv"
    "W2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def test_the_example_of_the_standard_byte_for_byte() -> None:
    once = ec.derive_private_key(int.from_bytes(unbase64(SENDER), "big"), ec.SECP256R1())

    made = crypto.encrypted(TEXT, unbase64(RECEIVER), unbase64(AUTH), once=once, salt=unbase64(SALT))

    assert base64url(made) == MESSAGE


def test_the_judge_of_signatures_knows_the_example_of_the_standard() -> None:
    """And no other: else it would judge nothing."""
    claims = signature_of(SIGNED).claims

    assert claims == {"aud": "https://push.example.net", "exp": 1453523768, "sub": "mailto:push@example.com"}
    token, _, key = SIGNED.removeprefix("vapid t=").partition(", k=")
    text, _, signature = token.rpartition(".")
    wrong = bytearray(unbase64(signature))
    wrong[5] ^= 1
    assert not verified(text.encode(), bytes(wrong), unbase64(key))
    assert not verified(text.encode() + b"x", unbase64(signature), unbase64(key))


@pytest.mark.parametrize("number", range(scaled(200)))
def test_another_accepts_what_is_signed(number: int) -> None:
    private = crypto.loaded(crypto.new_key())

    told = signature_of(
        crypto.signed(private, "https://fcm.googleapis.com", "mailto:me@house.net", 1000 + number)
    )

    assert told.claims == {
        "aud": "https://fcm.googleapis.com",
        "exp": 1000 + number,
        "sub": "mailto:me@house.net",
    }
    assert told.key == crypto.point_of(private)


PHONE = Phone()
KEYS = PHONE.subscription["keys"]
RECEIVED, SECRET = unbase64(KEYS["p256dh"]), unbase64(KEYS["auth"])


@settings(max_examples=scaled(10_000))
@given(
    text=st.one_of(st.binary(min_size=1, max_size=3072), st.text(alphabet="абвгґдеєжз їÿ🚨\n", max_size=700))
)
def test_another_reads_whatever_is_encrypted(text: bytes | str) -> None:
    plain = text if isinstance(text, bytes) else text.encode()
    size = size_for(plain)

    body = crypto.encrypted(plain, RECEIVED, SECRET, size)

    assert PHONE.read(body) == plain
    assert len(body) == 86 + size + 17 <= 4096
    assert size in SIZES


@settings(max_examples=scaled(10_000))
@given(
    title=st.text(max_size=300),
    body=st.text(max_size=3000),
    tag=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=100),
    badge=st.one_of(st.none(), st.integers(0, 50)),
)
def test_a_notice_of_any_text_fits_and_is_read_as_it_is_meant(
    title: str, body: str, tag: str, badge: int | None
) -> None:
    """Hostile names end up in it: whatever they are, it is JSON of the form that the draft describes."""
    notice = Notice(title, body, "alerts#C8-1006", tag, "critical", {"code": 1006, "device": None})

    text = encoded(notice, "https://house.example.org/", "uk", badge)

    told = json.loads(text)
    assert len(text) <= SIZES[-1]
    assert set(told) == {"web_push", "notification"} | ({"app_badge"} if badge is not None else set())
    said = told["notification"]
    assert (told["web_push"], told.get("app_badge")) == (8030, badge)
    assert (len(said["title"]) <= LONGEST_TITLE, len(said["body"]) <= LONGEST_BODY) == (True, True)
    assert said["navigate"] == "https://house.example.org/alerts#C8-1006"
    assert (said["lang"], said["dir"], said["silent"], said["tag"]) == ("uk", "auto", False, tag)
    assert said["data"] == {"code": 1006}
    assert "mutable" not in said


def test_the_largest_text_of_the_largest_letters_fits() -> None:
    """Signs that JSON spells with six bytes, and letters of four."""
    for letter, title in product(("🚨", "\u2028", "ї", '"'), ("T", "🚨" * 90)):
        text = encoded(Notice(title, letter * 400, tag="t" * 100), f"https://{'h' * 250}/", "en", 3)
        assert len(text) <= SIZES[-1], letter


CUTS = {
    "short": ("one two", 20, "one two"),
    "within a word": ("one two three", 10, "one two…"),
    "at the end of a word": ("one two three", 8, "one two…"),
    "one long word": ("abcdefghij", 5, "abcd…"),
    "nothing": ("abc", 0, ""),
}


@pytest.mark.parametrize(("text", "limit", "expected"), CUTS.values(), ids=CUTS)
def test_a_text_is_cut_at_a_word(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@pytest.mark.parametrize("bad", ["*", "ab c", "аб", "+/", "a=b", "====", "a"])
def test_what_is_no_base64url_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unbase64url(bad)


def test_points_that_are_not_on_the_curve_are_refused() -> None:
    """A browser could say anything."""
    off = bytearray(RECEIVED)
    off[40] ^= 1

    judged = [
        crypto.is_point(data)
        for data in (RECEIVED, bytes(off), b"", bytes(65), RECEIVED[:33], b"\2" + RECEIVED[1:33])
    ]

    assert judged == [True, False, False, False, False, False]


def test_names_of_the_judge_are_those_that_are_allowed() -> None:
    from jk_bms.web.push.services import parts_of

    for name in NAMES[:3]:
        assert parts_of(f"https://{name}/a") == (name, "/a")
