"""Verdicts on simulated packs whose cells are known: faults found, good cells left alone."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from jk_bms.battery.cell_charge import CellCharge, CellShare, Seen
from jk_bms.battery.cell_resistance import BATCH, CellResistance
from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.health import Health, _scatter, stored_report
from jk_bms.battery.health_report import HealthReport
from jk_bms.model import Sample
from jk_bms.simulator.pack import Faulty
from jk_bms.tool.health import PackHealth, health_lines
from tests.battery.quick_pack import BEGIN, DEVICE, Habits, QuickPack, drawn, watched
from tests.scale import scaled, soaking

pytestmark = pytest.mark.long  # weeks of a pack's life

LFP = CHEMISTRIES["lfp"]
MONTH = 28.0  # days

Verdicts = dict[tuple[int, str], float]  # cell and fault: day of the first verdict


def verdicts(pack: QuickPack, days: float, chemistry: Any = LFP, **how: Any) -> tuple[Verdicts, HealthReport]:
    """Watch ``pack``; return every verdict that was ever given, and the last report. ``how``: see watched()."""
    first: Verdicts = {}

    def note(report: HealthReport, day: float) -> None:
        for cell in report.cells:
            for fault in cell.faults:
                first.setdefault((cell.number, fault.kind), day)

    return first, watched(pack, days, note, chemistry, **how).report()


@pytest.mark.long
@pytest.mark.parametrize("fault", ["weak", "leaking", "bad connection"])
@pytest.mark.parametrize("seed", range(scaled(40)))
def test_a_faulty_cell_is_found_within_four_weeks(fault: str, seed: int) -> None:
    """That cell, that fault, and nothing else."""
    pack, taken_for = drawn(seed, fault)

    found, report = verdicts(pack, MONTH, taken_for)

    assert list(found) == [(5, fault)]
    told = report.cells[4].faults[0]
    assert told.sure >= 0.95
    assert told.since is not None
    assert f"cell 5 ({fault})" in report.verdict


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200 if soaking() else 103))
def test_healthy_packs_raise_no_alarm(seed: int) -> None:
    """A year each in the soak; else as long as it takes to find a fault."""
    pack, taken_for = drawn(seed)

    found, _ = verdicts(pack, 365.0 if soaking() else MONTH, taken_for)

    assert found == {}


def test_three_faults_in_one_pack_are_told_apart() -> None:
    faulty = Faulty(weak={5: 0.85}, leaking={9: 0.06}, bad_lugs={2: 0.0005})

    found, report = verdicts(QuickPack(3, faulty=faulty), MONTH)

    assert sorted(found) == [(2, "bad connection"), (5, "weak"), (9, "leaking")]
    assert report.cells[4].size == pytest.approx(-15.0, abs=2.5)
    assert report.cells[4].size_rank == 16
    assert report.cells[8].loss_month == pytest.approx(0.06 * 720 / 2.8, abs=3.0)


def test_the_numbers_are_right() -> None:
    """Against the hidden truth, with voltmeters that differ by 1.5 mV."""
    pack = QuickPack(1)
    _, report = verdicts(pack, MONTH)
    truth, capacity = pack.bms.truth, pack.bms.capacity_ah
    typical = sorted(truth.cell_full_ah)[8]
    usual_leak, usual_ohms = sorted(truth.leaks)[8], sorted(truth.resistances)[8]

    for cell, full, leak, ohms in zip(
        report.cells, truth.cell_full_ah, truth.leaks, truth.resistances, strict=True
    ):
        assert cell.size == pytest.approx(100 * (full - typical) / capacity, abs=1.8)
        assert cell.loss_month_sigma is not None
        assert cell.loss_month_sigma < 1.5
        assert cell.loss_month == pytest.approx(
            100 * (leak - usual_leak) * 720 / capacity, abs=2.5 * cell.loss_month_sigma
        )
        assert cell.resistance_excess == pytest.approx(ohms / usual_ohms - 1, abs=0.06)
        assert cell.resistance == pytest.approx(ohms * 1.07, rel=0.1)  # at 21, not at 25 °C
    assert report.unknown == ()
    assert report.verdict == "all 16 cells are in order"


class TestBalancer:
    """It moves charge all the time, and must neither hide a leak nor make one."""

    def test_it_cannot_hide_a_leak(self) -> None:
        """The balancer puts back what leaks away, so that at the end of charge all cells look alike."""
        pack = QuickPack(6, faulty=Faulty(leaking={5: 0.03}), habits=Habits(target=3.5))
        found, _ = verdicts(pack, MONTH)

        assert list(found) == [(5, "leaking")]
        assert pack.bms.pack.lost_ah[4] > 15.0

    def test_it_makes_no_leak_of_cells_that_it_brings_together(self) -> None:
        found, report = verdicts(QuickPack(7, astray={3: -12.0, 11: 9.0}), MONTH)

        assert found == {}
        assert report.imbalance is not None

    def test_one_that_does_not_tell_leaves_doubt(self) -> None:
        """Losses are known less well, and the report says why."""
        seeing = Health(LFP, nominal_ah=280.0)
        pack = QuickPack(7, astray={3: -12.0})
        found, blind = verdicts(pack, MONTH, blind=True, beside=seeing)
        open_minded = seeing.report()

        assert found == {}
        assert blind.balancer_unseen
        assert not open_minded.balancer_unseen
        told = [cell.loss_month_sigma for cell in open_minded.cells]
        doubted = [cell.loss_month_sigma for cell in blind.cells]
        assert None not in told
        assert all(b is None or (a or 0.0) < b for a, b in zip(told, doubted, strict=True))


def test_a_battery_that_is_never_low_keeps_its_sizes_to_itself() -> None:
    """What cannot be seen is unknown, not good."""
    pack = QuickPack(2, habits=Habits(lowest=88.0), faulty=Faulty(weak={5: 0.85}))
    found, report = verdicts(pack, MONTH)

    assert found == {}
    assert "capacity" in report.unknown
    assert "not known yet" in report.verdict
    assert "capacity is not yet known" in "\n".join(health_lines(as_told(report)))


def test_at_first_it_is_too_early() -> None:
    report = watched(QuickPack(1), 0.2).report()

    assert report.verdict.startswith("too early to tell")
    assert {cell.verdict for cell in report.cells} == {"unknown"}
    assert "too early to tell" in "\n".join(health_lines(as_told(report)))


def test_a_battery_without_cells() -> None:
    health = Health(LFP, nominal_ah=280.0)
    health.feed(Sample(device=DEVICE, taken_at=BEGIN, monotonic=0.0, voltage=52.0, current=1.0), None)

    assert health.report().verdict == "nothing is known: the battery does not report its cells"
    assert len(list(health_lines(as_told(health.report())))) == 2


def test_a_fault_that_is_mended_is_over() -> None:
    pack = QuickPack(1, faulty=Faulty(bad_lugs={5: 0.0005}))
    health = watched(pack, 14)
    assert health.report().cells[4].verdict == "bad connection"

    pack.bms.pack.resistances[4] -= 0.0005
    for sample, elapsed in pack.live(21):
        health.feed(sample, elapsed)

    assert health.report().cells[4].faults == ()


def test_another_number_of_cells_is_another_pack() -> None:
    pack = QuickPack(1, faulty=Faulty(bad_lugs={5: 0.0005}))
    health = watched(pack, 10)
    sample = pack.sample()
    health.feed(
        msgspec.structs.replace(
            sample, cell_voltages=sample.cell_voltages[:8], cell_numbers=tuple(range(1, 9))
        ),
        1.0,
    )

    report = health.report()
    assert len(report.cells) == 8
    assert not any(cell.faults for cell in report.cells)


def test_a_restart_changes_nothing() -> None:
    """Nor does it matter that the state went through JSON."""
    pack = QuickPack(5, faulty=Faulty(weak={5: 0.85}))
    through, restarted = (Health(LFP, nominal_ah=280.0) for _ in range(2))
    for count, (sample, elapsed) in enumerate(pack.live(16)):
        if count % 1777 == 0:
            state, learnt = json.loads(json.dumps([restarted.state(), restarted.learnt()]))
            restarted = Health(LFP, nominal_ah=280.0)
            restarted.restore(state, learnt)
        through.feed(sample, elapsed, 50.0)
        restarted.feed(sample, elapsed, 50.0)

    assert (restarted.state(), restarted.learnt()) == (through.state(), through.learnt())
    assert restarted.report() == through.report()
    assert stored_report(through.state(), through.learnt()).as_dict() == through.report().as_dict()


def test_what_an_older_release_kept_is_gone_on_from() -> None:
    """It knew no slope of the pack's own, and not what the balancer may have touched."""
    health = watched(QuickPack(1, faulty=Faulty(bad_lugs={5: 0.0005})), 10.0)
    state, learnt = json.loads(json.dumps([health.state(), health.learnt()]))
    del state["walk"], learnt["jumps"]["slope"]
    del learnt["health"]["charge"]["busy"], learnt["health"]["charge"]["misfit"]
    state["window"].pop()
    state["charge"]["since"].pop()

    older = Health(LFP, nominal_ah=280.0)
    older.restore(state, learnt)

    assert older.report().cells[4].verdict == "bad connection"
    assert older.report().days == health.report().days
    for sample, elapsed in QuickPack(1).live(1.0):
        older.feed(sample, elapsed)
    assert older.report().days == pytest.approx(health.report().days + 1.0, abs=0.1)


def test_weeks_are_kept_and_bounded() -> None:
    """Ten years: every week of the last half year, every fourth of two years, nothing older."""
    health = watched(QuickPack(1), 15)
    kept = health.report().weeks
    assert [week.monday.isoformat() for week in kept] == ["2026-01-05", "2026-01-12"]
    assert len(kept[0].sizes) == 16
    assert kept[1].micro_ohms

    sample = QuickPack(1).sample()
    for week in range(520):
        at = msgspec.structs.replace(sample, taken_at=BEGIN + timedelta(weeks=3 + week))
        for elapsed in (601.0, 400.0, 300.0):
            health.feed(at, elapsed)

    weeks = [week.week for week in health.report().weeks]
    assert 40 <= len(weeks) <= 48
    assert weeks == sorted(weeks)
    assert weeks[-1] - weeks[0] <= 104
    assert len(json.dumps(health.state())) < 2000  # it is written each minute
    assert health.report().cells[0].resistance_trend == pytest.approx(0.0, abs=0.1)


def test_under_a_wrong_clock_since_is_told_later() -> None:
    pack = QuickPack(1, faulty=Faulty(bad_lugs={5: 0.0005}))
    health = Health(LFP, nominal_ah=280.0)
    for sample, elapsed in pack.live(12):
        health.feed(msgspec.structs.replace(sample, clock_trusted=False), elapsed)
    assert health.report().cells[4].faults[0].since is None
    assert "bad connection, " in "\n".join(health_lines(as_told(health.report())))

    for sample, elapsed in pack.live(3):
        health.feed(sample, elapsed)

    assert health.report().cells[4].faults[0].since is not None


def as_told(report: HealthReport) -> PackHealth:
    """The report as it comes out of the service's socket."""
    plain: dict[str, Any] = json.loads(json.dumps(report.as_dict()))
    return msgspec.convert({"address": DEVICE.address, "number": 1, "name": "Cellar", **plain}, PackHealth)


def test_the_page_names_cell_fault_date_and_advice() -> None:
    health = watched(QuickPack(3, faulty=Faulty(leaking={9: 0.06}), ambient=25.0), 20)
    health.learned_ah = 271.0
    page = "\n".join(health_lines(as_told(health.report())))

    assert "Battery 1: Cellar (C8:47:80:00:00:01), watched for 20 days" in page
    assert "look at cell 9 (leaking); the other 15 cells are in order" in page
    assert "leaking since 2026-01-1" in page
    assert "% sure" in page
    assert "271 Ah learned, 97 % of 280 Ah" in page
    assert "leaking: it loses charge by itself" in page
    assert "around 25 °C" in page
    assert max(map(len, page.splitlines())) <= 120


# The parts


def jumps(found: CellResistance, ohms: Sequence[float], count: int, temperature: float | None) -> int:
    """Let the current jump by 20 A ``count`` times; return how many batches that made."""
    before = [3.3] * len(ohms)
    return sum(
        found.jump(before, [3.3 + 20.0 * each for each in ohms], 20.0, temperature) for _ in range(count)
    )


def test_resistance_needs_several_jumps() -> None:
    found = CellResistance()

    assert jumps(found, (0.001, 0.001, 0.002), BATCH - 1, 20.0) == 0
    assert not found.known
    assert jumps(found, (0.001, 0.001, 0.002), 1, 20.0) == 1
    assert found.ohms == pytest.approx([0.001, 0.001, 0.002])
    assert found.excess == pytest.approx([0.0, 0.0, 1.0])


def test_bands_of_temperature_are_not_mixed() -> None:
    found = CellResistance()
    jumps(found, (0.001, 0.001), BATCH, 20.0)
    assert jumps(found, (0.002, 0.002), BATCH - 1, 1.0) == 0
    assert found.ohms == pytest.approx([0.001, 0.001])
    assert jumps(found, (0.002, 0.002), 1, 1.0) == 1

    assert found.ohms == pytest.approx([0.002, 0.002])
    assert found.band == 0.0
    jumps(found, (0.001, 0.001), BATCH, 20.0)
    assert found.ohms == pytest.approx([0.001, 0.001])


def test_a_wild_jump_does_not_move_the_median() -> None:
    found = CellResistance()
    jumps(found, (0.001, 0.001), BATCH - 2, None)
    jumps(found, (0.05, 0.001), 2, None)

    assert found.ohms == pytest.approx([0.001, 0.001])


def test_voltages_that_went_the_other_way_are_no_resistance() -> None:
    found = CellResistance()

    assert jumps(found, (-0.001, -0.001), 3 * BATCH, 20.0) == 0


def test_both_ends_together_tell_size() -> None:
    """Alone, neither can tell a small cell from one that holds less."""
    book = CellCharge(3)
    low = Seen((30.0, 30.0, 20.0), (0.0, 0.0, 0.0), (0.1, 0.1, 0.1))
    full = Seen((99.5, 99.5, 99.5), (0.0, 0.0, 0.0), (0.1, 0.1, 0.1))
    book.look(low)
    assert book.cells()[2].size_sigma > 5.0

    for _ in range(20):
        book.wait(0.5)
        book.look(full)
        book.wait(0.5)
        book.look(low)

    assert book.cells()[2].size == pytest.approx(-12.5, abs=1.0)  # 20 % of it are 17.5 % of a typical one
    assert book.cells()[2].size_sigma < 3.0
    assert book.cells()[0].size == pytest.approx(0.0, abs=0.2)


def test_what_a_cell_lacks_at_both_ends_alike_leaves_its_size_in_doubt() -> None:
    """It fell behind. Where the curve is steeper at one end than thought, that looks like a small cell."""
    weak, behind = CellCharge(3), CellCharge(3)
    exact = (0.0, 0.0, 0.0), (0.1, 0.1, 0.1)
    for _ in range(20):
        for low, full in ((20.0, 99.5), (17.0, 92.0)):
            book = weak if low == 20.0 else behind
            book.wait(0.5)
            book.look(Seen((30.0, 30.0, low), *exact))
            book.wait(0.5)
            book.look(Seen((99.5, 99.5, full), *exact))

    assert weak.cells()[2].size_sigma < 3.0
    assert behind.cells()[2].size_sigma > 5.0


def test_a_look_beyond_full_is_no_other_end() -> None:
    looked = watched(QuickPack(2), 14.0).learnt()["health"]["looked"]  # read as 100.4 % one evening

    assert max(band for band, *_ in looked) == 4  # of 20 % each


def test_a_millivolt_is_worth_more_in_a_pack_that_is_never_low() -> None:
    """Between 57 and 100 % a voltmeter that is 6 mV off looks like a cell that is 9 % too small."""
    shallow = watched(QuickPack(4, habits=Habits(lowest=57.0)), 21.0)
    deep = watched(QuickPack(4, habits=Habits(lowest=18.0)), 21.0)

    assert shallow._voltmeter_unsure() > 1.25
    assert deep._voltmeter_unsure() < 1.2


def share(size: float) -> CellShare:
    return CellShare(
        charge=0.0, charge_sigma=0.5, size=size, size_sigma=0.5, loss=0.0, loss_sigma=0.01, seen_over=90.0
    )


def test_sizes_that_differ_all_over_the_pack_are_a_fault_of_the_reading() -> None:
    one_weak = [share(size) for size in (1.0, -1.5, 0.5, -20.0, 2.0, -0.5, 1.5, -2.0)]
    all_over = [share(size) for size in (1.7, -9.9, 0.2, -27.7, -0.4, -18.5, -7.1, -4.3)]

    assert _scatter(one_weak) < 1.0
    assert _scatter(all_over) > 5.0
    assert _scatter([]) == 0.0


def test_a_size_is_not_told_by_looks_of_months_ago() -> None:
    pack, taken_for = drawn(0, "weak")
    health = watched(pack, MONTH, lambda report, day: None, taken_for)
    assert health.report().cells[4].size is not None

    learnt = health.learnt()
    looked = learnt["health"]["looked"]
    learnt["health"]["looked"] = [[band, when - 61.0, clear] for band, when, clear in looked]
    later = Health(taken_for, nominal_ah=280.0)
    later.restore(health.state(), learnt)

    assert all(cell.size is None for cell in later.report().cells)
