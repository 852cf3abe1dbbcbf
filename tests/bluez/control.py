"""The socket by which a test plays fate to the fake BlueZ.

One JSON object a line, ``{"do": ..., arguments}``, answered by one: ``{"ok": true, "answer": ...}``
or ``{"ok": false, "error": ...}``.
"""

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bluez.fake_bluez import FakeBluez

# what a test may change of a device: of the Peripheral, and of what it advertises
SWITCHES = (
    "hidden", "connect", "services", "stale", "pairing", "unpaired", "passkey", "notify", "write",
)  # fmt: skip
LOOKS = ("layout", "name", "rssi")


class Control:
    """The methods ``do_...`` are what can be asked."""

    def __init__(self, bluez: "FakeBluez") -> None:
        self.bluez = bluez

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            try:
                answer = await getattr(self, f"do_{request.pop('do')}")(**request)
                reply = {"ok": True, "answer": answer}
            except Exception as error:  # told to the test, which fails with it
                reply = {"ok": False, "error": repr(error)}
            writer.write(json.dumps(reply).encode() + b"\n")
        writer.close()

    async def do_reset(self, scenario: dict[str, Any]) -> None:
        """Begin anew with that scenario."""
        self.bluez.reset(scenario)

    async def do_adapter(
        self, name: str = "hci0", present: bool | None = None, powered: bool | None = None,
        discovery: str | None = None, rename: str | None = None, blocked: str | None = None,
        power: str | None = None,
    ) -> None:  # fmt: skip
        """Unplug or plug in, switch, block as rfkill does (soft, hard, or "" to unblock).

        Or let it misbehave: ``discovery`` (in_progress, silent, late, wedged until it is switched
        off and on, wedged_for_good, stop_...), ``power`` (silent, stuck, failed).
        """
        path = f"/org/bluez/{name}"
        if blocked is not None:
            self.bluez.blocked[path] = blocked
            if blocked:
                await self.bluez.power(path, False)
        if power is not None:
            self.bluez.power_fault[path] = power
        if rename:
            spec = next(each for each in self.bluez.scenario["adapters"] if each["name"] == name)
            self.bluez.remove(path)
            self.bluez.add_adapter(**{**spec, "name": rename})
        if present is False:
            for peripheral in self.bluez.peripherals.values():
                await self.bluez.disconnect(self.bluez.device_path(path, peripheral.address), by="device")
            for each in sorted(self.bluez.objects, reverse=True):
                if each.startswith(path):
                    self.bluez.remove(each)
            self.bluez.discovery.pop(path, None)
        if present:
            spec = next(each for each in self.bluez.scenario["adapters"] if each["name"] == name)
            self.bluez.add_adapter(**spec)
        if powered is not None:
            await self.bluez.power(path, powered)
        if discovery is not None:
            self.bluez.discovery_fault[path] = discovery

    async def do_name(self, owned: bool) -> None:
        """Give up the name org.bluez, or take it again."""
        if owned:
            await self.bluez.bus.request_name("org.bluez")
        else:
            await self.bluez.bus.release_name("org.bluez")

    async def do_calls(self, denied: str = "", silent: bool = False) -> None:
        """Refuse every call with that error name, or answer none."""
        self.bluez.denied, self.bluez.silent = denied, silent

    async def do_device(self, address: str, **what: Any) -> None:
        """Set one of SWITCHES or LOOKS."""
        peripheral = self.bluez.peripherals[address]
        for name, value in what.items():
            if name in LOOKS:
                peripheral.spec[name] = value
            elif name in SWITCHES:
                setattr(peripheral, name, value)
            else:
                raise ValueError(f"a device has no {name!r}")

    async def do_faults(self, address: str, **faults: Any) -> None:
        """Set faults of the device's radio."""
        peripheral = self.bluez.peripherals[address]
        for name, value in faults.items():
            setattr(peripheral.radio.faults, name, value)
        peripheral.news.set()

    async def do_drop(self, address: str) -> None:
        """The device ends its connection."""
        peripheral = self.bluez.peripherals[address]
        assert peripheral.connected_by, f"{address} is not connected"
        await self.bluez.disconnect(self.bluez.device_path(peripheral.connected_by, address), by="device")

    async def do_forget(self, address: str) -> None:
        """BlueZ drops the device from its tree."""
        for adapter in self.bluez.adapters():
            self.bluez.forget(self.bluez.device_path(adapter, address))

    async def do_state(self) -> dict[str, Any]:
        """Who is connected, who is bonded with whom, who discovers."""
        return {
            "connected": [each.address for each in self.bluez.peripherals.values() if each.connected_by],
            "bonds": sorted(self.bluez.pairing.bonds),
            "discovering": [adapter[-4:] for adapter, senders in self.bluez.discovery.items() if senders],
        }

    async def do_log(self) -> list[dict[str, Any]]:
        """What happened so far."""
        return self.bluez.events

    async def do_notified(self) -> list[tuple[float, str]]:
        """When which chunk was notified, in seconds of the monotonic clock: the latest ones."""
        return list(self.bluez.notified)

    async def do_wait(self, event: str, count: int = 1, timeout: float = 5.0, **facts: Any) -> dict[str, Any]:
        """Return the ``count``-th such event, as soon as it is there."""
        async with asyncio.timeout(timeout):
            while True:
                self.bluez.event_came.clear()
                fitting = [
                    each
                    for each in self.bluez.events
                    if each["event"] == event and facts.items() <= each.items()
                ]
                if len(fitting) >= count:
                    return fitting[count - 1]
                await self.bluez.event_came.wait()
