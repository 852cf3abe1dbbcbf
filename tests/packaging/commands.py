"""What the packaging tests share besides fixtures."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

import pytest

PROJECT = Path(__file__).resolve().parents[2]


class Run(Protocol):
    """The fixture ``run``: a command to its end; keyword arguments go into its environment."""

    def __call__(
        self, *command: str | Path, cwd: Path | None = None, **environment: str
    ) -> CompletedProcess[str]: ...


def needs(command: str) -> pytest.MarkDecorator:
    """Skip without ``command``; `make test` installs it, and CI refuses the skip."""
    return pytest.mark.skipif(shutil.which(command) is None, reason=f"{command} is not installed")


UNIT = "etc/systemd/system/easun-jkbms.service"
BOT_UNIT = "etc/systemd/system/easun-jkbms-bot.service"
RULE = "etc/polkit-1/rules.d/50-easun-jkbms.rules"
COMMAND = "usr/local/bin/jk-util"
ENVIRONMENT = Path(sys.prefix)  # has what the program needs

Install = Callable[..., CompletedProcess[str]]  # the fixture ``install``


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every path below ``folder`` with mode, time of change and content."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns if path.is_file() else 0,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def setting(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
