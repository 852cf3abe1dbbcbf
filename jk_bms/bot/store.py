"""The bot's own database ``bot.db``: its chats, its place in Telegram's updates and in the events of
``bms.db``, and the messages that still have to arrive.

A message and the place in the events it comes from are written in one transaction: it is in the
queue before the place moves on, so none is lost. Before it is handed to Telegram it is marked, and
deleted when Telegram has it: what is found marked after a crash may have arrived.

While the file cannot be written (a full disk, a card that has become read-only) all of that goes on in
memory, and back into the file as soon as that can be written again. A note outside the file says since
when: what is found in the file after a crash meanwhile may have arrived, too.
"""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from jk_bms.bot.choices import Choices
from jk_bms.bot.outgoing import Outgoing, Waiting, pieces
from jk_bms.errors import ConfigError, StoreError
from jk_bms.store.database import Kind, Lock, Opened, Step, Writer, open_writing, real
from jk_bms.store.sqlite_errors import is_unwritable

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

BOT_DB = Kind(
    name="bot.db",
    setting="BOT_DB_PATH",
    user="bot",
    steps=(
        Step(
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
        Step(
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
COLUMNS = "id, kind, title, language, allowed, monitoring, role, topic, choices"  # as ``_chat`` takes them


AGAIN = 30.0  # s between two attempts to write the file again
MOST_HELD = 500  # messages that wait in memory; the oldest go first
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


class BotStore(Writer):
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
        self._again_at = 0.0  # monotonic: when the file is tried again
        self._witness = witness
        self._read_witness()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bot.db")
        self._wake: Callable[[], None] = lambda: None
        every = f"SELECT {COLUMNS} FROM chats"  # noqa: S608 - names of ours
        self._chats = {row[0]: _chat(row) for row in self._rows(every)}
        self._notes = {name: json.loads(value) for name, value in self._rows("SELECT name, value FROM notes")}

    def close(self) -> None:
        """Close the database and let another process use it."""
        self._thread.shutdown()
        if self._held is not None:
            self._go_back()
        super().close()

    async def aside(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of this store in its own thread, in order, while the event loop goes on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))

    def on_queued(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called, in any thread, when there is something to send."""
        self._wake = wake

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
            db.execute("DELETE FROM chats WHERE id = ?", (old,))
            _put_chat(db, chat)
            db.execute("UPDATE outbox SET chat = ? WHERE chat = ?", (new, old))
            _put_notes(db, {f"moved:{old}": new})

        self._write(move)
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
        rows = [(number,) for number in numbers]
        self._write(lambda db: db.executemany(statement, rows))

    def may_have_arrived(self, at: datetime) -> bool:
        """Whether what happened ``at`` that time may have been told by a run that could not note it."""
        return self.doubt is not None and self.doubt[0] <= at <= self.doubt[1]

    def _write(self, change: Callable[[sqlite3.Connection], object]) -> None:
        if self._held is not None and time.monotonic() >= self._again_at:
            self._go_back()
        if self._held is not None:
            self._hold(change)
            return
        lost = self.begun_anew
        try:
            self.write(change)
        except StoreError as error:
            self._go_into_memory(str(error))
            self._hold(change)
            return
        if self.begun_anew != lost:
            self._write_known()

    # While the file cannot be written

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        if self._held is None:
            return super()._rows(query, parameters)
        with self._lock:
            return self._held.execute(query, parameters).fetchall()

    def _go_into_memory(self, failure: str) -> None:
        """Go on without the file, from what it held."""
        log.error(
            "%s: going on in memory until it can be written: what is sent now may be sent again", failure
        )
        with self._lock:
            try:
                held = memory_of(self._connection)
            except sqlite3.Error:  # it cannot even be read: then what is known without it
                held = _empty()
                for chat in self._chats.values():
                    _put_chat(held, chat)
                _put_notes(held, self._notes)
            held.execute(BOUND, (MOST_HELD,))
            self._held = held
        self.failure, self._again_at = failure, time.monotonic() + AGAIN
        self._write_witness()

    def _hold(self, change: Callable[[sqlite3.Connection], object]) -> None:
        held = self._held
        assert held is not None
        with self._lock:
            held.execute("BEGIN")
            try:
                change(held)
                held.execute(BOUND, (MOST_HELD,))
                held.execute("COMMIT")
            except BaseException:
                held.execute("ROLLBACK")
                raise

    def _go_back(self) -> None:
        """Bring all that is in memory back into the file, if that can be written again."""
        held = self._held
        assert held is not None
        self._again_at = time.monotonic() + AGAIN

        def put(db: sqlite3.Connection) -> None:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
                rows = held.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
                if rows:
                    places = ", ".join("?" * len(rows[0]))
                    db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608

        try:
            self._open_again()
            self.write(put)
        except (StoreError, ConfigError) as error:
            self.failure = str(error)
            return
        with self._lock:
            self._held = None
            held.close()
        self.failure = ""
        if self._witness is not None:
            with suppress(OSError):
                self._witness.unlink()
        log.info("%s: can be written again", self.path)

    def _open_again(self) -> None:
        """Open the file where this run never could. Raises ConfigError, StoreError."""
        if not isinstance(self._lock_file, _NoLock):
            return
        opened = open_writing(BOT_DB, self.path, self._now)
        with self._lock:
            self._connection.close()
            self._lock_file = opened.lock
            self._adopt(opened.connection)

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
        self._write(lambda db: db.execute("UPDATE outbox SET tried = 1"))
        if self._held is None:
            with suppress(OSError):
                self._witness.unlink()

    def look(self) -> bool:
        """Notice that the file was taken away or replaced, and put that right. Raises StoreError."""
        if isinstance(self._lock_file, _NoLock):
            return False
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
        store = BotStore(Opened(BOT_DB, real(path), _as_read(real(path)), _NoLock(), None), witness)
        store._go_into_memory(str(error))
        return store


class _NoLock(Lock):
    """In the place of the lock of a file that cannot be written: nothing is held."""

    def __init__(self) -> None:
        self.witness = None

    def close(self) -> None:
        """Nothing is held."""


def _as_read(path: Path) -> sqlite3.Connection:
    """Return what can be read of the file at ``path``, in memory: nothing, when there is nothing of ours."""
    for mode in ("ro", "ro&immutable=1"):  # beside a read-only file SQLite may not be able to read its log
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True)) as file,
        ):
            if int(file.execute("PRAGMA user_version").fetchone()[0]) == BOT_DB.version:
                return memory_of(file)
    return _empty()


def _empty() -> sqlite3.Connection:
    empty = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for step in BOT_DB.steps:
        empty.executescript(step.script)
    return empty


def memory_of(file: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of an open database in memory."""
    held = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    file.backup(held)
    return held


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
    places = ", ".join("?" * len(COLUMNS.split(",")))
    db.execute(
        f"INSERT OR REPLACE INTO chats ({COLUMNS}) VALUES ({places})",  # noqa: S608 - names of ours
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
        "INSERT OR REPLACE INTO notes VALUES (?, ?)",
        [(name, json.dumps(value, ensure_ascii=False)) for name, value in values.items()],
    )
