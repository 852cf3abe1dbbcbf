"""The bot's own database ``bot.db``: its chats, its place in Telegram's updates and in the events of
``bms.db``, and the messages that still have to arrive.

A message and the place in the events it comes from are written in one transaction: it is in the
queue before the place moves on, so none is lost. Before it is handed to Telegram it is marked, and
deleted when Telegram has it: what is found marked after a crash may have arrived.

While the file cannot be written (a full disk, a card that has become read-only) all of that goes on in
memory, and back into the file as soon as that can be written again. A note outside the file says since
when: what is found in the file after a crash meanwhile may have arrived, too. Where the file could not even
be read, what came about meanwhile is added to what it holds.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jk_bms.bot.choices import Choices
from jk_bms.bot.outgoing import Outgoing, Waiting, pieces
from jk_bms.errors import ConfigError, StoreError
from jk_bms.store.aside import AsideWriter
from jk_bms.store.database import (
    Opened,
    copy_in_memory,
    empty_in_memory,
    open_writing,
    read_in_memory,
)
from jk_bms.store.files import real
from jk_bms.store.lock import NoLock
from jk_bms.store.schema import Migration, Schema
from jk_bms.store.sqlite_errors import is_unwritable

log = logging.getLogger(__name__)

T = TypeVar("T")

BOT_DB = Schema(
    name="bot.db",
    setting="BOT_DB_PATH",
    user="bot",
    steps=(
        Migration(
            "chats, notes and outbox",
            """
    CREATE TABLE chats (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,               -- private, group, supergroup, channel
        title TEXT NOT NULL,
        language TEXT,                    -- of the person's client, where it said
        allowed INTEGER NOT NULL,         -- claimed the bot, or followed a chat that is allowed
        monitoring INTEGER NOT NULL
    );
    CREATE TABLE notes (                  -- offset, cursors, dates, levels
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL               -- JSON
    );
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        chat INTEGER NOT NULL,
        made REAL NOT NULL,               -- s since 1970
        tried INTEGER NOT NULL DEFAULT 0, -- handed to Telegram, answer unknown
        message BLOB NOT NULL             -- msgpack of Outgoing
    );
    """,
        ),
        # Before, a person who had claimed the bot might do everything; a group that had lets its members look.
        Migration(
            "roles, topics and choices",
            """
    ALTER TABLE chats ADD COLUMN role TEXT NOT NULL DEFAULT 'guest';  -- of who claimed it: owner, guest
    UPDATE chats SET role = 'owner' WHERE allowed AND id > 0;
    ALTER TABLE chats ADD COLUMN topic INTEGER;                       -- of a forum, where messages go
    ALTER TABLE chats ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';  -- JSON of Choices
    """,
            readable_from=2,
        ),
    ),
)
VERSION = BOT_DB.version
TABLES = ("chats", "notes", "outbox")
BOUND = "DELETE FROM outbox WHERE number <= (SELECT max(number) FROM outbox) - ?"
COLUMNS = (
    "id",
    "kind",
    "title",
    "language",
    "allowed",
    "monitoring",
    "role",
    "topic",
    "choices",
)  # of ``_chat``
EVERY_CHAT = f"SELECT {', '.join(COLUMNS)} FROM chats"  # noqa: S608 - names of ours
# Columns that only a newer version of this program knows keep what it wrote there.
PUT_CHAT = (
    f"INSERT INTO chats ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS[1:])}"
)
EVERY_NOTE = "SELECT name, value FROM notes"


AGAIN = 30.0  # s between two attempts to write the file again
MOST_HELD = 500  # messages that wait in memory; the oldest go first
FIRST_HELD = 2**62  # number of the first message in memory while those of the file are not known
WITNESS = "bot-unsaved"  # name of the note outside the file


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that the bot has met."""

    id: int
    kind: str = "private"
    title: str = ""
    language: str | None = None
    allowed: bool = False
    monitoring: bool = False
    role: str = "guest"  # of who is allowed because he claimed the bot: owner, guest
    topic: int | None = None  # of a forum, where what the bot sends by itself goes
    choices: Choices = Choices()


Statement = tuple[str, tuple[object, ...]]  # of SQL, with its parameters

ALL_DOUBTFUL: Statement = ("UPDATE outbox SET tried = 1", ())


class Unread(msgspec.Struct, frozen=True):
    """What memory began with while the file could not be read, and what was done to rows that only it has."""

    chats: dict[int, Chat]
    notes: dict[str, Any]
    missed: list[Statement]


class BotStore(AsideWriter):
    """The open database. What cannot be written is kept in memory; to read what is damaged is a StoreError.

    What was read once is kept, so ``chats``, ``chat`` and ``note`` cost nothing; what changes the file is
    on the disk when it returns, and in an event loop goes through ``aside``.
    """

    def __init__(self, opened: Opened, witness: Path | None = None) -> None:
        super().__init__(opened, lambda: datetime.now(UTC))
        if opened.damage is not None:
            self._tell_damage(*opened.damage)
        self.failure = ""  # why the file cannot be written at the moment; empty: it can
        # Messages of between these times may have been sent by a run that could not note it.
        self.doubt: tuple[datetime, datetime] | None = None
        self._held: sqlite3.Connection | None = None  # in the place of the file while that cannot be written
        self._unread: Unread | None = None  # what is in memory did not begin with all that the file holds
        self._renumbered: dict[int, int] = {}  # numbers of messages in memory, and what the file calls them
        self._again_at = 0.0  # monotonic: when the file is tried again
        self._witness = witness
        self._read_witness()
        self._wake: Callable[[], None] = lambda: None
        self._chats: dict[int, Chat] = {}
        self._notes: dict[str, Any] = {}
        self._load()

    def close(self) -> None:
        """Close the database and let another process use it."""
        self._thread.shutdown()
        if self._held is not None:
            self._go_back()
        super().close()

    def on_queued(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called, in any thread, when there is something to send."""
        self._wake = wake

    def _load(self) -> None:
        self._chats = {row[0]: _chat(row) for row in self._rows(EVERY_CHAT)}
        self._notes = {name: json.loads(value) for name, value in self._rows(EVERY_NOTE)}

    # Chats

    def chats(self) -> list[Chat]:
        """Every chat that was met."""
        return list(self._chats.values())

    def chat(self, number: int) -> Chat:
        """The chat of that id; one that was not met yet has nothing but its id."""
        return self._chats.get(number) or Chat(id=number)

    def remember(self, chat: Chat) -> None:
        """Write what is known of ``chat``."""
        if self._chats.get(chat.id) == chat:
            return
        self._write(lambda db: _put_chat(db, chat))
        self._chats[chat.id] = chat

    def change_chat(self, number: int, **fields: Any) -> Chat:
        """Change these ``fields`` of a chat; return it."""
        chat = msgspec.structs.replace(self.chat(number), **fields)
        self.remember(chat)
        return chat

    def move_chat(self, old: int, new: int) -> None:
        """A group became a supergroup and has a new id: everything goes there."""
        chat = msgspec.structs.replace(self.chat(old), id=new, kind="supergroup", allowed=True)

        def move(db: sqlite3.Connection) -> None:
            db.execute("UPDATE OR REPLACE chats SET id = ? WHERE id = ?", (new, old))
            _put_chat(db, chat)
            db.execute("UPDATE outbox SET chat = ? WHERE chat = ?", (new, old))
            _put_notes(db, {f"moved:{old}": new})

        self._write(
            move,
            ("DELETE FROM chats WHERE id = ?", (old,)),
            ("UPDATE outbox SET chat = ? WHERE chat = ?", (new, old)),
        )
        self._chats.pop(old, None)
        self._chats[new] = chat
        self._notes[f"moved:{old}"] = new
        self._wake()

    def present_id(self, number: int) -> int:
        """Return where the chat of that id is today."""
        return int(self.note(f"moved:{number}", number))

    # Notes

    def note(self, name: str, default: Any = None) -> Any:
        """Return a noted value: offset, cursors, dates."""
        return self._notes.get(name, default)

    def set_notes(self, values: Mapping[str, Any]) -> None:
        """Note ``values`` (JSON), all or none."""
        self.queue((), values)

    # Messages that must arrive

    def queue(
        self,
        messages: Iterable[Outgoing],
        notes: Mapping[str, Any] | None = None,
        *,
        doubtful: bool = False,
    ) -> None:
        """Queue ``messages`` and note ``notes`` (a cursor, a date) in one transaction.

        ``doubtful``: they may have arrived before.
        """
        made = time.time()
        rows = [
            (self.present_id(part.chat), made, doubtful, msgspec.msgpack.encode(part))
            for message in messages
            for part in pieces(message)
        ]
        changed = {
            name: value
            for name, value in (notes or {}).items()
            if name not in self._notes or self._notes[name] != value
        }
        if not rows and not changed:
            return

        def put(db: sqlite3.Connection) -> None:
            db.executemany("INSERT INTO outbox (chat, made, tried, message) VALUES (?, ?, ?, ?)", rows)
            _put_notes(db, changed)

        self._write(put)
        self._notes.update(changed)
        if rows:
            self._wake()

    def waiting(self) -> list[int]:
        """The chats for which something waits, whose oldest message waits longest first."""
        return [row[0] for row in self._rows("SELECT chat FROM outbox GROUP BY chat ORDER BY min(number)")]

    def oldest(self, chat: int, limit: int = 1000) -> list[Waiting]:
        """What waits for ``chat``, oldest first."""
        rows = self._rows(
            "SELECT number, message, made, tried FROM outbox WHERE chat = ? ORDER BY number LIMIT ?",
            (chat, limit),
        )
        return [
            Waiting(number, msgspec.msgpack.decode(message, type=Outgoing), made, bool(tried))
            for number, message, made, tried in rows
        ]

    def trying(self, numbers: Iterable[int]) -> None:
        """These are about to be handed to Telegram."""
        self._mark(numbers, "UPDATE outbox SET tried = 1 WHERE number = ?")

    def not_taken(self, numbers: Iterable[int]) -> None:
        """Telegram surely did not take these."""
        self._mark(numbers, "UPDATE outbox SET tried = 0 WHERE number = ?")

    def done(self, numbers: Iterable[int]) -> None:
        """These arrived, or never will."""
        self._mark(numbers, "DELETE FROM outbox WHERE number = ?")

    def _mark(self, numbers: Iterable[int], statement: str) -> None:
        asked = list(numbers)

        def mark(db: sqlite3.Connection) -> None:
            db.executemany(statement, [(self._renumbered.get(number, number),) for number in asked])

        in_file = [self._renumbered.get(number, number) for number in asked]
        self._write(mark, *((statement, (number,)) for number in in_file if number < FIRST_HELD))

    def may_have_arrived(self, at: datetime) -> bool:
        """Whether what happened ``at`` that time may have been told by a run that could not note it."""
        return self.doubt is not None and self.doubt[0] <= at <= self.doubt[1]

    def _write(self, change: Callable[[sqlite3.Connection], object], *in_file: Statement) -> None:
        """Run ``change``. ``in_file``: what of it is for rows of the file, should those not be in memory."""
        self._try_again()
        if self._held is not None:
            self._hold(change, in_file)
            return
        lost = self.begun_anew
        try:
            self.write(change)
        except StoreError as error:
            self._go_into_memory(str(error))
            self._hold(change, in_file)
            return
        if self.begun_anew != lost:
            self._write_known()

    # While the file cannot be written

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        if self._held is None:
            return super()._rows(query, parameters)
        with self._lock:
            return self._held.execute(query, parameters).fetchall()

    def _go_into_memory(self, failure: str, *, unread: bool = False) -> None:
        """Go on without the file, from what it held. ``unread``: the connection has nothing of the file."""
        log.error(
            "%s: going on in memory until it can be written: what is sent now may be sent again", failure
        )
        with self._lock:
            held = None
            if not unread:
                with suppress(sqlite3.Error):
                    held = copy_in_memory(BOT_DB, self._connection)
            if held is None:  # it cannot even be read: then what is known without it
                held = self._begin_unread()
            held.execute(BOUND, (MOST_HELD,))
            self._held = held
        self.failure, self._again_at = failure, time.monotonic() + AGAIN
        self._write_witness()

    def _begin_unread(self) -> sqlite3.Connection:
        self._unread = Unread(dict(self._chats), dict(self._notes), [])
        held = empty_in_memory(BOT_DB)
        for chat in self._chats.values():
            _put_chat(held, chat)
        _put_notes(held, self._notes)
        # So that what the sender has in hand is never taken for a message of the file.
        last = max(self._renumbered, default=FIRST_HELD - 1)
        held.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (last,))
        return held

    def _hold(self, change: Callable[[sqlite3.Connection], object], in_file: Iterable[Statement]) -> None:
        held = self._held
        assert held is not None
        if self._unread is not None:
            self._unread.missed.extend(in_file)
        with self._lock:
            held.execute("BEGIN")
            try:
                change(held)
                held.execute(BOUND, (MOST_HELD,))
                held.execute("COMMIT")
            except BaseException:
                held.execute("ROLLBACK")
                raise

    def _try_again(self) -> None:
        """Go back into the file when it is time, and have sent what is found there."""
        if self._held is None or time.monotonic() < self._again_at:
            return
        unread = self._unread is not None
        self._go_back()
        if unread and self._held is None:
            self._wake()

    def _go_back(self) -> None:
        """Bring all that is in memory back into the file, if that can be written again."""
        held, unread = self._held, self._unread
        assert held is not None
        self._again_at = time.monotonic() + AGAIN
        try:
            self._open_again()
            if unread is None:
                self.write(lambda db: _replace_all(db, held))
            else:
                self._renumbered |= self.write(lambda db: _add(db, held, unread))
        except (StoreError, ConfigError) as error:
            self.failure = str(error)
            return
        with self._lock:
            self._held = self._unread = None
            held.close()
        self.failure = ""
        if unread is not None:
            self._load()
        if self._witness is not None:
            with suppress(OSError):
                self._witness.unlink()
        log.info("%s: can be written again", self.path)

    def _open_again(self) -> None:
        """Open the file where this run never could. Raises ConfigError, StoreError."""
        if not self.locked:
            self._take_over(open_writing(BOT_DB, self.path, self._now))

    def _write_witness(self) -> None:
        """Note where a crash does not lose it that sending is not noted in the file."""
        if self._witness is None or self._witness.exists():
            return
        with suppress(OSError):  # then a repeat is not marked, which is better than none
            self._witness.write_text(f"{datetime.now(UTC).isoformat()}\n", encoding="ascii")

    def _read_witness(self) -> None:
        """Find out whether an earlier run ended while it could not write: then all that waits is doubtful."""
        if self._witness is None:
            return
        try:
            since = datetime.fromisoformat(self._witness.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return
        if since.tzinfo is None:
            return
        self.doubt = since, datetime.now(UTC)
        self._write(lambda db: db.execute(*ALL_DOUBTFUL))
        if self._held is None and self.locked:
            with suppress(OSError):
                self._witness.unlink()

    def look(self) -> bool:
        """Notice that the file was taken away or replaced, and put that right. Raises StoreError."""
        self._try_again()
        lost = self.begun_anew
        put_right = super().look()
        if self.begun_anew != lost:
            self._write_known()
        return put_right

    def _write_known(self) -> None:
        """Give a file that was begun anew all that is still known of the one before."""

        def put(db: sqlite3.Connection) -> None:
            for chat in self._chats.values():
                _put_chat(db, chat)
            _put_notes(db, self._notes)

        self.write(put)


def open_store(path: Path, witness: Path | None = None) -> BotStore:
    """Open ``bot.db``; create or migrate it. A damaged file is moved aside, never deleted.

    Where the disk does not let it be written, the store is in memory, with all that could be read.
    ``witness``: the note outside the file, see above. Raises ConfigError when it is not ours, StoreError
    when another bot uses it, or when it is of a newer version of this program.
    """

    def now() -> datetime:
        return datetime.now(UTC)

    try:
        return BotStore(open_writing(BOT_DB, path, now), witness)
    except StoreError as error:
        if not is_unwritable(error.__cause__):
            raise
        read = read_in_memory(BOT_DB, real(path))
        held = read or empty_in_memory(BOT_DB)
        store = BotStore(Opened(BOT_DB, real(path), held, NoLock(), None), witness)
        store._go_into_memory(str(error), unread=read is None)
        if store._unread is not None and store.doubt is not None:
            store._unread.missed.append(ALL_DOUBTFUL)
        return store


def _replace_all(db: sqlite3.Connection, held: sqlite3.Connection) -> None:
    """Have ``db`` hold what ``held`` does, which began with all of it."""
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
        rows = held.execute(f"SELECT * FROM {table}")  # noqa: S608
        names = [column[0] for column in rows.description]
        places = ", ".join("?" * len(names))
        db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows.fetchall())  # noqa: S608


def _add(db: sqlite3.Connection, held: sqlite3.Connection, unread: Unread) -> dict[int, int]:
    """Add to ``db`` what came about in ``held`` meanwhile; return the new number of each message."""
    for statement, parameters in unread.missed:
        db.execute(statement, parameters)
    in_file = {row[0]: _chat(row) for row in db.execute(EVERY_CHAT)}
    for chat in map(_chat, held.execute(EVERY_CHAT).fetchall()):
        _put_chat(db, _changed(in_file.get(chat.id, chat), unread.chats.get(chat.id, Chat(id=chat.id)), chat))
    noted = {name for name, _ in db.execute(EVERY_NOTE)}
    notes = {name: json.loads(value) for name, value in held.execute(EVERY_NOTE)}
    _put_notes(
        db,
        {
            name: value
            for name, value in notes.items()
            if name not in noted or name not in unread.notes or unread.notes[name] != value
        },
    )
    renumbered: dict[int, int] = {}
    every = "SELECT number, chat, made, tried, message FROM outbox ORDER BY number"
    for number, *row in held.execute(every).fetchall():
        put = db.execute("INSERT INTO outbox (chat, made, tried, message) VALUES (?, ?, ?, ?)", row)
        assert put.lastrowid is not None
        renumbered[number] = put.lastrowid
    return renumbered


def _changed(chat: Chat, before: Chat, after: Chat) -> Chat:
    """Return ``chat`` with what differs between ``before`` and ``after``."""
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    return msgspec.structs.replace(chat, **{name: new[name] for name in new if new[name] != old[name]})


def _chat(row: tuple[Any, ...]) -> Chat:
    number, kind, title, spoken, allowed, monitoring, role, topic, chosen = row
    try:
        choices = msgspec.json.decode(chosen, type=Choices)
    except msgspec.MsgspecError:  # of a newer version: then as the settings of the house say
        choices = Choices()
    return Chat(
        id=number,
        kind=kind,
        title=title,
        language=spoken,
        allowed=bool(allowed),
        monitoring=bool(monitoring),
        role=role,
        topic=topic,
        choices=choices,
    )


def _put_chat(db: sqlite3.Connection, chat: Chat) -> None:
    db.execute(
        PUT_CHAT,
        (
            chat.id,
            chat.kind,
            chat.title,
            chat.language,
            chat.allowed,
            chat.monitoring,
            chat.role,
            chat.topic,
            msgspec.json.encode(chat.choices).decode(),
        ),
    )


def _put_notes(db: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    db.executemany(
        "INSERT INTO notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [(name, json.dumps(value, ensure_ascii=False)) for name, value in values.items()],
    )
