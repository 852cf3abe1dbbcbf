"""``invite --web --first``, as the installer calls it: only for a page that waits for its first password."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from jk_bms.cli import main
from jk_bms.live.server import LiveServer
from jk_bms.model.snapshot import ProgramNow, Snapshot, WebNow
from jk_bms.texts.qr import qr_lines
from jk_bms.tool import invite
from tests.scale import PATIENCE

URL = "http://house.local:8080"
LINK = f"{URL}/start#GUDC2DE234"
OPEN = WebNow(url=URL, code="GUDC2DE234", link=LINK)
STARTS = {
    # what the service says of the page, one time after another: whether the way to it is printed
    "without a password": ([OPEN], True),
    "not started yet": ([None, None, OPEN], True),
    "with a password": ([WebNow(url=URL, link=URL)], False),
    "never started": ([None], False),
}


@pytest.mark.parametrize(("said", "printed"), STARTS.values(), ids=STARTS)
async def test_the_way_to_a_page_without_a_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: list[WebNow | None],
    printed: bool,
) -> None:
    monkeypatch.setattr(invite, "LOOK_PERIOD", 0.01)
    monkeypatch.setattr(invite, "PATIENCE", 0.1 if said == [None] else PATIENCE)
    asked: list[str] = []
    left = list(said)

    def snapshot() -> Snapshot:
        web = left.pop(0) if len(left) > 1 else left[0]
        return Snapshot(program=ProgramNow(version="1"), web=web)

    async def handle(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["action"])
        return {"code": OPEN.code, "link": LINK, "expires": "2026-12-02T10:00:00+00:00"}

    path = tmp_path / "s"
    monkeypatch.setenv("BMS_SOCKET", str(path))
    monkeypatch.setenv("JK_ENV_FILE", os.devnull)
    async with LiveServer(path, snapshot=snapshot, handle=handle).serve():
        assert await asyncio.to_thread(main, ["invite", "--web", "--first"]) == 0

    out = capsys.readouterr().out
    assert (LINK in out) == ("\n".join(qr_lines(LINK)) in out) == printed
    assert asked == (["invite"] if printed else [])
    assert bool(out) == printed
