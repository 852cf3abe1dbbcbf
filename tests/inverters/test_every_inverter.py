"""What every sort of inverter must do. The rows of INVERTERS, and the example of docs/adding.md."""

import asyncio
import logging
import math
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jk_bms.alerts.inverter import Inverters
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import ConfigError
from jk_bms.inverters import INVERTERS, InverterContext, InverterEntry, InverterRow, build, configured
from jk_bms.inverters import simulated as of_a_simulated_house
from jk_bms.model import Inverter, InverterSample
from jk_bms.model.inverter import INVERTER_QUANTITIES, Rank
from jk_bms.sinks.inverter_db import InverterDbSink, MergeOptions
from jk_bms.sources import SourceContext
from jk_bms.sources import build as build_battery
from jk_bms.store.columns import BY_NAME
from jk_bms.store.readings import Readings
from tests.examples import inverter as example
from tests.scale import PATIENCE

ROWS = (*INVERTERS, example.ROW)
TOP = Path(__file__).resolve().parents[2]
TABLE = "CREATE TABLE readings (id INTEGER PRIMARY KEY, created_at TEXT, payload TEXT, error TEXT)"
SIMULATED = Entry(
    address="simulated", type="simulated", options={"start": "2026-06-21 10:00", "period": "0.05"}
)
REAL = Entry(address="AA:BB:CC:DD:EE:FF", type="jk")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        {"DB_PATH": str(tmp_path / "inverter.db"), "BMS_DB_PATH": str(tmp_path / "bms.db")}, top=tmp_path
    )


class Heard:
    """An inverter of a row, and what it tells."""

    def __init__(self, row: InverterRow, settings: Settings, options: dict[str, str] | None = None) -> None:
        self.samples: list[InverterSample] = []
        self.device = Inverter(id="garage", kind=row.kind, name="Garage", rank=row.rank)
        self.merge = InverterDbSink(
            Readings(settings.db_path, busy_timeout=0, tries=1), Clock(), MergeOptions()
        )
        battery = build_battery(SIMULATED, SourceContext())
        self.batteries = [battery]
        self._loop = asyncio.get_running_loop()
        self.source = build(
            row,
            InverterContext(
                device=self.device,
                options=dict(row.example) if options is None else options,
                settings=settings,
                clock=Clock(),
                publish=self._take,
                batteries=lambda: self.batteries,
                parts={"inverter_db": self.merge},
            ),
        )

    def _take(self, sample: InverterSample) -> None:
        self._loop.call_soon_threadsafe(self.samples.append, sample)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """While it runs; when told to end it does so at once."""
        task = asyncio.create_task(self.source.run())
        try:
            yield task
        finally:
            task.cancel()
            async with asyncio.timeout(PATIENCE):
                with suppress(asyncio.CancelledError):
                    await task

    async def until(self, what: Callable[[list[InverterSample]], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what(self.samples):
                await asyncio.sleep(0.005)


def is_true_of(samples: Iterable[InverterSample], device: Inverter) -> None:
    """What must be true of everything that an inverter tells."""
    for sample in samples:
        assert sample.device == device
        assert sample.taken_at.tzinfo is not None
        assert sample.taken_at.utcoffset() == datetime.now(UTC).utcoffset()
        for quantity in INVERTER_QUANTITIES:
            value = getattr(sample, quantity.attribute)
            assert value is None or (not isinstance(value, bool) and math.isfinite(value))
        assert not (sample.error and sample.answered)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
async def test_it_runs_on_while_nothing_answers(
    row: InverterRow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may say why, with its identity; it invents nothing, and ends when told."""
    monkeypatch.setattr(example, "PERIOD", 0.01)
    heard = Heard(row, settings)
    heard.batteries = []

    async with heard.running() as task:
        await asyncio.sleep(0.1)
        assert not task.done()

    assert heard.source.device == heard.device
    assert not any(sample.answered for sample in heard.samples)
    is_true_of(heard.samples, heard.device)


async def test_what_another_program_wrote_is_passed_on(settings: Settings) -> None:
    with closing(sqlite3.connect(settings.db_path, isolation_level=None)) as database:
        database.execute(TABLE)
        database.execute(
            "INSERT INTO readings (created_at, payload) VALUES (?, ?)",
            (
                datetime.now(UTC).isoformat(),
                '{"grid_voltage":"230.1","grid_power":"N/A","battery_current":"-5.2"}',
            ),
        )
    [row] = [row for row in INVERTERS if row.kind == "records"]
    heard = Heard(row, settings)
    async with heard.running():
        await asyncio.to_thread(heard.merge.look, set())
        await heard.until(bool)

    [sample] = heard.samples
    assert (sample.grid_voltage, sample.grid_power, sample.battery_current) == (230.1, None, -5.2)
    assert sample.device.rank is Rank.SECOND_HAND
    is_true_of(heard.samples, heard.device)


def test_without_the_merge_no_records_are_read(settings: Settings) -> None:
    [row] = [row for row in INVERTERS if row.kind == "records"]
    with pytest.raises(ConfigError, match="where they are merged into"):
        build(
            row,
            InverterContext(
                device=Inverter(), options={}, settings=settings, clock=Clock(), publish=lambda _: None
            ),
        )


async def test_a_simulated_house_has_an_inverter_that_is_marked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fits to its battery, and is silent as soon as a real one is read."""
    monkeypatch.setattr(of_a_simulated_house, "PERIOD", 0.01)
    monkeypatch.setattr(of_a_simulated_house, "SHORTEST", 0.01)
    [row] = [row for row in INVERTERS if row.kind == "simulated"]
    heard = Heard(row, settings)
    async with heard.running():
        await heard.until(lambda samples: len(samples) > 2)
        heard.batteries.append(build_battery(REAL, SourceContext()))
        await asyncio.sleep(0.05)
        told = len(heard.samples)
        await asyncio.sleep(0.05)

    assert len(heard.samples) == told
    assert all(sample.answered and sample.device.made_up for sample in heard.samples)
    bms = heard.batteries[0].bms  # type: ignore[attr-defined]
    assert heard.samples[-1].battery_current == pytest.approx(bms.truth.current, abs=0.1)
    is_true_of(heard.samples, heard.device)


@asynccontextmanager
async def line_server(*answers: bytes) -> AsyncIterator[str]:
    """An inverter of the example; its answers in turn, the last again and again; empty: it hangs up."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def test_the_example_reads_and_gets_over_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Charging is positive, unknown is None; a line cut short, nonsense and silence cost a reading each."""
    monkeypatch.setattr(example, "PERIOD", 0.01)
    caplog.set_level(logging.INFO)
    good = b"grid=231.0 load=412 sun=? battery=-5.2\n"
    async with line_server(good, b"grid=23", b"\xff\xfe\n", b"", good) as host:
        heard = Heard(example.ROW, settings, {"host": host})
        async with heard.running():
            await heard.until(lambda samples: len(samples) >= 6)

    first, *failed, last = heard.samples[:5]
    for sample in (first, last):
        assert (sample.grid_voltage, sample.load_power, sample.pv_power) == (231.0, 412.0, None)
        assert sample.battery_current == 5.2, "it charges"
    assert [bool(sample.error) for sample in failed] == [True] * 3
    assert "is no reading" in (failed[1].error or "")
    assert "Garage: not read: b'\\xff\\xfe\\n' is no reading" in caplog.text
    assert caplog.text.count("Garage: answers again") == 1
    is_true_of(heard.samples, heard.device)


async def test_one_that_hangs_is_not_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "PATIENCE", 0.05)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until it is left
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        heard = Heard(example.ROW, settings, {"host": f"{host}:{port}"})
        async with heard.running():
            await heard.until(bool)

    assert heard.samples[0].error == "no answer within 0.05 s"


def test_options_that_do_not_fit_are_refused(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"inverter garage: host is '192.168.1.9'; expected"):
        build(
            example.ROW,
            InverterContext(
                device=Inverter(id="garage"),
                options={"host": "192.168.1.9"},
                settings=settings,
                clock=Clock(),
                publish=lambda _: None,
            ),
        )


def test_the_rows_are_in_order() -> None:
    """No two of a kind, and what brings their libraries exists; every quantity has its place in history."""
    extras = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert len({row.kind for row in ROWS}) == len(ROWS)
    assert {row.packages for row in ROWS} <= {"runtime", *extras["optional-dependencies"]}
    assert {quantity.column for quantity in INVERTER_QUANTITIES} <= BY_NAME.keys()


def test_who_is_read_follows_from_what_is_configured(settings: Settings) -> None:
    def kinds(*entries: Entry) -> list[tuple[str, str]]:
        return [(device.kind, device.id) for _, device, _ in configured(ROWS, settings, entries)]

    assert kinds(SIMULATED) == [("records", "records"), ("simulated", "simulated"), ("line", "garage")]
    assert kinds(SIMULATED, REAL) == [("records", "records"), ("line", "garage")]
    twice = example.ROW._replace(wanted=lambda _, __: [InverterEntry("a"), InverterEntry("a")])
    with pytest.raises(ConfigError, match="two inverters are called 'a'"):
        configured((twice,), settings, [])


@pytest.mark.parametrize("name", ["", "Garage", "a b", "inverter:a", "ю", "a" * 33, "-a"])
def test_an_id_that_cannot_be_a_name_for_ever_is_refused(name: str, settings: Settings) -> None:
    """It stands in names of histories, of alerts and, one day, in addresses."""
    row = example.ROW._replace(wanted=lambda _, __: [InverterEntry(name)])
    with pytest.raises(ConfigError, match="expected up to 32 of"):
        configured((row,), settings, [])


def test_what_they_say_is_of_use_to_a_house(settings: Settings) -> None:
    """Each row's rank decides whose word counts: what is made up, then what is overheard, then what we read."""
    inverters = Inverters(Clock())
    clock = Clock()
    for row in sorted(ROWS, key=lambda row: row.rank):
        sample = InverterSample(
            device=Inverter(id=row.kind, kind=row.kind, rank=row.rank),
            taken_at=clock.now(),
            monotonic=clock.monotonic(),
            load_power=412.0,
        )
        assert inverters.take(sample)
        counted = [device for device, _ in inverters.each()]
        assert counted[-1].kind == row.kind
        assert {device.rank for device in counted} == {row.rank}
