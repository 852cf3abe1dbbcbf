"""The page's own database ``web.db``: the password, who is signed in, tokens of programs, wrong tries.

No secret stands in it in the clear: of the password a salted scrypt, of sessions and tokens a SHA-256.
It is small, so all of it is kept in memory as well; what changes is on the disk when a method returns,
and in an event loop goes through ``aside``.
"""

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from jk_bms.store.aside import AsideWriter
from jk_bms.store.database import Opened, open_writing
from jk_bms.store.schema import Migration, Schema

log = logging.getLogger(__name__)

T = TypeVar("T")

WEB_DB = Schema(
    name="web.db",
    setting="WEB_DB_PATH",
    user="page",
    steps=(
        Migration(
            "password, sessions, tokens and wrong tries",
            """
    CREATE TABLE password (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        stored TEXT NOT NULL              -- scrypt: its parameters, salt and key
    );
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL,               -- SHA-256 of what the browser holds
        scope TEXT NOT NULL,              -- read: a guest; admin
        name TEXT NOT NULL,               -- of a guest, as the owner called him
        browser TEXT NOT NULL,            -- in words
        secure INTEGER NOT NULL,          -- made over https: good over https only
        made REAL NOT NULL,               -- s since 1970
        used REAL NOT NULL                -- likewise, to the hour
    );
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL,
        scope TEXT NOT NULL,              -- read, control
        name TEXT NOT NULL,
        made REAL NOT NULL,
        expires REAL,                     -- NULL: never
        used REAL
    );
    CREATE TABLE tries (                  -- wrong ones, so that a restart forgives nothing
        kind TEXT NOT NULL,               -- password, code
        address TEXT NOT NULL,            -- of the machine, or the network of an IPv6 one
        at REAL NOT NULL
    );
    """,
        ),
    ),
)

USED_EVERY = 3600.0  # s between two notes that a session is in use: the card is spared


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in."""

    id: int
    hash: bytes
    scope: str
    name: str = ""
    browser: str = ""
    secure: bool = False
    made: float
    used: float


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a program signs in with."""

    id: int
    hash: bytes
    scope: str
    name: str
    made: float
    expires: float | None = None
    used: float | None = None


class Try(msgspec.Struct, frozen=True):
    """A wrong password or code."""

    kind: str
    address: str
    at: float


class WebStore(AsideWriter):
    """The open database."""

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened, lambda: datetime.now(UTC))
        if opened.damage is not None:
            self._tell_damage(*opened.damage)
        self.password: str | None = None
        self.sessions: dict[bytes, Session] = {}
        self.tokens: dict[bytes, Token] = {}
        self.tries: list[Try] = []
        self._load()

    def _load(self) -> None:
        stored = self._rows("SELECT stored FROM password")
        self.password = stored[0][0] if stored else None
        sessions = self._rows("SELECT id, hash, scope, name, browser, secure, made, used FROM sessions")
        self.sessions = {row[1]: _session(row) for row in sessions}
        tokens = self._rows("SELECT id, hash, scope, name, made, expires, used FROM tokens")
        self.tokens = {row[1]: _token(row) for row in tokens}
        self.tries = [Try(*row) for row in self._rows("SELECT kind, address, at FROM tries ORDER BY at")]

    def look(self) -> bool:
        """Have web.db made anew where it was taken away; what was lost in it is lost here too."""
        before = self.begun_anew
        done = super().look()
        if self.begun_anew != before:
            self._load()
        return done

    # Password

    def set_password(self, stored: str, keep: bytes | None = None) -> None:
        """Keep what ``stored`` says; all sessions but that with the hash ``keep``, and all tokens, end."""

        def change(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO password (one, stored) VALUES (1, ?)", (stored,))
            db.execute("DELETE FROM sessions WHERE hash IS NOT ?", (keep,))
            db.execute("DELETE FROM tokens")

        self.write(change)
        self.password = stored
        self.sessions = {key: session for key, session in self.sessions.items() if key == keep}
        self.tokens = {}

    # Sessions

    def add_session(self, session: Session, instead_of: bytes | None = None) -> Session:
        """Keep a new session, whose number is given here; that with the hash ``instead_of`` ends."""

        def change(db: sqlite3.Connection) -> int:
            if instead_of is not None:
                db.execute("DELETE FROM sessions WHERE hash = ?", (instead_of,))
            values = (
                session.hash,
                session.scope,
                session.name,
                session.browser,
                session.secure,
                session.made,
                session.used,
            )
            cursor = db.execute(
                "INSERT INTO sessions (hash, scope, name, browser, secure, made, used) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            return int(cursor.lastrowid or 0)

        kept = msgspec.structs.replace(session, id=self.write(change))
        if instead_of is not None:
            self.sessions.pop(instead_of, None)
        self.sessions[kept.hash] = kept
        return kept

    def end_sessions(self, hashes: set[bytes]) -> None:
        """End the sessions with these hashes."""
        self.write(
            lambda db: db.executemany("DELETE FROM sessions WHERE hash = ?", [(key,) for key in hashes])
        )
        self.sessions = {key: session for key, session in self.sessions.items() if key not in hashes}

    def note_use(self, key: bytes, now: float) -> None:
        """Note that the session with the hash ``key`` is in use."""
        self.write(lambda db: db.execute("UPDATE sessions SET used = ? WHERE hash = ?", (now, key)))
        if key in self.sessions:
            self.sessions[key] = msgspec.structs.replace(self.sessions[key], used=now)

    # Tokens

    def add_token(self, token: Token) -> Token:
        """Keep a new token, whose number is given here."""
        values = (token.hash, token.scope, token.name, token.made, token.expires)
        number = self.write(
            lambda db: (
                db.execute(
                    "INSERT INTO tokens (hash, scope, name, made, expires) VALUES (?, ?, ?, ?, ?)", values
                ).lastrowid
            )
        )
        kept = msgspec.structs.replace(token, id=number or 0)
        self.tokens[kept.hash] = kept
        return kept

    def end_token(self, number: int) -> None:
        """Make a token void."""
        self.write(lambda db: db.execute("DELETE FROM tokens WHERE id = ?", (number,)))
        self.tokens = {key: token for key, token in self.tokens.items() if token.id != number}

    # Tries

    def keep_tries(self, tries: list[Try]) -> None:
        """Keep these wrong tries, and no others."""

        def change(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM tries")
            db.executemany(
                "INSERT INTO tries (kind, address, at) VALUES (?, ?, ?)",
                [(one.kind, one.address, one.at) for one in tries],
            )

        self.write(change)


def open_store(path: Path) -> WebStore:
    """Open web.db for the one process that writes it; create or migrate it.

    A damaged file of ours is moved aside: then the set-up code is needed again. Raises ConfigError,
    StoreError as ``open_writing`` does.
    """
    return WebStore(open_writing(WEB_DB, path, lambda: datetime.now(UTC)))


def _session(row: tuple[int, bytes, str, str, str, int, float, float]) -> Session:
    number, key, scope, name, browser, secure, made, used = row
    return Session(
        id=number,
        hash=key,
        scope=scope,
        name=name,
        browser=browser,
        secure=bool(secure),
        made=made,
        used=used,
    )


def _token(row: tuple[int, bytes, str, str, float, float | None, float | None]) -> Token:
    number, key, scope, name, made, expires, used = row
    return Token(id=number, hash=key, scope=scope, name=name, made=made, expires=expires, used=used)
