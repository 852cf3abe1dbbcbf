"""The inverters of the house: what reads them, and what becomes of their words."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from jk_bms.config.devices import Entry
from jk_bms.inverters import INVERTERS, InverterContext, InverterSource, build, configured
from jk_bms.model import Inverter, InverterSample
from jk_bms.model.inverter import INVERTER, Rank
from jk_bms.rules.grid import LOST, UNKNOWN

if TYPE_CHECKING:
    from jk_bms.poller.poller import Poller


class HouseInverters:
    """Those of the configuration; a fault in it is a ConfigError."""

    def __init__(self, poller: "Poller", entries: Sequence[Entry]) -> None:
        self._poller = poller
        self._configured = configured(INVERTERS, poller.settings, entries)
        self._sources: list[InverterSource] = []
        self._grids: dict[str, str] = {}  # as each last knew it, by its id

    @property
    def devices(self) -> list[Inverter]:
        """Who they are, in the order in which people see them."""
        return [device for _, device, _ in self._configured]

    def build(self) -> None:
        """Make what reads them; the parts of the poller are there by then."""
        poller = self._poller
        for row, device, entry in self._configured:
            context = InverterContext(
                device=device,
                options=entry.options,
                settings=poller.settings,
                clock=poller.clock,
                publish=poller.publish_soon,
                batteries=lambda: poller.sources,
                parts=poller.parts,
            )
            self._sources.append(build(row, context))

    def runs(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return what is to run, by name."""
        return {source.device.subject: source.run for source in self._sources}

    def said(self, sample: InverterSample) -> None:
        """Take what one says: judge it, remember it, and note that the grid went or came."""
        if not self._poller.alerts.inverter_said(sample):
            return
        self._note_grid(sample.device)
        if sample.answered and sample.device.rank is Rank.OWN:  # what stands in records is folded from there
            self._remember(sample)

    def _remember(self, sample: InverterSample) -> None:
        """Put it into history: under the name of all inverters what they say together, and each of several."""
        clock, known, memory = self._poller.clock, self._poller.alerts.inverters, self._poller.memory
        heard: dict[str, Any] = {"taken_at": clock.now(), "monotonic": clock.monotonic()}
        if known.several:
            memory.inverter_said(sample.device.subject, structs.replace(sample, **heard))
        together = known.house.answered
        if together is not None:
            memory.inverter_said(INVERTER, structs.replace(together, **heard))

    def _note_grid(self, device: Inverter) -> None:
        """Note a change of the grid. What it was before this run is not known, so that is none."""
        known = self._poller.alerts.inverters
        grid, before = known.of(device).grid, self._grids.get(device.id, UNKNOWN)
        if grid in (before, UNKNOWN):
            return
        self._grids[device.id] = grid
        if before != UNKNOWN:
            kind, text = (
                ("grid.lost", "the grid is lost") if grid == LOST else ("grid.back", "the grid is back")
            )
            whose = f"{device.label}: " if known.several else ""
            self._poller.report(kind, None, f"{whose}{text}", inverter=device.id)
