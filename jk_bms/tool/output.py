"""Where words go: data to standard output or a file, everything else to standard error."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from jk_bms.errors import StoreError
from jk_bms.model import Sample
from jk_bms.model.reading import as_reading
from jk_bms.tool.reading_text import reading_text


def note(text: str) -> None:
    """Tell the person something that is not data."""
    print(text, file=sys.stderr)


def formatted(samples: list[Sample], how: str, *, timed: bool = True) -> str:
    """Return readings as ``text``, ``json`` or ``yaml``; several become a list.

    ``timed`` False: nobody knows when they were taken, so they carry no time.
    """
    if how == "text":
        return "\n\n".join(reading_text(sample) for sample in samples)
    readings: Any = [as_reading(sample) for sample in samples]
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
    target = Path(file)
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
            new.write(text + "\n")
        umask = os.umask(0)
        os.umask(umask)
        Path(new.name).chmod(0o666 & ~umask)
        Path(new.name).replace(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror or error}") from error
    note(f"Reading written to {target}")
