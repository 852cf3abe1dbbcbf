"""The samples that are not in the database yet, in a small file that outlives the process.

One record for each sample, added with one write and no sync: the file belongs on a tmpfs, it
survives a kill but no power cut. Each record has its own check sum; what was cut off by the
end of the process is left out. Only one process uses the file.
"""

import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from jk_bms.clock import boot_id
from jk_bms.model import Device, Sample
from jk_bms.store.file_id import FileId, file_id_at
from jk_bms.store.first_bytes import refuse_others
from jk_bms.store.sample_codec import FIELDS, pack_sample, unpack_sample

log = logging.getLogger(__name__)

NAME = "samples.journal"  # of the file, beside the socket of the service
GROWN = 256 * 1024  # bytes: above it the file is written anew without what is forgotten

FIRST_BYTES = _MAGIC = b"JKJ1"
_RECORD = struct.Struct("<HIQ")  # length of the body, its check sum, number; body: kind, then content
_BOOT, _FIELDS, _DEVICE, _SAMPLE = 0, 1, 2, 3  # kinds; the number of a device: its place in samples
_PLACE = struct.Struct("<BH")  # kind and device of a sample


class Unsaved(NamedTuple):
    """A sample that an earlier process left."""

    number: int
    sample: Sample
    boot_id: str  # of its ``monotonic``


class Journal:
    """The samples since the last commit, numbered; numbers only ever grow.

    ``floor``: the highest number that the database knows; what comes gets higher ones.
    A file that cannot be written costs a line in the log, never a sample in memory.
    """

    def __init__(self, path: Path, *, floor: int = 0) -> None:
        self.path = path
        self.newest = floor
        self.failed = 0  # records that could not be written
        self._complained = False
        self.torn = 0  # bytes at the end that were no whole record
        self._lock = threading.Lock()
        self._places: dict[Device, int] = {}
        self._found: list[Unsaved] = []
        self._kept: list[tuple[int, str, bytes]] = []  # number, boot, record: to write the file anew
        self._boot = boot_id()
        self._written_boot = ""  # of the last record in the file
        self._size = 0
        self._file = -1
        self._made: FileId | None = None  # the file
        self._read()
        self._write_anew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it stays where it is."""
        with self._lock:
            self._shut()

    def append(self, sample: Sample) -> int:
        """Add ``sample`` and return its number."""
        with self._lock:
            self.newest += 1
            place = self._places.get(sample.device)
            records = b""
            if place is None:
                place, records = self._introduce(sample.device)
            record = _record(self.newest, _PLACE.pack(_SAMPLE, place) + pack_sample(sample))
            self._kept.append((self.newest, self._boot, record))
            self._put(records + self._boot_record(self._boot) + record)
            return self.newest

    def replay(self, after: int = 0) -> Iterator[Unsaved]:
        """Yield what the file held when it was opened, above number ``after``, oldest first."""
        yield from (found for found in self._found if found.number > after)

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return sum(len(record) for _, _, record in self._kept)

    def forget(self, up_to: int) -> None:
        """Let go of the samples up to this number: they are kept elsewhere."""
        with self._lock:
            self._found = [found for found in self._found if found.number > up_to]
            first = 0
            while first < len(self._kept) and self._kept[first][0] <= up_to:
                first += 1
            del self._kept[:first]
            if self._size > GROWN or self._file < 0:
                self._write_anew()

    def look(self) -> bool:
        """Make the file anew if it or its folder was taken away; return whether that was so.

        All that is not committed yet goes into the new one.
        """
        with self._lock:
            if self._file < 0 or file_id_at(self.path) == self._made:
                return False
            self._write_anew()
            return self._file >= 0

    def _introduce(self, device: Device) -> tuple[int, bytes]:
        place = self._places[device] = len(self._places)
        return place, _device_record(place, device)

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _boot_record(self, boot: str) -> bytes:
        """Return the record that says of which boot the next samples are; nothing when it is known."""
        if boot == self._written_boot:
            return b""
        self._written_boot = boot
        return _record(0, bytes((_BOOT,)) + boot.encode())

    def _put(self, records: bytes) -> None:
        try:
            written = os.write(self._file, records) if self._file >= 0 else 0
        except OSError as error:
            written = 0
            self._complain(error)
        self._size += written
        if written != len(records):
            self.failed += 1
            self._shut()  # behind half a record nothing could be read; forget() begins a new file

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.error(
                "%s: the journal of unsaved samples cannot be written: %s; a kill now costs those since the "
                "last commit",
                self.path,
                error.strerror,
            )

    def _write_anew(self) -> None:
        """Replace the file by one that holds only what is kept."""
        self._shut()
        new = self.path.with_name(self.path.name + ".new")
        head = [
            _MAGIC,
            _record(0, bytes((_FIELDS,)) + ",".join(FIELDS).encode()),
            *(_device_record(place, device) for device, place in self._places.items()),
        ]
        self._written_boot = ""
        for _, boot, record in self._kept:
            head += self._boot_record(boot), record
        content = b"".join(head)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for place in (new, self.path):
                refuse_others(place, _MAGIC)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(new, flags, 0o640)
            self._size = os.write(self._file, content)
            if self._size != len(content):
                raise OSError(28, "no space left on device")
            new.rename(self.path)
            self._made = file_id_at(self.path)
            if self._complained:
                self._complained = False
                log.info("%s: the journal of unsaved samples is written again", self.path)
        except OSError as error:
            self._shut()
            self._complain(error)
            self.failed += 1

    def _read(self) -> None:
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            with suppress(OSError):  # what cannot be read now must not be written over
                self.path.rename(self.path.with_name(f"{self.path.name}.unread"))
            log.error(
                "%s: the journal of unsaved samples cannot be read: %s; kept as %s.unread",
                *(self.path, error.strerror, self.path.name),
            )
            return
        at = len(_MAGIC) if raw.startswith(_MAGIC) else len(raw)
        reading = _Reading()
        while at + _RECORD.size <= len(raw):
            length, check, number = _RECORD.unpack_from(raw, at)
            body = raw[at + _RECORD.size : at + _RECORD.size + length]
            if len(body) != length or not body or check != _check(number, body):
                break
            at += _RECORD.size + length
            reading.take(number, body)
        self.torn = len(raw) - at if raw.startswith(_MAGIC) else len(raw)
        if self.torn:
            log.info("%s: %d bytes at the end are no whole record and were left out", self.path, self.torn)
        self._found = reading.found
        for number, sample, boot in self._found:  # with the places of this process, and the present fields
            place = self._places.setdefault(sample.device, len(self._places))
            body = _PLACE.pack(_SAMPLE, place) + pack_sample(sample)
            self._kept.append((number, boot, _record(number, body)))
        if self._found:
            self.newest = max(self.newest, self._found[-1].number)


class _Reading:
    """What the records of a file mean, one after the other."""

    def __init__(self) -> None:
        self.found: list[Unsaved] = []
        self._boot = ""
        self._fields = FIELDS
        self._devices: dict[int, Device] = {}

    def take(self, number: int, body: bytes) -> None:
        match body[0]:
            case 0:
                self._boot = body[1:].decode()
            case 1:
                self._fields = tuple(body[1:].decode().split(","))
            case 2:
                self._devices[number] = msgspec.msgpack.decode(body[1:], type=Device)
            case _:
                _, place = _PLACE.unpack_from(body)
                sample = unpack_sample(body[_PLACE.size :], self._devices[place], self._fields)
                self.found.append(Unsaved(number, sample, self._boot))


def _record(number: int, body: bytes) -> bytes:
    return _RECORD.pack(len(body), _check(number, body), number) + body


def _device_record(place: int, device: Device) -> bytes:
    return _record(place, bytes((_DEVICE,)) + msgspec.msgpack.encode(device))


def _check(number: int, body: bytes) -> int:
    return zlib.crc32(body, number & 0xFFFFFFFF)
