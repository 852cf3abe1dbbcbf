"""The service as users run it: a process, signals, files, exit codes."""

import functools
import json
import random
import signal
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest

from jk_bms.live.client import LiveClient
from jk_bms.radio.lock import RadioLock
from tests.e2e.house import House, NotifySocket, until
from tests.scale import in_time, scaled


def test_simulated_house_lives(simulated: House) -> None:
    """Records appear, the tool answers through the service, SIGTERM ends it cleanly."""
    with simulated.service() as service:
        service.streaming()
        until(lambda: len(simulated.merged()) >= 3)
        status = simulated.tool("status")
        reading = simulated.tool("--format", "json")
        code, seconds = service.end()

    assert (code, in_time(seconds, 5)) == (0, True), service.log
    assert status.returncode == 0
    assert "Simulated battery (simulated)" in status.stdout
    assert "through the running service" in reading.stderr
    assert json.loads(reading.stdout)["cell_count"] == 16
    assert "Battery updated: " in service.log
    assert "Traceback" not in service.log
    assert simulated.events()[0] == "service.start"
    assert simulated.events()[-1] == "service.stop"
    assert not Path(simulated.env["BMS_SOCKET"]).exists()


def test_all_places_show_the_same_number(simulated: House) -> None:
    """The record, the snapshot and the tool agree on the state of charge."""
    with simulated.service() as service:
        snapshot = service.streaming()
        record = until(simulated.merged)[-1]
        reading = json.loads(simulated.tool("--format", "json").stdout)

    shown = snapshot["devices"][0]["reading"]
    assert record["battery_soc"] == f"{shown['battery_soc']:.0f}" == f"{reading['battery_soc']:.0f}"
    assert record["battery_soc_source"] == shown["battery_soc_source"] == reading["battery_soc_source"]


def test_interrupt_ends_it_as_well(simulated: House) -> None:
    with simulated.service() as service:
        service.streaming()
        code, seconds = service.end(signal.SIGINT)

    assert (code, in_time(seconds, 5)) == (0, True)


def test_systemd_is_told(simulated: House, tmp_path: Path) -> None:
    """READY once it runs, a status for a person, the watchdog, STOPPING at the end."""
    with (
        NotifySocket(tmp_path / "n") as systemd,
        simulated.service(NOTIFY_SOCKET=str(tmp_path / "n"), WATCHDOG_USEC="1500000") as service,
    ):
        systemd.hear("READY=1")
        service.streaming()
        systemd.hear("WATCHDOG=1")
        while "%" not in (status := systemd.hear("STATUS=")):
            pass
        service.process.terminate()
        systemd.hear("STOPPING=1")

    assert "Simulated battery: streaming" in status


def test_kill_9_at_random_moments(simulated: House) -> None:
    """Both databases open, no payload is partial, and the next start goes on."""
    dice = random.Random(9)

    def more_than(count: int) -> bool:
        return len(simulated.merged()) > count

    before = 0
    for _ in range(scaled(200)):
        with simulated.service(JK_BMS_POLL_INTERVAL="1") as service:
            service.streaming()
            until(functools.partial(more_than, before))
            time.sleep(dice.uniform(0, 0.6))
            service.kill()
        for path in (simulated.inverter_db, simulated.bms_db):
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = simulated.rows()
        assert all(payload is not None and "battery_voltage" in payload for _, payload in rows)
        assert len(rows) > before
        before = len(rows)


def test_second_poller_is_refused(simulated: House) -> None:
    with simulated.service() as first:
        first.streaming()
        with simulated.service() as second:
            assert second.wait() == 75
        assert str(first.process.pid) in second.log
        assert first.process.poll() is None
    assert second.log.count("ERROR") == 1


def test_second_poller_on_the_radio_is_refused(real: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with databases of its own."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", real.env["DBUS_SYSTEM_BUS_ADDRESS"])
    lock = RadioLock()
    lock.acquire()
    try:
        with real.service(JK_BMS_ADDRESS="C8:47:80:12:34:56") as service:
            assert service.wait(40) == 75  # it has some patience
    finally:
        lock.release()

    assert service.log.count("the Bluetooth radio is in use") == 1
    assert "another poller already uses the Bluetooth radio" in service.log


def test_socket_and_database_are_for_owner_and_group(simulated: House) -> None:
    with simulated.service() as service:
        service.streaming()
        modes = {stat.S_IMODE(Path(p).stat().st_mode) & 0o007 for p in (simulated.env["BMS_SOCKET"],)}
    assert modes == {0}


def test_release_and_resume(simulated: House) -> None:
    """The service lets go, says so, and comes back."""
    with simulated.service() as service:
        service.streaming()
        with LiveClient(Path(simulated.env["BMS_SOCKET"])) as client:
            client.request("release", seconds=60)
            [released] = client.snapshot().devices
            client.request("resume")
            back = until(lambda: [d for d in client.snapshot().devices if d.link_state == "streaming"])

    assert released.link is not None
    assert released.link.state == "released"
    assert released.link.verdict == "released"
    assert back


def test_poll_mode_visits_and_leaves(simulated: House) -> None:
    """With JK_BMS_KEEP_ALIVE=false the BMS is free between two visits."""
    with simulated.service(JK_BMS_KEEP_ALIVE="false", JK_BMS_POLL_INTERVAL="2") as service:
        service.streaming()
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["state"] == "waiting")
        until(lambda: (s := service.snapshot()) and s["devices"][0]["link"]["connects"] >= 2)
        until(lambda: len(simulated.merged()) >= 2)


def test_several_batteries(simulated: House) -> None:
    """Each has its own keys in the record, numbered in the order of the registry."""
    simulated.registry.write_text(
        "one:\n  type: simulated\n  period: 0.2\n"
        "two:\n  type: simulated\n  period: 0.2\n  cells: 8\n  variant: JK02_24S\n"
        "three:\n  type: simulated\n  enabled: false\n"
        "four:\n  type: simulated\n  period: 0.2\n  variant: JK04\n"
    )
    with simulated.service(JK_BMS_ADDRESS="") as service:
        service.streaming(packs=3)
        record = until(lambda: [r for r in simulated.merged() if "battery4_bms_cell_count" in r])[-1]

    assert record["bms_cell_count"] == 16
    assert record["battery2_bms_cell_count"] == 8
    assert "battery3_battery_voltage" not in record
    assert "battery4_battery_current" not in record  # JK04 does not know it


def test_time_can_run_faster(simulated: House) -> None:
    """The uptime of the simulated BMS runs ahead of the wall clock."""
    with simulated.service("--speed", "60") as service:
        first = service.streaming()["devices"][0]["reading"]["uptime"]
        began = time.monotonic()
        until(lambda: (s := service.snapshot()) and s["devices"][0]["reading"]["uptime"] > first + 60)
        assert in_time(time.monotonic() - began, 10)


# Bad input: one clear message each, and the right exit code.


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"JK_BMS_POLL_INTERVAL": "30s"}, "JK_BMS_POLL_INTERVAL='30s'"),
        ({"BMS_SOC_SOURCE": "guess"}, "BMS_SOC_SOURCE='guess'"),
        ({"JK_BMS_ADDRESS": "AA:BB:CC"}, "JK_BMS_ADDRESS='AA:BB:CC'"),
        ({"DB_TYPE": "mysql"}, "mysql is not supported"),
        ({"TIMEZONE": "Kiev/Europe"}, "TIMEZONE="),
        ({"JK_ENV_FILE": "/nonexistent/.env"}, "/nonexistent/.env"),
    ],
)
def test_wrong_configuration(simulated: House, env: dict[str, str], says: str) -> None:
    with simulated.service(**env) as service:
        assert service.wait() == 78

    assert says in service.log
    assert service.log.count("ERROR") == 1
    assert "Traceback" not in service.log


def test_without_a_battery_it_waits_for_one(simulated: House) -> None:
    """Idle, with its socket open; what a scan or a hand writes into the registry is read without a restart."""
    registry = simulated.folder / "later.yaml"
    with simulated.service(JK_BMS_ADDRESS="", JK_DEVICES_FILE=str(registry)) as service:
        until(lambda: (s := service.snapshot()) and s["devices"] == [])
        assert "No battery is configured yet" in service.log

        registry.write_text("attic: {type: simulated}\n")
        service.process.send_signal(signal.SIGHUP)
        assert service.streaming()["devices"][0]["address"] == "attic"

    assert "ERROR" not in service.log


def test_all_faults_at_once(simulated: House) -> None:
    with simulated.service(JK_BMS_POLL_INTERVAL="0", LOG_LEVEL="LOUD") as service:
        assert service.wait() == 78

    assert "JK_BMS_POLL_INTERVAL='0'" in service.log
    assert "LOG_LEVEL='LOUD'" in service.log


def test_misspelt_key_is_a_hint(simulated: House) -> None:
    (simulated.folder / "env").write_text("JK_BMS_POL_INTERVAL=5\n")
    with simulated.service() as service:
        service.streaming()

    assert "did you mean JK_BMS_POLL_INTERVAL" in service.log


def test_speed_is_for_simulations_only(real: House) -> None:
    with real.service("--speed", "10", JK_BMS_ADDRESS="C8:47:80:12:34:56") as service:
        assert service.wait() == 78

    assert "only for simulated batteries" in service.log


@pytest.mark.parametrize("more", [(), ("--speed", "10")])
def test_a_type_that_there_is_not(more: tuple[str, ...], simulated: House) -> None:
    simulated.registry.write_text('"AA:BB:CC:DD:EE:01":\n  type: unheard-of\n', encoding="utf-8")
    with simulated.service(*more, JK_BMS_ADDRESS="") as service:
        assert service.wait() == 78

    assert "unheard-of" in service.log
    assert "Traceback" not in service.log


def test_simulated_sample_never_reaches_a_foreign_record(simulated: House) -> None:
    simulated.make_inverter_db()
    with closing(sqlite3.connect(simulated.inverter_db)) as connection, connection:
        connection.execute(
            "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
            (time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), '{"grid_voltage":"230.1"}'),
        )
    with simulated.service(BMS_STANDALONE_ROWS="false") as service:
        assert service.wait() == 78

    assert "BMS_SIMULATED_MERGE" in service.log
    assert simulated.rows() == [(1, {"grid_voltage": "230.1"})]


def test_missing_database_is_waited_for(simulated: House) -> None:
    """It says which path was looked at; once the file is there, it merges."""
    with simulated.service(BMS_STANDALONE_ROWS="false", BMS_SIMULATED_MERGE="true") as service:
        service.streaming()
        until(lambda: str(simulated.inverter_db) in service.log)
        assert "BMS_STANDALONE_ROWS" in service.log
        simulated.make_inverter_db()
        with closing(sqlite3.connect(simulated.inverter_db)) as connection, connection:
            connection.execute(
                "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
                (time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), '{"grid_voltage":"230.1"}'),
            )
        until(simulated.merged)


def test_database_that_is_none(simulated: House) -> None:
    simulated.inverter_db.write_text("these are my notes\n" * 100)
    with simulated.service(BMS_STANDALONE_ROWS="false") as service:
        service.streaming()
        until(lambda: "not an SQLite database" in service.log)
        assert str(simulated.inverter_db) in service.log
        assert service.end()[0] == 0

    assert simulated.inverter_db.read_text().startswith("these are my notes")
