"""The example of docs/adding.md for a face: what is known, and what is not."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from jk_bms.config.settings import load_settings
from jk_bms.model.alert import AlertTold
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import BatteryNow, GridNow, InverterShown, LinkNow, Snapshot
from jk_bms.view.live_view import LiveView
from tests.examples.face import house_lines

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
READING = Reading(
    battery_soc=61.4, soc_low=58.0, soc_high=66.0, voltage=52.8, capacity=280.0, empty_in=(7200.0, 9000.0)
)
PACK = BatteryNow(
    number=1, address="AA", name="Garage", link=LinkNow(state="streaming"), age=2.0, reading=READING
)
ALERT = AlertTold(rule="grid_lost", code=2001, severity="critical", subject="inverter", since=NOW.isoformat())
LIT = Snapshot(devices=(PACK,), inverter=InverterShown(age=1.0, grid=GridNow(state="lost")), alerts=(ALERT,))


def test_a_house_that_is_heard() -> None:
    *lines, alert = house_lines(LIT, UTC, NOW)

    assert lines == [
        "House: 61 %",
        "By our count: 58 to 66 %",
        "Empty in 2 h to 2 h 30 min",
        "Garage: 61 %, 2.0 s ago, connected",
        "Grid: lost",
    ]
    assert "grid is lost" in alert
    assert "2001" in alert


async def test_without_a_poller_nothing_is_said_to_be_well(tmp_path: Path) -> None:
    settings = load_settings(
        {"BMS_DB_PATH": str(tmp_path / "bms.db"), "BMS_SOCKET": str(tmp_path / "s")}, top=tmp_path
    )

    assert list(house_lines(await LiveView(settings).snapshot(), UTC, NOW)) == [
        "The battery monitor does not answer. These are the last known values.",
        "House: charge not known",
        "Grid: unknown",
        "Alerts: not known",
    ]


def test_it_needs_no_other_face() -> None:
    asked = "import sys, tests.examples.face; print(*sys.modules)"
    top = Path(__file__).resolve().parent.parent.parent
    loaded = subprocess.run(
        [sys.executable, "-c", asked], cwd=top, capture_output=True, text=True, check=True
    )

    faces = ("jk_bms.bot", "jk_bms.web", "jk_bms.tool", "jk_bms.poller")
    assert [name for name in loaded.stdout.split() if name.startswith(faces)] == []
