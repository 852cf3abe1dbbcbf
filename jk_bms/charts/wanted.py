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


class Pack(NamedTuple):
    """A battery of a chart."""

    address: str
    label: str  # what a person calls it


class Wanted(NamedTuple):
    """A chart that a person asked for."""

    bms_db: Path
    packs: tuple[Pack, ...]  # several make one picture of the house
    what: str  # one of WHAT
    start: datetime
    end: datetime
    span: str = ""  # one of SPANS, for the title
    language: str = "en"
    theme: str = "light"
    zone: tzinfo | None = None


class Made(NamedTuple):
    """A picture, and what it shows in words: a push message shows no picture."""

    png: bytes
    caption: str  # plain text, one or two lines
