"""Pictures of a simulated house: what must be seen in them is looked for in their pixels."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from jk_bms.charts.data import GRID, grid_outages, read_chart
from jk_bms.charts.kinds import BOTTOM, KINDS, TOP, Head
from jk_bms.charts.make import make, make_chart
from jk_bms.charts.plot import HEIGHT, LEFT, RIGHT, WIDTH
from jk_bms.charts.style import THEMES, Color
from jk_bms.charts.wanted import SPANS, WHAT, Wanted
from jk_bms.store.history_query import Series, Values, samples
from jk_bms.store.own import open_reader
from jk_bms.texts import LANGUAGES, language
from tests.charts.lived_house import PACK, live
from tests.e2e.house import TOP as PROJECT

KYIV = ZoneInfo("Europe/Kyiv")
END = datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)
DEAF = (datetime(2026, 11, 20, 2, tzinfo=KYIV), datetime(2026, 11, 20, 5, tzinfo=KYIV))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of the simulated house; three hours of the last night nobody listened."""
    path = tmp_path_factory.mktemp("lived") / "bms.db"
    live(path, END, 2.0, blind=lambda at: DEAF[0] <= at < DEAF[1])
    return path


def wanted(path: Path, what: str = "soc", **changes: Any) -> Wanted:
    plain = Wanted(path, PACK, "shed", what, END - SPANS["24h"], END, "24h", "en", "light", KYIV)
    return plain._replace(**changes)


def decoded(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


def like(pixel: object, color: Color) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= 24 for a, b in zip(pixel, color, strict=True))


def column(image: Image.Image, at: datetime) -> list[object]:
    """The pixels of the panel at a time."""
    share = (at - (END - SPANS["24h"])) / SPANS["24h"]
    x = round(LEFT + share * (WIDTH - LEFT - RIGHT))
    return [image.getpixel((x, y)) for y in range(round(TOP) + 2, round(BOTTOM) - 2)]


def test_what_one_may_ask_for_is_what_there_is() -> None:
    assert tuple(KINDS) == WHAT


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_in_every_theme_and_language(lived: Path, what: str, theme: str, language: str) -> None:
    image = decoded(make_chart(wanted(lived, what, theme=theme, language=language)))

    assert image.size == (WIDTH, HEIGHT)
    assert like(image.getpixel((WIDTH - 3, HEIGHT - 3)), THEMES[theme].ground)
    colors = image.getcolors(1 << 20) or []
    assert len(colors) > 20
    assert sum(count for count, color in colors if like(color, THEMES[theme].ground)) < 0.95 * WIDTH * HEIGHT


def test_the_line_is_where_the_charge_is(lived: Path) -> None:
    """At the end of charge it is at the top."""
    image = decoded(make_chart(wanted(lived)))

    line = [
        y
        for y, pixel in enumerate(column(image, END.replace(hour=15, minute=30)))
        if like(pixel, THEMES["light"].blue)
    ]

    assert line
    assert max(line) < 0.05 * (BOTTOM - TOP)


def test_a_gap_is_a_gap(lived: Path) -> None:
    image = decoded(make_chart(wanted(lived)))
    blue = THEMES["light"].blue

    assert not any(like(pixel, blue) for pixel in column(image, DEAF[0] + timedelta(hours=1)))
    assert any(like(pixel, blue) for pixel in column(image, DEAF[1] + timedelta(minutes=30)))


@pytest.mark.parametrize("span", SPANS)
def test_the_number_is_the_value_of_the_last_row(lived: Path, span: str) -> None:
    """Not the mean of the last step, which is hours long in a chart of a month."""
    names = ("battery_soc", "power", "cell_delta")
    with open_reader(lived) as reader:
        last = list(samples(reader, PACK, END - timedelta(minutes=2), END))[-1].values
        got = read_chart(reader, PACK, names, END - SPANS[span], END).newest
    cells = [value for name, value in last.items() if name.startswith("cell_")]

    assert got == pytest.approx(
        {"battery_soc": last["battery_soc"], "power": last["power"], "cell_delta": max(cells) - min(cells)}
    )


def test_an_old_value_is_not_the_number(lived: Path) -> None:
    with open_reader(lived) as reader:
        for minutes, known in ((10, {"battery_soc"}), (20, set())):
            end = DEAF[0] + timedelta(minutes=minutes)
            data = read_chart(reader, PACK, ("battery_soc",), end - SPANS["24h"], end)
            assert set(data.newest) == known


@pytest.mark.parametrize("what", KINDS)
def test_the_newest_value_stands_above(lived: Path, what: str) -> None:
    kind = KINDS[what]
    with open_reader(lived) as reader:
        data = read_chart(reader, PACK, kind.pack, END - SPANS["24h"], END, inverter=kind.inverter)
    head = Head("title", "shed", KYIV, language("en"), THEMES["light"])

    def above(newest: dict[str, float]) -> bytes:
        picture = decoded(kind.draw(data._replace(newest=newest), head).png())
        return picture.crop((WIDTH // 2, 0, WIDTH, 70)).tobytes()

    one, other = (above(dict.fromkeys(kind.pack, value)) for value in (12.0, 34.0))
    assert one != other
    assert above({}) not in (one, other)


def test_outages_are_shaded(lived: Path) -> None:
    """The house had no grid at noon, and had it at ten in the morning."""
    image = decoded(make_chart(wanted(lived)))

    def shaded(at: datetime) -> float:
        pixels = column(image, at)
        return sum(pixel == THEMES["light"].outage for pixel in pixels) / len(pixels)

    assert shaded(END.replace(hour=12, minute=50)) > 0.5
    assert shaded(END.replace(hour=10, minute=20)) == 0.0


Line = Sequence[float | None]


def series(voltage: Line, power: Line, load: Line | None = None, sun: Line | None = None) -> Series:
    nothing = [None] * len(voltage)
    lines = (voltage, power, load or nothing, sun or nothing)
    values = {
        name: Values(list(line), list(line), list(line)) for name, line in zip(GRID, lines, strict=True)
    }
    return Series("inverter", "rows", 60.0, [60.0 * n for n in range(len(voltage))], values)


def test_an_outage_is_told_by_voltage_then_by_power_and_never_by_silence() -> None:
    assert grid_outages(series([230, 0, 0, 230], [0, 0, 0, 0])) == [(60.0, 180.0)]
    assert grid_outages(series([None] * 4, [400, 0, 400, None])) == [(60.0, 120.0)]
    assert grid_outages(series([None] * 3, [None] * 3)) == []


def test_no_import_is_no_outage_while_the_sun_carries_the_house() -> None:
    """The rule of the alerts: that the grid gives nothing then tells nothing of it."""
    silent, nothing = [None] * 5, [0.0] * 5

    assert grid_outages(series(silent, nothing, [500.0] * 5, [0, 450, 500, 300, None])) == [
        (0.0, 60.0),
        (180.0, 300.0),
    ]
    assert grid_outages(series(silent, nothing, silent, [0, 9, 11, 450, None])) == [
        (0.0, 120.0),
        (240.0, 300.0),
    ]
    assert grid_outages(series([0.0] * 5, nothing, [500.0] * 5, [900.0] * 5)) == [(0.0, 300.0)]


def test_a_step_is_an_outage_when_most_of_it_was_one() -> None:
    voltage = series([130.0, 100.0], [0, 0])
    voltage.values["grid_voltage"].max[:] = [230.0, 230.0]

    assert grid_outages(voltage) == [(60.0, 120.0)]


def test_a_house_without_inverter_has_charts(tmp_path: Path) -> None:
    path = tmp_path / "bms.db"
    live(path, END, 0.2, inverter=False)

    assert decoded(make_chart(wanted(path, "power"))).size == (WIDTH, HEIGHT)


def test_nothing_recorded_is_said(lived: Path) -> None:
    """A picture, not an error: the owner asked for a day before the first."""
    early = END - timedelta(days=90)

    image = decoded(make_chart(wanted(lived, start=early - SPANS["24h"], end=early)))

    assert not any(
        like(pixel, THEMES["light"].blue)
        for pixel in image.crop((LEFT, 160, WIDTH, 700)).get_flattened_data()
    )


CELLS = [3.32] * 16


def test_the_cell_that_is_meant_is_red_and_the_limit_is_drawn() -> None:
    voltages = CELLS.copy()
    voltages[10] = 3.61
    request = {"what": "cells_now", "voltages": voltages, "numbers": list(range(1, 17)), "label": "shed"}

    plain, marked = decoded(make(request)), decoded(make(request | {"limit": 3.65, "marked": 11}))

    red = THEMES["light"].red
    assert not any(like(pixel, red) for pixel in plain.get_flattened_data())
    room = (WIDTH - LEFT - RIGHT) / 16
    assert like(marked.getpixel((round(LEFT + 10.5 * room), 400)), red)
    assert not like(marked.getpixel((round(LEFT + 9.5 * room), 400)), red)


@pytest.mark.parametrize("theme", THEMES)
def test_the_limit_is_written_on_the_ground_alone(theme: str) -> None:
    """All bars reach above the limit of a low cell but its own: text in the panel is not to be read."""
    voltages = [2.92] * 16
    voltages[2], voltages[14] = 2.842, 2.95
    numbers = list(range(1, 17))
    request: dict[str, Any] = {"what": "cells_now", "voltages": voltages, "numbers": numbers, "label": "shed"}
    request |= {"marked": 3, "theme": theme}

    plain, limited = (decoded(make(request | {"limit": limit})) for limit in (9.0, 2.85))

    red, ground = THEMES[theme].red, THEMES[theme].ground
    places = [(x, y) for x in range(WIDTH // 2, WIDTH) for y in range(limited.height)]
    written = [
        place
        for place in places
        if like(limited.getpixel(place), red) and not like(plain.getpixel(place), red)
    ]
    label = [place for place in written if place[1] < TOP]
    assert len(label) > 100
    assert all(like(plain.getpixel(place), ground) for place in label)
    assert len({y for _, y in written if y >= TOP}) <= 3, "the dashes of the line"


def child(request: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "jk_bms.charts"],
        cwd=PROJECT,
        input=json.dumps(request).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_child_process_makes_it(lived: Path) -> None:
    request = {
        "what": "soc",
        "bms_db": str(lived),
        "device": PACK,
        "label": "<b>&",
        "timezone": "Europe/Kyiv",
    }
    request |= {
        "start": (END - SPANS["7d"]).isoformat(),
        "end": END.isoformat(),
        "theme": "dark",
        "language": "uk",
    }

    result = child(request)

    assert result.stderr == b""
    assert decoded(result.stdout).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"what": "weather"}, "chart is 'weather'; expected one of soc"),
        ({"span": "3d"}, "span is '3d'; expected one of 24h"),
        ({"theme": "pink"}, "theme is 'pink'; expected one of light, dark"),
        ({"device": "nobody"}, "nothing of 'nobody'"),
        ({"bms_db": "/nonexistent/bms.db"}, "/nonexistent/bms.db"),
    ],
)
def test_what_cannot_be_made_is_one_line(lived: Path, change: dict[str, str], said: str) -> None:
    result = child(
        {"what": "soc", "bms_db": str(lived), "device": PACK, "label": "shed", "span": "24h"} | change
    )

    assert result.returncode == 1
    assert result.stdout == b""
    [line] = result.stderr.decode().splitlines()
    assert line.startswith("chart: ")
    assert said in line
