"""The house is as the documents say: imports, docstrings, options, keys."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms import cli
from jk_bms.errors import Verdict
from jk_bms.links.simulated import OPTIONS
from jk_bms.model.kinds import KINDS
from jk_bms.model.quantities import QUANTITIES
from jk_bms.model.rows import imported

TOP = Path(__file__).resolve().parent.parent
MODULES = [*sorted((TOP / "jk_bms").rglob("*.py")), TOP / "jk_bms_service.py"]
DOCS = sorted((TOP / "docs").glob("*.md"))
TOOL_PAGE = (TOP / "docs" / "tool.md").read_text(encoding="utf-8")


def test_imports_point_one_way() -> None:
    """The layers of pyproject.toml hold."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring."""
    if not ast.get_docstring(tree):
        yield "the module"

    def inside(body: list[ast.stmt], owner: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name.startswith("_"):
                    continue
                if not ast.get_docstring(node):
                    yield owner + node.name
                if isinstance(node, ast.ClassDef):
                    yield from inside(node.body, f"{owner}{node.name}.")

    yield from inside(tree.body, "")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_public_name_has_a_docstring(path: Path) -> None:
    assert list(undocumented(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_no_module_hides_a_standard_one(path: Path) -> None:
    """``python jk_bms/jk-util.py`` puts jk_bms/ on the import path."""
    if path.parent == TOP / "jk_bms":
        assert path.stem not in sys.stdlib_module_names


def options(help_text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", help_text))


def test_every_option_of_the_tool_is_documented() -> None:
    shown = options(cli.parser().format_help())
    assert len(shown) > 20
    assert shown - options(TOOL_PAGE) == set()


def test_every_documented_option_exists() -> None:
    rows = set(re.findall(r"^\| `(--[a-z-]+)", TOOL_PAGE.partition("## jk_bms_service.py")[0], re.MULTILINE))
    assert rows - options(cli.parser().format_help()) == set()


@pytest.mark.parametrize("word", cli.WORDS)
def test_every_word_is_documented_with_its_options(word: str) -> None:
    row = re.search(rf"^\| [^|]*`{word}`.*$", TOOL_PAGE, re.MULTILINE)
    assert row is not None
    done = subprocess.run(
        [sys.executable, TOP / "jk_bms" / "jk-util.py", word, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert options(done.stdout) - {"--help", "--env-file"} <= options(row[0])


def test_every_option_of_the_service_is_documented() -> None:
    page = "".join(path.read_text(encoding="utf-8") for path in (TOP / "docs").glob("*.md"))
    page += (TOP / "README.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, TOP / "jk_bms_service.py", "--help"], capture_output=True, text=True, check=True
    )
    assert options(done.stdout) - options(page) == set()


def test_every_key_of_a_reading_is_documented() -> None:
    for quantity in QUANTITIES:
        if quantity.key and quantity.key != "clock_trusted":
            assert re.search(rf"\b{quantity.key.rpartition('.')[2]}\b", TOOL_PAGE), quantity.key


def test_documented_options_of_the_simulated_battery_exist() -> None:
    page = (TOP / "docs" / "settings.md").read_text(encoding="utf-8")
    table = page.partition("A simulated battery also understands")[2].partition("A `playback`")[0]

    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named
    assert named <= set(OPTIONS)


def test_every_exit_code_is_documented() -> None:
    from jk_bms.tool import exits

    codes = {value for name, value in vars(exits).items() if name.startswith("EXIT_")}
    assert codes <= {int(code) for code in re.findall(r"^\| (\d+) \|", TOOL_PAGE, re.MULTILINE)}


def test_every_kind_can_be_imported() -> None:
    for kind in KINDS.values():
        for place in filter(None, (kind.link, kind.sessions, kind.source, kind.recognise)):
            assert callable(imported(place))


def test_every_verdict_is_used() -> None:
    """A verdict that nothing gives would promise the owner something."""
    source = "".join(path.read_text(encoding="utf-8") for path in MODULES if path.name != "errors.py")
    assert {verdict.name for verdict in Verdict if f"Verdict.{verdict.name}" not in source} == set()


MADE_LATER = {"bench/.peer", "jk_bms/jk_devices.yaml"}  # by a bench; by the program that was here before


def paths_named(text: str) -> set[str]:
    return set(re.findall(r"\b(?:jk_bms|tests|bench|tools|docs|systemd)/[\w./*-]*[\w*]", text))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in DOCS)])
def test_every_path_in_the_documents_is_true(page: str) -> None:
    """Placeholders such as ``<name>`` are no paths."""
    text = (TOP / page).read_text(encoding="utf-8")
    assert sorted(path for path in paths_named(text) - MADE_LATER if not any(TOP.glob(path))) == []
