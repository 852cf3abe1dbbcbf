"""The state of the house for the page: one subscription to the battery service, whatever the number of viewers.

With the service away it is the last that was known, and says so; ages go on.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from jk_bms import __version__
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, StoreError
from jk_bms.live.async_client import AsyncLive
from jk_bms.live.messages import LinkTold, Lost, SampleTold, Told
from jk_bms.model.alert import AlertTold
from jk_bms.model.kinds import SIMULATED
from jk_bms.model.snapshot import (
    BatteryNow,
    EventTold,
    InvertersTold,
    Snapshot,
)
from jk_bms.view.aging import aged, aged_inverter, aged_link, without_poller
from jk_bms.view.charge import level_of, shown_soc
from jk_bms.view.flow import flow_of_current
from jk_bms.view.house import WholeHouse, house_of
from jk_bms.view.last_known import last_known
from jk_bms.web.answers import Battery, HouseFigures, LeftOutBattery, PollerState, Shown, State
from jk_bms.web.http import Failure
from jk_bms.web.words import alert_words

log = logging.getLogger(__name__)

ASK_EVERY = 5.0  # s between two whole states: energy of the day, forecasts and adapters come with them alone
PATIENCE = 2.0  # s for a state
SOON = 0.2  # s after an alert, until the list of open ones is asked for: they come in bunches


class Back(msgspec.Struct, frozen=True):
    """The service answers, again or at last: said before the state that it came with."""


News = Told | Lost | Back


class House:
    """What is known of the house now."""

    def __init__(
        self,
        settings: Settings,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._client = AsyncLive(settings.socket_path, timeout=PATIENCE)
        self._monotonic = monotonic
        self._now = now
        self._kept: Snapshot | None = None  # the newest state; ages as of the moment at which it came
        self._came = 0.0  # monotonic: when that was
        self._listeners: list[Callable[[News], None]] = []
        self._ask = asyncio.Event()
        self.changes = 0  # how often something came to be known, or was lost
        self.up = False
        self.down_since: float | None = monotonic()  # None: the service answers

    def listen(self, hear: Callable[[News], None]) -> None:
        """Have ``hear`` called with all that the service says, once it is part of the state."""
        self._listeners.append(hear)

    async def run(self) -> None:
        """Follow the service until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._remember(), name="last known")
            group.create_task(self._keep_asking(), name="state")
            async for told in self._client.subscribe():
                self._hear(told)

    async def request(self, action: str, **fields: Any) -> dict[str, Any]:
        """Have the service do something. Raises LiveError, SourceError."""
        return await self._client.request(action, **fields)

    async def ask(self) -> None:
        """Ask for the whole state at once. Raises LiveError."""
        self._hear(await self._client.snapshot())

    async def _remember(self) -> None:
        """Until the service is heard, what ``bms.db`` knows is what is known."""
        path, zone = self._settings.bms_db_path, self._settings.timezone
        known = await asyncio.to_thread(_recorded, path, zone)
        if self._kept is None and known is not None:
            self._kept, self._came = known, self._monotonic()
            self.changes += 1

    async def _keep_asking(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ASK_EVERY):
                    await self._ask.wait()
                await asyncio.sleep(SOON)
            except TimeoutError:
                pass
            self._ask.clear()
            if self.up:
                try:
                    await self.ask()
                except LiveError as error:
                    log.debug("no state: %s", error)

    def _hear(self, told: Told | Lost) -> None:
        was_up = self.up
        self.changes += 1
        match told:
            case Snapshot():
                self._keep(told)
            case Lost():
                self._lost(told.error)
            case SampleTold():
                self._change(told.address, reading=told.reading, age=-self._passed)
            case LinkTold():
                self._change(told.address, link=aged_link(told.link, -self._passed))
            case InvertersTold() if self._kept is not None:
                self._kept = replace(
                    self._kept,
                    inverter=told.inverter and aged_inverter(told.inverter, -self._passed),
                    inverters=tuple(aged_inverter(one, -self._passed) for one in told.inverters),
                )
            case EventTold() if told.kind.startswith("alert."):
                self._ask.set()
        news: tuple[News, ...] = (Back(), told) if self.up and not was_up else (told,)
        for one in news:
            for hear in self._listeners:
                hear(one)

    def _keep(self, snapshot: Snapshot) -> None:
        if not self.up:
            log.info("the battery service answers")
        self._kept = snapshot
        self._came = self._monotonic()
        self.up, self.down_since = True, None

    def _lost(self, error: str) -> None:
        if self.up:
            log.warning("%s", error)
            self.up, self.down_since = False, self._monotonic()

    @property
    def away(self) -> float | None:
        """For how long the service has not answered, in s; None: it answers."""
        return None if self.down_since is None else self._monotonic() - self.down_since

    @property
    def _passed(self) -> float:
        """How long ago the whole state came, in s: what came later is kept as it would have been then."""
        return self._monotonic() - self._came

    def _change(self, address: str, **fields: Any) -> None:
        if self._kept is None:
            return
        self._kept = self._kept.of(
            [replace(one, **fields) if one.address == address else one for one in self._kept.devices]
        )

    # As it is now

    def snapshot(self) -> Snapshot:
        """Return the state as the service would tell it now; with ``poller_down`` when it does not answer."""
        if self._kept is None:
            return Snapshot(poller_down=True)
        told = aged(self._kept, self._passed)
        return told if self.up else without_poller(told)

    def time(self) -> datetime:
        """Return the time of now where the house stands."""
        return self._now().astimezone(self._settings.timezone)

    def battery(self, address: str) -> Battery | None:
        """Return one battery as the page and programs get it; None: there is none at ``address``."""
        told = self.snapshot()
        return next((battery_of(one, told) for one in told.devices if one.address == address), None)

    def state(self) -> State:
        """Return the whole present as the page and programs get it."""
        told = self.snapshot()
        now = self.time()
        batteries = [battery_of(one, told) for one in told.devices]
        away = self.away
        return State(
            version=__version__,
            time=now.isoformat(timespec="seconds"),
            poller=PollerState(
                up=self.up,
                since=None if away is None else (now - timedelta(seconds=away)).isoformat(timespec="seconds"),
                for_=away,
            ),
            clock_trusted=told.clock_trusted,
            poll_interval=told.poll_interval,
            timezone=getattr(self._settings.timezone, "key", None),
            simulated=bool(batteries) and all(battery.simulated for battery in batteries),
            batteries=batteries,
            house=figures_of(house_of(told)),
            inverter=None if told.inverter is None else plain(told.inverter),
            inverters=[plain(one) for one in told.inverters],
            alerts=None if told.alerts is None else self._alerts(told.alerts, batteries),
            alerts_before=self._alerts(told.alerts_before, batteries) or None,
        )

    def _alerts(self, alerts: Sequence[AlertTold], batteries: Sequence[Battery]) -> list[dict[str, Any]]:
        """Return open alerts with what they say, in every language."""
        labels = {battery.address: battery.label for battery in batteries}
        zone, now = self._settings.timezone, self._now()
        return [
            {**plain(alert), "words": alert_words(alert, labels.get(alert.subject), zone, now)}
            for alert in alerts
        ]


def _recorded(path: Path, zone: Any) -> Snapshot | None:
    try:
        return last_known(path, (), zone)
    except StoreError as error:
        log.debug("%s", error)  # the battery service, which writes it, says so
        return None


def battery_of(battery: BatteryNow, snapshot: Snapshot) -> Battery:
    """Return one battery of the snapshot as the page and programs get it."""
    told = battery.told
    return Battery(
        number=battery.number,
        address=battery.address,
        label=battery.label,
        name=battery.name,
        type=battery.kind,
        simulated=battery.kind == SIMULATED,
        age=battery.age,
        old=snapshot.poller_down or snapshot.is_old(battery.age),
        shown=shown_of(told.battery_soc, told.current),
        # When it was measured since boot is of use on that machine only; its age is told.
        reading=replace(told, monotonic=None),
        link=None if battery.link is None else plain(battery.link),
        days=battery.days,
        cell_limits=battery.cell_limits,
        uncounted=battery.uncounted,
    )


def shown_of(soc: float | None, current: float | None) -> Shown:
    """Return how charge and flow are shown."""
    return Shown(
        soc=None if soc is None else shown_soc(soc),
        level=None if soc is None else level_of(soc),
        flow=None if current is None else flow_of_current(current),
    )


def find(state: State, name: str) -> Battery:
    """Return the battery that an address, number or name stands for. Raises Failure naming the known ones."""
    wanted = name.strip().casefold()
    for battery in state.batteries:
        if wanted in {battery.address.casefold(), str(battery.number), (battery.name or "").casefold()}:
            return battery
    raise Failure(
        "not_found",
        "api.no_battery",
        field="device",
        name=name[:80],
        known=", ".join(battery.label for battery in state.batteries) or "-",
    )


def figures_of(house: WholeHouse) -> HouseFigures:
    """Return what all batteries have and do together."""
    left_out = [
        LeftOutBattery(address=one.device.address, label=one.device.label, why=one.why)
        for one in house.left_out
    ]
    return HouseFigures(
        shown=shown_of(house.soc, house.current),
        counted=len(house.counted),
        left_out=left_out,
        soc=house.soc,
        soc_low=house.soc_low,
        soc_high=house.soc_high,
        capacity_kwh=house.capacity_kwh,
        left_kwh=house.left_kwh,
        voltage=house.voltage,
        current=house.current,
        power=house.power,
        empty_in=house.empty_in,
        full_in=house.full_in,
    )


def plain(value: msgspec.Struct) -> dict[str, Any]:
    """Return ``value`` as plain values, without what is not known."""
    return known(msgspec.to_builtins(value))


def known(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``value`` without what is not known, at every depth."""
    return {
        key: known(item) if isinstance(item, dict) else item
        for key, item in value.items()
        if item is not None
    }
