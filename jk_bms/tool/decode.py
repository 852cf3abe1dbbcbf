"""``jk-util.py --decode``: no radio; bytes from a file, a reading out."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

import msgspec

from jk_bms.battery.soc_source import with_shown_soc
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError, ProtocolError
from jk_bms.model import Device, Sample
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Frame,
    FrameAssembler,
    Logbook,
    Settings,
    as_dict,
    decode,
    is_balancer,
    to_sample,
)
from jk_bms.protocol.frame import HEADER
from jk_bms.protocol.posted import FORMS, LONGEST_LINE, Posted
from jk_bms.tool.exits import EXIT_NO_RECORD, EXIT_OK
from jk_bms.tool.output import deliver, formatted, note, output_lines

HEAD = 4096  # bytes of a file that tell what kind it is


def run(given: argparse.Namespace) -> int:
    """Decode and print; exit code 0 if at least one frame was good, else 5."""
    decoder, posted = _Decoder(), Posted()
    settings = load_settings(env_file=given.env_file, forgiving=True)
    samples: list[Sample] = []
    good = 0
    with _opened(given.decode) as lines, output_lines(given.output if given.json_lines else None) as out:
        for at, chunk in posted.notifications(lines):
            for frame in decoder.assembler.feed(chunk):
                message = decoder.understand(frame)
                if message is None:
                    continue
                good += 1
                if given.json_lines:
                    print(json.dumps(as_dict(message), ensure_ascii=False), file=out, flush=True)
                elif isinstance(message, CellInfo) and (sample := decoder.sample(message, at)):
                    samples.append(
                        with_shown_soc(sample, source=settings.soc_source, curve=settings.soc_curve)
                    )
    if not given.json_lines and samples:
        deliver(formatted(samples, given.format, timed=False), given.output)
    if decoder.assembler.refused:
        note(f"{decoder.assembler.refused} damaged frames left out (check byte, or cut short)")
    if not good:
        note(f"{given.decode}: no good frame found; expected {FORMS}")
    if posted.left_out and not (good and not decoder.assembler.refused):
        of = "1 line" if posted.left_out == 1 else f"{posted.left_out} lines"
        note(f"{of} without bytes left out, the first: line {posted.first_left_out}")
    if posted.cut_short:
        note(
            f"line {posted.cut_short}: the program that printed this list left out a part of it; have it print all, as "
            "hex: data.toString('hex') in Node, data.hex() in Python"
        )
    if posted.unsure and not (good and not decoder.assembler.refused):
        note(
            f"line {posted.unsure}: these numbers may be decimal or hex; write each notification as hex alone on a "
            "line: 55AAEB90..."
        )
    if posted.cut:
        of = "1 line is" if posted.cut == 1 else f"{posted.cut} lines are"
        note(
            f"{of} longer than {LONGEST_LINE} characters and not hex alone, the first: line {posted.first_cut}; "
            "the rest of it was left out: put each notification on a line of its own"
        )
    if good and not given.json_lines and not samples:
        note(f"{good} good frames, but no reading among them; --json-lines shows what they say")
        return EXIT_NO_RECORD
    return EXIT_OK if good else EXIT_NO_RECORD


Decoded = CellInfo | Settings | DeviceInfo | Logbook


class _Decoder:
    """Frames of one device, in order."""

    def __init__(self) -> None:
        self.assembler = FrameAssembler()
        self._device = Device(address="", name=None)
        self._software: str | None = None

    def understand(self, frame: Frame) -> Decoded | None:
        """Decode; a refused frame is told on standard error."""
        try:
            # A file may hold frames of several devices: each is judged by its own content.
            message = decode(frame, None, self._software, balancer=is_balancer(self._device.model))
        except ProtocolError as error:
            note(f"refused: {frame.kind.name.lower()} frame, counter {frame.counter}: {error}")
            return None
        if isinstance(message, DeviceInfo):
            self._software = message.sw_version
            self._device = Device(
                address="",
                name=message.name,
                model=message.model,
                hw_version=message.hw_version,
                sw_version=message.sw_version,
                serial=message.serial,
            )
        return message

    def sample(self, info: CellInfo, at: float | None) -> Sample | None:
        """Return the reading in ``info``; None, with a word, when it is not one."""
        device = msgspec.structs.replace(self._device, balancer=info.current is None)
        try:
            return to_sample(info, device=device, taken_at=datetime.now(UTC), monotonic=at or 0.0)
        except ProtocolError as error:
            note(f"refused: cell_info frame, counter {info.counter}: {error}")
            return None


@contextlib.contextmanager
def _opened(name: str) -> Iterator[Iterable[str]]:
    """Give the lines of a file, however it is encoded; one that holds frames themselves becomes lines of hex."""
    if name == "-":
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        yield sys.stdin
        return
    try:
        with Path(name).open("rb") as raw:
            head = raw.read(HEAD)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = error.strerror if isinstance(error, OSError) else None
        raise ConfigError(f"--decode {name}: cannot be read: {why or error}") from error
    if HEADER in head:
        yield [Path(name).read_bytes().hex()]
        return
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"  # as PowerShell writes
    with Path(name).open(encoding=encoding, errors="replace") as file:
        yield file
