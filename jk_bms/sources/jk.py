"""A JK BMS as a source of samples: holds the link, or visits it from time to time."""

import asyncio
import contextlib
import logging
import random
from typing import Any

import msgspec

from jk_bms.errors import SourceError, Verdict
from jk_bms.links.base import Link
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.protocol import DeviceInfo, Settings, as_dict
from jk_bms.sources.base import SourceContext
from jk_bms.sources.jk_session import Heard, JkSession

log = logging.getLogger(__name__)

FIRST_BACKOFF = 2.0  # s after the first failure, doubling
LONGEST_BACKOFF = 60.0  # s


class JkSource:
    """Reads one JK BMS through ``link`` until cancelled; see sources.base.Source.

    ``current_calibration`` multiplies the current, for packs whose shunt is off.
    """

    def __init__(
        self, device: Device, link: Link, context: SourceContext, *, current_calibration: float = 1.0
    ) -> None:
        self.device = device
        self.status = LinkStatus(since=context.clock.monotonic())
        self._link = link
        self._context = context
        self._calibration = current_calibration
        self._told: dict[str, Any] = {}
        self._last_cells = b""  # of the session before
        self._samples: set[asyncio.Future[Sample]] = set()
        self._wake = asyncio.Event()
        self._session: asyncio.Task[None] | None = None
        self._release_end: float | None = None  # on the loop's clock

    async def run(self) -> None:
        """Read and publish until cancelled."""
        while True:
            if self._release_end is not None:
                await self._stay_away()
            self._session = asyncio.create_task(self._converse(), name=f"{self.device.label} session")
            try:
                await asyncio.wait({self._session})
            finally:
                self._session.cancel()
                await asyncio.gather(self._session, return_exceptions=True)
            if self._session.cancelled() or self._release_end is not None:
                continue  # released, perhaps in the moment in which it ended by itself
            error = self._session.exception()
            if isinstance(error, SourceError):
                await self._pause(self._failed(error))
            elif error is not None:
                raise error
            else:
                self._enter(LinkState.WAITING)
                await self._pause(self._context.interval)

    async def read_now(self) -> Sample:
        """Return a sample taken after this call. Raises SourceError when released."""
        if self._release_end is not None:
            raise SourceError("released on request; resume it first", Verdict.RELEASED)
        wanted: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()
        self._samples.add(wanted)
        self._wake.set()
        try:
            return await wanted
        finally:
            self._samples.discard(wanted)

    def release(self, seconds: float) -> None:
        """Let go of the device for that long, so that another program can connect."""
        self._refuse_waiting(SourceError("released on request meanwhile", Verdict.RELEASED))
        self._release_end = asyncio.get_running_loop().time() + seconds
        self.status.released_until = self._context.clock.monotonic() + seconds
        self._wake.set()
        if self._session is not None:
            self._session.cancel()

    def resume(self) -> None:
        """End a release early."""
        self._release_end = None
        self._wake.set()

    async def released(self) -> None:
        """Wait until the link is closed after ``release``."""
        while self._session is not None and not self._session.done():
            await asyncio.wait({self._session})

    async def _converse(self) -> None:
        """Connect and publish until the link ends, or for one sample when it is not held."""
        self._enter(LinkState.CONNECTING)
        async with self._link.connect() as connection:
            self.status.connects += 1
            self.status.rssi = connection.rssi
            self._enter(LinkState.IDENTIFYING)
            session = JkSession(
                connection,
                self.device,
                clock=self._context.clock,
                patience=self._context.timeout,
                status=self.status,
                last_cells=self._last_cells,
            )
            async with contextlib.aclosing(session.listen()) as heard:
                async for item in heard:
                    self._take(item, session)
                    if item.sample is not None and not self._context.keep_alive:
                        return

    def _take(self, item: Heard, session: JkSession) -> None:
        if session.device != self.device:
            self.device = session.device
        if isinstance(item.message, DeviceInfo | Settings):
            key = "device_info" if isinstance(item.message, DeviceInfo) else "settings"
            self._told[key] = as_dict(item.message)
            self._context.identified(self.device, dict(self._told))
        if item.sample is None:
            return
        if self.device.kind != "playback":  # a recording begins anew: the same frames are no fault
            self._last_cells = session.last_cells
        if self.status.state is not LinkState.STREAMING:
            self._streaming(session)
        sample = item.sample
        if self._calibration != 1.0 and sample.current is not None:
            sample = msgspec.structs.replace(sample, current=sample.current * self._calibration)
        self._context.publish(sample)
        for wanted in self._samples:
            if not wanted.done():
                wanted.set_result(sample)
        self._samples.clear()
        self._wake.clear()  # whoever asked has it: the next pause is a whole one

    def _streaming(self, session: JkSession) -> None:
        outage = self.status.failures
        self.status.failures = 0
        self.status.verdict = None
        self.status.message = ""
        quiet_return = not self._context.keep_alive and not outage and self.status.connects > 1
        self._enter(LinkState.STREAMING)
        if quiet_return:
            return
        what = ", ".join(
            part
            for part in (
                self.device.model,
                self.device.sw_version and f"firmware {self.device.sw_version}",
                session.variant and f"layout {session.variant}",
            )
            if part
        )
        text = f"connected: {what or 'it did not say what it is'}"
        if session.conflict:
            log.warning("%s: %s; the content counts", self.device.label, session.conflict)
        if outage:
            text += f" (after {outage} failed attempt{'s' if outage > 1 else ''})"
        log.info("%s: %s", self.device.label, text)
        self._context.report("link.up", self.device, text, variant=session.variant, failures=outage)

    def _failed(self, error: SourceError) -> float:
        """Note the failure; return how long to wait before the next attempt."""
        status = self.status
        was_streaming = status.state is LinkState.STREAMING
        first = status.failures == 0 or status.verdict != error.verdict
        status.failures += 1
        status.verdict = error.verdict
        status.message = str(error)
        self._enter(LinkState.SEARCHING)
        if first:
            what = "link lost" if was_streaming else "no reading"
            log.warning("%s: %s: %s", self.device.label, what, error)
            self._context.report("link.down", self.device, str(error), verdict=error.verdict)
        else:
            log.debug("%s: attempt %d failed: %s", self.device.label, status.failures, error)
        self._refuse_waiting(error)
        self._wake.clear()
        backoff = min(FIRST_BACKOFF * 2 ** min(status.failures - 1, 10), LONGEST_BACKOFF)
        return float(backoff) * random.uniform(0.8, 1.2)  # so that several packs do not try in step

    def _refuse_waiting(self, error: SourceError) -> None:
        """Tell those who wait in ``read_now`` that there will be no sample."""
        for wanted in self._samples:
            if not wanted.done():
                wanted.set_exception(SourceError(str(error), error.verdict))
        self._samples.clear()

    async def _stay_away(self) -> None:
        self._enter(LinkState.RELEASED)
        self.status.verdict = Verdict.RELEASED
        self.status.message = "left alone on request, so that another program can connect"
        log.info("%s: released on request", self.device.label)
        self._context.report("link.released", self.device, self.status.message)
        loop = asyncio.get_running_loop()
        while self._release_end is not None and (rest := self._release_end - loop.time()) > 0:
            await self._pause(rest)
        self._release_end = None
        self.status.released_until = None
        self.status.verdict = None
        self.status.message = ""
        log.info("%s: resumed", self.device.label)

    async def _pause(self, seconds: float) -> None:
        """Wait that long, or until somebody wants something; at once if he does already."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _enter(self, state: LinkState) -> None:
        if self.status.state is not state:
            self.status.state = state
            self.status.since = self._context.clock.monotonic()
