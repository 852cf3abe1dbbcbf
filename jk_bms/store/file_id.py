"""Which file it is, whatever it is called: a new file under an old name is another one.

Only while the file exists: the number of one that is gone is soon used again.
"""

import os
from pathlib import Path
from typing import NamedTuple


class FileId(NamedTuple):
    """One file of this machine."""

    device: int
    inode: int


def file_id(status: os.stat_result) -> FileId:
    """Which file ``status`` is of."""
    return FileId(status.st_dev, status.st_ino)


def file_id_at(path: Path) -> FileId | None:
    """Which file is at ``path``; None: there is none, or it cannot be looked at."""
    try:
        return file_id(path.stat())
    except OSError:
        return None
