"""What is named as the cause: always something, in words, and the right one first."""

import pytest

from jk_bms.errors import Verdict
from jk_bms.repair.causes import WORDS, Evidence, causes, telling

NEAR, FAR = -60, -92

FIRST = {
    # what was seen: (verdict, evidence, first cause)
    "no adapter": (Verdict.NO_ADAPTER, Evidence(), "no_adapter"),
    "adapter off": (Verdict.ADAPTER_OFF, Evidence(), "adapter_off"),
    "blocked": (Verdict.ADAPTER_BLOCKED, Evidence(), "adapter_blocked"),
    "no permission": (Verdict.NO_PERMISSION, Evidence(), "no_permission"),
    "service down": (Verdict.SERVICE_DOWN, Evidence(), "service_down"),
    "stuck": (Verdict.ADAPTER_WEDGED, Evidence(known=True), "adapter_wedged"),
    "vanished while others are heard": (
        Verdict.NOT_SEEN,
        Evidence(others=4, known=True, rssi=NEAR, heard_ago=60.0),
        "phone_connected",
    ),
    "vanished after it was always faint": (
        Verdict.NOT_SEEN,
        Evidence(others=4, known=True, rssi=FAR, heard_ago=900.0),
        "out_of_range",
    ),
    "nothing at all is heard": (Verdict.NOT_SEEN, Evidence(others=0, known=True), "adapter_wedged"),
    "lent to the phone before": (
        Verdict.NOT_SEEN,
        Evidence(others=2, known=True, lent=True),
        "phone_connected",
    ),
    "faint": (Verdict.WEAK_SIGNAL, Evidence(rssi=FAR), "weak_signal"),
    "near, but nobody gets in": (Verdict.CONNECT_FAILED, Evidence(known=True, rssi=NEAR), "connect_failed"),
    "broken off far away": (
        Verdict.CONNECT_FAILED,
        Evidence(known=True, rssi=FAR, error="le-connection-abort-by-local"),
        "weak_signal",
    ),
    "refused because another is connected": (
        Verdict.CONNECT_FAILED,
        Evidence(known=True, rssi=NEAR, error="br-connection-canceled"),
        "phone_connected",
    ),
    "wants to be paired with": (Verdict.PAIRING_NEEDED, Evidence(), "pairing_needed"),
    "does not pair": (Verdict.PAIRING_REFUSED, Evidence(), "pairing_refused"),
    "stale": (Verdict.STALE_CACHE, Evidence(known=True, services=0), "stale_cache"),
    "no services where there were some": (Verdict.NOT_A_BMS, Evidence(known=True, services=0), "stale_cache"),
    "something else": (Verdict.NOT_A_BMS, Evidence(services=5), "not_a_bms"),
    "interrupted": (Verdict.DROPPED, Evidence(known=True, spoke=True, rssi=NEAR), "link_lost"),
    "interrupted far away": (Verdict.DROPPED, Evidence(known=True, spoke=True, rssi=FAR), "weak_signal"),
    "thrown out at once": (Verdict.DROPPED, Evidence(connected_for=3.0, rssi=NEAR), "link_lost"),
    "mute": (Verdict.MUTE, Evidence(known=True), "mute"),
    "stopped": (Verdict.MUTE, Evidence(known=True, spoke=True), "mute"),
    "frozen": (Verdict.FROZEN, Evidence(), "frozen"),
    "unknown layout": (Verdict.FRAMES_REFUSED, Evidence(known=True), "layout_unknown"),
    "damaged": (Verdict.FRAMES_REFUSED, Evidence(damaged=True), "frames_damaged"),
    "busy": (Verdict.BUSY, Evidence(), "other_program"),
    "released": (Verdict.RELEASED, Evidence(), "released"),
}


@pytest.mark.parametrize(("verdict", "seen", "first"), FIRST.values(), ids=FIRST)
def test_the_likeliest_cause(verdict: Verdict, seen: Evidence, first: str) -> None:
    ranked = causes(verdict, seen)

    assert ranked[0].code == first
    assert [cause.sure for cause in ranked] == sorted((cause.sure for cause in ranked), reverse=True)
    assert 0.0 < sum(cause.sure for cause in ranked) <= 1.001


def test_what_looks_alike_is_said_to_look_alike() -> None:
    """A phone, a switch and the distance cannot be told apart for sure."""
    ranked = causes(Verdict.NOT_SEEN, Evidence(others=3, known=True))

    assert [cause.code for cause in ranked[:3]] == ["phone_connected", "switched_off", "out_of_range"]
    assert ranked[0].sure < 0.6


def test_an_early_end_makes_pairing_likelier() -> None:
    late = causes(Verdict.DROPPED, Evidence(connected_for=300.0))
    early = causes(Verdict.DROPPED, Evidence(connected_for=3.0))

    assert _sure(early, "pairing_needed") > 2 * _sure(late, "pairing_needed")


def test_silence_of_everything_points_to_the_adapter() -> None:
    alone = causes(Verdict.NOT_SEEN, Evidence(others=0, known=True))
    among = causes(Verdict.NOT_SEEN, Evidence(others=5, known=True))

    assert _sure(alone, "adapter_wedged") > 0.2
    assert _sure(among, "adapter_wedged") < 0.03


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_words(verdict: Verdict) -> None:
    """For a person: what it means and what to do, each one sentence or two."""
    for cause in causes(verdict, Evidence()):
        assert WORDS[cause.code] == (cause.meaning, cause.action)
        assert cause.meaning.endswith(".")
        assert cause.action.endswith(".")


def test_every_cause_can_come_up() -> None:
    """No words for what is never named."""
    from jk_bms.repair.causes import WEIGHTS

    assert {code for weights in WEIGHTS.values() for code in weights} == set(WORDS)


def test_unknown_facts_are_left_out() -> None:
    assert Evidence.of({"others": 3, "colour": "blue"}, rssi=-70) == Evidence(others=3, rssi=-70)


def test_a_drop_explains_less_than_what_caused_it() -> None:
    chain = [Verdict.DROPPED, Verdict.MUTE, Verdict.CONNECT_FAILED, Verdict.STALE_CACHE, Verdict.ADAPTER_OFF]

    assert [telling(verdict) for verdict in chain] == sorted(telling(verdict) for verdict in chain)
    assert telling(Verdict.SERVICE_DOWN) > telling(Verdict.NO_ADAPTER)


def _sure(ranked: object, code: str) -> float:
    assert isinstance(ranked, tuple)
    return next((cause.sure for cause in ranked if cause.code == code), 0.0)
