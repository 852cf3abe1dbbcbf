"""The dashboards: every query of every panel finds something on a real server, after a day with troubles."""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from jk_bms.model import Device, Event, InverterSample, Sample
from jk_bms.model.alert import AlertTold
from jk_bms.model.snapshot import (
    BatteryNow,
    GridNow,
    InverterShown,
    LinkNow,
    OneInverter,
    OutboxNow,
    Snapshot,
)
from jk_bms.sinks.line_protocol import Names, lines
from jk_bms.sinks.series import of_house, of_inverter, of_sample
from tests.sinks.influx_house import utc
from tests.sinks.timeseries import Database, InfluxDB, VictoriaMetrics, asked, running
from tools import dashboards

pytestmark = pytest.mark.long

TOP = Path(__file__).resolve().parent.parent.parent
GRAFANA = TOP / "deploy" / "grafana"
STEP = 120_000  # ms
DAY = 86_400_000
HOUSES = ("one", "two", "gone")  # the box of the last fell silent six hours ago
BOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in GRAFANA.glob("dashboards/*.json")
}


def a_day(names: str, house: str, now: int) -> Iterator[str]:
    """A day and an hour of a house: sun, an hour without grid, a weak cell, an alert, a link that was repaired."""
    named, pack = (
        Names(names, house, invert=False),
        Device(address="AA:BB:CC:DD:EE:FF", name=f"pack of {house}"),
    )
    begin = now - DAY - 3_600_000
    for n, time in enumerate(range(begin, now - (6 * 3_600_000 if house == "gone" else 0), STEP)):
        share = n / 750
        sample = Sample(
            device=pack,
            taken_at=utc(time),
            monotonic=1.0,
            voltage=52.0 + share,
            current=20 * math.sin(6 * share),
            battery_soc=50 + 10 * share,
            soc_low=45 + 10 * share,
            soc_high=55 + 10 * share,
            soh=97.0,
            cell_voltages=(3.30, 3.31, 3.25 - 0.01 * share),
            cell_resistances=(0.05, 0.06, 0.2),
            temperatures=(21.0,),
            mosfet_temperature=30.0,
            charge_enabled=True,
            discharge_enabled=True,
            charged_kwh=100 + 5 * share,
            discharged_kwh=90 + 4 * share,
            equivalent_cycles=12 + share,
            learned_ah=280.0,
            empty_in=(3600.0, 7200.0),
        )
        lost = 300 <= n < 330
        heard = InverterSample(
            taken_at=utc(time),
            monotonic=1.0,
            grid_voltage=230.0,
            load_power=500.0,
            pv_power=800.0,
            grid_power=10.0,
        )
        link = LinkNow(state="silent" if lost else "streaming", rssi=-70, refused=n // 50, frames=n)
        alert = AlertTold(code=1005, severity="critical", subject=pack.address)
        house_now = Snapshot(
            devices=(BatteryNow(number=1, address=pack.address, name=pack.name, age=1.0, link=link),),
            inverter=InverterShown(grid=GridNow(state="lost" if lost else "present")),
            inverters=(OneInverter(id="inverter", age=2.0),),
            alerts=(alert,) if n > 600 else (),
            sinks={"influx": OutboxNow()},
        )
        yield from lines(named.battery(pack.label, of_sample(sample)), time)
        yield from lines(named.inverter("inverter", of_inverter(heard)), time)
        for series in of_house(house_now, {(pack.label, "reconnect"): 1 + n // 250}):
            head, fields = named.series(series)
            yield from lines({head: fields}, time)
        for at, kind in ((300, "grid.lost"), (601, "alert.raised")):
            if n == at:
                yield from named.event(
                    Event(kind=kind, taken_at=utc(time), monotonic=1.0, text=kind), pack.label
                )


def fill(server: Database, names: str, now: int, **query: str) -> None:
    for house in HOUSES:
        told = list(a_day(names, house, now))
        for at in range(0, len(told), 20_000):
            body = "\n".join(told[at : at + 20_000]).encode()
            asked(server.url + "/write", body, precision="ms", **query)


def queries(board: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Title and target of every panel, and of every annotation."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target
    for note in board["annotations"]["list"]:
        yield note["name"], note


def now_ms() -> int:
    now = int(datetime.now(UTC).timestamp() * 1000)
    return now - now % STEP


def test_every_panel_has_something_to_show_on_victoria_metrics(tmp_path: Path) -> None:
    server, now = VictoriaMetrics(tmp_path), now_ms()
    empty = []
    with running(server):
        fill(server, "metrics", now)
        asked(server.url + "/internal/force_flush")
        for name in ("house-promql", "fleet-promql"):
            for title, target in queries(BOARDS[name]):
                query = re.sub(r"\$(house|device)", ".*", target["expr"])
                assert "$" not in query
                if target.get("instant"):
                    found = server.ask(query, now / 1000 - 1)
                else:
                    span = {"start": str((now - DAY) / 1000), "end": str(now / 1000 - 1), "step": "300"}
                    told = json.loads(
                        asked(server.url + "/api/v1/query_range", None, query=query, nocache="1", **span)
                    )
                    assert told["status"] == "success", (title, told)
                    found = told["data"]["result"]
                if not found:
                    empty.append((name, title, query))
        at = now / 1000 - 1
        [silent] = server.ask(dashboards.RULES["BoxSilent"][0], at)
        fired = {name for name, (expr, _, _) in dashboards.RULES.items() if server.ask(expr, at)}
        only = 'max by (house, device) (easun_battery_soc_ratio{house="one"})'
        [charge] = server.ask(only, at)
        energy = 'increase(easun_battery_energy_charged_kilowatthours_total{house="one"}[1d])'
        [charged] = server.ask(energy, at)
        [houses] = [
            server.ask("count by (house, device) (easun_reading_age_seconds)", now / 1000 - DAY / 4000 - 240)
        ]

    assert empty == []
    assert silent["metric"]["house"] == "gone"
    assert fired == {"BoxSilent", "CriticalAlert"}
    assert float(charge["value"][1]) == pytest.approx(0.60, rel=0.01)
    assert float(charged["value"][1]) == pytest.approx(4.8, rel=0.01)
    # No series of one house carries the name of another.
    assert {(one["metric"]["house"], one["metric"]["device"]) for one in houses} == {
        (h, f"pack of {h}") for h in HOUSES
    }


def test_every_panel_has_something_to_show_on_influxdb(tmp_path: Path) -> None:
    server, now = InfluxDB(tmp_path), now_ms()
    empty = []
    with running(server):
        asked(server.url + "/query", b"", q="CREATE DATABASE bms")
        fill(server, "batmon", now, db="bms")
        for title, target in queries(BOARDS["house-influxql"]):
            query = target["query"].replace("$timeFilter", f"time >= {now - DAY}ms and time <= {now}ms")
            query = query.replace("$__interval", "300s").replace("$device", ".*")
            assert "$" not in query.replace("$/", "")
            if not server.ask(query):
                empty.append((title, query))
        [charge] = server.ask("SELECT last(soc) FROM batmon WHERE house = 'one'")
        [delta] = server.ask(
            "SELECT max(voltage_cell_max) - min(voltage_cell_min) FROM batmon WHERE house = 'one'"
        )

    assert empty == []
    assert charge["values"][0][1] == pytest.approx(60.0, rel=0.01)
    assert delta["values"][0][1] == 70


def test_the_files_are_what_the_description_gives() -> None:
    """``make dashboards`` was run."""
    made = dashboards.files()

    assert {path.name: path.read_text(encoding="utf-8") for path in made} == {
        p.name: text for p, text in made.items()
    }
    assert {path.name for path in (GRAFANA / "dashboards").iterdir()} == {
        p.name for p in made if p.suffix == ".json"
    }


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_dashboard_is_whole(board: dict[str, Any]) -> None:
    """Each panel has a number and a place of its own, and nothing leads out of the house."""
    numbers = [panel["id"] for panel in board["panels"]]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < dashboards.WIDTH
        taken |= cells

    assert len(numbers) == len(set(numbers))
    assert "http" not in json.dumps(board)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    used = set(
        re.findall(r"\$\{?([a-z]+)\b", json.dumps([panel.get("targets") for panel in board["panels"]]))
    )
    assert {name for name in used if not name.startswith("tag")} - {"col"} <= variables | {"timeFilter"}


def test_compose_and_rules_are_taken(tmp_path: Path) -> None:
    compose, tool = shutil.which("docker-compose"), shutil.which("promtool")
    if compose is None or tool is None:
        pytest.skip("needs docker-compose and promtool")
    file = GRAFANA / "docker-compose.yml"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    without = subprocess.run(
        [compose, "-f", file, "config", "-q"], env=environment, capture_output=True, check=False
    )
    environment["GRAFANA_PASSWORD"] = "x"
    with_ = subprocess.run(
        [compose, "-f", file, "config", "-q"], env=environment, capture_output=True, check=False
    )
    rules = TOP / "deploy" / "prometheus" / "easun.rules.yml"
    checked = subprocess.run([tool, "check", "rules", rules], capture_output=True, text=True, check=False)

    assert without.returncode != 0
    assert with_.returncode == 0, with_.stderr
    assert checked.returncode == 0, checked.stderr
    services = yaml.safe_load(file.read_text())["services"]
    for service in services.values():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"])
        assert all(port.startswith("${") and ":-127.0.0.1}" in port for port in service["ports"])
    mounted = [each.split(":")[0] for each in services["grafana"]["volumes"] if each.startswith("./")]
    assert all((GRAFANA / path).is_dir() for path in mounted)
    for each in GRAFANA.glob("provisioning/*/*.yml"):
        assert yaml.safe_load(each.read_text())["apiVersion"] == 1
