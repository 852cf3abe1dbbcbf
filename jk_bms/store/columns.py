"""What history keeps: one column for each number, as a whole number in the unit a BMS sends.

The ids stand in files that are kept for years: never change or reuse one. A new quantity is
a new row here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from jk_bms.model.sample import MOST_CELLS

Values = Sequence[int | None]  # one column of some rows; None: unknown

LARGEST = 2**40  # stored numbers; a day of them still adds up to less than 8 bytes

# Columns of the rows themselves.
TIME = 0  # ms since 1970, UTC: the beginning of the period
BOOT = 1  # number of the boot it was measured in
OFFSET = 2  # ms: TIME minus the time since that boot
TRUSTED = 3  # 1 when TIME is right as far as we know
FRAMES = 4  # how many frames the row is made of
COUNT = 5  # of rows in a roll-up; rows have none
OF_ROWS = frozenset({TIME, BOOT, OFFSET, TRUSTED})


class Column(NamedTuple):
    """One number of a row; ``stored / divisor`` is in the unit of the name."""

    id: int
    name: str  # for the caller; the attribute of ``Sample`` where there is one
    divisor: int = 1
    flag: bool = False  # stored as 0 or its divisor, so that a mean is a share


C = Column  # short, so that a row is a line
# fmt: off
MEANS = (  # mean over the period; divisors of voltages and currents are those of the frames
    C(10, "voltage",           1000),
    C(11, "current",           1000),
    C(12, "power",               10),
)
LASTS = (  # as last heard in the period
    C(13, "battery_soc",         10),
    C(14, "soc",                 10),
    C(15, "soc_curve",           10),
    C(16, "soc_counted",        100),
    C(17, "soc_low",             10),
    C(18, "soc_high",            10),
    C(19, "soh",                 10),
    C(20, "remaining_ah",      1000),
    C(21, "full_ah",           1000),
    C(22, "cycles",               1),
    C(23, "cycle_charge_ah",   1000),
    C(24, "mosfet_temperature",  10),
    C(25, "balance_current",   1000),
    C(26, "balancing",          100, flag=True),
    C(27, "charge_enabled",     100, flag=True),
    C(28, "discharge_enabled",  100, flag=True),
    C(29, "heating",            100, flag=True),
    C(30, "problem_code",         1),
    C(31, "uptime",               1),
    C(32, "charged_kwh",       1000),
    C(33, "discharged_kwh",    1000),
    C(34, "charged_ah",        1000),
    C(35, "discharged_ah",     1000),
    C(36, "equivalent_cycles", 1000),
    C(37, "learned_ah",        1000),
)
# 40 to 49: temperatures of rows from before probes had numbers; see store.unnumbered.
TEMPERATURES = tuple(C(50 + n, f"temperature_{n + 1}", 10) for n in range(10))  # last; n + 1 is the probe's number
CELLS = tuple(C(60 + n, f"cell_{n + 1}", 1000) for n in range(MOST_CELLS))  # mean; n + 1 is the cell's number
RESISTANCES = tuple(C(110 + n, f"resistance_{n + 1}", 1000) for n in range(MOST_CELLS))  # last
DERIVED = (  # follow from a row: kept in roll-ups, not in rows
    C(160, "cell_min",         1000),
    C(161, "cell_max",         1000),
    C(162, "cell_delta",       1000),
    C(163, "temperature",        10),
)
INVERTER = (  # from the inverter program's records; names and units are its own
    # battery_soc as above, temperature as temperature_1
    C(170, "grid_voltage",       10),
    C(171, "grid_power",          1),
    C(172, "grid_current",      100),
    C(173, "ac_output_voltage",  10),
    C(174, "ac_output_freq",    100),
    C(175, "ac_output_power",     1),
    C(176, "ac_output_current",  10),
    C(177, "battery_voltage",    10),
    C(178, "battery_current",    10),
    C(179, "battery_power",       1),
    C(180, "battery_charge_power", 1),
    C(181, "pv_input_voltage",   10),
    C(182, "pv_input_power",      1),
    C(183, "pv_input_current",   10),
)
# fmt: on
FRAMES_COLUMN = C(FRAMES, "frames")
STORED = (FRAMES_COLUMN, *MEANS, *LASTS, *TEMPERATURES, *CELLS, *RESISTANCES, *INVERTER)
BY_ID: Mapping[int, Column] = {column.id: column for column in (*STORED, *DERIVED)}
BY_NAME: Mapping[str, Column] = {column.name: column for column in (*STORED, *DERIVED)}
_CELL_IDS = frozenset(column.id for column in CELLS)
_TEMPERATURE_IDS = frozenset(column.id for column in TEMPERATURES)


def whole(value: float | None, divisor: int) -> int | None:
    """Return ``value`` in the unit of its column; None when it is unknown or no number to keep."""
    if value is None:
        return None
    if value is True or value is False:
        return divisor if value else 0
    try:
        number = round(value * divisor)
    except (ValueError, OverflowError):  # not finite
        return None
    return number if -LARGEST < number < LARGEST else None


def sources_of(wanted: int) -> frozenset[int] | None:
    """Return the columns that a derived one is made of; None when ``wanted`` is stored itself."""
    if wanted in (160, 161, 162):
        return _CELL_IDS
    return _TEMPERATURE_IDS if wanted == 163 else None


def derive(wanted: int, columns: Sequence[Values]) -> Values | None:
    """Return the derived column ``wanted`` from those of ``sources_of`` that there are."""
    if not columns:
        return None
    highest = _extreme(max, columns)
    if wanted in (161, 163):
        return highest
    lowest = _extreme(min, columns)
    if wanted == 160:
        return lowest
    return [None if h is None or low is None else h - low for h, low in zip(highest, lowest, strict=True)]


def _extreme(pick: Callable[..., int], columns: Sequence[Values]) -> list[int | None]:
    if len(columns) == 1:
        return list(columns[0])
    if any(None in column for column in columns):
        return list(reduce(lambda a, b: _known(pick, a, b), columns))
    return list(map(pick, *columns))


def _known(pick: Callable[..., int], a: Iterable[int | None], b: Iterable[int | None]) -> list[int | None]:
    return [y if x is None else x if y is None else pick(x, y) for x, y in zip(a, b, strict=True)]
