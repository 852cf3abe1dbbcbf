"""Inverters that are read directly, through the whole poller: what people see, what is remembered, what is noted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from jk_bms.inverters import INVERTERS, InverterEntry
from jk_bms.live.client import LiveClient
from jk_bms.model import Event
from jk_bms.model.snapshot import InvertersTold, OneInverter
from jk_bms.poller import inverters as in_the_poller
from jk_bms.store.bms_db import open_reader
from jk_bms.store.history_query import query, tracks
from jk_bms.view.status_text import status_lines
from tests.examples import inverter as example
from tests.test_poller import poller, running, until


class LineServer:
    """The inverter of the example at a port of its own; ``line`` is what it says."""

    def __init__(self, line: str) -> None:
        self.line = line

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(f"{self.line}\n".encode())
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"


def read_by(monkeypatch: pytest.MonkeyPatch, **hosts: str) -> None:
    """Have inverters of the example among INVERTERS, by id."""
    entries = [InverterEntry(name, name.title(), {"host": host}) for name, host in hosts.items()]
    row = example.ROW._replace(wanted=lambda _, __: entries)
    monkeypatch.setattr(example, "PERIOD", 0.05)
    monkeypatch.setattr(in_the_poller, "INVERTERS", (*INVERTERS, row))


async def test_one_is_the_inverter_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is shown; what it says goes before the simulated one, and into history under the old name."""
    server = LineServer("grid=231.0 load=412 sun=1200 battery=-5.2")
    async with server.serving() as host:
        read_by(monkeypatch, garage=host)
        house = poller(tmp_path, JK_BMS_POLL_INTERVAL="1")
        async with running(house):
            await until(lambda: "load 412 W, sun 1200 W" in "\n".join(status_lines(house.snapshot())))
            await until(lambda: house.alerts.inverters.house.grid == "present")
            shown = "\n".join(status_lines(house.snapshot()))
            assert "Grid     present, 231 V" in shown
            assert "Garage" not in shown
        now = house.clock.now()

    with open_reader(house.settings.bms_db_path) as reader:
        assert "inverter" in {track.name for track in tracks(reader)}
        assert not any(track.name.startswith("inverter:") for track in tracks(reader))
        series = query(
            reader, "inverter", ("ac_output_power",), now - timedelta(hours=1), now + timedelta(hours=1), 1
        )
    assert {watts for watts in series.values["ac_output_power"].mean if watts is not None} == {412.0}


async def test_two_are_one_house_and_each_has_its_own_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = (
        LineServer("grid=231 load=400 sun=0 battery=2"),
        LineServer("grid=229 load=250 sun=0 battery=?"),
    )
    heard: list[Event] = []
    async with left.serving() as here, right.serving() as there:
        read_by(monkeypatch, left=here, right=there)
        house = poller(tmp_path, JK_BMS_POLL_INTERVAL="1")
        house.hub.listen(
            lambda item: heard.append(item) if isinstance(item, Event) and "grid" in item.kind else None
        )
        async with running(house):
            await until(lambda: "load 650 W" in "\n".join(status_lines(house.snapshot())))
            await until(lambda: [now.grid for _, now in house.alerts.inverters.each()] == ["present"] * 2)
            right.line = "grid=0 load=250 sun=0 battery=?"
            await until(lambda: [event.kind for event in heard] == ["grid.lost"])
            assert house.alerts.inverters.house.grid == "present"
            shown = "\n".join(status_lines(house.snapshot()))
            told = await asyncio.to_thread(_subscribed_inverter, house.settings.socket_path)
            right.line = "nonsense"
            await until(lambda: "Trouble" in "\n".join(status_lines(house.snapshot())))

    assert "Left" in shown
    assert "Right" in shown
    assert (heard[0].text, heard[0].facts) == ("Right: the grid is lost", {"inverter": "right"})
    assert [one.id for one in told] == ["left", "right"]
    with open_reader(house.settings.bms_db_path) as reader:
        assert {"inverter", "inverter:left", "inverter:right"} <= {track.name for track in tracks(reader)}


def _subscribed_inverter(socket: Path) -> tuple[OneInverter, ...]:
    """The inverters in the next message about them."""
    with LiveClient(socket) as client:
        for message in client.subscribe():
            if isinstance(message, InvertersTold):
                return message.inverters
    raise AssertionError("the stream has ended")
