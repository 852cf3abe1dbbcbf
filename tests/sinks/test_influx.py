"""Lines to a database of time series: golden lines, what an answer leads to, what is sent later."""

import asyncio
import gzip
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jk_bms.clock import boot_id
from jk_bms.config.settings import load_settings
from jk_bms.model import Event, InverterSample
from jk_bms.model.alert import AlertTold
from jk_bms.model.inverter import Inverter
from jk_bms.model.snapshot import OneInverter, Snapshot
from jk_bms.sinks import SINKS
from jk_bms.sinks.influx import STATE, Server
from jk_bms.sinks.line_protocol import Names, lines
from jk_bms.sinks.series import of_inverter, of_sample
from jk_bms.store.states import write_states
from tests.scale import PATIENCE
from tests.sinks.influx_house import PACK, PERIOD, House, utc

AT = 1_796_083_200_000
HOSTILE = 'a,b =c\\"d\nІ'
BATTERY = {
    "batmon": ["batmon,device=a\\,b\\ \\=c\\\\\"d\\ І,house=h balance_current=0.0,charge_power=0.0,current=3.25,"
               "discharge_power=171.6,power=171.6,problem=1.0,problem_code=4.0,soc=85.3,switches_charge=1.0,"
               "temperatures_2=21.5,voltage=52.8,voltage_cell000=3301i,voltage_cell002=3299i,"
               "voltage_cell_max=3301i,voltage_cell_mean=3300.0,voltage_cell_median=3300.0,voltage_cell_min=3299i"],
    "metrics": [
        "easun_battery,device=a\\,b\\ \\=c\\\\\"d\\ І,house=h balance_current_amperes=0.0,cell_delta_volts=0.002,"
        "cell_max_volts=3.301,cell_min_volts=3.299,current_amperes=-3.25,power_watts=-171.6,soc_ratio=0.853,"
        "voltage_volts=52.8",
        "easun_battery,device=a\\,b\\ \\=c\\\\\"d\\ І,cell=01,house=h cell_voltage_volts=3.301",
        "easun_battery,device=a\\,b\\ \\=c\\\\\"d\\ І,cell=03,house=h cell_voltage_volts=3.299",
        "easun_battery,device=a\\,b\\ \\=c\\\\\"d\\ І,name=charge,house=h switch_on=1.0",
        "easun_battery,device=a\\,b\\ \\=c\\\\\"d\\ І,sensor=3,house=h temperature_celsius=21.5",
    ],
}  # fmt: skip
INVERTER = {
    "batmon": "inverter,device=inverter,house=h ac_output_power=412.0,grid_voltage=230.5",
    "metrics": "easun_inverter,device=inverter,house=h grid_voltage_volts=230.5,load_power_watts=412.0",
}


def in_order(told: list[str]) -> list[str]:
    """Lines with their fields by name; the time is looked at apart."""
    found = []
    for line in told:
        rest, time = line.rsplit(" ", 1)
        head, fields = rest.rsplit(" ", 1)
        assert time == str(AT)
        found.append(f"{head} {','.join(sorted(fields.split(',')))}")
    return sorted(found)


@pytest.mark.parametrize("names", BATTERY)
def test_golden_lines(names: str, tmp_path: Path) -> None:
    house = House(tmp_path, 9)
    sample = house.sample(
        cell_numbers=(1, 3),
        battery_soc=85.3,
        charge_enabled=True,
        temperatures=(21.5,),
        probe_numbers=(3,),
        balance_current=-0.0,
        problem_code=4,
        soh=float("nan"),
    )
    named = Names(names, "h", invert=True)

    assert in_order(lines(named.battery(HOSTILE, of_sample(sample)), AT)) == sorted(BATTERY[names])
    heard = InverterSample(taken_at=utc(AT), monotonic=1.0, grid_voltage=230.5, load_power=412.0)
    assert in_order(lines(named.inverter("inverter", of_inverter(heard)), AT)) == [INVERTER[names]]
    house.own.close()


def test_an_event_is_one_harmless_line() -> None:
    event = Event(kind="alert.raised", taken_at=utc(AT), monotonic=1.0, text='"low" \\', facts={"code": 1005})

    assert Names("batmon", None, invert=False).event(event, "a b") == [
        f'easun_event,device=a\\ b,kind=alert.raised code=1005i,text="\\"low\\" \\\\" {AT}'
    ]


class Fake:
    """A server that gives ``answers`` in turn, the last one for ever, and keeps what it was sent."""

    def __init__(self, *answers: tuple[int, dict[str, str], str]) -> None:
        self.answers = list(answers)
        self.got: list[list[str]] = []
        self.asked: list[tuple[str, str | None]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                fake.asked.append((self.path, self.headers["Authorization"]))
                fake.got.append(body.decode().splitlines())
                status, headers, said = fake.answer(fake.got[-1])
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # who asked went away, as some tests want it

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def answer(self, _: list[str]) -> tuple[int, dict[str, str], str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


GOOD: tuple[int, dict[str, str], str] = (204, {}, "")
ANSWERS = {
    # name: (answer, taken, lines dropped, s until it is tried again, what is said)
    "taken": (GOOD, True, {}, 0, None),
    "taken with a word": ((200, {}, "{}"), True, {}, 0, None),
    "one line of another type": ((400, {}, "partial write: conflict dropped=2"), True, {"refused": 2}, 0, "conflict"),
    "too old": ((422, {}, "too old"), True, {"too_old": 4}, 0, "too old"),
    "beyond retention": ((400, {}, "partial write: retention policy dropped=4"), True, {"too_old": 4}, 0, "retention"),
    "wrong token": ((401, {}, "no canary-token"), False, {}, 300, "refuses INFLUXDB_TOKEN (401)"),
    "wrong token, by an older vmauth": (
        (400, {}, 'cannot find the provided auth token "Bearer canary-token"'), False, {}, 300, "refuses INFLUXDB_TOKEN"),
    "no database named": ((400, {}, "database is required"), False, {}, 300, "INFLUXDB_DATABASE"),
    "not allowed": ((403, {}, ""), False, {}, 300, "refuses INFLUXDB_TOKEN (403)"),
    "no such bucket": ((404, {}, "not found"), False, {}, 300, "the database or bucket b"),
    "busy": ((429, {"Retry-After": "17"}, ""), False, {}, 17, "answers 429"),
    "busy for long": ((503, {"Retry-After": "99999"}, ""), False, {}, 300, "answers 503"),
    "its disk is full": ((500, {}, "no space left on device"), False, {}, 5, "no space left"),
    "it leads away": ((307, {"Location": "http://127.0.0.1:9/"}, ""), False, {}, 5, "not followed"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "taken", "dropped", "pause", "said"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_leads_to(
    answer: tuple[int, dict[str, str], str],
    taken: bool,
    dropped: dict[str, int],
    pause: float,
    said: str | None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each is told once, however often it comes, and no word of it holds the token."""
    fake, now = Fake(answer), [1000.0]
    settings = load_settings(
        {
            "BMS_DB_PATH": str(tmp_path / "bms.db"),
            "INFLUXDB_HOST": f"127.0.0.1:{fake.port}",
            "INFLUXDB_TOKEN": "canary-token",
            "INFLUXDB_ORG": "o",
            "INFLUXDB_DATABASE": "b",
        },
        top=tmp_path,
    )
    server = Server(settings, lambda: now[0])
    with fake.running():
        assert server.take(["a x=1", "b x=1", "c x=1", "d x=1"]) is taken
        assert server.dropped == dropped
        assert server.resting is (pause > 0)
        now[0] += pause
        assert not server.resting
        server.take(["a x=1"])
        server.close()

    assert fake.asked[0] == ("/api/v2/write?org=o&bucket=b&precision=ms", "Token canary-token")
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == (said is not None)
    assert said is None or said in told[0].getMessage()
    assert "canary" not in caplog.text


def test_the_one_bad_line_of_a_batch_is_found(tmp_path: Path) -> None:
    """InfluxDB 2 refuses a whole batch for one line."""

    class Picky(Fake):
        def answer(self, told: list[str]) -> tuple[int, dict[str, str], str]:
            return (400, {}, "bad") if "bad" in told else GOOD

    fake = Picky()
    settings = load_settings(
        {"BMS_DB_PATH": str(tmp_path / "b"), "INFLUXDB_HOST": f"127.0.0.1:{fake.port}", "INFLUXDB_PATH": "/insert/0/influx"},
        top=tmp_path,
    )  # fmt: skip
    server = Server(settings)
    told = [f"a x={n}" for n in range(5000)]
    told[1234] = "bad"
    with fake.running():
        assert server.take(told)
        server.close()

    assert server.dropped == {"refused": 1}
    assert {line for got in fake.got if "bad" not in got for line in got} == set(told) - {"bad"}
    assert len(fake.got) <= 27
    assert fake.asked[0] == ("/insert/0/influx/write?precision=ms", None)


async def test_a_server_that_trickles_is_cut_off(tmp_path: Path) -> None:
    """It answers a byte now and then: it would hold the thread for ever."""

    class Slow(Fake):
        def answer(self, told: list[str]) -> tuple[int, dict[str, str], str]:
            ended.wait()
            return GOOD

    ended = threading.Event()
    fake = Slow()
    house = House(tmp_path, fake.port, INFLUXDB_TIMEOUT="1")
    try:
        with fake.running():
            await house.until(lambda: house.sink.shown().failure)
            ended.set()
    finally:
        ended.set()
    assert "no answer from 127.0.0.1:" in (house.sink.shown().failure or "")
    house.own.close()


async def test_what_was_missed_in_an_outage_comes_from_history(tmp_path: Path) -> None:
    """Live values, a failure, live values again: only the rows in between are sent beside them."""
    fake = Fake(GOOD)
    house = House(tmp_path, fake.port)
    with fake.running():
        await house.until(lambda: fake.got)
        before = house.remember(house.now - 600_000, 120)
        place = house.sink.states()["outbox.influx"][PACK.address][2]
        fake.answers = [(500, {}, "away")]
        await house.until(lambda: house.sink.shown().failure)
        house.clock.ahead = 600.0
        assert "10 min are still to be sent" in (house.sink.shown().failure or "")
        missed = house.remember(before[-1] + PERIOD, 120)
        fake.answers, fake.got = [GOOD], []
        house.sink._server._again = 0.0
        await house.until(lambda: house.sink._outbox._tracks[PACK.address].begun)
        behind = house.sink.shown().behind
        house.remember(missed[-1] + PERIOD, 5)  # what was in memory meanwhile
        await house.until(lambda: house.sink.shown().behind is None)

    times = [int(line.rsplit(" ", 1)[1]) for got in fake.got for line in got if line.startswith("batmon")]
    rows = [time for time in times if time % PERIOD == 0]
    assert behind is not None
    assert [time for time in missed if time not in rows] == []
    assert rows == sorted(set(rows))
    assert place < rows[0] <= place + PERIOD + 1
    assert fake.got[0][0].count("=") > 5  # all fields: nobody knows what arrived of the last
    house.own.close()


@pytest.mark.parametrize(
    ("inverters", "track"), [(("deye",), "inverter"), (("deye", "easun"), "inverter:easun")]
)
async def test_the_past_of_an_inverter_has_its_name(
    inverters: tuple[str, ...], track: str, tmp_path: Path
) -> None:
    """Live values and rows are one series."""
    fake = Fake(GOOD)
    house = House(tmp_path, fake.port)
    house.snapshot = Snapshot(inverters=tuple(OneInverter(id=each, name=f"my {each}") for each in inverters))
    times = house.remember(house.now - 600_000, 120, track)
    write_states(house.own, {STATE: {track: [boot_id(), times[0] - house.offset - 1, times[0] - 1]}})
    house.sink = house.new_sink()
    heard = InverterSample(
        device=Inverter(id=inverters[-1], name=f"my {inverters[-1]}"), taken_at=house.clock.now(),
        monotonic=house.clock.monotonic(), load_power=1.0,
    )  # fmt: skip
    with fake.running():
        running = asyncio.create_task(house.sink.run())
        await asyncio.sleep(0)
        house.sink.accept(heard)
        async with asyncio.timeout(PATIENCE):
            while sum(len(got) for got in fake.got) < len(times):
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    heads = {
        line.split(" ac_")[0].split(" battery")[0]
        for got in fake.got
        for line in got
        if line[:9] == "inverter,"
    }
    assert heads == {f"inverter,device=my\\ {inverters[-1]}"}
    house.own.close()


async def test_an_alert_that_ends_is_told_once_more_as_none(tmp_path: Path) -> None:
    """A database of time series knows no absence."""
    house = House(tmp_path, 9)
    house.snapshot = Snapshot(alerts=(AlertTold(code=1005, severity="error", subject=PACK.address),))
    told = [house.sink._house(house.snapshot), house.sink._house(Snapshot()), house.sink._house(Snapshot())]

    of_alerts = [[line.split()[1] for line in some if line.startswith("easun_alert,")] for some in told]
    assert of_alerts == [["active=1.0"], ["active=0.0"], []]
    house.own.close()


def test_it_costs_nothing_where_it_is_not_asked_for(tmp_path: Path) -> None:
    plain = load_settings({"BMS_DB_PATH": str(tmp_path / "bms.db")}, top=tmp_path)

    assert [row.name for row in SINKS if row.wanted(plain)] == ["inverter_db"]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"INFLUXDB_ORG": "o", "INFLUXDB_DATABASE": "b"}, "no INFLUXDB_TOKEN"),
        ({"INFLUXDB_SERVER": "influxdb"}, "INFLUXDB_DATABASE is not set"),
    ],
)
async def test_what_it_cannot_work_with_keeps_it_off_and_is_shown(
    settings: dict[str, str], fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Batteries are read all the same."""
    house = House(tmp_path, 9, **settings)
    await house.until(lambda: caplog.records)

    assert fault in (house.sink.shown().failure or "")
    assert fault in caplog.text
    house.own.close()
