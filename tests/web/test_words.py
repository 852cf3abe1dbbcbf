"""What the page speaks: its words, in JSON, and the numbers as it prints them."""

import re
from importlib import import_module

import msgspec
import pytest

from jk_bms.called import poller, tool
from jk_bms.texts import LANGUAGES, language
from jk_bms.view.link_layers import FAULT, LAYERS, OK, PENDING, UNTRIED
from jk_bms.web.asking import layer_key
from jk_bms.web.assets import tree
from jk_bms.web.words import FORMS, page_words, printed, quantity

PRINTED = {
    # as of Texts.quantity: as printed
    "-2168 W": "−2168\u00a0W",
    "+41.2 A": "+41.2\u00a0A",
    "-0.4 A": "−0.4\u00a0A",
    "9999 W": "9999\u00a0W",
    "10000 W": "10\u202f000\u00a0W",
    "-1234567.8 W": "−1\u202f234\u202f567.8\u00a0W",
    "12345,6 кВт·год": "12\u202f345,6\u00a0кВт·год",
    "3 h 20 min": "3\u00a0h\u00a020\u00a0min",
    "0": "0",
}
BUTTONS = re.compile(
    r"web\.(release|resume|doctor|mute\.(1h|8h|until_over|0|yes)|ack|sign_in|sign_out|compare|span\.\w+|by\.\w+|theme\.\w+|retry|reload)$"
)
LARGEST = 12_500  # bytes, compressed: a part of what a first visit may cost
LONGEST_BUTTON = 28  # characters


@pytest.mark.parametrize("text", PRINTED)
def test_numbers_are_printed_with_true_signs_and_blanks_that_hold(text: str) -> None:
    assert printed(text) == PRINTED[text]


def test_energy_loses_its_tenth_where_it_says_nothing() -> None:
    texts = language("en")

    assert quantity(texts, "energy", 99.94) == "99.9\u00a0kWh"
    assert quantity(texts, "energy", 4213.4) == "4213\u00a0kWh"


@pytest.mark.parametrize("name", LANGUAGES)
def test_words_are_those_of_the_catalogues(name: str) -> None:
    told = page_words(name)["texts"]

    for key, text in import_module(f"jk_bms.texts.{name}.web").TEXTS.items():
        assert told[key] == text.replace("{tool}", tool()).replace("{start}", poller("start")), key
    assert told["units.kWh"] == language(name)("units.kWh")
    assert "link.cause.phone_connected.action" in told
    assert not [key for key in told if key.startswith(("access.", "digest.", "bot.command."))]


@pytest.mark.parametrize("name", LANGUAGES)
def test_words_fit_their_budget(name: str) -> None:
    import gzip

    assert len(gzip.compress(msgspec.json.encode(page_words(name)), 9)) < LARGEST


@pytest.mark.parametrize("name", LANGUAGES)
def test_words_of_buttons_are_short(name: str) -> None:
    texts = import_module(f"jk_bms.texts.{name}.web").TEXTS
    long = {key: text for key, text in texts.items() if BUTTONS.match(key) and len(text) > LONGEST_BUTTON}

    assert long == {}


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_form_has_a_unit_in_each_language(name: str) -> None:
    texts = language(name)

    assert [form for form in FORMS.values() if not texts.known(f"units.{form.unit}")] == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_layer_of_the_way_to_a_battery_has_its_words(name: str) -> None:
    texts = page_words(name)["texts"]
    layers = {key.removeprefix("link.layer.") for key in texts if key.startswith("link.layer.")}

    assert layers == {layer_key(layer) for layer in LAYERS}
    assert all(f"web.doctor.{result.replace(' ', '_')}" in texts for result in (OK, FAULT, UNTRIED, PENDING))


def test_the_tree_is_one_release() -> None:
    """The same files give the same folder; words of all languages are in it, the worker is not."""
    made = tree()

    assert tree.__wrapped__().hash == made.hash
    assert {f"words/{name}.json" for name in LANGUAGES} < made.files.keys()
    assert "sw.js" not in made.files
    assert made.hash.encode() in made.worker.body
