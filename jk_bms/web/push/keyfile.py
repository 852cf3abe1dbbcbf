"""The key that all pushes of this house are signed with: made once, in a file that only the service reads.

Another key ends every subscription; the pages that open next subscribe anew.
"""

import os
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from jk_bms.errors import StoreError, reason
from jk_bms.store.files import free_name, give_to_owner_of_folder

NAME = "push-key.pem"  # beside web.db
MODE = 0o600
POINT = 65  # bytes: the public half, which ends the file's PKCS#8


@cache
def installed() -> bool:
    """Whether the library that encrypts is there; it is not loaded."""
    return find_spec("cryptography") is not None


class KeyFile:
    """The key beside the database at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(NAME)

    def public(self) -> bytes:
        """Return the public half, without loading the library; b"": no key was made yet. Raises StoreError."""
        pem = self.read()
        lines = [line for line in pem.split(b"\n") if line and not line.startswith(b"-----")]
        try:
            point = b64decode(b"".join(lines), validate=True)[-POINT:]
        except Error:
            point = b""
        if pem and (len(point) != POINT or point[0] != 4):
            raise StoreError(f"{self.path}: holds no key; remove it, and all browsers subscribe anew")
        return point

    def read(self) -> bytes:
        """Return the file's text; b"": there is none. Closes what others could read. Raises StoreError."""
        try:
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(MODE)
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be read: {reason(error)}") from error

    def make(self) -> bytes:
        """Make a key unless there is one; return the public half. Raises StoreError."""
        if not (there := self.public()):
            from jk_bms.web.push.crypto import new_key

            try:
                aside = free_name(self.path, "new")
                with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
                    give_to_owner_of_folder(aside, file.fileno())
                    file.write(new_key())
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(self.path)
            except OSError as error:
                raise StoreError(f"{self.path}: cannot be written: {reason(error)}") from error
            there = self.public()
        return there


def base64url(data: bytes) -> str:
    """Return ``data`` as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """Return what base64url ``text``, padded or not, stands for. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*={0,2}", text):
        raise ValueError("expected base64url")
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
