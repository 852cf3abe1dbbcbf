"""Calls over the system's D-Bus on a connection of their own, apart from bleak's.

For what bleak does not offer, and for asking the Bluetooth service itself: what bleak
remembers may be older than a restart of it. No call here has a time limit of its own.
"""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bleak.exc import BleakDBusError

if TYPE_CHECKING or sys.platform == "linux":
    from dbus_fast import BusType, Message, MessageType, unpack_variants
    from dbus_fast.aio import MessageBus
    from dbus_fast.auth import AuthExternal

BLUEZ = "org.bluez"
PROPERTIES = "org.freedesktop.DBus.Properties"

Tree = dict[str, dict[str, dict[str, Any]]]  # object path -> interface -> property -> value


@asynccontextmanager
async def system_bus() -> AsyncIterator["MessageBus"]:
    """A connection to the system bus. Raises what dbus-fast raises."""
    # The uid that the bus sees may differ from ours in a container: bleak's variable.
    uid = os.environ.get("BLEAK_DBUS_AUTH_UID")
    auth = AuthExternal(int(uid)) if uid and uid.isdecimal() else None
    bus = MessageBus(bus_type=BusType.SYSTEM, auth=auth)
    try:
        await bus.connect()
        yield bus
    finally:
        bus.disconnect()  # also after a failed connect: it holds a socket


async def call(
    bus: "MessageBus",
    destination: str,
    path: str,
    method: str,
    signature: str = "",
    body: Sequence[Any] = (),
) -> list[Any]:
    """Call ``interface.Member``; return what it answers. Raises BleakDBusError for a refusal."""
    reply = await _reply(bus, destination, path, method, signature, body)
    answer: list[Any] = unpack_variants(reply.body)
    return answer


async def call_once(
    destination: str, path: str, method: str, signature: str = "", body: Sequence[Any] = ()
) -> list[Any]:
    """Do the same on a connection for this call only."""
    async with system_bus() as bus:
        return await call(bus, destination, path, method, signature, body)


async def bluez_objects() -> tuple[str, Tree]:
    """Return all that the Bluetooth service has, and its name on the bus: a new one after each start."""
    async with system_bus() as bus:
        method = "org.freedesktop.DBus.ObjectManager.GetManagedObjects"
        reply = await _reply(bus, BLUEZ, "/", method, "", ())
        tree: Tree = unpack_variants(reply.body[0])
        return reply.sender or "", tree


async def _reply(
    bus: "MessageBus", destination: str, path: str, method: str, signature: str, body: Sequence[Any]
) -> "Message":
    interface, _, member = method.rpartition(".")
    reply = await bus.call(
        Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )
    if reply.message_type is MessageType.ERROR:
        raise BleakDBusError(reply.error_name or "", reply.body)
    return reply
