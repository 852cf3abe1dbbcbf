"""Fixtures of the packaging tests: running commands, and a small clone to install from."""

import os
import shutil
import subprocess
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.packaging.commands import ENVIRONMENT, PROJECT, Install, Run

REAL_PARTS = ("install.sh", "tools", "systemd", "LICENSE", "CHANGELOG.md", "pyproject.toml")
PROGRAM = {
    "jk_bms/__init__.py": '"""A program."""\n',
    "jk_bms/model/__init__.py": '"""Its model."""\n',
    "jk_bms/jk-util.py": "import sys\nprint(*sys.argv[1:])\n",
    "jk_bms_service.py": "print('service')\n",
    "telegram_bot.py": "print('bot')\n",
    "requirements.txt": "# needs nothing\n",
    "requirements-bot.txt": "# needs nothing either\n",
    "README.md": "# ours\n",
    "docs/settings.md": "# settings\n",
    ".env.example": "# DB_PATH=/opt/eamoon/inverter.db\n",
    "jk_devices.yaml": "# batteries\n",
    "tests/test_nothing.py": "",
    "bench/nothing.py": "",
    ".git/HEAD": "",
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command to its end, with this environment less what would steer our scripts."""

    def call(
        *command: str | Path, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        steering = ("PYTHON", "SUDO_USER", "MAKEFLAGS", "MAKELEVEL", "PYTEST_ADDOPTS", "CI", "ARGS", "JOBS")
        clean = {key: value for key, value in os.environ.items() if key not in steering}
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd or tmp_path,
            env=clean | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return call


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the real installer and a program of a few lines."""
    top = tmp_path / "clone"
    top.mkdir()
    for name in REAL_PARTS:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(PROJECT / name, top / name)
    for name, text in PROGRAM.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    return top


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for / of the machine."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def install(clone: Path, root: Path, run: Run) -> Install:
    """Run the clone's installer into ``root`` with this very environment."""

    def call(*arguments: str | Path) -> CompletedProcess[str]:
        return run(clone / "install.sh", "--root", root, "--venv", ENVIRONMENT, *arguments)

    return call
