"""What one may ask for; importing this loads nothing that draws."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

WHAT = ("soc", "power", "cells", "temperature", "day")
SPANS = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
}


class Wanted(NamedTuple):
    """A chart that somebody wants."""

    bms_db: Path
    device: str  # address
    label: str  # what a person calls it
    what: str  # one of WHAT
    start: datetime
    end: datetime
    span: str = ""  # one of SPANS, for the title
    language: str = "en"
    theme: str = "light"
    zone: tzinfo | None = None
