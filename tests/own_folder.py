"""Where the temporary folders of a run lie, whatever TMPDIR says."""

import re
import tempfile
from pathlib import Path

# bytes; the name of a Unix socket has at most 107, and up to 80 are added to this
LONGEST = 24
# What stands in the address of a D-Bus unescaped.
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def temporary_root() -> Path:
    """Return the folder to make temporary folders in: that of the environment, or one that will do.

    Sockets below it need a short and plain path, tests as another user one that lets everybody through.
    """
    usual = Path(tempfile.gettempdir())
    candidates = (usual, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
    return next((folder for folder in candidates if _will_do(folder)), usual)


def _will_do(folder: Path) -> bool:
    text = str(folder)
    if len(text) > LONGEST or not PLAIN.fullmatch(text) or not folder.is_dir():
        return False
    if any(each.stat().st_mode & 0o001 == 0 for each in (folder, *folder.parents)):
        return False
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
