"""Days of radio trouble in minutes: three batteries on one adapter, faults drawn at random, nobody helps.

Sources, machines and ladder are the real ones; the air is simulated, and so is the time: nothing is
waited for. ``make soak`` runs 72 hours with 200 faults and writes what came of it into
docs/reliability.md; an ordinary run a twentieth.
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

from jk_bms.clock import Clock
from jk_bms.errors import LinkError, Verdict
from jk_bms.links.simulated import SimulatedConnection, SimulatedLink, simulated_link
from jk_bms.model import Device
from jk_bms.model.link import LinkState
from jk_bms.model.outage import OutageRecord
from jk_bms.repair.house import House
from jk_bms.sources.base import SourceContext
from jk_bms.sources.jk import JkSource
from tests.bluez.bed import ROOT
from tests.fast_loop import percentile, simulate
from tests.scale import scaled

HOURS, FAULTS = scaled(72), scaled(200)
PACKS = 3
PERIOD = 2.0  # s between two frames
HOUR = 3600.0
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- soak: begin -->", "<!-- soak: end -->"


class LoopClock(Clock):
    """The time of the loop, as everything here has it."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


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
        self.links: list[AirLink] = []

    def cut(self) -> None:
        """All links end."""
        for link in self.links:
            link.radio.disconnect(asyncio.get_running_loop().time())


class AirLink(SimulatedLink):
    """A battery in that air; ``trouble`` is its own. It is its own repairs too."""

    adapter = "00:1A:7D:DA:71:13"

    def __init__(self, air: Air, seed: int) -> None:
        super().__init__(simulated_link({"seed": str(seed), "period": str(PERIOD), "start": "10:00"}).radio)
        self.address = f"C8:47:80:00:00:{seed:02X}"
        self.air = air
        self.trouble: Hindrance | None = None
        air.links.append(self)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[SimulatedConnection]:
        hindrance = self.air.down or self.trouble
        await asyncio.sleep(hindrance.after if hindrance else self.air.rng.uniform(1.5, 5.0))
        if hindrance := self.air.down or self.trouble:
            raise LinkError(f"the air: {hindrance.verdict}", hindrance.verdict, hindrance.evidence)
        async with super()._connect() as connection:
            yield connection

    async def forget(self) -> None:
        await self._repair("forget", 2.0)

    async def power_cycle(self) -> None:
        self.air.cut()
        await self._repair("power_cycle", 5.0)
        if self.air.down is not None and self.air.down.cure == "power_cycle":
            self.air.down = None

    async def restart_service(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)

    async def reboot(self) -> None:
        raise LinkError("not allowed", Verdict.NO_PERMISSION)

    async def _repair(self, how: str, takes: float) -> None:
        await asyncio.sleep(takes)
        if self.trouble is not None and self.trouble.cure == how:
            self.trouble = None


Make = Callable[[Air, AirLink], None]


class Kind(NamedTuple):
    """A kind of fault. ``lasts``: it ends by itself after a while; else a repair must end it."""

    make: Make
    cause: str
    lasts: bool = True
    weight: float = 1.0


def down(hindrance: Hindrance) -> Make:
    """Something about the adapter: every link ends, none comes about."""

    def make(air: Air, _: AirLink) -> None:
        air.down = hindrance
        air.cut()

    return make


def stuck(hindrance: Hindrance) -> Make:
    """Something about one battery."""

    def make(air: Air, link: AirLink) -> None:
        link.trouble = hindrance
        link.radio.disconnect(asyncio.get_running_loop().time())

    return make


def radio(again: bool = False, **faults: Any) -> Make:
    """Faults of its radio; ``again``: and the link drops."""

    def make(air: Air, link: AirLink) -> None:
        for name, value in faults.items():
            setattr(link.radio.faults, name, value)
        if again:
            link.radio.disconnect(asyncio.get_running_loop().time())

    return make


def service_killed(air: Air, _: AirLink) -> None:
    """Without a word: the links stay, and say nothing any more."""
    air.down = Hindrance(Verdict.SERVICE_DOWN, 0.1)
    for link in air.links:
        link.radio.faults.mute = True


V = Verdict


def unseen(heard_ago: float, rssi: int) -> Make:
    """Others are heard, this one is not; it was so loud when it last was."""
    return stuck(Hindrance(V.NOT_SEEN, 20, "", {"others": 5, "heard_ago": heard_ago, "rssi": rssi}))


def refused(verdict: Verdict, after: float = 2.0, cure: str = "", **evidence: Any) -> Make:
    """It does not let us connect."""
    return stuck(Hindrance(verdict, after, cure, evidence))


def no_adapter(verdict: Verdict, after: float = 0.1, cure: str = "", **evidence: Any) -> Make:
    """Nothing goes on that adapter."""
    return down(Hindrance(verdict, after, cure, evidence))


ABORT, CANCELED = "Failed le-connection-abort-by-local", "Failed br-connection-canceled"
POWER = "power_cycle"
# fmt: off
KINDS: dict[str, Kind] = {
    "adapter pulled out":        Kind(no_adapter(V.NO_ADAPTER), "no_adapter"),
    "adapter off":               Kind(no_adapter(V.ADAPTER_OFF, cure=POWER), "adapter_off", False),
    "adapter blocked":           Kind(no_adapter(V.ADAPTER_BLOCKED), "adapter_blocked"),
    "adapter hears nothing":     Kind(no_adapter(V.ADAPTER_WEDGED, 20, POWER, others=0), "adapter_wedged", False),
    "permission lost":           Kind(no_adapter(V.NO_PERMISSION), "no_permission"),
    "service restarted":         Kind(no_adapter(V.SERVICE_DOWN), "service_down"),
    "service killed":            Kind(service_killed, "service_down"),
    "service does not answer":   Kind(no_adapter(V.SERVICE_DOWN, 10), "service_down"),
    "another program scans":     Kind(no_adapter(V.BUSY, error="Error.InProgress"), "other_program"),
    "a phone took it":           Kind(unseen(15, -60), "phone_connected", weight=2),
    "switched off":              Kind(unseen(400, -60), "switched_off", weight=0.5),
    "carried out of range":      Kind(unseen(400, -91), "out_of_range"),
    "weak signal":               Kind(refused(V.WEAK_SIGNAL, 20, rssi=-92), "weak_signal"),
    "connection never answered": Kind(refused(V.CONNECT_FAILED, 20), "connect_failed"),
    "aborted by the host":       Kind(refused(V.CONNECT_FAILED, error=ABORT), "connect_failed"),
    "another central holds it":  Kind(refused(V.CONNECT_FAILED, error=CANCELED), "phone_connected"),
    "stale cache":               Kind(refused(V.STALE_CACHE, 3, "forget", services=0), "stale_cache", False),
    "notifications taken":       Kind(refused(V.BUSY, error="NotPermitted Notify acquired"), "other_program"),
    "wants pairing":             Kind(refused(V.PAIRING_NEEDED), "pairing_needed"),
    "refuses pairing":           Kind(refused(V.PAIRING_REFUSED), "pairing_refused"),
    "mute after connecting":     Kind(radio(again=True, mute=True), "mute"),
    "stream stops":              Kind(radio(stop_after=2), "mute"),
    "cut within a frame":        Kind(radio(cut_after=1), "link_lost"),
    "link dropped":              Kind(radio(again=True), "link_lost"),
    "frames damaged":            Kind(radio(corrupt_every=1), "frames_damaged"),
    "fragments lost":            Kind(radio(drop_every=2), "frames_damaged"),
    "frozen":                    Kind(radio(frozen=True), "frozen"),
    "layout changed":            Kind(radio(wrong_layout=True), "layout_unknown"),
}
# fmt: on
ONCE = ("stale cache",)  # forgetting is for once in a boot, for each battery


class Result(NamedTuple):
    """What came of a fault for one battery. ``back``: s since it could have worked again."""

    kind: str
    back: float
    record: OutageRecord


class Soak:
    """The house, the faults and the results."""

    def __init__(self, seed: int) -> None:
        loop = asyncio.get_running_loop()
        self.rng = random.Random(seed)
        self.air = Air(self.rng)
        self.house = House(loop.time())
        self.results: list[Result] = []
        self.over: dict[str, list[OutageRecord]] = defaultdict(list)
        self.exits = 0
        self.sources = [self._source(n) for n in range(PACKS)]

    def _source(self, number: int) -> JkSource:
        link = AirLink(self.air, number)
        context = SourceContext(clock=LoopClock(), house=self.house, outage=self._note)
        device = Device(address=link.address, name=f"pack{number}")
        return JkSource(device, link, context, repairs=link)

    def _note(self, record: OutageRecord) -> None:
        if record.over:
            self.over[record.device].append(record)

    async def run(self, hours: float, faults: int) -> dict[str, float]:
        """Live through it; return how tasks, handles and kilobytes grew after the first tenth."""
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(source.run()) for source in self.sources]
        began = loop.time()
        before: dict[str, float] = {}
        try:
            await self._well()
            for number in range(faults):
                await asyncio.sleep(self.rng.uniform(30.0, 300.0))
                await self._suffer()
                if number == faults // 10:
                    await self._well()  # as at the end, else an attempt under way is counted as growth
                    before = resources()
                assert not any(task.done() for task in tasks)
            await asyncio.sleep(max(0.0, began + hours * HOUR - loop.time()))
            await self._well()
            self.hours = (loop.time() - began) / HOUR
            self.commands = [source.machine.commands.last_day(loop.time()) for source in self.sources]
            return {what: value - before[what] for what, value in resources().items()}
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _suffer(self) -> None:
        clock = asyncio.get_running_loop().time
        name, link = self._draw()
        kind = KINDS[name]
        for notes in self.over.values():
            notes.clear()
        kind.make(self.air, link)
        possible = clock()
        if kind.lasts:
            # What ends within the patience for one attempt cannot be told from a dropped link.
            await asyncio.sleep(self.rng.choice((self.rng.uniform(25, 90), self.rng.uniform(90, 500))))
            possible = clock()
            self._undo()
        back = {source.device.address: possible for source in self.sources}
        await asyncio.sleep(1.0)
        while any(_hurt(source) for source in self.sources):
            if clock() - possible > 2 * HOUR:
                raise AssertionError(f"{name}: never came back: {[s.machine.trouble for s in self.sources]}")
            if self.house.last_rung(clock(), up_for=clock(), wall=None) is not None:
                self.exits += 1
            await asyncio.sleep(1.0)
        for source in self.sources:
            ended = source.machine.last_frame or possible
            outage = source.machine.outage
            if outage is not None and outage.ended is not None:
                ended = outage.ended
            back[source.device.address] = max(0.0, ended - possible)
        await self._well()
        for address, records in self.over.items():
            self.results += [Result(name, back[address], record) for record in records]

    def _draw(self) -> tuple[str, "AirLink"]:
        while True:
            [name] = self.rng.choices(list(KINDS), [kind.weight for kind in KINDS.values()])
            link = self.rng.choice(self.air.links)
            if name not in ONCE or link.address not in self.house.forgotten:
                return name, link

    def _undo(self) -> None:
        self.air.down = None
        for link in self.air.links:
            link.trouble = None
            fresh = type(link.radio.faults)()
            link.radio.faults = fresh

    async def _well(self) -> None:
        """Wait until all stream, and have done so for a while."""
        async with asyncio.timeout(2 * HOUR):
            while not all(
                source.machine.state is LinkState.STREAMING and source.machine.outage is None
                for source in self.sources
            ):
                await asyncio.sleep(1.0)
        await asyncio.sleep(10.0)


def _hurt(source: JkSource) -> bool:
    outage = source.machine.outage
    return outage is not None and outage.ended is None


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


async def soak(seed: int) -> tuple[Soak, dict[str, float]]:
    life = Soak(seed)
    return life, await life.run(HOURS, FAULTS)


def test_soak() -> None:
    """Every outage is recorded with verdict and cure, its cause is mostly right, and it ends soon."""
    life, growth = simulate(soak(seed=5))

    results = life.results
    assert len({id(result.record) for result in results}) >= FAULTS * 0.6  # short ones leave none
    assert all(result.record.verdict and result.record.cure for result in results)
    first = [result for result in results if right(result, 1)]
    wrong = [
        (result.kind, result.record.causes, result.record.verdict)
        for result in results
        if not right(result, 2)
    ]
    assert len(first) >= 0.9 * len(results), [
        (r.kind, r.record.causes[:2]) for r in results if not right(r, 1)
    ]
    assert not wrong, wrong
    times = [result.back for result in results]
    assert percentile(times, 0.95) < 300.0, sorted(times)[-20:]
    assert max(times) < 900.0
    assert life.exits == 0
    assert (growth["tasks"], growth["handles"]) == (0, 0)
    assert growth["kB"] < 5000
    report(life, growth)


def right(result: Result, among: int) -> bool:
    """Whether the true cause is among the first so many."""
    kind = KINDS[result.kind]
    named = [code for code, _ in result.record.causes[:among]]
    return kind.cause in named


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
    firsts = sum(right(result, 1) for result in life.results)
    lines += [
        "",
        f"{life.hours:.0f} simulated hours, {FAULTS} faults, {PACKS} batteries on one adapter, {len(life.results)} outages; "
        f"the first cause was right in {firsts / len(life.results):.1%}, one of the first two in all; growth of tasks and "
        f"file handles none, of memory {growth['kB']:+.0f} kB.",
    ]
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(head + "\n" + "\n".join(lines) + "\n" + tail, encoding="utf-8")


def row(name: str, results: list[Result]) -> str:
    times = [result.back for result in results]
    cures = sorted({str(result.record.cure).replace("_", " ") for result in results})
    return (
        f"| {name} | {len(results)} | {percentile(times, 0.5):.0f} s | {percentile(times, 0.95):.0f} s | "
        f"{max(times):.0f} s | {', '.join(cures)} |"
    )
