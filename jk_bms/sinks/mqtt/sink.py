"""The connection to the broker, and what is said on it and when.

Nothing waits for it. A state that could not be sent is forgotten, for it is of a moment that is over; alerts
wait in ``bms.db``, where a place of their own tells which have arrived.
"""

import asyncio
import contextlib
import importlib
import logging
import random
import time
from collections import deque
from functools import partial
from typing import Any

from jk_bms.errors import StoreError
from jk_bms.hub import Item, Part, PartContext, Unsaved
from jk_bms.model import Event, Sample
from jk_bms.model.snapshot import SinkNow
from jk_bms.sinks.mqtt.alerts import STEPS, is_told, payload_of
from jk_bms.sinks.mqtt.broker import arguments, why
from jk_bms.sinks.mqtt.commands import MINUTES, Commands
from jk_bms.sinks.mqtt.devices import Described, Devices
from jk_bms.sinks.mqtt.house import of_house, of_link
from jk_bms.sinks.mqtt.migration import Migration
from jk_bms.sinks.mqtt.names import Names, names_of
from jk_bms.sinks.mqtt.outgoing import Outgoing
from jk_bms.sinks.mqtt.pico import Pico
from jk_bms.sinks.mqtt.states import Battery
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_state, write_states
from jk_bms.texts.durations import span

log = logging.getLogger(__name__)

STATE = "mqtt"  # name in bms.db
FAREWELL = 1.0  # s for the last words
FIRST_PAUSE, LONGEST_PAUSE, REFUSED_PAUSE = 1.0, 8.0, 300.0  # s until a broker is tried again
STEADY, TAKEN_OVER = 60.0, 3  # s after which a connection counts as good; so many in a row that were not
LOOK = 5.0  # s between two looks at links, alerts and the house
SLOW = 30.0  # s between two states of what only counts
UNNAMED = 60.0  # s in which a battery should have said who it is
SETTLE = 2.0  # s in which Home Assistant takes in what it was told of, or starts
PAGE = 100  # events


class Mqtt(Part):
    """The sink."""

    def __init__(self, context: PartContext) -> None:
        settings = context.settings
        self._context, self._settings, self._clock = context, settings, context.clock
        self._before = f"{settings.mqtt_topic_prefix}/" if settings.mqtt_topic_prefix else ""
        self._house = f"{self._before}easun-jkbms"
        self._birth = f"{settings.mqtt_discovery_prefix}/status"
        held = 0.0 if settings.keep_alive else 3 * settings.poll_interval
        self._expiry = max(settings.mqtt_expiry, 2 * settings.mqtt_period, held)  # s
        mark = self._before.replace("/", "_")  # the same before ids
        self._devices = Devices(settings, self._house, mark, max(60.0, self._expiry))
        self._migration = Migration(self._devices)
        self._commands = Commands(context.ask)
        self._out = Outgoing()
        self._pico = Pico(settings, f"{self._house}/status")
        self._batteries: dict[str, Battery] = {}  # by address
        self._names: dict[str, Names] = {}
        self._states: dict[str, str] = {}  # of links and house, by topic
        self._described: dict[str, str] = {}  # what this connection was told of devices, by topic
        self._seen: dict[str, Any] = {}  # what a battery was last described by
        self._subscribed: set[str] = set()
        self._again = float("inf")  # when all is sent once more
        self._place = 0  # the last event that arrived
        self._early: deque[Event] = deque(maxlen=PAGE)  # alerts that bms.db does not have
        self._look, self._alarm = asyncio.Event(), asyncio.Event()
        self._failure: str | None = "not connected yet"
        self._said: bool | None = None  # whether the log has an outage, and whether it is a refusal
        self._since = time.monotonic()

    def open(self, own: BmsDb) -> None:
        """Go on behind what had arrived."""
        kept, newest = read_state(own, STATE) or {}, own.newest_event()
        self._place = min(kept.get("event", newest), newest)
        self._devices.known = kept.get("batteries", {})

    def accept(self, item: Item) -> None:
        """Take what happens."""
        if isinstance(item, Sample):
            address = item.device.address
            if (battery := self._batteries.get(address)) is None:
                battery = Battery(self._settings.mqtt_period, invert=not self._settings.mqtt_invert_current)
                self._batteries[address] = battery
            if battery.take(item):
                self._tell(address)
                if self._out.open:
                    for topic, text in self._pico.news(item):
                        self._out.put(topic, text)
            return
        if isinstance(item, Unsaved) and is_told(item.event):
            self._early.append(item.event)
        self._alarm.set()
        self._look.set()

    def shown(self) -> SinkNow:
        """How it does."""
        since = span(time.monotonic() - self._since)
        return SinkNow(failure=self._failure and f"{self._failure}; for {since}")

    async def run(self) -> None:
        """Be connected until cancelled."""
        try:  # in a thread, as all that takes long on a small computer
            aiomqtt = await asyncio.to_thread(importlib.import_module, "aiomqtt")
        except ImportError as error:
            self._failure = f"{error}; install what it needs (make setup) and restart"
            log.error("mqtt is off: %s", self._failure)
            await asyncio.Event().wait()
            return
        pause, short = FIRST_PAUSE, 0
        while True:
            begun, refused = time.monotonic(), False
            try:
                will = aiomqtt.Will(f"{self._house}/status", "offline", qos=1, retain=True)
                client = aiomqtt.Client(**await asyncio.to_thread(arguments, self._settings), will=will)
                await client.__aenter__()
                try:
                    await self._serve(client)
                finally:
                    self._out.open = False
                    client.timeout = FAREWELL
                    with contextlib.suppress(aiomqtt.MqttError):  # it must not stand for a CancelledError
                        await client.__aexit__(None, None, None)
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                connected = self._failure is None
                self._failure, refused = why(self._settings, error, connected=connected)
                if connected:
                    self._since = time.monotonic()
                if refused is not self._said:
                    (log.error if refused else log.warning)("mqtt: %s", self._failure)
                    self._said = refused
                pause = FIRST_PAUSE if connected else min(2 * pause, LONGEST_PAUSE)
                short = short + 1 if connected and time.monotonic() - begun < STEADY else 0
                if short == TAKEN_OVER:
                    log.error("mqtt: each connection ends soon; does another program use the same client id?")
            await asyncio.sleep(REFUSED_PAUSE if refused else pause)

    async def _serve(self, client: Any) -> None:
        """Say all that is to be said, in its order; then what happens."""
        self._out.reset()
        self._out.open = True
        self._forget()
        self._subscribed.clear()
        self._migration.waiting.clear()
        await self._see(client)
        self._tell_all()
        self._failure = self._said = None
        log.info("mqtt: connected to %s", self._settings.mqtt_broker)
        work = (
            self._out.send(client),
            self._hear(client),
            self._watch(client),
            self._alerts(client),
            self._migration.run(client, partial(self._describe, client), self._keep),
        )
        tasks = [asyncio.create_task(each) for each in work]
        try:
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(FAREWELL):
                    await client.publish(f"{self._house}/status", "offline", qos=1, retain=True)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, client: Any) -> None:
        """Take what others send: commands, and that Home Assistant was started."""
        async for message in client.messages:
            topic = str(message.topic)
            if topic.endswith("/config"):
                self._migration.heard(topic, bytes(message.payload))
            elif topic != self._birth:
                if self._commands.take(topic, bytes(message.payload), retained=message.retain):
                    self._look.set()
            elif message.payload == b"online" and not message.retain:
                self._forget()
                self._look.set()
                self._again = time.monotonic() + random.uniform(SETTLE / 2, SETTLE)

    async def _watch(self, client: Any) -> None:
        """Look at the house now and then, and soon after something happened; notice who is not heard any more."""
        looked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._look.wait()
            now = time.monotonic()
            self._tell_there()
            if self._look.is_set() or now - looked >= LOOK:
                self._look.clear()
                looked = now
                await self._see(client)
                for topic, text in self._states.items():
                    self._out.put(topic, text)
            if now >= self._again:
                self._again = float("inf")
                self._out.reset()
                self._tell_all()
            await asyncio.sleep(0.2)

    async def _see(self, client: Any) -> None:
        """Look at links, alerts and the house, and describe what is new."""
        shown = self._context.snapshot()
        self._names = names_of([(one.address, one.label) for one in shown.devices], self._devices.known)
        house = of_house(shown, inverter=self._settings.mqtt_inverter)
        self._states = {f"{self._house}/{key}": text for key, text in house.items()}
        links = {one.address: of_link(one, shown.alerts or ()) for one in shown.devices}
        for address, told in links.items():
            told["release_minutes"] = str(self._commands.minutes.get(address, MINUTES))
            self._states |= {f"{self._topic(address)}/{key}": text for key, text in told.items()}
        wanted = {self._birth}
        if self._devices.control:
            topics = {address: self._topic(address) for address in self._names}
            wanted.update(self._commands.topics(self._house, topics))
        for topic in sorted(wanted - self._subscribed):
            await client.subscribe(topic, qos=1)
        self._subscribed = wanted
        await self._describe(client, self._devices.house(house))
        changed, url = False, shown.web.url if shown.web else None
        for address, battery in self._batteries.items():
            if battery.newest is None or address not in self._names:
                continue
            who, early = battery.newest.device, self._clock.monotonic() - battery.first < UNNAMED
            if early and not who.serial and address not in self._devices.known:
                continue
            keys = {*battery.last, *links[address]}
            by = (who, self._names[address], keys, self._clock.now().date(), url)
            if address in self._migration.waiting or self._seen.get(address) == by:
                continue
            described = self._devices.battery(*by, topic=self._topic(address))
            if described.moves:
                self._migration.add(address, described)
                continue
            await self._describe(client, described)
            self._seen[address], changed = by, True
        for topic in self._devices.gone(self._names):
            await client.publish(topic, "", qos=1, retain=True)
            changed = True
        await self._describe(client, Described({}, self._pico.discovery()))
        if changed:
            await self._keep()

    def _forget(self) -> None:
        """Describe all anew: Home Assistant or the broker may know nothing."""
        self._described.clear()
        self._seen.clear()
        self._pico.reset()

    async def _describe(self, client: Any, device: Described) -> None:
        """Tell Home Assistant of a device if it does not know it as it is now."""
        for messages in (device.before, device.now):
            for topic, text in messages.items():
                if self._described.get(topic) != text:
                    await client.publish(topic, text, qos=1, retain=True)
                    self._described[topic] = text
                    self._again = min(self._again, time.monotonic() + SETTLE)

    async def _alerts(self, client: Any) -> None:
        """Send alerts, each until it arrived."""
        told: list[Event] = []  # before bms.db had them
        while True:
            self._alarm.clear()
            while self._early:
                await self._send_alert(client, self._early[0])
                told.append(self._early.popleft())
            found: list[tuple[int, Event]] = []
            with contextlib.suppress(StoreError):  # said aloud elsewhere
                read = partial(BmsDb.events_after, after=self._place, limit=PAGE)
                found = await self._context.in_writer(read)
            for number, event in found:
                if event in told:
                    told.remove(event)
                elif is_told(event):
                    await self._send_alert(client, event)
                self._place = number
            if any(event.kind in STEPS for _, event in found) or len(found) == PAGE:
                await self._keep()
            if len(found) < PAGE:
                await self._alarm.wait()

    async def _send_alert(self, client: Any, event: Event) -> None:
        address = event.device if event.device in self._names else None
        topic = self._topic(address) if address else self._house
        text = payload_of(event, self._context.label(event.device), self._settings, self._clock.now())
        await client.publish(f"{topic}/alert", text, qos=1)

    async def _keep(self) -> None:
        state = {"event": self._place, "batteries": self._devices.known}
        with contextlib.suppress(StoreError):  # a kill now costs at most a repeat
            await self._context.in_writer(lambda own: write_states(own, {STATE: state}))

    # States

    def _topic(self, address: str) -> str:
        return self._before + self._names[address].topic

    def _heard(self, address: str) -> bool:
        battery = self._batteries.get(address)
        if battery is None or battery.newest is None:
            return False
        return self._clock.monotonic() - battery.newest.monotonic <= self._expiry

    def _tell(self, address: str) -> None:
        """Send what a battery last told."""
        battery = self._batteries[address]
        if address not in self._names or battery.newest is None or not self._heard(address):
            return
        topic = self._topic(address)
        self._out.put(f"{topic}/availability", "online")
        if battery.newest.clock_trusted:
            self._out.put(f"{topic}/last_seen", battery.newest.taken_at.isoformat(timespec="seconds"), SLOW)
        for key, text in battery.last.items():
            self._out.put(f"{topic}/{key}", text, SLOW if key.startswith(("meter/", "bms/")) else 0.0)
        if not battery.last.keys() <= self._devices.known.get(address, {}).get("seen", battery.last).keys():
            self._look.set()  # there is a value that was not described

    def _tell_there(self) -> None:
        """Send who is heard and who is not: before all states."""
        for address in self._names:
            there = "online" if self._heard(address) else "offline"
            self._out.put(f"{self._topic(address)}/availability", there)

    def _tell_all(self) -> None:
        self._tell_there()
        self._out.put(f"{self._house}/status", "online")
        for topic, text in self._states.items():
            self._out.put(topic, text)
        for address in self._batteries:
            self._tell(address)


def mqtt(context: PartContext) -> Mqtt:
    """Return the sink."""
    return Mqtt(context)
