"""Who is advertising around us. One scanner for each adapter, shared by all who look."""

import asyncio
import weakref
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak_retry_connector.bluez import stop_discovery

from jk_bms.errors import Verdict
from jk_bms.model.foreign_text import harmless_name
from jk_bms.model.found import Advertisement, Match
from jk_bms.model.kinds import KINDS
from jk_bms.model.rows import imported
from jk_bms.radio.bluez import ANSWER_LIMIT, FOREIGN, Adapter, choose_adapter, link_error, service_name
from jk_bms.radio.deadlines import finish, within

STOP_LIMIT = 5.0  # s
JUST_NOW = 5.0  # s: who joins a running scan is told of devices heard that recently
OLDEST_SCAN = 60.0  # s: a scan may die unnoticed with the Bluetooth service; then renewed
UNKNOWN_RSSI = -127  # how bleak says that it does not know
SIGNALS, APART = 20, 2.0  # how many are kept of each device, and the least s between two
MOST_REMEMBERED = 500  # devices; phones and watches show a new address every quarter of an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One device that advertised. ``device`` is bleak's, good for about 30 s."""

    address: str
    name: str | None
    rssi: int | None  # dBm
    match: Match | None  # None: nothing speaks for a BMS
    adapter: str  # heard by
    device: BLEDevice = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name or 'nameless'} ({self.address})"


class Signal(NamedTuple):
    """How strong a device was heard, when, and by which adapter."""

    at: float  # on the clock of the event loop, s
    rssi: int  # dBm
    adapter: str


OnSeen = Callable[[Seen], None]


class Ears:
    """Who was heard how strong, by all adapters together, connected to or not."""

    def __init__(self) -> None:
        self._signals: OrderedDict[str, deque[Signal]] = OrderedDict()  # the latest heard last

    def signals(self, address: str) -> tuple[Signal, ...]:
        """Return how strong that device was heard lately, oldest first."""
        return tuple(self._signals.get(address.upper(), ()))

    def others(self, adapter: str, than: Collection[str]) -> bool:
        """Whether that adapter ever heard another device than these."""
        return any(
            signal.adapter == adapter
            for address, signals in self._signals.items()
            if address not in than
            for signal in signals
        )

    def heard(self, address: str, signal: Signal) -> None:
        """Note that a device was heard."""
        signals = self._signals.setdefault(address, deque(maxlen=SIGNALS))
        self._signals.move_to_end(address)
        if not signals or signal.at - signals[-1].at >= APART or signal.adapter != signals[-1].adapter:
            signals.append(signal)
        while len(self._signals) > MOST_REMEMBERED:
            self._signals.popitem(last=False)


class SharedScanner:
    """The only scanner of one adapter in this process, and the lock around its connecting.

    BlueZ gives a program one scan per adapter, and a controller makes one connection at a
    time: two devices on one adapter must take turns.
    """

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter
        self._service = ""  # the Bluetooth service that scans for us
        self.connecting = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._scanner: BleakScanner | None = None
        self._started = 0.0
        self._listeners: list[OnSeen] = []
        self._recent: dict[str, tuple[float, Seen]] = {}

    @asynccontextmanager
    async def listening(self, on_seen: OnSeen) -> AsyncIterator[None]:
        """Call ``on_seen`` for every advertisement while in here. Raises LinkError."""
        clock = asyncio.get_running_loop().time
        async with self._changing:
            old = clock() - self._started > OLDEST_SCAN or self._service != service_name()
            if self._scanner is not None and old:
                await finish(STOP_LIMIT, self._stop(), f"{self.adapter}: renewing the scan")
            if self._scanner is None:
                await self._start()
            for heard, seen in self._recent.values():
                if clock() - heard < JUST_NOW:
                    on_seen(seen)
            self._listeners.append(on_seen)
        try:
            yield
        finally:
            self._listeners.remove(on_seen)
            await finish(STOP_LIMIT, self._stop_when_idle(), f"{self.adapter}: stopping the scan")

    async def renew(self) -> None:
        """Begin the scan anew, if there is one: it does not outlive its adapter's power. Raises LinkError."""
        async with self._changing:
            if self._scanner is not None:
                await finish(STOP_LIMIT, self._stop(), f"{self.adapter}: renewing the scan")
                await self._start()

    async def _start(self) -> None:
        scanner = BleakScanner(self._heard, bluez={"adapter": self.adapter} if self.adapter else {})
        try:
            await within(ANSWER_LIMIT, scanner.start(), f"{self.adapter}: starting a scan")
        except BaseException as error:
            # The call may have reached the adapter all the same. A scan that is not stopped
            # would answer "in progress" to every later one.
            if self.adapter:
                await finish(STOP_LIMIT, stop_discovery(self.adapter), f"{self.adapter}: undoing a scan")
            if isinstance(error, FOREIGN):
                raise link_error(error, f"{self.adapter}: cannot scan", Verdict.SERVICE_DOWN) from error
            raise
        self._scanner = scanner
        self._service = service_name()
        self._started = asyncio.get_running_loop().time()
        self._recent.clear()

    async def _stop_when_idle(self) -> None:
        async with self._changing:
            if not self._listeners:
                await self._stop()

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            await scanner.stop()

    def _heard(self, device: BLEDevice, advertised: AdvertisementData) -> None:
        name = harmless_name(advertised.local_name) or harmless_name(device.name)
        seen = Seen(
            address=device.address.upper(),
            name=name,
            rssi=None if advertised.rssi == UNKNOWN_RSSI else advertised.rssi,
            match=recognised(
                Advertisement(name, advertised.service_uuids, advertised.manufacturer_data, device.address)
            ),
            adapter=self.adapter,
            device=device,
        )
        now = asyncio.get_running_loop().time()
        self._recent[seen.address] = (now, seen)
        if seen.rssi is not None:
            ears().heard(seen.address, Signal(now, seen.rssi, self.adapter))
        for on_seen in tuple(self._listeners):
            on_seen(seen)


@cache
def _recognisers() -> tuple[Callable[..., Match | None], ...]:
    return tuple(imported(kind.recognise) for kind in KINDS.values() if kind.recognise)


def recognised(advertised: Advertisement) -> Match | None:
    """Return the kind of BMS that an advertisement speaks for most; None: for none."""
    found = [match for recognise in _recognisers() if (match := recognise(*advertised)) is not None]
    return max(found, default=None, key=lambda match: match.level)


# Locks belong to an event loop, so scanners do too; a service has one loop, tests many.
_scanners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedScanner]] = (
    weakref.WeakKeyDictionary()
)
_ears: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Ears] = weakref.WeakKeyDictionary()


def ears() -> Ears:
    """Return what all scanners of this event loop heard."""
    return _ears.setdefault(asyncio.get_running_loop(), Ears())


def shared_scanner(adapter: Adapter) -> SharedScanner:
    """Return the scanner of that adapter; the same one to everybody."""
    mine = _scanners.setdefault(asyncio.get_running_loop(), {})
    if adapter.name not in mine:
        mine[adapter.name] = SharedScanner(adapter.name)
    return mine[adapter.name]


async def scan(seconds: float, adapter: str | None = None, on_seen: OnSeen | None = None) -> list[Seen]:
    """Listen for ``seconds``; return every device heard, the likeliest BMS first.

    ``on_seen`` is called when a device is first heard, and again when its name or match
    becomes known. ``adapter``: name or address. Raises LinkError.
    """
    chosen = await choose_adapter(adapter)
    heard: dict[str, Seen] = {}

    def note(new: Seen) -> None:
        old = heard.get(new.address)
        if old is not None:  # name and services may come in different advertisements
            best = max(old.match, new.match) if old.match and new.match else old.match or new.match
            new = replace(new, name=new.name or old.name, rssi=new.rssi or old.rssi, match=best)
        heard[new.address] = new
        if on_seen and (old is None or (old.name, old.match) != (new.name, new.match)):
            on_seen(new)

    async with shared_scanner(chosen).listening(note):
        await asyncio.sleep(seconds)
    return likeliest_first(heard.values())


def likeliest_first(devices: Iterable[Seen]) -> list[Seen]:
    """Sort by match, then by signal, then by address."""
    return sorted(
        devices,
        key=lambda seen: (-(seen.match.level if seen.match else 0), -(seen.rssi or -128), seen.address),
    )
