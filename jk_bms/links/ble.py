"""The link to one device over Bluetooth LE. Every foreign error ends here."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService
from bleak_retry_connector import establish_connection
from bleak_retry_connector.bluez import wait_for_disconnect

from jk_bms.errors import LinkError, Verdict
from jk_bms.links.bluez import FOREIGN, Adapter, choose_adapter, link_error
from jk_bms.links.patience import finish, within
from jk_bms.links.scan import Seen, likeliest_first, shared_scanner
from jk_bms.protocol.discovery import SERIAL_SERVICE

if sys.platform == "linux":
    from bleak.backends.bluezdbus.version import BlueZFeatures

SERIAL_CHARACTERISTIC = "0000ffe1-0000-1000-8000-00805f9b34fb"
WRITE_LIMIT = 5.0  # s for the Bluetooth service to take a command
PART_LIMIT = 4.0  # s for a connection that was never used to end; the same 2 s
CLOSE_LIMIT = 8.0  # s; BlueZ takes 2 s to disconnect
MOST_CHUNKS = 2048  # unread; a minute of the smallest ones
SHOWN_INSTEAD = 5  # devices named when ours was not seen


class BleLink:
    """A JK BMS by its Bluetooth address.

    ``adapter``: name or address of the adapter; None: the first that is switched on.
    ``timeout``: seconds to see the device, and again to connect to it.
    """

    def __init__(self, address: str, *, adapter: str | None = None, timeout: float = 20.0) -> None:
        self.address = address.upper()
        self.adapter = adapter
        self.timeout = timeout

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["BleConnection"]:
        """Find the device, connect, listen; leaving disconnects. Raises LinkError."""
        adapter = await choose_adapter(self.adapter)
        connection = BleConnection(self.address)
        try:
            async with self._at_hand(adapter) as (device, rssi):
                await connection.open(device, rssi, adapter.name, self.timeout)
            yield connection
        finally:
            await finish(CLOSE_LIMIT, connection.close(), f"{self.address}: disconnecting")

    @asynccontextmanager
    async def _at_hand(self, adapter: Adapter) -> AsyncIterator[tuple[BLEDevice, int | None]]:
        """Give the device, just seen, and its signal, while nobody else connects."""
        scanner = shared_scanner(adapter)
        if held := adapter.held.get(self.address):
            # A program that was killed leaves its connection behind, and a connected BMS
            # does not advertise: no scan would ever see it again.
            async with scanner.connecting:
                yield BLEDevice(self.address, held["props"].get("Alias"), dict(held)), None
            return
        async with AsyncExitStack() as stack:
            others: dict[str, Seen] = {}
            found: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

            def note(seen: Seen) -> None:
                if seen.address != self.address:
                    others[seen.address] = seen
                elif not found.done():
                    found.set_result(seen)

            async with scanner.listening(note):
                try:
                    async with asyncio.timeout(self.timeout):
                        seen = await found
                except TimeoutError:
                    raise LinkError(self._not_seen(adapter, others.values()), Verdict.NOT_SEEN) from None
                # BlueZ forgets who is no longer heard, so listen on while another connects.
                await stack.enter_async_context(scanner.connecting)
            yield seen.device, seen.rssi

    def _not_seen(self, adapter: Adapter, others: Iterable[Seen]) -> str:
        names = [str(each) for each in likeliest_first(others)]
        if not names:
            instead = "nor any other device: is the adapter stuck, or out of range of everything?"
        else:
            more = f" and {len(names) - SHOWN_INSTEAD} more" if len(names) > SHOWN_INSTEAD else ""
            instead = (
                f"seen instead: {', '.join(names[:SHOWN_INSTEAD])}{more}; "
                "is a phone connected to it, is it switched on and in range?"
            )
        return f"{self.address}: not seen by {adapter.name} in {self.timeout:g} s; {instead}"


class BleConnection:
    """One open connection. Made, opened and closed by BleLink."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.lost_chunks = 0  # thrown away because nobody received them in time
        self._rssi: int | None = None
        self._client: BleakClient | None = None
        self._commands: BleakGATTCharacteristic | None = None
        self._chunks: deque[bytes] = deque(maxlen=MOST_CHUNKS)
        self._news = asyncio.Event()  # a chunk came, or the link went
        self._gone = False

    @property
    def rssi(self) -> int | None:
        """Signal strength in dBm at the time of the scan; None when unknown."""
        return self._rssi

    async def receive(self) -> bytes:
        """Return the next chunk. Raises LinkError ``DROPPED`` when the link is gone."""
        while not self._chunks:
            if self._gone:
                raise self._dropped()
            self._news.clear()
            await self._news.wait()
        return self._chunks.popleft()

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

    async def open(self, device: BLEDevice, rssi: int | None, adapter: str, timeout: float) -> None:
        """Connect and listen within ``timeout`` seconds. Raises LinkError."""
        self._rssi = rssi
        try:
            await within(timeout, self._open(device, adapter), f"{self.address}: connecting")
        except BaseException as error:
            # bleak asks for the disconnect but does not wait for it. Who connects meanwhile
            # would be taken for connected, and cut off.
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
        if self._client is not None:
            await self._client.disconnect()

    async def _open(self, device: BLEDevice, adapter: str) -> None:
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
        listen, self._commands = choose_characteristics(self.address, self._client.services)
        await self._client.start_notify(listen, self._on_chunk)

    def _on_chunk(self, _: BleakGATTCharacteristic, chunk: bytearray) -> None:
        self.lost_chunks += len(self._chunks) == MOST_CHUNKS
        self._chunks.append(bytes(chunk))
        self._news.set()

    def _on_disconnected(self, _: BleakClient) -> None:
        self._gone = True
        self._news.set()

    def _dropped(self) -> LinkError:
        return LinkError(
            f"{self.address}: the connection was lost; weak signal, or the BMS was switched off",
            Verdict.DROPPED,
        )


def choose_characteristics(
    address: str, services: Iterable[BleakGATTService]
) -> tuple[BleakGATTCharacteristic, BleakGATTCharacteristic]:
    """Return the characteristics to listen to and to write to. Raises LinkError ``NOT_A_BMS``.

    By what they can do, not by number: some modules have FFE1 twice, one for each
    direction, some have one for both, some offer more; and their order is random.
    """
    offered = list(services)
    serial = sorted(
        (each for service in offered if service.uuid == SERIAL_SERVICE for each in service.characteristics),
        key=lambda each: (each.uuid != SERIAL_CHARACTERISTIC, each.handle),
    )
    listen = [each for each in serial if "notify" in each.properties]
    write = [each for each in serial if {"write", "write-without-response"} & set(each.properties)]
    if listen and write:
        return listen[0], write[0]
    if not offered:
        what = f"connected, but it shows no services; try `bluetoothctl remove {address}`"
    elif not serial:
        names = ", ".join(sorted(service.uuid[4:8] for service in offered))
        what = f"connected, but it has no service ffe0 (it has {names}); not a JK BMS?"
    else:
        what = "connected, but nothing in its service ffe0 can be listened to and written; not a JK BMS?"
    raise LinkError(f"{address}: {what}", Verdict.NOT_A_BMS)


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
