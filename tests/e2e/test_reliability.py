"""Every fault of a radio link, made on the real path, against the source with its real ladder.

Unmodified bleak, a real D-Bus, the fake BlueZ as a process. The loop of the source runs fast, so
that the patience is the real one and a test takes seconds. What each fault led to is written into
docs/reliability.md by a run with SOAK=20 (``make soak``).
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from jk_bms.config.devices import Entry
from jk_bms.errors import Verdict
from jk_bms.model import Sample
from jk_bms.model.outage import OutageRecord
from jk_bms.radio.memory import RadioMemory
from jk_bms.repair.ladder import WORDS, Rung
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources import SourceContext, build
from jk_bms.sources.held import HeldSource
from tests.bluez.bed import ROOT, BluezBed
from tests.bluez.peripherals import JK, jk, street
from tests.fast_loop import run
from tests.scale import PATIENCE, soaking

SPEED = 10.0
CROWDED = 2.0  # programs that want each core; above it a second of the loop leaves too little time for BlueZ to answer
EVENTUALLY = PATIENCE * SPEED  # s of the loop; on a busy machine what takes a moment takes long
LASTS = 30.0  # s for which a fault stands that only somebody else can end
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"
TIMING = {"disconnect": 0.2, "forget": 3.0}  # as slow as BlueZ, in the time of the loop
MEANWHILE = {"period": 0.05}  # s; a frame each 0.5 s of the loop

Hand = Callable[[BluezBed], Any]


@dataclass(frozen=True)
class Fault:
    """What is done to the radio, and what is expected to come of it.

    ``undo``: what ends it after ``LASTS``; None: our own repairs do.
    """

    make: Hand
    verdict: Verdict
    cause: str
    cure: Rung = Rung.RECONNECT
    undo: Hand | None = None
    limit: float = 60.0  # s until there is data again, after its end; held in a soak
    before: Hand | None = None  # is there from the beginning
    pin: str | None = None
    lasts: float = LASTS
    heard_others: bool = False  # to an earlier run the adapter gave neighbours


def device(**what: Any) -> Hand:
    """Change the battery, and have it drop the link so that it matters."""

    def hand(bed: BluezBed) -> None:
        bed.device(JK, **what)
        drop(bed)

    return hand


def drop(bed: BluezBed) -> None:
    if JK in bed.connected():
        bed.control("drop", address=JK)


def both(first: Hand, then: Hand) -> Hand:
    def hand(bed: BluezBed) -> None:
        first(bed)
        then(bed)

    return hand


def radio(**faults: Any) -> Hand:
    """Set faults of its radio while it streams."""
    return lambda bed: bed.control("faults", address=JK, **faults)


def adapter(**what: Any) -> Hand:
    """Change the adapter; the link drops."""

    def hand(bed: BluezBed) -> None:
        bed.adapter(**what)
        drop(bed)

    return hand


def renamed(bed: BluezBed) -> None:
    """The Bluetooth service comes back and calls the adapter by another name."""
    [one] = bed.scenario["adapters"]
    bed.restart_service(bed.scenario | {"adapters": [one | {"name": "hci1"}]})


OK_DEVICE = lambda bed: bed.device(  # noqa: E731
    JK, connect="ok", services="ok", stale="", notify="ok", write="ok", hidden=False, unpaired="ok"
)
V, R = Verdict, Rung

# fmt: off
FAULTS: dict[str, Fault] = {
    "adapter missing at the start, plugged in later": Fault(
        lambda bed: None, V.NO_ADAPTER, "no_adapter",
        before=lambda bed: bed.adapter(present=False), undo=lambda bed: bed.adapter(present=True)),
    "adapter switched off": Fault(
        lambda bed: bed.adapter(powered=False), V.ADAPTER_OFF, "adapter_off", R.POWER_CYCLE),
    "adapter blocked by flight mode": Fault(
        lambda bed: bed.adapter(blocked="soft"), V.ADAPTER_BLOCKED, "adapter_blocked",
        undo=lambda bed: bed.adapter(blocked="", powered=True), limit=75.0),
    "adapter pulled out while streaming": Fault(
        lambda bed: bed.adapter(present=False), V.NO_ADAPTER, "no_adapter",
        undo=lambda bed: bed.adapter(present=True)),
    "Bluetooth service restarted, adapter renamed": Fault(
        renamed, V.SERVICE_DOWN, "service_down"),
    "Bluetooth service killed without a word": Fault(
        lambda bed: bed.kill_service(), V.SERVICE_DOWN, "service_down",
        undo=lambda bed: bed.start_service()),
    "Bluetooth service answers nothing": Fault(
        both(drop, lambda bed: bed.control("calls", silent=True)), V.SERVICE_DOWN, "service_down",
        undo=lambda bed: bed.control("calls")),
    "D-Bus killed and started again": Fault(
        lambda bed: bed.bus.kill(), V.SERVICE_DOWN, "service_down",
        undo=lambda bed: bed.restart_bus()),
    "adapter hears nothing at all": Fault(
        adapter(discovery="wedged"), V.ADAPTER_WEDGED, "adapter_wedged", R.POWER_CYCLE, limit=180.0),
    "adapter hears nothing from our start on": Fault(
        lambda bed: None, V.ADAPTER_WEDGED, "adapter_wedged", R.POWER_CYCLE, limit=180.0,
        before=lambda bed: bed.adapter(discovery="wedged"), heard_others=True),
    "another program scans (InProgress)": Fault(
        adapter(discovery="in_progress"), V.BUSY, "other_program",
        undo=lambda bed: bed.adapter(discovery="")),
    "connection aborted at once, again and again": Fault(
        device(connect="abort_always"), V.CONNECT_FAILED, "connect_failed", undo=OK_DEVICE, limit=90.0),
    "connection attempt never answered": Fault(
        device(connect="silent"), V.CONNECT_FAILED, "connect_failed", undo=OK_DEVICE, limit=90.0),
    "another central holds it and it refuses": Fault(
        device(connect="refused"), V.CONNECT_FAILED, "phone_connected", undo=OK_DEVICE, limit=90.0),
    "not heard: phone, switched off, out of range": Fault(
        device(hidden=True), V.NOT_SEEN, "phone_connected", undo=OK_DEVICE, limit=90.0),
    "services never resolved": Fault(
        device(services="never"), V.CONNECT_FAILED, "connect_failed", undo=OK_DEVICE, limit=90.0),
    "services remembered wrongly (stale cache)": Fault(
        device(stale="hid"), V.STALE_CACHE, "stale_cache", R.FORGET),
    "notifications taken by another program": Fault(
        device(notify="acquired"), V.BUSY, "other_program", undo=OK_DEVICE, limit=90.0),
    "subscription never answered": Fault(
        device(notify="silent"), V.CONNECT_FAILED, "connect_failed", undo=OK_DEVICE, limit=90.0),
    "mute after connecting": Fault(
        both(radio(mute=True), drop), V.MUTE, "mute", undo=radio(mute=False), limit=90.0),
    "stream stops": Fault(
        radio(stop_after=3), V.MUTE, "mute", undo=radio(stop_after=None), limit=90.0),
    "stream stops, and goes on when asked": Fault(
        radio(stop_after=3), V.MUTE, "mute", R.ASK, undo=radio(stop_after=None), lasts=8.0, limit=15.0),
    "link cut within a frame": Fault(
        radio(cut_after=1), V.DROPPED, "link_lost"),
    "every frame damaged": Fault(
        radio(corrupt_every=1), V.FRAMES_REFUSED, "frames_damaged", undo=radio(corrupt_every=0), limit=90.0),
    "every second fragment lost": Fault(
        radio(drop_every=2), V.FRAMES_REFUSED, "frames_damaged", undo=radio(drop_every=0), limit=90.0),
    "frozen frames": Fault(
        radio(frozen=True), V.FROZEN, "frozen", undo=radio(frozen=False), limit=90.0),
    "layout changed in mid-stream (firmware update)": Fault(
        radio(wrong_layout=True), V.FRAMES_REFUSED, "layout_unknown",
        undo=radio(wrong_layout=False), limit=90.0),
    "wants a passkey, the right one is set": Fault(
        device(pairing="passkey", unpaired="denied", passkey=123456), V.PAIRING_NEEDED, "pairing_needed",
        pin="123456"),
    "wants a passkey, a wrong one is set": Fault(
        device(pairing="passkey", unpaired="denied", passkey=123456), V.PAIRING_REFUSED, "pairing_refused",
        pin="654321", undo=OK_DEVICE, limit=90.0),
    "wants a passkey, none is set": Fault(
        device(pairing="passkey", unpaired="denied"), V.PAIRING_NEEDED, "pairing_needed",
        undo=OK_DEVICE, limit=90.0),
    "drops whoever is not paired (just works)": Fault(
        device(pairing="just_works", unpaired="drop"), V.PAIRING_NEEDED, "pairing_needed", pin="123456",
        limit=120.0),
    "refuses to pair": Fault(
        device(pairing="refused", unpaired="denied"), V.PAIRING_REFUSED, "pairing_refused", pin="123456",
        undo=OK_DEVICE, limit=90.0),
}
# Looks like trouble, and is none: there must be no outage at all.
HARMLESS: dict[str, tuple[str, Hand]] = {
    "two characteristics FFE1":     ("two", lambda bed: None),
    "a flood of AT\\r\\n":          ("new", radio(flood=True)),
    "one fragment in 200 lost":     ("new", radio(drop_every=200)),
    "a frame damaged now and then": ("new", radio(corrupt_every=7)),
}
# fmt: on


def scenario(layout: str = "new") -> dict[str, Any]:
    """The battery comes last: the others are heard before it, as in a house with neighbours."""
    return street() | {
        "devices": [*street()["devices"][1:], jk(layout=layout, radio=MEANWHILE)],
        "timing": TIMING,
    }


class Reader:
    """One battery, read by its source; notes what comes and what is recorded."""

    def __init__(self, pin: str | None = None, heard_others: Sequence[str] = ()) -> None:
        self.samples: list[tuple[float, Sample]] = []
        self.records: list[OutageRecord] = []
        now = asyncio.get_running_loop().time()
        memory = RadioMemory()
        memory.recall({"heard_others": heard_others})
        context = SourceContext(
            publish=self._publish, outage=self._outage, house=SharedRepair(now), radio=memory
        )
        source = build(Entry(address=JK, name="pack", pin=pin), context)
        assert isinstance(source, HeldSource)
        self.source = source

    def _publish(self, sample: Sample) -> None:
        self.samples.append((asyncio.get_running_loop().time(), sample))

    def _outage(self, record: OutageRecord) -> None:
        if self.records and self.records[-1].monotonic == record.monotonic:
            self.records[-1] = record
        else:
            self.records.append(record)

    async def fresh(self) -> None:
        """Wait for a sample taken from now on."""
        before = len(self.samples)
        await until(lambda: len(self.samples) > before)


async def suffer(bed: BluezBed, fault: Fault) -> tuple[OutageRecord, float]:
    """Return what was recorded, and after how many s there was data again since the fault ended."""
    clock = asyncio.get_running_loop().time
    adapters = [adapter["address"] for adapter in bed.scenario["adapters"]]
    house = Reader(fault.pin, adapters if fault.heard_others else ())
    task = asyncio.create_task(house.source.run())
    try:
        if fault.before is None:
            await house.fresh()
            await asyncio.sleep(5.0)
        began = clock()
        await asyncio.to_thread(fault.make, bed)
        if fault.undo is not None:
            await asyncio.sleep(fault.lasts)
            await asyncio.to_thread(fault.undo, bed)
            began = clock()
        else:
            await until(lambda: house.source.machine.outage is not None)
        await until(lambda: _ended(house.source))
        back = house.samples[-1][0] - began
        await until(lambda: bool(house.records) and house.records[-1].over)
        assert len(house.records) == 1, [(each.verdict, each.message) for each in house.records]
        return house.records[0], back
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def speed() -> float:
    """How fast the loop may run now: slower on a machine that many programs share."""
    wanted = os.getloadavg()[0] / (os.cpu_count() or 1)
    return SPEED / max(1.0, wanted / CROWDED)


def _ended(source: HeldSource) -> bool:
    outage = source.machine.outage
    return outage is None or outage.ended is not None


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(EVENTUALLY):
        while not what():
            await asyncio.sleep(0.1)


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Any:
    with BluezBed(scenario()) as bed:
        for name, value in bed.env.items():
            monkeypatch.setenv(name, value)
        yield bed


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str, bed: BluezBed) -> None:
    """The verdict and its first cause are right, the repair that helped is noted, and it is back.

    In time, where the machine has time for it: in a soak.
    """
    fault = FAULTS[name]
    if fault.before:
        fault.before(bed)

    record, back = run(suffer(bed, fault), speed())

    assert record.verdict == fault.verdict, record
    assert record.causes[0][0] == fault.cause, record
    assert record.cure == fault.cure.code, record
    assert back <= fault.limit or not soaking(), record
    note(name, record, back)


@pytest.mark.parametrize(("layout", "hand"), HARMLESS.values(), ids=HARMLESS)
def test_no_fault_at_all(layout: str, hand: Hand, bed: BluezBed) -> None:
    """A minute of it leaves no outage in the record, and frames come."""

    async def watch() -> list[OutageRecord]:
        house = Reader()
        task = asyncio.create_task(house.source.run())
        try:
            await house.fresh()
            await asyncio.to_thread(hand, bed)
            before = len(house.samples)
            await asyncio.sleep(60.0)
            await until(lambda: len(house.samples) > before + 30)
            return house.records
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    bed.reset(scenario(layout))

    assert run(watch(), speed()) == []


# -- the table ---------------------------------------------------------------------------------


def rows() -> dict[str, str]:
    """Return the rows of the table as they stand in the page, by fault."""
    return _rows(PAGE.read_text(encoding="utf-8"))


def _rows(text: str) -> dict[str, str]:
    table = text[text.index(BEGIN) : text.index(END)].splitlines()[3:]
    return {line.split("|")[1].strip(): line for line in table if line.startswith("|")}


def note(name: str, record: OutageRecord, back: float) -> None:
    """Write the row of that fault, where somebody wants the table."""
    if not soaking():
        return
    since = "end" if FAULTS[name].undo else "beginning"
    code, sure = record.causes[0]
    helped = WORDS[Rung[str(record.cure).upper()]]
    cells = (
        name,
        f"`{record.verdict}`",
        f"`{code}`, {sure:.0%}",
        helped,
        f"{back:.0f} s after its {since}",
    )
    row = f"| {' | '.join(cells)} |"
    with PAGE.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        text = page.read()
        known = {
            line.split("|")[1].strip(): line
            for line in text[text.index(BEGIN) : text.index(END)].splitlines()[3:]
        }
        known[name] = row
        table = "\n".join(known[each] for each in FAULTS if each in known)
        head = "\n".join(text[text.index(BEGIN) :].splitlines()[:3])
        page.seek(0)
        page.write(text[: text.index(BEGIN)] + head + "\n" + table + "\n" + text[text.index(END) :])
        page.truncate()


def test_the_page_lists_these_faults() -> None:
    assert list(rows()) == list(FAULTS)
