"""The bot's own database ``bot.db``: its chats, its place in Telegram's updates and in the events of
``bms.db``, and the messages that still have to arrive.

A message and the place in the events it comes from are written in one transaction: it is in the
queue before the place moves on, so none is lost. Before it is handed to Telegram it is marked, and
deleted when Telegram has it: what is found marked after a crash may have arrived.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from jk_bms.bot.choices import Choices
from jk_bms.bot.outgoing import Outgoing, Waiting, pieces
from jk_bms.store.database import Kind, Opened, Step, Writer, open_writing

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
COLUMNS = "id, kind, title, language, allowed, monitoring, role, topic, choices"  # as ``_chat`` takes them


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that the bot has met."""

    id: int
    kind: str = "private"
    title: str = ""
    language: str | None = None
    allowed: bool = False
    monitoring: bool = False
    role: str = "guest"  # of who is allowed because he claimed the bot: owner, guest
    topic: int | None = None  # of a forum, where what nobody asked for goes
    choices: Choices = Choices()


class BotStore(Writer):
    """The open database. Every failure is a StoreError.

    What was read once is kept, so ``chats``, ``chat`` and ``note`` cost nothing; what changes the file is
    on the disk when it returns, and in an event loop goes through ``aside``.
    """

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened, lambda: datetime.now(UTC))
        if opened.damage is not None:
            self._tell_damage(*opened.damage)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bot.db")
        self._wake: Callable[[], None] = lambda: None
        every = f"SELECT {COLUMNS} FROM chats"  # noqa: S608 - names of ours
        self._chats = {row[0]: _chat(row) for row in self._rows(every)}
        self._notes = {name: json.loads(value) for name, value in self._rows("SELECT name, value FROM notes")}

    def close(self) -> None:
        """Close the database and let another process use it."""
        self._thread.shutdown()
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

    def queue(self, messages: Iterable[Outgoing], notes: Mapping[str, Any] | None = None) -> None:
        """Queue ``messages`` and note ``notes`` (a cursor, a date) in one transaction."""
        made = time.time()
        rows = [
            (self.present_id(part.chat), made, msgspec.msgpack.encode(part))
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
            db.executemany("INSERT INTO outbox (chat, made, message) VALUES (?, ?, ?)", rows)
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

    def _write(self, change: Callable[[sqlite3.Connection], object]) -> None:
        lost = self.begun_anew
        self.write(change)
        if self.begun_anew != lost:
            self._write_known()

    def look(self) -> bool:
        """Notice that the file was taken away or replaced, and put that right. Raises StoreError."""
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


def open_store(path: Path) -> BotStore:
    """Open ``bot.db``; create or migrate it. A damaged file is moved aside, never deleted.

    Raises ConfigError when it is not ours, StoreError when another bot uses it, or when it is of a newer
    version of this program.
    """
    return BotStore(open_writing(BOT_DB, path, lambda: datetime.now(UTC)))


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
