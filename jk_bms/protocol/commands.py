"""What we say to a BMS: 20 bytes, a register and a value. It answers each with a ready frame.

Only the three reads have names here; which register writes what depends on the variant.
"""

from typing import NamedTuple

from jk_bms.errors import ProtocolError

COMMAND_SIZE = 20
COMMAND_HEADER = b"\xaa\x55\x90\xeb"


class Command(NamedTuple):
    """A command in the open: the register, how many value bytes count, the value."""

    register: int
    length: int
    value: int


def command(register: int, value: int = 0, length: int = 0) -> bytes:
    """Return the 20 bytes that write ``length`` bytes of ``value`` to ``register``.

    A negative ``value`` goes out as two's complement. Raises ValueError if it does not fit.
    """
    if length not in (0, 1, 2, 4):
        raise ValueError(f"command length is {length}; expected 0, 1, 2 or 4")
    if length == 0 and value:
        raise ValueError(f"command value is {value} with length 0; expected no value")
    try:
        raw = value.to_bytes(length, "little", signed=value < 0)
    except OverflowError as error:
        raise ValueError(f"command value {value} does not fit into {length} bytes") from error
    body = COMMAND_HEADER + bytes((register, length)) + raw.ljust(13, b"\0")
    return body + bytes((sum(body) & 0xFF,))


def parse_command(data: bytes) -> Command:
    """Return what ``data`` asks for; ProtocolError if it is no command. Filler is ignored."""
    if len(data) != COMMAND_SIZE:
        raise ProtocolError(f"command has {len(data)} bytes; expected {COMMAND_SIZE}")
    if data[:4] != COMMAND_HEADER:
        raise ProtocolError(f"command starts with {data[:4].hex()}; expected {COMMAND_HEADER.hex()}")
    if (check := sum(data[:-1]) & 0xFF) != data[-1]:
        raise ProtocolError(f"command check byte is {data[-1]:02x}; expected {check:02x}")
    if data[5] not in (0, 1, 2, 4):
        raise ProtocolError(f"command value length is {data[5]}; expected 0, 1, 2 or 4")
    return Command(data[4], data[5], int.from_bytes(data[6 : 6 + data[5]], "little"))


READ_SETTINGS = command(0x96)  # also starts the cell-info stream
READ_DEVICE_INFO = command(0x97)
READ_LOGBOOK = command(0xA1)  # firmware 19 and later

READY_FRAME = command(0xC8, 1, 1)  # what the BMS answers to every command, once done
