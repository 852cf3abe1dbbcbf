"""Save what a link received, so that it can be decoded or played back later."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self, TextIO

from jk_bms.errors import StoreError, reason
from jk_bms.links.base import Connection, Link
from jk_bms.protocol.dump import Blanker, format_line


class Recording:
    """A link that writes every notification of ``link`` to ``path``; use as a context manager.

    Passcodes in device-info frames are blanked unless ``secrets``. Raises StoreError when
    the file cannot be written.
    """

    def __init__(self, link: Link, path: Path, *, secrets: bool = False) -> None:
        self._link = link
        self._path = path
        self._blanker = None if secrets else Blanker()
        self._file: TextIO | None = None
        self._began: float | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("w", encoding="ascii", buffering=1)  # can be looked at as it grows
            self._file.write("# seconds, bytes of one notification\n")
        except OSError as error:
            if self._file is not None:
                with suppress(OSError):  # the full disk once more
                    self._file.close()
            raise self._unwritable(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        try:
            if self._blanker is not None:
                self._write(self._blanker.flush())
        finally:
            try:
                self._file.close()
            except OSError as error:
                raise self._unwritable(error) from error

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open the link underneath."""
        async with self._link.connect() as connection:
            yield _Recorded(connection, self)

    def record(self, chunk: bytes) -> None:
        """Write one notification."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        at = now - self._began
        self._write([(at, chunk)] if self._blanker is None else self._blanker.feed(at, chunk))

    def _write(self, lines: Iterable[tuple[float | None, bytes]]) -> None:
        assert self._file is not None
        try:
            self._file.writelines(format_line(at or 0.0, chunk) + "\n" for at, chunk in lines)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(f"{self._path}: cannot be written: {reason(error)}")


class _Recorded:
    def __init__(self, connection: Connection, recording: Recording) -> None:
        self._connection = connection
        self._recording = recording

    @property
    def rssi(self) -> int | None:
        return self._connection.rssi

    async def receive(self) -> bytes:
        chunk = await self._connection.receive()
        self._recording.record(chunk)
        return chunk

    async def receive_waiting(self, until: float) -> list[bytes]:
        chunks = await self._connection.receive_waiting(until)
        for chunk in chunks:
            self._recording.record(chunk)
        return chunks

    async def write(self, data: bytes) -> None:
        await self._connection.write(data)
