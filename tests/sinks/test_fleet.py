"""Two houses in one database, as docs/fleet.md has it: through vmauth, under names that none can choose."""

import shutil
from pathlib import Path

import pytest

from tests.sinks.influx_house import PACK, PERIOD, House
from tests.sinks.timeseries import Database, VictoriaMetrics, running

pytestmark = pytest.mark.long

HOURS = 2
ROWS = HOURS * 3_600_000 // PERIOD

USERS = """users:
  - bearer_token: "token-one"
    url_prefix: "{url}/?extra_label=house=one"
  - bearer_token: "token-two"
    url_prefix: "{url}/?extra_label=house=two"
"""


async def test_two_houses_stay_apart_and_are_whole_after_an_outage_of_one(tmp_path: Path) -> None:
    """The second claims to be the first, and its way was away for two hours."""
    if shutil.which("vmauth") is None:
        pytest.skip("needs vmauth")
    server = VictoriaMetrics(tmp_path)
    config = tmp_path / "vmauth.yml"
    config.write_text(USERS.format(url=server.url))
    gate = Database(
        "vmauth", tmp_path, f"-auth.config={config}", "-httpListenAddr=127.0.0.1:{port}", ready="/metrics"
    )
    houses = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        given = {"INFLUXDB_NAMES": "metrics", "HOUSE": "one", "INFLUXDB_TOKEN": f"token-{name}"}
        houses.append(House(tmp_path / name, gate.port, **given))
    one, two = houses
    times = two.remember(two.now - HOURS * 3_600_000, ROWS)
    two.arrived_until(times[0] - 1)
    two.sink = two.new_sink()
    with running(server), running(gate):
        await one.until(lambda: server.points('easun_battery_voltage_volts{house="one"}'))
        place = times[-1] - PERIOD
        await two.until(lambda: two.sink.states()["outbox.influx"][PACK.address][2] >= place)
        stranger = House(tmp_path, gate.port, INFLUXDB_NAMES="metrics", INFLUXDB_TOKEN="token-three")
        await stranger.until(lambda: stranger.sink.shown().failure)
        found = {
            labels["house"]: dict(zip(at, volts, strict=True))
            for labels, volts, at in server.points("easun_battery_voltage_volts")
        }

    assert found.keys() == {"one", "two"}
    assert [time for time in times if time not in found["two"]] == []
    assert min(found["one"]) >= one.now
    assert "refuses INFLUXDB_TOKEN" in (stranger.sink.shown().failure or "")
    for house in (one, two, stranger):
        house.own.close()
