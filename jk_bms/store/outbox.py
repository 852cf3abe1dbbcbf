"""What a sink still has to send: history is the queue, and a place in each of its tracks is all that is kept.

An outage costs neither memory nor disk. Live values go out by themselves as long as they arrive; the first that
does not ends that, and rows of history follow once the other side is back, up to where live values began again.
Times are ms.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history_query import Place, PlacedRow, rows_after

SETTLED = 600_000  # ms after boot: a house without any time server is believed from then on


class _Track:
    """One battery, or one inverter. ``place``: all before it has arrived."""

    def __init__(self, place: Place, *, behind: bool) -> None:
        self.place = place
        self.behind = behind
        self.begun: Place | None = None  # where live values began to arrive again
        self.newest: Place | None = None  # the last of them


class Slice(NamedTuple):
    """Rows of a track to be sent next."""

    track: str
    rows: list[PlacedRow]


class Outbox:
    """The places of one sink. ``state`` is what an earlier run kept, ``boot`` the name of this boot.

    All but ``state`` is for one thread.
    """

    def __init__(self, state: Mapping[str, Any] | None, boot: str, period: int) -> None:
        """``period`` of rows: what has arrived counts up to the row before, since that of now goes on."""
        self._boot = boot
        self._period = period
        self.lost: list[str] = []  # tracks of which history no longer knows the place
        self._tracks: dict[str, _Track] = {}
        for track, told in (state or {}).items():
            try:
                self._tracks[track] = _Track(msgspec.convert(told, Place), behind=True)
            except msgspec.ValidationError:
                self.lost.append(track)
        self._keep()

    @property
    def behind(self) -> dict[str, int]:
        """Since when, by the clock, something is missing at the other side, by track."""
        return {name: track.place.time for name, track in tuple(self._tracks.items()) if track.behind}

    def take(self, track: str, at: int, time: int) -> None:
        """Be told of a live value: a track that is new begins with it."""
        if track not in self._tracks:
            self._tracks[track] = _Track(self._before(Place(self._boot, at, time)), behind=False)
            self._keep()

    def arrived(self, track: str, at: int, time: int) -> None:
        """Be told that a live value has arrived."""
        known, place = self._tracks[track], Place(self._boot, at, time)
        if known.behind:
            known.begun, known.newest = known.begun or place, place
        else:
            known.place = self._before(place)
        self._keep()

    def failed(self, track: str | None = None) -> None:
        """Be told that live values, of one or of all, are not on their way."""
        for name, known in self._tracks.items():
            if track in (None, name):
                known.behind, known.begun, known.newest = True, None, None

    def next(self, reader: BmsDbReader, now: int, most: int) -> Slice | None:
        """Return what to send next, of the track that is furthest behind; ``now``: ms since boot. Raises StoreError.

        Rows of this boot wait until its clock can be believed (``SETTLED``).
        """
        for name in sorted(self.behind, key=self.behind.__getitem__):
            known = self._tracks[name]
            try:
                for rows in rows_after(reader, name, known.place):
                    due = [row for row in rows if row.place.boot != self._boot or now >= SETTLED]
                    ahead = known.begun and [
                        row for row in due if row.place.boot != self._boot or row.place.at <= known.begun.at
                    ]
                    if due if ahead is None else ahead:
                        return Slice(name, (due if ahead is None else ahead)[:most])
                    if (
                        due and known.newest is not None
                    ):  # a row from behind where live values began: all is there
                        known.behind, known.place = False, self._before(known.newest)
                        known.begun = known.newest = None
                        self._keep()
                    break
            except LookupError:
                if known.place.boot != self._boot:  # of this boot nothing may be written yet
                    del self._tracks[name]
                    self.lost.append(name)
                    self._keep()
        return None

    def sent(self, part: Slice) -> None:
        """Be told that a slice has arrived."""
        self._tracks[part.track].place = part.rows[-1].place
        self._keep()

    def _before(self, place: Place) -> Place:
        return place._replace(at=place.at - self._period, time=place.time - self._period)

    def _keep(self) -> None:
        # Made anew each time: another thread may be writing the last one.
        self.state = {name: list(known.place) for name, known in self._tracks.items()}
