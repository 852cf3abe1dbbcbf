"""``jk-util.py history``: what a battery did, as lines in a terminal or as numbers."""

import argparse
import csv
import json
import shutil
import sys
from datetime import datetime, timedelta, tzinfo

from jk_bms.clock import Clock
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, LiveError
from jk_bms.live.client import LiveClient
from jk_bms.model.inverter import is_inverter
from jk_bms.model.quantities import BY_ATTRIBUTE, fixed
from jk_bms.store.bms_db import open_reader, open_writer
from jk_bms.store.columns import BY_NAME
from jk_bms.store.history import HistoryStore
from jk_bms.store.history_query import Series, Values, query, tracks
from jk_bms.tool.output import note
from jk_bms.tool.stored import Progress, add_time_options, chosen_track, length, stored_settings, wanted_time

DEFAULT = "battery_soc,voltage,current,power,temperature,cell_delta"
POINTS = 300  # of a table; a line in a terminal has as many as fit
MOST_POINTS = 100_000
REBUILD_PATIENCE = 3600.0  # s: years on a slow card
_UNITS = {  # by the last or first word of a name that is no quantity of a sample
    "voltage": "V", "current": "A", "power": "W", "freq": "Hz", "cell": "V", "temperature": "°C", "resistance": "Ω",
}  # fmt: skip
BARS = "▁▂▃▄▅▆▇█"
GAP = " "


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add(
        "what",
        nargs="?",
        choices=("show", "rebuild"),
        default="show",
        help="rebuild: make the means of minutes, hours and days anew",
    )
    add(
        "--last",
        type=length,
        default=timedelta(days=1),
        metavar="TIME",
        help="such as 90m, 24h, 7d, 1y (default: 24h)",
    )
    add_time_options(parser)
    add("--device", metavar="NAME", help="name, address or number, or 'inverter' (default: battery 1)")
    add("--quantity", metavar="A,B", help=f"what to show (default: {DEFAULT}); 'list' names all there are")
    add("--format", choices=("text", "csv", "json"), default="text", help="default: text")
    add(
        "--points",
        type=_points,
        metavar="N",
        help=f"at most so many (default: as many as fit, {POINTS} in a table)",
    )


def run(given: argparse.Namespace) -> int:
    """Show the history of one battery."""
    if given.quantity == "list":
        print("\n".join(BY_NAME))
        return 0
    settings = stored_settings(given)
    if given.what == "rebuild":
        return _rebuild(settings)
    start, end = wanted_time(given, settings, given.last)
    assert start is not None  # --last has a default
    wide = max(20, min(120, shutil.get_terminal_size().columns - 2))
    points = given.points or (wide if given.format == "text" else POINTS)
    with open_reader(settings.bms_db_path) as reader:
        track, label = chosen_track(given.device, tracks(reader), settings)
        wanted = _quantities(given.quantity, of_inverter=is_inverter(track))
        series = query(reader, track, wanted, start, end, points)
    if given.format == "json":
        print(json.dumps(_as_json(series, label, settings.timezone), ensure_ascii=False))
    elif given.format == "csv":
        _print_csv(series, settings.timezone)
    else:
        print("\n".join(text_lines(series, label, settings.timezone)))
    return 0


def text_lines(series: Series, label: str, zone: tzinfo | None) -> list[str]:
    """Return the lines that show ``series`` to a person; a gap in a line is a gap in the data."""
    times = [datetime.fromtimestamp(time, zone).astimezone(zone) for time in series.times]
    if not times or all(mean is None for values in series.values.values() for mean in values.mean):
        return [f"{label}: nothing was recorded in that time"]
    end = times[-1] + timedelta(seconds=series.step)
    lines = [f"{label}: {times[0]:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, each step {_span(series.step)}"]
    far = series.step * len(times) > 86400
    for name, values in series.values.items():
        known = [value for value in values.mean if value is not None]
        title, unit, digits = _shown(name)
        if not known:
            continue
        least, when_least = min((v, t) for v, t in zip(values.min, times, strict=True) if v is not None)
        most, when_most = max((v, t) for v, t in zip(values.max, times, strict=True) if v is not None)
        when = "%m-%d %H:%M" if far else "%H:%M"
        lines += [
            "",
            f"{title}: {fixed(least, digits)} ({when_least:{when}}) to {fixed(most, digits)} {unit} ({when_most:{when}}), "
            f"mean {fixed(sum(known) / len(known), digits)}, last {fixed(known[-1], digits)}",
            sparkline(values),
        ]
    return lines


def sparkline(values: Values) -> str:
    """Return the means as a line of bars; what is unknown is a gap."""
    known = [value for value in values.mean if value is not None]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    steps = len(BARS) - 1
    return "".join(
        GAP if value is None else BARS[round((value - low) / span * steps) if span else steps // 2]
        for value in values.mean
    ).rstrip()


def _rebuild(settings: Settings) -> int:
    try:
        service = LiveClient(settings.socket_path)
    except LiveError:  # no service writes it: we may
        open_reader(settings.bms_db_path).close()  # where there is none, none is to be made
        progress = Progress("rebuilding")
        with open_writer(settings.bms_db_path, Clock()) as own:
            try:
                hours = HistoryStore(own).rebuild(progress=progress)
            finally:
                progress.end()
    else:
        with service:
            note("the service is rebuilding; that may take minutes")
            hours = int(service.request("rebuild", ttl=REBUILD_PATIENCE)["hours"])
    print(f"rebuilt from {hours} hours of rows")
    return 0


def _quantities(given: str | None, *, of_inverter: bool) -> list[str]:
    text = given or ("grid_power,pv_input_power,ac_output_power,battery_voltage" if of_inverter else DEFAULT)
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown or not names:
        fault = f"{', '.join(unknown)} is not known" if unknown else "names nothing"
        raise ConfigError(f"--quantity {text}: {fault}; 'list' names all there are")
    return list(dict.fromkeys(names))


def _shown(name: str) -> tuple[str, str, int]:
    """Title, unit and digits of a quantity for a person."""
    quantity = BY_ATTRIBUTE.get(name)
    digits = len(str(BY_NAME[name].divisor)) - 1
    if quantity is None or quantity.label is None:
        first, *_, last = name.split("_") * 2
        unit = quantity.unit if quantity else _UNITS.get(last, _UNITS.get(first, ""))
        return name, unit, digits
    return quantity.label, quantity.unit, digits if quantity.text_digits is None else quantity.text_digits


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _as_json(series: Series, label: str, zone: tzinfo | None) -> dict[str, object]:
    return {
        "device": {"name": label, "track": series.track},
        "tier": series.tier,
        "step": series.step,
        "times": [datetime.fromtimestamp(time, zone).astimezone(zone).isoformat() for time in series.times],
        "values": {name: values._asdict() for name, values in series.values.items()},
    }


def _print_csv(series: Series, zone: tzinfo | None) -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["time", *(f"{name}_{part}" for name in series.values for part in Values._fields)])
    for index, time in enumerate(series.times):
        row = [part[index] for values in series.values.values() for part in values]
        if any(value is not None for value in row):  # a gap has no line
            at = datetime.fromtimestamp(time, zone).astimezone(zone).isoformat()
            table.writerow([at, *("" if value is None else f"{value:.10g}" for value in row)])


def _points(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_POINTS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 to {MOST_POINTS}")
    return int(text)
