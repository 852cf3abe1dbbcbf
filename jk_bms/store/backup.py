"""One archive with what must not be lost, and the way back.

The copy of ``bms.db`` is SQLite's own, taken beside the running poller. An archive is
believed only after every check; its files are read by name, never unpacked where they wish.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import sqlite3
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from jk_bms import __version__
from jk_bms.errors import StoreError, reason
from jk_bms.store.bms_db import BMS_DB
from jk_bms.store.files import SIDE_FILES, free_name
from jk_bms.store.schema import refuse_newer
from jk_bms.store.sqlite_errors import explain

FORMAT = 1  # of the archive
PROGRAM = "easun-jkbms"
MANIFEST, DATABASE, REGISTRY, SETTINGS = "manifest.json", "bms.db", "jk_devices.yaml", "settings.env"
LONGEST_TEXT = 2**20  # bytes of a member that is no database; no registry is longer
STEP = 1024  # pages copied between two reports of progress
CHUNK = 2**16
COMPRESSION = 1  # the history is compressed already; more costs a small machine minutes
SPARE = 16 * 2**20  # bytes that a copy leaves free

NIGHT = time(3, 0)  # local; a copy missed by a machine that was off is made up for later that day
NIGHTLY = re.compile(rf"{PROGRAM}-\d{{4}}-\d{{2}}-\d{{2}}\.tar\.gz")  # nothing else is ever deleted
WORKSHOP = ".easun-jkbms-"  # folders where archives are made or opened
ABANDONED = timedelta(days=1)  # a workshop of this age was left by a program that was killed

Progress = Callable[[int, int], None]  # pages done, pages in all


class Member(msgspec.Struct, frozen=True):
    """One file of an archive."""

    size: int  # bytes
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself."""

    program: str
    format: int
    version: str  # of the program that made it
    schema: int  # of the database
    made_at: datetime  # aware
    files: dict[str, Member]
    left_out: list[str] = []  # secrets, by name: they are to be entered again


class Replacement(NamedTuple):
    """A file that is ready to take the place of another, in the same file system."""

    ready: Path | None  # None: what is there only goes aside
    target: Path


def write_archive(
    target: Path,
    database: Path,
    texts: Mapping[str, bytes],
    *,
    made_at: datetime,
    left_out: Sequence[str] = (),
    progress: Progress | None = None,
) -> Manifest:
    """Put ``database`` and ``texts`` into the new archive ``target``: whole or not at all.

    Only the owner may read it. ``target`` is replaced if it exists. Raises StoreError.
    """
    target = target.absolute()
    with workshop(target.parent) as folder:
        copy = folder / DATABASE
        schema = copy_database(database, copy, progress)
        try:
            with copy.open("rb") as file:
                members = {DATABASE: Member(copy.stat().st_size, _digest(file))}
            members |= {
                name: Member(len(text), hashlib.sha256(text).hexdigest()) for name, text in texts.items()
            }
            manifest = Manifest(
                program=PROGRAM,
                format=FORMAT,
                version=__version__,
                schema=schema,
                made_at=made_at,
                files=members,
                left_out=list(left_out),
            )
            ready = folder / "archive"
            _pack(ready, manifest, copy, texts)
            ready.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise StoreError(f"{target}: cannot be written: {reason(error)}") from error
    return manifest


def copy_database(source: Path, target: Path, progress: Progress | None = None) -> int:
    """Copy ``source``, which others may be writing, to the new file ``target``; return its schema.

    The copy is of one moment, has been checked, and is one file. Raises StoreError.
    """
    source = source.absolute()
    if not source.exists():
        raise StoreError(f"{source}: no such database; the service creates it when it runs (BMS_DB_PATH)")
    _require_room(target.parent, source.stat().st_size)
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, isolation_level=None)) as old,
            closing(sqlite3.connect(target, isolation_level=None)) as new,
        ):
            new.execute("PRAGMA synchronous = OFF")  # a file of the workshop; the archive is synced
            old.execute("PRAGMA busy_timeout = 5000")
            # One snapshot for all steps: else each commit of the poller would begin the copy anew.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            try:
                old.backup(new, pages=STEP, progress=_reporter(progress))
            except sqlite3.OperationalError as error:
                if _full(target.parent, target):
                    raise StoreError(f"{target.parent}: the disk is full; free some space") from error
                raise
            old.execute("ROLLBACK")
            new.execute("PRAGMA journal_mode = DELETE")
            _check_whole(source, new)
            return int(new.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        raise StoreError(explain(source, error)) from error


def open_archive(archive: Path, folder: Path) -> Manifest:
    """Check ``archive`` in every respect and put its files into ``folder``, under our names.

    Raises StoreError: not ours, damaged, cut short, hostile, or of a newer version than this.
    """
    try:
        file = archive.open("rb")
    except OSError as error:
        raise StoreError(f"{archive}: cannot be read: {reason(error)}") from error
    with file:
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                manifest = _unpack(archive, _Careful(unpacked), folder)
                left = LONGEST_TEXT  # bytes; at the very end gzip compares a sum of its own
                while chunk := unpacked.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise StoreError(f"{archive}: has more behind its last file; not restored")
        except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
            raise StoreError(f"{archive}: damaged or cut short: {error}; use another copy") from error
        except (ValueError, struct.error, OverflowError, RecursionError) as error:  # a malformed tar header
            raise StoreError(f"{archive}: damaged: {error}; use another copy") from error
        except OSError as error:
            raise StoreError(f"{archive}: cannot be read: {reason(error)}") from error
    _check_database(archive, manifest, folder / DATABASE)
    return manifest


def is_backup(path: Path) -> bool:
    """Whether the file at ``path`` begins as our archives do; it may be damaged behind that."""
    try:
        with gzip.open(path) as file:
            return file.read(512).startswith(MANIFEST.encode() + b"\0")
    except (OSError, EOFError, zlib.error):
        return False


def swap(replacements: Sequence[Replacement], stamp: str) -> list[Path]:
    """Let each file take its place; return where the replaced ones lie now, beside it.

    Each is replaced in one step, owner and mode stay. If one cannot be replaced, those before
    it get their old content back. Raises StoreError.
    """
    done: list[tuple[Path, Path | None]] = []
    target = Path()
    try:
        for ready, place in replacements:
            target = Path(os.path.realpath(place))
            if ready is not None:
                _dress(ready, target)
            done.append((target, free_name(target, f"replaced-{stamp}") if target.exists() else None))
            _keep_aside(*done[-1])
            if ready is None:
                target.unlink(missing_ok=True)
            else:
                ready.replace(target)
            sync_folder(target.parent)
    except OSError as error:
        with suppress(OSError):
            for changed, aside in reversed(done):
                _bring_back(changed, aside)
        raise StoreError(f"{target}: cannot be replaced: {reason(error)}; everything is as it was") from error
    return [aside for _, aside in done if aside is not None]


def nightly(
    database: Path,
    folder: Path,
    *,
    keep: int,
    now: datetime,
    make_texts: Callable[[], tuple[Mapping[str, bytes], Sequence[str]]],
) -> Path | None:
    """Make today's copy in ``folder`` if it is due and keep the newest ``keep``; return it.

    ``now`` is local and trusted. None: not due (before three at night, or made already).
    ``make_texts`` gives the text files and what was left out of them. Takes as long as copying
    the database; to be called from a thread, as often as one likes. Raises StoreError.
    """
    target = folder / f"{PROGRAM}-{now:%Y-%m-%d}.tar.gz"
    if now.time() < NIGHT or target.exists():
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _tidy(folder, now)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used for copies (BACKUP_DIR): {reason(error)}") from error
    texts, left_out = make_texts()
    write_archive(target, database, texts, made_at=now, left_out=left_out)
    try:
        for old in nightly_copies(folder)[keep:]:
            old.unlink()
    except OSError as error:
        raise StoreError(f"{folder}: an old copy cannot be deleted: {reason(error)}") from error
    return target


def nightly_copies(folder: Path) -> list[Path]:
    """The nightly copies in ``folder``, newest first. Raises OSError."""
    return sorted((path for path in folder.iterdir() if NIGHTLY.fullmatch(path.name)), reverse=True)


def sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A folder for the owner's eyes only, in ``folder``, which goes when the work is done."""
    try:
        made = tempfile.mkdtemp(prefix=WORKSHOP, dir=folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written into: {reason(error)}") from error
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _tidy(folder: Path, now: datetime) -> None:
    for left in folder.glob(f"{WORKSHOP}*"):
        if now.timestamp() - left.stat().st_mtime > ABANDONED.total_seconds():
            shutil.rmtree(left, ignore_errors=True)


# Making


def _pack(ready: Path, manifest: Manifest, copy: Path, texts: Mapping[str, bytes]) -> None:
    handle = os.open(ready, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with (
            gzip.GzipFile("", "wb", COMPRESSION, file) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):

            def add(name: str, size: int, content: IO[bytes]) -> None:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = size, 0o600, int(manifest.made_at.timestamp())
                archive.addfile(entry, content)

            # First, so that a reader knows what may follow before it unpacks anything.
            said = msgspec.json.format(msgspec.json.encode(manifest))
            add(MANIFEST, len(said), io.BytesIO(said))
            for name, text in texts.items():
                add(name, len(text), io.BytesIO(text))
            with copy.open("rb") as content:
                add(DATABASE, manifest.files[DATABASE].size, content)
        file.flush()
        os.fsync(file.fileno())


def _digest(file: IO[bytes]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _reporter(progress: Progress | None) -> Callable[[int, int, int], object] | None:
    if progress is None:
        return None
    return lambda _, remaining, total: progress(total - remaining, total)


def _require_room(folder: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used: {reason(error)}") from error
    # Twice: the plain copy, and the archive made of it.
    if free < 2 * size + SPARE:
        raise StoreError(
            f"{folder}: {free / 2**20:.0f} MB free, {(2 * size + SPARE) / 2**20:.0f} MB are needed for the copy; "
            "free some space or choose another folder"
        )


def _full(folder: Path, target: Path) -> bool:
    """Whether writing fails there: SQLite says no more than 'disk I/O error'."""
    try:
        with target.open("ab") as file:
            file.write(bytes(CHUNK))
            os.fsync(file.fileno())
    except OSError:
        return True
    return shutil.disk_usage(folder).free == 0


def _check_whole(path: Path, connection: sqlite3.Connection) -> None:
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreError(f"{path}: damaged: {verdict}; restore it from an older copy")


# Opening


class _Careful:
    """Reads a stream, but never much at once: a hostile header could ask for any amount.

    Going back by one byte, as tarfile does behind each file, costs nothing here; a gzip stream
    would unpack everything anew.
    """

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._last = b""
        self._again = False  # the last byte is to be given once more

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_TEXT:
            raise tarfile.ReadError(f"a header of {size} bytes")
        if not size:
            return b""
        before = self._last if self._again else b""
        self._again = False
        got = before + self._stream.read(size - len(before))
        self._last = got[-1:]
        return got

    def seek(self, position: int) -> int:
        here = self._stream.tell()
        self._again = position == here - 1 and bool(self._last)
        if not self._again and position != here:
            self._stream.seek(position)
            self._last = b""
        return position

    def tell(self) -> int:
        return self._stream.tell() - self._again


def _unpack(archive: Path, stream: Any, folder: Path) -> Manifest:
    manifest: Manifest | None = None
    missing: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r:") as unpacked:
        for entry in unpacked:
            content = unpacked.extractfile(entry) if entry.isreg() else None
            if manifest is None:
                if entry.name != MANIFEST or content is None or entry.size > LONGEST_TEXT:
                    raise StoreError(
                        f"{archive}: not a backup of easun-jkbms: it does not begin with {MANIFEST}"
                    )
                manifest = _read_manifest(archive, content.read())
                missing = set(manifest.files)
                _require_room(folder, manifest.files[DATABASE].size)
                continue
            # A name is only ever compared: nothing in an archive chooses where a file goes.
            if entry.name not in missing or content is None:
                raise StoreError(
                    f"{archive}: holds {entry.name!r}, which does not belong there; not restored"
                )
            missing.remove(entry.name)
            _take_out(archive, entry, content, manifest.files[entry.name], folder / entry.name)
    if manifest is None:
        raise StoreError(f"{archive}: not a backup of easun-jkbms: it is empty")
    if missing:
        raise StoreError(f"{archive}: damaged or cut short: {', '.join(sorted(missing))} is not in it")
    return manifest


def _read_manifest(archive: Path, raw: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{archive}: its {MANIFEST} cannot be understood: {error}") from error
    if manifest.program != PROGRAM:
        raise StoreError(f"{archive}: a backup of {manifest.program!r}, not of {PROGRAM}")
    if manifest.format > FORMAT:
        raise StoreError(
            f"{archive}: has format {manifest.format}, made by version {manifest.version}; this program knows "
            f"up to {FORMAT}; update the program"
        )
    if not {DATABASE} <= set(manifest.files) <= {DATABASE, REGISTRY, SETTINGS}:
        raise StoreError(f"{archive}: its {MANIFEST} names other files than a backup has; not restored")
    if any(member.size > LONGEST_TEXT for name, member in manifest.files.items() if name != DATABASE):
        raise StoreError(f"{archive}: its {MANIFEST} names a text of over {LONGEST_TEXT} bytes; not restored")
    return manifest


def _take_out(
    archive: Path, entry: tarfile.TarInfo, content: IO[bytes], wanted: Member, target: Path
) -> None:
    if entry.size != wanted.size:
        raise StoreError(
            f"{archive}: {entry.name} has {entry.size} bytes, {MANIFEST} says {wanted.size}; use another copy"
        )
    sum_ = hashlib.sha256()
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        file = os.fdopen(handle, "wb")
    except OSError as error:
        raise StoreError(f"{target.parent}: cannot be written into: {reason(error)}") from error
    with file:
        while chunk := content.read(CHUNK):
            sum_.update(chunk)
            try:
                file.write(chunk)
            except OSError as error:
                raise StoreError(f"{target}: cannot be written: {reason(error)}") from error
        try:
            file.flush()
            os.fsync(handle)
        except OSError as error:
            raise StoreError(f"{target}: cannot be written: {reason(error)}") from error
    if sum_.hexdigest() != wanted.sha256:
        raise StoreError(
            f"{archive}: {entry.name} is not what was stored (its check sum differs); use another copy"
        )


def _check_database(archive: Path, manifest: Manifest, path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if schema != manifest.schema or not schema:
                raise StoreError(
                    f"{archive}: its database has schema version {schema}, {MANIFEST} says {manifest.schema}; "
                    "not restored"
                )
            _check_whole(archive, connection)
            refuse_newer(BMS_DB, archive, connection)
            if lacking := BMS_DB.lacking(connection):
                raise StoreError(
                    f"{archive}: its database is not a whole bms.db: {lacking}; use another copy"
                )
    except sqlite3.Error as error:
        raise StoreError(f"{archive}: its database is damaged: {error}; use another copy") from error


# Swapping


def _dress(ready: Path, target: Path) -> None:
    """Give ``ready`` the owner and mode that ``target`` has, or should have in its folder."""
    ready.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o640)
    wanted = _owner(target if target.exists() else target.parent)
    if _owner(ready) != wanted:
        with suppress(PermissionError):  # only root may give files away
            os.chown(ready, *wanted)


def _owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid


def _keep_aside(target: Path, aside: Path | None) -> None:
    """Give the present content a second name, and move away what SQLite keeps beside it."""
    if aside is None:
        return
    try:
        os.link(target, aside)  # at no moment is there no file under its name
    except OSError:  # a file system without links
        shutil.copy2(target, aside)
    for suffix in SIDE_FILES:  # of the old file: the new one must not find them
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(aside.with_name(aside.name + suffix))


def _bring_back(target: Path, aside: Path | None) -> None:
    if aside is None:
        target.unlink(missing_ok=True)
        return
    for suffix in SIDE_FILES:
        with suppress(FileNotFoundError):
            aside.with_name(aside.name + suffix).rename(target.with_name(target.name + suffix))
    if aside.exists():
        aside.replace(target)
        aside.unlink(missing_ok=True)  # two names of one file: replacing did nothing
