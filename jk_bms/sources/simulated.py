"""The simulated battery as a source."""

from jk_bms.config.devices import Entry
from jk_bms.links.base import Link
from jk_bms.links.simulated import SimulatedLink, SimulatedRepairs
from jk_bms.sources.base import SourceContext
from jk_bms.sources.held import HeldSource
from jk_bms.sources.session import Sessions


class SimulatedSource(HeldSource):
    """Reads the battery. ``bms`` knows the truth of it, and the house around it."""

    def __init__(self, entry: Entry, link: SimulatedLink, sessions: Sessions, context: SourceContext) -> None:
        super().__init__(
            entry.device(),
            link,
            sessions,
            context,
            current_calibration=entry.current_calibration,
            repairs=SimulatedRepairs(link, f"simulated {entry.address}"),
        )
        self.bms = link.radio.bms


def simulated_source(entry: Entry, link: Link, sessions: Sessions, context: SourceContext) -> SimulatedSource:
    """Return the source of an entry."""
    assert isinstance(link, SimulatedLink)
    return SimulatedSource(entry, link, sessions, context)
