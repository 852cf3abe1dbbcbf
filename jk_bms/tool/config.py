"""``jk-util.py config``: every setting with its value, source and meaning."""

import argparse
import json
import textwrap

from jk_bms.called import tool
from jk_bms.config.settings import describe, load_settings
from jk_bms.demo import in_use, is_demo
from jk_bms.tool.output import note, say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("--json", action="store_true", help="for a program")


def run(given: argparse.Namespace) -> int:
    """Print every setting; secrets are masked."""
    settings = load_settings(env_file=given.env_file, forgiving=True)
    settings = in_use(settings)
    if is_demo(settings):
        note("nothing is configured: these are the settings of the demonstration")
    rows = describe(settings)
    if given.json:
        print(json.dumps({row.key: row._asdict() for row in rows}, indent=2, ensure_ascii=False))
    else:
        for row in rows:
            unit = f" {row.unit}" if row.unit and row.unit not in ("path", "count", "V:%") else ""
            say(f"{row.key} = {row.value}{unit}   [{row.source}]")
            print(textwrap.fill(row.meaning, 90, initial_indent="    ", subsequent_indent="    "))
            if row.at_once:
                print(f"    Changed while the service runs: {tool(f'set {row.key}=...')}")
    for warning in settings.warnings:
        note(warning)
    return 0
