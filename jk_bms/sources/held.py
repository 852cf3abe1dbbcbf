"""A device that is held and repaired, whatever its make: carries out what the machine of its link orders.

What to do, and when, is decided in ``jk_bms.repair``; here it is done, told and recorded.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from jk_bms.config.devices import Entry
from jk_bms.errors import LinkError, SourceError, Verdict
from jk_bms.links.base import Connection, Link, Repairs
from jk_bms.model import Device, Sample
from jk_bms.model.kinds import kind_of
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.outage import OutageNow, OutageRecord
from jk_bms.radio.placement import Placement
from jk_bms.radio.slots import REVISIT, Turn
from jk_bms.repair.ladder import Circumstances, Rung
from jk_bms.repair.machine import Do, LinkMachine, Outage, Trouble
from jk_bms.repair.shared import SharedRepair
from jk_bms.sources.base import SourceContext
from jk_bms.sources.session import Heard, Session, Sessions, Terms
from jk_bms.texts.durations import span

log = logging.getLogger(__name__)

LONGEST_REPAIR = 120.0  # s; each has limits of its own, this is for what we did not think of
DOUBT_PERIOD = 600.0  # s between two lines about readings that cannot be true
SHOW_PERIOD = 10.0  # s between two looks at the counters while all is well


def _now() -> float:
    """Seconds of the clock by which everything here waits."""
    return asyncio.get_running_loop().time()


class HeldSource:
    """Reads one device through ``link`` until cancelled; see sources.base.Source. ``sessions``: what speaks with it.

    To be made inside a running event loop. ``current_calibration`` multiplies the current, for packs
    whose shunt is off. ``repairs``: what can be done about the radio; None: nothing. ``turn``: how to
    get one of the few connections of a radio; by default there are enough.
    """

    def __init__(
        self,
        device: Device,
        link: Link,
        sessions: Sessions,
        context: SourceContext,
        *,
        current_calibration: float = 1.0,
        repairs: Repairs | None = None,
        turn: Callable[[], AbstractAsyncContextManager[Turn | None]] = contextlib.nullcontext,
    ) -> None:
        self.device = device
        self.status = LinkStatus(since=context.clock.monotonic())
        # Who would hold the link, were there connections enough, is visited as often as that allows.
        interval = min(context.interval, REVISIT) if context.keep_alive else context.interval
        self.machine = LinkMachine(_now(), patience=context.timeout, interval=interval)
        self._link = link
        self._context = context
        self._sessions = sessions
        self.repairs = repairs
        self._turn = turn
        self._house = context.house or SharedRepair(_now())
        self._house.join(device.address, self.machine)
        self._told: dict[str, Any] = {}
        self._terms = Terms(
            clock=context.clock,
            status=self.status,
            machine=self.machine,
            current_calibration=current_calibration,
            doubted=self._doubt,
            changed=self._show,
        )
        self._doubt_told: float | None = None  # when it was last told that a reading cannot be true
        self._samples: set[asyncio.Future[Sample]] = set()
        self._wake = asyncio.Event()
        self._session: asyncio.Task[None] | None = None
        self._repair_ended = asyncio.Event()
        self._repair_ended.set()
        self._resting = False
        self._up_told = False  # it was told that it is connected
        self._troubles_told: set[tuple[Verdict, bool]] = set()  # of this outage; whether it was a relapse
        self._shown_at = 0.0
        self._shown: tuple[LinkState, str | None] | None = None  # as others were last told
        self._began: tuple[Outage | None, float] = (None, 0.0)  # of the outage that is recorded, s since boot

    async def run(self) -> None:
        """Read and publish until cancelled."""
        try:
            while True:
                order = self.machine.next(_now(), self._around())
                if order.do is not Do.REST:
                    self._resume_told()
                self._show()
                if order.do is Do.CONNECT:
                    await self._attempt()
                elif order.do is Do.REPAIR:
                    await self._repair(order.rung)
                else:
                    await self._pause(order.until)
        finally:
            self._refuse_waiting("it is not read any more", Verdict.RELEASED)
            if self.machine.outage is not None:
                self._record(self.machine.outage)

    async def read_now(self) -> Sample:
        """Return a sample taken after this call. Raises SourceError when released."""
        if self.machine.released_until is not None:
            raise SourceError("released on request; resume it first", Verdict.RELEASED)
        wanted: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()
        self._samples.add(wanted)
        self.machine.hurry(_now())
        self._wake.set()
        try:
            return await wanted
        finally:
            self._samples.discard(wanted)

    def release(self, seconds: float) -> None:
        """Let go of the device for that long, so that another program can connect."""
        self._refuse_waiting("released on request meanwhile", Verdict.RELEASED)
        self.machine.release(_now() + seconds, _now())
        self._take_over()
        self._up_told = False
        self._show()
        self._release_told()
        self._wake.set()
        if self._session is not None:
            self._session.cancel()

    def resume(self) -> None:
        """End a release early."""
        self.machine.resume(_now())
        self._wake.set()

    async def released(self) -> None:
        """Wait until the link is closed after ``release``."""
        while self._session is not None and not self._session.done():
            await asyncio.wait({self._session})
        await self._repair_ended.wait()

    # Connecting

    async def _attempt(self) -> None:
        """Open the link and stay on it as long as it goes."""
        self._session = asyncio.create_task(self._converse(), name=f"{self.device.label} session")
        try:
            await asyncio.wait({self._session})
        finally:
            self._session.cancel()
            await asyncio.gather(self._session, return_exceptions=True)
        if self._session.cancelled() or self.machine.released_until is not None:
            return  # released, perhaps in the moment in which it ended by itself
        error = self._session.exception()
        if isinstance(error, SourceError):
            self._failed(error)
        elif isinstance(error, Exception):
            self._failed(self._bug(error))
        elif error is not None:
            raise error
        else:
            self.machine.visited(_now())
            self._take_over()
            if self._samples:  # asked for while we were leaving
                self.machine.hurry(_now())

    async def _converse(self) -> None:
        """Connect and publish until the link ends, or for one sample when it is not held."""
        async with self._turn() as turn:
            self.machine.connecting(_now())
            self._show()
            async with self._link.connect() as connection:
                await self._listen(connection, turn)

    async def _listen(self, connection: Connection, turn: Turn | None) -> None:
        if connection.rssi is not None:
            self.machine.seen(connection.rssi, _now())
        if self.repairs is not None:
            self._house.reached_by(self.device.address, self.repairs.adapter)
        session, verdict = self._sessions.open(connection, self.device, self._terms), None
        try:
            async with contextlib.aclosing(session.listen()) as heard:
                async for item in heard:
                    self._take(item, session)
                    if item.sample is None:
                        continue
                    if turn is not None:
                        turn.sampled()
                    if not self._context.keep_alive or (turn is not None and turn.visiting):
                        return
        except SourceError as error:
            verdict = error.verdict
            raise
        finally:
            self._sessions.ended(session, verdict)

    def _take(self, item: Heard, session: Session) -> None:
        self.device = session.device
        if item.about is not None:
            self._told |= item.about
            if self._context.radio is not None and self.device.sw_version:
                self._context.radio.speaks(self.device.address, self.device.sw_version)
            self._context.identified(self.device, dict(self._told))
            self._show()
        if item.sample is None:
            return
        if self.status.state is not LinkState.STREAMING or self.status.outage is not None:
            self._streaming(session)
        elif _now() - self._shown_at >= SHOW_PERIOD:
            self._show()
        self._context.publish(item.sample)
        for wanted in self._samples:
            if not wanted.done():
                wanted.set_result(item.sample)
        self._samples.clear()

    def _streaming(self, session: Session) -> None:
        """Good frames come again: tell it, but not of a link that comes and goes."""
        outage = self.machine.outage
        if not self._up_told and (outage is None or not outage.relapses):
            self._tell_up(session, self.machine.over[-1] if self.machine.over else outage)
        elif outage is not None and outage.cure is Rung.ASK and not outage.attempts and not outage.relapses:
            log.info("%s: silent for a while, asked again: it speaks", self.device.label)
        self._take_over()
        self._show()

    def _tell_up(self, session: Session, outage: Outage | None) -> None:
        self._up_told = True
        what = ", ".join(
            part
            for part in (
                self.device.model,
                self.device.sw_version and f"firmware {self.device.sw_version}",
                session.layout and f"layout {session.layout}",
            )
            if part
        )
        text = f"connected: {what or 'it did not say what it is'}"
        facts: dict[str, Any] = {"variant": session.layout or None, "failures": self.machine.failures}
        if session.conflict:
            log.warning("%s: %s; the content counts", self.device.label, session.conflict)
        if outage is not None and outage.ended is not None and outage.cure is not None:
            tries = outage.attempts
            text += f" (after {span(outage.ended - outage.began)} and {tries} failed attempt"
            text += f"{'' if tries == 1 else 's'}: {outage.cure.words})"
            facts |= {"lasted": outage.ended - outage.began, "cure": outage.cure.code}
            facts |= {"verdict": outage.verdict}
        log.info("%s: %s", self.device.label, text)
        self._context.report("link.up", self.device, text, **facts)

    def _doubt(self, reason: str, raw: bytes) -> None:
        """Tell of a reading that was left out, with its bytes, but not of each."""
        if self._doubt_told is not None and _now() - self._doubt_told < DOUBT_PERIOD:
            return
        self._doubt_told = _now()
        lately = self.status.implausible_lately(self._context.clock.monotonic())
        text = f"a reading that cannot be true was left out: {reason}"
        log.warning("%s: %s", self.device.label, text)
        facts = {"reason": reason, "lately": lately, "frame": raw.hex()}
        self._context.report("frame.implausible", self.device, text, **facts)

    # When it goes wrong

    def _failed(self, error: SourceError) -> None:
        """Note that an attempt or a link ended, and tell it once for each reason."""
        was_streaming = self.machine.state in (LinkState.STREAMING, LinkState.SILENT)
        if self.repairs is not None:
            self._house.reached_by(self.device.address, self.repairs.adapter)
        self.machine.lost(Trouble.of(error), _now())
        outage = self.machine.outage
        assert outage is not None
        reason = (error.verdict, outage.relapses > 0)
        if outage.attempts == 1 or reason not in self._troubles_told:
            self._record(outage)
        if reason not in self._troubles_told:
            self._troubles_told.add(reason)
            self._up_told = False
            what = "link lost" if was_streaming else "no reading"
            log.warning("%s: %s: %s", self.device.label, what, error)
            causes = [cause.code for cause in self.machine.causes]
            self._context.report("link.down", self.device, str(error), verdict=error.verdict, causes=causes)
        else:
            log.debug("%s: attempt %d failed: %s", self.device.label, self.machine.failures, error)
        self._refuse_waiting(str(error), error.verdict)

    def _bug(self, error: Exception) -> SourceError:
        """Log a fault of our own, once in an outage; return it as the trouble that it is."""
        if all(verdict is not Verdict.INTERNAL_ERROR for verdict, _ in self._troubles_told):
            log.error("%s: unexpected error", self.device.label, exc_info=error)
        return SourceError(f"a fault of this program: {error!r}", Verdict.INTERNAL_ERROR)

    async def _repair(self, rung: Rung) -> None:
        assert self.repairs is not None  # else no rung is ordered
        work = {
            Rung.FORGET: self.repairs.forget,
            Rung.POWER_CYCLE: self.repairs.power_cycle,
            Rung.RESTART_SERVICE: self.repairs.restart_service,
        }[rung]
        address = self.device.address
        self._repair_ended.clear()
        self._house.begins(address, rung, _now())
        worked, outcome = False, "ended before it was done"
        try:
            async with asyncio.timeout(LONGEST_REPAIR):
                await work()
            worked, outcome = True, "done"
        except LinkError as error:
            outcome = f"it failed: {error}"
        except TimeoutError:
            outcome = f"it took longer than {LONGEST_REPAIR:g} s"
        except Exception as error:
            outcome = f"it failed: {self._bug(error)}"
        finally:
            self._house.ends(address, rung, worked=worked)
            self._repair_ended.set()
            self.machine.repaired(rung, _now(), worked=worked)
            text = f"to get it back, {rung.words}: {outcome}"
            log.warning("%s: %s", self.device.label, text)
            self._context.report("link.repair", self.device, text, rung=rung.code, worked=worked)
            if self.machine.outage is not None:
                self._record(self.machine.outage)

    def _around(self) -> Circumstances:
        address, clock = self.device.address, self._context.clock
        if self.repairs is not None:
            self._house.reached_by(address, self.repairs.adapter)
        around = self._house.around(address, _now(), up_for=clock.monotonic())
        return around if self.repairs is not None else around._replace(repairable=False)

    def _refuse_waiting(self, message: str, verdict: Verdict) -> None:
        """Tell those who wait in ``read_now`` that there will be no sample."""
        for wanted in self._samples:
            if not wanted.done():
                wanted.set_exception(SourceError(message, verdict))
        self._samples.clear()

    async def _pause(self, until: float) -> None:
        """Wait until then, or until a client wants something."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()

    # Telling

    def _release_told(self) -> None:
        if not self._resting:
            self._resting = True
            log.info("%s: released on request", self.device.label)
            self._context.report("link.released", self.device, self.status.message)

    def _resume_told(self) -> None:
        if self._resting:
            self._resting = False
            log.info("%s: resumed", self.device.label)

    def _take_over(self) -> None:
        """Record the outages that are over."""
        while self.machine.over:
            outage = self.machine.over.popleft()
            self._troubles_told.clear()
            self._record(outage, over=True)

    def _record(self, outage: Outage, *, over: bool = False) -> None:
        clock, now = self._context.clock, _now()
        since_boot = clock.monotonic()
        if self._began[0] is not outage:  # the records of one outage are known by it
            self._began = (outage, since_boot - (now - outage.began) * clock.speed)
        began = self._began[1]
        record = OutageRecord(
            device=self.device.address,
            began=clock.now() - timedelta(seconds=since_boot - began),
            monotonic=began,
            clock_trusted=clock.trusted(),
            lasted=((outage.ended or now) - outage.began) * clock.speed,
            over=over,
            verdict=outage.verdict,
            message=outage.message,
            causes=tuple((cause.code, cause.sure) for cause in outage.causes),
            rungs=tuple((step.rung.code, step.at - outage.began, step.worked) for step in outage.steps),
            cure=None if outage.cure is None else outage.cure.code,
            attempts=outage.attempts,
            relapses=outage.relapses,
        )
        if over:
            self.status.last_outage = record.past()
        self._context.outage(record)

    def _show(self) -> None:
        """Bring the status up to date with the machine."""
        machine, status, clock, now = self.machine, self.status, self._context.clock, _now()
        since_boot = clock.monotonic()
        status.state = machine.state
        status.since = since_boot - (now - machine.since) * clock.speed
        trouble = machine.trouble
        status.verdict = None if trouble is None else trouble.verdict
        status.message = "" if trouble is None else trouble.message
        status.causes = machine.causes
        status.rssi = machine.signals[-1].rssi if machine.signals else None
        if self.repairs is not None:
            status.adapter = self.repairs.adapter
        status.connects = machine.connects
        status.failures = machine.failures
        status.commands_day = machine.commands.last_day(now)
        until = machine.released_until
        status.released_until = None if until is None else since_boot + (until - now)
        status.rung = machine.rung
        outage = machine.outage
        if outage is None:
            status.outage = None
        else:
            status.outage = OutageNow(
                verdict=outage.verdict,
                lasted=((outage.ended or now) - outage.began) * clock.speed,
                attempts=outage.attempts,
                rung=machine.rung.code,
                cure=None if outage.cure is None else outage.cure.code,
            )
        self._shown_at = now
        if self._shown != (shown := (status.state, status.verdict)):
            self._shown = shown
            self._context.linked(self.device, status)


def held_source(entry: Entry, link: Link, sessions: Sessions, context: SourceContext) -> HeldSource:
    """Return the source of an entry; by radio it goes where there is a place for it, and can be repaired."""
    if not kind_of(entry.type).needs_radio:
        return HeldSource(
            entry.device(), link, sessions, context, current_calibration=entry.current_calibration
        )
    from jk_bms.links.gatt import GattLink
    from jk_bms.links.placed_link import PlacedLink
    from jk_bms.radio.repairs import BluezRepairs

    assert isinstance(link, GattLink)
    placed = PlacedLink(link, context.placement or Placement())
    return HeldSource(
        entry.device(),
        placed,
        sessions,
        context,
        current_calibration=entry.current_calibration,
        repairs=BluezRepairs(link),
        turn=placed.turn,
    )
