"""``/metrics``: what stands there, who may ask, and what a rude visitor gets."""

import asyncio
import gzip
import json
import logging
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from jk_bms.clock import Clock
from jk_bms.config.settings import load_settings
from jk_bms.hub import LinkChange, PartContext
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.alert import AlertTold
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.snapshot import (
    BatteryNow,
    GridNow,
    InverterShown,
    LinkNow,
    OneInverter,
    OutboxNow,
    Snapshot,
)
from jk_bms.repair.ladder import Rung
from jk_bms.sinks.line_protocol import Names
from jk_bms.sinks.metrics import Metrics, render
from jk_bms.sinks.series import of_sample
from tests.scale import PATIENCE
from tests.sinks.influx_house import utc
from tests.sinks.timeseries import Database, asked, running

PACK = Device(address="AA:BB:CC:DD:EE:FF", name='a "b" \\ Дім', number=1)
SAMPLE = Sample(
    device=PACK,
    taken_at=utc(0),
    monotonic=1.0,
    voltage=52.8,
    current=-3.25,
    battery_soc=85.3,
    soc_low=80.0,
    soc_high=90.0,
    soc=84.0,
    cell_voltages=(3.301, 3.299),
    cell_resistances=(0.05, 0.06),
    temperatures=(21.5,),
    mosfet_temperature=30.0,
    charge_enabled=True,
    charged_kwh=12.5,
    discharged_kwh=11.5,
    empty_in=(3600.0, 7200.0),
)
HEARD = InverterSample(taken_at=utc(0), monotonic=1.0, grid_voltage=230.5, load_power=412.0, battery_soc=80.0)


def snapshot(age: float = 1.0) -> Snapshot:
    link = LinkNow(state="streaming", rssi=-70, frames=12, verdict=None)
    return Snapshot(
        devices=(BatteryNow(number=1, address=PACK.address, name=PACK.name, age=age, link=link),),
        inverter=InverterShown(grid=GridNow(state="lost")),
        inverters=(OneInverter(id="inverter", age=2.0),),
        alerts=(AlertTold(code=1005, severity="error", subject=PACK.address, part="3"),),
        sinks={"influx": OutboxNow(behind=12.0, dropped={"too_old": 3})},
    )


def page(age: float = 1.0) -> str:
    return render(snapshot(age), {PACK.address: SAMPLE}, [HEARD], {(PACK.label, "reconnect"): 2}, "h")


def test_it_is_what_promtool_takes_for_good() -> None:
    """Every finding but the units that were chosen on purpose."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("needs promtool")
    done = subprocess.run(
        [tool, "check", "metrics"], input=page(), capture_output=True, text=True, check=False
    )
    kept = ("use base unit", "abbreviated", 'non-counter metrics should not have "_total" suffix')
    assert [line for line in done.stderr.splitlines() if not any(known in line for known in kept)] == []


def test_values_are_in_base_units_and_signs_are_ours() -> None:
    device = 'device="a \\"b\\" \\\\ Дім"'
    lines = page().splitlines()

    assert [line for line in lines if line not in set(lines)] == []
    for line in (
        f'easun_battery_current_amperes{{{device},house="h"}} -3.25',
        f'easun_battery_soc_ratio{{{device},house="h"}} 0.853',
        f'easun_battery_soc_source_ratio{{{device},source="bms",house="h"}} 0.84',
        f'easun_battery_cell_voltage_volts{{{device},cell="02",house="h"}} 3.299',
        f'easun_battery_empty_seconds{{{device},edge="high",house="h"}} 7200.0',
        f'easun_battery_energy_charged_kilowatthours_total{{{device},house="h"}} 12.5',
        'easun_inverter_load_power_watts{device="inverter",house="h"} 412.0',
        'easun_inverter_battery_soc_ratio{device="inverter",house="h"} 0.8',
        f'easun_link_state{{{device},state="streaming",house="h"}} 1.0',
        f'easun_link_repairs_total{{{device},step="reconnect",house="h"}} 2.0',
        f'easun_alert_active{{{device},code="1005",level="error",part="3",house="h"}} 1.0',
        'easun_grid_present{house="h"} 0.0',
        'easun_outbox_dropped_total{sink="influx",reason="too_old",house="h"} 3.0',
    ):
        assert line in lines
    types = [line for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def test_a_silent_battery_has_no_values_and_an_age_that_grows() -> None:
    names = {line.partition("{")[0] for line in page(age=1000.0).splitlines() if not line.startswith("#")}

    assert {name for name in names if name.startswith("easun_battery_")} == {"easun_battery_info"}
    assert {"easun_reading_age_seconds", "easun_link_up", "easun_alert_active"} <= names


def test_line_protocol_builds_the_same_names() -> None:
    """VictoriaMetrics joins measurement and field with ``_``."""
    points = Names("metrics", "h", invert=True).battery("x", of_sample(SAMPLE))
    joined = {f"{head.partition(',')[0]}_{field}" for head, fields in points.items() for field in fields}
    shown = {line.partition("{")[0] for line in page().splitlines() if line.startswith("easun_battery_")}

    assert joined == shown - {"easun_battery_info"}


@asynccontextmanager
async def answering(folder: Path, **settings: str) -> AsyncIterator[Metrics]:
    given = {"BMS_DB_PATH": str(folder / "bms.db"), "METRICS_BIND": "127.0.0.1:0"} | settings
    unused: Any = None
    part = Metrics(
        PartContext(
            settings=load_settings(given, top=folder),
            clock=Clock(),
            publish=lambda _: None,
            in_writer=unused,
            label=lambda address: address,
            waiting=list,
            trouble=str,
            snapshot=snapshot,
        )
    )
    part.accept(SAMPLE)
    part.accept(HEARD)
    for rung in (Rung.RECONNECT, Rung.RECONNECT, Rung.NONE, Rung.RECONNECT):  # two outages
        part.accept(LinkChange(PACK, LinkStatus(state=LinkState.REPAIRING, rung=rung)))
    running = asyncio.create_task(part.run())
    try:
        async with asyncio.timeout(PATIENCE):
            while not part.port and part.shown().failure is None:
                await asyncio.sleep(0.01)
        yield part
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def said(part: Metrics, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", part.port)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


REQUESTS = {
    # name: (request, status, how the body begins)
    "plain": (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, b"# HELP easun_battery_voltage_volts"),
    "old": (b"GET /metrics HTTP/1.0\r\n\r\n", 200, b"# HELP"),
    "with a query": (b"GET /metrics?x=1 HTTP/1.1\r\n\r\n", 200, b"# HELP"),
    "head": (b"HEAD /metrics HTTP/1.1\r\n\r\n", 200, b""),
    "pipelined": (b"GET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", 200, b"# HELP"),
    "elsewhere": (b"GET / HTTP/1.1\r\n\r\n", 404, b"Not Found"),
    "not to be written": (b"POST /metrics HTTP/1.1\r\n\r\n", 405, b"Method"),
    "no request": (b"\x16\x03\x01\r\n\r\n", 404, b""),
}


@pytest.mark.parametrize(("request_", "status", "begins"), REQUESTS.values(), ids=REQUESTS)
async def test_what_a_request_gets(request_: bytes, status: int, begins: bytes, tmp_path: Path) -> None:
    async with answering(tmp_path) as part:
        head, body = await said(part, request_)

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert body.startswith(begins)
    assert body or not begins


async def test_it_is_packed_for_who_accepts_that(tmp_path: Path) -> None:
    async with answering(tmp_path) as part:
        _, plain = await said(part, b"GET /metrics HTTP/1.1\r\n\r\n")
        head, body = await said(part, b"GET /metrics HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")

    assert b"Content-Encoding: gzip" in head
    assert 'step="reconnect"} 2.0\n' in plain.decode()
    assert gzip.decompress(body) == plain


async def test_the_token_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with answering(tmp_path, METRICS_TOKEN="canary-token") as part:
        for given in (b"", b"Authorization: Bearer wrong\r\n", b"Authorization: Basic canary-token\r\n"):
            head, _ = await said(part, b"GET /metrics HTTP/1.1\r\n" + given + b"\r\n")
            assert head.startswith(b"HTTP/1.1 401 ")
            assert b"WWW-Authenticate: Bearer" in head
        head, body = await said(part, b"GET /metrics HTTP/1.1\r\nAuthorization: Bearer canary-token\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"canary" not in body
    assert "canary" not in caplog.text


async def test_who_is_rude_costs_nobody_else_anything(tmp_path: Path) -> None:
    """A header without end, and silent connections: four at a time, the others are told so."""
    async with answering(tmp_path) as part:
        head, _ = await said(part, b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9_000)
        assert head.startswith(b"HTTP/1.1 431 ")
        silent = [await asyncio.open_connection("127.0.0.1", part.port) for _ in range(4)]
        head, _ = await said(part, b"GET /metrics HTTP/1.1\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        for _, writer in silent:
            writer.close()
        async with asyncio.timeout(PATIENCE):
            while not head.startswith(b"HTTP/1.1 200 "):
                head, _ = await said(part, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_other_machines_need_a_token_or_leave(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with answering(tmp_path, METRICS_BIND="0.0.0.0:0") as part:
        assert "METRICS_TOKEN" in (part.shown().failure or "")
        assert not part.port
    async with answering(tmp_path, METRICS_BIND="0.0.0.0:0", METRICS_PUBLIC="true") as part:
        head, _ = await said(part, b"GET /metrics HTTP/1.1\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        caplog.clear()
        async with answering(tmp_path, METRICS_BIND=f"127.0.0.1:{part.port}") as second:
            async with asyncio.timeout(PATIENCE):
                while second.shown().failure is None:
                    await asyncio.sleep(0.01)
            assert "in use" in (second.shown().failure or "")
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["ERROR"]


@pytest.mark.long
async def test_prometheus_itself_reads_it_and_sees_when_it_is_gone(tmp_path: Path) -> None:
    """With the token; a wrong one, and a poller that ended, are ``up`` 0."""

    def config(port: int, token: str) -> str:
        return json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {
                        "job_name": "easun",
                        "authorization": {"credentials": token},
                        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                    }
                ],
            }
        )

    async def until(server: Database, query: str, value: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                said = await asyncio.to_thread(asked, server.url + "/api/v1/query", None, query=query)
                found = json.loads(said)["data"]["result"]
                if found and found[0]["value"][1] == value:
                    return
                await asyncio.sleep(0.1)

    path = tmp_path / "prometheus.yml"
    server = Database(
        "prometheus",
        tmp_path,
        f"--config.file={path}",
        "--storage.tsdb.path={folder}/tsdb",
        "--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        ready="/-/ready",
    )
    async with answering(tmp_path, METRICS_TOKEN="right") as part:
        path.write_text(config(part.port, "wrong"))
        with running(server):
            await until(server, "up", "0")
            path.write_text(config(part.port, "right"))
            await asyncio.to_thread(asked, server.url + "/-/reload", b"")
            await until(server, "up", "1")
            await until(
                server,
                f'easun_battery_cell_voltage_volts{{cell="02",device={json.dumps(PACK.name)}}}',
                "3.299",
            )
            part._settings = load_settings(
                {"METRICS_TOKEN": "another", "BMS_DB_PATH": str(tmp_path / "b")}, top=tmp_path
            )
            await until(server, "up", "0")
            await until(server, "absent(easun_link_up)", "1")
