"""The frames of one period become one row of history: means, and the rest as last heard."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from operator import add, attrgetter
from typing import Any

import msgspec

from jk_bms.model import Device, InverterSample, Probe, Sample
from jk_bms.model.inverter import INVERTER_QUANTITIES
from jk_bms.store.columns import (
    BOOT,
    BY_NAME,
    CELLS,
    FRAMES,
    LASTS,
    MEANS,
    OFFSET,
    RESISTANCES,
    TEMPERATURES,
    TIME,
    TRUSTED,
    whole,
)
from jk_bms.store.history import Row
from jk_bms.store.sample_codec import FIELDS, sample_of

_lasts: Callable[[Sample], tuple[Any, ...]] = attrgetter(*(column.name for column in LASTS))
_DIVISORS = tuple(column.divisor for column in LASTS)
_MEANS = tuple(column.divisor for column in MEANS)
_FORM = zlib.crc32(",".join(FIELDS).encode())  # of a stored period: another one means other fields
_OF_INVERTERS = tuple(BY_NAME[quantity.column] for quantity in INVERTER_QUANTITIES)
_HEAD = (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(c.id for c in MEANS), *(c.id for c in LASTS))


class Period:
    """One period of one device: ``begin`` ms since 1970; made of frames added one by one."""

    __slots__ = ("_cells", "_cells_of", "_counts", "_sums", "begin", "frames", "last")

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.frames = 0
        self.last: Sample | None = None
        self._sums = [0.0, 0.0, 0.0]
        self._counts = [0, 0, 0]
        self._cells: list[float] = []
        self._cells_of = 0  # frames in the sums of the cells

    def add(self, sample: Sample) -> None:
        """Add a frame."""
        self.frames += 1
        voltage, current = sample.voltage, sample.current
        sums, counts = self._sums, self._counts
        if voltage is not None:
            sums[0] += voltage
            counts[0] += 1
        if current is not None:
            sums[1] += current
            counts[1] += 1
            if voltage is not None:
                sums[2] += voltage * current
                counts[2] += 1
        cells = sample.cell_voltages
        if len(cells) == len(self._cells) and (
            self.last is None or sample.cell_numbers == self.last.cell_numbers
        ):
            self._cells = list(map(add, self._cells, cells))
            self._cells_of += 1
        else:  # the first frame, or another set of cells than before
            self._cells = list(cells)
            self._cells_of = 1
        self.last = sample

    def columns(self) -> tuple[int, ...]:
        """The ids of the columns of ``row``."""
        sample = self.last
        assert sample is not None  # a period is made by its first frame
        cells = sample.cell_numbers or range(1, len(sample.cell_voltages) + 1)
        known = [number for number in cells if 1 <= number <= len(CELLS)]
        return (
            *_HEAD,
            *(TEMPERATURES[number - 1].id for number, _ in _probes(sample)),
            *(CELLS[number - 1].id for number in known),
            *(RESISTANCES[number - 1].id for number in known[: len(sample.cell_resistances)]),
        )

    def row(self, boot: int, offset: int, *, trusted: bool) -> Row:
        """The row: whole numbers, None where nothing was heard."""
        sample = self.last
        assert sample is not None
        cells_of = self._cells_of
        known = len(sample.cell_voltages)
        if sample.cell_numbers and max(sample.cell_numbers) > len(CELLS):
            known = sum(number <= len(CELLS) for number in sample.cell_numbers)
        known = min(known, len(CELLS))
        return (
            self.begin,
            boot,
            offset,
            int(trusted),
            self.frames,
            *(
                whole(total / count, divisor) if count else None
                for total, count, divisor in zip(self._sums, self._counts, _MEANS, strict=True)
            ),
            *map(whole, _lasts(sample), _DIVISORS),
            *(whole(value, 10) for _, value in _probes(sample)),
            *(whole(total / cells_of, 1000) for total in self._cells[:known]),
            *(whole(value, 1000) for value in sample.cell_resistances[:known]),
        )

    def state(self) -> bytes:
        """Return all of it but the device, for ``restored``."""
        assert self.last is not None
        # JSON, not msgpack: this is compressed, and 3.301 is shorter than eight bytes of a float.
        return msgspec.json.encode(
            (
                _FORM,
                self.begin,
                self.frames,
                self._sums,
                self._counts,
                self._cells,
                self._cells_of,
                msgspec.structs.astuple(self.last)[1:],
            )
        )

    @classmethod
    def restored(cls, state: bytes, device: Device) -> "Period":
        """Return the period that ``state`` was taken of. Raises ValueError when it is of another version."""
        parts: Sequence[Any] = msgspec.json.decode(state)
        if parts[0] != _FORM:
            raise ValueError("its frames had other fields")
        period = cls(parts[1])
        period.frames, period._sums, period._counts, period._cells, period._cells_of = parts[2:7]
        period.last = sample_of(parts[7], device)
        return period


class InverterPeriod:
    """One period of an inverter, or of all together: means of what was told in it."""

    __slots__ = ("_counts", "_sums", "begin", "frames")

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.frames = 0
        self._sums = [0.0] * len(INVERTER_QUANTITIES)
        self._counts = [0] * len(INVERTER_QUANTITIES)

    def add(self, sample: InverterSample) -> None:
        """Add a reading."""
        self.frames += 1
        for place, quantity in enumerate(INVERTER_QUANTITIES):
            value = getattr(sample, quantity.attribute)
            if value is not None:
                self._sums[place] += value
                self._counts[place] += 1

    def columns(self) -> tuple[int, ...]:
        """The ids of the columns of ``row``."""
        return (TIME, BOOT, OFFSET, TRUSTED, FRAMES, *(column.id for column in _OF_INVERTERS))

    def row(self, boot: int, offset: int, *, trusted: bool) -> Row:
        """The row: whole numbers, None where nothing was told."""
        return (
            self.begin,
            boot,
            offset,
            int(trusted),
            self.frames,
            *(
                whole(total / count, column.divisor) if count else None
                for total, count, column in zip(self._sums, self._counts, _OF_INVERTERS, strict=True)
            ),
        )


def _probes(sample: Sample) -> Iterator[Probe]:
    """The battery probes that history has columns for."""
    return (probe for probe in sample.probes if 1 <= probe.number <= len(TEMPERATURES))
