"""Whatever stands in the inverter program's database costs its row one warning and nothing else."""

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jk_bms.alerts.inverter import Inverters
from jk_bms.clock import Clock
from jk_bms.errors import StoreError
from jk_bms.inverters.records import inverter_sample
from jk_bms.live.messages import told_line
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.sinks import inverter_db
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.store import readings
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import HistoryStore
from jk_bms.store.inverter_fold import InverterFolder, fold_inverter
from jk_bms.store.readings import LARGEST_PAYLOAD, Readings, Record
from tests.beside import cases

TABLE = "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, payload TEXT, error TEXT)"
GOOD = '{"grid_voltage":"230.1","battery_voltage":"52.0","status_text":"SUB"}'

Value = str | bytes | int | float | None


class House:
    """A sink beside a database of others, all that reads it included."""

    def __init__(self, path: Path, table: str = TABLE) -> None:
        self.path = path
        self.clock = Clock()
        self.state = Inverters(self.clock)
        self.samples: list[InverterSample] = []
        self.execute(table)
        self.begin()

    def begin(self) -> None:
        readings = Readings(self.path, busy_timeout=0, tries=1)
        self.sink = InverterDbSink(readings, self.clock, MergeOptions())
        self.sink.show(self.seen)

    def execute(self, statement: str, *values: Value) -> list[Any]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.text_factory = bytes
            return connection.execute(statement, values).fetchall()

    def put(self, payload: Value = GOOD, error: Value = None, created_at: Value = "now") -> None:
        made = datetime.now(UTC).isoformat(timespec="seconds") if created_at == "now" else created_at
        self.execute(
            "INSERT INTO readings (created_at, payload, error) VALUES (?, ?, ?)", made, payload, error
        )

    def seen(self, record: Record) -> None:
        """As the poller does."""
        sample = inverter_sample(record, monotonic=self.clock.monotonic())
        if sample is not None:
            self.samples.append(sample)
            self.state.take(sample)
            self.state.house.view(50.0)
            told_line(self.state.shown())

    def look(self) -> bool:
        pack = Device(address="AA:BB:CC:DD:EE:01", name="pack")
        now = self.clock.monotonic()
        self.sink.accept(Sample(device=pack, taken_at=self.clock.now(), monotonic=now, voltage=53.0))
        return self.sink.look(self.sink.take_due())

    def rows(self) -> list[Any]:
        return self.execute(
            "SELECT rowid, typeof(id), id, typeof(created_at), created_at, typeof(payload), payload, typeof(error), error "
            "FROM readings ORDER BY rowid"
        )

    def merged(self) -> list[bool]:
        """For each row whether battery values stand in it."""
        return [isinstance(row[6], bytes) and b'battery_voltage":"53.0' in row[6] for row in self.rows()]

    def fold(self) -> int:
        """Take everything into a history; return how many rows it has then."""
        with open_writer(self.path.with_name("bms.db"), self.clock) as own:
            folder = InverterFolder(Readings(self.path), HistoryStore(own), slice_size=2)
            for _ in range(50):
                if not folder.step(datetime.now(UTC)):
                    break
            return HistoryStore(own).counters() != {}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "inverter.db")


DEEP = '{"a":' + "[" * 30_000 + "]" * 30_000 + "}"  # within what is read at all
# fmt: off
PAYLOADS: dict[str, Value] = {
    "bytes that are no text":     b'{"grid_voltage":"230.1","n":"\xff\xfe"}',
    "text that is no UTF-8":      "{}",  # put in by a cast, below
    "bytes of a picture":         b"\x89PNG\r\n\x1a\n\0\0",
    "nothing":                    None,
    "an empty text":              "",
    "a whole number":             5,
    "a number":                   1e308,
    "cut short":                  '{"grid_voltage":"23',
    "a list":                     "[1,2]",
    "a word":                     '"text"',
    "NaN":                        '{"grid_voltage":NaN}',
    "two objects":                "{}{}",
    "nested without end":         DEEP,
    "half a surrogate as a key":  '{"\\ud800":"1","grid_voltage":"230"}',
    "half a surrogate":           '{"grid_voltage":"\\ud800"}',
    "a null in the text":         '{"grid_voltage":"230.1"}\0{"x":1}',
    "larger than memory likes":   '{"x":"' + "y" * LARGEST_PAYLOAD + '"}',
    "a BOM":                      "\ufeff{}",
}
MERGEABLE: dict[str, Value] = {
    "an empty object":            "{}",
    "doubled keys":               '{"grid_voltage":"1","grid_voltage":"230.1"}',
    "values of all kinds":        '{"grid_voltage":null,"grid_power":[],"status_text":{"a":1},"temperature":true}',
    "numbers without end":        '{"grid_voltage":' + "9" * 5000 + ',"grid_power":1e999,"pv_input_power":-1e-999}',
    "text as a number":           '{"grid_voltage":"' + "9" * 5000 + '","grid_power":"inf","ac_output_power":"nan"}',
    "battery keys of other kinds": '{"battery_voltage":{"a":[1]},"bms_cells":7,"battery_soc_source":[]}',
    "controls in a status":       '{"status_text":"\\u001b[2J\\nERROR \\u202e"}',
    "an empty key":               '{"":"x","grid_voltage":"230.1"}',
    "spaces and line ends":       ' \n{ "grid_voltage" : "230.1" }\r\n',
    "nested, but with an end":    '{"a":' + "[" * 500 + "]" * 500 + "}",
}
TIMES: dict[str, Value] = {
    "bytes": b"2026", "a number": 1_700_000_000, "empty": "", "words": "yesterday", "year 1": "0001-01-01T00:00:00+23:59",
    "year 9999": "9999-12-31T23:59:59-23:59", "no UTF-8": b"\xff\xfe", "far too long": "2" * 100_000, "a null": "2026\0",
}
ERRORS: dict[str, Value] = {
    "bytes": b"\xff\xfe", "a number": 7, "empty": "", "far too long": "x" * 10**6, "a forged line": "x\nERROR \x1b[2J",
}
# fmt: on


def check_neighbours(house: House, caplog: pytest.LogCaptureFixture, warnings: int) -> None:
    """Look; the strange row stays byte for byte, its neighbours are merged, and little is said."""
    strange = house.rows()[1]

    with caplog.at_level(logging.INFO):
        assert house.look()
        house.put()
        assert house.look()

    assert house.rows()[1] == strange
    assert [merged for index, merged in enumerate(house.merged()) if index != 1] == [True, True, True]
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) <= warnings
    assert house.sink.failures == 0
    house.fold()


def begin_around(house: House, put: Callable[[], None]) -> None:
    """A sink at work: one record done with, then the strange one, then another."""
    house.put()
    assert house.look()
    put()
    house.put()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_that_cannot_be_merged(
    house: House, payload: Value, caplog: pytest.LogCaptureFixture
) -> None:
    begin_around(house, lambda: house.put(payload))
    if payload == "{}":
        house.execute("UPDATE readings SET payload = CAST(x'7b22ff223a317d' AS TEXT) WHERE id = 2")

    check_neighbours(house, caplog, warnings=1)


@pytest.mark.parametrize("payload", MERGEABLE.values(), ids=MERGEABLE)
def test_a_strange_payload_is_merged(house: House, payload: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its own values stay as they are."""
    begin_around(house, lambda: house.put(payload))

    with caplog.at_level(logging.WARNING):
        assert house.look()

    assert house.merged() == [True, True, True]
    assert not caplog.records
    house.fold()
    for sample in house.samples:
        assert sample.status is None or sample.status.isprintable()


@pytest.mark.parametrize("made", TIMES.values(), ids=TIMES)
def test_a_strange_time(house: House, made: Value, caplog: pytest.LogCaptureFixture) -> None:
    begin_around(house, lambda: house.put(created_at=made))

    check_neighbours(house, caplog, warnings=1)
    assert all(len(record.getMessage()) < 600 for record in caplog.records)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_a_strange_error(house: House, error: Value, caplog: pytest.LogCaptureFixture) -> None:
    begin_around(house, lambda: house.put(None, error))

    check_neighbours(house, caplog, warnings=0)
    assert all(sample.error is None or sample.error.isprintable() for sample in house.samples)


def test_bytes_that_are_a_record_stay_bytes(house: House) -> None:
    """A driver may store text as bytes: its reader expects them."""
    house.put(GOOD.encode())

    assert house.look()

    [row] = house.rows()
    assert row[5] == b"blob"
    assert json.loads(row[6])["battery_voltage"] == "53.0"


# fmt: off
TABLES = {
    "text ids beside numbers":
        ("CREATE TABLE readings (id INT, created_at TEXT, payload TEXT, error TEXT)", ["'abc'", "x'ff'", "NULL", "1.5"]),
    "a table without row ids":
        ("CREATE TABLE readings (id TEXT PRIMARY KEY, created_at TEXT, payload TEXT, error TEXT)", ["'abc'", "'7x'"]),
    "no types at all":
        ("CREATE TABLE readings (id, created_at, payload, error)", ["'abc'", "9.9"]),
    "more columns, other order":
        ("CREATE TABLE readings (error TEXT, extra BLOB, payload TEXT, created_at TEXT, id INTEGER PRIMARY KEY)", []),
    "the largest number":
        (TABLE, ["9223372036854775807"]),
    "numbers below zero":
        (TABLE, ["-5", "0"]),
}
# fmt: on


@pytest.mark.parametrize(("table", "ids"), TABLES.values(), ids=TABLES)
def test_a_strange_table(
    tmp_path: Path, table: str, ids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Rows whose id is no whole number are left alone, told once, and hide none of the others."""
    house = House(tmp_path / "inverter.db", table)
    made = datetime.now(UTC).isoformat()
    for number in ids:
        house.execute(f"INSERT INTO readings (id, created_at, payload) VALUES ({number}, ?, ?)", made, GOOD)
    before = house.rows()

    with caplog.at_level(logging.WARNING):
        for good_id in range(100, 103):
            if "9223372036854775807" not in ids and "TEXT PRIMARY" not in table:
                house.execute(
                    f"INSERT INTO readings (id, created_at, payload) VALUES ({good_id}, ?, ?)", made, GOOD
                )
            assert house.look()
    said = len(caplog.records)
    house.fold()

    rows = house.rows()
    good = [row for row in rows if row not in before and row[1] == b"integer"]
    if "9223372036854775807" not in ids and "TEXT PRIMARY" not in table:
        assert len(good) >= 3
        assert all(b'"53.0"' in row[6] for row in good)
    assert [row for row in rows if row[1] != b"integer"] == [row for row in before if row[1] != b"integer"]
    assert said <= 1


def test_a_rule_of_the_table_costs_one_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A trigger or a check that refuses the new payload is no reason to try the same row for ever."""
    house = House(
        tmp_path / "inverter.db",
        TABLE.replace("payload TEXT", "payload TEXT CHECK (payload NOT LIKE '%no%53.0%')"),
    )
    begin_around(house, lambda: house.put('{"no":1,"battery_voltage":"52.0"}'))

    check_neighbours(house, caplog, warnings=1)


def test_a_bug_in_the_merge_stays_there(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody thought of ends a look, is said once, and the next look goes on."""
    house.put()
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(house.sink, "_start_at", lambda newest: newest + "text")
        assert [house.look() for _ in range(3)] == [False] * 3
        assert house.sink.failures == 3
        assert "TypeError" in (house.sink.failure or "")
    assert len([record for record in caplog.records if "nothing is merged" in record.getMessage()]) == 1

    assert house.look()
    assert house.sink.failure is None
    assert house.merged() == [True]


ANY = (
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.binary(max_size=60) | st.text(max_size=60)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["grid_voltage", "grid_power", "battery_soc", "status_text", "temperature", "bms_cells", "bms_recorder"]
)
PAYLOAD = ANY | st.dictionaries(KEYS, JSON, max_size=5).map(json.dumps)
MADE = ANY | st.just("now")


def storable(value: Value) -> bool:
    """Whether SQLite takes it."""
    try:
        return not isinstance(value, str) or bool(value.encode() or True)
    except UnicodeEncodeError:
        return False


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PAYLOAD.filter(storable), ANY.filter(storable), MADE.filter(storable)), max_size=6))
def test_any_content(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Value, Value, Value]]
) -> None:
    """Whatever the rows hold: a look succeeds, good neighbours are merged, no reader fails."""
    house = House(tmp_path_factory.mktemp("any") / "inverter.db", TABLE.replace(" NOT NULL", ""))
    house.put()
    assert house.look()
    for payload, error, made in rows:
        house.put(payload, error, made)
    house.put()

    assert house.look()
    house.begin()  # as after a restart
    assert house.look()

    merged = house.merged()
    assert merged[0]
    assert merged[-1]
    assert house.sink.failures == 0
    house.fold()


@given(ANY, ANY, PAYLOAD, ANY)
def test_any_record_is_understood_or_not(number: Value, made: Value, payload: Value, error: Value) -> None:
    """The pure readers raise nothing, whatever they get."""
    record = Record(number, made, payload, error)  # type: ignore[arg-type]

    sample = inverter_sample(record, monotonic=1.0)
    fold_inverter([record], now=datetime.now(UTC) + timedelta(days=1))

    assert sample is None or isinstance(sample, InverterSample)


def test_the_case_of_the_public() -> None:
    """Bytes as a converted MySQL table had them."""
    for case in cases("11-db-payload-blob-bad-utf8.json"):
        raw = bytes.fromhex(case["input"]["sql"].partition("x'")[2].partition("'")[0])

        assert inverter_sample(Record(1, datetime.now(UTC).isoformat(), raw, None), monotonic=1.0) is None


# Tables that are none, and tables that do something of their own when they are changed

ENDLESS = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)"
AUDIT = "CREATE TABLE audit (what)"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end is given up soon."""
    monkeypatch.setattr(readings, "READ_LIMIT", 0.3)
    monkeypatch.setattr(readings, "CHANGE_LIMIT", 0.2)


def script(house: House, *statements: str) -> None:
    for statement in statements:
        house.execute(statement)


def after_update(*deeds: str) -> str:
    return f"CREATE TRIGGER theirs AFTER UPDATE ON readings BEGIN {'; '.join(deeds)}; END"


# fmt: off
UNUSABLE = {
    "a view": (["DROP TABLE readings", "CREATE TABLE other (id, created_at, payload, error)",
                "CREATE VIEW readings AS SELECT * FROM other"], "is a view, not a table"),
    "a view without end": (["DROP TABLE readings", f"CREATE VIEW readings AS SELECT {ENDLESS} AS id, 1 AS created_at, "
                            "2 AS payload, NULL AS error"], "is a view, not a table"),
    "in other letters": (["DROP TABLE readings", f"CREATE VIEW READINGS AS SELECT {ENDLESS} AS id"], "is a view"),
    "a virtual table": (["DROP TABLE readings", "CREATE VIRTUAL TABLE readings USING fts5(created_at, payload, error)"],
                        "is a virtual table"),
    "a computed payload": (["DROP TABLE readings", "CREATE TABLE readings (id INTEGER PRIMARY KEY, created_at TEXT, "
                            "payload TEXT AS ('{}'), error TEXT)"], "the payload in 'readings' is computed"),
}
# fmt: on


@pytest.mark.parametrize(("statements", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_table_is_refused_with_one_warning(
    house: House, statements: list[str], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    script(house, *statements)

    with caplog.at_level(logging.WARNING):
        assert [house.look() for _ in range(3)] == [False] * 3
    with pytest.raises(StoreError, match=says):
        house.fold()

    assert [says in record.getMessage() for record in caplog.records] == [True]
    assert "check that DB_PATH names" in (house.sink.failure or "")

    house.execute(f"DROP {'VIEW' if 'view' in says else 'TABLE'} readings")
    house.execute(TABLE)
    house.put()
    assert house.look()
    assert house.merged() == [True]


def test_a_table_that_becomes_a_view_in_use_is_given_up(house: House, hurried: None) -> None:
    house.put()
    assert house.look()
    script(house, "DROP TABLE readings", f"CREATE VIEW readings AS SELECT {ENDLESS} AS id, 1 AS created_at, "
           "2 AS payload, NULL AS error")  # fmt: skip
    began = time.monotonic()

    assert not house.look()
    assert not house.look()

    assert time.monotonic() - began < 20
    assert house.sink.failure


def test_a_trigger_that_adds_a_record_is_no_reason_to_merge_for_ever(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Each record of the inverter program is merged once more, its echo never."""
    script(
        house, after_update("INSERT INTO readings (created_at, payload) VALUES (NEW.created_at, NEW.payload)")
    )
    for _ in range(5):
        house.put()
        assert house.look()
    for _ in range(3):
        house.put()
    assert house.look()
    assert house.look()

    assert house.sink.merged == 8
    assert len(house.rows()) == 16
    [said] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "it has the trigger theirs" in said


def test_a_program_that_adds_records_without_end_does_not_hold_a_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As fast as we merge; what is left comes with the next look."""
    monkeypatch.setattr(inverter_db, "MOST_IN_A_PASS", 4)
    monkeypatch.setattr(inverter_db, "BATCH", 2)
    house.put()
    assert house.look()
    for _ in range(10):
        house.put()
    merged = []
    for _ in range(4):
        assert house.look()
        merged.append(house.sink.merged)

    assert merged == [5, 9, 11, 11]


# fmt: off
TRIGGERS = {  # statements; whether the payload is merged; warnings
    "without end": ([AUDIT, after_update(f"INSERT INTO audit SELECT {ENDLESS}")], False, 1),
    "of a table that is gone": ([AUDIT, after_update("INSERT INTO audit VALUES (1)"), "DROP TABLE audit"], False, 1),
    "of a column that is gone": ([AUDIT, after_update("UPDATE audit SET absent = 1")], False, 1),
    "that forbids it": ([after_update("SELECT RAISE(ABORT, 'hands off')")], False, 1),
    "that passes over it": (["CREATE TRIGGER theirs BEFORE UPDATE ON readings BEGIN SELECT RAISE(IGNORE); END"], False, 0),
    "that takes it back": ([after_update("UPDATE readings SET payload = OLD.payload WHERE id = NEW.id")], False, 0),
    "that notes it": ([AUDIT, after_update("INSERT INTO audit VALUES (NEW.payload)")], True, 0),
    "of a name that steers": ([AUDIT, f'CREATE TRIGGER "x\x1b[2J\n" AFTER UPDATE ON readings BEGIN INSERT INTO audit '
                               f"SELECT {ENDLESS}; END"], False, 1),
}
# fmt: on


@pytest.mark.parametrize(("statements", "merged", "warnings"), TRIGGERS.values(), ids=TRIGGERS)
def test_what_a_trigger_does_costs_a_warning(
    house: House,
    hurried: None,
    statements: list[str],
    merged: bool,
    warnings: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The grid is still read, the inverter program can write, and nothing is held for long."""
    script(house, *statements)
    began = time.monotonic()

    for _ in range(5):
        house.put()
        assert house.look()

    assert time.monotonic() - began < 30
    assert house.merged() == [merged] * 5
    assert len(house.samples) == 5
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == warnings, said
    assert all("\x1b" not in line and "\n" not in line for line in said)
    house.fold()


def test_a_trigger_that_was_mended_is_tried_again(
    house: House, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "REST", 0.5)
    script(house, *TRIGGERS["without end"][0])
    house.put()
    assert house.look()
    house.execute("DROP TRIGGER theirs")
    time.sleep(0.6)
    house.put()
    assert house.look()

    assert house.merged() == [False, True]


def test_an_index_that_only_its_maker_can_compute_costs_a_warning(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(house.path)) as connection:
        connection.create_function("theirs", 1, lambda value: value, deterministic=True)
        connection.execute("CREATE INDEX computed ON readings (theirs(payload))")
        connection.execute(
            "INSERT INTO readings (created_at, payload) VALUES (?, ?)", (str(datetime.now(UTC)), GOOD)
        )
        connection.commit()

    assert house.look()

    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert len(house.samples) == 1


@pytest.mark.parametrize("column", ["created_at", "payload", "error", "extra"])
@pytest.mark.parametrize(
    "kind", ["zeroblob(20000000)", "replace(hex(zeroblob(10000000)), '0', 'x')"], ids=["bytes", "text"]
)
def test_a_value_of_many_megabytes_is_not_taken_into_memory(
    house: House, column: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its record stays as it is, its neighbours are merged."""
    house.execute("ALTER TABLE readings ADD COLUMN extra")

    def put() -> None:
        house.put()
        house.execute(f"UPDATE readings SET {column} = {kind} WHERE id = 2")

    begin_around(house, put)

    with caplog.at_level(logging.WARNING):
        assert house.look()
        house.put()
        assert house.look()

    assert (
        house.execute(
            "SELECT instr(substr(payload, 1, 2000), CAST('53.0' AS TEXT)) > 0 FROM readings WHERE id <> 2"
        )
        == [(1,)] * 3
    )
    assert house.execute("SELECT instr(substr(payload, 1, 2000), '53.0') > 0 FROM readings WHERE id = 2") != [
        (1,)
    ]
    assert len(caplog.records) <= 1
    house.fold()


def test_a_table_that_is_locked_for_long_is_caught_up_with(house: House) -> None:
    house.put()
    assert house.look()
    with closing(sqlite3.connect(house.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [house.look() for _ in range(5)] == [False] * 5
        for _ in range(300):
            other.execute(
                "INSERT INTO readings (created_at, payload) VALUES (?, ?)", (str(datetime.now(UTC)), GOOD)
            )
        other.execute("COMMIT")

    assert house.look()
    assert house.merged() == [True] * 301
