"""The lock of a database's one writer: a file beside it."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jk_bms.errors import ConfigError, StoreError
from jk_bms.store.file_id import FileId, file_id, file_id_at
from jk_bms.store.files import give_to_owner_of_folder, real
from jk_bms.store.schema import Schema


class InUse(StoreError):
    """Another process is the writer."""


class Lock:
    """Keeps other writers from a database: held from the beginning, until ``close`` or the process's end.

    It lies beside the database, says which process holds it, and which file was ours. Raises StoreError
    when another process holds it, ConfigError when a file of that name is not ours.
    """

    def __init__(self, schema: Schema, path: Path, hint: str = "") -> None:
        self._schema = schema
        self._path = path
        self._hint = hint
        self._name = lock_name(path)
        self.witness: int | None = None  # inode of the database that was ours, as last noted
        self._handle = self._take()

    def close(self) -> None:
        """Let another process have it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def in_place(self) -> bool:
        """Whether another process would find the lock that is ours."""
        return file_id_at(self._name) == file_id(os.fstat(self._handle))

    def renew(self) -> None:
        """Take it again where its file was taken away."""
        if self.in_place():
            return
        held = self._handle
        self._handle = self._take()
        os.close(held)

    def note(self, file: FileId | None) -> None:
        """Write down who holds it, and that ``file`` is ours."""
        self.witness = file.inode if file else self.witness
        _sign(self._handle, self.witness)

    def _take(self) -> int:
        try:
            handle = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
        except OSError as error:
            raise StoreError(
                f"{self._name}: cannot be opened: {error.strerror}; expected a folder we may write "
                f"({self._schema.setting})"
            ) from error
        try:
            said = _read_lock(os.pread(handle, _LOCK_LOOKED_AT, 0))
            if said is None:
                raise ConfigError(
                    f"{self._name}: in the way, and not ours; move it away, or correct {self._schema.setting}"
                )
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                pid = (said["pid"] or b"unknown").decode()
                raise InUse(
                    f"{self._path}: another {self._schema.user} (pid {pid}) writes it; "
                    f"stop that one first{self._hint}"
                ) from error
            self.witness = int(said["inode"]) if said["inode"] else None
            give_to_owner_of_folder(self._name, handle)
        except BaseException:
            os.close(handle)
            raise
        _sign(handle, self.witness)
        return handle


class NoLock(Lock):
    """In the place of the lock of a file that cannot be written: nothing is held."""

    def __init__(self) -> None:
        self.witness = None

    def close(self) -> None:
        """Nothing is held."""

    def note(self, file: FileId | None) -> None:
        """Nothing is held."""


@contextmanager
def no_writer(schema: Schema, path: Path) -> Iterator[None]:
    """Keep every writer from ``path`` meanwhile. Raises StoreError when there is one."""
    lock = Lock(schema, real(path))
    try:
        yield
    finally:
        lock.close()


def _sign(handle: int, witness: int | None) -> None:
    text = f"{os.getpid()}\n" + (f"inode {witness}\n" if witness else "")
    with suppress(OSError):  # a full disk: the lock holds all the same, it only does not say whose
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


_LOCK_TEXT = re.compile(rb"(?:(?P<pid>\d{1,12})\n?)?(?:inode (?P<inode>\d{1,20})\n)?")


_LOCK_LOOKED_AT = 200  # bytes; more than ours ever has


def _read_lock(begins: bytes) -> re.Match[bytes] | None:
    """What a lock says; None: it is not ours. A power cut may leave zero bytes of it: one that says nothing."""
    return _LOCK_TEXT.fullmatch(begins.rstrip(b"\0")) if len(begins) < _LOCK_LOOKED_AT else None


def lock_name(path: Path) -> Path:
    """Where the lock of the database at ``path`` lies."""
    return path.with_name(path.name + ".lock")


def read_witness(name: Path) -> int | None:
    """Return the inode that the lock called ``name`` says is ours; None: it says nothing, or there is none."""
    try:
        with name.open("rb") as file:
            said = _read_lock(file.read(_LOCK_LOOKED_AT))
    except OSError:
        return None
    return int(said["inode"]) if said and said["inode"] else None
