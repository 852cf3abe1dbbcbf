"""Reading a file that a person writes, and that may be anything: a folder, a device, another program's. Replacing one."""

import contextlib
import os
import stat
from pathlib import Path

from jk_bms.errors import ConfigError, reason

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


def write_text_file(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Replace the file in one step, keeping mode and owner; a link is followed. ``mode``: of a file that is new.

    After a kill or a power cut it is the old one or the new one, as a whole. Raises ConfigError.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        old = target.stat() if target.exists() else None
        # Closed to others from its first byte: entries may hold a PIN.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if old else mode)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if old:
                    _keep_owner(handle, old)
                    os.fchmod(handle, old.st_mode & 0o7777)
                file.flush()
                os.fsync(handle)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {reason(error)}; this user needs the right to write into "
            f"the folder {target.parent}"
        ) from error


def _keep_owner(handle: int, old: os.stat_result) -> None:
    new = os.fstat(handle)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(handle, old.st_uid, old.st_gid)
        except PermissionError:  # only root may give files away; the group is what readers need
            with contextlib.suppress(PermissionError):
                os.fchown(handle, -1, old.st_gid)
