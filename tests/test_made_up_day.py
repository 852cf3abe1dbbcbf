"""The day before a demonstration: there once, whole, made up by the same house, and no alert of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jk_bms.clock import NOT_BEFORE, Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.demo.made_up_day import DAY, EVERY, with_a_past
from jk_bms.digest.facts import read_facts
from jk_bms.errors import StoreError
from jk_bms.links.simulated import simulated_link
from jk_bms.model.kinds import SIMULATED
from jk_bms.store.bms_db import BmsDbReader, open_reader
from jk_bms.store.history import HistoryStore, counters
from jk_bms.store.history_query import samples, tracks

NOW = NOT_BEFORE + timedelta(days=100, hours=10, minutes=7, seconds=23)
ENTRY = Entry(address=SIMULATED, type=SIMULATED, name="Simulated battery")


class Standing(Clock):
    """A clock that does not move."""

    def __init__(self, now: datetime = NOW) -> None:
        super().__init__()
        self._at = now

    def now(self) -> datetime:
        return self._at


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"TIMEZONE": "UTC"}, top=tmp_path)


@contextmanager
def stored(settings: Settings) -> Iterator[BmsDbReader]:
    with closing(open_reader(settings.bms_db_path)) as reader:
        yield reader


def everything(settings: Settings) -> list[object]:
    """All rows there are, however they are kept."""
    with stored(settings) as reader, reader.reading() as db:
        tables = ("tracks", "boots", "recent", "blocks", "rollups", "counters", "states", "events", "devices")
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def test_a_day_of_battery_and_house(settings: Settings) -> None:
    went_on = with_a_past(settings, ENTRY, Standing())

    with stored(settings) as reader:
        rows = list(samples(reader, SIMULATED, NOW - 2 * DAY, NOW + DAY))
        steps = {after.taken_at - before.taken_at for before, after in pairwise(rows)}
        assert steps == {EVERY}
        assert NOW - DAY <= rows[0].taken_at < NOW - DAY + 2 * EVERY
        assert NOW - 2 * EVERY < rows[-1].taken_at <= NOW
        assert {track.name for track in tracks(reader)} == {SIMULATED, "inverter"}
        yesterday = datetime.combine((NOW - DAY).date(), datetime.min.time(), UTC)
        facts = read_facts(reader, yesterday.date(), yesterday, yesterday + DAY, ZoneInfo("UTC"))
        assert facts.known
        assert facts.packs[0].charged_kwh
        assert facts.packs[0].discharged_kwh
        assert facts.load is not None
        assert reader.newest_event() == 0
        counted = counters(reader)[SIMULATED].state

    # What goes on is the very battery that lived it, at the same charge, now.
    bms = simulated_link(went_on.options).radio.bms
    assert bms.truth.soc == pytest.approx(rows[-1].values["battery_soc"], abs=8.0)
    local = NOW.astimezone().replace(tzinfo=None)
    assert bms.t == pytest.approx(
        local.toordinal() * 86_400 + (local - datetime.combine(local.date(), datetime.min.time())).seconds
    )
    assert counted["meters"]


@pytest.fixture
def an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough where only matters whether anything is made up."""
    monkeypatch.setattr("jk_bms.demo.made_up_day.DAY", timedelta(hours=1))


@pytest.mark.usefixtures("an_hour")
@pytest.mark.parametrize("start_soc", ["12", "62", "97"])
@pytest.mark.parametrize("later", [timedelta(minutes=1), 3 * DAY, timedelta(days=-20_000)])
def test_again_nothing_is_made_up_and_the_battery_goes_on(
    settings: Settings, start_soc: str, later: timedelta
) -> None:
    """From where the history ends, whenever that was, and whatever the clock says now."""
    entry = replace(ENTRY, options={"start_soc": start_soc})
    with_a_past(settings, entry, Standing())
    before = everything(settings)
    with stored(settings) as reader:
        last = list(samples(reader, SIMULATED, NOW - DAY, NOW + DAY))[-1].values

    bms = simulated_link(with_a_past(settings, ENTRY, Standing(NOW + later)).options).radio.bms

    assert everything(settings) == before
    assert bms.truth.soc == pytest.approx(last["battery_soc"], abs=1.5)
    info = bms.cell_info()
    assert info.charge == pytest.approx(last["remaining_ah"], abs=0.001)
    assert info.cycle_charge == pytest.approx(last["cycle_charge_ah"], abs=0.001)


def test_under_a_wrong_clock_it_does_nothing(settings: Settings) -> None:
    assert with_a_past(settings, ENTRY, Standing(datetime(1970, 1, 1, 0, 3, tzinfo=UTC))) is ENTRY

    with stored(settings) as reader:
        assert tracks(reader) == []


@pytest.mark.usefixtures("an_hour")
def test_what_was_interrupted_is_made_whole_the_next_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(HistoryStore, "commit", fail)
        with pytest.raises(StoreError):
            with_a_past(settings, ENTRY, Standing())
    with stored(settings) as reader:
        assert tracks(reader) == []

    assert with_a_past(settings, ENTRY, Standing()) is not ENTRY
    with stored(settings) as reader:
        assert len(tracks(reader)) == 2


def test_a_text_is_no_battery_that_lived() -> None:
    """The option is for us; in a registry it means nothing."""
    link = simulated_link({"bms": "mine", "start_soc": "40"})

    assert link.radio.bms.truth.soc == pytest.approx(40.0, abs=1.0)
