"""How long one JK02_32S frame takes from chunks to the full object, against aiobmsble.

    .venv/bin/python bench/decode.py

Makes an environment for aiobmsble under bench/.peer on first use. Prints medians of paired
rounds: each of ours stands beside one of theirs, so that a busy machine disturbs both.
Exit code 1 when a goal is missed.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.common import TOP, Sheet, in_turns, median_ratio
from jk_bms.protocol import (
    CellInfo,
    FrameAssembler,
    Variant,
    as_dict,
    decode,
    encode_cell_info,
)

PEER = TOP / "bench" / ".peer"
PEER_PACKAGE = "aiobmsble>=0.31,<0.32"
ROUNDS = 15  # pairs for each stream
PASSES = 12  # over all frames in a round
FRAMES = 50


class Goal(NamedTuple):
    """A way to cut the frames, and what we may take of the peer's time."""

    name: str
    sizes: tuple[int, ...]
    ratio: float


GOALS = (
    Goal("128+128+44", (128, 128, 44), 0.4),
    Goal("15 x 20", (20,) * 15, 0.5),
)


def frames() -> list[bytes]:
    """Return frames of a 16-cell pack that is being discharged."""
    made = []
    for i in range(FRAMES):
        cells = tuple(round(3.281 + 0.001 * ((7 * i + 3 * n) % 13), 3) for n in range(16))
        info = CellInfo(
            variant=Variant.JK02_32S,
            cells=cells,
            cell_resistances=tuple(round(0.060 + 0.001 * n, 3) for n in range(16)),
            voltage=round(sum(cells), 3),
            current=-12.5 - 0.013 * i,
            soc=77,
            soh=100,
            charge=215.6 - 0.01 * i,
            capacity=280.0,
            cycles=54,
            cycle_charge=15_120.4,
            balance_current=0.0,
            balance_action=0,
            mos_temperature=24.1,
            temperature_1=21.3,
            temperature_2=21.9,
            temperature_3=24.1,
            temperature_4=20.8,
            temperature_5=21.1,
            problem_code=0,
            uptime=15_320_827 + i,
            charge_on=True,
            discharge_on=True,
            sensor_mask=0xFF,
            heating=False,
            voltage_check=52.6,
            voltage_correction=2.99,
            clock_seconds=200_000_000 + i,
            battery_type_code=0,
            charge_stage_code=0,
        )
        made.append(encode_cell_info(info, Variant.JK02_32S, i))
    return made


def cut(frame: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """Return ``frame`` in pieces of ``sizes``."""
    chunks, at = [], 0
    for size in sizes:
        chunks.append(frame[at : at + size])
        at += size
    return chunks


def pythons() -> Iterator[str]:
    """Yield interpreters that may be new enough, newest of pyenv's first."""
    yield sys.executable
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    versions = [folder for folder in kept.glob("3.*") if folder.name.replace(".", "").isdigit()]
    for folder in sorted(versions, key=lambda f: [int(n) for n in f.name.split(".")], reverse=True):
        yield str(folder / "bin" / "python3")
    for name in ("python3.14", "python3.13", "python3.12", "python3"):
        if found := shutil.which(name):
            yield found


def new_enough(python: str) -> bool:
    """Whether ``python`` really runs, is 3.12 or newer and can make environments."""
    probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))"
    try:
        return subprocess.run([python, "-c", probe], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def peer_python() -> Path:
    """Return the interpreter of the peer's environment, made if it is missing."""
    python = PEER / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([python, "-c", "import aiobmsble"], capture_output=True).returncode == 0
    ):
        return python
    found = next((candidate for candidate in pythons() if new_enough(candidate)), None)
    if found is None:
        sys.exit("bench: no Python 3.12 or newer found for aiobmsble; install one, e.g. pyenv install 3.13")
    print(f"bench: making {PEER.relative_to(TOP)} with {found}", file=sys.stderr)
    shutil.rmtree(PEER, ignore_errors=True)
    subprocess.run([found, "-m", "venv", PEER], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", PEER_PACKAGE], check=True)
    return python


def ours(chunks: list[list[bytes]], then: Callable[[Any], Any] | None = None) -> float:
    """Return our seconds per frame, decoded as the service does once it knows its device."""
    assembler = FrameAssembler()
    start = time.perf_counter()
    for _ in range(PASSES):
        for frame in chunks:
            for chunk in frame:
                for done in assembler.feed(chunk):
                    info = decode(done, Variant.JK02_32S, "15.38")
                    if then is not None:
                        then(info)
    return (time.perf_counter() - start) / PASSES / len(chunks)


class Peer:
    """The driver in its own process."""

    def __init__(self, streams: dict[str, list[list[bytes]]]) -> None:
        self._process = subprocess.Popen(
            [peer_python(), TOP / "bench" / "peer_aiobmsble.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        sent = {name: [[c.hex() for c in frame] for frame in chunks] for name, chunks in streams.items()}
        self.fields: int = self._ask({"streams": sent})["fields"]

    def seconds(self, stream: str) -> float:
        """Return its seconds per frame."""
        return float(self._ask({"stream": stream, "rounds": PASSES})["seconds"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> int:
    """Measure, print, return the exit code."""
    made = frames()
    streams = {goal.name: [cut(frame, goal.sizes) for frame in made] for goal in GOALS}
    peer = Peer(streams)
    (first,) = FrameAssembler().feed(made[0])
    info = decode(first, Variant.JK02_32S, "15.38")
    sheet = Sheet()
    for goal in GOALS:
        chunks, name = streams[goal.name], goal.name
        ours(chunks), peer.seconds(name)  # warm up
        mine, theirs, dicts = in_turns(
            ROUNDS,
            partial(ours, chunks),
            partial(peer.seconds, name),
            partial(ours, chunks, as_dict),
        )
        a, b, c = (statistics.median(times) * 1e6 for times in (mine, theirs, dicts))
        sheet.figure(
            f"decode from {name} bytes / aiobmsble",
            median_ratio(mine, theirs),
            most=goal.ratio,
            detail=f"{a:.1f} / {b:.1f} us",
            digits=3,
        )
        sheet.beside("  the same with as_dict", median_ratio(dicts, theirs), f"{c:.1f} us", digits=3)
    peer.close()
    present = sum(getattr(info, name) is not None for name in info.__struct_fields__)
    print(f"fields: ours {present} ({len(as_dict(info))} in as_dict), aiobmsble {peer.fields}")
    return sheet.exit_code


if __name__ == "__main__":
    sys.exit(main())
