"""Which records are merged, when and with which samples: the merge rules one by one."""

import asyncio
import json
import logging
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import ConfigError
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.simulator.inverter_reading import MADE_UP
from jk_bms.sinks.inverter_db import SHOWN, InverterDbSink, MergeOptions, record_zone
from jk_bms.sinks.inverter_record import parse_time
from jk_bms.store.readings import Readings
from tests.scale import PATIENCE

START = datetime(2026, 12, 1, 10, 0, 0, tzinfo=UTC)
PLUS_2 = timezone(timedelta(hours=2))
INVERTER = {"grid_voltage": "230.1", "battery_voltage": "52.0", "temperature": "31", "status_text": "SUB"}
TABLE = "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, payload TEXT, error TEXT)"


class TurnedClock(Clock):
    """A clock that the test turns."""

    def __init__(self) -> None:
        super().__init__()
        self.at = START
        self.boot = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.boot

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.boot += seconds


class House:
    """An inverter database, a clock and a sink that is looked at step by step."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.clock = TurnedClock()
        self.options = MergeOptions(**{"tz": PLUS_2, **options})
        self.start()

    def start(self) -> None:
        """Begin as after a restart."""
        readings = Readings(self.path, busy_timeout=0, tries=1, standalone=self.options.standalone)
        self.seen: list[int] = []
        self.sink = InverterDbSink(readings, self.clock, self.options)
        self.sink.show(lambda record: self.seen.append(record.id))

    def execute(self, statement: str, *parameters: object) -> list[Any]:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()

    def insert(self, payload: Any = INVERTER, error: str | None = None, age: float = 0.0) -> None:
        """Insert a record as the inverter program does."""
        made = (self.clock.at - timedelta(seconds=age)).astimezone(PLUS_2).isoformat(timespec="seconds")
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        self.execute("INSERT INTO readings (created_at, payload, error) VALUES (?, ?, ?)", made, text, error)

    def sample(self, voltage: float = 53.0, number: int = 1, kind: str = "jk", **fields: Any) -> None:
        """Have the sink accept a sample taken now."""
        device = Device(address=f"AA:BB:CC:DD:EE:{number:02}", number=number, name=f"pack{number}", kind=kind)
        values: dict[str, Any] = {"taken_at": self.clock.now(), "monotonic": self.clock.monotonic(), **fields}
        self.sink.accept(Sample(device=device, voltage=voltage, **values))

    def look(self) -> bool:
        """Have the sink look once."""
        return self.sink.look(self.sink.take_due())

    def voltages(self, key: str = "battery_voltage") -> list[str | None]:
        """The value of ``key`` in every record, in order."""
        rows = self.execute("SELECT payload FROM readings ORDER BY id")
        return [None if text is None else json.loads(text).get(key) for (text,) in rows]

    def content(self) -> list[Any]:
        """Every row, whole."""
        return self.execute("SELECT * FROM readings ORDER BY id")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inverter.db"


@pytest.fixture
def house(path: Path) -> House:
    house = House(path)
    house.execute(TABLE)
    return house


def build(path: Path, **options: Any) -> House:
    house = House(path, **options)
    house.execute(TABLE)
    return house


def test_at_start_only_the_newest_record(house: House) -> None:
    for _ in range(3):
        house.insert()
    house.sample()

    house.look()

    assert house.voltages() == ["52.0", "52.0", "53.0"]


def test_every_new_record_gets_the_newest_sample(house: House) -> None:
    """M2, M3: all that came since the last look, with a sample from before they came."""
    house.insert()
    house.sample(53.0)
    house.look()
    house.clock.turn(10)
    house.insert()
    house.insert()
    house.clock.turn(1)

    house.look()

    assert house.voltages() == ["53.0", "53.0", "53.0"]
    assert [(row[1], row[3]) for row in house.content()] == [
        ("2026-12-01T12:00:00+02:00", None),
        ("2026-12-01T12:00:10+02:00", None),
        ("2026-12-01T12:00:10+02:00", None),
    ]


def test_the_newest_record_is_written_again_only_when_a_sample_is_due(house: House) -> None:
    """M4."""
    house.insert()
    house.sample(53.0)
    house.look()
    for voltage in (53.1, 53.2):
        house.clock.turn(5)
        house.sample(voltage)
        house.look()
    assert house.voltages() == ["53.0"]

    house.clock.turn(20)
    house.sample(53.3)
    house.look()

    assert house.voltages() == ["53.3"]
    assert house.sink.merged == 2


def test_an_older_record_is_never_written_again(house: House) -> None:
    """M4: what was true then stays."""
    house.insert()
    house.sample(53.0)
    house.look()
    house.clock.turn(30)
    house.insert()
    house.sample(54.0)

    house.look()

    assert house.voltages() == ["53.0", "54.0"]


def test_equal_payloads_are_not_written(house: House) -> None:
    house.insert()
    house.sample()
    house.look()
    house.sink.look({1})

    assert house.sink.merged == 1


def test_samples_are_due_on_a_grid(house: House) -> None:
    """A poll that comes a little early or late is the one that was due."""
    due = []
    for at in (0, 29.5, 59.9, 60.5, 90.2):
        house.clock.boot = 1000 + at
        house.sample()
        due.append(bool(house.sink.take_due()))

    assert due == [True, True, True, False, True]


def test_all_batteries_stand_in_each_record(house: House) -> None:
    house.insert()
    house.sample(53.0, 1)
    house.sample(51.0, 2)
    house.look()
    house.clock.turn(10)
    house.insert()
    house.look()

    assert house.voltages() == ["53.0", "53.0"]
    assert house.voltages("battery2_battery_voltage") == ["51.0", "51.0"]


def test_a_battery_that_comes_later_joins_the_newest_record(house: House) -> None:
    house.insert()
    house.sample(53.0, 1)
    house.look()
    house.clock.turn(3)
    house.sample(51.0, 2)
    house.look()

    assert house.voltages("battery2_battery_voltage") == ["51.0"]


def test_an_old_sample_is_not_merged(house: House) -> None:
    """The age counts by the time since boot; the other battery goes on."""
    house.sample(53.0, 1)
    house.clock.turn(60)
    house.sample(51.0, 2)
    house.clock.turn(31)
    house.insert()

    house.look()

    assert house.voltages() == ["52.0"]
    assert house.voltages("battery2_battery_voltage") == ["51.0"]


def test_after_a_silence_of_the_battery_only_the_newest_record(house: House) -> None:
    """Records of the silence keep the inverter's values; the newest gets the first sample."""
    house.insert()
    house.sample()
    house.look()
    for _ in range(20):
        house.clock.turn(10)
        house.insert()
        house.look()
    house.sample(54.0)

    house.look()

    # 90 s long the last sample was young enough.
    assert house.voltages() == ["53.0"] * 10 + ["52.0"] * 10 + ["54.0"]


@pytest.mark.parametrize("age", [91, -91, 86400])
def test_a_record_of_another_time_is_left_alone(
    house: House, caplog: pytest.LogCaptureFixture, age: float
) -> None:
    """M5: inverter program dead or a clock wrong; said once in ten minutes."""
    house.insert(age=age)
    for _ in range(3):
        house.sample()
        house.look()
        house.clock.turn(0.5)

    assert house.voltages() == ["52.0"]
    assert len([r for r in caplog.records if "not merged" in r.message]) == 1


TIMES = {
    "Z": ("2026-12-01T10:00:00Z", START),
    "offset": ("2026-12-01T12:00:00+02:00", START),
    "summer": ("2026-12-01T13:00:00+03:00", START),
    "fraction": ("2026-12-01 10:00:00.250+00:00", START + timedelta(milliseconds=250)),
    "junk": ("yesterday", None),
    "a number": (1764583200, None),
    "nothing": (None, None),
}


@pytest.mark.parametrize(("text", "time"), TIMES.values(), ids=TIMES)
def test_record_times(text: object, time: datetime | None) -> None:
    assert parse_time(text) == time


def test_an_untrusted_clock_merges_nothing(house: House) -> None:
    """1970 at boot: nothing is merged; once the clock is right, all is well with the next sample."""
    house.clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    house.insert()
    house.sample(clock_trusted=False)
    house.look()
    assert house.voltages() == ["52.0"]

    house.clock.at = START
    house.insert()
    house.look()
    assert house.voltages() == ["52.0", "52.0"]

    house.clock.turn(1)
    house.sample()
    house.look()
    assert house.voltages() == ["52.0", "53.0"]


def test_twenty_error_records(house: House) -> None:
    """Acceptance 2: untouched; merging goes on with the next good record."""
    house.sample()
    for _ in range(20):
        house.insert(None, "timeout")
        house.look()
    before = house.content()
    house.insert()

    house.look()

    assert house.content()[:20] == before
    assert house.voltages()[20] == "53.0"


def test_error_records_on_request(path: Path) -> None:
    """BMS_MERGE_ERROR_ROWS: battery keys only, the error stays; one that has a payload is left alone."""
    house = build(path, error_rows=True)
    house.sample()
    house.insert(None, "timeout")
    house.look()
    house.insert(INVERTER, "strange")
    house.look()

    first, second = house.content()
    assert first[3] == "timeout"
    assert set(json.loads(first[2])) == {"battery_voltage", "bms_name"}
    assert json.loads(second[2]) == INVERTER


def test_a_record_of_an_inverter_that_does_not_answer_is_good(house: House) -> None:
    house.insert(dict.fromkeys(INVERTER, "N/A") | {"status_text": "UNKNOWN"})
    house.sample()

    house.look()

    assert house.voltages() == ["53.0"]
    assert house.voltages("grid_voltage") == ["N/A"]


@pytest.mark.parametrize("payload", [None, "", "null", "[1]", "{broken", '{"a":NaN}'])
def test_a_payload_that_is_no_object_stays(
    house: House, caplog: pytest.LogCaptureFixture, payload: Any
) -> None:
    """M8: said once, and the next record is merged."""
    house.sample()
    house.insert(payload)
    house.look()
    house.insert(payload)
    house.look()
    house.insert()
    house.look()

    assert [row[2] for row in house.content()][:2] == [payload, payload]
    assert json.loads(house.content()[2][2])["battery_voltage"] == "53.0"
    assert len([r for r in caplog.records if "no JSON object" in r.message]) == 1


def test_log_lines(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A merge says what it wrote."""
    caplog.set_level(logging.INFO)
    house.insert()
    house.sample(52.583, current=-5.234, battery_soc=84, temperatures=(18.5,), cell_voltages=(3.282, 3.29))
    house.look()

    assert caplog.messages == ["Battery updated: 52.6V, -5.2A, 84%, 18.5°C, 2 cells (delta: 0.008V)"]


def test_a_steady_house_has_a_line_a_minute(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The first reading of each battery, each change, else one line a minute in all; the rest at DEBUG."""
    caplog.set_level(logging.DEBUG)

    def merge(**fields: Any) -> list[str]:
        caplog.clear()
        house.clock.turn(10)
        for number in (1, 2):
            house.sample(number=number, **{"current": -5.0, "battery_soc": 80.0, **fields})
        house.insert()
        assert house.look()
        own = [record for record in caplog.records if record.name.startswith("jk_bms.sinks")]
        assert len(own) == 2
        return [
            record.getMessage().partition(" updated")[0] for record in own if record.levelno == logging.INFO
        ]

    assert merge() == ["Battery", "Battery 2"]
    assert [merge(current=-5.0 - step / 10, battery_soc=80 - step / 10) for step in range(5)] == [[]] * 5
    assert merge() == ["Battery"]  # after a minute, one of them
    assert merge(battery_soc=78.9) == ["Battery", "Battery 2"]
    assert merge(battery_soc=78.9, current=0.0) == ["Battery", "Battery 2"]
    assert merge(battery_soc=78.9, current=0.1) == []
    assert merge(battery_soc=78.9, current=12.0) == ["Battery", "Battery 2"]
    assert [merge(battery_soc=78.9, current=12.0) for _ in range(5)] == [[]] * 5
    assert merge(battery_soc=78.9, current=12.0) == ["Battery"]
    assert [merge(battery_soc=78.9, current=12.0) for _ in range(6)][-1] == ["Battery 2"]  # they take turns


def test_a_missing_database_is_waited_for(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """M9: never created; said once, merged as soon as it is there, and said again."""
    caplog.set_level(logging.INFO)
    house = House(path)
    house.sample()
    assert [house.look() for _ in range(3)] == [False] * 3
    assert not path.exists()

    house.execute(TABLE)
    house.insert()

    assert house.look()
    assert house.voltages() == ["53.0"]
    assert len([m for m in caplog.messages if "no such database" in m]) == 1
    assert len([m for m in caplog.messages if "can be used again" in m]) == 1


def test_a_locked_database_costs_no_record(house: House) -> None:
    """M10: what could not be written is written at the next look, all of it."""
    house.insert()
    house.sample()
    house.look()
    house.insert()
    house.insert()
    holder = sqlite3.connect(house.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert house.look() is False
    holder.execute("ROLLBACK")
    holder.close()

    house.look()

    assert house.voltages() == ["53.0"] * 3
    assert house.sink.failures == 1


def test_a_file_begun_anew_is_followed(house: House) -> None:
    """Lower ids in a new file are new records."""
    for _ in range(5):
        house.insert()
    house.sample()
    house.look()
    house.path.unlink()
    house.execute(TABLE)
    house.insert()

    house.look()

    assert house.voltages() == ["53.0"]


# --- simulated batteries and standalone


def test_a_simulated_battery_never_reaches_a_foreign_record(house: House) -> None:
    house.insert()
    house.sample(kind="simulated")

    with pytest.raises(ConfigError, match=r"record 1 .*simulated.*BMS_SIMULATED_MERGE"):
        house.look()

    assert house.voltages() == ["52.0"]


async def test_a_forbidden_merge_ends_the_run(house: House) -> None:
    house.insert()
    house.sample(kind="simulated")

    with pytest.raises(ConfigError):
        await house.sink.run()


def test_a_simulated_battery_is_merged_on_request(path: Path) -> None:
    house = build(path, simulated_merge=True)
    house.insert()
    house.sample(kind="simulated")

    house.look()

    assert house.voltages() == ["53.0"]


def test_standalone_keeps_a_record_per_poll(path: Path) -> None:
    """The table is made, a record comes with each due sample, simulated or not."""
    house = House(path, standalone=True)
    for voltage in (53.0, 53.1, 53.2, 53.3, 53.4):
        house.sample(voltage, kind="simulated")
        house.look()
        house.clock.turn(15)

    assert house.voltages() == ["53.0", "53.2", "53.4"]
    assert [row[1] for row in house.content()][:2] == [
        "2026-12-01T12:00:00+02:00",
        "2026-12-01T12:00:30+02:00",
    ]
    record = json.loads(house.content()[0][2])
    assert (record["grid_power"], record["status_text"]) == ("N/A", "UNKNOWN")
    assert (record["bms_recorder"], record["battery_soc"]) == ("easun-jkbms", "N/A")


def test_standalone_tells_what_a_simulated_inverter_says(path: Path) -> None:
    """So that the demonstration has grid, load and sun in its history; old values count for nothing."""
    house = House(path, standalone=True)
    told = InverterSample(
        taken_at=house.clock.now(),
        monotonic=house.clock.monotonic(),
        device=MADE_UP,
        grid_voltage=230.06,
        load_power=412.4,
    )
    house.sink.accept(told)
    house.sample(kind="simulated")
    house.look()
    house.clock.turn(300)
    house.sample(kind="simulated")
    house.look()

    first, second = (json.loads(row[2]) for row in house.content())
    assert (first["grid_voltage"], first["ac_output_power"], first["pv_input_power"]) == (
        "230.1",
        "412",
        "N/A",
    )
    assert first["bms_recorder"] == "easun-jkbms"
    assert (second["grid_voltage"], second["ac_output_power"]) == ("N/A", "N/A")


def test_standalone_says_nothing_of_its_own_old_record(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a night without us the last record is of yesterday: nothing is wrong with that."""
    house = House(path, standalone=True)
    house.sample(53.0)
    house.look()
    house.clock.turn(8 * 3600)
    house.start()
    house.sample(54.0)

    house.look()

    assert house.voltages() == ["53.0", "54.0"]
    assert "not merged" not in caplog.text


def test_standalone_has_one_record_for_all_batteries(path: Path) -> None:
    """A second battery that is due a little later joins the record."""
    house = House(path, standalone=True)
    for _ in range(3):
        house.sample(53.0, 1)
        house.look()
        house.clock.turn(3)
        house.sample(51.0, 2)
        house.look()
        house.clock.turn(27)

    assert house.voltages("battery2_battery_voltage") == ["51.0"] * 3


def test_standalone_without_a_sample_writes_no_record(path: Path) -> None:
    house = House(path, standalone=True)

    house.sink.look({1})

    assert house.content() == []


def test_standalone_with_an_untrusted_clock_writes_no_record(path: Path) -> None:
    house = House(path, standalone=True)
    house.clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    house.sample()

    house.look()

    assert not path.exists()


@pytest.mark.parametrize(
    ("payload", "error"), [(INVERTER, None), (None, "timeout"), (None, None), ("junk", None)]
)
def test_standalone_refuses_to_start_beside_an_inverter_program(
    path: Path, payload: Any, error: str | None
) -> None:
    """M7: any young record that is not ours, wherever it stands among ours."""
    house = build(path, standalone=True)
    house.insert(payload, error, age=119)
    house.insert({"bms_recorder": "easun-jkbms"})
    house.sample()

    with pytest.raises(ConfigError, match=r"another program wrote record 1 .*BMS_STANDALONE_ROWS"):
        house.look()

    assert len(house.content()) == 2


def test_standalone_begins_when_the_inverter_program_is_long_gone(path: Path) -> None:
    house = build(path, standalone=True)
    house.insert(age=121)
    house.sample(kind="simulated", monotonic=1000.0, taken_at=START)

    house.sink.look({1})

    assert house.sink.inserted == 1


def test_standalone_stops_at_the_first_foreign_record(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From then on only merged, for good."""
    house = House(path, standalone=True)
    house.sample()
    house.look()
    house.clock.turn(29)
    house.insert()
    for voltage in (53.1, 53.2):
        house.clock.turn(30)
        house.sample(voltage)
        house.look()

    assert house.voltages() == ["53.0", "53.2"]
    assert house.sink.inserted == 1
    assert len([m for m in caplog.messages if "of another program" in m]) == 1


def test_standalone_prunes_only_its_own_old_records(path: Path) -> None:
    """Once an hour, in slices; foreign records stay whatever their age."""
    house = build(path, standalone=True, standalone_keep_days=1)
    own = {"bms_recorder": "easun-jkbms"}
    house.insert(age=3 * 86400)
    for _ in range(450):
        house.insert(own, age=2 * 86400)
    house.insert(None, "timeout", age=2 * 86400)
    house.insert(own, age=2 * 86400)
    house.insert(own, age=3600)
    house.sample()

    house.look()

    assert [row[0] for row in house.content()] == [1, 452, 454, 455]


def test_the_offset_is_that_of_today_though_the_clock_woke_in_1970(path: Path) -> None:
    """Kyiv kept Moscow's time in 1970."""
    house = build(path, tz=ZoneInfo("Europe/Kyiv"), fields="all")
    right = house.clock.at
    house.clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    house.start()
    house.clock.at = right
    house.insert()
    house.sample()

    house.look()

    [updated] = house.voltages("bms_updated_at")
    assert updated is not None
    assert updated.endswith("+02:00")


def test_the_offset_of_records_is_that_of_winter() -> None:
    """Kyiv is +02:00 all year, as the inverter program writes it."""
    summer = datetime(2026, 7, 1, tzinfo=UTC)

    assert record_zone(summer, ZoneInfo("Europe/Kyiv")).utcoffset(None) == timedelta(hours=2)
    assert record_zone(START, ZoneInfo("Europe/Kyiv")).utcoffset(None) == timedelta(hours=2)
    assert record_zone(START, UTC).utcoffset(None) == timedelta(0)


# --- the running sink


async def test_without_a_watch_records_wait_for_a_due_sample(path: Path) -> None:
    """BMS_MERGE_WATCH=0: the due sample wakes the sink and all records since are merged."""
    house = build(path, watch=0)
    house.insert()
    running = asyncio.create_task(house.sink.run())
    house.sample(53.0)
    await until(lambda: house.voltages() == ["53.0"])
    house.clock.turn(10)
    house.insert()
    house.insert()
    house.sample(53.1)
    assert not house.sink.take_due()

    house.clock.turn(20)
    house.sample(53.2)

    await until(lambda: house.voltages() == ["53.0", "53.2", "53.2"])
    await end(running)


async def test_a_new_record_is_found_by_the_watch(path: Path) -> None:
    house = build(path, watch=0.01)
    running = asyncio.create_task(house.sink.run())
    house.sample()
    house.insert()

    await until(lambda: house.voltages() == ["53.0"])
    await end(running)


async def test_ending_does_not_wait_for_a_lock(house: House) -> None:
    """SIGTERM while the database is locked: out at once, nothing half written."""
    readings = Readings(house.path, busy_timeout=60)
    sink = InverterDbSink(readings, house.clock, house.options)
    house.sink = sink
    house.insert()
    holder = sqlite3.connect(house.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    house.sample()
    running = asyncio.create_task(sink.run())
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await end(running)

    holder.execute("ROLLBACK")
    holder.close()
    assert house.voltages() == ["52.0"]


async def until(condition: Any) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel ``task`` as the service does and see that it went."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_each_record_is_shown_once_when_it_is_new(house: House) -> None:
    """At the start the newest, then each one, with or without samples to merge."""
    for _ in range(3):
        house.insert()
    house.look()
    house.look()
    assert house.seen == [3]

    house.insert(None, error="no answer")
    house.look()
    house.sample()
    house.look()
    for _ in range(2):
        house.insert()
    house.look()

    assert house.seen == [3, 4, 5, 6]


def test_of_a_long_stall_only_the_last_records_are_shown(house: House) -> None:
    house.insert()
    house.look()

    for _ in range(3 * SHOWN):
        house.insert()
    house.look()

    assert house.seen == [1, *range(2 * SHOWN + 2, 3 * SHOWN + 2)]


def test_of_another_file_the_newest_record_is_shown(house: House, path: Path) -> None:
    for _ in range(5):
        house.insert()
    house.look()
    path.rename(path.with_name("old"))
    house.execute(TABLE)
    for _ in range(2):
        house.insert()

    house.look()

    assert house.seen == [5, 2]
