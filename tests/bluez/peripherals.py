"""What is in the air: how devices look to a scan, to GATT, and what they say."""

from collections import deque
from typing import Any, Protocol

FFE0, FEE7, HID, BATTERY = (
    f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("ffe0", "fee7", "1812", "180f")
)

# layout -> service, then (handle, characteristic, flags). Handles are those of declarations.
LAYOUTS: dict[str, list[tuple[int, str, list[tuple[int, str, list[str]]]]]] = {
    "old": [
        (0x000E, "ffe0", [
            (0x000F, "ffe2", ["write-without-response"]),
            (0x0011, "ffe1", ["write-without-response", "write", "notify"]),
        ]),
    ],
    "two": [
        (0x0001, "ffe0", [
            (0x0002, "ffe1", ["write", "write-without-response"]),
            (0x0004, "ffe1", ["read", "notify"]),
        ]),
    ],
    "new": [
        (0x0010, "ffe0", [
            (0x0011, "ffe1", ["read", "write", "write-without-response", "notify"]),
            (0x0014, "ffe2", ["write", "notify"]),
            (0x0017, "ffe3", ["write"]),
        ]),
    ],
    "write_only": [(0x0010, "ffe0", [(0x0011, "ffe1", ["write"])])],
    "slow_write": [(0x0010, "ffe0", [(0x0011, "ffe1", ["write", "notify"])])],
    "hid": [(0x0010, "1812", [(0x0011, "2a4d", ["read", "notify"])])],
    "none": [],
}  # fmt: skip

JK = "C8:47:80:12:34:56"
RENAMED = "C8:47:80:AA:BB:CC"
NEEY = "3C:A5:09:0A:20:FB"
MOUSE = "D4:11:22:33:44:55"
THERMOMETER = "A4:C1:38:55:66:77"
NAMELESS = "5E:01:02:03:04:05"


def jk(address: str = JK, name: str | None = "JK-B2A8S20P", **more: Any) -> dict[str, Any]:
    """A JK peripheral; ``more``: layout, fragment, radio, period, bms, faults."""
    mac = address.replace(":", "")
    return {
        "address": address,
        "name": name,
        "uuids": [FFE0, FEE7],
        "manufacturer": {str(0x0B65): f"88a0{mac}"},
        "layout": "new",
        "radio": "scripted",
        **more,
    }


def bystanders() -> list[dict[str, Any]]:
    """Five others: a renamed JK, a balancer of the same looks, and what every house has."""
    return [
        jk(RENAMED, "Garage"),
        {"address": NEEY, "name": "NEEY-24S4EB", "uuids": [FFE0, FEE7], "layout": "new", "radio": "mute"},
        {"address": MOUSE, "name": "BT Mouse", "uuids": [HID, BATTERY], "layout": "hid"},
        {"address": THERMOMETER, "name": "ATC_556677", "manufacturer": {str(0x0499): "0512fc5394"}},
        {"address": NAMELESS, "name": None},
    ]


def street() -> dict[str, Any]:
    """The usual scenario: one adapter, a JK and five others."""
    return {
        "adapters": [{"name": "hci0", "address": "00:1A:7D:DA:71:13"}],
        "devices": [jk(), *bystanders()],
    }


class RadioModel(Protocol):
    """The byte side of a peripheral; time is handed in."""

    def connect(self, now: float) -> None: ...
    def disconnect(self) -> None: ...
    def write(self, command: bytes, now: float) -> None: ...
    def poll(self, now: float) -> list[bytes]: ...
    def next_due(self) -> float | None: ...


HEADER = b"\x55\xaa\xeb\x90"
READY = bytes.fromhex("aa5590ebc80101000000000000000000000000" + "44")
SETTINGS, CELL_INFO, DEVICE_INFO = 1, 2, 3


def checked(data: bytes) -> bytes:
    """``data`` and its check byte."""
    return data + bytes([sum(data) & 0xFF])


def scripted_frame(kind: int, counter: int) -> bytes:
    """300 bytes that pass every check of a frame and mean nothing."""
    filler = bytes((counter + i) % 0x50 for i in range(293))  # never holds a header
    return checked(HEADER + bytes([kind, counter & 0xFF]) + filler)


class ScriptedRadio:
    """Answers 0x97 and 0x96 as a JK does, then streams frames with a known content."""

    def __init__(self, fragment: int = 128, period: float = 0.05, faults: dict[str, Any] | None = None) -> None:
        self.fragment = fragment
        self.period = period
        self.faults: dict[str, Any] = dict(faults or {})  # mute, stop, lose_every, corrupt_every
        self._due: deque[tuple[float, bytes]] = deque()
        self._stream_at: float | None = None
        self._counter = 0
        self._chunks = 0

    def connect(self, now: float) -> None:
        self.disconnect()

    def disconnect(self) -> None:
        self._due.clear()
        self._stream_at = None

    def write(self, command: bytes, now: float) -> None:
        if self.faults.get("mute"):
            return
        if command[4:5] == b"\x97":
            self._say(DEVICE_INFO, now, READY)
        elif command[4:5] == b"\x96":
            self._say(SETTINGS, now, READY)
            self._stream_at = now + self.period

    def poll(self, now: float) -> list[bytes]:
        while self._stream_at is not None and self._stream_at <= now:
            if not self.faults.get("stop"):
                self._say(CELL_INFO, self._stream_at)
            self._stream_at += self.period
        chunks = []
        while self._due and self._due[0][0] <= now:
            chunks += self._through_the_air(self._due.popleft()[1])
        return chunks

    def next_due(self) -> float | None:
        times = [at for at in (self._due[0][0] if self._due else None, self._stream_at) if at is not None]
        return min(times, default=None)

    def _say(self, kind: int, at: float, after: bytes = b"") -> None:
        frame = scripted_frame(kind, self._counter) + after
        self._counter += 1
        for start in range(0, len(frame), self.fragment):
            self._due.append((at, frame[start : start + self.fragment]))

    def _through_the_air(self, chunk: bytes) -> list[bytes]:
        self._chunks += 1
        lose, corrupt = self.faults.get("lose_every"), self.faults.get("corrupt_every")
        if lose and self._chunks % lose == 0:
            return []
        if corrupt and self._chunks % corrupt == 0:
            return [bytes([chunk[0] ^ 0x40]) + chunk[1:]]
        return [chunk]


class MuteRadio:
    """Connected, and never a word."""

    faults: dict[str, Any]

    def __init__(self) -> None:
        self.faults = {}

    def connect(self, now: float) -> None: ...
    def disconnect(self) -> None: ...
    def write(self, command: bytes, now: float) -> None: ...
    def poll(self, now: float) -> list[bytes]:
        return []

    def next_due(self) -> float | None:
        return None


def radio_of(device: dict[str, Any]) -> Any:
    """The radio that a scenario's device asks for: scripted, jk (simulated) or mute."""
    kind = device.get("radio", "mute")
    if kind == "scripted":
        return ScriptedRadio(device.get("fragment", 128), device.get("period", 0.05), device.get("faults"))
    if kind == "mute":
        return MuteRadio()
    raise ValueError(f"device {device['address']}: radio {kind!r}; expected scripted, jk or mute")
