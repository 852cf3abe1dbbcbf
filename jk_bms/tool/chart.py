"""``jk-util.py chart``: a picture of the history, the same as the bot sends."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from jk_bms.charts.wanted import SPANS, WHAT, Wanted
from jk_bms.errors import ConfigError, StoreError
from jk_bms.settings import Settings
from jk_bms.store.history_query import tracks
from jk_bms.store.own import open_reader
from jk_bms.tool.stored import chosen_track, stored_settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("what", nargs="?", choices=WHAT, default="soc", help="what to draw (default: soc)")
    add("--last", choices=SPANS, default="24h", help="how long (default: 24h); 'day' is always today")
    add("--device", metavar="NAME", help="name or address (default: battery 1)")
    add("--theme", choices=("light", "dark"), default="light", help="default: light")
    add("--language", choices=("en", "uk"), default="en", help="default: en")
    add("--output", metavar="FILE", required=True, help="the picture, a PNG")


def run(given: argparse.Namespace) -> int:
    """Draw one picture."""
    try:
        from jk_bms.charts.make import make_chart
    except ImportError as error:
        raise ConfigError(
            f"chart: {error.name} is not installed; pip install -r requirements-bot.txt brings it"
        ) from error
    settings = stored_settings(given)
    with open_reader(settings.bms_db_path) as reader:
        address, label = chosen_track(given.device, tracks(reader), settings)
    end = datetime.now(UTC)
    start = _midnight(settings) if given.what == "day" else end - SPANS[given.last]
    picture = make_chart(
        Wanted(
            bms_db=settings.bms_db_path,
            device=address,
            label=label,
            what=given.what,
            start=start,
            end=end,
            span=given.last,
            language=given.language,
            theme=given.theme,
            zone=settings.timezone,
        )
    )
    target = Path(given.output)
    try:
        target.write_bytes(picture)
    except OSError as error:
        raise StoreError(f"--output {target}: {error.strerror}; expected a file we may write") from error
    print(f"{target}: {len(picture) // 1000} kB")
    return 0


def _midnight(settings: Settings) -> datetime:
    now = datetime.now(UTC).astimezone(settings.timezone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
