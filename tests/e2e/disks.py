"""File systems that are small, full or read-only in earnest: mounted where only this test sees them. For root."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_NEW_MOUNTS = 0x20000  # CLONE_NEWNS; Python 3.11 does not know it
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def own_mounts() -> Iterator[None]:
    """Let this thread, and what it starts, have mounts of its own meanwhile."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    folder = Path.cwd()
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.unshare(_NEW_MOUNTS):
            pytest.skip(f"no mounts of one's own here: {os.strerror(ctypes.get_errno())}")
        try:
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            yield
        finally:
            assert _LIBC.setns(before, _NEW_MOUNTS) == 0
            os.chdir(folder)
    finally:
        os.close(before)


class Disk:
    """A small file system in memory at a folder, for as long as the mounts of the test last."""

    def __init__(self, folder: Path, options: str = "size=8m") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)

    def change(self, options: str) -> None:
        """Mount it anew, with other ``options``, as with ``ro`` or another size."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def fill(self) -> None:
        """Leave no room for a single byte."""
        with suppress(OSError), self._ballast.open("ab", 0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"
