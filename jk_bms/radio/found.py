"""Scan, and return plain data."""

from collections.abc import Callable

from jk_bms.model.found import Found
from jk_bms.radio.scan import Seen, scan


def as_found(seen: Seen) -> Found:
    """Return what a scan heard, without bleak's handles."""
    return Found(
        address=seen.address,
        name=seen.name,
        rssi=seen.rssi,
        level=int(seen.match.level) if seen.match else 0,
        evidence=seen.match.evidence if seen.match else "",
        kind=seen.match.kind if seen.match else "",
    )


async def search(
    seconds: float, adapter: str | None, on_found: Callable[[Found], None] | None = None
) -> list[Found]:
    """Listen for ``seconds``; return every device heard, the likeliest first. Raises LinkError."""
    on_seen = None if on_found is None else lambda seen: on_found(as_found(seen))
    return [as_found(seen) for seen in await scan(seconds, adapter, on_seen)]
