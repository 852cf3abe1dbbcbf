"""What the whole way of a frame costs, from chunks to history, beside decoding alone.

    .venv/bin/python bench/pipeline.py

Assemble, decode, make a sample, journal it, count, meter, judge, take it into history and
commit; against assembling and decoding. Frames are of the simulated house, 0.5 s apart.
"""

import asyncio
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import Sheet, in_turns, median_ratio
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import load_settings
from jk_bms.model import Device, Sample
from jk_bms.poller.memory import Memory
from jk_bms.protocol import CellInfo, FrameAssembler, Variant, decode, encode_cell_info, to_sample
from jk_bms.simulator import SimulatedBms
from jk_bms.store.bms_db import open_writer

FRAMES = 2400  # twenty minutes
ROUNDS = 7
PERIOD = 0.5  # s
ADDRESS = "C8:47:80:12:34:56"


def chunks() -> list[list[bytes]]:
    """Return the notifications of each frame."""
    bms = SimulatedBms()
    made = []
    for n in range(FRAMES):
        bms.advance(PERIOD)
        frame = encode_cell_info(bms.cell_info(), Variant.JK02_32S, n & 0xFF)
        made.append([frame[:128], frame[128:256], frame[256:]])
    return made


def main() -> int:
    """Measure and print; return the exit code."""
    air = chunks()
    device = Device(address=ADDRESS)
    began = Clock().now()
    longest: list[float] = []  # s: of each round the sample that took the longest

    def decode_alone() -> float:
        assembler = FrameAssembler()
        start = time.process_time()
        for pieces in air:
            for piece in pieces:
                for frame in assembler.feed(piece):
                    decode(frame, Variant.JK02_32S, "15.38")
        return time.process_time() - start

    def whole_way() -> float:
        with (
            tempfile.TemporaryDirectory() as folder,
            ThreadPoolExecutor(1) as writer,
            tempfile.TemporaryDirectory(dir="/dev/shm") as runtime,
        ):
            settings = load_settings(
                {
                    "BMS_DB_PATH": f"{folder}/bms.db",
                    "BMS_SOCKET": f"{runtime}/s",
                    "DB_PATH": f"{folder}/none.db",
                }
            )
            own = writer.submit(open_writer, settings.bms_db_path, Clock()).result()
            memory = Memory(
                settings, [Entry(address=ADDRESS)], Clock(), writer=writer, report=lambda *_, **__: None
            )
            memory.open(own)
            assembler = FrameAssembler()

            async def run() -> float:
                start = time.process_time()
                n, most = 0, 0.0
                for pieces in air:
                    for piece in pieces:
                        for frame in assembler.feed(piece):
                            info = decode(frame, Variant.JK02_32S, "15.38")
                            assert isinstance(info, CellInfo)
                            sample: Sample = to_sample(
                                info,
                                device=device,
                                taken_at=began + timedelta(seconds=n * PERIOD),
                                monotonic=n * PERIOD,
                            )
                            taken = time.thread_time()
                            memory.take(sample)
                            most = max(most, time.thread_time() - taken)
                            n += 1
                    if n % 120 == 0:  # once a minute, as the service does
                        await memory.commit()
                await memory.close()
                longest.append(most)
                return time.process_time() - start

            spent = asyncio.run(run())
            writer.submit(own.close).result()
            return spent

    alone, whole = in_turns(ROUNDS, decode_alone, whole_way)
    sheet = Sheet()
    per_frame = sorted(whole)[len(whole) // 2] / FRAMES * 1e6
    decoding = sorted(alone)[len(alone) // 2] / FRAMES * 1e6
    sheet.figure(
        "whole pipeline / decode alone, CPU per frame",
        median_ratio(whole, alone),
        most=12,
        detail=f"{per_frame:.0f} / {decoding:.1f} us",
        digits=1,
    )
    sheet.figure(
        "longest look at one sample, CPU ms", 1e3 * sorted(longest)[len(longest) // 2], most=20, digits=1
    )
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
