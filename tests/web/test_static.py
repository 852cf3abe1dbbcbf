"""The files of the page: what they may not hold, and what a first visit costs."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import esprima  # type: ignore[import-untyped]
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


# What a browser of the floor (Safari 15.4) does not have: kinds of syntax, as the parser names them ...
TOO_YOUNG_NODES = {"StaticBlock": "static block"}
# ... and names, of members (`.name`) or alone. "Object.groupBy": of that object only.
TOO_YOUNG_NAMES = frozenset({
    "AbortSignal.timeout", "AbortSignal.any", "Promise.withResolvers", "Promise.try", "Object.groupBy", "Map.groupBy",
    "Array.fromAsync", "Intl.DurationFormat", "URL.canParse", "URL.parse", "toSorted", "toReversed", "toSpliced", "with",
    "findLast", "findLastIndex", "isWellFormed", "toWellFormed", "symmetricDifference", "isSubsetOf", "isSupersetOf",
    "popover", "showPopover", "togglePopover", "hidePopover", "inert", "requestIdleCallback", "startViewTransition",
    "scheduler", "navigation", "CompressionStream", "DecompressionStream", "Iterator", "Temporal",
    "checkVisibility", "setHTML", "setHTMLUnsafe", "getHTML", "moveBefore", "CSSStyleSheet",
    "adoptedStyleSheets", "OffscreenCanvas", "roundRect",
})  # fmt: skip
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


def nodes(code: str) -> Iterator[tuple[Any, int]]:
    """Every node of the syntax tree of a module; and how many functions it stands in."""
    waiting = [(esprima.toDict(esprima.parseModule(code, {"loc": True})), 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, list):
            waiting += [(each, depth) for each in node]
        elif isinstance(node, dict):
            if "type" in node:
                yield node, depth
            inner = depth + ("Function" in str(node.get("type")))
            waiting += [(each, inner) for key, each in node.items() if key != "loc"]


def too_young(code: str, names: frozenset[str] = TOO_YOUNG_NAMES) -> list[str]:
    """What in a module the oldest browser could not read, and which of ``names`` it would not know."""
    found = []
    for node, depth in nodes(code):
        kind = node["type"]
        where = f"line {node['loc']['start']['line']}: " if "loc" in node else ""
        if kind in TOO_YOUNG_NODES:
            found.append(where + TOO_YOUNG_NODES[kind])
        elif depth == 0 and kind in ("AwaitExpression", "ForAwaitStatement"):
            found.append(where + "await outside of functions")
        elif kind.startswith(("Import", "Export")) and node.get("attributes"):
            found.append(where + "attributes of an import")
        elif (
            kind == "BinaryExpression"
            and node["operator"] == "in"
            and node["left"]["type"] == "PrivateIdentifier"
        ):
            found.append(where + "#name in")
        elif kind == "VariableDeclaration" and node["kind"] not in ("const", "let", "var"):
            found.append(where + node["kind"])
        elif kind == "Literal" and (regex := node.get("regex")):
            if "(?<=" in regex["pattern"] or "(?<!" in regex["pattern"] or set(regex["flags"]) & set("dv"):
                found.append(where + f"/{regex['pattern']}/{regex['flags']}")
        elif kind == "MemberExpression" and not node["computed"]:
            name = str(node["property"].get("name"))
            if names & {name, f"{node['object'].get('name')}.{name}"}:
                found.append(where + name)
        elif kind in ("NewExpression", "CallExpression") and node["callee"].get("name") in names:
            found.append(where + node["callee"]["name"])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_nothing_younger_than_the_oldest_browser(path: Path) -> None:
    """Vendored modules look whether a name is there before they use it; ours do without."""
    names = TOO_YOUNG_NAMES if path in OWN else frozenset[str]()

    assert too_young(path.read_text(), names) == []


YOUNG = {
    "class A { static { x(); } }": "static block",
    "await x();": "await outside",
    "for await (const a of b) a();": "await outside",
    "const a = x.match(/(?<=a)b/);": "(?<=a)b",
    "const a = /[a--b]/v;": "/v",
    'import a from "./a.json" with { type: "json" };': "attributes",
    "class A { #x; has(o) { return #x in o; } }": "#name in",
    "const a = b.toSorted();": "toSorted",
    "const a = AbortSignal.timeout(5);": "timeout",
    "using a = b();": "using",
    "a.inert = true;": "inert",
    "const { promise } = Promise.withResolvers();": "withResolvers",
    "requestIdleCallback(a);": "requestIdleCallback",
}


@pytest.mark.parametrize("code", YOUNG)
def test_what_is_too_young_is_found(code: str) -> None:
    assert any(YOUNG[code] in one for one in too_young(code)), too_young(code)


OLD_ENOUGH = """
class A { x = 1; static y = 2; #z = 3; get z() { return this.#z; } }
const f = async () => { for await (const a of b) await a?.b ?? (c ||= 1_000n); };
const { timeout, ...rest } = d; const g = /(?<year>\\d)/u; export { f, A, g }; import("./x.js").then(rest.with_);
const e = "AbortSignal.timeout inert popover"; signal.timeout; structure.findAll;
"""


def test_what_is_old_enough_is_let_be() -> None:
    assert too_young(OLD_ENOUGH) == []


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
