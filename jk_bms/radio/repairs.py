"""What may bring a device back, carried out on BlueZ and systemd. When to do it is decided elsewhere."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bleak.exc import BleakDBusError

from jk_bms.called import tool
from jk_bms.errors import LinkError, Verdict
from jk_bms.radio.bluez import ANSWER_LIMIT, FOREIGN, Adapter, adapters, choose, link_error, service_name
from jk_bms.radio.bus import BLUEZ, PROPERTIES, call_once
from jk_bms.radio.deadlines import finish, within
from jk_bms.radio.ours import our_addresses
from jk_bms.radio.pairing import unpair
from jk_bms.radio.scan import Seen, shared_scanner

if TYPE_CHECKING or sys.platform == "linux":
    from dbus_fast import Variant

log = logging.getLogger(__name__)

LOOK = 10.0  # s to see a device that is to be forgotten
POWER_LIMIT = 10.0  # s for an adapter to be off, and again to be on
PAUSE = 1.0  # s that it stays off; some dongles need it
RESTART_LIMIT = 30.0  # s for the service to be back with its adapters
STEP = 0.2  # s between two looks

UNIT = "bluetooth.service"
DENIALS = ("AccessDenied", "InteractiveAuthorizationRequired", "NotAuthorized", "AuthFailed")
ALLOW_ADVICE = "`sudo ./install.sh --allow-repairs` installs the rule that allows it"


class Reached(Protocol):
    """A link over the air, as far as its repairs must know it."""

    address: str
    adapter: str | None
    used_adapter: str  # address of the adapter of the last attempt
    pin: str | None
    forgotten: bool  # BlueZ was made to forget it, and no data came since


class BluezRepairs:
    """Repairs for the device of ``link``; see links.base.Repairs."""

    def __init__(self, link: Reached) -> None:
        self._link = link

    @property
    def adapter(self) -> str:
        """Address of the adapter that the device was last looked for by; empty: not known yet."""
        return self._link.used_adapter

    async def forget(self) -> None:
        """Have BlueZ forget what it remembers of the device, so that it asks it anew.

        Refuses (LinkError) when the device was paired with by hand: the service could not do it again.
        Raises LinkError also when the device is not to be seen: what is remembered of it can
        only be removed together with it.
        """
        address = self._link.address
        found = await adapters()
        knowing = [adapter for adapter in found if address in adapter.known]
        if self._link.pin is None and any(adapter.paired(address) for adapter in knowing):
            raise LinkError(
                f"{address}: not forgotten: it was paired by hand and would have to be paired again; "
                f"if nothing else helps: `{tool('unpair')}`, then `{tool('pair')}`",
                Verdict.STALE_CACHE,
            )
        if not knowing:
            knowing = [choose(found, self._link.adapter)]
            await self._see(knowing[0])
        for adapter in knowing:
            await unpair(adapter, address)
        self._link.forgotten = True

    async def power_cycle(self) -> None:
        """Switch the adapter off and on; return when it is on. All its links end.

        Refuses (LinkError ``BUSY``) while a device that is none of ours is connected to it.
        """
        adapter = self._last(await adapters())
        if strangers := sorted(set(adapter.held) - our_addresses()):
            names = ", ".join(str(adapter.known[each].get("Alias") or each) for each in strangers)
            raise LinkError(
                f"{adapter.name}: not switched off: {names} of another program is connected to it",
                Verdict.BUSY,
            )
        try:
            if adapter.powered:
                await _switch(adapter.address, on=False)
                await asyncio.sleep(PAUSE)
        finally:
            # Once it is off it must come on again, whatever becomes of us meanwhile.
            await finish(POWER_LIMIT, _switch(adapter.address, on=True), f"{adapter.name}: switching on")
        again = choose(await adapters(), adapter.address)
        await shared_scanner(again).renew()  # the scan of another device ended, and was not told to it

    async def restart_service(self) -> None:
        """Restart the Bluetooth service; return when it answers. The links of all adapters end."""
        if not service_name():  # or the old one, which still answers, would be taken for the new one
            with contextlib.suppress(LinkError):
                await adapters()
        before = service_name()
        await _ask(
            "restart the Bluetooth service",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager.RestartUnit",
            "ss",
            [UNIT, "replace"],
        )
        clock = asyncio.get_running_loop().time
        until = clock() + RESTART_LIMIT
        while clock() < until:
            try:
                if await adapters() and service_name() != before:
                    return
            except LinkError as error:
                log.debug("not back yet: %s", error)
            await asyncio.sleep(STEP)
        raise LinkError(
            f"the Bluetooth service was restarted, but is not back after {RESTART_LIMIT:g} s; "
            "see `systemctl status bluetooth`",
            Verdict.SERVICE_DOWN,
        )

    async def reboot(self) -> None:
        """Ask the system to reboot this machine."""
        await _ask(
            "reboot this machine",
            "org.freedesktop.login1",
            "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager.Reboot",
            "b",
            [False],
        )

    def _last(self, found: Sequence[Adapter]) -> Adapter:
        """The adapter of the last attempt, also when it is off. Raises LinkError."""
        wanted = self._link.adapter or self._link.used_adapter
        same = [each for each in found if wanted.lower() in ("", each.name.lower(), each.address.lower())]
        off = next((each for each in same if not each.powered and not each.blocked), None)
        return off or choose(found, wanted or None)

    async def _see(self, adapter: Adapter) -> None:
        seen = asyncio.Event()

        def note(heard: Seen) -> None:
            if heard.address == self._link.address:
                seen.set()

        async with shared_scanner(adapter).listening(note):
            try:
                async with asyncio.timeout(LOOK):
                    await seen.wait()
            except TimeoutError:
                raise LinkError(
                    f"{self._link.address}: cannot be forgotten: it is not to be seen now", Verdict.NOT_SEEN
                ) from None


async def _switch(address: str, *, on: bool) -> None:
    """Switch the adapter with that address and wait until it is so. It may change its name meanwhile."""
    clock = asyncio.get_running_loop().time
    until, asked = clock() + POWER_LIMIT, ""
    while True:
        adapter = next((each for each in await adapters() if each.address == address), None)
        if (adapter is None and not on) or (adapter is not None and adapter.powered is on):
            return
        if adapter is not None and asked != adapter.path:
            asked = adapter.path
            body = ["org.bluez.Adapter1", "Powered", Variant("b", on)]
            try:
                switching = call_once(BLUEZ, adapter.path, f"{PROPERTIES}.Set", "ssv", body)
                await within(ANSWER_LIMIT, switching, f"{adapter.name}: switching")
            except FOREIGN as error:
                raise link_error(
                    error, f"{adapter.name}: cannot be switched", Verdict.SERVICE_DOWN
                ) from error
        if clock() > until:
            raise LinkError(
                f"adapter {address} does not go {'on' if on else 'off'}; pull it out and plug it in again",
                Verdict.ADAPTER_WEDGED,
            )
        await asyncio.sleep(STEP)


async def _ask(
    what: str, destination: str, path: str, method: str, signature: str, body: Sequence[Any]
) -> None:
    """Have systemd do something. Raises LinkError with one clear message."""
    try:
        await within(ANSWER_LIMIT, call_once(destination, path, method, signature, body), what)
    except FOREIGN as error:
        name = error.dbus_error.rpartition(".")[2] if isinstance(error, BleakDBusError) else ""
        if name in DENIALS:
            raise LinkError(f"not allowed to {what}; {ALLOW_ADVICE}", Verdict.NO_PERMISSION) from error
        if name in ("ServiceUnknown", "NameHasNoOwner"):
            raise LinkError(
                f"cannot {what}: there is no systemd here (in a container?)", Verdict.NO_PERMISSION
            ) from error
        raise LinkError(f"cannot {what}: {error or 'no answer'}", Verdict.SERVICE_DOWN) from error
