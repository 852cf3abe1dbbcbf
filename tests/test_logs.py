"""How log lines look, where they lose their timestamp, and how a flood ends."""

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.logs import FloodGuard, setup_logging


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Leave the process-wide loggers as they were."""
    root, names = logging.getLogger(), ("jk_bms", "jk_bms_service", "__main__")
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    root.handlers.clear()  # basicConfig(force=True) would close those of pytest
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def test_form() -> None:
    """The form that the guide shows, under the service's name whoever speaks."""
    stream = io.StringIO()
    setup_logging("INFO", "jk_bms_service", stream=stream)

    logging.getLogger("jk_bms.sinks.inverter_db").info("Battery updated: %.1fV", 52.58)

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - jk_bms_service - INFO - Battery updated: 52.6V\n",
        stream.getvalue(),
    )


def test_no_text_forges_a_line() -> None:
    """A name from the air stays within its line; what an exception says stands indented below it."""
    stream = io.StringIO()
    setup_logging("INFO", "jk_bms_service", stream=stream)
    forged = "x\n2026-11-30 03:00:00 - jk_bms_service - ERROR - alert: all batteries burn\x1b[2J"

    logging.getLogger("jk_bms").info("%s: connected", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        logging.getLogger("jk_bms").exception("a bug")

    first, second, *below = stream.getvalue().splitlines()
    assert first.endswith(
        r"INFO - x\n2026-11-30 03:00:00 - jk_bms_service - ERROR - alert: all batteries burn\x1b[2J: connected"
    )
    assert second.endswith("ERROR - a bug")
    assert below[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in below)
    assert r"burn\x1b[2J" in below[-1]


def test_time_zone() -> None:
    """Shown times are the owner's."""
    stream = io.StringIO()
    setup_logging("INFO", "jk_bms_service", stream=stream, timezone=ZoneInfo("Asia/Tokyo"))
    record = logging.LogRecord("jk_bms", logging.INFO, "", 1, "text", (), None)
    record.created = 0.0

    logging.getLogger().handlers[0].handle(record)

    assert stream.getvalue().startswith("1970-01-01 09:00:00 - ")


def test_no_timestamp_in_the_journal(tmp_path: Path) -> None:
    """A stream that is the journal's gets none; the variable alone is not enough."""
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "other").open("w") as other:
        status = os.fstat(journal.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}", "INVOCATION_ID": "1"}
        for stream in (journal, other):
            setup_logging("INFO", "jk_bms_service", stream=stream, environ=environ)
            logging.getLogger("jk_bms.x").info("text")

    assert (tmp_path / "journal").read_text() == "jk_bms_service - INFO - text\n"
    assert (tmp_path / "other").read_text().endswith(" - jk_bms_service - INFO - text\n")
    assert (tmp_path / "other").read_text()[:2] == "20"


LEVELS = {
    # LOG_LEVEL: what is heard of ours and of a library's DEBUG, INFO, WARNING and ERROR
    "DEBUG": ("DIWE", "WE"),
    "INFO": ("IWE", "WE"),
    "WARNING": ("WE", "WE"),
    "ERROR": ("E", "E"),
}


@pytest.mark.parametrize("level", LEVELS)
def test_levels(level: str) -> None:
    """Libraries are heard from WARNING up: their DEBUG would drown ours."""
    heard = []
    for name in ("jk_bms.links.ble", "bleak.backends"):
        stream = io.StringIO()
        setup_logging(level, "jk_bms_service", stream=stream)
        log = logging.getLogger(name)
        for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            log.log(number, "text")
        heard.append("".join(line.split(" - ")[2][0] for line in stream.getvalue().splitlines()))

    assert tuple(heard) == LEVELS[level]


def test_set_up_twice_says_things_once() -> None:
    """The service sets up again once it knows LOG_LEVEL."""
    stream = io.StringIO()
    setup_logging("INFO", "jk_bms_service", stream=stream)
    setup_logging("INFO", "jk_bms_service", stream=stream)

    logging.getLogger("jk_bms_service").info("text")

    assert stream.getvalue().count("text") == 1


def _record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("jk_bms", level, "", 1, text, (), None)


def test_flood_becomes_a_count() -> None:
    """The same warning shows once a minute; the second time it says how many it stands for."""
    now = 1000.0
    guard = FloodGuard(60.0, lambda: now)

    shown = [guard.filter(_record(logging.WARNING, "device silent")) for _ in range(100)]
    now = 1061.0
    late = _record(logging.WARNING, "device silent")
    shown_late = guard.filter(late)
    now = 1200.0
    calm = _record(logging.WARNING, "device silent")
    guard.filter(calm)

    assert shown == [True] + [False] * 99
    assert shown_late
    assert vars(late)["held_back"] == " (99 more in the last 61 s)"
    assert vars(calm)["held_back"] == ""


def test_flood_guard_lets_the_rest_through() -> None:
    """Another text, level or exception, and everything below WARNING."""
    guard = FloodGuard(60.0, lambda: 5.0)
    bug = _record(logging.ERROR, "pack1: silent")
    bug.exc_info = (KeyError, KeyError("x"), None)
    records = [
        bug,
        _record(logging.WARNING, "pack1: silent"),
        _record(logging.WARNING, "pack2: silent"),
        _record(logging.ERROR, "pack1: silent"),
        _record(logging.INFO, "Battery updated"),
        _record(logging.INFO, "Battery updated"),
    ]

    assert all(guard.filter(record) for record in records)


def test_flood_guard_is_bounded() -> None:
    """Ever new warnings do not fill the memory; the freshest are remembered."""
    guard = FloodGuard(60.0, lambda: 5.0)

    for number in range(5000):
        guard.filter(_record(logging.WARNING, f"text {number}"))

    assert guard.filter(_record(logging.WARNING, "text 0"))
    assert not guard.filter(_record(logging.WARNING, "text 4999"))
    assert len(guard._seen) <= 1000
