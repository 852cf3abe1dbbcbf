"""The history sink: means of a period, the clock's steps, restarts, and commits that fail."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.clock import NOT_BEFORE, Clock, boot_id
from jk_bms.errors import StoreError
from jk_bms.model import Device, Event, Inverter, InverterSample, Sample
from jk_bms.model.outage import OutageRecord
from jk_bms.sinks.history import Committer, HistorySink, clock_confirmed
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.history import Batch, Confirmed, Counter, Cut, HistoryStore
from jk_bms.store.history_query import StoredSample, samples
from jk_bms.store.journal import Journal
from jk_bms.store.outages import newest_outages, put_outage
from jk_bms.store.states import read_states

AT = datetime(2026, 12, 1, 10, tzinfo=UTC)
PACK = Device(address="AA:BB:CC:DD:EE:FF", name="shed")
LONG_AGO, FAR = datetime(1969, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def frame(second: float, *, offset: timedelta = timedelta(0), **fields: Any) -> Sample:
    """A frame ``second`` s after AT by the time since boot, under a clock that is off by ``offset``."""
    values: dict[str, Any] = {
        "voltage": 52.0,
        "current": -10.0,
        "cell_voltages": (3.25, 3.26),
        "soc": 50,
    } | fields
    return Sample(
        device=values.pop("device", PACK),
        taken_at=AT + timedelta(seconds=second) + offset,
        monotonic=500 + second,
        **values,
    )


class Told(list[tuple[str, dict[str, Any]]]):
    """The events a sink reported."""

    def __call__(self, kind: str, device: Device | None, text: str, **facts: Any) -> None:
        self.append((kind, facts))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[BmsDb]:
    with open_writer(tmp_path / "bms.db", Clock()) as store:
        yield store


def sink_on(own: BmsDb, **options: Any) -> HistorySink:
    return HistorySink(HistoryStore(own), confirmed=options.pop("confirmed", lambda: False), **options)


def rows_of(own: BmsDb, address: str = PACK.address) -> list[StoredSample]:
    return list(samples(own, address, LONG_AGO, FAR))


def commit(own: BmsDb, sink: HistorySink, **states: dict[str, Any]) -> None:
    HistoryStore(own).commit(sink.cut(states))


def times_of(own: BmsDb) -> list[float]:
    return [(row.taken_at - AT).total_seconds() for row in rows_of(own)]


def test_a_row_holds_means_and_what_was_heard_last(own: BmsDb) -> None:
    sink = sink_on(own)
    for n in range(7):
        sink.accept(
            frame(
                n,
                voltage=52 + n / 10,
                current=None if n == 2 else float(n),
                cell_voltages=(3.2 + n / 1000, 3.3),
                soc=90 + n,
                temperatures=(20.0 + n, 25.5),
                mosfet_temperature=None if n == 4 else 31.26,
                balancing=n == 4,
                charge_enabled=True,
                cell_resistances=(0.05, 0.051),
                soc_counted=float("nan"),
                charged_kwh=12.3456,
            )
        )
    commit(own, sink)

    [row] = rows_of(own)

    assert row.taken_at == AT
    assert row.clock_trusted
    assert row.values == {
        "frames": 5,
        "voltage": 52.2,
        "current": 2.0,
        "power": 104.6,
        "cell_1": 3.202,
        "cell_2": 3.3,
        "soc": 94.0,
        "temperature_1": 24.0,
        "temperature_2": 25.5,
        "balancing": 1.0,
        "charge_enabled": 1.0,
        "resistance_1": 0.05,
        "resistance_2": 0.051,
        "charged_kwh": 12.346,
    }


def test_a_change_of_cells_begins_their_means_anew(own: BmsDb) -> None:
    """A mask with gaps names the cells; a cell that came late has the mean of its own frames."""
    sink = sink_on(own)
    sink.accept(frame(0, cell_voltages=(3.1, 3.2)))
    sink.accept(frame(1, cell_voltages=(3.3, 3.4, 3.5), cell_numbers=(1, 2, 9)))
    sink.accept(frame(2, cell_voltages=(3.3, 3.4, 3.7), cell_numbers=(1, 2, 9)))
    sink.accept(frame(5))
    sink.accept(frame(10))
    commit(own, sink)

    first, second = rows_of(own)

    assert {n: v for n, v in first.values.items() if n.startswith("cell")} == {
        "cell_1": 3.3,
        "cell_2": 3.4,
        "cell_9": 3.6,
    }
    assert {n: v for n, v in second.values.items() if n.startswith("cell")} == {
        "cell_1": 3.25,
        "cell_2": 3.26,
    }


def test_a_restart_goes_on_in_the_middle_of_a_row(own: BmsDb) -> None:
    whole, halves = sink_on(own), sink_on(own)
    frames = [frame(n, device=Device(address=a), voltage=52 + n / 7) for n in range(13) for a in ("A", "B")]
    for one in frames:
        whole.accept(one)
    expected = [step.rows for step in whole.cut().steps if isinstance(step, Batch)]
    for number, one in enumerate(frames):
        halves.accept(one, number + 1)
        if number % 5 == 0:
            commit(own, halves, A={"n": number})
            halves = sink_on(own)
    commit(own, halves)

    for rows, address in zip(expected, "AB", strict=True):
        index = 5  # voltage
        got = rows_of(own, address)
        assert [round(row.values["voltage"] * 1000) for row in got] == [row[index] for row in rows]
        assert [row.values["frames"] for row in got] == [5, 5]


def test_a_clock_set_right_moves_what_was_measured(own: BmsDb) -> None:
    """1970 at first, and rows already committed; then the time comes, and later a second correction."""
    told = Told()
    sink = sink_on(own, report=told)
    wrong = timedelta(days=-20_000)
    for n in range(20):
        sink.accept(frame(n, offset=wrong, clock_trusted=False))
        if n == 12:
            commit(own, sink)
    assert rows_of(own) == []
    for n in range(20, 40):
        sink.accept(frame(n))
    commit(own, sink)
    assert [round(time) for time in times_of(own)] == [0, 5, 10, 15, 20, 25, 30]
    assert all(row.clock_trusted for row in rows_of(own))

    for n in range(40, 60):
        sink.accept(frame(n, offset=timedelta(hours=3)))
    commit(own, sink)

    assert times_of(own) == [3 * 3600 + n for n in range(0, 55, 5)]
    assert sum(row.values["frames"] for row in rows_of(own)) == 55
    assert told == [
        ("clock.step", {"seconds": 20_000 * 86400.0, "corrected": True}),
        ("clock.step", {"seconds": 10_800.0, "corrected": True}),
    ]


AHEAD = [timedelta(days=40), timedelta(hours=1), timedelta(days=-20_000), timedelta(seconds=-10)]


@pytest.mark.parametrize("late", [0, 1, 2, 4.999])
@pytest.mark.parametrize("folded", [False, True], ids=["recent", "in blocks"])
@pytest.mark.parametrize("wrong", AHEAD, ids=["40 days ahead", "1 h ahead", "1970", "10 s behind"])
def test_the_first_row_of_a_boot_moves_with_the_others(
    own: BmsDb, wrong: timedelta, folded: bool, late: float
) -> None:
    """It begins at a round time, which lies before the first frame, be it before the boot."""
    sink = sink_on(own)
    trusted = wrong > timedelta(days=-1)
    for n in range(20):
        sink.accept(frame(late + n, offset=wrong, clock_trusted=trusted))
    if folded:
        for n in range(0, 7200, 600):
            sink.accept(frame(20 + n, offset=wrong, clock_trusted=trusted))
    commit(own, sink)
    for n in range(8000, 8020):
        sink.accept(frame(n))
    commit(own, sink)

    times = times_of(own)
    assert times[:4] == [0, 5, 10, 15]
    assert max(times) == 8010
    assert sum(row.values["frames"] for row in rows_of(own)) >= 35


def test_a_row_across_the_first_right_moment_is_dated(own: BmsDb) -> None:
    """The clock is right from 1 November 2026 on; a row of 7 s begins before and ends after it."""
    sink = sink_on(own, period=7.0)
    for n in range(20):
        sink.accept(frame(n, offset=NOT_BEFORE - AT))
    commit(own, sink)

    assert sum(row.values["frames"] for row in rows_of(own)) >= 13
    assert min(row.taken_at for row in rows_of(own)) <= NOT_BEFORE


def test_events_and_outages_of_a_boot_move_with_its_rows(own: BmsDb) -> None:
    """Those of other boots stay, and so do those from before the time was confirmed."""
    ahead = timedelta(days=40)
    here = boot_id()

    def note(second: float, time: datetime, boot: str = here) -> None:
        event = Event(kind=f"at {second}", taken_at=time, monotonic=500 + second)
        change = "UPDATE events SET boot_id = ? WHERE id = last_insert_rowid()"
        own.append_all([event], lambda db: db.execute(change, (boot,)))
        record = OutageRecord(
            device="AA",
            began=time,
            monotonic=500 + second,
            clock_trusted=True,
            lasted=1.0,
            over=True,
            verdict="mute",
            message="",
            causes=(),
            rungs=(),
            cure=None,
            attempts=1,
            relapses=0,
        )
        put_outage(own, record, boot)

    note(1, AT + ahead)
    note(3, AT + ahead, "another boot")
    sink = sink_on(own)
    for n in range(10):
        sink.accept(frame(n, offset=ahead))
    commit(own, sink)
    sink.accept(frame(20))
    note(21, AT + timedelta(seconds=21))
    commit(own, sink)

    times = {event.kind: event.taken_at for _, event in own.events_after(0)}
    assert times == {
        "at 1": AT + timedelta(seconds=1),
        "at 3": AT + ahead,
        "at 21": AT + timedelta(seconds=21),
    }
    assert sorted(record.began for record in newest_outages(own)) == sorted(times.values())


def test_a_confirmed_time_is_not_moved(own: BmsDb) -> None:
    """Somebody sets a right clock by hand: what was measured stays where it was."""
    told = Told()
    sink = sink_on(own, report=told, confirmed=lambda: True)
    for n in range(20):
        sink.accept(frame(n))
    commit(own, sink)
    sink.accept(frame(20, offset=timedelta(hours=1)))
    sink.accept(frame(25, offset=timedelta(hours=1)))
    commit(own, sink)

    assert times_of(own) == [0, 5, 10, 15, 3620]
    assert told == [("clock.step", {"seconds": 3600.0, "corrected": False})]


def test_a_clock_that_goes_wrong_is_not_believed(own: BmsDb) -> None:
    told = Told()
    sink = sink_on(own, report=told)
    for n in range(30):
        back = timedelta(days=-20_000) if n >= 10 else timedelta(0)
        sink.accept(frame(n, offset=back, clock_trusted=n < 10))
    commit(own, sink)

    assert times_of(own) == [0, 5, 10, 15, 20]
    assert told == [("clock.wrong", {})]


def test_a_boot_of_the_future_makes_nothing_old(own: BmsDb) -> None:
    """Not while it runs, not in the next one, and its rows lose their time once that is confirmed."""
    ahead = timedelta(days=500)
    first = sink_on(own, confirmed=lambda: True)
    for n in range(30):
        first.accept(frame(n))
    cut = first.cut()
    assert (cut.prune, cut.now) == (True, round((AT.timestamp() + 29) * 1000))
    HistoryStore(own).commit(cut)

    wrong = sink_on(own)
    for n in range(30):
        wrong.accept(frame(n, offset=ahead), boot_id="wrong")
    cut = wrong.cut()
    assert (cut.prune, cut.now) == (False, None)
    HistoryStore(own).commit(cut)
    assert max(times_of(own)) > ahead.total_seconds()

    # Nobody has confirmed the next one yet, but it is near the last time that was.
    for minutes, confirmed in ((10, False), (20, True)):
        right = sink_on(own, confirmed=lambda confirmed=confirmed: confirmed)
        for n in range(30):
            right.accept(frame(n, offset=timedelta(minutes=minutes)), boot_id="right")
        cut = right.cut()
        assert cut.prune
        assert cut.now is not None
        HistoryStore(own).commit(cut)

    assert max(times_of(own)) < 3600


def test_a_step_is_seen_across_a_restart(own: BmsDb) -> None:
    sink = sink_on(own)
    for n in range(10):
        sink.accept(frame(n))
    commit(own, sink)
    told = Told()
    sink = sink_on(own, report=told)
    sink.accept(frame(20, offset=timedelta(minutes=10)))
    sink.accept(frame(25, offset=timedelta(minutes=10)))
    commit(own, sink)

    assert times_of(own) == [600, 605, 620]
    assert [facts["seconds"] for _, facts in told] == [600.0]


@pytest.mark.parametrize("begun", [b"begun", b"\x94\xa7other", b'["x",1,0]\n[7,0]', b'["x",1]\n[]'])
def test_a_begun_row_of_another_version_is_left_out(own: BmsDb, begun: bytes) -> None:
    """It costs at most one row, not the start."""
    HistoryStore(own).commit(Cut([], {PACK.address: Counter(3, {"x": 1}, begun)}))

    sink = sink_on(own)
    for n in range(10):
        sink.accept(frame(n), n + 4)
    commit(own, sink)

    assert times_of(own) == [0]
    assert HistoryStore(own).counters()[PACK.address].state == {"x": 1}


def test_what_was_learnt_is_written_with_the_rows(own: BmsDb) -> None:
    sink = sink_on(own)
    sink.accept(frame(0), 1)
    HistoryStore(own).commit(sink.cut({PACK.address: {"n": 1}}, {"learnt:A": {"n": 1}, "learnt:B": {}}))

    assert read_states(own) == {"learnt:A": {"n": 1}, "learnt:B": {}}


def test_frames_of_an_earlier_boot_are_of_that_boot(own: BmsDb) -> None:
    """A journal that outlived the machine: the time since boot began anew in between."""
    sink = sink_on(own)
    for n in range(10):
        early = msgspec.structs.replace(frame(n), monotonic=90_000 + n)
        sink.accept(early, n + 1, boot_id="earlier")
    for n in range(100, 110):
        sink.accept(frame(n), n + 1)
    commit(own, sink)

    assert times_of(own) == [0, 5, 100]
    assert own._rows("SELECT count(*), max(number) FROM boots")[0] == (2, 2)


def test_a_commit_that_failed_comes_again(own: BmsDb) -> None:
    sink = sink_on(own)
    for n in range(20):
        sink.accept(frame(n), n + 1)
    sink.put_back(sink.cut({PACK.address: {"x": 1}}))
    for n in range(20, 40):
        sink.accept(frame(n), n + 1)
    assert sink.rows == 7
    commit(own, sink, **{PACK.address: {"x": 1}})

    assert times_of(own) == list(range(0, 35, 5))
    assert HistoryStore(own).counters()[PACK.address].sequence == 40


def test_that_the_time_is_confirmed_is_noted_once_an_hour(own: BmsDb) -> None:
    sink = sink_on(own, confirmed=lambda: True)
    noted = []
    for minute in range(0, 150, 10):
        sink.accept(frame(60 * minute))
        noted += [minute for step in sink.cut().steps if isinstance(step, Confirmed)]

    assert noted == [0, 60, 120]


class Failing(HistoryStore):
    """A store whose disk is full for a while."""

    full = True

    def commit(self, cut: Cut) -> None:
        if self.full:
            raise StoreError("the disk is full")
        super().commit(cut)


async def test_the_committer_keeps_the_journal_until_it_is_written(own: BmsDb, tmp_path: Path) -> None:
    store, sink = Failing(own), sink_on(own)
    with Journal(tmp_path / "journal") as journal, ThreadPoolExecutor(1) as writer:
        committer = Committer(sink, store, every=0, states=dict, journal=journal, writer=writer)
        running = asyncio.create_task(committer.run())
        for n in range(20):
            one = frame(n)
            sink.accept(one, journal.append(one))
            committer.accepted()
            await asyncio.sleep(0)
        assert not await committer.commit()
        with Journal(tmp_path / "journal") as seen:
            assert len(list(seen.replay())) == 20
        store.full = False
        assert await committer.commit()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert times_of(own) == [0, 5, 10]


def test_the_kernel_can_be_asked() -> None:
    assert clock_confirmed() in (True, False)


GARAGE = Inverter(id="garage")


def word(second: float, **values: Any) -> InverterSample:
    """What an inverter says ``second`` s after AT."""
    at = AT + timedelta(seconds=second)
    return InverterSample(device=GARAGE, taken_at=at, monotonic=500 + second, **values)


def test_a_row_of_an_inverter_holds_means_and_leaves_out_what_it_never_told(own: BmsDb) -> None:
    sink = sink_on(own)
    for second, load in ((0.0, 400.0), (5.0, 410.0), (10.0, 500.0)):
        sink.accept_inverter("inverter", word(second, load_power=load, grid_voltage=230.1, temperature=41.5))
    sink.accept(frame(11))
    sink.end_inverters()
    commit(own, sink)

    early, late = rows_of(own, "inverter")
    assert early.values == {
        "ac_output_power": 405.0,
        "grid_voltage": 230.1,
        "temperature_1": 41.5,
        "frames": 2.0,
    }
    assert ((early.taken_at - AT).total_seconds(), (late.taken_at - AT).total_seconds()) == (0.0, 10.0)
    assert late.values["ac_output_power"] == 500.0
    with pytest.raises(StoreError, match=f"nothing of '{PACK.address}'"):
        rows_of(own)  # the battery's row is not over yet


def test_inverters_leave_the_place_of_the_folding_alone(own: BmsDb) -> None:
    """What counts which records of the inverter program are in history stands under the same name."""
    folded = Counter(0, {"newest": [7, "x"], "oldest": [1, "y"], "complete": True})
    HistoryStore(own).commit(Cut([], {"inverter": folded}))
    sink = sink_on(own)
    for name in ("inverter", GARAGE.subject):
        sink.accept_inverter(name, word(0.0, load_power=400.0))
    sink.end_inverters()
    commit(own, sink)

    assert HistoryStore(own).counters() == {"inverter": folded}
    assert len(rows_of(own, "inverter:garage")) == 1


def test_a_clock_set_right_moves_what_an_inverter_said(own: BmsDb) -> None:
    sink = sink_on(own)
    early = word(0.0, load_power=400.0)
    sink.accept_inverter("inverter", msgspec.structs.replace(early, taken_at=LONG_AGO + timedelta(days=400)))
    commit(own, sink)
    sink.accept_inverter("inverter", word(20.0, load_power=410.0))
    sink.end_inverters()
    commit(own, sink)

    assert [(row.taken_at - AT).total_seconds() for row in rows_of(own, "inverter")] == [0.0, 20.0]
