"""Where samples arrive and leave again: the newest of each device, and everybody who listens."""

import logging
from collections.abc import Callable

from jk_bms.model import Sample

log = logging.getLogger(__name__)

Listener = Callable[[Sample], None]


class Hub:
    """Passes every sample to every listener, in their order.

    Listeners must not wait; one that raises is a bug of its own, is logged once per kind of
    error and costs the others nothing.
    """

    def __init__(self) -> None:
        self.newest: dict[str, Sample] = {}  # by address
        self._listeners: list[Listener] = []
        self._broken: set[tuple[str, str]] = set()

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called with every sample from now on."""
        self._listeners.append(listener)

    def publish(self, sample: Sample) -> None:
        """Keep ``sample`` and pass it on."""
        self.newest[sample.device.address] = sample
        for listener in self._listeners:
            try:
                listener(sample)
            except Exception as error:
                fault = (repr(listener), repr(error))
                if fault not in self._broken:
                    self._broken.add(fault)
                    log.exception("%s: a sample was not taken", listener)
