"""Where the temporary files of a run lie, whatever TMPDIR says: in one folder, which goes with the run.

A run that is killed cannot tidy up: the next one removes what it left.
"""

import fcntl
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "jk-run-"
TESTS = "t"  # below it lie the folders of single tests; those that failed are kept
KEPT = 86_400.0  # s that the folder of a run lies there in which something failed
KEPT_RUNS = 3  # so many of them; the newest
MAKING = 60.0  # s; a folder so young may be that of a run which has not locked it yet

# bytes; the name of a Unix socket has at most 107, and up to 80 are added to this by a run ...
LONGEST = 20
LONGEST_FOR_BUS = 70  # ... and up to 30 by a bus of its own
# What stands in the address of a D-Bus unescaped.
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


class OwnFolder:
    """The folder of one run below ``root``: locked while the run lives, and the place of all it makes.

    The environment's TMPDIR is this folder from now on, also for the programs that tests start: what one
    of them leaves behind when it is killed lies in it too.
    """

    def __init__(self, root: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path.chmod(0o1777)  # as /tmp: tests start programs as other users
        remove_abandoned(root, self.path.stat().st_mtime)

    def use(self) -> None:
        """Have temporary files made in it from now on, here and in the programs started from here."""
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.path)

    @property
    def tests(self) -> Path:
        """The folder for pytest, which makes it itself."""
        return self.path / TESTS

    def end(self, *, keep: bool) -> None:
        """Remove it; with ``keep`` all but the files that failed tests left, if they left some."""
        if keep and any(not each.is_dir() for each in self.tests.rglob("*")):
            for each in self.path.iterdir():
                if each != self.tests:
                    _remove(each)
        else:
            _remove(self.path)
        os.close(self._lock)


def temporary_root(longest: int = LONGEST) -> Path:
    """Return the folder to make temporary folders in: that of the environment, or one that will do.

    Sockets below it need a plain path of at most ``longest`` bytes, tests as another user one that lets
    everybody through.
    """
    usual = Path(tempfile.gettempdir())
    candidates = (usual, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
    return next((folder for folder in candidates if _will_do(folder, longest)), usual)


def remove_abandoned(root: Path, now: float) -> None:
    """Remove our folders in ``root`` whose run lives no more, but for the newest ones, in which something failed.

    ``now`` is by the clock of the files: that of a run may be years ahead.
    """
    dead = [
        (changed, each)
        for each in root.glob(f"{PREFIX}*")
        if (changed := _changed(each)) is not None and now - changed > MAKING and not _is_locked(each)
    ]
    for place, (changed, each) in enumerate(sorted(dead, reverse=True)):
        if place >= KEPT_RUNS or now - changed > KEPT:
            _remove(each)


def _changed(folder: Path) -> float | None:
    """Return when it last changed; None: it is gone meanwhile, or another user's."""
    with suppress(OSError):
        found = folder.stat()
        return found.st_mtime if found.st_uid == os.geteuid() else None
    return None


def _is_locked(folder: Path) -> bool:
    """Whether its run lives, as far as can be told."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _will_do(folder: Path, longest: int) -> bool:
    text = str(folder)
    if len(text) > longest or not PLAIN.fullmatch(text) or not folder.is_dir():
        return False
    if any(each.stat().st_mode & 0o001 == 0 for each in (folder, *folder.parents)):
        return False
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
