"""Which adapter a battery is read by, over plugging, renaming and restarts."""

from typing import Any, NamedTuple

from jk_bms.radio.placement import Placement


class Dongle(NamedTuple):
    name: str
    address: str


A, B = Dongle("hci0", "00:00:00:00:00:0A"), Dongle("hci1", "00:00:00:00:00:0B")
PACKS = [f"C8:47:80:00:00:0{n}" for n in range(4)]


def placed(placement: Placement, pack: str, *there: Dongle) -> str:
    """Choose, and use it, as a link does."""
    address = placement.choose(pack, there)
    placement.slots(pack, next(each for each in there if each.address == address))
    return address


def test_new_batteries_go_where_the_fewest_are() -> None:
    placement = Placement()

    chosen = [placed(placement, pack, A, B) for pack in PACKS]

    assert chosen == [A.address, B.address, A.address, B.address]
    assert [(load.connections, load.devices) for load in placement.loads()] == [(3, 2), (3, 2)]


def test_those_that_the_owner_pinned_count_as_load() -> None:
    placement = Placement()
    placement.slots(PACKS[0], A)

    assert placed(placement, PACKS[1], A, B) == B.address


def test_a_battery_stays_where_it_is_when_the_numbers_move() -> None:
    """The dongles were plugged in the other order: hci0 is hci1 now."""
    placement = Placement()
    before = [placed(placement, pack, A, B) for pack in PACKS]
    moved = [B._replace(name="hci0"), A._replace(name="hci1")]

    assert [placed(placement, pack, *moved) for pack in PACKS] == before


def test_it_is_remembered_over_a_restart_and_told_only_when_new() -> None:
    told: list[Any] = []
    first = Placement(changed=told.append)
    for pack in PACKS[:2]:
        placed(first, pack, A, B)
        placed(first, pack, A, B)
    again = Placement()

    again.recall(told[-1])

    assert len(told) == 2
    assert placed(again, PACKS[1], A, B) == B.address
    assert placed(again, PACKS[2], A, B) == A.address


def test_while_its_adapter_is_away_another_serves() -> None:
    """And when it is plugged in again everything is as before."""
    placement = Placement()
    before = [placed(placement, pack, A, B) for pack in PACKS]

    assert {placed(placement, pack, B) for pack in PACKS} == {B.address}
    assert placement.loads()[1].devices == 4
    assert [placed(placement, pack, A, B) for pack in PACKS] == before


def test_slots_are_those_of_the_adapter() -> None:
    by_kind = Placement(usual=lambda name: {"hci0": 1, "hci1": 3}[name])
    as_set = Placement(2)

    assert by_kind.slots(PACKS[0], A).slots.count == 1
    assert by_kind.slots(PACKS[1], B).slots.count == 3
    assert by_kind.slots(PACKS[2], B) is by_kind.slots(PACKS[1], B)
    assert as_set.slots(PACKS[0], A).slots.count == 2


def test_an_adapter_that_a_battery_left_reckons_with_it_no_more() -> None:
    placement = Placement(1)
    for pack in PACKS[:2]:
        placement.slots(pack, A).slots.ask(pack, 0.0)
    assert placement.slots(PACKS[0], A).slots.crowded

    placement.slots(PACKS[1], B)

    assert not placement.slots(PACKS[0], A).slots.crowded


def test_what_is_remembered_of_nothing() -> None:
    placement = Placement()
    placement.recall(None)

    assert placement.remembered() == {"adapters": {}}
