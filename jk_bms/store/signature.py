"""Our signature on a file, for when its content no longer says that it is ours.

It is an extended attribute, so it goes with the file and never with its name: a new file of the same
name, even of the same inode, which is soon used again, has none. It names the inode, since a copy takes
the attribute along, and size and time of the last change that we saw: a file of the same inode that
another program has filled anew was changed since. Not every file system keeps such attributes.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from jk_bms.store.schema import Schema

ATTRIBUTE = "user.easun-jkbms"
HEADER = 100  # bytes of every SQLite database, in which its mark stands
_MAGIC = b"SQLite format 3\0"
_MARK_AT = slice(68, 72)  # of the header, big-endian
_TEXT = re.compile(rb"(?P<name>[a-z]+\.db) inode (?P<inode>\d+) size (?P<size>\d+) changed (?P<changed>\d+)")


def mark_in(header: bytes) -> int | None:
    """The ``application_id`` in the first bytes of a file; None: it is no SQLite database."""
    if len(header) < HEADER or not header.startswith(_MAGIC):
        return None
    return int.from_bytes(header[_MARK_AT], "big")


class Signed(NamedTuple):
    """What the signature on a file says."""

    ours: bool = False  # we made this very file, whatever was written into it since
    untouched: bool = False  # and nothing was


def signed(path: Path, schema: Schema) -> Signed:
    """Read the signature on the file at ``path``. Raises OSError when there is no file."""
    status = path.stat()
    try:
        found = _TEXT.fullmatch(os.getxattr(path, ATTRIBUTE))
    except OSError:
        return Signed()
    if found is None or found["name"] != schema.name.encode() or int(found["inode"]) != status.st_ino:
        return Signed()
    return Signed(True, (int(found["size"]), int(found["changed"])) == (status.st_size, status.st_mtime_ns))


class Signature:
    """Keeps the signature on a database that is in use up to date.

    It holds the file open until ``close``, which must come after SQLite closed it: the end of any other
    use of a file in this process ends SQLite's locks on it. ``path``: None while there is no file to write.
    """

    def __init__(self, schema: Schema, path: Path | None) -> None:
        self._schema = schema
        self._file = -1
        self._seen: tuple[int, int] | None = None
        if path is not None:
            with suppress(OSError):  # it cannot be opened: then there is no proof
                self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.renew()

    def renew(self) -> None:
        """Sign what the file has become since, as long as it says that it is ours."""
        if self._file < 0:
            return
        with suppress(OSError):  # a file system without attributes, full or read-only: there is no proof then
            status = os.fstat(self._file)
            seen = status.st_size, status.st_mtime_ns
            if seen == self._seen or mark_in(os.pread(self._file, HEADER, 0)) != self._schema.mark:
                return
            text = f"{self._schema.name} inode {status.st_ino} size {seen[0]} changed {seen[1]}"
            os.setxattr(self._file, ATTRIBUTE, text.encode())
            self._seen = seen

    def close(self) -> None:
        """Sign the file as it is left."""
        self.renew()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
