"""A small poller: journal, a toy counter and history; it is killed in the middle of its work.

    python history_process.py FOLDER FIRST

Takes frames from number FIRST on as fast as it can, says each one that it has taken, commits
now and then. After a kill the next one goes on from what the database and the journal hold.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jk_bms.clock import Clock
from jk_bms.model import Device, Sample
from jk_bms.sinks.history import HistorySink
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import HistoryStore
from jk_bms.store.journal import Journal
from jk_bms.store.states import read_states

AT = datetime(2026, 12, 1, tzinfo=UTC)
PACKS = (Device(address="AA"), Device(address="BB", number=2))
COMMIT = 45  # frames


def frame(n: int) -> Sample:
    """Frame ``n``: two a second, alternating between two packs."""
    time = n * 0.5
    return Sample(
        device=PACKS[n % 2],
        taken_at=AT + timedelta(seconds=time),
        monotonic=1000 + time,
        voltage=52 + n % 11 / 10,
        current=n % 17 - 8.0,
        cell_voltages=(3.3 + n % 5 / 1000, 3.31),
        soc=n % 100,
    )


class Toy:
    """A counter that can tell when a frame was lost or taken twice.

    It learns something with every seventh frame, which is stored elsewhere than its state.
    """

    def __init__(self, state: dict[str, Any], learnt: dict[str, Any]) -> None:
        self.frames: int = state.get("frames", 0)
        self.total: int = state.get("total", 0)
        self.sevens: int = learnt.get("sevens", 0)

    def feed(self, n: int) -> None:
        """Take frame ``n``."""
        self.frames += 1
        self.total += n * n
        if self.frames % 7 == 0:
            self.sevens += 1

    def state(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {"frames": self.frames, "total": self.total}

    def learnt(self) -> dict[str, Any]:
        """Return what belongs to that state and changes seldom."""
        return {"sevens": self.sevens}


def number_of(sample: Sample) -> int:
    """Which frame it is."""
    return round((sample.monotonic - 1000) * 2)


class House:
    """What there is after a start: the committed state, and the journal replayed on it."""

    def __init__(self, folder: Path) -> None:
        self.own = open_writer(folder / "bms.db", Clock())
        self.store = HistoryStore(self.own)
        counters = self.store.counters()
        learnt = read_states(self.own, "learnt:")
        self.toys = {pack.address: Toy({}, {}) for pack in PACKS}
        for address, counter in counters.items():
            self.toys[address] = Toy(counter.state, learnt[f"learnt:{address}"])
        floor = max((counter.sequence for counter in counters.values()), default=0)
        self.journal = Journal(folder / "unsaved.journal", floor=floor)
        self.sink = HistorySink(self.store, confirmed=lambda: False)
        for found in self.journal.replay():
            address = found.sample.device.address
            if address not in counters or found.number > counters[address].sequence:
                self.take(found.sample, found.number)

    def take(self, sample: Sample, number: int) -> None:
        """Feed a frame that is in the journal."""
        self.toys[sample.device.address].feed(number_of(sample))
        self.sink.accept(sample, number)

    def commit(self) -> None:
        """Commit all there is."""
        cut = self.sink.cut(
            {address: toy.state() for address, toy in self.toys.items()},
            {f"learnt:{address}": toy.learnt() for address, toy in self.toys.items()},
        )
        self.store.commit(cut)
        self.journal.forget(cut.sequence)


def main() -> None:
    """Work until killed."""
    folder, first = Path(sys.argv[1]), int(sys.argv[2])
    house = House(folder)
    for n in range(first, first + 1_000_000):
        sample = frame(n)
        number = house.journal.append(sample)
        print(n, flush=True)  # from here on it counts as taken
        house.take(sample, number)
        if n % COMMIT == COMMIT - 1:
            house.commit()


if __name__ == "__main__":
    main()
