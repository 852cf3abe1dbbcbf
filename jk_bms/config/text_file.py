"""Reading a file that a person writes, and that may be anything: a folder, a device, another program's."""

import os
import stat
from pathlib import Path

from jk_bms.errors import ConfigError

MOST = 1_000_000  # bytes: what people write by hand has some thousand
LONGEST_PATH = 4095  # bytes that Linux takes, and of them in one name:
LONGEST_NAME = 255


def read_text_file(path: Path) -> bytes:
    """Return what is in the file. Raises FileNotFoundError, another OSError, or ConfigError for too much.

    A pipe in which nothing is waiting is empty: it keeps no program from starting.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise IsADirectoryError(0, "is a folder", str(path))
        content = file.read(MOST + 1)
    if content is None:  # nothing waits in the pipe
        return b""
    if len(content) > MOST:
        raise ConfigError(
            f"{path}: has more than {MOST // 1000} kB; expected a file of a few, check the path"
        )
    return content


def usable_path(text: str) -> Path:
    """Return ``text`` as a path, ``~`` filled in. Raises ValueError for what no file can be called."""
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # the home of a user that is not there
        raise ValueError(f"{text.split('/')[0]}: there is no such user") from error
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise ValueError("a path cannot hold the character NUL")
    if len(raw) > LONGEST_PATH or any(len(name) > LONGEST_NAME for name in raw.split(b"/")):
        raise ValueError("too long for a path")
    return path
