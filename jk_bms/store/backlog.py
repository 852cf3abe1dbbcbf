"""What waits while nothing can be committed: rows in a few bytes each, and a file that outlives a kill.

A disk may be full for a week. The frames since the last commit would fill the memory within days,
in the journal as well as in rows; so rows are packed, and the journal, where it has grown long,
gives way to one file that holds all that should have been committed. Like the journal it belongs on
a tmpfs. It is put back before the frames that the journal still has.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from jk_bms.errors import StoreError
from jk_bms.store.blocks import decode_block, encode_block
from jk_bms.store.first_bytes import may_replace, refuse_others
from jk_bms.store.history import Batch, ClockSet, Confirmed, Counter, Cut, Row

log = logging.getLogger(__name__)

NAME = "samples.waiting"  # of the file, beside the socket of the service
PACKED_TOGETHER = 720  # rows: an hour of the default period
ROWS_MOST = 168 * PACKED_TOGETHER  # that may wait: a week of one pack, in some 3 MB
FIRST_BYTES = b"\x96"  # of the file: msgpack of a list of six
_FORM = 1  # of the file, its first part

Unwritten = Batch | ClockSet | Confirmed


class PackedRows:
    """Rows in a tenth of a kilobyte or less each; they come back exactly, as often as asked for."""

    __slots__ = ("_columns", "_count", "data")

    def __init__(self, columns: tuple[int, ...], count: int, data: bytes) -> None:
        self.data = data
        self._columns = columns
        self._count = count

    @classmethod
    def of(cls, columns: tuple[int, ...], rows: Iterable[Row]) -> "PackedRows":
        """Pack ``rows``, whose values are those of ``columns``."""
        if isinstance(rows, cls):
            return rows
        listed = list(rows)
        series = dict(zip(columns, zip(*listed, strict=True), strict=True))
        return cls(columns, len(listed), encode_block(series, len(listed)))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        series, _ = decode_block(self.data)
        return zip(*(series[column] for column in self._columns), strict=True)

    def __contains__(self, row: object) -> bool:
        return any(row == each for each in self)


def compact(steps: Iterable[Unwritten]) -> list[Unwritten]:
    """Return ``steps`` with the rows of a track taken together, packed where they are an hour's.

    Nothing passes a step of the clock: rows before it are dated by it.
    """
    done: list[Unwritten] = []
    growing: dict[tuple[object, ...], int] = {}  # the batch of a track that takes more rows, by place
    for step in steps:
        if isinstance(step, ClockSet):
            growing.clear()
        if not isinstance(step, Batch) or isinstance(step.rows, PackedRows):
            done.append(step)
            continue
        key = (step.track, step.period, step.columns)
        place = growing.get(key)
        if place is None:
            growing[key] = len(done)
            done.append(step)
            continue
        grown = done[place]
        assert isinstance(grown, Batch)  # only they are put there
        rows: Sequence[Row] | PackedRows = [*grown.rows, *step.rows]
        if len(rows) >= PACKED_TOGETHER:
            rows = PackedRows.of(step.columns, rows)
            del growing[key]
        done[place] = grown._replace(rows=rows)
    return done


def without_oldest(steps: Iterable[Unwritten], most: int) -> tuple[list[Unwritten], int]:
    """Return ``steps`` without the oldest rows where they are more than ``most``, and how many went."""
    kept = list(steps)
    waiting = sum(len(step.rows) for step in kept if isinstance(step, Batch))
    dropped = 0
    for step in list(kept):
        if waiting - dropped <= most:
            break
        if isinstance(step, Batch):
            dropped += len(step.rows)
            kept.remove(step)
    return kept, dropped


class Backlog:
    """The file at ``path``; missing while all is well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._there = path.exists()  # and ours, as far as known

    @property
    def lost(self) -> bool:
        """Whether the file was taken away."""
        return self._there and not self.path.exists()

    def write(self, cut: Cut) -> bool:
        """Keep ``cut``, complete, instead of an earlier one; return whether that worked."""
        steps: list[tuple[Any, ...]] = []
        for step in cut.steps:
            if isinstance(step, Batch):
                packed = PackedRows.of(step.columns, step.rows)
                steps.append(("rows", *step._replace(rows=()), len(packed), packed.data))
            else:
                steps.append(("set" if isinstance(step, ClockSet) else "confirmed", *step))
        content = msgspec.msgpack.encode(
            (_FORM, steps, dict(cut.counters), cut.sequence, cut.prune, dict(cut.states))
        )
        new = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for place in (new, self.path):
                refuse_others(place, FIRST_BYTES)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(new, flags, 0o640), "wb") as file:
                file.write(content)
            new.rename(self.path)
        except OSError as error:
            log.error(
                "%s: cannot be written: %s; a kill now costs what could not be committed",
                self.path,
                error.strerror,
            )
            return False
        self._there = True
        return True

    def read(self) -> Cut | None:
        """Return what an earlier process left; None: nothing, or nothing that can be understood."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.error("%s: what was not committed cannot be read: %s", self.path, error.strerror)
            self._there = False
            return None
        try:
            form, steps, counters, sequence, prune, states = msgspec.msgpack.decode(content)
            if form != _FORM:
                raise ValueError(f"it is of form {form}, expected {_FORM}")
            return Cut(
                [_step(*each) for each in steps],
                {address: Counter(*counter) for address, counter in counters.items()},
                sequence,
                prune=prune,
                states=states,
            )
        except (msgspec.MsgspecError, ValueError, TypeError, StoreError) as error:
            log.error(
                "%s: what was not committed cannot be understood: %s; kept as %s",
                self.path,
                error,
                self._keep_aside(),
            )
            return None

    def _keep_aside(self) -> Path:
        """Keep what a newer version may have left, out of the way of what comes; a file of others stays."""
        self._there = False
        with suppress(OSError):
            if may_replace(self.path, FIRST_BYTES):
                return self.path.rename(self.path.with_name(f"{self.path.name}.not-understood"))
        return self.path

    def clear(self) -> None:
        """Let go of it: it was committed."""
        if not self._there:
            return
        try:
            self.path.unlink(missing_ok=True)
            self._there = False
        except OSError as error:
            log.error("%s: cannot be removed: %s", self.path, error.strerror)


def _step(kind: str, *parts: Any) -> Unwritten:
    match kind:
        case "rows":
            track, period, columns, _, missing_only, count, data = parts
            columns = tuple(columns)
            return Batch(track, period, columns, PackedRows(columns, count, data), missing_only)
        case "set":
            return ClockSet(*parts)
        case "confirmed":
            return Confirmed(*parts)
    raise ValueError(f"a step of kind {kind!r}")
