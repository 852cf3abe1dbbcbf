"""``jk-util.py digest``: what happened today, or on another day, as the bot tells it."""

import argparse
import asyncio
import logging
from datetime import date

from jk_bms.config.settings.proxies import OPENAI, asks_model, proxy_for
from jk_bms.digest.days import day_of, named_zone
from jk_bms.digest.fact_sheet import fact_sheet
from jk_bms.digest.facts import read_facts
from jk_bms.digest.local_text import local_text
from jk_bms.errors import ConfigError
from jk_bms.logs import log_plainly
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import LANGUAGES, language
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK
from jk_bms.tool.output import note
from jk_bms.tool.stored import YEARS, local_now, stored_settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("--date", type=_date, metavar="DATE", help="such as 2026-12-31 (default: today so far)")
    add(
        "--facts",
        action="store_true",
        help="also print the counted facts, as a language model gets them that writes for OPENAI_PROMPT",
    )
    add(
        "--ai",
        action="store_true",
        help="let the language model of OPENAI_API_KEY or OPENAI_BASE_URL arrange it",
    )
    add("--language", choices=LANGUAGES, help="default: BOT_LANGUAGE, else en")


def run(given: argparse.Namespace) -> int:
    """Print the digest of one day; exit code 3 when nothing was recorded on it."""
    settings = stored_settings(given)
    if given.ai and not asks_model(settings):
        raise ConfigError(
            "--ai: OPENAI_API_KEY is not set; expected a key in the settings, or OPENAI_BASE_URL of an endpoint "
            "that asks for none"
        )
    now = local_now(settings)
    zone = named_zone(settings.timezone)
    told = day_of(given.date or now.date(), zone)
    with open_reader(settings.bms_db_path) as reader:
        facts = read_facts(reader, told.day, told.start, min(told.end, max(now, told.start)), zone)
    texts = language(given.language or settings.bot_language or LANGUAGES[0])
    if given.facts:
        print(fact_sheet(facts).text)
        print()
    if not given.ai:
        print(local_text(facts, texts))
        return EXIT_OK if facts.known else EXIT_NOTHING
    from jk_bms.digest.ai import Service
    from jk_bms.digest.make import make_digest

    log_plainly(logging.ERROR, "%(message)s")
    logging.getLogger("jk_bms").setLevel(logging.INFO)
    note(f"asking {settings.openai_model}; while it does not answer that may take a quarter of an hour")
    service = Service(
        key=settings.openai_key,
        url=settings.openai_url,
        model=settings.openai_model,
        prompt=settings.openai_prompt,
        timeout=settings.digest_timeout,
        max_chars=settings.digest_max_chars,
        proxy=proxy_for(settings, settings.openai_url or OPENAI),
    )
    print(asyncio.run(make_digest(facts, texts, service)).text)
    return EXIT_OK if facts.known else EXIT_NOTHING


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.year not in YEARS:
            raise ValueError(text)
        return day
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a date such as 2026-12-31") from None
