"""SQLite's errors in words that say which file, what is wrong with it and what to do."""

import errno
import os
import sqlite3
from pathlib import Path

from jk_bms.called import TOP, installed

_OF_THE_DISK = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.EFBIG)
_PRIMARY = 0xFF  # extended result codes carry the primary one in the lowest byte


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 when Python itself raised ``error``."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock, so that waiting may help."""
    return primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_interrupted(error: sqlite3.Error) -> bool:
    """Whether we ended the statement ourselves."""
    return primary_code(error) == sqlite3.SQLITE_INTERRUPT


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the file is broken, or no database at all."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_unwritable(error: BaseException | None) -> bool:
    """Whether the disk is why a file cannot be written: it is full, read-only, over its quota, or failing."""
    if isinstance(error, sqlite3.Error):
        return primary_code(error) in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_IOERR,
        )
    return isinstance(error, OSError) and error.errno in _OF_THE_DISK


def explain(path: Path, error: sqlite3.Error) -> str:
    """Return one line for a person: the file, the real cause, the next step."""
    code = primary_code(error)
    if is_busy(error):
        return f"{path}: locked by another program: {error}"
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path}: not an SQLite database; check the path, or restore the file from a copy"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"{path}: damaged: {error}; restore it from a copy"
    if code == sqlite3.SQLITE_FULL or _full(path, code):
        return f"{path}: the disk is full; free some space in {path.parent}"
    # SQLite opens a file that it may not write as read-only, and says so only when writing; a
    # folder that it may not write (it keeps a journal there) looks like a file it cannot open.
    # A card that fails in use is made read-only under the open file: then it is an I/O error.
    denied = _write_denied(path)
    if denied and code in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
    ):
        return denied
    if code == sqlite3.SQLITE_IOERR:
        return f"{path}: {error}; often a dying SD card: look at `dmesg`"
    return f"{path}: {error}"


def _full(path: Path, code: int) -> bool:
    if code != sqlite3.SQLITE_IOERR:
        return False
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False


def _opened_by_the_installer() -> str:
    """What to do where systemd shows the service every folder read-only that its unit does not name."""
    if not installed():
        return ""
    return f", or DB_PATH was set since the installation: run sudo {TOP}/install.sh, it opens that folder"


def _write_denied(path: Path) -> str | None:
    try:
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            return f"{path}: its file system is mounted read-only{_opened_by_the_installer()}"
    except OSError as error:
        return f"{path}: its folder cannot be used: {error}"
    if path.exists() and not _may(path, os.R_OK | os.W_OK):
        return f"{path}: the file is read-only for this user ({_whose(path)}); allow it to read and write it"
    if not _may(path.parent, os.W_OK | os.X_OK):
        return (
            f"{path}: the folder {path.parent} is read-only for this user ({_whose(path.parent)}); "
            "SQLite needs to write there too"
        )
    return None


def _may(path: Path, mode: int) -> bool:
    # The effective user is the one that the kernel asks; access(2) alone asks for the real one.
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _whose(path: Path) -> str:
    status = path.stat()
    return f"mode {status.st_mode & 0o7777:03o}, owner {status.st_uid}:{status.st_gid}"
