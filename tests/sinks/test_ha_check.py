"""A real Home Assistant takes every entity, where a soak may fetch it: half a gigabyte that an ordinary run leaves alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.commands import PROJECT
from tests.scale import soaking

if soaking():

    @pytest.mark.timeout(1800)
    def test_home_assistant_makes_an_entity_of_every_component(tmp_path: Path) -> None:
        tool, folder = str(PROJECT / "tools" / "ha_check.py"), str(tmp_path / "ha")
        command = [sys.executable, tool, "--folder", folder, "--batteries", "3"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ": good" in done.stdout
