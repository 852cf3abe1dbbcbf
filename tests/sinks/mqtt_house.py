"""A house on a broker: mosquitto as a real process, somebody who listens as Home Assistant does, and the sink."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from jk_bms.clock import Clock
from jk_bms.config.settings import load_settings
from jk_bms.hub import PartContext
from jk_bms.model import Device, Event, Sample
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import BatteryNow, LinkNow, Snapshot
from jk_bms.sinks.mqtt.sink import Mqtt
from jk_bms.store.bms_db import open_writer
from tests.scale import PATIENCE
from tests.sinks.timeseries import free_port

PACK = Device(
    address="C8:47:8C:00:00:01",
    name="battery-1",
    serial="207013",
    model="JK_B2A24S",
    hw_version="10.XW",
    sw_version="10.07",
)


class Broker:
    """mosquitto; ``stop`` and ``start`` are an outage, ``freeze`` is one that swallows bytes."""

    def __init__(self, folder: Path, *lines: str, persistent: bool = False) -> None:
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if found is None:
            pytest.skip("needs mosquitto")
        self.port = free_port()
        self._folder = folder
        config = folder / "mosquitto.conf"
        kept = (
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
        )
        anonymous = () if any("anonymous" in line for line in lines) else ("allow_anonymous true",)
        mine = () if os.geteuid() else ("user root",)  # it would be another, who may not look in here
        lines = (f"listener {self.port} 127.0.0.1", *mine, *anonymous, *lines, *(kept if persistent else ()))
        config.write_text("\n".join(lines) + "\n")
        self._command = [found, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have it answer."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
            time.sleep(0.02)
        raise AssertionError("mosquitto does not answer")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Have it take bytes and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Heard:
    """All that somebody who subscribed to everything was sent, and what is retained."""

    def __init__(self) -> None:
        self.all: list[tuple[float, str, str, bool]] = []  # when, topic, payload, retained
        self.client: Any = None

    def of(self, topic: str) -> list[str]:
        """The payloads of a topic in their order."""
        return [payload for _, where, payload, _ in self.all if where == topic]

    def last(self, topic: str) -> str | None:
        """The newest payload."""
        return next(reversed(self.of(topic)), None)

    def json(self, topic: str) -> Any:
        """The newest payload as an object."""
        return json.loads(self.last(topic) or "null")

    async def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Send something, as others do."""
        await self.client.publish(topic, payload, qos=1, retain=retain)


@contextlib.asynccontextmanager
async def listening(
    broker: Broker, name: str | None = None, password: str | None = None
) -> AsyncIterator[Heard]:
    """Hear everything on a broker in here."""
    heard = Heard()
    async with aiomqtt.Client("127.0.0.1", broker.port, username=name, password=password) as client:
        heard.client = client
        await client.subscribe("#", qos=1)

        async def hear() -> None:
            async for message in client.messages:
                text = bytes(message.payload).decode()
                heard.all.append((time.monotonic(), str(message.topic), text, bool(message.retain)))

        task = asyncio.create_task(hear())
        try:
            yield heard
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await task


async def retained(broker: Broker) -> dict[str, str]:
    """What somebody who comes now is told."""
    async with listening(broker) as heard:
        await heard.publish("tests/end", "x")
        await until(lambda: heard.of("tests/end"))
    return {topic: text for _, topic, text, kept in heard.all if kept}


async def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(patience):
        while not true():
            await asyncio.sleep(0.01)


class House:
    """What the sink is given; samples come when a test says so."""

    def __init__(self, folder: Path, port: int, *devices: Device, **settings: str) -> None:
        given = {
            "BMS_DB_PATH": str(folder / "bms.db"),
            "BMS_SOCKET": str(folder / "s"),
            "MQTT_BROKER": f"127.0.0.1:{port}",
        }
        self.settings = load_settings(given | settings, top=folder)
        self.clock = Clock()
        self.own = open_writer(self.settings.bms_db_path, self.clock)
        self.asked: list[Mapping[str, Any]] = []
        self.devices = devices or (PACK,)
        self.snapshot = Snapshot(devices=tuple(map(battery, self.devices)), alerts=())
        self.sink = self.new_sink()

    def new_sink(self) -> Mqtt:
        """The sink of a run that begins."""

        async def in_writer(work: Callable[[Any], Any]) -> Any:
            return work(self.own)

        async def ask(request: Mapping[str, Any]) -> Mapping[str, Any]:
            self.asked.append(request)
            return {}

        sink = Mqtt(
            PartContext(
                settings=self.settings,
                clock=self.clock,
                publish=lambda _: None,
                in_writer=in_writer,
                label=lambda address: self.snapshot.names.get(address or "", address),
                waiting=list,
                trouble=str,
                snapshot=lambda: self.snapshot,
                ask=ask,
            )
        )
        sink.open(self.own)
        return sink

    def sample(self, device: Device | None = None, **values: Any) -> Sample:
        """A sample of now."""
        told: dict[str, Any] = {"voltage": 52.8, "current": -3.25, "battery_soc": 71.5}
        told |= {"taken_at": self.clock.now(), "monotonic": self.clock.monotonic()} | values
        return Sample(device=device or self.devices[0], **told)

    def event(self, kind: str, *, ago: float = 0.0, device: str | None = PACK.address, **facts: Any) -> Event:
        """A step of an alert, so many s ago."""
        return Event(
            kind=kind,
            taken_at=self.clock.now() - timedelta(seconds=ago),
            monotonic=self.clock.monotonic(),
            device=device,
            text="something",
            facts={"rule": "soc_low", "severity": "warning", "subject": device or "house"} | facts,
        )

    def happened(self, kind: str, **facts: Any) -> None:
        """Write an event to the log, and tell the sink."""
        event = self.event(kind, **facts)
        self.own.append(event)
        self.sink.accept(event)

    @contextlib.asynccontextmanager
    async def running(self, *, every: float = 0.2, **values: Any) -> AsyncIterator[Mqtt]:
        """Run the sink in here; each battery gives a sample ``every`` so many s, 0: none."""
        sink = self.sink

        async def samples() -> None:
            while True:
                for device in self.devices:
                    sink.accept(self.sample(device, **values))
                await asyncio.sleep(every)

        tasks = [asyncio.create_task(sink.run()), *([asyncio.create_task(samples())] if every else [])]
        try:
            yield sink
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def settled(house: House) -> bool:
    """Whether Home Assistant was told of the battery, and nothing is to be moved any more."""
    known = house.sink._devices.known.get(PACK.address, {})
    return known.get("how") == house.settings.mqtt_discovery and not house.sink._migration.waiting


def for_ever(folder: str, port: int) -> None:
    """Run a house until this process is killed."""

    async def run() -> None:
        async with House(Path(folder), port).running():
            await asyncio.Event().wait()

    asyncio.run(run())


def battery(device: Device) -> BatteryNow:
    """A battery of the snapshot, which streams."""
    link = LinkNow(state=LinkState.STREAMING.value, rssi=-61)
    return BatteryNow(
        number=device.number, address=device.address, name=device.name, kind=device.kind, link=link
    )


@contextlib.contextmanager
def on(broker: Broker) -> Any:
    """Have a broker run in here."""
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
