"""Pairing: an agent of our own answers for the passkey, only while we pair, only for one device.

The passkey is a secret of the owner: it is given to the Bluetooth service and to no other program.
"""

import asyncio
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bleak.exc import BleakDBusError

from jk_bms.errors import LinkError, Verdict
from jk_bms.radio.bluez import ANSWER_LIMIT, FOREIGN, Adapter, link_error
from jk_bms.radio.bus import BLUEZ, call, call_once, system_bus
from jk_bms.radio.deadlines import finish, within

if TYPE_CHECKING or sys.platform == "linux":
    from dbus_fast import Message, MessageType

AGENT_PATH = "/easun_jkbms/agent"
AGENT = "org.bluez.Agent1"
MANAGER = "org.bluez.AgentManager1"
PAIR_LIMIT = 30.0  # s; BlueZ gives up after as much
LET_GO = 3.0  # s for what is tidied up after a refusal
ALREADY = "org.bluez.Error.AlreadyExists"
GONE = ("org.bluez.Error.DoesNotExist", "org.freedesktop.DBus.Error.UnknownObject")


async def pair(adapter: Adapter, address: str, pin: str | None, limit: float = PAIR_LIMIT) -> None:
    """Pair with a device that was just seen; return when the bond is made, or was there already.

    ``pin``: the passkey; None: without one ("just works"). Connects if need be, and stays
    connected. Raises LinkError, ``PAIRING_REFUSED`` when the device will not, ``PAIRING_NEEDED``
    when it did not answer.
    """
    passkey = None
    if pin is not None:
        if not re.fullmatch(r"[0-9]{1,6}", pin.strip()):
            raise LinkError(  # and does not tell it: it is a secret all the same
                f"{address}: cannot pair: `pin` in the registry is no passkey; expected up to six digits",
                Verdict.PAIRING_REFUSED,
            )
        passkey = int(pin)
    path = device_path(adapter, address)
    try:
        await within(limit, _pair(path, passkey), f"{address}: pairing")
    except FOREIGN as error:
        if isinstance(error, BleakDBusError) and error.dbus_error == ALREADY:
            return
        let_go = call_once(BLUEZ, path, "org.bluez.Device1.Disconnect")  # a refusal may leave it connected
        await finish(LET_GO, let_go, f"{address}: letting go")
        if isinstance(error, TimeoutError):
            raise LinkError(
                f"{address}: cannot pair: no answer within {limit:g} s", Verdict.PAIRING_NEEDED
            ) from error
        known = link_error(error, f"{address}: cannot pair", Verdict.CONNECT_FAILED)
        if known.verdict is Verdict.PAIRING_REFUSED:
            hint = "is the passkey right?" if passkey is not None else "does it want a passkey (`pin`)?"
            raise LinkError(f"{known}; {hint}", known.verdict, known.evidence) from error
        raise known from error


async def unpair(adapter: Adapter, address: str) -> bool:
    """Have the Bluetooth service forget a device, its bond too; say whether it knew it. Raises LinkError."""
    remove = call_once(
        BLUEZ, adapter.path, "org.bluez.Adapter1.RemoveDevice", "o", [device_path(adapter, address)]
    )
    try:
        await within(ANSWER_LIMIT, remove, f"{address}: forgetting")
    except FOREIGN as error:
        if isinstance(error, BleakDBusError) and error.dbus_error in GONE:
            return False
        raise link_error(error, f"{address}: cannot be forgotten", Verdict.SERVICE_DOWN) from error
    return True


def device_path(adapter: Adapter, address: str) -> str:
    """Return the D-Bus object of a device."""
    return f"{adapter.path}/dev_{address.upper().replace(':', '_')}"


async def _pair(device: str, passkey: int | None) -> None:
    async with system_bus() as bus:
        answer = _answers(device, passkey)

        def on_message(message: "Message") -> "Message | None":
            wanted = message.message_type is MessageType.METHOD_CALL and message.interface == AGENT
            return answer(message) if wanted else None

        bus.add_message_handler(on_message)
        # It answers only for us: the default agent of a desktop stays what it is.
        capability = "NoInputNoOutput" if passkey is None else "KeyboardOnly"
        await call(bus, BLUEZ, "/org/bluez", f"{MANAGER}.RegisterAgent", "os", [AGENT_PATH, capability])
        try:
            await call(bus, BLUEZ, device, "org.bluez.Device1.Pair")
        except asyncio.CancelledError:
            # Leaving the bus does not end a pairing, and the next one would be "in progress".
            await finish(
                LET_GO,
                call(bus, BLUEZ, device, "org.bluez.Device1.CancelPairing"),
                "breaking off pairing",
            )
            raise


def _answers(device: str, passkey: int | None) -> Callable[["Message"], "Message"]:
    """Return what our agent says to a question; about another device it says no."""

    def answer(message: "Message") -> "Message":
        about = message.body[0] if message.body else device
        replies: dict[str, tuple[str, list[Any]]] = {
            "Release": ("", []),
            "Cancel": ("", []),
            "RequestAuthorization": ("", []),  # just works
        }
        if passkey is not None:
            replies["RequestPasskey"] = ("u", [passkey])
            replies["RequestPinCode"] = ("s", [f"{passkey:06d}"])
        if about != device or message.member not in replies:
            return Message.new_error(message, "org.bluez.Error.Rejected", "not ours to answer")
        return Message.new_method_return(message, *replies[message.member])

    return answer
