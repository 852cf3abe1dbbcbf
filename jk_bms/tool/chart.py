"""``jk-util.py chart``: a picture of the history, the same as the bot sends."""

import argparse
import sys
from pathlib import Path

from jk_bms.charts.wanted import SPANS, WHAT, Pack, Wanted
from jk_bms.config.settings import TOP
from jk_bms.errors import ConfigError, StoreError
from jk_bms.model.inverter import is_inverter
from jk_bms.store.bms_db import open_reader
from jk_bms.store.history_query import tracks
from jk_bms.texts import LANGUAGES
from jk_bms.tool.output import say
from jk_bms.tool.stored import add_time_options, chosen_track, stored_settings, track_labels, wanted_time


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("what", nargs="?", choices=WHAT, default="soc", help="what to draw (default: soc)")
    add("--last", choices=SPANS, default="24h", help="how long (default: 24h); 'day' is that of its end")
    add_time_options(parser)
    add(
        "--device",
        metavar="NAME",
        help="name, address or number (default: the house, all batteries together)",
    )
    add("--theme", choices=("light", "dark"), default="light", help="default: light")
    add("--language", choices=LANGUAGES, help="default: BOT_LANGUAGE, else en")
    add("--output", metavar="FILE", required=True, help="the picture, a PNG")


def run(given: argparse.Namespace) -> int:
    """Draw one picture."""
    try:
        from jk_bms.charts.data import TooLittle
        from jk_bms.charts.make import make_chart
    except ImportError as error:
        raise ConfigError(
            f"chart: {error.name} is not installed; what brings it: {sys.executable} -m pip install -r "
            f"{TOP / 'requirements-bot.txt'}"
        ) from error
    settings = stored_settings(given)
    with open_reader(settings.bms_db_path) as reader:
        there = [track for track in tracks(reader) if not is_inverter(track.name)]
    if given.device is None:
        packs = tuple(Pack(*each) for each in track_labels(there, settings).items())
    else:
        packs = (Pack(*chosen_track(given.device, there, settings)),)
    start, end = wanted_time(given, settings, SPANS[given.last])
    assert start is not None  # --last has a default
    if given.what == "day" and given.start is None:
        start = end.astimezone(settings.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = Wanted(
        bms_db=settings.bms_db_path,
        packs=packs,
        what=given.what,
        start=start,
        end=end,
        span="" if given.start or given.end else given.last,
        language=given.language or settings.bot_language or LANGUAGES[0],
        theme=given.theme,
        zone=settings.timezone,
    )
    try:
        made = make_chart(wanted)
    except TooLittle as error:
        raise StoreError(f"chart: {error}") from error
    target = Path(given.output)
    try:
        target.write_bytes(made.png)
    except OSError as error:
        raise StoreError(f"--output {target}: {error.strerror}; expected a file we may write") from error
    print(made.caption)
    say(f"{target}: {len(made.png) // 1000} kB")
    return 0
