"""History that was written before probes had numbers: rows, blocks and roll-ups read rightly."""

from datetime import timedelta
from pathlib import Path

import pytest

from jk_bms.store import history
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TEMPERATURES, TIME, TRUSTED
from jk_bms.store.history import Batch, Cut, HistoryStore
from jk_bms.store.history_query import query, samples
from jk_bms.store.unnumbered import OLD
from tests.store.history_rows import AT, AT_MS, PACK, open_store

HEAD = (TIME, BOOT, OFFSET, TRUSTED, FRAMES)
MOSFETS, WARMEST = (BY_NAME[name].id for name in ("mosfet_temperature", "temperature"))
NEW = tuple(column.id for column in TEMPERATURES)
MINUTE = 60_000

# name: (columns, their values in 0.1 °C, temperatures by probe)
ROWS: dict[str, tuple[tuple[int, ...], tuple[int | None, ...], dict[int, float]]] = {
    "five, the third a copy": (
        (MOSFETS, *OLD[:5]),
        (620, 160, 164, 620, 155, 157),
        {1: 16, 2: 16.4, 4: 15.5, 5: 15.7},
    ),
    "three, the third a copy": ((MOSFETS, *OLD[:3]), (259, 238, 243, 259), {1: 23.8, 2: 24.3}),
    "a third probe": (
        (MOSFETS, *OLD[:5]),
        (207, 120, 121, 129, 122, 123),
        {1: 12, 2: 12.1, 3: 12.9, 4: 12.2, 5: 12.3},
    ),
    "four of a board without a third": (
        (MOSFETS, *OLD[:4]),
        (240, 210, 211, 212, 213),
        {1: 21, 2: 21.1, 4: 21.2, 5: 21.3},
    ),
    "two": ((MOSFETS, *OLD[:2]), (240, 210, 240), {1: 21, 2: 24}),
    "one, of the inverter": ((OLD[0],), (310,), {1: 31}),
    "three without MOSFETs": (OLD[:3], (210, 211, 212), {1: 21, 2: 21.1, 3: 21.2}),
    "numbered, the third as warm as the MOSFETs": (
        (MOSFETS, *NEW[:3]),
        (240, 210, 211, 240),
        {1: 21, 2: 21.1, 3: 24},
    ),
}


def write(
    path: Path, columns: tuple[int, ...], values: tuple[int | None, ...], first: int, count: int
) -> None:
    rows = [(AT_MS + n * MINUTE, 1, 0, 1, 1, *values) for n in range(first, first + count)]
    with open_store(path) as own:
        HistoryStore(own).commit(Cut([Batch(PACK, MINUTE, (*HEAD, *columns), rows)], {}))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(("columns", "values", "right"), ROWS.values(), ids=ROWS)
def test_rows_and_roll_ups(
    columns: tuple[int, ...],
    values: tuple[int | None, ...],
    right: dict[int, float],
    folded: bool,
    tmp_path: Path,
) -> None:
    """Each temperature under the number of its probe, and the warmest of them, fresh and folded."""
    path = tmp_path / "bms.db"
    write(path, columns, values, 0, 60)
    if folded:
        write(path, (MOSFETS,), (None,), 60, 1)
    end = AT + timedelta(hours=1)
    names = [f"temperature_{n}" for n in range(1, 6)]

    with open_store(path) as own:
        rows = list(samples(own, PACK, AT, end))
        shown = query(own, PACK, [*names, "temperature"], AT, end, 4)

    for row in rows:
        assert {n: v for n in range(1, 11) if (v := row.values.get(f"temperature_{n}")) is not None} == right
    assert len(rows) == 60
    for number, name in enumerate(names, 1):
        expected = [pytest.approx(right[number])] * 4 if number in right else [None] * 4
        assert shown.values[name].mean == expected, name
    warmest = shown.values["temperature"]
    assert warmest.mean == warmest.min == warmest.max == pytest.approx([max(right.values())] * 4)


def test_a_day_in_which_the_program_was_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roll-ups of before and after stand in one chunk; the warmest of before was the MOSFETs."""
    old, new = (MOSFETS, *OLD[:5], WARMEST), (MOSFETS, *(NEW[n] for n in (0, 1, 3, 4)))
    names = ["temperature", "temperature_3", "temperature_4"]
    with open_store(tmp_path / "bms.db") as own:
        for hour in range(7):
            before = hour < 3
            columns, values = (
                (old, (620, 160, 164, 620, 155, 157, 620)) if before else (new, (500, 170, 174, 165, 167))
            )
            with monkeypatch.context() as patch:
                if hour < 4:  # an hour is rolled up with the first row of the next
                    patch.setattr(history, "numbered", lambda columns: columns)
                write_hour(own, columns, values, hour)
        shown = query(own, PACK, names, AT, AT + timedelta(hours=6), 6)
        HistoryStore(own).rebuild()
        again = query(own, PACK, names, AT, AT + timedelta(hours=6), 6)

    assert shown.tier == again.tier != "rows"
    assert shown.values == again.values
    assert shown.values["temperature"].max == pytest.approx([16.4] * 3 + [17.4] * 3)
    assert shown.values["temperature_3"].mean == [None] * 6
    assert shown.values["temperature_4"].mean == pytest.approx([15.5] * 3 + [16.5] * 3)


def write_hour(own: BmsDb, columns: tuple[int, ...], values: tuple[int | None, ...], hour: int) -> None:
    rows = [(AT_MS + (60 * hour + n) * MINUTE, 1, 0, 1, 1, *values) for n in range(60)]
    HistoryStore(own).commit(Cut([Batch(PACK, MINUTE, (*HEAD, *columns), rows)], {}))
