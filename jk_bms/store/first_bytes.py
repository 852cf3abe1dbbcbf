"""Whether a file that is no database may be replaced: only what is ours by its first bytes, or empty."""

import os
import stat
from pathlib import Path

_LOOKED_AT = 64  # bytes


def may_replace(path: Path, first: bytes) -> bool:
    """Whether nothing lies at ``path``, or nothing of others: a file that begins with ``first``, or is blank.

    A file system may leave a blank file after a power cut. Raises OSError when it cannot be looked at.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        begins = os.read(handle, _LOOKED_AT)
    finally:
        os.close(handle)
    return begins.startswith(first) or first.startswith(begins) or not begins.strip(b"\0")


def refuse_others(path: Path, first: bytes) -> None:
    """Raise FileExistsError, in words, unless ``path`` may be replaced."""
    if not may_replace(path, first):
        raise FileExistsError(17, "a file that is not ours is in the way: move it away")
