"""How devices are addressed: a Bluetooth MAC, or on macOS the UUID that stands for one."""

import re

MAC = r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
ADDRESS = rf"(?:{MAC}|{UUID})"  # a pattern to build on; nothing anchored

_WHOLE = re.compile(ADDRESS)
_DASHED_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}")


def parse_address(text: str) -> str:
    """Return the address in upper case, a MAC with colons. Raises ValueError."""
    address = text.strip()
    if _DASHED_MAC.fullmatch(address):
        address = address.replace("-", ":")
    if not _WHOLE.fullmatch(address):
        raise ValueError(f"{text!r} is not a Bluetooth address")
    return address.upper()
