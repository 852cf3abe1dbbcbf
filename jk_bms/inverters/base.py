"""What everything that reads an inverter offers, what it needs from the house, and how one is asked again and again."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from jk_bms.clock import Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import SourceError
from jk_bms.hub import Part
from jk_bms.model import Inverter, InverterSample
from jk_bms.sources.base import Source

log = logging.getLogger(__name__)


class InverterContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the reading of an inverter is given: who it is, what its owner wrote, and where to put what it learns."""

    device: Inverter
    options: Mapping[str, str]  # of its entry
    settings: Settings
    clock: Clock
    publish: Callable[[InverterSample], None]  # from any thread
    batteries: Callable[[], Sequence[Source]] = tuple  # those that are read now
    parts: Mapping[str, Part] = {}  # sinks and actions that run, by name

    def sample(self, **values: Any) -> InverterSample:
        """Return what the inverter says now; ``values`` as in InverterSample."""
        now = self.clock.now()
        return InverterSample(
            device=self.device,
            taken_at=now,
            monotonic=self.clock.monotonic(),
            clock_trusted=self.clock.trusted(now),
            **values,
        )


class InverterSource(Protocol):
    """One inverter that is read until cancelled. Failures are its own affair."""

    device: Inverter

    async def run(self) -> None:
        """Read and publish until cancelled; never raises for an inverter that does not answer.

        While it does not answer, samples with an ``error`` are published, so that people learn why.
        """


class PolledInverter:
    """An inverter that answers when it is asked: a make has only to say how it is asked (``read``)."""

    def __init__(self, context: InverterContext, *, period: float, patience: float) -> None:
        """``period``: s from question to question; ``patience``: s for an answer, connecting included."""
        self.device = context.device
        self.context = context
        self._period = period
        self._patience = patience
        self._error: str | None = None  # why it could not be read the last time

    async def read(self) -> InverterSample | None:
        """Ask it once; None: it has nothing to say now. Raises SourceError; an OSError or EOFError is taken as one."""
        raise NotImplementedError

    async def run(self) -> None:
        """Ask it until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._patience):
                    sample = await self.read()
            except TimeoutError:
                self._failed(f"no answer within {self._patience:g} s")
            except (SourceError, OSError, EOFError) as error:
                self._failed(str(error) or type(error).__name__)
            else:
                if sample is not None:
                    self._answered(sample)
            await asyncio.sleep(self._period)

    def _answered(self, sample: InverterSample) -> None:
        if self._error is not None:
            log.info("%s: answers again", self.device.label)
            self._error = None
        self.context.publish(sample)

    def _failed(self, error: str) -> None:
        if error != self._error:  # once for each reason, not once for each attempt
            log.warning("%s: not read: %s", self.device.label, error)
            self._error = error
        self.context.publish(self.context.sample(error=error))
