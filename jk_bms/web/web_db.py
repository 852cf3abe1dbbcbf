"""The page's own database ``web.db``: the password, who is signed in, tokens of programs, wrong tries, who is pushed to.

No secret that lets anybody in stands in it in the clear: of the password a salted scrypt, of sessions and tokens a
SHA-256. Where a browser's pushes go must be known as it is.
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
        Migration(
            "who is pushed to",
            """
    CREATE TABLE subscriptions (          -- browsers that get alerts while they are closed
        session BLOB PRIMARY KEY,         -- hash of the session that it ends with
        endpoint TEXT NOT NULL UNIQUE,    -- where its push service takes messages
        p256dh BLOB NOT NULL,             -- what they are encrypted for
        auth BLOB NOT NULL,
        key BLOB NOT NULL,                -- ours, public, that it was made for
        origin TEXT NOT NULL,             -- of the page as this browser opens it
        language TEXT NOT NULL,
        made REAL NOT NULL,               -- s since 1970, as below
        place INTEGER NOT NULL,           -- the last event of bms.db that is done with
        answered REAL NOT NULL,           -- when the push service last did what it is there for
        failing REAL,                     -- since when it does not; NULL: it does
        refused REAL,                     -- when it refused us; NULL: it does not
        refusal TEXT NOT NULL DEFAULT '', -- why
        refused_as TEXT NOT NULL DEFAULT ''  -- what of ours was so then: another is tried at once
    );
    CREATE TABLE notes (
        name TEXT PRIMARY KEY,            -- push_contact
        value TEXT NOT NULL
    );
    """,
        ),
        Migration(
            "when a push service ended a subscription; NULL: it stands",
            "ALTER TABLE subscriptions ADD COLUMN ended REAL",
        ),
    ),
)

_ENDED = "DELETE FROM subscriptions WHERE session NOT IN (SELECT hash FROM sessions)"
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


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is pushed to; the columns of its table."""

    session: bytes
    endpoint: str
    p256dh: bytes
    auth: bytes
    key: bytes
    origin: str
    language: str
    made: float
    place: int
    answered: float
    failing: float | None = None
    refused: float | None = None
    refusal: str = ""
    refused_as: str = ""
    ended: float | None = None  # s since 1970: nothing goes there any more, which its owner is to learn


_SUBSCRIPTION = Subscription.__struct_fields__


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
        self._pushes: dict[bytes, Subscription] = {}  # by session; also those that ended
        self.notes: dict[str, str] = {}
        self._load()

    def _load(self) -> None:
        stored = self._rows("SELECT stored FROM password")
        self.password = stored[0][0] if stored else None
        sessions = self._rows("SELECT id, hash, scope, name, browser, secure, made, used FROM sessions")
        self.sessions = {row[1]: _session(row) for row in sessions}
        tokens = self._rows("SELECT id, hash, scope, name, made, expires, used FROM tokens")
        self.tokens = {row[1]: _token(row) for row in tokens}
        self.tries = [Try(*row) for row in self._rows("SELECT kind, address, at FROM tries ORDER BY at")]
        pushes = self._rows(f"SELECT {', '.join(_SUBSCRIPTION)} FROM subscriptions ORDER BY made")  # noqa: S608
        self._pushes = {row[0]: Subscription(**dict(zip(_SUBSCRIPTION, row, strict=True))) for row in pushes}
        self.notes = dict(self._rows("SELECT name, value FROM notes"))

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
            db.execute(_ENDED)

        self.write(change)
        self.password = stored
        self.tokens = {}
        self._keep({key: session for key, session in self.sessions.items() if key == keep})

    def _keep(self, sessions: dict[bytes, Session]) -> None:
        """Know no other sessions than these, and what ends with the others no more."""
        self.sessions = sessions
        self._pushes = {key: one for key, one in self._pushes.items() if key in sessions}

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
            db.execute(_ENDED)
            return int(cursor.lastrowid or 0)

        kept = msgspec.structs.replace(session, id=self.write(change))
        others = {key: one for key, one in self.sessions.items() if key != instead_of}
        self._keep({**others, kept.hash: kept})
        return kept

    def end_sessions(self, hashes: set[bytes]) -> None:
        """End the sessions with these hashes."""

        def change(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM sessions WHERE hash = ?", [(key,) for key in hashes])
            db.execute(_ENDED)

        self.write(change)
        self._keep({key: session for key, session in self.sessions.items() if key not in hashes})

    def note_use(self, key: bytes, now: float) -> None:
        """Note that the session with the hash ``key`` is in use; in memory also where it cannot be written."""
        if key in self.sessions:
            self.sessions[key] = msgspec.structs.replace(self.sessions[key], used=now)
        self.write(lambda db: db.execute("UPDATE sessions SET used = ? WHERE hash = ?", (now, key)))

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

    # Push

    @property
    def subscriptions(self) -> dict[bytes, Subscription]:
        """Who is pushed to, by session."""
        return {key: one for key, one in self._pushes.items() if one.ended is None}

    @property
    def ended(self) -> dict[bytes, Subscription]:
        """Whose subscription a push service, or a new key of ours, ended, by session."""
        return {key: one for key, one in self._pushes.items() if one.ended is not None}

    def subscribe(self, subscription: Subscription) -> None:
        """Keep a subscription in the place of its session's, or of that with the same endpoint, before it."""
        marks = ", ".join("?" * len(_SUBSCRIPTION))
        values = [getattr(subscription, name) for name in _SUBSCRIPTION]
        self.write(lambda db: db.execute(f"INSERT OR REPLACE INTO subscriptions VALUES ({marks})", values))  # noqa: S608
        others = {key: one for key, one in self._pushes.items() if one.endpoint != subscription.endpoint}
        self._pushes = {**others, subscription.session: subscription}

    def note_push(self, session: bytes, **fields: float | str | None) -> None:
        """Change ``fields`` of a subscription, where it still stands."""
        if (before := self._pushes.get(session)) is None:
            return
        names = ", ".join(f"{name} = ?" for name in fields)
        self.write(
            lambda db: db.execute(
                f"UPDATE subscriptions SET {names} WHERE session = ?",  # noqa: S608  # columns, not text of others
                [*fields.values(), session],
            )
        )
        self._pushes[session] = msgspec.structs.replace(before, **fields)

    def unsubscribe(self, sessions: set[bytes]) -> None:
        """End the subscriptions of these sessions."""
        self.write(
            lambda db: db.executemany(
                "DELETE FROM subscriptions WHERE session = ?", [(key,) for key in sessions]
            )
        )
        self._pushes = {key: one for key, one in self._pushes.items() if key not in sessions}

    def set_note(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name``."""
        self.write(lambda db: db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value)))
        self.notes[name] = value

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
