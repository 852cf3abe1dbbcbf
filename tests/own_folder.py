"""Where the temporary folders of a run lie, whatever TMPDIR says."""

import re
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "jk-tests-"
KEPT = 86_400.0  # s that the folder of a run lies there in which something failed

# bytes; the name of a Unix socket has at most 107, and up to 80 are added to this
LONGEST = 20
# What stands in the address of a D-Bus unescaped.
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def temporary_root() -> Path:
    """Return the folder to make temporary folders in: that of the environment, or one that will do.

    Sockets below it need a short and plain path, tests as another user one that lets everybody through.
    """
    usual = Path(tempfile.gettempdir())
    candidates = (usual, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
    return next((folder for folder in candidates if _will_do(folder)), usual)


def make_own_folder(root: Path) -> Path:
    """Make a folder for one run in ``root``, and remove those that failed runs left there days ago."""
    for old in root.glob(f"{PREFIX}*"):
        if time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))


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
