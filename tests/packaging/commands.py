"""What the packaging tests share besides fixtures."""

import shutil
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
