"""The catalogues of all languages: complete, alike in their fields, and safe with any value."""

import pkgutil
import re
from importlib import import_module
from string import Formatter
from typing import Any

import pytest

from jk_bms import texts as package
from jk_bms.config.settings import SETTINGS
from jk_bms.model.alarms import ALARMS
from jk_bms.texts import LANGUAGES, language
from jk_bms.texts.language import plural_form

OTHERS = LANGUAGES[1:]
HOSTILE = '{0}{x!r:>99}</b>&<script>%s\n\u202e"' + "x" * 4000
FORMS = {name: 1 + max(plural_form(name, number) for number in range(200)) for name in LANGUAGES}
# The same in both: names, units that are international, layouts of nothing but fields, and each language's own name.
SAME = re.compile(
    r"(choices\.language\.(en|uk)|units\.(%|°C)|web\.(link|csv)|alerts\.step\.\w+|alerts\.cell_fault\.action|alerts\.bms_silent\.detail)$"
)


def catalogue(name: str) -> dict[str, str]:
    """All texts of a language."""
    found: dict[str, str] = {}
    for topic in topics(name):
        for key, text in import_module(f"jk_bms.texts.{name}.{topic}").TEXTS.items():
            assert key.startswith(f"{topic}."), f"{key} stands in {topic}"
            assert key not in found
            found[key] = text
    return found


def topics(name: str) -> set[str]:
    folder = import_module(f"jk_bms.texts.{name}").__path__
    return {module.name for module in pkgutil.iter_modules(folder)}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# In English the table of settings says what they mean, unless the catalogue does it in the words of a household
SETTINGS_TOLD = {f"settings.{setting.key}" for setting in SETTINGS}
CATALOGUES = {name: catalogue(name) for name in LANGUAGES}


def test_every_language_has_a_folder_and_is_listed() -> None:
    folders = {module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg}

    assert folders == set(LANGUAGES)


@pytest.mark.parametrize("name", OTHERS)
def test_no_text_is_missing_or_left_over(name: str) -> None:
    assert topics(name) == topics("en")
    assert sorted(CATALOGUES["en"].keys() - CATALOGUES[name].keys()) == []
    assert sorted(CATALOGUES[name].keys() - CATALOGUES["en"].keys() - SETTINGS_TOLD) == []


@pytest.mark.parametrize("name", OTHERS)
def test_every_setting_says_what_it_means(name: str) -> None:
    told = {key for key in CATALOGUES[name] if key.startswith("settings.")}

    assert told == SETTINGS_TOLD


@pytest.mark.parametrize("name", OTHERS)
def test_fields_are_the_same(name: str) -> None:
    """A field that one language has not would be a value that nobody is told."""
    different = {
        key: (fields(text), fields(CATALOGUES[name][key]))
        for key, text in CATALOGUES["en"].items()
        if fields(text) != fields(CATALOGUES[name][key])
    }

    assert different == {}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_is_left_untranslated(name: str) -> None:
    same = [
        key
        for key, text in CATALOGUES["en"].items()
        if text == CATALOGUES[name][key]
        and re.sub(r"\{.*?\}", "", text).strip(" .,:;|()%–-/")
        and not SAME.match(key)
    ]

    assert same == []


def test_ukrainian_is_written_in_its_own_letters() -> None:
    """No Latin letter inside a Cyrillic word, no letter that Ukrainian does not have."""
    mixed = [
        (key, word)
        for key, text in CATALOGUES["uk"].items()
        for word in re.findall(r"[\w’]+", re.sub(r"\{.*?\}", "", text))
        if (re.search("[а-яіїєґ]", word, re.IGNORECASE) and re.search("[a-z]", word, re.IGNORECASE))
        or re.search("[ыэъё]", word, re.IGNORECASE)
    ]

    assert mixed == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_templates_are_plain_text_with_named_fields(name: str) -> None:
    """No markup, no positions, no attributes: a template cannot reach into what it is given."""
    for key, text in CATALOGUES[name].items():
        assert text.strip(), key
        assert not re.search(r"<[a-z/]|&[a-z]+;", text), key
        assert all(re.fullmatch(r"[a-z_]\w*", field) for field in fields(text)), key
        assert "|" not in text or len(text.split("|")) == FORMS[name], key


@pytest.mark.parametrize("name", LANGUAGES)
def test_templates_render_with_hostile_values(name: str) -> None:
    """A value is never read as a template, however it looks."""
    texts = language(name)
    for key, text in CATALOGUES[name].items():
        values: dict[str, Any] = dict.fromkeys(fields(text), HOSTILE)
        if "|" in text:
            values.pop("count", None)
            assert all(texts.count(key, number, **values) for number in (0, 1, 2, 5, 11, 21)), key
        else:
            places = sum(field is not None for _, field, _, _ in Formatter().parse(text))
            assert texts(key, **values).count(HOSTILE) == places, key


def test_every_alarm_of_a_bms_has_words() -> None:
    for name in LANGUAGES:
        for alarm in ALARMS:
            assert language(name).known(f"bms_alarms.{alarm.name}")
