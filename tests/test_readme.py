"""What the first pages show and tell to type is what is there."""

import re
from pathlib import Path

import pytest

from jk_bms.called import TOP
from jk_bms.config.devices import read_registry, selected_entries
from jk_bms.demo import demo_settings
from jk_bms.poller.service import _head

README = (TOP / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", ".env.example", *(
    f"docs/{name}.md"
    for name in (
        "adding", "alerts", "digest", "keeping", "pairing", "settings", "telegram", "tool", "troubleshooting", "truth",
    )
))  # fmt: skip
IN_A_CLONE, INSTALLED = "python3 jk_bms/jk-util.py", "sudo jk-util"


def screen() -> list[str]:
    """The picture of `make run` in the README."""
    found = re.search(r"^make run\n```\n\n```\n(easun-jkbms .*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].splitlines()


def commands(text: str) -> list[str]:
    """What stands in code, inline or in a block, and begins like a call of the tool."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE))
    lines = [line.strip() for block in blocks for line in block.splitlines()] + inline
    return [line for line in lines if re.search(r"jk-util(\.py)? +[-\w]", line)]


def test_screen_begins_as_the_demonstration_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)  # a command is shown as one types it there
    monkeypatch.setattr("jk_bms.called._here", lambda: TOP)
    monkeypatch.setattr("jk_bms.called._tool", lambda: IN_A_CLONE)
    settings = demo_settings()
    entries = selected_entries(read_registry(settings.devices_file), settings.address, settings.device_name)

    head = _head(settings, entries, demo=True)

    assert screen()[: len(head)] == head
    assert all(len(line) <= 80 for line in head)


@pytest.mark.parametrize("page", PAGES)
def test_commands_work_as_they_stand(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")

    found = commands(text)

    assert found
    assert [line for line in found if not line.startswith((IN_A_CLONE, INSTALLED))] == []
    if page != "README.md":  # it shows both, each where it works
        assert f"in a clone `{IN_A_CLONE}` stands for `{INSTALLED}`" in text.replace("In a", "in a")


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{path.name}" for path in Path(TOP / "docs").glob("*.md"))]
)
def test_no_command_has_a_blank_to_fill(page: str) -> None:
    """As in `git clone <this repository>`: nobody could type it."""
    assert not re.search(r"git clone <", (TOP / page).read_text(encoding="utf-8"))
