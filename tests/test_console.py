"""The live view: what fits on the screen, and where log lines go meanwhile."""

import asyncio
import logging
import re
from io import StringIO

import pytest
import segno
from msgspec.structs import replace

from jk_bms.model.snapshot import WebNow
from jk_bms.poller.console import Console
from tests.told import house

PATH = "/a/house/with/a/very/long/path/to/its/database/of/the/inverter/program/inverter.db"
SNAPSHOT = house(
    {
        "devices": [],
        "records": {"path": PATH, "merged": 3, "inserted": 0, "age": 1.0, "failure": None},
    }
)


def screen(text: str) -> list[str]:
    """The lines of the last picture, without the codes of the terminal."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text.rpartition("\x1b[H")[2]).split("\n")[:-1]


@pytest.fixture
def out() -> StringIO:
    return StringIO()


def view(out: StringIO, columns: int, lines: int, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    return Console(lambda: SNAPSHOT, head=["easun-jkbms"], out=out)


def test_log_lines_stand_below_the_picture(out: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = view(out, 100, 40, monkeypatch)
    with drawn.instead_of_log_lines():
        logging.getLogger("jk_bms.test").warning("the link dropped")
    drawn.draw()

    lines = screen(out.getvalue())
    assert lines[0] == "easun-jkbms"
    assert f"  File     {PATH}" in lines
    assert lines[-1].endswith("  the link dropped")


def test_other_handlers_come_back(out: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the picture stands their lines would tear it; afterwards they are needed."""
    before = logging.getLogger().handlers[:]
    drawn = view(out, 80, 24, monkeypatch)

    with drawn.instead_of_log_lines():
        during = logging.getLogger().handlers[:]

    assert during == [drawn]
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 10), (20, 5)])
def test_picture_fits_into_the_terminal(
    columns: int, lines: int, out: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that wraps, or one too many, would make the picture wander."""
    drawn = view(out, columns, lines, monkeypatch)
    for number in range(20):
        drawn.emit(logging.makeLogRecord({"msg": f"line {number} " + "of many words " * 10}))
    drawn.draw()

    shown = screen(out.getvalue())
    assert len(shown) < lines
    assert max(map(len, shown)) <= columns


def test_newest_log_line_is_seen_in_a_low_terminal(out: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the one that says what is wrong."""
    drawn = view(out, 80, 6, monkeypatch)
    drawn.emit(logging.makeLogRecord({"msg": "old"}))
    drawn.emit(logging.makeLogRecord({"msg": "disk full"}))
    drawn.draw()

    assert screen(out.getvalue())[-1].endswith("disk full")


async def test_runs_until_cancelled(out: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = asyncio.create_task(view(out, 80, 24, monkeypatch).run())
    await asyncio.sleep(0)
    drawing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await drawing
    assert "easun-jkbms" in out.getvalue()


def with_page(out: StringIO, columns: int, lines: int, monkeypatch: pytest.MonkeyPatch, web: WebNow) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    state = replace(SNAPSHOT, web=web)
    Console(lambda: state, head=["easun-jkbms"], out=out).draw()
    return "\n".join(screen(out.getvalue()))


LINK = "http://raspberrypi.local:8080/start#ABCDEFGHJK"
CODED = WebNow(url="http://raspberrypi.local:8080", code="ABCDEFGHJK", link=LINK)


def test_a_phone_can_read_the_first_link_off_the_screen(
    out: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = with_page(out, 100, 60, monkeypatch, CODED)

    # What is drawn, as dark and light modules again, is the code of that link.
    rows = [line for line in drawn.split("\n") if set(line) & set("▀▄█")]
    halves = {" ": (True, True), "▀": (False, True), "▄": (True, False), "█": (False, False)}
    dark = [[halves[one][half] for one in row] for row in rows for half in (0, 1)]
    wanted = [[bool(one) for one in row] for row in segno.make(LINK, error="l").matrix]
    inner = [row[4 : 4 + len(wanted)] for row in dark[4 : 4 + len(wanted)]]
    assert inner == wanted


@pytest.mark.parametrize(
    ("columns", "lines", "web"),
    [
        (100, 20, CODED),
        (30, 60, CODED),
        (100, 60, WebNow(url="http://raspberrypi.local:8080", link="http://raspberrypi.local:8080")),
    ],
    ids=["too low", "too narrow", "it has a password"],
)
def test_no_code_is_drawn_where_there_is_no_room_or_no_need(
    out: StringIO, monkeypatch: pytest.MonkeyPatch, columns: int, lines: int, web: WebNow
) -> None:
    assert not set("▀▄█") & set(with_page(out, columns, lines, monkeypatch, web))
