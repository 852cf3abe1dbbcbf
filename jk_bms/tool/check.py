"""``jk-util.py check``: whether the files, the clock and the service are in order.

Looks and never changes anything. A line is ``ok``, ``warn`` (look at it some day) or ``fail``
(something does not work, or will not for long).
"""

import argparse
import ctypes
import grp
import json
import os
import pwd
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from jk_bms.called import TOP, installed, tool
from jk_bms.clock import Clock
from jk_bms.config.devices import read_registry, selected_entries, shared_labels
from jk_bms.config.house import AUTO, names_of, read_house
from jk_bms.config.settings import Settings
from jk_bms.demo import is_demo
from jk_bms.errors import JkBmsError, LiveError, StoreError, reason
from jk_bms.live.client import LiveClient
from jk_bms.model.foreign_text import harmless
from jk_bms.model.freshness import ANSWERS, oldest
from jk_bms.model.snapshot import ChannelNow, LinkNow, RecordsNow, Snapshot, TelegramNow
from jk_bms.sources import misfits
from jk_bms.store.backup import nightly_copies
from jk_bms.store.bms_db import BMS_DB, BmsDbReader, open_reader
from jk_bms.store.foreign_table import look_at_table
from jk_bms.store.history_query import tracks
from jk_bms.store.ownership import refuse_foreign
from jk_bms.store.rollups import HOUR
from jk_bms.store.sqlite_errors import explain
from jk_bms.tool.common import settings_in_use
from jk_bms.tool.exits import EXIT_FAULTS, EXIT_OK, EXIT_WARNINGS
from jk_bms.tool.output import LONGEST_NOTE
from jk_bms.tool.stored import megabytes

OK, WARN, FAIL = "ok", "warn", "fail"

LITTLE_SPACE, NO_SPACE = 500e6, 50e6  # bytes free
LATE = timedelta(days=2)  # of a nightly copy
RETENTION_SLACK = timedelta(days=2)  # old rows go in small slices
SCATTERED = 0.5  # share of a database that is empty pages
_UNSYNCHRONISED = 5  # what adjtimex returns
_WEEK = 7 * 24
UNIT = Path("/etc/systemd/system/easun-jkbms.service")  # where install.sh puts it


class Finding(NamedTuple):
    """One line of the check."""

    level: str
    what: str
    text: str


class User(NamedTuple):
    """Whom the files must be open to: the service's user where it runs or is installed, else this one."""

    uid: int
    groups: frozenset[int]
    name: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("--json", action="store_true", help="for a program")


def run(given: argparse.Namespace) -> int:
    """Check everything; the exit code is that of the worst line."""
    settings = settings_in_use(given)  # what is odd in them is a line of its own
    findings = list(check(settings, Clock()))
    worst = max((finding.level for finding in findings), key=(OK, WARN, FAIL).index)
    if given.json:
        said = {"result": worst, "findings": [finding._asdict() for finding in findings]}
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        colors = {OK: "32", WARN: "33", FAIL: "31"} if sys.stdout.isatty() else {}
        for level, what, text in findings:
            shown = f"\x1b[{colors[level]}m{level:<4}\x1b[0m" if colors else f"{level:<4}"
            print(f"{shown}  {what:<18} {harmless(text, LONGEST_NOTE)}")
    return {OK: EXIT_OK, WARN: EXIT_WARNINGS, FAIL: EXIT_FAULTS}[worst]


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Yield what there is to say, part by part; a part that cannot be looked at is a fault itself."""
    snapshot, said = _service(settings)
    user = _user(snapshot)
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "settings": lambda: _settings(settings),
        "registry": lambda: _registry(settings),
        "house": lambda: _house(settings, snapshot),
        "service": lambda: iter(said),
        "clock": lambda: _clock(clock),
        "database": lambda: _database(settings, user, clock),
        "inverter database": lambda: _inverter_database(settings, user, snapshot),
        "disk": lambda: _space(settings),
        "copies": lambda: _copies(settings, user, clock),
    }
    for what, part in parts.items():
        try:
            yield from part()
        except OSError as error:
            yield Finding(
                FAIL, "permissions", f"{error.filename or ''}: cannot be looked at: {reason(error)}"
            )
        except JkBmsError as error:
            for line in str(error).splitlines():
                yield Finding(FAIL, what, line)


def _settings(settings: Settings) -> Iterator[Finding]:
    for warning in settings.warnings:
        yield Finding(WARN, "settings", warning.removeprefix("settings: "))
    path = settings.env_file
    if is_demo(settings):
        yield Finding(OK, "settings", "nothing is configured; this is the demonstration")
    elif path is None:
        yield Finding(OK, "settings", "no file; all as by default or in the environment")
    elif path.stat().st_mode & stat.S_IROTH:
        yield Finding(WARN, "settings", f"{path}: everybody on this machine may read it; chmod o= {path}")
    else:
        yield Finding(OK, "settings", str(path))


def _registry(settings: Settings) -> Iterator[Finding]:
    path = settings.devices_file
    registry = read_registry(path)
    entries = selected_entries(registry, settings.address, settings.device_name)
    if not entries:
        yield Finding(FAIL, "registry", f"{path}: no enabled battery; find yours with: {tool('--scan')}")
    elif is_demo(settings):
        yield Finding(OK, "registry", f"a made-up battery; find yours with: {tool('--scan')}")
    else:
        yield Finding(OK, "registry", f"{path}: {', '.join(entry.label for entry in entries)}")
    for shared in shared_labels(entries):
        yield Finding(WARN, "registry", f"{path}: {shared}")
    for fault in misfits(entries, path):
        yield Finding(FAIL, "registry", f"{fault}; correct it there")
    if any(entry.pin for entry in registry.entries) and path.stat().st_mode & stat.S_IROTH:
        yield Finding(WARN, "registry", f"{path}: holds a PIN and everybody may read it; chmod o= {path}")


def _house(settings: Settings, snapshot: Snapshot | None) -> Iterator[Finding]:
    """What is wrong with house.yaml; nothing where there is none."""
    own, auto = settings.house_file, settings.settings_file.with_name(AUTO)
    if not (own.exists() or auto.exists()):
        return
    inverters = () if snapshot is None else [one.id for one in snapshot.inverters]
    found = read_house(own, auto, names_of(read_registry(settings.devices_file).entries, inverters))
    for warning in found.warnings:
        yield Finding(WARN, "house", warning)
    yield Finding(OK, "house", f"{own}: {len(found.values)} values")


def _service(settings: Settings) -> tuple[Snapshot | None, list[Finding]]:
    """What the service says of itself, and what is to be said of it."""
    path = settings.socket_path
    try:
        with LiveClient(path) as client:
            snapshot = client.snapshot()
    except LiveError as error:
        return None, [Finding(WARN, "service", f"does not answer: {error}")]
    program = snapshot.program
    said = [Finding(OK, "service", f"version {program.version}, pid {program.pid}, answers at {path}")]
    for device in snapshot.devices:
        name, link, age = device.label, device.link or LinkNow(), device.age
        if device.released:
            said.append(Finding(OK, "battery", f"{name}: left alone on request"))
        elif age is None or age > oldest(ANSWERS, snapshot.poll_interval):
            why = link.message or link.state
            said.append(Finding(FAIL, "battery", f"{name}: not being read: {why}"))
        else:
            said.append(Finding(OK, "battery", f"{name}: read {age:.0f} s ago"))
    return snapshot, [*said, *_bot(snapshot.telegram), *_channels(snapshot.channels)]


def _bot(telegram: TelegramNow | None) -> list[Finding]:
    """What the service knows of the bot; nothing where there is no token."""
    if telegram is None:
        return []
    if trouble := telegram.trouble:
        return [Finding(FAIL, "telegram bot", trouble)]
    if telegram.heard is None:
        return [Finding(WARN, "telegram bot", "has not been heard of yet")]
    if telegram.state == "away":
        return [Finding(WARN, "telegram bot", "cannot reach Telegram now; what waits is sent later")]
    return [Finding(OK, "telegram bot", f"@{telegram.username or '?'} is at work")]


def _channels(channels: Sequence[ChannelNow]) -> Iterator[Finding]:
    """Where alerts go; nothing where they go nowhere."""
    if not channels:
        return
    working = [one for one in channels if one.sure or not one.trouble]
    if ways := [f"{one.name} ({'delivered' if one.sure else 'handed over'})" for one in working]:
        yield Finding(OK, "alerts", f"go to {', '.join(ways)}")
    for one in channels:
        if one.trouble and not one.sure:  # of the bot there is a line already
            yield Finding(WARN, "alerts", f"{one.name}: {one.trouble}")
    if not any(one.sure for one in channels):
        yield Finding(
            WARN, "alerts", "go by push alone, which may come late or not at all; set TELEGRAM_BOT_TOKEN or "
            "ALERT_URLS as well"
        )  # fmt: skip


def _clock(clock: Clock) -> Iterator[Finding]:
    now = clock.now().astimezone()
    if not clock.trusted():
        yield Finding(
            FAIL, "clock", f"{now:%Y-%m-%d %H:%M} is certainly wrong; nothing is merged until it is right"
        )
    elif synchronised() is False:
        yield Finding(WARN, "clock", f"{now:%Y-%m-%d %H:%M}, not set by the network: it may be wrong")
    else:
        yield Finding(OK, "clock", f"{now:%Y-%m-%d %H:%M %Z}")


def synchronised() -> bool | None:
    """Whether the kernel knows its clock to be set by the network; None: it cannot be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED


def _database(settings: Settings, user: User, clock: Clock) -> Iterator[Finding]:
    path = settings.bms_db_path
    refuse_foreign(BMS_DB, path)  # what the service itself does first, in its words
    if not path.exists():
        if not path.parent.is_dir() and not is_demo(settings):
            yield Finding(
                FAIL, "database", f"{path}: there is no such folder; make it, or correct BMS_DB_PATH"
            )
            return
        yield Finding(WARN, "database", f"{path}: not there yet; the service creates it")
        if path.parent.is_dir():
            yield from _writable("database", path, user)
        return
    with open_reader(path) as reader, reader.reading() as db:
        verdicts = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        pages, empty, size = (
            int(db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        schema = db.execute("PRAGMA user_version").fetchone()[0]
    if verdicts != ["ok"]:
        yield Finding(FAIL, "database", f"{path}: damaged: {'; '.join(verdicts)}; restore it from a backup")
        return
    yield Finding(OK, "database", f"{path}: whole, {megabytes(pages * size)}, schema {schema}")
    if empty > SCATTERED * pages and empty * size > 10e6:
        yield Finding(OK, "database", f"{megabytes(empty * size)} of it are empty and will be used again")
    if path.stat().st_mode & stat.S_IWOTH:
        yield Finding(WARN, "database", f"{path}: everybody may change it; chmod o-w {path}")
    yield from _writable("database", path, user)
    with open_reader(path) as reader:
        yield from _history(reader, settings, clock)
    for left in sorted(path.parent.glob(f"{path.name}.*")):
        if ".damaged-" in left.name and not left.name.endswith(("-wal", "-shm")):
            yield Finding(
                WARN, "database", f"{left}: was damaged and replaced; delete it when it is not wanted"
            )


def _history(reader: BmsDbReader, settings: Settings, clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    there = tracks(reader)
    if not there:
        yield Finding(OK, "history", "nothing yet")
    oldest_allowed = now - timedelta(days=settings.block_keep_days) - RETENTION_SLACK
    with reader.reading() as db:
        growth, rows, oldest = _blocks(db, now)
    for track in there:
        if track.first and track.last:
            yield Finding(
                OK, "history", f"{track.name}: {track.first:%Y-%m-%d} to {track.last:%Y-%m-%d %H:%M} UTC"
            )
        if track.last and track.last > now + timedelta(hours=1):
            yield Finding(
                WARN,
                "history",
                f"{track.name}: has rows of the future, {track.last:%Y-%m-%d %H:%M} UTC: the clock was wrong "
                "then; they are put aside once a time server confirms the clock",
            )
    if rows:
        yield Finding(
            OK, "growth", f"{megabytes(growth)} in the last {rows / 24:.1f} days, "
            f"about {megabytes(growth / rows * 24 * 365)} a year until old rows go"
        )  # fmt: skip
    if oldest and oldest < oldest_allowed and clock.trusted():
        yield Finding(
            WARN,
            "retention",
            f"rows of {oldest:%Y-%m-%d} are still there; BLOCK_KEEP_DAYS is {settings.block_keep_days} (they go "
            "in small steps while the service runs)",
        )
    elif oldest:
        yield Finding(
            OK, "retention", f"oldest rows of {oldest:%Y-%m-%d}, kept {settings.block_keep_days} days"
        )


def _blocks(db: sqlite3.Connection, now: datetime) -> tuple[int, int, datetime | None]:
    """Bytes and hours of the blocks of the last week, and the time of the oldest block."""
    present = int(now.timestamp() * 1000) // HOUR
    size, hours, oldest = 0, 0, None
    for [number] in db.execute("SELECT number FROM tracks").fetchall():
        base = number << 40
        week, blocks = db.execute(
            "SELECT coalesce(sum(length(data)), 0), count(*) FROM blocks WHERE key BETWEEN ? AND ?",
            (base + present - _WEEK, base + present),
        ).fetchone()
        [first] = db.execute(
            "SELECT min(key) FROM blocks WHERE key >= ? AND key < ?", (base, base + (1 << 40))
        ).fetchone()
        size, hours = size + week, max(hours, blocks)
        if first is not None and (oldest is None or first - base < oldest):
            oldest = first - base
    when = None if oldest is None else datetime.fromtimestamp(oldest * HOUR / 1000, UTC)
    return size, hours, when


def _inverter_database(settings: Settings, user: User, snapshot: Snapshot | None) -> Iterator[Finding]:
    path, what = settings.db_path, "inverter database"
    if not path.exists():
        if settings.standalone_rows:
            yield Finding(WARN, what, f"{path}: not there; the service creates it")
        elif settings.sources["DB_PATH"] == "default":
            yield Finding(
                FAIL,
                what,
                f"DB_PATH is not set, and {path} is not there; set it to the inverter program's database, or "
                "BMS_STANDALONE_ROWS=true in a house without such a program",
            )
        else:
            yield Finding(FAIL, what, f"{path}: not there; check DB_PATH, or start the inverter program")
        if path.parent.exists():
            yield from _writable(what, path, user)
        return
    yield from _writable(what, path, user)
    if snapshot is not None:  # it alone opens that file while it runs
        records = snapshot.records or RecordsNow()
        if records.failure:
            yield Finding(FAIL, what, records.failure)
        else:
            yield Finding(OK, what, f"{path}: {records.merged + records.inserted} records written")
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as db:
            if unusable := look_at_table(db).unusable:
                yield Finding(
                    FAIL, what, f"{path}: {unusable}; check that DB_PATH names the inverter program's own"
                )
                return
            newest = db.execute("SELECT created_at FROM readings ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise StoreError(explain(path, error)) from error
    yield Finding(OK, what, f"{path}: {f'newest record of {newest[0]}' if newest else 'no record yet'}")


def _space(settings: Settings) -> Iterator[Finding]:
    seen = set()
    for path in (settings.bms_db_path.parent, settings.db_path.parent, settings.backup_dir):
        if path is None or not path.exists() or (device := path.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(path).free
        level = FAIL if free < NO_SPACE else WARN if free < LITTLE_SPACE else OK
        yield Finding(level, "disk", f"{path}: {megabytes(free)} free")


def _copies(settings: Settings, user: User, clock: Clock) -> Iterator[Finding]:
    folder = settings.backup_dir
    if folder is None:
        yield Finding(OK, "copies", "no nightly copies (BACKUP_DIR is not set)")
        return
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.statvfs(there).f_blocks:  # a folder of the kernel's, such as /proc
        yield Finding(FAIL, "copies", f"BACKUP_DIR={folder}: {there} keeps no files; choose another folder")
        return
    if not may(user, there, 0o3):
        yield Finding(
            FAIL, "copies", f"BACKUP_DIR={folder}: {user.name} may not write into {there} ({_mode(there)}); give "
            "it the right to, or choose another folder"
        )  # fmt: skip
        return
    copies = nightly_copies(folder) if folder.is_dir() else []
    if not copies:
        yield Finding(WARN, "copies", f"{folder}: no nightly copy yet")
        return
    made = datetime.fromtimestamp(copies[0].stat().st_mtime, UTC)
    late = clock.now() - made > LATE
    text = f"{folder}: {len(copies)}, the newest of {made:%Y-%m-%d}, {megabytes(copies[0].stat().st_size)}"
    yield Finding(
        WARN if late else OK, "copies", text + ("; the service makes one each night" if late else "")
    )


def _user(snapshot: Snapshot | None) -> User:
    if snapshot is None and installed() and (user := _user_of_the_unit()):
        return user
    uid, groups = os.geteuid(), {os.getegid(), *os.getgroups()}
    if snapshot is not None:
        try:
            status = Path(f"/proc/{snapshot.program.pid}/status").read_text(
                encoding="ascii", errors="replace"
            )
            told = {
                key: value.split() for key, _, value in (line.partition(":") for line in status.splitlines())
            }
            uid, groups = int(told["Uid"][1]), {int(told["Gid"][1]), *map(int, told["Groups"])}
        except (OSError, KeyError, ValueError, IndexError):  # in another container: we speak for ourselves
            uid, groups = os.geteuid(), {os.getegid(), *os.getgroups()}
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"user {uid}"
    return User(uid, frozenset(groups), name)


def _user_of_the_unit() -> User | None:
    """Whom systemd starts the service as; None where that cannot be told."""
    try:
        lines = UNIT.read_text(encoding="utf-8", errors="replace").splitlines()
        said = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        entry = pwd.getpwnam(said["User"])
        joined = said.get("SupplementaryGroups", "").split()
        groups = {grp.getgrnam(name).gr_gid for name in (said.get("Group", ""), *joined) if name}
    except (OSError, KeyError):
        return None
    return User(
        entry.pw_uid, frozenset(groups | {*os.getgrouplist(entry.pw_name, entry.pw_gid)}), entry.pw_name
    )


def _writable(what: str, path: Path, user: User) -> Iterator[Finding]:
    """A fault for what the service's user may not do: SQLite needs the file and its folder."""
    installer = TOP / "install.sh"
    cure = f"; sudo {installer} says how to give it the right" if installed() and installer.exists() else ""
    if path.exists() and not may(user, path, 0o6):
        yield Finding(FAIL, what, f"{path}: {user.name} may not read and write it ({_mode(path)}){cure}")
    if not may(user, path.parent, 0o3):
        yield Finding(
            FAIL,
            what,
            f"{path.parent}: {user.name} may not write into this folder ({_mode(path.parent)}){cure}",
        )


def may(user: User, path: Path, wanted: int) -> bool:
    """Whether ``user`` has the ``wanted`` rights (4 read, 2 write, 1 enter) by owner, group and mode."""
    if os.statvfs(path).f_flag & os.ST_RDONLY and wanted & 0o2:
        return False
    if user.uid == 0:
        return True
    status = path.stat()
    shift = 6 if status.st_uid == user.uid else 3 if status.st_gid in user.groups else 0
    return (status.st_mode >> shift) & wanted == wanted


def _mode(path: Path) -> str:
    status = path.stat()
    owner, group = str(status.st_uid), str(status.st_gid)
    with suppress(KeyError):  # a number without a name: of a user who is gone, or of another machine
        owner = pwd.getpwuid(status.st_uid).pw_name
    with suppress(KeyError):
        group = grp.getgrgid(status.st_gid).gr_name
    return f"mode {status.st_mode & 0o7777:03o}, of {owner}:{group}"
