"""The files of the page: what they may not hold, and what a first visit costs."""

import gzip
import hashlib
import re
from importlib import import_module
from pathlib import Path

import pytest

from jk_bms.web.words import page_words

STATIC = Path(__file__).parents[2] / "jk_bms" / "web" / "static"
VENDOR = STATIC / "vendor"
OWN = sorted(path for path in STATIC.rglob("*.js") if VENDOR not in path.parents)
MODULES = sorted(STATIC.rglob("*.js"))

THEMES = {  # the tokens of each theme, by what stands before them in the style
    "light": r":root \{",
    "dark by the system": r':root:not\(\[data-theme="light"\]\) \{',
    "dark by choice": r':root\[data-theme="dark"\] \{',
}
TEXT = (
    "ink",
    "quiet",
    "accent",
    "charge",
    "discharge",
    "sun",
    "house",
    "grid",
    "info",
    "warn",
    "error",
    "ok",
    "soc",
)
PAIRS = (
    ("on-accent", "accent"),
    ("on-critical", "critical"),
    ("ink", "well"),
    ("quiet", "well"),
    ("card", "error"),
)
READABLE, SEEN = 4.5, 3.0  # contrast of text and of marks


def tokens(theme: str) -> dict[str, str]:
    """The colours of a theme."""
    style = (STATIC / "style.css").read_text()
    found = re.search(THEMES[theme] + r"(.*?)\}", style, re.DOTALL)
    assert found is not None
    return dict(re.findall(r"--([a-z-]+): (#[0-9A-Fa-f]{6})", found[1]))


def contrast(one: str, other: str) -> float:
    """As WCAG counts it."""

    def light(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_everything_can_be_read(theme: str) -> None:
    colors = tokens(theme)
    ratios = {
        (front, back): contrast(colors[front], colors[back])
        for front, back in (*((name, back) for name in TEXT for back in ("ground", "card")), *PAIRS)
    }

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < READABLE} == {}
    assert contrast(colors["edge"], colors["card"]) >= SEEN


def test_contrast_is_counted_right() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_dark_is_the_same_dark_twice() -> None:
    assert tokens("dark by the system") == tokens("dark by choice")
    assert tokens("light").keys() == tokens("dark by choice").keys()


def test_vendored_files_are_the_ones_that_are_named() -> None:
    named = dict(
        re.findall(
            r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE
        )
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.suffix in (".js", ".css")
    }

    assert named == found


# What a browser of the floor (Safari 15.4) does not have. In own modules; vendored ones test for what they use.
TOO_YOUNG = {
    "look-behind": r"\(\?<[=!]",
    "static block": r"\bstatic\s*\{",
    "AbortSignal.timeout": r"AbortSignal\.(timeout|any)\b",
    "copies of arrays": r"\.(toSorted|toReversed|toSpliced)\(|\.with\(",
    "Promise.withResolvers": r"Promise\.withResolvers",
    "groupBy": r"\b(Object|Map)\.groupBy",
    "popover": r"\bpopover",
    "inert": r"\binert\b",
    "import of JSON": r"import[^;\n]+\b(with|assert)\s*\{",
    "structuredClone": r"structuredClone",
    "regular expression of sets": r"/[dgimsuy]*v[dgimsuy]*\.(test|exec)",
    "array findLast": r"\.findLast(Index)?\(",
}
TOO_YOUNG_STYLES = {
    "container queries": r"@container|container-type",
    "nesting": r"^\s*&",
    "color-mix": r"color-mix\(",
    ":has": r":has\(",
    "content-visibility": r"content-visibility",
    "dvh": r"\d(dvh|svh|lvh)\b",
    "range of media": r"@media[^{]*[<>]",
    "layers": r"@layer",
}


@pytest.mark.parametrize("name", TOO_YOUNG)
def test_nothing_younger_than_the_oldest_browser(name: str) -> None:
    assert [path.name for path in OWN if re.search(TOO_YOUNG[name], path.read_text())] == []


@pytest.mark.parametrize("name", TOO_YOUNG_STYLES)
def test_no_style_younger_than_the_oldest_browser(name: str) -> None:
    assert not re.search(TOO_YOUNG_STYLES[name], (STATIC / "style.css").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_import_by_relative_path(path: Path) -> None:
    """Import maps are too young, and a module of another host is never asked for."""
    for place in re.findall(r'(?:\}\s*from\s*|\w\s+from\s*|\bimport\s*\(?\s*)"([^"]+)"', path.read_text()):
        assert place.startswith("./") or place.startswith("../"), place
        assert (path.parent / place).resolve().is_file(), place


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_foreign_host_and_no_markup_from_text(path: Path) -> None:
    code = path.read_text().replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"https?://", code)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|dangerouslySet", code
    )


def compressed(*paths: str) -> int:
    return sum(len(gzip.compress((STATIC / path).read_bytes(), 5)) for path in paths)


def test_sizes_are_counted_of_files_that_are_there() -> None:
    assert compressed("style.css", "icons.svg") > 1000
    assert compressed("style.css") < 10_000
    assert compressed("icons.svg") < 5_000


def words_used() -> tuple[str, set[str], set[str]]:
    """All code of the page, and its quoted words: whole keys or the ends of such, and beginnings of keys."""
    code = "".join(path.read_text() for path in (*OWN, *STATIC.parent.glob("*.py")))
    quoted = {text for pair in re.findall(r'"([\w.]+)"|(?<![\w"])(\w+)(?=: )', code) for text in pair if text}
    beginnings = set(re.findall(r"[\"`](web\.(?:\w+[._])*)(?:\"|\$\{|\{)", code))
    return code, quoted, beginnings


def test_every_word_of_the_page_is_used() -> None:
    code, quoted, beginnings = words_used()
    texts = import_module("jk_bms.texts.en.web").TEXTS
    unused = [
        key
        for key in texts
        if f'"{key}"' not in code
        and not any(key.startswith(begin) and key.removeprefix(begin) in quoted for begin in beginnings)
    ]

    assert unused == []


def test_no_word_is_missing() -> None:
    code, _, _ = words_used()
    known = {*page_words("en")["texts"], *import_module("jk_bms.texts.en.web").TEXTS}
    named = set(
        re.findall(
            r'(?:\bt|\bcount|\btold|\bwords)\("((?:web|bot|alerts|link|health|units)\.[\w.]+[a-z0-9])"', code
        )
    )

    assert sorted(named - known) == []


def test_no_text_for_people_stands_in_a_module() -> None:
    """Between the tags of a template there are values, signs and units, and no words of any language."""
    for path in OWN:
        code = path.read_text()
        between = re.findall(r"(?<![=\s])>([^<>$`{}=;()'+]*[^\W\d_]{3,}[^<>$`{}=;()'+]*)<", code)
        said = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', code)

        assert (path.name, between, said) == (path.name, [], [])
