"""``bms.db`` for the page: read-only, in a thread of its own, and opened anew when the file changed hands."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jk_bms.errors import StoreError
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.store.file_id import FileId, file_id_at

T = TypeVar("T")


class Archive:
    """Asks history. Each question is short; what takes long is asked piece by piece, by another Archive."""

    def __init__(self, path: Path, name: str = "bms.db") -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._reader: BmsDbReader | None = None
        self._file: FileId | None = None

    async def ask(self, question: Callable[[BmsDbReader], T]) -> T:
        """Return what ``question`` gives; it is run in the thread. Raises StoreError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._asked, question)

    def close(self) -> None:
        """End the thread and close the file."""
        self._thread.submit(self._let_go)
        self._thread.shutdown()

    def _asked(self, question: Callable[[BmsDbReader], T]) -> T:
        try:
            return question(self._open())
        except StoreError:
            self._let_go()  # it may have been moved or migrated: the next question looks anew
            raise

    def _open(self) -> BmsDbReader:
        there = file_id_at(self.path)
        if self._reader is None or there != self._file:
            self._let_go()
            self._reader, self._file = open_reader(self.path), there
        return self._reader

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
