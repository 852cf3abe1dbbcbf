"""history, export and import as a person types them."""

import argparse
import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jk_bms.battery.meters import Meters
from jk_bms.clock import Clock
from jk_bms.errors import ConfigError
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import HistoryStore
from jk_bms.store.history_query import Series, Values
from jk_bms.tool import chart
from jk_bms.tool.history import sparkline, text_lines
from tests.e2e.house import TOP
from tests.tool.stored_house import HOURS, NOW, PACK, SECOND, StoredHouse


def test_lines_for_a_person(house: StoredHouse) -> None:
    done = house.tool("history", "--last", "30h", "--points", "120")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("shed: ")
    assert "Current: -9.000" in done.stdout
    bars = next(line for line in done.stdout.splitlines() if set(line) & set("▁█"))
    assert " " in bars.strip()  # the two hours that are missing
    assert "Temperature" not in done.stdout  # never measured


@pytest.mark.parametrize("how", ["csv", "json"])
def test_numbers_for_a_program(how: str, house: StoredHouse) -> None:
    options = ("--last", "6h", "--quantity", "voltage,cycles,voltage", "--format", how, "--points", "6")
    done = house.tool("history", *options)

    if how == "json":
        said = json.loads(done.stdout)
        assert said["device"] == {"name": "shed", "track": PACK}
        assert list(said["values"]) == ["voltage", "cycles"]
        assert len(said["times"]) == len(said["values"]["cycles"]["mean"]) <= 6
        assert datetime.fromisoformat(said["times"][0]).utcoffset()
    else:
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert set(rows[0]) == {"time", *(f"{q}_{p}" for q in ("voltage", "cycles") for p in Values._fields)}
        assert all(51.9 < float(row["voltage_min"]) <= float(row["voltage_max"]) < 52.1 for row in rows)


@pytest.mark.parametrize("word", ["history", "export"])
def test_a_battery_by_its_number(word: str, house: StoredHouse) -> None:
    assert house.tool(word, "--device", "1").stdout == house.tool(word, "--device", PACK).stdout != ""


def test_a_name_that_two_share_is_refused(house: StoredHouse) -> None:
    house.registry.write_text(f"{PACK}:\n  alias: shed\n{SECOND}:\n  alias: shed\n")
    log = house.folder / "stat.log"
    log.write_text("2026-09-15T12:00:00+02:00;Voltage: 52.5 V, Battery Level: 95.3%\n")

    for words in (["history"], ["export"], ["import", "--log", log], ["doctor"]):
        done = house.tool(*words, "--device", "Shed")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"'Shed' is the name of {PACK} and {SECOND}; say the address" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--device", "garage"], 2, "there is shed"),
        (["--quantity", "voltage,joy"], 2, "joy is not known"),
        (["--quantity", ","], 2, "--quantity ,: names nothing"),
        (["--last", "soon"], 2, "such as 24h"),
        (["--points", "0"], 2, "whole number"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], 2, "expected a later end"),
        (["--from", "yesterday"], 2, "expected a time"),
    ],
)
def test_wrong_questions(arguments: list[str], code: int, says: str, house: StoredHouse) -> None:
    done = house.tool("history", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_yet(tmp_path: Path) -> None:
    empty = StoredHouse(tmp_path)
    for word in ("history", "export"):
        done = empty.tool(word)
        assert (done.returncode, "no such database" in done.stderr) == (1, True)


def test_times_without_a_zone_are_those_of_the_house(house: StoredHouse) -> None:
    start = NOW - timedelta(hours=HOURS) + timedelta(minutes=30)
    local = f"{start.astimezone(tz=__import__('zoneinfo').ZoneInfo('Europe/Kyiv')):%Y-%m-%dT%H:%M:%S}"

    rows = house.tool("export", "--from", local, "--to", f"{NOW.isoformat()}").stdout.splitlines()

    assert datetime.fromisoformat(rows[1].split(",")[0]) == start
    assert len(rows) == 1 + HOURS * 60 - 120 - 30


def test_rebuild_changes_nothing(house: StoredHouse) -> None:
    before = house.tool("history", "--format", "json", "--from", "2026-11-01", "--to", NOW.isoformat()).stdout

    done = house.tool("history", "rebuild")

    assert (done.returncode, "rebuilt from" in done.stdout) == (0, True)
    assert (
        house.tool("history", "--format", "json", "--from", "2026-11-01", "--to", NOW.isoformat()).stdout
        == before
    )


def test_export_tells_every_row_the_same_twice(house: StoredHouse) -> None:
    """Both forms hold the same rows; what is absent has no column."""
    table = list(csv.DictReader(io.StringIO(house.tool("export").stdout)))
    lines = [json.loads(line) for line in house.tool("export", "--format", "jsonl").stdout.splitlines()]

    assert len(table) == len(lines) == HOURS * 60 - 120
    assert list(table[0]) == [
        "time",
        "device",
        "clock_trusted",
        "frames",
        "voltage",
        "current",
        "battery_soc",
        "cycles",
        "balancing",
    ]
    for row, line in zip(table, lines, strict=True):
        assert (row["time"], row["device"], float(row["voltage"]), float(row["current"])) == (
            line["time"],
            "shed",
            line["voltage"],
            line["current"],
        )
    assert lines[0]["balancing"] is True
    assert isinstance(lines[0]["cycles"], int)


def test_export_of_every_battery(house: StoredHouse) -> None:
    """Also of one that is in no registry, and of the inverter; each row says whose it is."""
    monitor_file(house.folder / "m.db", SECOND, SECOND, "77:77:77:77:77:77")
    assert house.tool("import", "--bms-monitor", "m.db").returncode == 0

    table = list(csv.DictReader(io.StringIO(house.tool("export").stdout)))
    lines = house.tool("export", "--format", "jsonl").stdout.splitlines()
    one = list(csv.DictReader(io.StringIO(house.tool("export", "--device", "attic").stdout)))

    devices = ["shed"] * (HOURS * 60 - 120) + ["attic"] * 2 + ["77:77:77:77:77:77"]
    assert [row["device"] for row in table] == [json.loads(line)["device"] for line in lines] == devices
    assert (table[-1]["voltage"], table[-1]["current"]) == ("52.000", "")
    assert [row["voltage"] for row in one] == ["52.000", "52.000"]
    assert "current" not in one[0]


def test_export_into_what_is_no_file(house: StoredHouse) -> None:
    """It is written into, not replaced."""
    pipe = house.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    done = house.tool("export", "--last", "2m", "--output", pipe)

    with os.fdopen(reader) as said:
        assert said.readline().startswith("time,device,")
    assert (done.returncode, pipe.is_fifo()) == (0, True)


def test_export_into_a_file_whole_or_not_at_all(house: StoredHouse) -> None:
    done = house.tool("export", "--output", "all.csv")
    assert (done.returncode, done.stdout) == (0, "")
    assert len((house.folder / "all.csv").read_text().splitlines()) == 1 + HOURS * 60 - 120

    assert house.tool("export", "--device", "garage", "--output", "none.csv").returncode == 2
    assert not (house.folder / "none.csv").exists()
    assert not list(house.folder.glob(".none*"))
    assert "cannot be written" in house.tool("export", "--output", "no/where.csv").stderr


def test_a_reader_that_has_enough_ends_it_quietly(house: StoredHouse) -> None:
    code = f"{sys.executable} {TOP / 'jk_bms' / 'jk-util.py'} export --env-file {house.env} | head -n 2"
    done = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=True)

    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_import_of_everything(house: StoredHouse) -> None:
    (house.folder / "stat.log").write_text(
        "2026-09-15T12:00:00+02:00;Voltage: 52.5 V, Battery Level: 95.3%\nfoo\n"
        "2026-09-15T12:10:00;Voltage: 52.4 V, Battery Level: 95%\n"
        "2036-09-15T12:10:00;Voltage: 52.4 V, Battery Level: 95%\n"
    )
    (house.folder / "m.json").write_text(
        '{"shed": {"total_energy_charge": {"reading": 100.5}, "total_energy_discharge": {"reading": 1},'
        ' "total_cycles": {"reading": 3}}, "barn": {"total_energy_charge": {"reading": 1}}}'
    )
    arguments = ("import", "--log", "stat.log", "--meters", "m.json")

    done = house.tool(*arguments)

    assert done.returncode == 0, done.stderr
    assert "shed: 2 readings taken in\n" in done.stdout
    assert "  from 2026-09-15 12:10 to 2026-09-15 13:00: voltage, battery_soc" in done.stdout
    assert "2 made no sense, the first: stat.log line 2: expected <time>;<text>" in done.stderr
    assert "total_energy_charge goes on from 100.500 kWh" in done.stdout
    assert "total_energy_discharge stays at 8.000 kWh, theirs is 1.000" in done.stdout
    assert "not taken: total_cycles" in done.stdout
    assert "'barn' is not in the registry" in done.stderr
    rows = house.tool("export", "--to", "2026-10-01").stdout.splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [
        "2026-09-15T13:00:00+03:00",
        "2026-09-15T12:10:00+03:00",
    ][::-1]

    again = house.tool(*arguments)
    assert "0 readings taken in, 2 left aside" in again.stdout
    assert "total_energy_charge stays at 100.500 kWh" in again.stdout


def test_meters_keep_all_else(house: StoredHouse) -> None:
    """Only the meters change; what else was counted, and the row that is begun, stay."""
    (house.folder / "m.json").write_text('{"SHED": {"total_energy_charge": {"reading": 100.5}}}')
    assert house.tool("import", "--meters", "m.json").returncode == 0

    with open_writer(house.bms_db, Clock()) as own:
        counter = HistoryStore(own).counters()[PACK]
    assert (counter.sequence, counter.begun, counter.state["soc"]) == (5, b"begun", {"kept": True})


def monitor_file(path: Path, *addresses: str | None) -> Path:
    """A database of bms-monitor with a reading of each of these, a minute apart."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bms_data (timestamp TEXT, voltage REAL, device_address TEXT)")
        for minute, address in enumerate(addresses):
            db.execute("INSERT INTO bms_data VALUES (?, 52.0, ?)", (f"2026-09-15 12:0{minute}:00", address))
        db.commit()
    return path


SHARED_FILES = {
    # of whom the file tells: (whom it is taken in for, with --device shed, and what is said; "": refused)
    "its own": ([PACK, SECOND], [PACK], f"not taken for shed: {SECOND}"),
    "its own among strangers": ([PACK.lower(), "77:77:77:77:77:77"], [PACK], "not taken for shed: 77:"),
    "one stranger": (["77:77:77:77:77:77"], [PACK], "shed: 1 readings taken in"),
    "another one of the house": ([SECOND], [], "none of what it holds is surely shed"),
    "two strangers": (["77:77:77:77:77:77", "66:66:66:66:66:66"], [], "66:66:66:66:66:66, 77:77:77:77:77:77"),
    "it does not say": ([None], [PACK], "shed: 1 readings taken in"),
}


@pytest.mark.parametrize(("addresses", "taken", "says"), SHARED_FILES.values(), ids=SHARED_FILES)
def test_one_battery_of_a_bms_monitor(
    addresses: list[str | None], taken: list[str], says: str, house: StoredHouse
) -> None:
    """A database of several batteries never becomes the past of one."""
    monitor_file(house.folder / "m.db", *addresses)

    done = house.tool("import", "--bms-monitor", "m.db", "--device", "shed")

    rows = house.tool("export", "--device", "shed", "--to", "2026-10-01").stdout.splitlines()[1:]
    assert (done.returncode, len(rows)) == (0 if taken else 2, len(taken))
    assert says in done.stdout + done.stderr


def test_every_battery_of_a_bms_monitor_keeps_its_address(house: StoredHouse) -> None:
    monitor_file(house.folder / "m.db", PACK, SECOND, "77:77:77:77:77:77")

    done = house.tool("import", "--bms-monitor", "m.db")

    assert done.returncode == 0, done.stderr
    for name in ("shed", "attic", "77:77:77:77:77:77"):
        assert f"{name}: 1 readings taken in" in done.stdout
        rows = house.tool("export", "--device", name, "--to", "2026-10-01").stdout.splitlines()[1:]
        assert len(rows) == 1


SHARED_METERS = {
    # meters by alias: (the meter of shed afterwards with --device shed; None: refused)
    "its own among others": ({"barn": 900, "shed": 100, "attic": 300}, 100),
    "its own under two names": ({"shed": 700, PACK: 100}, 700),
    "one stranger": ({"barn": 100}, 100),
    "two strangers": ({"barn": 900, "hut": 100}, None),
    "another one of the house": ({"attic": 900}, None),
}


@pytest.mark.parametrize(("meters", "charged"), SHARED_METERS.values(), ids=SHARED_METERS)
def test_the_meters_of_one_battery(
    meters: dict[str, float], charged: float | None, house: StoredHouse
) -> None:
    """No battery gets the meter of another, and none ever goes down."""
    said = {alias: {"total_energy_charge": {"reading": value}} for alias, value in meters.items()}
    (house.folder / "m.json").write_text(json.dumps(said))

    done = house.tool("import", "--meters", "m.json", "--device", "shed")

    with open_writer(house.bms_db, Clock()) as own:
        state = HistoryStore(own).counters()[PACK].state["meters"]
    kept = Meters()
    kept.restore(state, {})
    assert (done.returncode, kept.values().charged_kwh) == ((0, charged) if charged else (2, 10.0))
    assert ("surely shed" in done.stderr) == (charged is None)


def test_the_only_battery_gets_its_own_meter(house: StoredHouse) -> None:
    house.registry.write_text(f"{PACK}:\n  alias: shed\n")
    (house.folder / "m.json").write_text(
        '{"shed": {"total_energy_charge": {"reading": 100}}, "barn": {"total_energy_charge": {"reading": 900}}}'
    )

    done = house.tool("import", "--meters", "m.json")

    assert "shed: total_energy_charge goes on from 100.000 kWh" in done.stdout
    assert "900" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to take in"),
        (["--log", "none.log"], "none.log: cannot be read: no such file or directory\n"),
        (["--log", "m.json"], "m.json: no reading that makes sense; expected lines such as"),
        (["--bms-monitor", "m.db"], "m.db: no reading that makes sense"),
        (["--log", "x", "--timezone", "Mars/Olympus"], "not a time zone"),
        (["--log", "x", "--device", "garage"], "there is shed, attic"),
        (["--meters", "m.json", "--device", "attic"], "has no meters yet"),
    ],
)
def test_imports_that_are_refused(arguments: list[str], says: str, house: StoredHouse) -> None:
    (house.folder / "m.json").write_text('{"x": {"total_energy_charge": {"reading": 1}}}')
    monitor_file(house.folder / "m.db")
    done = house.tool("import", *arguments)

    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def series(mean: list[float | None]) -> Series:
    return Series(
        "x", "rows", 60.0, [60.0 * n for n in range(len(mean))], {"voltage": Values(mean, mean, mean)}
    )


SPARKS = {
    "a ramp": ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "▁▂▃▄▅▆▇█"),
    "a gap": ([0.0, None, None, 7.0], "▁  █"),
    "the same": ([5.0, 5.0], "▄▄"),
    "nothing at the end": ([0.0, 1.0, None], "▁█"),
    "nothing at all": ([None, None], ""),
}


@pytest.mark.parametrize(("values", "line"), SPARKS.values(), ids=SPARKS)
def test_sparkline(values: list[float | None], line: str) -> None:
    assert sparkline(Values(values, values, values)) == line


def test_silence_is_told() -> None:
    assert text_lines(series([None, None]), "shed", None) == ["shed: nothing was recorded in that time"]
    assert text_lines(series([]), "shed", None) == ["shed: nothing was recorded in that time"]


def test_what_the_inverter_measures_has_a_unit() -> None:
    some: list[float | None] = [1.0, 2.0]
    shown = series(some)._replace(
        values={
            name: Values(some, some, some) for name in ("grid_power", "battery_voltage", "ac_output_freq")
        }
    )

    lines = text_lines(shown, "inverter", UTC)

    assert [line.split(" to ")[1].split()[1] for line in lines if ", mean " in line] == ["W", "V", "Hz"]


def test_a_chart_without_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jk_bms.charts.make", None)

    with pytest.raises(ConfigError, match=f"{sys.executable} -m pip install -r {TOP}/requirements-bot.txt"):
        chart.run(argparse.Namespace())


def test_a_chart_is_a_picture(house: StoredHouse, tmp_path: Path) -> None:
    target = tmp_path / "soc.png"

    done = house.tool("chart", "soc", "--to", f"{NOW:%Y-%m-%dT%H:%M}", "--output", target)

    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"\x89PNG")
    assert str(target) in done.stdout


def test_a_chart_speaks_the_language_of_the_bot(house: StoredHouse, tmp_path: Path) -> None:
    when = ("--to", f"{NOW:%Y-%m-%dT%H:%M}", "--output", tmp_path / "soc.png")

    def picture(*words: str) -> bytes:
        assert house.tool("chart", "soc", *words, *when).returncode == 0
        return (tmp_path / "soc.png").read_bytes()

    english, ukrainian = picture(), picture("--language", "uk")
    with house.env.open("a") as env:
        env.write("BOT_LANGUAGE=uk\n")

    assert english != ukrainian
    assert (picture(), picture("--language", "en")) == (ukrainian, english)


def test_the_inverter_is_no_battery_to_draw(house: StoredHouse, tmp_path: Path) -> None:
    done = house.tool("chart", "soc", "--device", "inverter", "--output", tmp_path / "soc.png")

    assert done.returncode == 2
    assert "--device inverter: no history of it" in done.stderr


def test_a_chart_that_cannot_be_written_is_said(house: StoredHouse, tmp_path: Path) -> None:
    done = house.tool("chart", "--output", tmp_path / "nowhere" / "soc.png")

    assert done.returncode != 0
    assert "soc.png: No such file or directory; expected a file we may write" in done.stderr
