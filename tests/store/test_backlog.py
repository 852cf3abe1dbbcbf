"""What waits for the disk: the same rows in few bytes, in order, and through a kill."""

import logging
import os
import stat
from pathlib import Path

import pytest

from jk_bms.store.backlog import PACKED_TOGETHER, Backlog, PackedRows, Unwritten, compact, without_oldest
from jk_bms.store.columns import BOOT, OFFSET, TIME, TRUSTED
from jk_bms.store.history import Batch, ClockSet, Confirmed, Counter, Cut, Row

COLUMNS = (TIME, BOOT, OFFSET, TRUSTED, 10, 11)
SET = ClockSet(1, "boot", 500, 1_000_000, move=True)


def rows(first: int, count: int) -> list[Row]:
    return [(5000 * n, 1, 0, 1, 52_000 + n % 7, None if n % 5 else -n) for n in range(first, first + count)]


def minutes(first: int, count: int, track: str = "AA") -> list[Unwritten]:
    return [Batch(track, 5000, COLUMNS, rows(12 * n, 12)) for n in range(first, first + count)]


def plain(steps: list[Unwritten]) -> list[object]:
    """Each step with its rows as they are, minute by minute."""
    return [step._replace(rows=list(step.rows)) if isinstance(step, Batch) else step for step in steps]


def test_packed_rows_come_back() -> None:
    packed = PackedRows.of(COLUMNS, rows(3, 700))

    assert list(packed) == list(packed) == rows(3, 700)
    assert len(packed) == 700
    assert rows(5, 1)[0] in packed
    assert PackedRows.of(COLUMNS, packed) is packed
    assert len(packed.data) < 10 * 700


def test_minutes_become_hours() -> None:
    """One minute after the other, as they fail; two packs in between each other."""
    steps: list[Unwritten] = []
    for n in range(150):
        steps = compact([*steps, *minutes(n, 1), *minutes(n, 1, "BB")])

    for track in ("AA", "BB"):
        mine = [step for step in steps if isinstance(step, Batch) and step.track == track]
        assert [row for step in mine for row in step.rows] == rows(0, 1800)
        assert [len(step.rows) for step in mine] == [PACKED_TOGETHER, PACKED_TOGETHER, 360]


def test_no_row_passes_a_step_of_the_clock() -> None:
    confirmed = Confirmed(1, 400)
    other = Batch("AA", 5000, COLUMNS[:-1], [row[:-1] for row in rows(24, 12)])
    steps = compact([*minutes(0, 2), confirmed, SET, *minutes(2, 2), other, *minutes(4, 1)])

    assert plain(steps) == [
        Batch("AA", 5000, COLUMNS, rows(0, 24)),
        confirmed,
        SET,
        Batch("AA", 5000, COLUMNS, [*rows(24, 24), *rows(48, 12)]),
        other,
    ]


@pytest.mark.parametrize(("most", "left"), [(60, 5), (59, 4), (12, 1), (11, 0), (0, 0)])
def test_the_oldest_go(most: int, left: int) -> None:
    """What is known of the clock stays."""
    kept, dropped = without_oldest([*minutes(0, 3), SET, *minutes(3, 2)], most)

    assert dropped == 60 - 12 * left
    assert sum(len(step.rows) for step in kept if isinstance(step, Batch)) == 12 * left
    assert SET in kept
    assert [step for step in kept if step != SET] == minutes(5 - left, left)


def cut() -> Cut:
    return Cut(
        [
            *minutes(0, 2),
            Confirmed(1, 400),
            SET,
            Batch("BB", 1000, COLUMNS, PackedRows.of(COLUMNS, rows(0, 9))),
        ],
        {"AA": Counter(7, {"n": 1.25, "deep": [None, True]}, b"\x00begun"), "BB": Counter(9, {})},
        sequence=9,
        prune=False,
        states={"health:AA": {"weeks": [1, 2]}},
    )


def test_the_file_brings_all_back(tmp_path: Path) -> None:
    assert Backlog(tmp_path / "waiting").write(cut())

    found = Backlog(tmp_path / "waiting").read()

    assert found is not None
    assert plain(list(found.steps)) == plain(list(cut().steps))
    assert found._replace(steps=[]) == cut()._replace(steps=[])


def test_the_newer_takes_the_place_of_the_older_until_it_is_cleared(tmp_path: Path) -> None:
    waiting = Backlog(tmp_path / "waiting")
    assert waiting.read() is None
    waiting.write(cut())
    waiting.write(cut()._replace(sequence=10))

    found = waiting.read()
    assert found is not None
    assert found.sequence == 10
    for again in (waiting, Backlog(tmp_path / "waiting")):
        again.clear()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"\x93\x01", b"not this", b"\x96\x02\x90\x80\x01\xc3\x80", b"\x91\x01"]
)
def test_a_file_that_makes_no_sense_is_told(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "waiting").write_bytes(content)

    assert Backlog(tmp_path / "waiting").read() is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_what_a_newer_version_left_is_kept(tmp_path: Path) -> None:
    """Neither the next commit nor what waits then takes it away."""
    newer = b"\x96\x02\x90\x80\x01\xc3\x80"
    (tmp_path / "waiting").write_bytes(newer)
    backlog = Backlog(tmp_path / "waiting")

    assert backlog.read() is None
    backlog.clear()
    assert backlog.write(cut())
    backlog.clear()

    assert [file.name for file in tmp_path.iterdir()] == ["waiting.not-understood"]
    assert (tmp_path / "waiting.not-understood").read_bytes() == newer


@pytest.mark.parametrize("name", ["waiting", "waiting.new"])
def test_a_file_of_others_stays(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / name).write_text("my notes")
    backlog = Backlog(tmp_path / "waiting")

    assert backlog.read() is None
    assert not backlog.write(cut())
    backlog.clear()

    assert "not ours" in caplog.text
    assert (tmp_path / name).read_text() == "my notes"


def test_the_file_is_not_for_everybody(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Backlog(tmp_path / "waiting").write(cut())
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "waiting").stat().st_mode) == 0o640


def test_a_file_that_was_taken_away_is_noticed(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path / "waiting")
    assert not backlog.lost
    backlog.write(cut())
    assert not backlog.lost
    (tmp_path / "waiting").unlink()
    assert backlog.lost
    backlog.write(cut())
    backlog.clear()
    assert not backlog.lost


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "missing").touch()
    assert not Backlog(tmp_path / "missing" / "waiting").write(cut())
    assert "a kill now costs what could not be committed" in caplog.text
