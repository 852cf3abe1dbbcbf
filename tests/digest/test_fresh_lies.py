"""Lies, honest texts and hostile choices by an engineer who had read the fact sheets but not the proof."""

import json
from collections.abc import Iterator

import pytest

from jk_bms.digest.answer_text import is_in
from jk_bms.digest.choice import ChoiceError, chosen_text, offer, read_choice
from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.local_text import local_text, parts
from jk_bms.digest.meaning import unfounded
from jk_bms.digest.proof import clean
from jk_bms.texts import language
from tests.digest.fresh_texts import ENGLISH_HONEST, ENGLISH_LIES, UKRAINIAN_HONEST, UKRAINIAN_LIES
from tests.digest.made_days import made_day

Told = dict[int, tuple[str, ...]]
LIES = {"English": ENGLISH_LIES, "Ukrainian": UKRAINIAN_LIES}
HONEST = {"English": ENGLISH_HONEST, "Ukrainian": UKRAINIAN_HONEST}


def judged(told: Told) -> Iterator[tuple[str, list[str]]]:
    """Each text, and why it is refused."""
    for seed, texts in told.items():
        known = fact_sheet(made_day(seed)).known
        yield from ((text, unfounded(clean(text), known)) for text in texts)


@pytest.mark.parametrize("name", LIES)
def test_no_fresh_lie_passes(name: str) -> None:
    assert [text for text, why in judged(LIES[name]) if not why] == []


@pytest.mark.parametrize("name", HONEST)
def test_fresh_honest_texts_pass(name: str) -> None:
    texts = list(judged(HONEST[name]))

    refused = [(text, why) for text, why in texts if why]

    assert len(refused) <= 0.05 * len(texts), refused


@pytest.mark.parametrize(("name", "code"), [("English", "en"), ("Ukrainian", "uk")])
def test_fresh_honest_texts_are_of_their_language(name: str, code: str) -> None:
    """One of figures and names alone may be of either."""
    strange = [text for text, _ in judged(HONEST[name]) if not is_in(clean(text), code)]

    assert len(strange) <= 1, strange


# Of the third made day: three times on battery, a weak cell, hours in which the grid is not known.
WEAK_CELL = 2
GOOD = {"tone": "plain", "facts": ["lowest_charge"], "closing": "none"}
HOSTILE: dict[str, object] = {
    "unknown name": GOOD | {"facts": ["lowest_charge", "forecast"]},
    "other case": GOOD | {"facts": ["Lowest_Charge"]},
    "space around a name": GOOD | {"facts": [" lowest_charge"]},
    "letter that looks alike": GOOD | {"facts": ["lоwest_charge"]},
    "sign that is not seen": GOOD | {"facts": ["lowest_charge​"]},
    "battery that is not there": GOOD | {"facts": ["battery_7"]},
    "sentence": GOOD | {"facts": ["The grid was away all day."]},
    "remark that is not true": GOOD | {"closing": "quiet"},
    "remark of another day": GOOD | {"closing": "full"},
    "remark in a list": GOOD | {"closing": ["busy"]},
    "remark of one's own": GOOD | {"closing": "All is well."},
    "tone of one's own": GOOD | {"tone": "alarming"},
    "no tone": GOOD | {"tone": None},
    "tone that is an object": GOOD | {"tone": {"plain": True}},
    "name and no list": GOOD | {"facts": "lowest_charge"},
    "empty list": GOOD | {"facts": []},
    "list in a list": GOOD | {"facts": [["lowest_charge"]]},
    "object and no list": GOOD | {"facts": {"lowest_charge": "41 %"}},
    "numbers": GOOD | {"facts": [0, 1, 2]},
    "truths": GOOD | {"facts": [True, None]},
    "huge list with a stranger at its end": GOOD | {"facts": ["lowest_charge"] * 50_000 + ["sun"]},
    "more fields": GOOD | {"text": "The battery is dead."},
    "fewer fields": {"facts": ["lowest_charge"], "tone": "plain"},
    "nested": {"answer": GOOD},
    "fields in another case": {key.upper(): value for key, value in GOOD.items()},
    "list": ["lowest_charge"],
    "text": "The lowest charge was 12 %.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_choice_is_refused(name: str) -> None:
    with pytest.raises(ChoiceError):
        read_choice(json.dumps(HOSTILE[name]), offer(made_day(WEAK_CELL)))


@pytest.mark.parametrize(
    "answer", ['{"facts":' * 50_000, "[" * 50_000, "{" * 50_000, '{"tone": "plain", "facts": ["lowest', ""]
)
def test_what_is_no_whole_object_is_refused(answer: str) -> None:
    with pytest.raises(ChoiceError):
        read_choice(answer, offer(made_day(WEAK_CELL)))


@pytest.mark.parametrize("code", ["en", "uk"])
@pytest.mark.parametrize(
    "chosen",
    [
        GOOD | {"facts": ["temperature"]},
        GOOD | {"facts": ["energy"] * 50_000, "closing": "busy"},
        GOOD | {"facts": ["temperature", "energy", "temperature"], "tone": "friendly"},
    ],
)
def test_what_changes_the_meaning_is_told_though_it_was_left_out(
    chosen: dict[str, object], code: str
) -> None:
    facts, texts = made_day(WEAK_CELL), language(code)
    say = [texts(f"digest.say.{name}") for name in ("hello", "busy")]

    told = chosen_text(read_choice(json.dumps(chosen), offer(facts)), facts, texts).splitlines()

    must = {part.name: part.lines for part in parts(facts, texts) if part.must}
    assert {"cells_not_in_order", "grid"} <= set(must)
    assert {line for lines in must.values() for line in lines} <= set(told)
    assert set(told) - set(say) <= set(local_text(facts, texts).splitlines())
    assert len([line for line in told if line]) == len({line for line in told if line})
