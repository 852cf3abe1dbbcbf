"""What arrives at real databases: a day of history after an outage, types that never change, refusals."""

import logging
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.sinks.influx_house import PACK, PERIOD, House
from tests.sinks.timeseries import InfluxDB, VictoriaMetrics, asked, running

pytestmark = pytest.mark.long

DAY = 86_400_000
ROWS = DAY // PERIOD


async def caught_up(house: House) -> None:
    """Run until nothing is missing, as the poller does: rows are written, places are kept."""

    def done() -> bool:
        if "begun" not in seen and house.sink._outbox._tracks[PACK.address].begun:
            seen["begun"] = True
            house.remember(house.now, 2 * 60)  # what was in memory meanwhile, and a little of what is to come
        return "begun" in seen and house.sink.shown().behind is None

    seen: dict[str, bool] = {}
    await house.until(done)
    house.keep()


async def test_a_day_without_victoria_metrics_leaves_no_hole(tmp_path: Path) -> None:
    """It was away all day; killed in the middle of catching up, it goes on with at most a slice twice."""
    server = VictoriaMetrics(tmp_path)
    house = House(tmp_path, server.port, INFLUXDB_NAMES="metrics", HOUSE="house1")
    times = house.remember(house.now - DAY, ROWS)
    house.arrived_until(times[0] - 1)
    house.sink = house.new_sink()
    await house.until(lambda: house.sink.shown().failure)  # nobody answers
    with running(server):
        house.sink = house.new_sink()
        await house.until(lambda: house.sink.states()["outbox.influx"][PACK.address][2] > times[0] + DAY // 3)
        house.sink = house.new_sink()  # killed: nothing was kept since the start
        await caught_up(house)
        [(labels, volts, at)] = server.points("easun_battery_voltage_volts")
        charged = server.points("easun_battery_energy_charged_kilowatthours_total")
        cells = server.points("easun_battery_cell_voltage_volts")
        switches = server.points("easun_battery_switch_on")

    found = dict(zip(at, volts, strict=True))
    assert labels == {
        "__name__": "easun_battery_voltage_volts",
        "device": PACK.name,
        "house": "house1",
    }
    assert [found.get(time) for time in times] == [(52_000 + n % 1000) / 1000 for n in range(ROWS)]
    [(_, meter, at)] = charged
    of_day = [value for value, time in zip(meter, at, strict=True) if time <= times[-1]]
    assert of_day == sorted(of_day)
    assert {one["cell"] for one, _, _ in cells} == {"01", "02"}
    assert {one["name"] for one, _, _ in switches} == {"balance"}
    house.own.close()


async def test_a_day_without_influxdb_leaves_no_hole_and_types_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The database has BatMON's own lines already; not one of ours is refused."""
    server = InfluxDB(tmp_path)
    with running(server):
        asked(server.url + "/query", b"", q="CREATE DATABASE bms")
        theirs = (
            "batmon,device=old voltage=52.1,current=1.0,soc=50.0,switches_balance=1.0,voltage_cell000=3301i,"
            "voltage_cell_max=3301i,voltage_cell_mean=3300.5,meter_total_energy_charge=1.5,num_cycles=3.0,problem=0.0"
        )
        asked(server.url + "/write", theirs.encode(), db="bms")
        house = House(tmp_path, server.port, INFLUXDB_DATABASE="bms", BMS_INVERT_CURRENT="true")
        times = house.remember(house.now - DAY, ROWS)
        house.arrived_until(times[0] - 1)
        house.sink = house.new_sink()
        await caught_up(house)
        where = f"time >= {times[0]}ms and time <= {times[-1]}ms and device = '{PACK.name}'"
        [said] = server.ask(
            f"SELECT voltage, current, voltage_cell000, switches_balance FROM batmon WHERE {where}"
        )
        [live] = server.ask("SELECT last(current) FROM batmon")

    assert house.sink.shown().dropped == {}
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [row[0] for row in said["values"]] == times
    assert said["values"][7] == [times[7], 52.007, 99.993, 3307, 1]
    assert live["values"][0][1] == 3.25  # turned, as BatMON's own setting does
    house.own.close()


async def test_what_influxdb_refuses_is_told_once_and_nothing_else_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is not there, a field of another type, a wrong password: one clear error each."""
    server = InfluxDB(tmp_path, auth=True)
    with running(server):
        login = {"u": "owner", "p": "right"}
        asked(server.url + "/query", b"", q="CREATE USER owner WITH PASSWORD 'right' WITH ALL PRIVILEGES")
        account = {"INFLUXDB_DATABASE": "bms", "INFLUXDB_USERNAME": "owner"}
        house = House(tmp_path, server.port, INFLUXDB_PASSWORD="wrong-canary", **account)
        await house.until(lambda: house.sink.shown().failure)
        refused = house.sink.shown().failure
        house.own.close()
        house = House(tmp_path, server.port, INFLUXDB_PASSWORD="right", **account)
        await house.until(lambda: house.sink.shown().failure)
        missing = house.sink.shown().failure
        asked(server.url + "/query", b"", q="CREATE DATABASE bms", **login)
        asked(server.url + "/write", b"batmon,device=old voltage=52i", db="bms", **login)
        house.sink = house.new_sink()
        await house.until(lambda: house.sink.shown().dropped)
        with pytest.raises(HTTPError):
            asked(server.url + "/query", q="SHOW DATABASES")

    assert "INFLUXDB_PASSWORD (401)" in (refused or "")
    assert "CREATE DATABASE" in (missing or "")
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 3
    assert "field type conflict" in errors[2]
    assert "canary" not in caplog.text
    house.own.close()
