"""``/api/export``: the rows of a time as a file, of all quantities or of those that are asked for."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from tests.charts.lived_house import live
from tests.web import made_up
from tests.web.asking import Browser, asked, house_in

SHOWN = ["battery_soc", "soc_low", "soc_high", "power", "cell_min", "cell_max", "cell_delta", "temperature"]


async def rows(owner: Browser, **asked: str) -> list[dict[str, str]]:
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    got = await owner.get(f"/api/export?device=1&{query}")
    assert got.status == 200
    return list(csv.DictReader(got.body.decode("utf-8-sig").splitlines()))


async def test_what_is_asked_for_is_in_the_file_also_what_follows_from_a_row(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    live(tmp_path / "bms.db", now, 0.2, pack=made_up.address(1))
    span = {"from": (now - timedelta(hours=2)).isoformat(), "to": now.isoformat()}
    async with house_in(tmp_path) as house:
        owner = await house.owner()
        every = await rows(owner, **span)
        some = await rows(owner, **span, keys=",".join(SHOWN))

    assert list(some[0]) == ["time", "clock_trusted", *SHOWN]
    assert len(some) == len(every) > 100
    for whole, part in zip(every, some, strict=True):
        cells = [float(value) for name, value in whole.items() if name.startswith("cell_") and value]
        assert (part["time"], part["power"]) == (whole["time"], whole["power"])
        assert (float(part["cell_min"]), float(part["cell_max"])) == (min(cells), max(cells))
        assert float(part["cell_delta"]) == round(max(cells) - min(cells), 3)
    assert "cell_min" not in every[0]
    assert "cell_1" in every[0]


async def test_there_is_one_at_a_time_and_it_is_broken_off_with_the_session(tmp_path: Path) -> None:
    """Whoever ends a session of a stranger does not have him carry on; half a file is not ended like a whole one."""
    now = datetime.now(UTC)
    live(tmp_path / "bms.db", now, 0.2, pack=made_up.address(1))
    async with house_in(tmp_path) as house:
        owner = await house.owner()
        path = f"/api/export?device=1&from={quote((now - timedelta(hours=3)).isoformat())}"
        both = await asyncio.gather(owner.get(path), owner.get(path))
        assert sorted(got.status for got in both) == [200, 429]
        assert (await owner.ask("HEAD", path)).status == 200
        whole = (await owner.get(path)).body

        def end(_: bytes) -> bool:
            house.page.store.sessions.clear()
            return False

        part = await asked(owner.app, "GET", path, {"host": owner.host, "cookie": owner.cookie}, until=end)
        assert part.status == 200
        assert len(part.body) < len(whole)
        assert not house.page.exporting.locked()
