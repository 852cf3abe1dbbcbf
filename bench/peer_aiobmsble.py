"""The other side of decode.py: aiobmsble's Jikong driver, in an environment of its own.

Reads one JSON line ``{"streams": {name: [[chunk, ...] of each frame]}}``, then one line
``{"stream": name, "rounds": n}`` per measurement, and answers with the seconds per frame. The
driver is fed and asked by its own methods: its notification handler gets the chunks, its update
coroutine, which finds the frame waiting, is run to its end without an event loop.
"""

import json
import sys
import time
from typing import Any

# installed beside this program only, in bench/.peer
from aiobmsble.bms.jikong_bms import BMS  # type: ignore[import-not-found]
from bleak.backends.device import BLEDevice


def driver() -> BMS:
    """Return a driver in the state in which it is after connecting to firmware 15."""
    bms = BMS(BLEDevice("C8:47:80:00:00:01", "bench", {"path": "", "props": {}}))
    bms._sw_version = 15
    bms._prot_offset = 0
    bms._valid_reply = 0x02
    return bms


def update(bms: BMS, chunks: list[bytearray]) -> dict[str, Any]:
    """Feed one frame and return what the driver makes of it."""
    for chunk in chunks:
        bms._notification_handler(None, chunk)
    coroutine = bms._async_update()
    try:
        coroutine.send(None)
    except StopIteration as done:
        fields: dict[str, Any] = done.value
        return fields
    raise RuntimeError("the driver did not find the frame")


def main() -> None:
    streams = {
        name: [[bytearray.fromhex(chunk) for chunk in frame] for frame in frames]
        for name, frames in json.loads(sys.stdin.readline())["streams"].items()
    }
    bms = driver()
    fields = len(update(bms, next(iter(streams.values()))[0]))
    print(json.dumps({"fields": fields}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        frames = streams[order["stream"]]
        start = time.perf_counter()
        for _ in range(order["rounds"]):
            for frame in frames:
                update(bms, frame)
        spent = time.perf_counter() - start
        print(json.dumps({"seconds": spent / order["rounds"] / len(frames)}), flush=True)


if __name__ == "__main__":
    main()
