"""SQLite files of our own: whose a file is, the lock of its one writer, its layout, its loss.

A file is ours when its header carries our mark (``application_id``). Any other file stays as it is,
wherever a setting points; one made before there was a mark is known by its version and its tables.
What the tables mean is not known here.
"""

import fcntl
import logging
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from jk_bms.errors import ConfigError, StoreError
from jk_bms.store.sqlite_errors import explain, is_damaged

log = logging.getLogger(__name__)

T = TypeVar("T")

BUSY_TIMEOUT = 5.0  # s; only the copying of a backup by hand ever holds the lock
CHECKED_WHOLE = 64 * 2**20  # bytes: up to here a file is checked at the start, a bigger one in use
MODE = 0o660  # of new files, less the umask: for the group that may use the tool, never for others
SIDE_FILES = ("-wal", "-shm")  # SQLite keeps them beside a database

# ``application_id`` of our databases, in the header of each.
MARKS = {"bms.db": 0x454A4B31, "bot.db": 0x454A4B32, "web.db": 0x454A4B33}  # "EJK1" ...

_MAGIC = b"SQLite format 3\0"
_MARK_AT = slice(68, 72)  # of the header, big-endian
_RECORDS = """CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY,          -- user_version after this step
    name TEXT NOT NULL,
    readable_from INTEGER NOT NULL        -- the oldest version that can still read and write the file
)"""


class InUse(StoreError):
    """Another process is the writer."""


class Step(NamedTuple):
    """One step of a layout. A step that was released is never changed.

    ``readable_from``: the oldest version that can still read and write the file after it; None: all
    that could before it, since the step only adds. ``prepare`` is run before its transaction.
    """

    name: str
    script: str
    readable_from: int | None = None
    prepare: Callable[[sqlite3.Connection], None] | None = None


class Kind(NamedTuple):
    """One of our databases."""

    name: str  # a key of MARKS
    setting: str  # names its path
    user: str  # who writes it, for "another ..."
    steps: tuple[Step, ...]  # step n brings a file from version n to n + 1
    page: int | None = None  # bytes of a page in a new file; None: SQLite's own choice

    @property
    def mark(self) -> int:
        """What the header of each such file carries."""
        return MARKS[self.name]

    @property
    def version(self) -> int:
        """The newest layout that this program knows."""
        return len(self.steps)

    def readable_from(self, version: int) -> int:
        """The oldest version of this program that can read and write a file of layout ``version``."""
        return max((step.readable_from or 1 for step in self.steps[:version]), default=1)


class Whose(Enum):
    """What stands at a path, as far as it can be proved."""

    NOTHING = auto()  # no file, or one without content
    OURS = auto()
    OURS_DAMAGED = auto()
    FOREIGN = auto()


class Found(NamedTuple):
    """What stands at a path, and how that was seen, for a message."""

    whose: Whose
    said: str = ""


class Reader:
    """Reads one of our databases; several processes may. Every failure is a StoreError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within one short read transaction: all queries see the same state."""
        with self._lock, _our_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, _our_errors(self.path):
            return self._connection.execute(query, parameters).fetchall()


class Opened(NamedTuple):
    """A database as ``open_writing`` leaves it to its ``Writer``."""

    kind: Kind
    path: Path
    connection: sqlite3.Connection
    lock: "Lock"
    damage: tuple[Path, str] | None  # where a damaged file of ours lies now, and what was wrong with it


class Writer(Reader):
    """Reads and writes one of our databases; one process at a time. Each write is on the disk when it returns."""

    def __init__(self, opened: Opened, now: Callable[[], datetime]) -> None:
        super().__init__(opened.path, opened.connection)
        self.begun_anew = 0  # how often the file was lost in use: then it has nothing of before
        self._kind = opened.kind
        self._now = now
        self._lock_file = opened.lock
        self._file = _identity(self.path)
        self._sides = _side_files(self.path)
        self._away = ""  # why nothing is written at the moment: the file is no longer in its place

    def close(self) -> None:
        """Close the database and let another process write it."""
        super().close()
        self._lock_file.close()

    def write(self, change: Callable[[sqlite3.Connection], T], *, again: bool = True) -> T:
        """Run ``change`` in one transaction, complete or not at all; return what it returns.

        When the file turns out to be damaged it is begun anew and ``change`` is run again.
        """
        try:
            with self._lock:
                if self._away:
                    raise StoreError(self._away)
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    result = change(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                return result
        except sqlite3.Error as error:
            if not (again and is_damaged(error)):
                raise StoreError(explain(self.path, error)) from error
            self._begin_anew(str(error))
            return self.write(change, again=False)

    def look(self) -> bool:
        """Notice that the file was taken away or replaced, and put that right; return whether that was so.

        Raises StoreError while that cannot be done; nothing is written into the void meanwhile.
        """
        if self._file == _identity(self.path) and self._lock_file.in_place():
            self._away = ""
            return False
        with self._lock:
            try:
                told = self._put_right()
            except (StoreError, ConfigError) as error:
                self._away = str(error)
                raise StoreError(self._away) from error
            except sqlite3.Error as error:
                self._away = explain(self.path, error)
                raise StoreError(self._away) from error
            except OSError as error:
                self._away = f"{self.path}: was taken away and cannot be made anew: {_reason(error)}"
                raise StoreError(self._away) from error
            self._away = ""
        if told:
            self._tell("store.remade", f"{self.path}: {told}")
        return bool(told)

    def _put_right(self) -> str:
        """Have the file and its lock in their places again; return what was done to the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file.renew()
        there = _identity(self.path)
        if there == self._file:
            return ""
        self._remove_sides()
        if there is not None:
            found = whose(self.path, self._kind, self._lock_file.witness)
            if found.whose is Whose.OURS:
                connection = _open_checked(self._kind, self.path)
                self._connection.close()
                self._adopt(connection)
                self.begun_anew += 1
                return "was replaced by another one of ours while in use; going on with that one"
            if found.whose is not Whose.NOTHING:
                raise StoreError(
                    f"{_refusal(self._kind, self.path, found.said)}; nothing is written until it is gone"
                )
        return self._make_again()

    def _make_again(self) -> str:
        """Put a new file in the place of the one that was taken away: with all that it held, if it can be read."""
        new = _free_name(self.path, "new")
        told = "was taken away while in use; written anew with all that it held"
        try:
            create_file(new)
            try:
                _copy(self._connection, new)
            except sqlite3.Error as error:
                if not is_damaged(error):
                    raise
                told = f"was taken away while in use; begun anew, since what it held cannot be read ({error})"
                self.begun_anew += 1
                new.unlink()
                create_file(new)
            with suppress(sqlite3.Error):  # it may only have been moved: then it is of use when complete
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)
        # Not before: until there is another file this connection holds all that is left of the old one.
        self._connection.close()
        self._adopt(_open_checked(self._kind, self.path))
        return told

    def _remove_sides(self) -> None:
        """Take away what SQLite keeps beside the file that is gone: whatever comes in its place must not find it.

        The open connection still has them, as it has the file.
        """
        for side, identity in self._sides.items():
            if identity is not None and _identity(side) == identity:
                side.unlink()

    def _adopt(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._file = _identity(self.path)
        self._sides = _side_files(self.path)
        self._lock_file.note(self._file)

    def _begin_anew(self, cause: str) -> None:
        with self._lock:
            if _identity(self.path) != self._file:  # what lies there is not what was damaged
                raise StoreError(f"{self.path}: was taken away while in use, and is damaged ({cause})")
            self._connection.close()
            with _our_errors(self.path):
                aside = _move_aside(self.path, self._now())
                self._adopt(_open_checked(self._kind, self.path))
        self.begun_anew += 1
        self._tell_damage(aside, cause)

    def _tell_damage(self, aside: Path, cause: str) -> None:
        text = f"{self.path}: damaged ({cause}); moved to {aside} and begun anew"
        self._tell("store.damaged", text, moved_to=str(aside), cause=cause)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        """Say what happened to the file; a database that keeps events keeps it too."""
        log.error("%s", text)


# Opening


def open_writing(kind: Kind, path: Path, now: Callable[[], datetime], *, hint: str = "") -> Opened:
    """Open the database at ``path`` for the one process that writes it; create, mark or migrate it.

    A damaged file of ours is moved aside, never deleted. ``hint`` follows on "stop that one first".
    Raises ConfigError when the file is not ours, StoreError when another process is the writer, or
    when it is of a newer version of this program that older ones cannot read.
    """
    path = real(path)
    refuse_foreign(kind, path)  # before a lock is made beside a file of others
    lock = Lock(kind, path, hint)
    try:
        found = whose(path, kind, lock.witness)
        damage = None
        if found.whose is Whose.FOREIGN:  # it came meanwhile
            raise ConfigError(_refusal(kind, path, found.said))
        if found.whose is Whose.OURS_DAMAGED:
            damage = (_move_aside(path, now()), found.said)
        try:
            connection = _open_checked(kind, path)
        except sqlite3.Error as error:  # its header and its tables are ours, so this is
            if not is_damaged(error):
                raise
            damage = (_move_aside(path, now()), str(error))
            connection = _open_checked(kind, path)
        lock.note(_identity(path))
        return Opened(kind, path, connection, lock, damage)
    except sqlite3.Error as error:
        lock.close()
        raise StoreError(explain(path, error)) from error
    except OSError as error:
        lock.close()
        raise StoreError(f"{path}: cannot be used: {_reason(error)}") from error
    except BaseException:
        lock.close()
        raise


def open_reading(kind: Kind, path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` read-only.

    Raises StoreError when it is missing, not ours, of an older version, or of one that is too new.
    """
    path = path.absolute()
    if not path.exists():
        raise StoreError(f"{path}: no such database; the service creates it when it runs ({kind.setting})")
    with _our_errors(path):
        if _alone(path):
            with closing(_connect(kind, path, "ro&immutable=1")) as connection:
                if foreign := _not_ours(connection, kind):
                    raise StoreError(_refusal(kind, path, foreign))
        connection = _connect(kind, path, "ro")
        try:
            if foreign := _not_ours(connection, kind):
                raise StoreError(_refusal(kind, path, foreign))
            version = _version(connection)
            _refuse_newer(kind, path, connection)
        except BaseException:
            connection.close()
            raise
    if version < kind.version:
        connection.close()
        raise StoreError(
            f"{path}: has schema version {version}, expected {kind.version}: "
            "restart the service, it migrates the file"
        )
    return connection


@contextmanager
def no_writer(kind: Kind, path: Path) -> Iterator[None]:
    """Keep every writer from ``path`` meanwhile. Raises StoreError when there is one."""
    lock = Lock(kind, real(path))
    try:
        yield
    finally:
        lock.close()


def refuse_foreign(kind: Kind, path: Path) -> None:
    """Raise ConfigError unless ``path`` is free, or a file there is ours, be it damaged.

    Not for the process that has it open: looking at a file ends SQLite's locks on it.
    """
    path = real(path)
    found = whose(path, kind, _read_witness(_lock_name(path)))
    if found.whose is Whose.FOREIGN:
        raise ConfigError(_refusal(kind, path, found.said))


def real(path: Path) -> Path:
    """Where ``path`` leads: SQLite keeps what belongs to a file beside it, not beside a link to it."""
    return Path(os.path.realpath(path))


# Whose it is


def whose(path: Path, kind: Kind, witness: int | None = None) -> Found:
    """Tell what stands at ``path`` without changing it.

    ``witness``: the inode that the lock beside it names as ours, for a file so damaged that it does not
    say so itself. Not for a file that this process has open: closing it here ends SQLite's locks on it.
    Raises StoreError when it cannot be looked at.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Found(Whose.FOREIGN, "it is no file")
        if not status.st_size:
            return Found(Whose.NOTHING)
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return Found(Whose.NOTHING)
    except OSError as error:
        raise StoreError(f"{path}: cannot be looked at: {_reason(error)}") from error
    is_database = header.startswith(_MAGIC) and len(header) == 100
    mark = int.from_bytes(header[_MARK_AT], "big") if is_database else 0
    if mark not in (0, kind.mark):  # another's, and said so: not even a look through SQLite is needed
        return Found(Whose.FOREIGN, _named(mark))
    proved = mark == kind.mark or witness == status.st_ino
    if not is_database:  # SQLite itself would take the shortest of them for an empty database
        return Found(Whose.OURS_DAMAGED if proved else Whose.FOREIGN, "it is no database")
    try:
        with closing(_connect(kind, path, "ro&immutable=1" if _alone(path) else "ro")) as connection:
            if not (foreign := _not_ours(connection, kind)):
                return Found(Whose.OURS)
            empty = not _tables(connection)
            if empty and not connection.execute("PRAGMA application_id").fetchone()[0]:
                return Found(Whose.NOTHING)  # made, and never used
            return Found(Whose.FOREIGN, foreign)
    except sqlite3.Error as error:
        if not is_damaged(error):
            raise StoreError(explain(path, error)) from error
        if proved:
            return Found(Whose.OURS_DAMAGED, str(error))
        return Found(Whose.FOREIGN, f"it is a damaged database without our mark ({error})")


def _alone(path: Path) -> bool:
    """Whether all of a database is in the file itself: then a look leaves nothing beside a file of others."""
    return not path.with_name(path.name + SIDE_FILES[0]).exists()


def _not_ours(connection: sqlite3.Connection, kind: Kind) -> str:
    """Why the open database is not one of ours; empty: it is."""
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0]) & 0xFFFFFFFF
    if mark == kind.mark:
        return ""
    if mark:
        return _named(mark)
    there = _tables(connection)
    version = _version(connection)
    known = _made_before_the_mark(kind, version)
    if known and all(columns <= there.get(table, set()) for table, columns in known.items()):
        return ""
    names = ", ".join(sorted(there)[:5]) or "no table"
    return f"it is a database of another program, or of another kind: version {version} with {names}"


def incomplete(connection: sqlite3.Connection, kind: Kind) -> str:
    """What the open database lacks of its own layout, in words; empty: nothing."""
    there = _tables(connection)
    for table, columns in _made_before_the_mark(kind, _version(connection)).items():
        if table not in there:
            return f"it has no table {table}"
        if missing := columns - there[table]:
            return f"its table {table} has no {', '.join(sorted(missing))}"
    return ""


def _named(mark: int) -> str:
    for name, known in MARKS.items():
        if known == mark:
            return f"it is a {name} of ours"
    return f"it is a database of another program (application_id {mark:#010x})"


def _made_before_the_mark(kind: Kind, version: int) -> Mapping[str, set[str]]:
    """The tables of layout ``version`` and their columns; empty: there was none."""
    if not 0 < version <= kind.version:
        return {}
    with closing(sqlite3.connect(":memory:")) as scratch:
        for step in kind.steps[:version]:
            scratch.executescript(step.script)
        return _tables(scratch)


def _tables(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The tables of a database with their columns, without SQLite's own."""
    rows = connection.execute(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def _refusal(kind: Kind, path: Path, said: str) -> str:
    return (
        f"{path}: not a {kind.name} of ours, so it stays as it is: {said}; expected a {kind.name} or no file: "
        f"correct {kind.setting}, or move that file away"
    )


# The lock


class Lock:
    """Keeps other writers from a database: held from the beginning, until ``close`` or the process's end.

    It lies beside the database, says which process holds it, and which file was ours. Raises StoreError
    when another process holds it, ConfigError when a file of that name is not ours.
    """

    def __init__(self, kind: Kind, path: Path, hint: str = "") -> None:
        self._kind = kind
        self._path = path
        self._hint = hint
        self._name = _lock_name(path)
        self.witness: int | None = None  # inode of the database that was ours, as last noted
        self._handle = self._take()

    def close(self) -> None:
        """Let another process have it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def in_place(self) -> bool:
        """Whether another process would find the lock that is ours."""
        status = os.fstat(self._handle)
        return _identity(self._name) == (status.st_dev, status.st_ino)

    def renew(self) -> None:
        """Take it again where its file was taken away."""
        if self.in_place():
            return
        held = self._handle
        self._handle = self._take()
        os.close(held)

    def note(self, file: tuple[int, int] | None) -> None:
        """Write down who holds it, and that ``file`` (device and inode) is ours."""
        self.witness = file[1] if file else self.witness
        _sign(self._handle, self.witness)

    def _take(self) -> int:
        try:
            handle = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
        except OSError as error:
            raise StoreError(
                f"{self._name}: cannot be opened: {error.strerror}; expected a folder we may write "
                f"({self._kind.setting})"
            ) from error
        try:
            said = _read_lock(os.pread(handle, _LOCK_LOOKED_AT, 0))
            if said is None:
                raise ConfigError(
                    f"{self._name}: in the way, and not ours; move it away, or correct {self._kind.setting}"
                )
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                pid = (said["pid"] or b"unknown").decode()
                raise InUse(
                    f"{self._path}: another {self._kind.user} (pid {pid}) writes it; "
                    f"stop that one first{self._hint}"
                ) from error
            self.witness = int(said["inode"]) if said["inode"] else None
            _give_to_owner_of_folder(self._name, handle)
        except BaseException:
            os.close(handle)
            raise
        _sign(handle, self.witness)
        return handle


def _sign(handle: int, witness: int | None) -> None:
    text = f"{os.getpid()}\n" + (f"inode {witness}\n" if witness else "")
    with suppress(OSError):  # a full disk: the lock holds all the same, it only does not say whose
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


_LOCK_TEXT = re.compile(rb"(?:(?P<pid>\d{1,12})\n?)?(?:inode (?P<inode>\d{1,20})\n)?")


_LOCK_LOOKED_AT = 200  # bytes; more than ours ever has


def _read_lock(begins: bytes) -> re.Match[bytes] | None:
    """What a lock says; None: it is not ours. A power cut may leave zero bytes of it: one that says nothing."""
    return _LOCK_TEXT.fullmatch(begins.rstrip(b"\0")) if len(begins) < _LOCK_LOOKED_AT else None


def _lock_name(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _read_witness(name: Path) -> int | None:
    try:
        with name.open("rb") as file:
            said = _read_lock(file.read(_LOCK_LOOKED_AT))
    except OSError:
        return None
    return int(said["inode"]) if said and said["inode"] else None


# The file


def _connect(kind: Kind, path: Path, mode: str = "rw") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )
    if kind.page:
        # A commit writes whole pages, and ours are small and many: it counts for a new file only.
        connection.execute(f"PRAGMA page_size = {kind.page}")
    return connection


def _open_checked(kind: Kind, path: Path) -> sqlite3.Connection:
    """Open a file that is ours, or none; check, mark and migrate it."""
    if not path.exists():
        create_file(path)
    connection = _connect(kind, path)
    try:
        _refuse_newer(kind, path, connection)
        if path.stat().st_size <= CHECKED_WHOLE:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                damage = sqlite3.DatabaseError(verdict)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
        if not _version(connection):
            # Before anything else, and before there is a WAL: from its first page on the file says whose it is.
            connection.execute(f"PRAGMA application_id = {kind.mark}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(kind, path, connection)
        _mark(kind, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def create_file(path: Path) -> None:
    """Make a new empty file that only the group may see; SQLite gives what it keeps beside it the same rights."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        _give_to_owner_of_folder(path, handle)
    finally:
        os.close(handle)


def _give_to_owner_of_folder(path: Path, handle: int) -> None:
    """What root makes in the folder of the service, the service must be able to use too."""
    home, mine = path.parent.stat(), os.fstat(handle)
    if os.geteuid() == 0 and (home.st_uid, home.st_gid) != (mine.st_uid, mine.st_gid):
        with suppress(PermissionError):
            os.fchown(handle, home.st_uid, home.st_gid)
            os.fchmod(handle, stat.S_IMODE(mine.st_mode) | stat.S_IMODE(home.st_mode) & 0o020)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_newer(kind: Kind, path: Path, connection: sqlite3.Connection) -> None:
    version = _version(connection)
    if version <= kind.version:
        return
    oldest = version
    if "migrations" in _tables(connection):
        newest, said = connection.execute(
            "SELECT max(version), max(readable_from) FROM migrations"
        ).fetchone()
        oldest = said if newest == version else version
    if oldest > kind.version:
        raise StoreError(
            f"{path}: has schema version {version}, this program knows up to {kind.version}; "
            "update the program"
        )


def _migrate(kind: Kind, path: Path, connection: sqlite3.Connection) -> None:
    """Bring the file to the newest layout, each step complete or not at all; keep a copy of an older file."""
    version = _version(connection)
    if 0 < version < kind.version:
        copy = _free_name(path, f"before-v{kind.version}")
        create_file(copy)
        try:
            _copy(connection, copy)
        except BaseException:
            copy.unlink()
            raise
        log.info("%s: migrating schema %d to %d, a copy is in %s", path, version, kind.version, copy)
    for number, step in enumerate(kind.steps[version:], version + 1):
        if version and step.prepare is not None:
            step.prepare(connection)
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {step.script}; PRAGMA user_version = {number}; COMMIT"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _mark(kind: Kind, connection: sqlite3.Connection) -> None:
    """Have the file say that it is ours, and which steps made it; nothing is written where it does."""
    marked = int(connection.execute("PRAGMA application_id").fetchone()[0]) == kind.mark
    noted = "migrations" in _tables(connection) and (
        connection.execute("SELECT count(*) FROM migrations").fetchone()[0] >= kind.version
    )
    if marked and noted:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {kind.mark}")
        connection.execute(_RECORDS)
        connection.executemany(
            "INSERT OR IGNORE INTO migrations VALUES (?, ?, ?)",
            [(n, step.name, kind.readable_from(n)) for n, step in enumerate(kind.steps, 1)],
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the open database, of one moment, into the empty file ``target``, and have it on the disk."""
    with closing(sqlite3.connect(target)) as new:
        connection.backup(new)
    handle = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _free_name(path: Path, word: str) -> Path:
    free = path.with_name(f"{path.name}.{word}")
    number = 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{word}-{number}")
    return free


def _move_aside(path: Path, now: datetime) -> Path:
    aside = _free_name(path, f"damaged-{now:%Y%m%dT%H%M%S}")
    path.rename(aside)
    for suffix in SIDE_FILES:  # they belong to that file: a new one must not find them
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at ``path``; None: there is none, or it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _side_files(path: Path) -> dict[Path, tuple[int, int] | None]:
    sides = [path.with_name(path.name + suffix) for suffix in SIDE_FILES]
    return {side: _identity(side) for side in sides}


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(explain(path, error)) from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
