"""A file of an older version becomes one of the newest, or stays as it is, whenever the power goes."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jk_bms.bot.store import BOT_DB
from jk_bms.errors import StoreError
from jk_bms.store.bms_db import BMS_DB
from jk_bms.store.database import open_writing
from jk_bms.store.schema import Migration, Schema, bring_up
from tests.store.newer_schema import with_more

ROW = {
    "bms.db": "INSERT INTO events (kind, time, boot_id, monotonic, clock_trusted, text, facts) "
    "VALUES ('service.start', '2026-11-20T10:00:00+00:00', 'x', 1, 1, 'began', '{}')",
    "bot.db": "INSERT INTO notes (name, value) VALUES ('offset', '7')",
}
COUNT = {"bms.db": "SELECT count(*) FROM events", "bot.db": "SELECT count(*) FROM notes"}
TWO = with_more(BMS_DB, Migration("one", "CREATE TABLE one (x)"), Migration("two", "CREATE TABLE two (x)"))


def at_version(schema: Schema, version: int) -> Schema:
    """``schema`` as an older program knew it."""
    return schema._replace(steps=schema.steps[:version])


def use(schema: Schema, path: Path) -> None:
    """Open it as the program does that knows ``schema``."""
    opened = open_writing(schema, path, lambda: datetime.now(UTC))
    opened.connection.close()
    opened.lock.close()


def asked(path: Path, question: str) -> object:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(question).fetchone()[0]


def written(schema: Schema, path: Path) -> Path:
    """Make a file of ``schema`` with a row in it."""
    path.parent.mkdir(exist_ok=True)
    use(schema, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(ROW[schema.name])
        db.commit()
    return path


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob(f"{path.name}.*") if not file.name.endswith(".lock"))


def left_by_kills(folder: Path, name: str) -> Iterator[Path]:
    """Where the database is that each killed opening left, the one of the last, which came through, at the end."""
    code = [sys.executable, "-m", "tests.store.killed_opening", str(folder), name]
    subprocess.run(code, check=True, cwd=Path(__file__).parents[2])
    for here in sorted(
        (each for each in folder.iterdir() if each.name.isdigit()), key=lambda each: int(each.name)
    ):
        yield here / name


FROM = {
    f"{schema.name} {version}": (schema, version)
    for schema, versions in ((BMS_DB, (1, BMS_DB.version - 1)), (BOT_DB, (1,)))
    for version in versions
}


@pytest.mark.parametrize(("schema", "version"), FROM.values(), ids=FROM)
def test_a_killed_migration_leaves_the_file_as_it_was_or_as_it_is_to_be(
    schema: Schema, version: int, tmp_path: Path
) -> None:
    """And the next start ends what was begun, with one copy of before."""
    older = at_version(schema, version)
    written(older, tmp_path / "start" / schema.name)
    found = []

    for path in left_by_kills(tmp_path, schema.name):
        assert asked(path, "PRAGMA integrity_check") == "ok"
        found.append(asked(path, "PRAGMA user_version"))
        if found[-1] == version:
            shutil.copytree(path.parent, back := path.parent.with_name(f"{path.parent.name} taken back"))
            use(older, back / path.name)
            assert asked(back / path.name, COUNT[schema.name]) == 1

        use(schema, path)
        use(schema, path)

        assert asked(path, "PRAGMA user_version") == schema.version
        assert asked(path, COUNT[schema.name]) == 1
        assert asked(path, "SELECT count(*) FROM migrations") == schema.version
        [copy] = copies(path)
        assert copy == f"{path.name}.before-v{schema.version}"
        assert asked(path.with_name(copy), "PRAGMA user_version") == version
        assert asked(path.with_name(copy), COUNT[schema.name]) == 1

    assert set(found) == {version, schema.version}
    assert found == sorted(found)  # type: ignore[type-var]


@pytest.mark.parametrize("schema", [BMS_DB, BOT_DB], ids=["bms.db", "bot.db"])
def test_a_file_whose_making_was_killed_is_made_at_the_next_start(schema: Schema, tmp_path: Path) -> None:
    (tmp_path / "start").mkdir()

    for path in left_by_kills(tmp_path, schema.name):
        written(schema, path)

        assert asked(path, COUNT[schema.name]) == 1
        assert not schema.lacking(sqlite3.connect(path))
        assert not copies(path)


def test_each_step_is_noted_with_its_name(tmp_path: Path) -> None:
    path = written(BMS_DB, tmp_path / "bms.db")
    use(TWO, path)

    with closing(sqlite3.connect(path)) as db:
        noted = db.execute("SELECT version, name, readable_from FROM migrations ORDER BY version").fetchall()
    assert noted == [(number, step.name, 1) for number, step in enumerate(TWO.steps, 1)]


def test_a_migration_that_fails_again_and_again_fills_no_disk(tmp_path: Path) -> None:
    """The service is started again every ten seconds; each copy may be as large as years of history."""
    path = written(BMS_DB, tmp_path / "bms.db")
    bad = with_more(BMS_DB, Migration("one", "CREATE TABLE one (x)"), Migration("bad", "DROP TABLE missing"))

    for _ in range(3):
        with pytest.raises(StoreError, match="no such table: missing"):
            use(bad, path)

    assert not copies(path)
    assert asked(path, "PRAGMA user_version") == BMS_DB.version
    assert asked(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'one'") == 0


def test_a_copy_that_was_cut_short_takes_no_lasting_name(tmp_path: Path) -> None:
    """The file was put there anew meanwhile, in the newest version."""
    path = written(BMS_DB, tmp_path / "bms.db")
    part = path.with_name(f"bms.db.before-v{BMS_DB.version}.part")
    part.write_bytes(path.read_bytes()[:5000])
    journal = part.with_name(f"{part.name}-journal")
    journal.write_bytes(b"x")

    use(BMS_DB, path)

    assert not copies(path)


def test_a_name_with_a_quotation_mark_is_a_name() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        bring_up(with_more(BMS_DB, Migration("the owner's", "CREATE TABLE one (x) -- of his")), db)

        assert db.execute("SELECT max(name) FROM migrations WHERE name > 't'").fetchone() == ("the owner's",)
