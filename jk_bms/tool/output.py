"""Where words go: data to standard output or a file, everything else to standard error."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any, TextIO

from jk_bms.errors import StoreError, reason
from jk_bms.model import Sample
from jk_bms.model.foreign_text import harmless_lines
from jk_bms.model.reading import as_reading
from jk_bms.tool.reading_text import reading_text

LONGEST_NOTE = 4000  # characters of a line


def note(text: str) -> None:
    """Tell the person something that is not data."""
    print(harmless_lines(text, LONGEST_NOTE), file=sys.stderr)


def say(text: str) -> None:
    """Print what may hold names of files or texts of others."""
    print(harmless_lines(text, LONGEST_NOTE), flush=True)


def formatted(
    samples: Sequence[Sample],
    how: str,
    *,
    tz: tzinfo | None = None,
    timed: bool = True,
    remarks: Sequence[str] = (),
) -> str:
    """Return readings as ``text``, ``json`` or ``yaml``; several become a list.

    ``timed`` False: it is not known when they were taken, so they carry no time. ``remarks``
    stand under the titles of ``text``, one for each sample.
    """
    if how == "text":
        remarks = remarks or [""] * len(samples)
        return "\n\n".join(
            reading_text(sample, remark=remark) for sample, remark in zip(samples, remarks, strict=True)
        )
    readings: Any = [as_reading(sample, tz) for sample in samples]
    if not timed:
        for reading in readings:
            del reading["time"]
    if len(readings) == 1:
        readings = readings[0]
    if how == "json":
        return json.dumps(readings, indent=2, ensure_ascii=False)
    import yaml

    text: str = yaml.safe_dump(readings, sort_keys=False, allow_unicode=True)
    return text.rstrip("\n")


def deliver(text: str, file: str | None) -> None:
    """Print ``text``, or put it into ``file`` as a whole or not at all. Raises StoreError."""
    if file is None:
        print(text)
        return
    target = Path(os.path.realpath(file))  # a link stays one
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe: not ours to replace
            target.write_text(text + "\n", encoding="utf-8")
        else:
            _replace(target, text + "\n")
    except OSError as error:
        raise _unwritable(file, error) from error
    note(f"Reading written to {file}")


@contextmanager
def output_lines(file: str | None) -> Iterator[TextIO]:
    """Give where lines go that come one by one: standard output, or ``file``. Raises StoreError."""
    if file is None:
        yield sys.stdout
        return
    try:
        lines = Path(file).open("w", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise _unwritable(file, error) from error
    with lines:
        yield lines


def _replace(target: Path, text: str) -> None:
    umask = os.umask(0)
    os.umask(umask)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
        try:
            new.write(text)
            new.flush()
            Path(new.name).chmod(target.stat().st_mode if target.exists() else 0o666 & ~umask)
            Path(new.name).replace(target)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def _unwritable(file: str, error: OSError) -> StoreError:
    return StoreError(f"{file}: cannot be written: {reason(error)}")
