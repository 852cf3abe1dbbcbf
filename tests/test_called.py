"""A message names a command that works where it is printed."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jk_bms import called
from jk_bms.cli import WORDS

CLONE = "python3 jk_bms/jk-util.py"
KINDS = {
    # name: (what the environment says, lines of the places file or None, below the top?, the command)
    "clone, there": ("", None, True, CLONE),
    "clone, elsewhere": ("", None, False, "python3 {top}/jk_bms/jk-util.py"),
    "installed": ("", "JK_ENV_FILE=/etc/x\n", False, "sudo jk-util"),
    "installed, in place": ("", "JK_ENV_FILE=/etc/x\n", True, "sudo jk-util"),
    "the command is another program's": ("", "JK_UTIL=sudo /opt/a/b.py\n", False, "sudo /opt/a/b.py"),
    "container": ("docker-compose exec jkbms jk", None, False, "docker-compose exec jkbms jk"),
}


@pytest.mark.parametrize(("given", "places", "there", "wanted"), KINDS.values(), ids=KINDS)
def test_tool(tmp_path: Path, given: str, places: str | None, there: bool, wanted: str) -> None:
    if places is not None:
        (tmp_path / called.PLACES).write_text(places)

    assert called.told(given, tmp_path, here=tmp_path if there else Path("/")) == wanted.format(top=tmp_path)


def test_a_folder_with_blanks_is_quoted(tmp_path: Path) -> None:
    top = tmp_path / "my house"
    top.mkdir()

    assert called.told("", top, here=None) == f"python3 '{top}/jk_bms/jk-util.py'"


def test_words_follow() -> None:
    assert called.tool("--scan") == f"{called.tool()} --scan"


@pytest.mark.parametrize("verb", called.BY_HAND)
def test_a_clone_is_not_started_by_systemd(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(called, "TOP", tmp_path)
    monkeypatch.delenv(called.TOOL, raising=False)

    assert called.poller(verb) == called.BY_HAND[verb]

    monkeypatch.setenv(called.TOOL, "docker-compose exec jkbms jk")
    assert called.poller(verb) == f"docker-compose {verb} jkbms"
    assert called.all_programs(verb) == f"docker-compose {verb}"

    (tmp_path / called.PLACES).write_text("JK_ENV_FILE=/etc/x\n")
    assert called.poller(verb) == f"sudo systemctl {verb} easun-jkbms"
    assert called.all_programs(verb) == f"sudo systemctl {verb} 'easun-jkbms*'"


def test_the_folder_that_was_deleted(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os, sys; os.rmdir({str(gone)!r}); sys.path.insert(0, {str(called.TOP)!r}); "
    environ = {key: text for key, text in os.environ.items() if key != called.TOOL}

    done = subprocess.run(
        [sys.executable, "-c", code + "from jk_bms import called; print(called.tool())"],
        cwd=gone,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split()[-1].endswith("jk-util.py")


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a module that is not a docstring, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_no_message_names_a_command_of_its_own() -> None:
    """`jk-util.py WORD` works nowhere as it stands."""
    words = "|".join([*WORDS, "--\\w+"])
    bad = [
        f"{path.relative_to(called.TOP)}:{line}: {text}"
        for path in sorted((called.TOP / "jk_bms").rglob("*.py"))
        if path != Path(called.__file__)
        for line, text in _texts(path)
        if re.search(rf"jk-util(\.py)?`? ({words})", text)
    ]

    assert bad == []
