"""``release`` and ``resume`` beside a running service."""

import argparse
import asyncio
from pathlib import Path

import pytest

from jk_bms.cli import main
from jk_bms.tool.release import duration
from tests.test_poller import poller, running, until


async def test_release_and_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The link is closed when the word returns, and the service connects again at the other."""
    house = poller(tmp_path, BMS_STANDALONE_ROWS="true")
    monkeypatch.setenv("BMS_SOCKET", str(house.settings.socket_path))
    monkeypatch.setenv("JK_BMS_ADDRESS", "simulated")
    async with running(house):
        await until(lambda: house.snapshot().devices[0].reading)

        assert await asyncio.to_thread(main, ["release", "--device", "simulated", "--for", "5m"]) == 0
        link = house.snapshot().devices[0].link
        assert link is not None
        assert (link.state, link.verdict) == ("released", "released")
        assert 290 < (link.released_for or 0.0) <= 300

        assert await asyncio.to_thread(main, ["resume"]) == 0
        await until(lambda: house.snapshot().devices[0].link_state == "streaming")

    said = capsys.readouterr().out
    assert "Released for 5 min: Simulated." in said
    assert "Resumed: Simulated." in said


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("10min", 600), ("2h", 7200), ("45", 45), (" 5M ", 300)]
)
def test_times(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0s", "25h", "-5m", "10x", "nan", "1e9"])
def test_no_times(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a time"):
        duration(text)
