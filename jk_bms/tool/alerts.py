"""``jk-util.py alerts``: what is wrong now, what was in the last days, what it means, and a test."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from jk_bms.called import tool
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, StoreError
from jk_bms.live.client import LiveClient
from jk_bms.model import Event
from jk_bms.model.alert import AlertTold, alert_of
from jk_bms.rules.catalogue import all_codes
from jk_bms.rules.engine import Engine
from jk_bms.rules.facts import QUIET, STATE, alert_facts
from jk_bms.rules.options import Options
from jk_bms.store.bms_db import open_reader
from jk_bms.store.states import read_state
from jk_bms.texts import Texts, language
from jk_bms.texts.alerts import alert_line, explain
from jk_bms.tool.exits import EXIT_NOTHING, EXIT_OK
from jk_bms.tool.output import note
from jk_bms.tool.stored import length, stored_settings

MOST = 1000  # events of the past that are looked at


class Told(NamedTuple):
    """One line of the past."""

    event: Event
    label: str | None  # of the battery; None: it is about the house or the machine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add(
        "--last",
        type=length,
        default=timedelta(days=7),
        metavar="TIME",
        help="how far back, such as 24h, 7d, 1y (default: 7d)",
    )
    add("--all", action="store_true", help="also what was not told: mild, muted, at night, flapping")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--explain", metavar="CODE", type=_code, help="what an alert means and what to do")
    one.add_argument(
        "--test", metavar="CODE", type=_code, help="send a marked test of an alert to everybody who is told"
    )
    add("--json", action="store_true", help="for a program")


def run(given: argparse.Namespace) -> int:
    """Do what is asked; exit code 3 when there is no such alert."""
    settings = stored_settings(given)
    texts = language(settings.bot_language or "en")
    if given.explain is not None:
        return _explain(given.explain, settings, texts)
    if given.test is not None:
        with LiveClient(settings.socket_path) as service:
            facts = service.request("alert_test", code=given.test)
        return _tested(facts)
    try:
        with LiveClient(settings.socket_path) as service:
            alerts, calm = list(service.snapshot().alerts or ()), "Nothing is wrong now."
    except LiveError as error:
        note(f"the service is not running ({error}); this is what it last knew")
        alerts, calm = _stored(settings), "Nothing was wrong when the service last ran."
    names, past = _past(settings, given.last, everything=given.all)
    if given.json:
        history = [{"time": told.event.taken_at.isoformat(), **told.event.facts} for told in past]
        print(
            json.dumps(
                {"open": msgspec.to_builtins(alerts), "history": history}, indent=2, ensure_ascii=False
            )
        )
    else:
        print("\n".join(_lines(alerts, calm, names, past, texts, settings)))
    return EXIT_OK


def _tested(facts: dict[str, Any]) -> int:
    """Say where the test went; exit code 3 when it goes nowhere."""
    channels: dict[str, str] = facts.get("channels") or {}
    handed_over = facts.get("handed_over") or ()
    print(f"a test of alert {facts['code']} ({facts['rule']}) is in the log")
    for name, trouble in channels.items():
        way = "handed over; it may come late or not at all" if name in handed_over else "on its way"
        print(f"  {name}: {trouble or way}")
    if not channels:
        note(
            "there is no channel that it could go to: set TELEGRAM_BOT_TOKEN or ALERT_URLS, then restart the service; "
            "browsers are told where that is switched on, on the page"
        )
    return EXIT_OK if "" in channels.values() else EXIT_NOTHING


def _lines(
    alerts: list[AlertTold],
    calm: str,
    names: dict[str, str],
    past: list[Told],
    texts: Texts,
    settings: Settings,
) -> Iterator[str]:
    zone, now = settings.timezone, datetime.now(UTC)
    yield "Open" if alerts else calm
    for alert in alerts:
        muted = ", muted" if alert.muted else ""
        line = alert_line(alert, names.get(alert.subject), texts, zone, now)
        yield f"  {alert.severity:<8} {line}{muted}"
    yield ""
    yield "Lately" if past else "Nothing happened lately."
    for event, label in past:
        why = event.facts.get("quiet")
        quiet = f", not told ({QUIET.get(why, why)})" if why else ""
        line = alert_line(alert_of(event.facts), label, texts, zone, now, at=event.taken_at)
        yield f"  {event.taken_at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {line}{quiet}"
    yield ""
    if settings.alerts_off:
        yield f"Switched off (ALERTS_OFF): {', '.join(map(str, settings.alerts_off))}"
    yield f"What a code means: {tool('alerts --explain CODE')}"


def _past(settings: Settings, last: timedelta, *, everything: bool) -> tuple[dict[str, str], list[Told]]:
    """The names of the batteries, and what happened since, oldest first."""
    since = datetime.now(UTC) - last
    with open_reader(settings.bms_db_path) as reader:
        names = {one.device.address: one.device.label for one in reader.devices()}
        events = [event for _, event in reader.newest_events("alert.", MOST)]
    return names, [
        Told(event, None if event.device is None else names.get(event.device, event.device))
        for event in reversed(events)
        if event.taken_at >= since and (everything or "quiet" not in event.facts)
    ]


def _stored(settings: Settings) -> list[AlertTold]:
    """The alerts that were open when the service last ran."""
    with open_reader(settings.bms_db_path) as reader:
        state = read_state(reader, STATE)
    engine = Engine(Options(off=frozenset(settings.alerts_off)))
    if state is None:
        return []
    try:
        engine.restore(state)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{settings.bms_db_path}: the state of the alerts cannot be read: {error}; start the service"
        ) from error
    found = ((alert, engine.find(alert.code)) for alert in engine.open())
    return [alert_of(alert_facts(alert, one[0])) for alert, one in found if one is not None]


def _explain(code: int, settings: Settings, texts: Texts) -> int:
    found = Engine(Options()).find(code)
    if found is None:
        note(f"no alert has the code {code}; expected one of {', '.join(map(str, all_codes()))}")
        return EXIT_NOTHING
    print(explain(*found, texts))
    if code in settings.alerts_off:
        print(texts("alerts.explain.off"))
    return EXIT_OK


def _code(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected the number of an alert, such as 1006") from None
