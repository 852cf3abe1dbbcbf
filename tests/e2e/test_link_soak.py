"""Days of radio trouble in minutes: three batteries on one adapter, faults in random order, nobody helps.

Sources, machines, ladder and what is remembered over restarts (``bms.db``) are the real ones; the air is
simulated, and so is the time: nothing is waited for. What stands in the way of connecting is told by
the air with its verdict; how links/gatt.py finds it is measured in test_reliability.py. ``make soak``
runs 72 hours and each fault twenty times, and writes what came of it into docs/reliability.md; an
ordinary run a twentieth.
"""

import asyncio
import gc
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jk_bms.clock import Clock, Mark
from jk_bms.errors import LinkError, Verdict
from jk_bms.links.simulated import SimulatedConnection, SimulatedLink, simulated_link
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkState
from jk_bms.model.outage import OutageRecord
from jk_bms.poller.link_log import LinkLog
from jk_bms.radio.memory import STATE as RADIO
from jk_bms.radio.memory import RadioMemory
from jk_bms.repair.ladder import Rung
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources.base import SourceContext
from jk_bms.sources.held import HeldSource
from jk_bms.sources.jk import JkSessions
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.store.outages import newest_outages
from jk_bms.store.states import read_state, write_states
from tests.bluez.bed import ROOT
from tests.fast_loop import percentile, simulate
from tests.scale import scaled

PACKS = 3
PERIOD = 2.0  # s between two frames
HOLE = 3 * PERIOD  # s between two samples that are an outage
HOUR = 3600.0
COMMIT = 60.0  # s of what was heard that a kill may cost; an event has it written ...
SOON = 0.5  # ... after so many s
EPOCH = datetime(2026, 12, 1, tzinfo=UTC)
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- soak: begin -->", "<!-- soak: end -->"


class LoopClock(Clock):
    """The time of the loop, as everything here has it; ``boot`` names the time since the last boot."""

    def __init__(self) -> None:
        super().__init__()
        self.boot = "boot-0"
        self._booted = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=loop_time())

    def monotonic(self) -> float:
        return loop_time() - self._booted

    def reboot(self) -> None:
        self.boot += "+"
        self._booted = loop_time() - 15.0


def loop_time() -> float:
    return asyncio.get_running_loop().time()


# -- the air -----------------------------------------------------------------------------------


class Hindrance(NamedTuple):
    """What stands in the way of connecting. ``cure``: the repair that ends it, beside time."""

    verdict: Verdict
    after: float = 1.0  # s until an attempt fails
    cure: str = ""
    evidence: Mapping[str, Any] = MappingProxyType({})


class Air:
    """One adapter and what is wrong with it; ``down`` hinders every link on it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.down: Hindrance | None = None
        self.refusals = 0  # so many repairs cannot be carried out
        self.links = [AirLink(self, n) for n in range(PACKS)]

    def cut(self) -> None:
        """All links end."""
        for link in self.links:
            link.radio.disconnect(loop_time())

    def clear(self) -> None:
        """All is well again."""
        self.down = None
        for link in self.links:
            link.trouble = None
            link.radio.faults = type(link.radio.faults)()

    def forget_signals(self) -> None:
        """A new process has not heard how loud a battery was before it went away."""
        for link in self.links:
            if (trouble := link.trouble) is not None and trouble.verdict is Verdict.NOT_SEEN:
                link.trouble = trouble._replace(evidence={"others": trouble.evidence["others"]})


class AirLink(SimulatedLink):
    """A battery in that air; ``trouble`` is its own. It is its own repairs too."""

    adapter = "00:1A:7D:DA:71:13"

    def __init__(self, air: Air, seed: int) -> None:
        super().__init__(simulated_link({"seed": str(seed), "period": str(PERIOD), "start": "10:00"}).radio)
        self.address = f"C8:47:80:00:00:{seed:02X}"
        self.air = air
        self.trouble: Hindrance | None = None

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[SimulatedConnection]:
        hindrance = self.air.down or self.trouble
        await asyncio.sleep(hindrance.after if hindrance else self.air.rng.uniform(1.5, 5.0))
        if hindrance := self.air.down or self.trouble:
            raise LinkError(f"the air: {hindrance.verdict}", hindrance.verdict, hindrance.evidence)
        async with super()._connect() as connection:
            yield connection

    async def forget(self) -> None:
        await self._repair(2.0)
        if self.trouble is not None and self.trouble.cure == "forget":
            self.trouble = None

    async def power_cycle(self) -> None:
        await self._repair(5.0)
        self.air.cut()
        if self.air.down is not None and self.air.down.cure == "power_cycle":
            self.air.down = None

    async def restart_service(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)

    async def reboot(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)

    async def _repair(self, takes: float) -> None:
        await asyncio.sleep(takes)
        if self.air.refusals:
            self.air.refusals -= 1
            raise LinkError("the air: not now", Verdict.BUSY)


# -- the faults --------------------------------------------------------------------------------

Make = Callable[[Air, AirLink], None]
Span = tuple[float, float]  # s
# What ends within the patience for one attempt cannot be told from a dropped link.
STANDS: tuple[Span, ...] = ((25.0, 90.0), (90.0, 480.0))
LONG: tuple[Span, ...] = ((700.0, 1400.0),)  # our own last rung comes first


class Kind(NamedTuple):
    """A kind of fault, and what must be in the record of it.

    ``everybody``: of each battery, else only of the one that it befell. ``stands``: so long, until
    somebody else ends it; empty: it ends by itself, or by our ``cure``.
    """

    make: Make
    verdict: Verdict
    cause: str
    everybody: bool = False
    cure: str = ""
    stands: tuple[Span, ...] = STANDS
    refusals: int = 0  # repairs that fail first
    at_start: bool = False  # it comes about while we are away
    restart: float | None = 1.0  # s from which on we may be restarted within it; None: never
    outages: int = 1  # of each battery that is hurt


def adapter(
    verdict: Verdict,
    cause: str,
    *,
    after: float = 0.1,
    cure: str = "",
    stands: tuple[Span, ...] = STANDS,
    refusals: int = 0,
    at_start: bool = False,
    **evidence: Any,
) -> Kind:
    """Something about the adapter: every link ends, none comes about."""

    def make(air: Air, _: AirLink) -> None:
        air.down = Hindrance(verdict, after, cure, evidence)
        air.cut()

    return Kind(make, verdict, cause, True, cure, () if cure else stands, refusals, at_start)


def battery(
    verdict: Verdict, cause: str, *, after: float = 2.0, cure: str = "", refusals: int = 0, **evidence: Any
) -> Kind:
    """Something about one battery: it does not let us connect."""

    def make(_: Air, link: AirLink) -> None:
        link.trouble = Hindrance(verdict, after, cure, evidence)
        link.radio.disconnect(loop_time())

    return Kind(make, verdict, cause, False, cure, () if cure else STANDS, refusals)


def unseen(cause: str, heard_ago: float, rssi: int) -> Kind:
    """Others are heard, this one is not; it was so loud when it last was."""
    kind = battery(V.NOT_SEEN, cause, after=20.0, others=5, heard_ago=heard_ago, rssi=rssi)
    return kind._replace(restart=25.0)  # a run that ends before could not say what it had heard


def stream(verdict: Verdict, cause: str, *, drops: bool = False, **faults: Any) -> Kind:
    """Something about what one battery sends; ``drops``: and its link ends."""

    def make(_: Air, link: AirLink) -> None:
        for name, value in faults.items():
            setattr(link.radio.faults, name, value)
        if drops:
            link.radio.disconnect(loop_time())

    return Kind(make, verdict, cause)


def service_killed(air: Air, _: AirLink) -> None:
    """Without a word: the links stay, and say nothing any more."""
    air.down = Hindrance(Verdict.SERVICE_DOWN, 0.1)
    for link in air.links:
        link.radio.faults.mute = True


def once(kind: Kind) -> Kind:
    """It is over as soon as it has happened."""
    return kind._replace(stands=(), restart=None)


V = Verdict
ABORT, CANCELED = "Failed le-connection-abort-by-local", "Failed br-connection-canceled"
CYCLE, FORGET = "power_cycle", "forget"
# fmt: off
KINDS: dict[str, Kind] = {
    "adapter pulled out":          adapter(V.NO_ADAPTER, "no_adapter"),
    "adapter gone for long":       adapter(V.NO_ADAPTER, "no_adapter", stands=LONG)._replace(restart=None),
    "adapter off":                 adapter(V.ADAPTER_OFF, "adapter_off", cure=CYCLE),
    "adapter off, repair fails":   adapter(V.ADAPTER_OFF, "adapter_off", cure=CYCLE, refusals=1),
    "adapter blocked":             adapter(V.ADAPTER_BLOCKED, "adapter_blocked"),
    "adapter hears nothing":       adapter(V.ADAPTER_WEDGED, "adapter_wedged", after=20, cure=CYCLE, others=0),
    "adapter deaf, repair fails":  adapter(V.ADAPTER_WEDGED, "adapter_wedged", after=20, cure=CYCLE, others=0,
                                           refusals=1),
    "adapter deaf from the start": adapter(V.ADAPTER_WEDGED, "adapter_wedged", after=20, cure=CYCLE, others=0,
                                           at_start=True),
    "permission lost":             adapter(V.NO_PERMISSION, "no_permission"),
    "service restarted":           adapter(V.SERVICE_DOWN, "service_down"),
    "service killed":              Kind(service_killed, V.SERVICE_DOWN, "service_down", everybody=True),
    "service does not answer":     adapter(V.SERVICE_DOWN, "service_down", after=10),
    "another program scans":       adapter(V.BUSY, "other_program", error="Error.InProgress"),
    "a phone took it":             unseen("phone_connected", 15, -60),
    "switched off":                unseen("switched_off", 400, -60),
    "carried out of range":        unseen("out_of_range", 400, -91),
    "weak signal":                 battery(V.WEAK_SIGNAL, "weak_signal", after=20, rssi=-92),
    "connection never answered":   battery(V.CONNECT_FAILED, "connect_failed", after=20),
    "aborted by the host":         battery(V.CONNECT_FAILED, "connect_failed", error=ABORT),
    "another central holds it":    battery(V.CONNECT_FAILED, "phone_connected", error=CANCELED),
    "stale cache":                 battery(V.STALE_CACHE, "stale_cache", after=3, cure=FORGET, services=0),
    "stale cache, repair fails":   battery(V.STALE_CACHE, "stale_cache", after=3, cure=FORGET, services=0,
                                           refusals=1),
    "notifications taken":         battery(V.BUSY, "other_program", error="NotPermitted Notify acquired"),
    "wants pairing":               battery(V.PAIRING_NEEDED, "pairing_needed"),
    "refuses pairing":             battery(V.PAIRING_REFUSED, "pairing_refused"),
    "mute after connecting":       stream(V.MUTE, "mute", drops=True, mute=True),
    "stream stops":                stream(V.MUTE, "mute", stop_after=2),
    "stream stops until asked":    stream(V.MUTE, "mute", stop_after=2)._replace(
                                       stands=((11.0, 12.0),), cure="ask", restart=None),
    "silent for a moment":         stream(V.MUTE, "mute", mute=True)._replace(
                                       stands=((0.5, 1.5),), restart=None, outages=0),
    "cut within a frame":          once(stream(V.DROPPED, "link_lost", cut_after=1)),
    "link dropped":                once(stream(V.DROPPED, "link_lost", drops=True)),
    "frames damaged":              stream(V.FRAMES_REFUSED, "frames_damaged", corrupt_every=1),
    "fragments lost":              stream(V.FRAMES_REFUSED, "frames_damaged", drop_every=2),
    "frozen":                      stream(V.FROZEN, "frozen", frozen=True)._replace(
                                       restart=20.0),  # before, no run knows of it what to tell the next
    "layout changed":              stream(V.FRAMES_REFUSED, "layout_unknown", wrong_layout=True),
}
# fmt: on
FOUND = {
    "mute",
    "link_lost",
    "frames_damaged",
    "frozen",
    "layout_unknown",
}  # by the source, not told by the air
HOURS, FAULTS = scaled(72), scaled(20 * len(KINDS))
STOPPED, KILLED, REBOOTED = "stopped", "killed", "rebooted"
ENDS = (STOPPED, KILLED, REBOOTED)


# -- the house ---------------------------------------------------------------------------------


class Hole(NamedTuple):
    """A time without samples of one battery, in s of the loop."""

    began: float
    ended: float


class Process:
    """One run of the program: what it knows it has from ``bms.db``, where the one before it left it."""

    def __init__(self, life: "Soak") -> None:
        self._life = life
        self._alive = True
        self.house = SharedRepair(loop_time())
        self.log = LinkLog(self.house, life.clock, life.clock.boot, self._write)
        self.radio = RadioMemory(
            changed=lambda memory: self._write(lambda own: write_states(own, {RADIO: memory}))
        )
        self.sources = [self._source(link) for link in life.air.links]
        self.log.open(life.own, self.sources, life.committed.get)
        self.radio.recall(read_state(life.own, RADIO))
        self.tasks = [asyncio.create_task(source.run()) for source in self.sources]

    async def end(self, how: str) -> None:
        """End cleanly, or be killed: then nothing is written any more."""
        if how != STOPPED:
            self._alive = False
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self._commit()
        self._alive = False

    def _commit(self) -> None:
        if self._alive:
            self._life.commit()

    def _source(self, link: AirLink) -> HeldSource:
        life = self._life
        context = SourceContext(
            clock=life.clock,
            house=self.house,
            publish=life.heard,
            report=self._report,
            identified=lambda device, _: self._write(lambda own: own.remember_device(device)),
            outage=self.log.outage,
            radio=self.radio,
        )
        device = Device(address=link.address, name=f"pack{link.address[-1]}")
        source = HeldSource(device, link, JkSessions(context.radio), context, repairs=link)
        source.machine._rng = life.rng  # so that a soak can be repeated
        return source

    def _report(self, kind: str, device: Device, _: str, **facts: Any) -> None:
        if self._alive:
            self.log.happened(kind, device, facts)
            asyncio.get_running_loop().call_later(SOON, self._commit)

    def _write(self, change: Callable[[BmsDb], object]) -> None:
        if self._alive:
            change(self._life.own)


class Result(NamedTuple):
    """What came of a fault for one battery. ``back``: s since it could have worked again."""

    kind: str
    back: float
    record: OutageRecord


class Soak:
    """The house, the faults and the results."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.clock = LoopClock()
        self.air = Air(self.rng)
        self.own = open_writer(folder / "bms.db", self.clock)
        self.committed: dict[str, Mark] = {}  # the last good frames, as a kill leaves them
        self.results: list[Result] = []
        self.exits = 0
        self.ends = dict.fromkeys(ENDS, 0)
        self._last: dict[str, float] = {}  # when each battery gave a sample
        self._holes: dict[str, list[Hole]] = defaultdict(list)
        self._rows: set[tuple[str, datetime]] = set()  # outages that were looked at
        self._ended = 0.0  # when the process last did
        self._turnover = asyncio.Lock()
        self._run = Process(self)

    async def live(self, hours: float, faults: int) -> dict[str, float]:
        """Live through it; return how tasks, handles and kilobytes grew after the first tenth."""
        watch = asyncio.create_task(self._watch())
        began = loop_time()
        before: dict[str, float] = {}
        try:
            await self._well()
            for number, name in enumerate(self._deck(faults)):
                await asyncio.sleep(self.rng.uniform(20.0, 120.0))
                await self._suffer(name, KINDS[name])
                if number == faults // 10:
                    before = resources()
                assert not watch.done()
            await asyncio.sleep(max(0.0, began + hours * HOUR - loop_time()))
            await self._well()
            self.hours = (loop_time() - began) / HOUR
            return {what: value - before[what] for what, value in resources().items()}
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._run.end(STOPPED)
            self.own.close()

    def heard(self, sample: Sample) -> None:
        """A battery gave data."""
        address, now = sample.device.address, loop_time()
        if now - self._last.get(address, now) > HOLE:
            self._holes[address].append(Hole(self._last[address], now))
        self._last[address] = now

    def commit(self) -> None:
        """Write what was heard, as the memory of the service does."""
        for address, at in self._last.items():
            moment = EPOCH + timedelta(seconds=at)
            since_boot = self.clock.monotonic() - (loop_time() - at)
            if since_boot > 0 or address not in self.committed:
                self.committed[address] = Mark(self.clock.boot, since_boot, moment)

    def _deck(self, faults: int) -> list[str]:
        """All kinds in random order, again and again."""
        decks = (self.rng.sample(list(KINDS), len(KINDS)) for _ in range(-(-faults // len(KINDS))))
        return [name for deck in decks for name in deck][:faults]

    async def _suffer(self, name: str, kind: Kind) -> None:
        link = await self._victim(kind)
        restarts = kind.at_start or (kind.restart is not None and self.rng.random() < 0.5)
        end = self.rng.choice(ENDS) if restarts else ""
        exits = self.exits
        for holes in self._holes.values():
            holes.clear()
        self.air.refusals = kind.refusals
        possible = loop_time()
        if kind.at_start:
            await self._restart(end, meanwhile=lambda: kind.make(self.air, link))
        else:
            kind.make(self.air, link)
        if kind.stands:
            lasts = self.rng.uniform(*self.rng.choice(kind.stands))
            if end and kind.restart is not None:
                at = self.rng.uniform(kind.restart, lasts)
                await asyncio.sleep(at)
                await self._restart(end)
                lasts = max(lasts - at, 30.0)  # the new run meets it too
            await asyncio.sleep(lasts)
            possible = loop_time()
            self.air.clear()
        elif end and not kind.at_start:
            await asyncio.sleep(self.rng.uniform(1.0, 60.0))
            if not self._fine():
                await self._restart(end)
        await asyncio.sleep(6.0)  # by then it shows
        while not self._fine():
            if loop_time() - possible > 2 * HOUR:
                raise AssertionError(
                    f"{name}: never came back: {[s.machine.trouble for s in self._run.sources]}"
                )
            await asyncio.sleep(1.0)
        self.air.clear()
        await self._well()
        assert (self.exits > exits) == (kind.stands is LONG), name
        self._look(name, kind, link, end, possible)

    def _look(self, name: str, kind: Kind, link: AirLink, end: str, possible: float) -> None:
        """Compare what is in bms.db of this fault with what there must be: no row less, and none more."""
        hurt = self.air.links if kind.everybody else [link]
        must = {each.address: kind.outages for each in hurt if kind.outages}
        rows = [
            row for row in newest_outages(self.own, limit=50) if (row.device, row.began) not in self._rows
        ]
        there: dict[str, int] = defaultdict(int)
        for row in rows:
            there[row.device] += 1
            self._rows.add((row.device, row.began))
        told = (name, end, rows)
        assert there == must, told
        for row in rows:
            began = (row.began - EPOCH).total_seconds()
            holes = self._holes[row.device]
            early = COMMIT if end in (KILLED, REBOOTED) else 1.0
            assert row.over, told
            assert -early <= began - holes[0].began <= 1.0, (holes, told)
            hole = holes[-1]
            if end in (KILLED, REBOOTED) and holes[0].ended + SOON <= self._ended:
                # It was back already, but not for long enough to be recorded as over.
                hole = holes[0]
                assert row.lasted <= hole.ended - began + 1.0, (holes, told)
            else:
                assert abs(began + row.lasted - hole.ended) <= 1.0, (holes, told)
            assert row.verdict == kind.verdict, told
            done = {code for code, _, worked in row.rungs if worked}
            assert row.cure == "reconnect" or row.cure in done, told
            back = max(0.0, hole.ended - possible)
            self.results.append(Result(name, back, row))
        if kind.cure and not end:
            assert kind.cure in {row.cure for row in rows}, told
        if kind.cure and rows:
            tried = [worked for row in rows for code, _, worked in row.rungs if code == kind.cure]
            assert True in tried, told
            assert (False in tried) >= bool(kind.refusals), told
        if kind.stands is LONG:
            assert all(Rung.EXIT.code in {code for code, _, _ in row.rungs} for row in rows), told

    async def _victim(self, kind: Kind) -> AirLink:
        """One of the batteries; one that was not forgotten in this boot, if that is what it takes."""
        if kind.cure == FORGET and len(self._run.house.forgotten) == PACKS:
            await self._restart(REBOOTED)
            await self._well()
        forgotten = self._run.house.forgotten if kind.cure == FORGET else ()
        return self.rng.choice([link for link in self.air.links if link.address not in forgotten])

    # The process

    async def _restart(self, how: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
        """End the process, and start it again."""
        async with self._turnover:
            self.ends[how] += 1
            self._ended = loop_time()
            await self._run.end(how)
            self.air.cut()
            meanwhile()
            self.air.forget_signals()
            await asyncio.sleep(self.rng.uniform(20.0, 50.0) if how == REBOOTED else 10.0)
            if how == REBOOTED:
                self.clock.reboot()
            self._run = Process(self)

    async def _watch(self) -> None:
        """What the service does every few seconds; and what systemd does when it ends."""
        while True:
            for _ in range(int(COMMIT / 5.0)):
                await asyncio.sleep(5.0)
                run = self._run
                if self._turnover.locked():
                    continue
                assert not any(task.done() for task in run.tasks)
                run.log.keep()
                rung = run.house.last_rung(loop_time(), up_for=self.clock.monotonic(), wall=None)
                if rung is not None:
                    run.log.ended_by = rung
                    run.log.keep()
                    self.exits += 1
                    await self._restart(STOPPED)
                    self.ends[STOPPED] -= 1
            self.commit()

    def _fine(self) -> bool:
        """Whether all stream."""
        machines = [source.machine for source in self._run.sources]
        return not self._turnover.locked() and all(
            machine.state is LinkState.STREAMING
            and (machine.outage is None or machine.outage.ended is not None)
            for machine in machines
        )

    async def _well(self) -> None:
        """Wait until all stream, and have done so for a while."""
        async with asyncio.timeout(2 * HOUR):
            while not (self._fine() and all(source.machine.outage is None for source in self._run.sources)):
                await asyncio.sleep(1.0)
        await asyncio.sleep(10.0)


def resources() -> dict[str, float]:
    """Return what must not grow."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [resident] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return {
        "tasks": len(asyncio.all_tasks()),
        "handles": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "kB": resident,
    }


async def soak(seed: int, folder: Path) -> tuple[Soak, dict[str, float]]:
    life = Soak(seed, folder)
    return life, await life.live(HOURS, FAULTS)


def test_soak(tmp_path: Path) -> None:
    """Each fault leaves exactly the outages that it must, its cause is mostly right, and it ends soon."""
    life, growth = simulate(soak(5, tmp_path))

    results = life.results
    wrong = [(each.kind, each.record.causes[:2]) for each in results if not right(each, 1)]
    assert len(wrong) <= 0.1 * len(results), wrong
    assert all(right(each, 2) for each in results), wrong
    times = [result.back for result in results]
    assert percentile(times, 0.95) < 300.0, sorted(times)[-20:]
    assert max(times) < 900.0
    assert (growth["tasks"], growth["handles"]) == (0, 0)
    assert growth["kB"] < 5000
    report(life, growth)


def test_the_page_lists_these_faults() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index(BEGIN) : text.index("| **all** |")].splitlines()[3:]

    assert [line.split("|")[1].strip() for line in table] == [
        name for name, kind in KINDS.items() if kind.outages
    ]


def right(result: Result, among: int) -> bool:
    """Whether the true cause is among the first so many."""
    return KINDS[result.kind].cause in [code for code, _ in result.record.causes[:among]]


def report(life: Soak, growth: dict[str, float]) -> None:
    """Write the figures, where the whole soak ran."""
    if float(os.environ.get("SOAK", "1")) < 20:
        return
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for result in life.results:
        by_kind[result.kind].append(result)
    lines = [
        "| fault | outages | data again after, median | 95 of 100 | longest | cures |",
        "|---|---|---|---|---|---|",
    ]
    lines += [row(name, by_kind[name]) for name in KINDS if name in by_kind]
    lines.append(row("**all**", life.results))
    found = [result for result in life.results if KINDS[result.kind].cause in FOUND]
    lines += [
        "",
        f"{life.hours:.0f} simulated hours, {FAULTS} faults, {PACKS} batteries on one adapter, "
        f"{len(life.results)} outages, each recorded once, from the beginning to the end of the hole in the data. "
        f"In the middle of a fault, or before it, the process was stopped {life.ends[STOPPED]} times and killed "
        f"{life.ends[KILLED]} times, the machine rebooted {life.ends[REBOOTED]} times; {life.exits} times the "
        f"process ended by itself for a fresh start. The first cause was right in {share(life.results)}, one of the "
        f"first two in all; where the source had to find the verdict itself ({len(found)} outages), in {share(found)}. "
        f"Growth of tasks and file handles none, of memory {growth['kB']:+.0f} kB.",
    ]
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(head + "\n" + "\n".join(lines) + "\n" + tail, encoding="utf-8")


def share(results: list[Result]) -> str:
    return f"{sum(right(result, 1) for result in results) / len(results):.1%}"


def row(name: str, results: list[Result]) -> str:
    times = [result.back for result in results]
    cures = sorted({str(result.record.cure).replace("_", " ") for result in results})
    return (
        f"| {name} | {len(results)} | {percentile(times, 0.5):.0f} s | {percentile(times, 0.95):.0f} s | "
        f"{max(times):.0f} s | {', '.join(cures)} |"
    )
