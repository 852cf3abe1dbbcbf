"""What a day was, counted from a real ``bms.db``."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.clock import Clock
from jk_bms.digest.days import day_of
from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import DayFacts, Extreme, PackDay, Span, read_facts, together
from jk_bms.digest.local_text import local_text
from jk_bms.digest.phases import Level
from jk_bms.digest.series import series_lines
from jk_bms.model import Device
from jk_bms.model.inverter import INVERTER
from jk_bms.store.bms_db import open_reader, open_writer
from jk_bms.store.columns import BOOT, BY_NAME, FRAMES, OFFSET, TIME, TRUSTED, whole
from jk_bms.store.history import Batch, Cut, HistoryStore
from jk_bms.store.history_query import Series, Values
from jk_bms.texts import language

KYIV = ZoneInfo("Europe/Kyiv")
PACK, SECOND = "AA:BB:CC:DD:EE:FF", "11:22:33:44:55:66"
DAY = date(2026, 12, 10)
NAMES = (
    "voltage",
    "battery_soc",
    "power",
    "charged_kwh",
    "discharged_kwh",
    "temperature_1",
    "cell_1",
    "cell_2",
)


def at(clock: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=KYIV).astimezone(UTC)


def level_at(hour: float) -> float:
    """Full until 10:00, down to 46 % at 14:00, full again at 18:00."""
    if hour < 10:
        return 100.0
    if hour < 14:
        return 100.0 - 13.5 * (hour - 10)
    return min(100.0, 46.0 + 13.5 * (hour - 14))


class House:
    """A database that is written a row a minute."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meters = {PACK: [1000.0, 500.0], SECOND: [0.0, 0.0]}

    def live(self, day: date, pack: str = PACK, *, blind: tuple[str, str] | None = None) -> None:
        """A day in which 6.48 kWh went out and 6.48 kWh in."""
        told, rows = day_of(day, KYIV), []
        meters = self.meters[pack]
        hidden = (at(blind[0], day), at(blind[1], day)) if blind else None
        for minute in range(int((told.end - told.start) / timedelta(minutes=1))):
            time = told.start + timedelta(minutes=minute)
            local = time.astimezone(KYIV)
            hour = local.hour + local.minute / 60
            watts = -1620.0 if 10 <= hour < 14 else 1620.0 if 14 <= hour < 18 else 0.0
            meters[0 if watts > 0 else 1] += abs(watts) / 60_000
            if hidden and hidden[0] <= time < hidden[1]:
                continue
            peak = (local.hour, local.minute) == (11, 30)
            values = (
                52.0 if hour < 10 else 50.0,
                level_at(hour),
                -4000.0 if peak else watts,
                *meters,
                20.0 + hour / 10,
                3.3,
                3.3 + (0.042 if peak else 0.004),
            )
            stored = (whole(v, BY_NAME[name].divisor) for name, v in zip(NAMES, values, strict=True))
            rows.append((round(time.timestamp() * 1000), 1, 0, 1, 60, *stored))
        self._write(pack, NAMES, rows)

    def grid(self, day: date, *away: tuple[str, str]) -> None:
        """What the inverter said: no grid in those times."""
        told, rows = day_of(day, KYIV), []
        spans = [(at(start, day), at(end, day)) for start, end in away]
        for minute in range(int((told.end - told.start) / timedelta(minutes=1))):
            time = told.start + timedelta(minutes=minute)
            lost = any(start <= time < end for start, end in spans)
            load = 3120 if time == at("19:42", day) else 400
            rows.append((round(time.timestamp() * 1000), 1, 0, 1, 1, 0 if lost else 2301, load))
        self._write(INVERTER, ("grid_voltage", "ac_output_power"), rows)

    def named(self, pack: str, number: int, name: str) -> None:
        with open_writer(self.path, Clock()) as own:
            own.remember_device(Device(address=pack, number=number, kind="jk", name=name))

    def facts(self, day: date = DAY, end: datetime | None = None) -> DayFacts:
        told = day_of(day, KYIV)
        with open_reader(self.path) as reader:
            return read_facts(reader, day, told.start, end or told.end, KYIV)

    def _write(self, track: str, names: tuple[str, ...], rows: Sequence[tuple[int | None, ...]]) -> None:
        columns = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(BY_NAME[name].id for name in names))
        with open_writer(self.path, Clock()) as own:
            HistoryStore(own).commit(Cut([Batch(track, 60_000, columns, rows)], {}, prune=False))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "bms.db")


def only(facts: DayFacts) -> PackDay:
    [pack] = facts.packs
    return pack


def test_a_day_of_one_battery(house: House) -> None:
    house.live(DAY)
    house.named(PACK, 1, "shed")

    pack = only(house.facts())

    assert (pack.number, pack.name) == (1, "shed")
    [phase] = pack.phases
    assert (phase.start, phase.low, phase.end) == (
        Level(at("10:00"), 100.0),
        Level(at("14:00"), 46.0),
        at("14:10"),
    )
    assert pack.full_at == (at("18:00"),)
    assert pack.low == Level(at("14:00"), 46.0)
    assert pack.high == Level(at("00:00"), 100.0)
    assert (round(pack.charged_kwh or 0, 2), round(pack.discharged_kwh or 0, 2)) == (6.48, 6.48)
    assert pack.draw == Extreme(4000.0, at("11:30"))
    assert pack.delta == Extreme(0.042, at("11:30"))
    assert pack.voltage_low == Extreme(50.0, at("10:00"))
    assert pack.coldest == Extreme(20.0, at("00:00"))
    assert pack.warmest == Extreme(22.4, at("23:30"))  # the first minute that reads so
    assert (pack.holes, pack.usual) == ((), None)


def test_missing_data_is_told_and_counts_for_nothing(house: House) -> None:
    house.live(DAY, blind=("03:00", "03:40"))

    facts = house.facts()

    assert only(facts).holes == (Span(at("03:00"), at("03:40")),)
    assert "No data for 40 min: 03:00–03:40." in local_text(facts, language("en"))


def test_a_battery_has_no_hole_before_its_first_record(house: House) -> None:
    """On the day it came, nothing is missing from the hours before."""
    house.live(DAY, blind=("00:00", "13:34"))

    assert only(house.facts()).holes == ()
    house.live(DAY + timedelta(days=1), blind=("00:00", "13:34"))
    [hole] = only(house.facts(DAY + timedelta(days=1))).holes
    assert hole.end == at("13:34", DAY + timedelta(days=1))


def test_a_day_that_has_not_begun_has_nothing(house: House) -> None:
    house.live(DAY)
    tomorrow = DAY + timedelta(days=1)

    facts = house.facts(tomorrow, end=at("00:00", tomorrow))

    assert not facts.known


def test_batteries_that_nobody_numbered_are_counted_without_the_inverter(house: House) -> None:
    house.grid(DAY)
    house.live(DAY)
    house.live(DAY, SECOND)

    assert [pack.number for pack in house.facts().packs] == [1, 2]


def test_nothing_after_a_time_is_a_hole_that_goes_on(house: House) -> None:
    house.live(DAY, blind=("20:00", "23:59"))

    [hole] = only(house.facts(end=at("23:30"))).holes

    assert hole == Span(at("20:00"), None)


def test_the_grid_and_the_load_are_the_inverters(house: House) -> None:
    house.live(DAY)
    house.grid(DAY, ("10:05", "11:00"), ("23:30", "23:59"))

    facts = house.facts(end=at("23:50"))

    assert facts.grid == (Span(at("10:05"), at("11:00")), Span(at("23:30"), None))
    assert facts.load == Extreme(3120.0, at("19:42"))


def test_without_an_inverter_nobody_knows_of_the_grid(house: House) -> None:
    house.live(DAY)

    assert (house.facts().grid, house.facts().load) == (None, None)


def test_the_week_before_is_compared_with(house: House) -> None:
    for back in range(9, 0, -1):
        house.live(DAY - timedelta(days=back), blind=("00:00", "23:59") if back == 3 else None)
    house.live(DAY)

    usual = only(house.facts()).usual

    assert usual is not None
    assert usual.days == 6  # one of the seven was not recorded
    assert usual.discharged_kwh == pytest.approx(6.48, abs=0.03)
    assert usual.low == pytest.approx(46.0)
    assert "as usual" in local_text(house.facts(), language("en"))
    assert only(house.facts(end=at("12:00"))).usual is None  # half a day is not compared


def test_several_batteries_are_told_together_and_each_where_it_differs(house: House) -> None:
    house.live(DAY)
    house.live(DAY, SECOND, blind=("05:00", "06:00"))
    house.named(SECOND, 2, "attic <b>")
    house.named(PACK, 1, "shed")

    facts = house.facts()

    assert [pack.number for pack in facts.packs] == [1, 2]
    assert local_text(facts, language("uk")).splitlines() == [
        "Підсумок за 10 грудня 2026",
        "Живлення від батареї – 1 раз:",
        "• 10:00–14:10 (4 год 10 хв): заряд упав з 100,0 % до 46,0 %, найнижче о 14:00, повний заряд о 18:00",
        "Дім: наприкінці 100,0 %, найнижче 46,0 % о 14:00.",
        "Енергія: заряджено 13,0 кВт·год, віддано 13,0 кВт·год.",
        "Найбільша потужність від батареї: 8000 Вт об 11:30.",
        "Найбільший розбіг комірок: 42 мВ об 11:30, батарея 1.",
        "Температура від 20,0 до 22,4 °C.",
        "",
        "Батарея 2: attic <b>. Даних не було 1 год: 05:00–06:00.",
    ]
    sheet = fact_sheet(facts).text
    assert "attic" not in sheet  # more than a name
    assert sheet.count("switches to autonomous supply (on battery): 1") == 1  # the house's, not each pack's
    assert "- energy in: 13.0 kWh, energy out: 13.0 kWh" in sheet


def test_a_battery_without_a_day_is_not_of_the_house(house: House) -> None:
    for back in range(1, 5):
        house.live(DAY - timedelta(days=back), SECOND)
    house.live(DAY)

    facts = house.facts()

    assert facts.house is None
    assert "No data from it on this day." in local_text(facts, language("en"))


def test_a_battery_that_left_long_ago_is_not_told(house: House) -> None:
    house.live(DAY - timedelta(days=20), SECOND)
    house.live(DAY)

    assert [pack.address for pack in house.facts().packs] == [PACK]


def test_a_meter_that_a_person_sets_did_not_measure(house: House) -> None:
    house.live(DAY - timedelta(days=1))
    house.meters[PACK] = [9000.0, 0.0]
    house.live(DAY)

    start = at("12:00", DAY - timedelta(days=1))
    with open_reader(house.path) as reader:
        pack = only(read_facts(reader, DAY, start, at("12:00"), KYIV))

    assert pack.charged_kwh == pytest.approx(6.48, abs=0.1)
    assert pack.discharged_kwh == pytest.approx(6.48, abs=0.1)


@pytest.mark.parametrize(("day", "minutes"), [(date(2027, 3, 28), 23 * 60), (date(2027, 10, 31), 25 * 60)])
def test_days_on_which_the_clocks_change(day: date, minutes: int, house: House) -> None:
    house.live(day)

    pack = only(house.facts(day))

    assert len(pack.levels) == minutes // 10
    assert pack.holes == ()
    assert [phase.low.at.astimezone(KYIV).strftime("%H:%M") for phase in pack.phases] == ["14:00"]


def test_the_series_has_the_lowest_minute_too(house: House) -> None:
    house.live(DAY, blind=("14:00", "14:05"))
    pack = only(house.facts())

    lines = series_lines(pack, KYIV, 100_000)

    assert "2026-12-10T13:50:00.000000+02:00;Voltage: 50.000 V, Battery Level: 48.2%" in lines
    assert pack.low is not None
    assert f"{pack.low.at.astimezone(KYIV).isoformat(timespec='microseconds')};" in "\n".join(lines)
    assert len(lines) <= 146


def test_an_empty_database(house: House) -> None:
    with open_writer(house.path, Clock()):
        pass

    facts = house.facts()

    assert not facts.known
    assert "Nothing was recorded on this day." in local_text(facts, language("en"))


def series(**lines: list[float | None]) -> Series:
    values = {name: Values(line, line, line) for name, line in lines.items()}
    return Series("", "1 min", 60.0, [60.0 * n for n in range(len(next(iter(lines.values()))))], values)


def test_the_charge_of_a_house_is_weighted_and_what_flows_is_added_up() -> None:
    large = series(battery_soc=[90.0, 50.0, None], power=[-100.0, -200.0, 1.0], cell_delta=[0.01, 0.02, 0.03])
    small = series(battery_soc=[10.0, 10.0, 40.0], power=[-50.0, 50.0, None], cell_delta=[0.02, None, 0.01])

    house = together([large, small], [300.0, 100.0])

    assert house.values["battery_soc"].mean == [70.0, 40.0, None]
    assert house.values["power"].min == [-150.0, -150.0, None]
    assert house.values["cell_delta"].max == [0.02, 0.02, 0.03]
    unsized = together([large, small], [None, 100.0])
    assert unsized.values["battery_soc"].mean == [50.0, 30.0, None]
