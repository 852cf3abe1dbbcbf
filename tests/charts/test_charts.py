"""Pictures of a simulated house: what must be seen in them is looked for in their pixels."""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from jk_bms.charts import plot, style
from jk_bms.charts.cells import BOTTOM as CELLS_BOTTOM
from jk_bms.charts.cells import NUMBER, ROW
from jk_bms.charts.cells import TOP as CELLS_TOP
from jk_bms.charts.data import GRID, ChartData, TooLittle, grid_outages, held, read_chart, read_periods
from jk_bms.charts.kinds import KINDS, Head
from jk_bms.charts.make import make, make_chart, periods_of, too_little
from jk_bms.charts.plot import BOTTOM, EDGE, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from jk_bms.charts.style import THEMES, Color
from jk_bms.charts.wanted import SPANS, WHAT, Pack, Wanted
from jk_bms.store.bms_db import open_reader
from jk_bms.store.history_query import Series, Values, daily_totals, samples
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


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven days of it."""
    path = tmp_path_factory.mktemp("month") / "bms.db"
    live(path, END, 10.5)
    return path


def wanted(path: Path, what: str = "soc", **changes: Any) -> Wanted:
    span = changes.get("span", "24h")
    packs = (Pack(PACK, "shed"),)
    plain = Wanted(path, packs, what, END - SPANS.get(span, SPANS["24h"]), END, span, "en", "light", KYIV)
    return plain._replace(**changes)


def picture_of(asked: Wanted) -> Image.Image:
    return decoded(make_chart(asked).png)


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
    image = picture_of(wanted(lived, what, theme=theme, language=language))

    assert image.size == (WIDTH, HEIGHT)
    assert like(image.getpixel((WIDTH - 3, HEIGHT - 3)), THEMES[theme].ground)
    colors = image.getcolors(1 << 20) or []
    assert len(colors) > 20
    assert sum(count for count, color in colors if like(color, THEMES[theme].ground)) < 0.95 * WIDTH * HEIGHT


@pytest.mark.parametrize("what", [what for what in KINDS if what != "day"])
@pytest.mark.parametrize("span", ["7d", "30d", "1y"])
@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "uk")])
def test_every_chart_of_weeks(month: Path, what: str, span: str, theme: str, language: str) -> None:
    made = make_chart(wanted(month, what, span=span, theme=theme, language=language))

    assert decoded(made.png).size == (WIDTH, HEIGHT)
    assert made.caption.startswith("shed")
    assert len(made.caption) < 200
    assert language == "en" or "." not in made.caption, "a decimal comma"


def test_letters_can_be_read_on_a_phone(monkeypatch: pytest.MonkeyPatch, lived: Path, month: Path) -> None:
    """Shown 360 px wide, none is smaller than 11 px."""
    sizes = set()
    real = style.font

    def noted(size: int, *, bold: bool = False) -> object:
        sizes.add(size / plot.OVER)
        return real(size, bold=bold)

    monkeypatch.setattr(plot, "font", noted)
    for what in KINDS:
        make_chart(wanted(lived, what))
    make_chart(wanted(month, "power", span="30d"))
    for count in (4, 16, 24, 32):
        make(
            {
                "what": "cells_now",
                "voltages": [3.3] * count,
                "numbers": list(range(1, count + 1)),
                "label": "x",
            }
        )

    assert min(sizes) * 360 / WIDTH >= 11


def test_the_line_is_where_the_charge_is(lived: Path) -> None:
    """At the end of charge it is at the top."""
    image = picture_of(wanted(lived))

    line = [
        y
        for y, pixel in enumerate(column(image, END.replace(hour=15, minute=30)))
        if like(pixel, THEMES["light"].blue)
    ]

    assert line
    assert max(line) < 0.05 * (BOTTOM - TOP)


def test_a_gap_is_a_gap(lived: Path) -> None:
    image = picture_of(wanted(lived))
    blue = THEMES["light"].blue

    assert not any(like(pixel, blue) for pixel in column(image, DEAF[0] + timedelta(hours=1)))
    assert any(like(pixel, blue) for pixel in column(image, DEAF[1] + timedelta(minutes=30)))


@pytest.mark.parametrize("span", SPANS)
def test_the_number_is_the_value_of_the_last_row(lived: Path, span: str) -> None:
    """Not the mean of the last step, which is hours long in a chart of a month."""
    names = ("battery_soc", "power", "cell_delta")
    with open_reader(lived) as reader:
        last = list(samples(reader, PACK, END - timedelta(minutes=2), END))[-1].values
        got = read_chart(reader, [PACK], names, END - SPANS[span], END).newest
    cells = [value for name, value in last.items() if name.startswith("cell_")]

    assert got == pytest.approx(
        {"battery_soc": last["battery_soc"], "power": last["power"], "cell_delta": max(cells) - min(cells)}
    )


def test_an_old_value_is_not_the_number(lived: Path) -> None:
    with open_reader(lived) as reader:
        for minutes, known in ((10, {"battery_soc"}), (20, set())):
            end = DEAF[0] + timedelta(minutes=minutes)
            data = read_chart(reader, [PACK], ("battery_soc",), end - SPANS["24h"], end)
            assert set(data.newest) == known


@pytest.mark.parametrize("what", KINDS)
def test_the_newest_value_stands_above(lived: Path, what: str) -> None:
    kind = KINDS[what]
    with open_reader(lived) as reader:
        data = read_chart(reader, [PACK], kind.pack, END - SPANS["24h"], END, inverter=kind.inverter)
    head = Head("title", KYIV, language("en"), THEMES["light"])

    def above(newest: dict[str, float]) -> str:
        said = kind.say(data._replace(newest=newest), head)
        return f"{said.words} {said.value}".strip()

    one, other = (above(dict.fromkeys(kind.pack, value)) for value in (12.0, 34.0))
    assert one.split()[-2] != other.split()[-2]
    assert above({}) == "no data since 21:28"


def test_the_words_say_what_the_number_is(lived: Path) -> None:
    head = Head("title", KYIV, language("en"), THEMES["light"])
    known = {"battery_soc": 84.4, "power": -1234.0, "cell_delta": 0.005, "temperature": 18.52}
    said = {}
    for what in ("soc", "power", "cells", "temperature"):
        kind = KINDS[what]
        with open_reader(lived) as reader:
            data = read_chart(reader, [PACK], kind.pack, END - SPANS["24h"], END, inverter=kind.inverter)
        one = kind.say(data._replace(newest=known), head)
        said[what] = f"{one.words} {one.value}"

    assert said == {
        "soc": "now 84 %",
        "power": "now discharging 1.23 kW",
        "cells": "cell difference now 5 mV",
        "temperature": "battery now 18.5 °C",
    }


@pytest.mark.parametrize(
    ("watts", "name", "words"),
    [
        (1234.0, "en", "charging at 21:30"),
        (-1234.0, "en", "discharging at 21:30"),
        (-1234.0, "uk", "розряджання о 21:30"),
        (1.0, "en", "at 21:30"),
    ],
)
def test_power_of_the_past_has_a_direction_as_well(lived: Path, watts: float, name: str, words: str) -> None:
    """When the poller is dead the last value is of then."""
    kind, head = KINDS["power"], Head("title", KYIV, language(name), THEMES["light"], to_now=False)
    with open_reader(lived) as reader:
        data = read_chart(reader, [PACK], kind.pack, END - SPANS["24h"], END, inverter=kind.inverter)

    assert kind.say(data._replace(newest={"power": watts}), head).words == words


def test_a_caption_says_what_the_picture_shows(lived: Path) -> None:
    def lines(**changes: Any) -> list[str]:
        return make_chart(wanted(lived, **changes)).caption.splitlines()

    assert lines() == [
        "shed: State of charge, last 24 hours",
        "at 21:30 33 %; lowest 16 % at 08:04; highest 100 % at 14:52",
    ]
    assert lines(language="uk") == [
        "shed: Заряд, остання доба",
        "о 21:30 33 %; найменше 16 % о 08:04; найбільше 100 % о 14:52",
    ]


def test_days_are_those_of_the_local_calendar(month: Path) -> None:
    """Seven with today, each with its lowest and highest value and what went in and out."""
    begin = datetime(2026, 11, 14, tzinfo=KYIV)
    days = [(begin + timedelta(days=n), min(begin + timedelta(days=n + 1), END)) for n in range(7)]
    with open_reader(month) as reader:
        got = read_periods(reader, [PACK], ("battery_soc",), days, KYIV, inverter=("ac_output_power",))
        rows = list(samples(reader, PACK, days[2][0], days[2][1]))
        totals = daily_totals(reader, PACK, 7, END)
        watts = [row.values["ac_output_power"] for row in samples(reader, "inverter", *days[2])]
    soc = [row.values["battery_soc"] for row in rows]

    third = got.pack["battery_soc"][2]
    assert third is not None
    assert (third.low, third.high) == pytest.approx((min(soc), max(soc)), abs=0.06)
    assert third.mean == pytest.approx(sum(soc) / len(soc), abs=0.2)
    assert got.discharged[2] == totals["2026-11-16"].discharged_kwh
    assert got.inverter["ac_output_power"][2] == pytest.approx(sum(watts) / 60_000, rel=0.01)
    assert make_periods(month, "7d") == days


def make_periods(path: Path, span: str) -> list[tuple[datetime, datetime]]:
    return periods_of(KINDS["soc"], wanted(path, span=span))


def test_a_house_younger_than_its_picture_fills_it(tmp_path: Path) -> None:
    """Not a sliver at the right: the picture begins with the house, and says when that was."""
    path = tmp_path / "bms.db"
    live(path, END, 0.2)

    image = picture_of(wanted(path, span="24h"))
    weeks = make_chart(wanted(path, span="30d"))

    left = [image.getpixel((LEFT + 170, y)) for y in range(round(TOP), round(BOTTOM))]
    assert any(like(pixel, THEMES["light"].blue) for pixel in left)
    assert weeks.caption.startswith("shed, recorded since 20 Nov: State of charge, last 5 h 30 min\n")


@pytest.mark.parametrize(("low", "notes"), [(39.4, 0), (38.0, 0), (37.0, 2), (39.9, 1)])
def test_of_a_charge_that_hardly_moved_nothing_is_said(low: float, notes: int) -> None:
    line: list[float | None] = [low, 39.9]
    data = ChartData(
        END.timestamp() - 120,
        END.timestamp(),
        [END.timestamp() - 90, END.timestamp() - 30],
        {"battery_soc": Values(line, line, line)},
        {"battery_soc": 39.9},
        {},
        [],
    )

    said = KINDS["soc"].say(data, Head("", KYIV, language("en"), THEMES["light"]))

    assert len(said.notes) == notes


def test_eighteen_minutes_are_called_so(tmp_path: Path) -> None:
    live(tmp_path / "bms.db", END, 18 / 1440)

    title = make_chart(wanted(tmp_path / "bms.db", span="24h")).caption.splitlines()[0]

    assert re.fullmatch(r"shed: State of charge, last 1[78] min", title)


SECOND = "AA:BB:CC:DD:EE:02"


@pytest.fixture(scope="module")
def two_packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 280 Ah, one of 70 Ah, beside it, silent for an hour."""
    path = tmp_path_factory.mktemp("packs") / "bms.db"
    quiet = END - timedelta(hours=3)
    live(path, END, 0.3, capacity=280.0)
    live(
        path,
        END,
        0.3,
        seed=5,
        pack=SECOND,
        capacity=70.0,
        inverter=False,
        blind=lambda at: quiet <= at < quiet + timedelta(hours=1),
    )
    return path


def test_a_house_of_two_packs_is_weighted_by_their_size(two_packs: Path) -> None:
    names = ("battery_soc", "power", "cell_delta")
    start = END - timedelta(hours=2)
    with open_reader(two_packs) as reader:
        one, other = (read_chart(reader, [each], names, start, END) for each in (PACK, SECOND))
        both = read_chart(reader, [PACK, SECOND], names, start, END)
    place = len(both.times) // 2

    def mean(data: ChartData, name: str) -> float:
        value = data.pack[name].mean[place]
        assert value is not None
        return value

    assert mean(both, "battery_soc") == pytest.approx(
        0.8 * mean(one, "battery_soc") + 0.2 * mean(other, "battery_soc")
    )
    assert mean(both, "power") == pytest.approx(mean(one, "power") + mean(other, "power"))
    assert mean(both, "cell_delta") == max(mean(one, "cell_delta"), mean(other, "cell_delta"))
    assert both.newest["power"] == pytest.approx(one.newest["power"] + other.newest["power"])


def test_a_house_is_unknown_where_one_of_its_packs_is(two_packs: Path) -> None:
    """The others alone are not the house: its line would jump."""
    with open_reader(two_packs) as reader:
        both = read_chart(reader, [PACK, SECOND], ("battery_soc",), END - timedelta(hours=4), END)
    gap = [t for t, v in zip(both.times, both.pack["battery_soc"].mean, strict=True) if v is None]

    assert max(gap) - min(gap) == pytest.approx(3600, abs=240)


def test_a_pack_without_any_data_is_left_out_and_named(two_packs: Path) -> None:
    packs = (Pack(PACK, "shed"), Pack("AA:BB:CC:DD:EE:03", "attic"))

    assert make_chart(wanted(two_packs, packs=packs)).caption.startswith("House, without attic: State of")
    packs = (Pack(PACK, "shed"), Pack(SECOND, "attic"))
    assert make_chart(wanted(two_packs, packs=packs)).caption.startswith("House: State of charge")


def test_outages_are_shaded(lived: Path) -> None:
    """The house had no grid at noon, and had it at ten in the morning."""
    image = picture_of(wanted(lived))

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


def test_an_outage_is_one_where_records_are_rarer_than_steps() -> None:
    """A step without a record is no end of it; a grid in between is, and so is a long silence."""
    nothing: Line = [None] * 20
    rare: Line = [230, None, None, 0, None, None, 0, None, None, 0, None, 0, None, None, 230] + [None] * 5
    silent: Line = [0, None, 0, None, 0, None, 0, *[None] * 7, 0, None, 0, None, None, None]

    once, twice = held(series(rare, nothing)), held(series(silent, nothing))

    assert grid_outages(once) == [(180.0, 840.0)]
    assert grid_outages(twice) == [(0.0, 420.0), (840.0, 1020.0)]
    assert once.values["grid_voltage"].mean[:4] == [230, 230, 230, 0]
    assert held(series(nothing, nothing)) == series(nothing, nothing)


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

    assert picture_of(wanted(path, "power")).size == (WIDTH, HEIGHT)


def test_nothing_is_no_picture_and_a_dot_is_none(lived: Path, tmp_path: Path) -> None:
    early = END - timedelta(days=90)
    path = tmp_path / "bms.db"
    live(path, END, 3 / 1440)

    with pytest.raises(TooLittle) as nothing:
        make_chart(wanted(lived, start=early - SPANS["24h"], end=early))
    with pytest.raises(TooLittle) as dot:
        make_chart(wanted(path))

    assert too_little(nothing.value, language("en")) == "Nothing was recorded in that time."
    assert "2 min" in too_little(dot.value, language("en"))


CELLS = [3.32] * 16


def colors_of_cells(image: Image.Image, count: int) -> list[object]:
    """The colour of each bar, of a picture with one column."""
    height = min(ROW, (CELLS_BOTTOM - CELLS_TOP) / count)
    x = round(EDGE + NUMBER + 2)
    return [image.getpixel((x, round(CELLS_TOP + (row + 0.5) * height))) for row in range(count)]


@pytest.mark.parametrize("theme", THEMES)
def test_the_highest_and_the_lowest_cell_stand_out(theme: str) -> None:
    voltages = CELLS.copy()
    voltages[2], voltages[8] = 3.301, 3.336
    request = {"what": "cells_now", "voltages": voltages, "numbers": list(range(1, 17)), "label": "shed"}

    colors = colors_of_cells(decoded(make(request | {"theme": theme}).png), 16)

    used = THEMES[theme]
    expected = {2: used.blue, 8: used.orange}
    assert all(like(color, expected.get(row, used.green)) for row, color in enumerate(colors))


BEYOND = {  # name: (usual voltage, low limit, high limit, cell 5, cells that are red)
    "too high": (3.4, None, 3.65, 3.651, {4}),
    "at the limit": (3.4, None, 3.65, 3.65, {4}),
    "too low": (3.0, 2.8, None, 2.79, {4}),
    "all too high": (3.66, None, 3.65, 3.67, set(range(24))),
    "none": (3.4, 2.8, 3.65, 3.6, set()),
    "LTO": (2.3, 1.8, None, 1.7, {4}),
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("usual", "low", "high", "fifth", "red"), BEYOND.values(), ids=BEYOND)
def test_no_cell_beyond_a_limit_is_green(
    usual: float, low: float | None, high: float | None, fifth: float, red: set[int], theme: str
) -> None:
    voltages = [usual] * 24
    voltages[4] = fifth
    request: dict[str, Any] = {
        "what": "cells_now",
        "voltages": voltages,
        "numbers": list(range(1, 25)),
        "label": "shed",
    }
    request |= {"low_limit": low, "high_limit": high, "theme": theme}

    colors = colors_of_cells(decoded(make(request).png), 24)

    assert {row for row, color in enumerate(colors) if like(color, THEMES[theme].red)} == red


def test_the_cell_that_is_meant_is_red() -> None:
    request = {"what": "cells_now", "voltages": CELLS, "numbers": list(range(1, 17)), "label": "shed"}

    plain, marked = (decoded(make(request | more).png) for more in ({}, {"marked": 11}))

    red = THEMES["light"].red
    assert not any(like(color, red) for color in colors_of_cells(plain, 16))
    assert [like(color, red) for color in colors_of_cells(marked, 16)].index(True) == 10


@pytest.mark.parametrize("theme", THEMES)
def test_the_limit_is_written_on_the_ground_alone(theme: str) -> None:
    """Bars reach beyond the limit of a low cell: text among them could not be read."""
    voltages = [2.92] * 16
    voltages[2], voltages[14] = 2.842, 2.95
    request: dict[str, Any] = {"what": "cells_now", "voltages": voltages, "numbers": list(range(1, 17))}
    request |= {"label": "shed", "marked": 3, "theme": theme}

    plain, limited = (decoded(make(request | {"low_limit": limit}).png) for limit in (0.5, 2.85))

    red, ground = THEMES[theme].red, THEMES[theme].ground
    written = [
        (x, y)
        for x in range(WIDTH)
        for y in range(HEIGHT)
        if like(limited.getpixel((x, y)), red) and not like(plain.getpixel((x, y)), red)
    ]
    label = [place for place in written if place[1] < CELLS_TOP]
    assert len(label) > 100
    assert all(like(plain.getpixel(place), ground) for place in label)
    assert len({x for x, y in written if y >= CELLS_TOP}) <= 4, "the dashes of the line"


def test_cells_are_told_with_their_own_numbers() -> None:
    """A BMS may leave wires out."""
    made = make(
        {
            "what": "cells_now",
            "voltages": [2.3, 2.1, 2.2],
            "numbers": [2, 5, 9],
            "label": "x",
            "language": "uk",
        }
    )

    assert made.caption == (
        "x: Комірки зараз\nрозбіг зараз 200 мВ; найнижча: комірка 5, 2,100 В; найвища: комірка 2, 2,300 В"
    )


def child(request: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "jk_bms.charts"],
        cwd=PROJECT,
        input=json.dumps(request).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )


def asked(lived: Path, **more: object) -> dict[str, object]:
    return {"what": "soc", "bms_db": str(lived), "packs": [[PACK, "<b>&"]], "timezone": "Europe/Kyiv"} | more


def test_a_child_process_makes_it(lived: Path) -> None:
    when = {"start": (END - SPANS["7d"]).isoformat(), "end": END.isoformat()}

    result = child(asked(lived, **when, theme="dark", language="uk"))

    assert result.stderr == b""
    told = json.loads(result.stdout)
    assert decoded(base64.b64decode(told["picture"])).size == (WIDTH, HEIGHT)
    assert told["caption"].startswith("<b>&, дані від 18 листопада: Заряд\n")


def test_a_child_process_says_why_there_is_no_picture(lived: Path) -> None:
    early = {"start": "2026-01-01T00:00+00:00", "end": "2026-01-02T00:00+00:00", "language": "uk"}

    result = child(asked(lived, **early))

    assert (result.returncode, result.stderr) == (0, b"")
    assert json.loads(result.stdout) == {"why": "За цей час нічого не записано."}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"what": "weather"}, "chart is 'weather'; expected one of soc"),
        ({"span": "3d"}, "span is '3d'; expected one of 24h"),
        ({"theme": "pink"}, "theme is 'pink'; expected one of light, dark"),
        ({"bms_db": "/nonexistent/bms.db"}, "/nonexistent/bms.db"),
    ],
)
def test_what_cannot_be_made_is_one_line(lived: Path, change: dict[str, str], said: str) -> None:
    result = child(asked(lived, span="24h") | change)

    assert result.returncode == 1
    assert result.stdout == b""
    [line] = result.stderr.decode().splitlines()
    assert line.startswith("chart: ")
    assert said in line
