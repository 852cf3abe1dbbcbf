"""The link to one device over Bluetooth LE, whatever its make. Every foreign error ends here."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService
from bleak_retry_connector import establish_connection
from bleak_retry_connector.bluez import wait_for_disconnect

from jk_bms.called import tool
from jk_bms.errors import LinkError, SourceError, Verdict
from jk_bms.model.found import Advertisement, Certainty, Match
from jk_bms.radio.bluez import (
    ANSWER_LIMIT,
    FOREIGN,
    Adapter,
    adapters,
    choose,
    choose_adapter,
    link_error,
    service_name,
)
from jk_bms.radio.bus import BLUEZ, call_once
from jk_bms.radio.deadlines import finish, within
from jk_bms.radio.memory import RadioMemory
from jk_bms.radio.ours import our_addresses, ours
from jk_bms.radio.pairing import device_path, pair, unpair
from jk_bms.radio.scan import Seen, ears, likeliest_first, recognised, shared_scanner

if sys.platform == "linux":
    from bleak.backends.bluezdbus.version import BlueZFeatures

WRITE_LIMIT = 5.0  # s for the Bluetooth service to take a command
PART_LIMIT = 4.0  # s for a connection that was never used to end; the same 2 s
CLOSE_LIMIT = 8.0  # s; BlueZ takes 2 s to disconnect
MOST_CHUNKS = 2048  # unread; a minute of the smallest ones
SHOWN_INSTEAD = 5  # devices named when ours was not seen
WEAK = -88  # dBm: below, a link rarely comes about or stands
SOON = 10.0  # s: a link that ends so early, and before it spoke, was refused rather than interrupted
EARLY_ENDS = 2  # so many in a row are no accident
PAIR_AGAIN, PAIR_SELDOM = 60.0, 3600.0  # s until a pairing that was not answered is tried again, doubling
PAIR_ADVICE = f"set `pin` at the device in the registry, or run `{tool('pair')}`"
REFUSED_ADVICE = f"it refused the `pin` that is set: correct it, or run `{tool('pair')}`"


class GattProfile(NamedTuple):
    """What is to be known of a make to connect to it.

    ``choose``: (address, services, known) -> what to listen to, and what to write to. ``known``: it is
    known to be of this make, whatever services it shows. Raises LinkError (``STALE_CACHE``, ``NOT_A_BMS``).
    """

    kind: str  # its row in model.kinds: what advertisements of it are recognised as
    choose: Callable[
        [str, Iterable[BleakGATTService], bool], tuple[BleakGATTCharacteristic, BleakGATTCharacteristic]
    ]
    frame_length: int = 1  # bytes: a device that sent fewer has not spoken
    frame_start: bytes = b""  # frames begin so, and the reader is woken for whole ones; empty: for each chunk


class GattLink:
    """A BMS by its Bluetooth address, of the make that ``profile`` describes.

    ``adapter``: name or address of the adapter; None: the first that is switched on.
    ``timeout``: seconds to see the device, and again to connect to it. ``pin``: the passkey that
    the owner set: with it the device is paired with, once it shows that it wants to be. ``memory``:
    what the links of the house know from earlier runs.
    """

    def __init__(
        self,
        address: str,
        profile: GattProfile,
        *,
        adapter: str | None = None,
        timeout: float = 20.0,
        pin: str | None = None,
        memory: RadioMemory | None = None,
    ) -> None:
        self.address = address.upper()
        self.profile = profile
        self.adapter = adapter
        self.timeout = timeout
        self.pin = pin
        self.used_adapter = ""  # address of the adapter of the last attempt
        self.forgotten = False  # BlueZ was made to forget it, and no data came since
        self._memory = memory or RadioMemory()
        self._spoke = False  # at any time
        self._early_ends = 0  # in a row
        self._wants_pairing = False
        self._unanswered = 0  # pairings in a row
        self._pair_due = 0.0  # not before, on the clock of the event loop
        self._rssi: int | None = None
        ours(self)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["GattConnection"]:
        """Find the device, connect, listen; leaving disconnects. Raises LinkError.

        Every LinkError carries what was seen besides, see ``repair.causes.Evidence``.
        """
        self._rssi = None
        connection = GattConnection(self.address, self.profile)
        adapter: Adapter | None = None
        service = ""
        try:
            adapter = await self._choose()
            service, self.used_adapter = service_name(), adapter.address
            try:
                async with self._at_hand(adapter) as (device, rssi, recognised):
                    self._rssi = rssi
                    if self._may_pair():
                        await self._pair(adapter, device)
                    known = recognised or self._spoke
                    await connection.open(device, rssi, adapter.name, self.timeout, known=known)
                yield connection
            finally:
                if connection.spoke:
                    self._spoke = True
                    self._early_ends, self._wants_pairing, self.forgotten = 0, False, False
                await finish(CLOSE_LIMIT, connection.close(), f"{self.address}: disconnecting")
        except SourceError as error:
            if service and connection.stood is not None and error.verdict in (Verdict.DROPPED, Verdict.MUTE):
                await self._ask_for_service(service, error)
            if not isinstance(error, LinkError):
                raise
            raise self._explained(error, connection, adapter) from error

    async def pair(self) -> None:
        """Find the device and pair with it, with ``pin`` or without; asked for by a person. Raises LinkError."""
        adapter = await self._choose()
        async with self._at_hand(adapter) as (device, _, _):
            await self._pair(adapter, device)
            let_go = call_once(BLUEZ, device_path(adapter, self.address), "org.bluez.Device1.Disconnect")
            await finish(ANSWER_LIMIT, let_go, f"{self.address}: letting go")
            await finish(PART_LIMIT, wait_for_disconnect(device, 0), f"{self.address}: letting go")

    async def unpair(self) -> bool:
        """Have BlueZ forget the device and its bond, on every adapter; say if it knew it. Raises LinkError."""
        knowing = [adapter for adapter in await adapters() if self.address in adapter.known]
        return any([await unpair(adapter, self.address) for adapter in knowing])

    async def _ask_for_service(self, before: str, error: SourceError) -> None:
        """Raise LinkError if a link ended because the Bluetooth service did, of which it tells its programs nothing."""
        await adapters()
        if service_name() != before:
            anew = f"{self.address}: the Bluetooth service was started anew, which ends every link"
            raise LinkError(anew, Verdict.SERVICE_DOWN) from error

    async def _choose(self) -> Adapter:
        """Return the adapter to use, and see that no other one keeps the device connected."""
        if sys.platform != "linux":
            return await choose_adapter(self.adapter)
        found = await adapters()
        chosen = choose(found, self.adapter, self.address)
        for other in found:
            if other.name != chosen.name and (held := other.held.get(self.address)):
                let_go = call_once(BLUEZ, held["path"], "org.bluez.Device1.Disconnect")
                await finish(ANSWER_LIMIT, let_go, f"{self.address}: letting go on {other.name}")
        return chosen

    async def _pair(self, adapter: Adapter, device: BLEDevice) -> None:
        try:
            await pair(adapter, self.address, self.pin)
        except LinkError as error:
            if error.verdict is Verdict.PAIRING_REFUSED and self.pin is not None:
                self._memory.refuses(self.address, self.pin)
            elif error.verdict is Verdict.PAIRING_NEEDED:
                pause = min(PAIR_SELDOM, PAIR_AGAIN * 2.0 ** min(self._unanswered, 10))
                self._pair_due = asyncio.get_running_loop().time() + pause
                self._unanswered += 1
            await finish(PART_LIMIT, wait_for_disconnect(device, 0), f"{self.address}: letting go")
            raise
        self._wants_pairing, self._unanswered = False, 0

    def _may_pair(self) -> bool:
        """Whether the device wants to be paired with, the owner wants it too, and it is time."""
        if not self._wants_pairing or self.pin is None or self._memory.refused(self.address, self.pin):
            return False
        return asyncio.get_running_loop().time() >= self._pair_due

    def _pairing_advice(self) -> str:
        if self.pin is None:
            return PAIR_ADVICE
        later = asyncio.get_running_loop().time() < self._pair_due
        return f"with the `pin` that is set it is tried {'again later' if later else 'next'}"

    def _explained(
        self, error: LinkError, connection: "GattConnection", adapter: Adapter | None
    ) -> LinkError:
        """Return the error with what was seen besides, and a verdict that takes that into account."""
        stood = connection.stood
        facts: dict[str, Any] = {"adapter": self.used_adapter} if self.used_adapter else {}
        if signals := ears().signals(self.address):
            now = asyncio.get_running_loop().time()
            facts["rssi"], facts["heard_ago"] = signals[-1].rssi, now - signals[-1].at
            facts["signals"] = tuple((now - signal.at, signal.rssi) for signal in signals)
        if stood is not None:
            facts["connected_for"] = stood
            facts["spoke"] = connection.spoke
        paired = facts["paired"] = adapter is not None and adapter.paired(self.address)
        verdict, message = error.verdict, str(error)
        refused = stood is not None and stood < SOON and not connection.spoke
        if refused and verdict in (Verdict.DROPPED, Verdict.CONNECT_FAILED):
            self._early_ends += 1
        weak = self._rssi is not None and self._rssi <= WEAK
        if verdict is Verdict.CONNECT_FAILED or (refused and verdict is Verdict.DROPPED):
            if weak:
                verdict = Verdict.WEAK_SIGNAL
                message += f"; its signal is very weak ({self._rssi} dBm), move the radio closer"
            elif refused and self._early_ends >= EARLY_ENDS and not paired:
                verdict = Verdict.PAIRING_NEEDED
                message += "; it ends every link at once, so it may want to be paired with"
        elif verdict is Verdict.STALE_CACHE and self.forgotten and not paired:
            # Nothing is remembered wrongly any more: it keeps its services from strangers.
            verdict = Verdict.PAIRING_NEEDED
            message += "; it may want to be paired with"
        elif verdict is Verdict.PAIRING_NEEDED and paired:
            verdict = Verdict.STALE_CACHE
            message += "; it is paired already, but the device does not know of it any more"
        if verdict is Verdict.PAIRING_NEEDED:
            self._wants_pairing = True
            if self.pin is not None and self._memory.refused(self.address, self.pin):
                verdict = Verdict.PAIRING_REFUSED
                message += f"; {REFUSED_ADVICE}"
            else:
                message += f"; {self._pairing_advice()}"
        return LinkError(message, verdict, {**facts, **error.evidence})

    @asynccontextmanager
    async def _at_hand(self, adapter: Adapter) -> AsyncIterator[tuple[BLEDevice, int | None, bool]]:
        """Give the device, just seen, its signal and if it is of our make, while no other battery connects."""
        scanner = shared_scanner(adapter)
        if held := adapter.held.get(self.address):
            # A program that was killed leaves its connection behind, and a connected BMS
            # does not advertise: no scan would ever see it again.
            async with scanner.connecting:
                props = held["props"]
                match = recognised(
                    Advertisement(
                        props.get("Name"),
                        props.get("UUIDs", ()),
                        props.get("ManufacturerData", {}),
                        self.address,
                    )
                )
                yield BLEDevice(self.address, props.get("Alias"), dict(held)), None, self._ours(match)
            return
        async with AsyncExitStack() as stack:
            others: dict[str, Seen] = {}
            stack.callback(self._note_others, adapter, others)
            found: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

            def note(seen: Seen) -> None:
                if seen.address != self.address:
                    others[seen.address] = seen
                elif not found.done():
                    found.set_result(seen)

            service = service_name()
            async with scanner.listening(note):
                try:
                    async with asyncio.timeout(self.timeout):
                        seen = await found
                except TimeoutError:
                    still = await choose_adapter(adapter.name or None)  # is it there, and on?
                    if service_name() != service:
                        restarted = f"{self.address}: the Bluetooth service was started anew meanwhile"
                        raise LinkError(restarted, Verdict.SERVICE_DOWN) from None
                    # What is connected does not advertise, so its silence tells nothing.
                    others_before = ears().others(adapter.name, {self.address, *still.held})
                    if not still.held:
                        others_before = others_before or self._memory.heard_others(adapter.address)
                    raise self._not_seen(adapter, others.values(), others_before) from None
                # BlueZ forgets who is no longer heard, so listen on while another connects.
                await stack.enter_async_context(scanner.connecting)
            yield seen.device, seen.rssi, self._ours(seen.match)

    def _ours(self, match: Match | None) -> bool:
        """Whether an advertisement shows clearly that the device is of our make."""
        return match is not None and match.kind == self.profile.kind and match.level >= Certainty.LIKELY

    def _note_others(self, adapter: Adapter, others: Mapping[str, Seen]) -> None:
        if set(others) - our_addresses():
            self._memory.hears_others(adapter.address)

    def _not_seen(self, adapter: Adapter, others: Iterable[Seen], others_before: bool) -> LinkError:
        names = [str(each) for each in likeliest_first(others)]
        verdict = Verdict.NOT_SEEN
        if not names and others_before:
            verdict = Verdict.ADAPTER_WEDGED
            instead = "nor any other device, though others were heard before: the adapter seems to be stuck"
        elif not names:
            instead = "nor any other device: is the adapter stuck, or out of range of everything?"
        else:
            more = f" and {len(names) - SHOWN_INSTEAD} more" if len(names) > SHOWN_INSTEAD else ""
            instead = (
                f"seen instead: {', '.join(names[:SHOWN_INSTEAD])}{more}; "
                "is a phone connected to it, is it switched on and in range?"
            )
        message = f"{self.address}: not seen by {adapter.name} in {self.timeout:g} s; {instead}"
        return LinkError(message, verdict, {"others": len(names)})


class GattConnection:
    """One open connection. Made, opened and closed by GattLink."""

    def __init__(self, address: str, profile: GattProfile) -> None:
        self.address = address
        self.received = 0  # bytes
        self._profile = profile
        self._rssi: int | None = None
        self._client: BleakClient | None = None
        self._commands: BleakGATTCharacteristic | None = None
        self._chunks: deque[bytes] = deque(maxlen=MOST_CHUNKS)
        self._unread = 0  # bytes of a frame that is under way
        self._ready = False  # there are chunks worth reading, or the link is gone
        self._reader: asyncio.Future[None] | None = None  # who waits for that
        self._whole = False  # the reader wants whole frames
        self._until = 0.0  # and does not wait longer
        self._alarm: asyncio.TimerHandle | None = None
        self._gone = False
        self._connected_at: float | None = None  # on the clock of the event loop
        self._gone_at: float | None = None

    @property
    def spoke(self) -> bool:
        """Whether it sent as much as a frame."""
        return self.received >= self._profile.frame_length

    @property
    def stood(self) -> float | None:
        """For how many s it was, or is, connected; None: it never was."""
        if self._connected_at is None:
            return None
        now = asyncio.get_running_loop().time()
        return (now if self._gone_at is None else self._gone_at) - self._connected_at

    @property
    def rssi(self) -> int | None:
        """Signal strength in dBm at the time of the scan; None when unknown."""
        return self._rssi

    async def receive(self) -> bytes:
        """Return the next chunk. Raises LinkError ``DROPPED`` when the link is gone."""
        while not self._chunks:
            if self._gone:
                raise self._dropped()
            self._unread, self._ready, self._whole = 0, False, False
            await self._wait()
        return self._chunks.popleft()

    async def receive_waiting(self, until: float) -> list[bytes]:
        """Return the chunks that wait, a whole frame if one is under way; see ``Connection``."""
        self._whole = True
        if not self._ready and not self._gone:
            self._until = until
            if self._alarm is None or self._alarm.when() > until:
                self._set_alarm()
            await self._wait()
        if not self._chunks and self._gone:
            raise self._dropped()
        chunks = list(self._chunks)
        self._chunks.clear()
        self._unread, self._ready = 0, False
        return chunks

    async def write(self, data: bytes) -> None:
        """Send a command, without response where the device allows it. Raises LinkError."""
        if self._gone or self._client is None or self._commands is None:
            raise self._dropped()
        response = "write-without-response" not in self._commands.properties
        try:
            await within(
                WRITE_LIMIT,
                self._client.write_gatt_char(self._commands, data, response=response),
                f"{self.address}: writing",
            )
        except FOREIGN as error:
            if self._gone:
                raise self._dropped() from error
            silent = isinstance(error, TimeoutError)
            otherwise = Verdict.SERVICE_DOWN if silent else Verdict.DROPPED
            raise link_error(error, f"{self.address}: cannot write", otherwise) from error

    async def open(
        self, device: BLEDevice, rssi: int | None, adapter: str, timeout: float, *, known: bool = False
    ) -> None:
        """Connect and listen within ``timeout`` seconds. Raises LinkError.

        ``known``: it is known to be of our make, whatever services it shows.
        """
        self._rssi = rssi
        began = asyncio.get_running_loop().time()
        try:
            await within(timeout, self._open(device, adapter, known), f"{self.address}: connecting")
        except BaseException as error:
            if self._connected_at is None and "device disconnected" in str(error):
                self._connected_at, self._gone_at = began, asyncio.get_running_loop().time()
            # bleak asks for the disconnect but does not wait for it. Who connects meanwhile
            # would be taken for connected, and cut off.
            if self._client is not None:  # it got so far, and is of no use
                await finish(CLOSE_LIMIT, self.close(), f"{self.address}: disconnecting")
            await finish(PART_LIMIT, wait_for_disconnect(device, 0), f"{self.address}: letting go")
            if isinstance(error, TimeoutError):
                raise LinkError(
                    f"{self.address}: seen, but no connection within {timeout:g} s; "
                    "close the phone app, move the radio closer",
                    Verdict.CONNECT_FAILED,
                ) from error
            if isinstance(error, FOREIGN):
                raise link_error(error, f"{self.address}: cannot connect", Verdict.CONNECT_FAILED) from error
            raise

    async def close(self) -> None:
        """Disconnect, if connected."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._client is not None:
            await self._client.disconnect()

    async def _open(self, device: BLEDevice, adapter: str, known: bool) -> None:
        await _check_bluez()
        # One attempt: when to try again is decided in one place, above. What remains of the
        # retry connector's work is what we want of it: known hiccups of the first second are
        # tried again at once, a stale list of services is not used.
        self._client = await establish_connection(
            BleakClient,
            device,
            self.address,
            disconnected_callback=self._on_disconnected,
            max_attempts=1,
            use_services_cache=False,
            bluez={"adapter": adapter} if adapter else {},
        )
        # The callback also runs for attempts that failed on the way.
        self._gone = not self._client.is_connected
        self._gone_at = None
        self._connected_at = asyncio.get_running_loop().time()
        listen, self._commands = self._profile.choose(self.address, self._client.services, known)
        await self._client.start_notify(listen, self._on_chunk)

    def _on_chunk(self, _: BleakGATTCharacteristic, chunk: bytearray) -> None:
        self.received += len(chunk)
        self._chunks.append(bytes(chunk))
        # A JK's frame comes in up to fifteen chunks: the receiver is woken for all of them at once.
        # When some get lost, the next frame makes up the length, or the reader's patience ends.
        start = self._profile.frame_start
        if self._whole and start and (self._unread or chunk.startswith(start)):
            self._unread += len(chunk)
            if self._unread < self._profile.frame_length:
                return
            self._unread = 0
        self._tell()

    async def _wait(self) -> None:
        """Wait for chunks worth reading, the end of the link, or the alarm."""
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _tell(self) -> None:
        """Wake the receiver."""
        self._ready = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(self._until, self._on_alarm)

    def _on_alarm(self) -> None:
        """End the wait, or follow it: each frame puts it off, and a timer for each costs more than this."""
        self._alarm = None
        if self._reader is None:
            return
        if self._until > asyncio.get_running_loop().time():
            self._set_alarm()
        else:
            self._tell()

    def _on_disconnected(self, _: BleakClient) -> None:
        self._gone = True
        self._gone_at = asyncio.get_running_loop().time()
        self._tell()

    def _dropped(self) -> LinkError:
        return LinkError(
            f"{self.address}: the connection was lost; weak signal, or the BMS was switched off",
            Verdict.DROPPED,
        )


_checks: set[asyncio.Task[None]] = set()


async def _check_bluez() -> None:
    """Let bleak check the version of BlueZ, undisturbed.

    It does so at its first connection; when that is cancelled meanwhile, all later ones of
    this process wait for an answer that never comes (bleak 3.1).
    """
    if sys.platform == "linux" and not BlueZFeatures.checked_bluez_version:
        check = asyncio.create_task(BlueZFeatures.check_bluez_version(), name="BlueZ version")
        _checks.add(check)
        check.add_done_callback(_checks.discard)
        await asyncio.shield(check)
