"""What the links share: nobody is cut off for another, and the last rungs are taken together."""

import pytest

from jk_bms.errors import Verdict
from jk_bms.repair.ladder import Rung
from jk_bms.repair.machine import LinkMachine, Trouble
from jk_bms.repair.shared import ALL_SILENT, MOST_FORGETS, SharedRepair

LONG = 10_000.0


class Family:
    """Two devices on two adapters of one house, at second 0."""

    def __init__(self, *, same: bool = False, **allowed: bool) -> None:
        self.house = SharedRepair(0.0, **allowed)
        self.machines = {name: LinkMachine(0.0) for name in ("one", "two")}
        for name, machine in self.machines.items():
            self.house.join(name, machine)
            self.house.reached_by(name, "hci0" if same else f"hci-{name}")

    def streams(self, name: str, now: float) -> None:
        self.machines[name].connecting(now)
        self.machines[name].connected(now)
        self.machines[name].frame(now)

    def fails(self, verdict: Verdict, now: float = 1.0) -> None:
        for machine in self.machines.values():
            machine.lost(Trouble(verdict, ""), now)


def test_an_adapter_on_which_another_streams_is_in_use() -> None:
    family = Family(same=True)
    assert not family.house.around("one", 1.0).in_use

    family.streams("two", 1.0)

    assert family.house.around("one", 1.0).in_use
    assert not family.house.around("two", 1.0).in_use  # itself does not count


def test_another_adapter_is_not() -> None:
    family = Family()
    family.streams("two", 1.0)

    around = family.house.around("one", 1.0)
    assert not around.in_use
    assert around.any_in_use  # but a restart of the service would end it


def test_an_unknown_adapter_may_be_any() -> None:
    family = Family()
    family.streams("two", 1.0)
    family.house.join("three", LinkMachine(0.0))

    assert family.house.around("three", 1.0).in_use


def test_one_repair_at_a_time() -> None:
    family = Family()
    family.house.begins("one", Rung.POWER_CYCLE, 5.0)

    assert family.house.around("two", 6.0).repairing
    assert not family.house.around("one", 6.0).repairing
    family.house.ends("one", Rung.POWER_CYCLE, worked=True)
    assert not family.house.around("two", 6.0).repairing
    assert family.house.around("one", 15.0).cycled_ago == 10.0


def test_forgotten_once_in_a_boot() -> None:
    family = Family()
    family.house.begins("one", Rung.FORGET, 5.0)
    family.house.ends("one", Rung.FORGET, worked=True)
    same, other = SharedRepair(0.0), SharedRepair(0.0)
    same.recall(family.house.remembered("boot-1"), "boot-1")
    other.recall(family.house.remembered("boot-1"), "boot-2")

    assert same.around("one", 9.0).forgotten
    assert not same.around("two", 9.0).forgotten
    assert not other.around("one", 9.0).forgotten


def test_to_forget_may_fail_a_few_times_in_a_boot() -> None:
    """Each run goes on counting, and the next boot begins anew."""
    house = SharedRepair(0.0)
    for _ in range(MOST_FORGETS):
        assert not house.around("one", 9.0).forgotten
        house.begins("one", Rung.FORGET, 5.0)
        house.ends("one", Rung.FORGET, worked=False)
        before, house = house, SharedRepair(0.0)
        house.recall(before.remembered("boot-1"), "boot-1")
    after = SharedRepair(0.0)
    after.recall(house.remembered("boot-1"), "boot-2")

    assert house.around("one", 9.0).forgotten
    assert not after.around("one", 9.0).forgotten


def test_the_restart_of_the_service_is_remembered_in_this_boot() -> None:
    family = Family(may_restart=True)
    family.house.begins("one", Rung.RESTART_SERVICE, 5.0)
    again = SharedRepair(100.0)
    again.recall(family.house.remembered("boot-1"), "boot-1")

    assert again.around("one", 105.0).restarted_ago == 100.0


def test_all_silent_ends_for_a_fresh_start() -> None:
    family = Family()

    assert family.house.last_rung(ALL_SILENT, up_for=LONG, wall=0.0) is None
    assert family.house.last_rung(ALL_SILENT + 1, up_for=LONG, wall=0.0) is Rung.EXIT


def test_one_that_speaks_keeps_the_house() -> None:
    family = Family()
    family.streams("two", 500.0)

    assert family.house.last_rung(ALL_SILENT + 1, up_for=LONG, wall=0.0) is None
    assert family.house.last_rung(501 + ALL_SILENT, up_for=LONG, wall=0.0) is Rung.EXIT


def test_one_that_is_left_alone_keeps_it_too() -> None:
    family = Family()
    family.machines["one"].release(2000.0, 1.0)

    assert family.house.last_rung(1500.0, up_for=LONG, wall=0.0) is None
    family.machines["one"].resume(1500.0)
    assert family.house.last_rung(1600.0, up_for=LONG, wall=0.0) is None  # silence counts from there
    assert family.house.last_rung(1501 + ALL_SILENT, up_for=LONG, wall=0.0) is Rung.EXIT


REBOOTS = {
    # name: (verdict, exited before, uptime, wall time, last reboot) -> rung
    "the second time, when this machine is at fault": (
        Verdict.ADAPTER_WEDGED,
        True,
        LONG,
        9e8,
        None,
        Rung.REBOOT,
    ),
    "a fresh start comes first": (Verdict.ADAPTER_WEDGED, False, LONG, 9e8, None, Rung.EXIT),
    "not for a battery that is away": (Verdict.NOT_SEEN, True, LONG, 9e8, None, Rung.EXIT),
    "not in the first ten minutes": (Verdict.NO_ADAPTER, True, 599.0, 9e8, None, Rung.EXIT),
    "not twice in an hour": (Verdict.NO_ADAPTER, True, 3000.0, 9e8, 9e8 - 3500, Rung.EXIT),
    "again after an hour": (Verdict.NO_ADAPTER, True, 3500.0, 9e8, 9e8 - 3601, Rung.REBOOT),
    "a clock that went back": (Verdict.NO_ADAPTER, True, 3000.0, 9e8, 9.1e8, Rung.EXIT),
    "no clock, up for a short time": (Verdict.NO_ADAPTER, True, 3000.0, None, 9e8, Rung.EXIT),
    "no clock, up for long": (Verdict.NO_ADAPTER, True, 3601.0, None, None, Rung.REBOOT),
}


@pytest.mark.parametrize(
    ("verdict", "exited", "up_for", "wall", "rebooted", "rung"), REBOOTS.values(), ids=REBOOTS
)
def test_reboot(
    verdict: Verdict, exited: bool, up_for: float, wall: float | None, rebooted: float | None, rung: Rung
) -> None:
    family = Family(may_reboot=True)
    family.house.recall({"boot": "b", "rebooted": rebooted, "exited": exited}, "b")
    family.fails(verdict)

    assert family.house.last_rung(ALL_SILENT + 1, up_for=up_for, wall=wall) is rung


def test_no_reboot_unless_allowed() -> None:
    family = Family()
    family.house.recall({"boot": "b", "exited": True}, "b")
    family.fails(Verdict.ADAPTER_WEDGED)

    assert family.house.last_rung(ALL_SILENT + 1, up_for=LONG, wall=9e8) is Rung.EXIT


def test_no_reboot_after_a_run_that_had_data() -> None:
    """Then a fresh start has helped before, and is tried again first."""
    family = Family(may_reboot=True)
    family.house.recall({"boot": "b", "exited": True}, "b")
    family.streams("one", 5.0)
    family.fails(Verdict.ADAPTER_WEDGED)

    assert family.house.last_rung(ALL_SILENT + 10, up_for=LONG, wall=9e8) is Rung.EXIT


@pytest.mark.parametrize(
    ("later", "spoke", "rung"),
    [("b", False, Rung.REBOOT), ("b", True, Rung.EXIT), ("c", False, Rung.EXIT)],
    ids=["it did not help", "it helped", "another boot"],
)
def test_a_fresh_start_of_long_ago_is_none_of_this_outage(later: str, spoke: bool, rung: Rung) -> None:
    """One run ended, the next may have streamed for a year, the third is the one that asks."""
    first, second, third = (Family(may_reboot=True) for _ in range(3))
    first.house.last_rung(ALL_SILENT + 1, up_for=LONG, wall=9e8)
    second.house.recall(first.house.remembered("b"), "b")
    if spoke:
        second.streams("one", 5.0)
    second.house.last_rung(10.0, up_for=LONG, wall=9e8)
    third.house.recall(second.house.remembered("b"), later)
    third.fails(Verdict.NO_ADAPTER)

    assert third.house.last_rung(ALL_SILENT + 1, up_for=LONG, wall=9.1e8) is rung


def test_the_highest_rung_in_the_house() -> None:
    family = Family()
    assert family.house.rung() is Rung.NONE
    family.fails(Verdict.ADAPTER_WEDGED)
    family.machines["two"].repaired(Rung.POWER_CYCLE, 2.0, worked=True)

    assert family.house.rung() is Rung.POWER_CYCLE
