"""A systemd and a login manager on the private bus, as far as repairs ask them."""

import asyncio
import threading
from collections.abc import Callable

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

DENIED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"  # as polkit says no
ANSWERS = {
    "RestartUnit": ("o", ["/org/freedesktop/systemd1/job/1"]),
    "Reboot": ("", []),
}


class FakeSystemd:
    """A context manager. ``allowed``: whether polkit lets us; ``calls``: what was asked for.

    ``restart`` is what restarting a unit does; it runs after the answer, as a job does.
    """

    def __init__(self, bus_address: str, restart: Callable[[], None], *, allowed: bool = True) -> None:
        self.bus_address = bus_address
        self.allowed = allowed
        self.calls: list[tuple[str, list[object]]] = []
        self.restart = restart
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "FakeSystemd":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._jobs: set[asyncio.Future[None]] = set()
        self._bus = MessageBus(bus_address=self.bus_address)
        await self._bus.connect()
        self._bus.add_message_handler(self._on_message)
        for name in ("org.freedesktop.systemd1", "org.freedesktop.login1"):
            await self._bus.request_name(name)

    async def _stop(self) -> None:
        await asyncio.gather(*self._jobs)
        self._bus.disconnect()

    def _on_message(self, message: Message) -> bool:
        if message.message_type is not MessageType.METHOD_CALL or message.member not in ANSWERS:
            return False
        self.calls.append((message.member, message.body))
        if not self.allowed:
            self._bus.send(Message.new_error(message, DENIED, "Interactive authentication required."))
            return True
        self._bus.send(Message.new_method_return(message, *ANSWERS[message.member]))
        if message.member == "RestartUnit":
            self._jobs.add(asyncio.ensure_future(asyncio.to_thread(self.restart)))
        return True
