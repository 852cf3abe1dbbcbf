"""Work that is done in processes of their own: how many at once, and what becomes of faults."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from jk_bms.bot import child
from jk_bms.bot.child import MOST, ChildError, run_child


async def test_a_few_run_at_once_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "busy.py").write_text(
        "import json, pathlib, sys, time, os\n"
        "folder = pathlib.Path(json.load(sys.stdin)['folder'])\n"
        "mine = folder / str(os.getpid())\n"
        "mine.touch()\n"
        "time.sleep(0.3)\n"
        "print(len(list(folder.iterdir())))\n"
        "mine.unlink()\n"
    )
    (tmp_path / "running").mkdir()
    monkeypatch.setattr(child, "TOP", tmp_path)
    request = {"folder": str(tmp_path / "running")}

    seen = await asyncio.gather(*(run_child("busy", request, timeout=20) for _ in range(3 * MOST)))

    assert max(map(int, seen)) <= MOST


async def test_one_that_cannot_be_started_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(ChildError, match="No such file"):
        await run_child("json.tool", {}, timeout=5)


async def test_one_that_hangs_is_ended_and_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stuck.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(child, "TOP", tmp_path)

    for _ in range(MOST + 1):
        with pytest.raises(ChildError, match="not done within"):
            await run_child("stuck", {}, timeout=0.1)

    assert json.loads(await run_child("json.tool", {"a": 1}, timeout=20)) == {"a": 1}
