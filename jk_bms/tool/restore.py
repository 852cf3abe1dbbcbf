"""``jk-util.py restore FILE``: check a backup in every respect, then let it take its place."""

import argparse
import shutil
from contextlib import ExitStack
from pathlib import Path

from jk_bms.called import poller
from jk_bms.config.backup_texts import differing_settings, fitting_settings, with_secrets
from jk_bms.config.devices import read_registry
from jk_bms.config.settings import TOP, Settings
from jk_bms.errors import ConfigError, StoreError, reason
from jk_bms.store import backup
from jk_bms.store.backup import Manifest, Replacement, open_archive, swap, workshop
from jk_bms.store.bms_db import BMS_DB, no_writer
from jk_bms.store.lock import InUse
from jk_bms.store.ownership import refuse_foreign
from jk_bms.tool.output import note, say
from jk_bms.tool.stored import local_now, stamp, stored_settings, uncommitted

WITHOUT = "--only-database does without it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("file", metavar="FILE", help="archive written by backup")
    parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
    parser.add_argument(
        "--only-database", action="store_true", help="leave the registry and the settings as they are"
    )


def run(given: argparse.Namespace) -> int:
    """Put a backup in place of what is there; what was there is kept beside it."""
    settings = stored_settings(given)
    archive = Path(given.file).absolute()
    with ExitStack() as stack:
        _keep_writers_from(settings.bms_db_path, stack, given)
        folder = stack.enter_context(workshop(settings.bms_db_path.absolute().parent))
        manifest = open_archive(archive, folder)
        say(f"{archive}: good; made {manifest.made_at:%Y-%m-%d %H:%M %z} by version {manifest.version}")
        database = folder / backup.DATABASE
        texts: list[Replacement] = []
        if not given.only_database:
            before = settings.bms_db_path
            settings, texts = _settings(folder, settings, stack)
            if settings.bms_db_path != before:
                _keep_writers_from(settings.bms_db_path, stack, given)
                database = _moved(database, settings.bms_db_path, stack)
            texts += _registry(folder, settings, stack)
        # First what was not yet written of the present: at the start it would go over the backup.
        replacements = [Replacement(None, path) for path in uncommitted(settings)]
        replacements += [Replacement(database, settings.bms_db_path), *texts]
        if given.dry_run:
            for ready, target in replacements:
                deed = "put aside" if ready is None else "replace" if target.exists() else "write"
                say(f"would {deed} {target}")
            return 0
        asides = swap(replacements, stamp(local_now(settings)))
    for ready, target in replacements:
        if ready is not None:
            say(f"restored {target}")
    for aside in asides:
        say(f"what was there is now {aside}")
    _tell_left_out(manifest)
    return 0


def _registry(folder: Path, settings: Settings, stack: ExitStack) -> list[Replacement]:
    """The registry of the backup with the secrets of the present one, where the two differ."""
    stored = folder / backup.REGISTRY
    if not stored.exists():
        return []
    target = settings.devices_file
    text = _stored_text(folder, backup.REGISTRY)
    try:
        read_registry(stored)
    except ConfigError as error:
        said = str(error).replace(str(stored), f"its {backup.REGISTRY}")
        raise ConfigError(f"the backup's registry cannot be used: {said}; {WITHOUT}") from error
    try:
        read_registry(target)
    except ConfigError as error:
        raise ConfigError(
            f"the present registry cannot be read, so it may be another program's: {error}; move it away, or {WITHOUT}"
        ) from error
    try:
        present = target.read_bytes().decode("utf-8-sig")
        text = with_secrets(text, target, present)
    except FileNotFoundError:
        present = ""
    except (ConfigError, UnicodeDecodeError, OSError) as error:
        note(f"the present registry gives no secrets to the restored one: {error}")
        present = ""
    return [] if text == present else [_ready(text.encode(), target, stack)]


def _settings(folder: Path, settings: Settings, stack: ExitStack) -> tuple[Settings, list[Replacement]]:
    """The settings that will hold: those of the backup where there are none.

    Else they are only told: the file is not ours alone.
    """
    stored = folder / backup.SETTINGS
    if not stored.exists():
        return settings, []
    text = _stored_text(folder, backup.SETTINGS)
    if settings.env_file is None:
        try:
            fitting, settings, left_out = fitting_settings(text)
        except ConfigError as error:
            raise ConfigError(f"the backup's settings do not fit: {error}; {WITHOUT}") from error
        if left_out:
            note(
                "this machine does not have these places, or they may not be written; set them again in .env:"
            )
            for line in left_out:
                note(f"  {line}")
        return settings, [_ready(fitting.encode(), TOP / ".env", stack)]
    differing = differing_settings(text, settings)
    if differing:
        note(f"{settings.env_file} stays as it is; the backup's settings differ in:")
        for line in differing:
            note(f"  {line}")
    return settings, []


def _keep_writers_from(database: Path, stack: ExitStack, given: argparse.Namespace) -> None:
    """Make sure that what is replaced is ours and that no program writes it. Raises ConfigError, StoreError."""
    refuse_foreign(BMS_DB, database)
    if given.dry_run:
        return
    try:
        stack.enter_context(no_writer(database))
    except InUse as error:
        raise StoreError(f"{error} ({poller('stop')})") from error


def _stored_text(folder: Path, name: str) -> str:
    """A text of the backup. Raises ConfigError when it is none."""
    try:
        text = (folder / name).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"the backup's {name} is not UTF-8 text (byte {error.start}); {WITHOUT}") from error
    if "\0" in text:
        raise ConfigError(f"the backup's {name} is no text: it has a zero byte; {WITHOUT}")
    return text


def _moved(database: Path, target: Path, stack: ExitStack) -> Path:
    """``database``, unpacked, where it can take the place of ``target`` in one step."""
    ready = stack.enter_context(workshop(target.absolute().parent)) / target.name
    try:
        shutil.move(database, ready)
    except OSError as error:
        raise StoreError(f"{ready}: cannot be written: {reason(error)}") from error
    return ready


def _ready(text: bytes, target: Path, stack: ExitStack) -> Replacement:
    ready = stack.enter_context(workshop(target.absolute().parent)) / target.name
    try:
        ready.write_bytes(text)
    except OSError as error:
        raise StoreError(f"{ready}: cannot be written: {reason(error)}") from error
    return Replacement(ready, target)


def _tell_left_out(manifest: Manifest) -> None:
    if manifest.left_out:
        note("not in a backup; enter again what the files do not have:")
        for secret in manifest.left_out:
            note(f"  {secret}")
