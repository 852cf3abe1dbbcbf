"""stat.log as other programs have read it for years."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.bot.stat_log import StatLog, read_lines
from jk_bms.store.imports import Findings, read_log

KYIV = ZoneInfo("Europe/Kyiv")
NOON = datetime(2026, 1, 15, 10, 0, 0, 123456, tzinfo=UTC)
CHATS = (123456789, -100200)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_the_lines_are_as_documented(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "logs" / "stat.log", KYIV)

    log.registered(NOON, 123456789, [123456789])
    log.battery(NOON, 26.512, 95.26, CHATS)

    assert lines(log.path) == [
        "2026-01-15T12:00:00.123456+02:00;Chat ID: 123456789",
        "2026-01-15T12:00:00.123456+02:00;Voltage: 26.512 V, Battery Level: 95.3%",
    ]


def test_whole_seconds_have_microseconds_too_and_summer_has_its_offset(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "stat.log", KYIV)
    log.battery(datetime(2026, 7, 1, 12, tzinfo=UTC), 26.5, 100.0)

    assert lines(log.path) == ["2026-07-01T15:00:00.000000+03:00;Voltage: 26.500 V, Battery Level: 100.0%"]


def test_a_new_file_begins_at_local_midnight_with_the_known_chats(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "stat.log", KYIV)
    log.battery(NOON, 26.5, 95.0, CHATS)
    before = datetime(2026, 1, 15, 21, 59, 59, tzinfo=UTC)
    log.turn(before, CHATS)
    assert [path.name for path in tmp_path.iterdir()] == ["stat.log"]

    log.turn(before + timedelta(seconds=1), CHATS)

    assert lines(log.path) == [
        "2026-01-16T00:00:00.000000+02:00;Chat ID: 123456789",
        "2026-01-16T00:00:00.000000+02:00;Chat ID: -100200",
    ]
    assert len(lines(tmp_path / "stat.15-01-2026.log")) == 3


def test_after_a_gap_the_archive_has_the_date_of_its_content(tmp_path: Path) -> None:
    """Two days without power, and another process: it knows only the file."""
    StatLog(tmp_path / "stat.log", KYIV).battery(NOON, 26.5, 95.0)

    StatLog(tmp_path / "stat.log", KYIV).battery(NOON + timedelta(days=2), 26.6, 96.0, CHATS)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["stat.15-01-2026.log", "stat.log"]
    assert [line.split(";")[1] for line in lines(tmp_path / "stat.log")] == [
        "Chat ID: 123456789",
        "Chat ID: -100200",
        "Voltage: 26.600 V, Battery Level: 96.0%",
    ]


def test_a_clock_set_back_over_midnight_loses_nothing(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "stat.log", KYIV)
    for hours in (0, 24, 0, 24):
        log.battery(NOON + timedelta(hours=hours), 26.0, 90.0 + hours)

    assert len(lines(tmp_path / "stat.15-01-2026.log")) == 2
    assert sum(len(lines(path)) for path in tmp_path.iterdir()) == 4


def test_old_archives_go_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "stat.16-10-2025.log",
        "stat.17-10-2025.log",
        "stat.99-99-2020.log",
        "stat.notes.log",
        "other.01-01-2020.log",
    ):
        (tmp_path / name).write_text("x\n")

    StatLog(tmp_path / "stat.log", KYIV, keep_days=90).battery(NOON, 26.5, 95.0)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "other.01-01-2020.log",
        "stat.17-10-2025.log",
        "stat.99-99-2020.log",
        "stat.log",
        "stat.notes.log",
    ]


def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "stat.log"
    path.write_text("2026-01-15T11:50:00.000000+02:00;Voltage: 26.5")

    StatLog(path, KYIV).battery(NOON, 26.5, 95.0)

    assert [line.level for line in read_lines(path, KYIV)] == [None, 95.0]


def test_a_file_that_somebody_took_away_is_begun_anew(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "stat.log", KYIV)
    log.battery(NOON, 26.5, 95.0, CHATS)
    log.path.rename(tmp_path / "taken")

    log.battery(NOON + timedelta(minutes=10), 26.5, 95.0, CHATS)

    assert len(lines(log.path)) == 3


def test_the_reader_passes_over_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "stat.log"
    path.write_bytes(
        b"2026-01-15T12:00:00.000000+02:00;Chat ID: 7\n\n;\nrubbish\n\xff\xfe;\x00\n"
        b"2026-01-15T12:10:00;Voltage: 26.512 V, Battery Level: 95.3%\r\n"
        b"2026-13-45T12:00:00+02:00;Chat ID: 8\n"
        b"2026-01-15T12:20:00+02:00;Voltage: 1.2.3 V, Battery Level: 95%\n"
        b"2026-01-15T12:30:00+02:00;Grid: up\n" + b"9" * 5000 + b";Chat ID: 9\n"
        b"2026-01-15T12:40:00+02:00;Voltage: 26.4 V, Battery Level: 94.0%"
    )

    read = list(read_lines(path, KYIV))

    assert [(line.chat, line.level) for line in read] == [(7, None), (None, 95.3), (None, None), (None, 94.0)]
    assert read[1].at == datetime(2026, 1, 15, 10, 10, tzinfo=UTC)


def test_what_is_written_can_be_imported(tmp_path: Path) -> None:
    log = StatLog(tmp_path / "stat.log", KYIV)
    log.battery(NOON, 26.512, 95.3, CHATS)
    findings = Findings()

    [reading] = read_log(log.path, KYIV, findings)

    assert (reading.taken_at, dict(reading.values)) == (NOON, {"voltage": 26.512, "battery_soc": 95.3})
    assert findings.bad == 0


@pytest.mark.parametrize(
    "content",
    [b"SQLite format 3\0" + bytes(84), b"TELEGRAM_BOT_TOKEN=1\n", b"devices:\n", b"# of mine\n"],
    ids=["a database", "settings", "a registry", "notes"],
)
def test_a_file_of_others_stays_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "precious"
    path.write_bytes(content)
    os.utime(path, (0, 0))  # of another day: it would be renamed
    log = StatLog(path, KYIV)

    log.battery(NOON, 26.5, 95.0, CHATS)
    log.battery(NOON + timedelta(days=1), 26.5, 95.0, CHATS)

    assert [each.name for each in tmp_path.iterdir()] == ["precious"]
    assert path.read_bytes() == content
    [said] = caplog.messages
    assert "not ours" in said
    assert "LOG_FILE_PATH" in said


@pytest.mark.parametrize("content", [b"", bytes(50), b"2026-01-1"], ids=["empty", "blank", "torn"])
def test_what_a_power_cut_left_of_it_is_ours(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "stat.log"
    path.write_bytes(content)

    StatLog(path, KYIV).battery(NOON, 26.5, 95.0)

    assert [line.level for line in read_lines(path, KYIV)] == [95.0]


def test_a_file_that_cannot_be_written_is_told_once_and_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "place").write_text("a file, no folder")
    log = StatLog(tmp_path / "place" / "stat.log", KYIV)

    with caplog.at_level(logging.INFO):
        for minutes in range(3):
            log.battery(NOON + timedelta(minutes=minutes), 26.5, 95.0, CHATS)
        (tmp_path / "place").unlink()
        log.battery(NOON + timedelta(minutes=3), 26.5, 95.0, CHATS)

    assert [line.split(": ", 1)[1] for line in caplog.messages] == [
        "cannot be written: file exists (LOG_FILE_PATH)",
        "can be written again",
    ]
    assert len(lines(log.path)) == 3
