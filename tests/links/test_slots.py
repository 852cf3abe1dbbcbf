"""More batteries than connections: who holds its link, who goes round, and that nobody starves."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from jk_bms.radio.slots import KEEP, REVISIT, Slots, Turns, usual_connections
from tests.scale import PATIENCE, scaled

HOUR = 3600.0


class Visit(NamedTuple):
    """How an attempt went: the sample came after so long, or it failed after so long."""

    takes: float
    works: bool = True


def well(rng: random.Random) -> Visit:
    """Scan, connect, ask, read, disconnect; rarely it fails."""
    if rng.random() < 0.02:
        return Visit(rng.uniform(20, 40), works=False)
    return Visit(rng.uniform(4, 9))


def dead(_: random.Random) -> Visit:
    """It is searched for in vain for the usual patience."""
    return Visit(20.0, works=False)


class Air:
    """Packs that want to be read, on an adapter with so many slots; its own time."""

    def __init__(self, count: int, packs: list[Callable[[random.Random], Visit]], seed: int = 1) -> None:
        self.slots = Slots(count)
        self.rng = random.Random(seed)
        self.packs = {f"pack{n}": how for n, how in enumerate(packs)}
        self.asks = dict.fromkeys(self.packs, 0.0)  # when it asks next
        self.ends: dict[str, tuple[float, bool]] = {}  # of an attempt, or of a held link that drops
        self.streams: set[str] = set()
        self.fresh = dict.fromkeys(self.packs, 0.0)
        self.visits = dict.fromkeys(self.packs, 0)
        self.failed = dict.fromkeys(self.packs, 0)
        self.most = 0

    def run(self, seconds: float) -> list[float]:
        """Return the age of what is known of each pack that lives, every few seconds."""
        ages = []
        for tick in range(int(seconds * 2)):
            now = tick / 2
            self.step(now)
            self.most = max(self.most, len(self.slots.active))
            if tick % 7 == 0 and now > 300:
                ages += [now - self.fresh[pack] for pack, how in self.packs.items() if how is not dead]
        return sorted(ages)

    def step(self, now: float) -> None:
        for pack, at in list(self.asks.items()):
            if now >= at:
                self.slots.ask(pack, now)
                del self.asks[pack]
        for pack, (end, works) in list(self.ends.items()):
            if now >= end:
                self.end(pack, now, works)
        for pack in self.streams:
            self.fresh[pack] = now
            self.slots.sampled(pack, now)
        for pack in self.slots.grants(now):
            visit = self.packs[pack](self.rng)
            self.ends[pack] = (now + visit.takes, visit.works)

    def end(self, pack: str, now: float, works: bool) -> None:
        del self.ends[pack]
        if not works:
            self.streams.discard(pack)
            self.failed[pack] += 1
            self.slots.give_back(pack, now, failed=True)
            self.asks[pack] = now + min(60.0, 2.0 * 2 ** min(self.failed[pack], 5))
            return
        self.failed[pack] = 0
        self.visits[pack] += 1
        self.fresh[pack] = now
        self.slots.sampled(pack, now)
        if self.slots.must_leave(pack):
            self.slots.give_back(pack, now, failed=False)
            self.asks[pack] = now + REVISIT
        else:  # held, until it drops
            self.streams.add(pack)
            self.ends[pack] = (now + self.rng.expovariate(1 / HOUR), False)


def percentile(ages: list[float], share: float) -> float:
    return ages[int(len(ages) * share)]


@pytest.mark.parametrize("seed", range(scaled(40, 2)))
def test_eight_packs_on_three_slots_are_fresh(seed: int) -> None:
    """99 of 100 looks at any pack find it younger than 90 s."""
    air = Air(3, [well] * 8, seed)

    ages = air.run(12 * HOUR)

    assert percentile(ages, 0.99) < 90
    assert air.most == 3


@pytest.mark.parametrize("gone", [1, 3])
def test_dead_packs_do_not_starve_the_others(gone: int) -> None:
    air = Air(3, [dead] * gone + [well] * (8 - gone), 7)

    ages = air.run(12 * HOUR)

    assert percentile(ages, 0.99) < 90
    assert all(air.failed[f"pack{n}"] > 50 for n in range(gone))  # but they are not given up


def test_everybody_comes_round_equally_often() -> None:
    """With one slot, as on the radio of a small computer, nobody holds the link."""
    air = Air(1, [well] * 4)

    air.run(6 * HOUR)

    assert air.streams == set()
    assert max(air.visits.values()) < 1.2 * min(air.visits.values())


def test_as_many_packs_as_slots_hold_their_links() -> None:
    air = Air(3, [well] * 3)

    air.run(HOUR / 2)

    assert not air.slots.crowded
    assert sum(air.visits.values()) < 10


def test_slots_minus_one_are_held() -> None:
    air = Air(3, [well] * 8)

    air.run(HOUR / 2)

    assert len(air.streams) in (1, 2)  # one may have dropped just now


def test_who_came_early_leaves_when_it_gets_crowded() -> None:
    """Three hold three slots; with a fourth only two can go on doing so."""
    slots = Slots(3)
    for pack in "abc":
        slots.ask(pack, 0.0)
    assert slots.grants(0.0) == ["a", "b", "c"]
    assert [slots.must_leave(pack) for pack in "abc"] == [False, False, False]

    slots.ask("d", 1.0)

    assert slots.grants(1.0) == []
    assert [slots.must_leave(pack) for pack in "abc"] == [False, False, True]
    slots.give_back("c", 2.0, failed=False)
    assert slots.grants(2.0) == ["d"]
    assert slots.must_leave("d")


def test_a_held_link_that_dropped_finds_its_slot_again() -> None:
    slots = Slots(2)
    for pack in "abc":
        slots.ask(pack, 0.0)
    slots.grants(0.0)
    slots.sampled("a", 1.0)
    slots.give_back("a", 5.0, failed=True)

    assert slots.grants(6.0) == []  # c waits, b visits, the other slot is kept for a
    assert slots.next_due() == 5.0 + KEEP
    slots.ask("a", 7.0)
    assert slots.grants(7.0) == ["a"]
    assert [slots.must_leave(pack) for pack in "ab"] == [False, True]


def test_a_kept_slot_is_not_kept_for_ever() -> None:
    slots = Slots(2)
    for pack in "abc":
        slots.ask(pack, 0.0)
    slots.grants(0.0)
    slots.sampled("a", 1.0)
    slots.give_back("a", 5.0, failed=True)

    assert slots.grants(5.0 + KEEP) == ["c"]
    assert not slots.must_leave("b")  # has moved up


def test_never_more_connections_than_slots() -> None:
    """Whatever happens in whatever order."""
    for seed in range(scaled(2000, 50)):
        rng = random.Random(seed)
        count, packs = rng.randint(1, 4), [f"p{n}" for n in range(rng.randint(1, 9))]
        slots, now = Slots(count), 0.0
        for _ in range(200):
            now += rng.random() * 20
            act(slots, rng.choice(packs), rng, now)
            slots.grants(now)
            assert len(slots.active) <= count
            staying = [pack for pack in slots.active if not slots.must_leave(pack)]
            assert len(staying) <= (count - 1 if slots.crowded else count)


def act(slots: Slots, pack: str, rng: random.Random, now: float) -> None:
    what = rng.randrange(4)
    if pack not in slots.active:
        if what:
            slots.ask(pack, now)
        else:
            slots.withdraw(pack)
    elif what < 2:
        slots.sampled(pack, now)
    else:
        slots.give_back(pack, now, failed=what == 2)


def test_no_slot_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        Slots(0)


# -- for tasks ---------------------------------------------------------------------------------


async def test_tasks_take_turns() -> None:
    turns, open_now, log = Turns(1), 0, []

    async def visit(name: str) -> None:
        nonlocal open_now
        async with turns.turn(name) as turn:
            open_now += 1
            assert open_now == 1
            await asyncio.sleep(0)
            turn.sampled()
            log.append((name, turn.visiting))
            open_now -= 1

    await asyncio.gather(*(visit(name) for name in "abc"))

    assert log == [("a", True), ("b", True), ("c", True)]


async def test_a_task_that_is_cancelled_while_it_waits_takes_nothing() -> None:
    turns = Turns(1)
    async with turns.turn("a"):
        waiting = asyncio.create_task(_have(turns, "b"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(PATIENCE), turns.turn("c"):
        assert turns.slots.active == ("c",)


async def test_one_that_is_granted_and_cancelled_at_once_gives_it_back() -> None:
    turns = Turns(1)
    async with turns.turn("a"):
        waiting = [asyncio.create_task(_have(turns, name)) for name in "bc"]
        await asyncio.sleep(0)
    waiting[0].cancel()  # a has just left: b has the slot and does not know yet
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting, return_exceptions=True)

    assert turns.slots.active == ()


async def test_a_failure_passes_through_and_frees_the_slot() -> None:
    turns = Turns(1)
    with pytest.raises(OSError, match="lost"):
        async with turns.turn("a"):
            raise OSError("lost")

    assert turns.slots.active == ()


async def _have(turns: Turns, name: str) -> None:
    async with turns.turn(name):
        await asyncio.sleep(0)


# -- which radio it is -------------------------------------------------------------------------

# as the systems name them: Raspberry Pi 4 (two kernels), Pi 3 with a dongle, a laptop, an old phone
PLACES = {
    "devices/platform/soc/fe201000.serial/tty/ttyAMA0": 1,
    "devices/platform/soc/fe201000.serial/serial0/serial0-0": 1,
    "devices/platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0": 3,
    "devices/pci0000:00/0000:00:14.0/usb1/1-10/1-10:1.0": 3,
    "devices/platform/soc/mmc1/mmc1:0001": 1,
}


@pytest.mark.parametrize(("place", "count"), PLACES.items())
def test_radio(place: str, count: int, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / "class" / "hci0").mkdir(parents=True)
    (tmp_path / "class" / "hci0" / "device").symlink_to(tmp_path / place)

    assert usual_connections("hci0", tmp_path / "class") == count


def test_a_radio_of_which_the_system_says_nothing(tmp_path: Path) -> None:
    assert usual_connections("hci7", tmp_path) == 3
