"""``jk-util.py backup FILE``: one archive with the database, the registry and the settings."""

import argparse
from pathlib import Path

from jk_bms.config.backup_texts import backup_texts
from jk_bms.demo import is_demo
from jk_bms.errors import StoreError
from jk_bms.store.backup import PROGRAM, SETTINGS, is_backup, write_archive
from jk_bms.tool.output import note, say
from jk_bms.tool.stored import Progress, local_now, megabytes, stamp, stored_settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("file", metavar="FILE", help="archive to write, or a folder to put one into")
    parser.add_argument("--replace", action="store_true", help="replace FILE if it is a backup")


def run(given: argparse.Namespace) -> int:
    """Write the archive, beside the running service too; secrets are left out."""
    settings = stored_settings(given)
    now = local_now(settings)
    target = Path(given.file).absolute()
    if target.is_dir():
        target /= f"{PROGRAM}-{stamp(now)}.tar.gz"
    if target.exists() and not given.replace:
        raise StoreError(f"{target}: exists already; choose another name, or --replace")
    if target.exists() and not is_backup(target):
        raise StoreError(f"{target}: is no backup, so it is not replaced; choose another name")
    texts, left_out = backup_texts(settings)
    if is_demo(settings):
        del texts[SETTINGS]
    progress = Progress("copying the database")
    try:
        manifest = write_archive(
            target, settings.bms_db_path, texts, made_at=now, left_out=left_out, progress=progress
        )
    finally:
        progress.end()
    say(f"{target}: {megabytes(target.stat().st_size)}")
    for name, member in manifest.files.items():
        print(f"  {name:<16} {megabytes(member.size)}")
    for secret in left_out:
        note(f"left out: {secret}")
    return 0
