"""What the page needs to speak and to write numbers: one JSON object for each language, made at start.

Words that bot, alerts and link already say are theirs, taken by key or by the beginning of keys; only what the
page alone says stands in the topic ``web``. The rules of numbers come along, so that both sides follow one table.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from importlib import import_module
from typing import Any, NamedTuple

from jk_bms.called import poller, tool
from jk_bms.model.alert import AlertTold
from jk_bms.model.freshness import INVERTER, PERIOD, PERIODS, SHOWN
from jk_bms.texts import LANGUAGES, Texts, language
from jk_bms.texts.alerts import alert_told
from jk_bms.texts.durations import NOW
from jk_bms.view.charge import FULL, LEVELS
from jk_bms.view.flow import AMPS, WATTS

# What the page says in the words of others: whole topics, keys, or what keys begin with (a dot or a dash ends those).
SHARED = (
    "units.",
    "bot.link.",
    "bot.verdict.",
    "bot.house.why.",
    "bot.grid.last_heard",
    "bot.simulated",
    "bot.wrong_clock",
    "bot.band",
    "bot.bms_says",
    "bot.switch_off.",
    "bot.no_cells",
    "bot.low_charged",
    "bot.balancer",
    "bot.balancing",
    "bot.balancing_with",
    "bot.until.left",
    "bot.health.",
    "bms_alarms.",
    "link.cause.",
    "link.rung.",
    "link.layer.",
    "health.",
    "alerts.severity.",
    "alerts.subject.",
    "charts.weekdays",
    "charts.months",
    "charts.extremes",
)


class Form(NamedTuple):
    """How a quantity is written: its unit and its decimals; ``sign``: a plus is written too."""

    unit: str
    digits: int
    sign: bool = False


# fmt: off
FORMS: Mapping[str, Form] = {
    "soc":          Form("%", 0),
    "power":        Form("W", 0),
    "battery_power": Form("W", 0, sign=True),
    "current":      Form("A", 1, sign=True),
    "energy":       Form("kWh", 1),
    "much_energy":  Form("kWh", 0),
    "temperature":  Form("°C", 1),
    "grid_voltage": Form("V", 0),
    "frequency":    Form("Hz", 2),
    "voltage":      Form("V", 2),
    "cell":         Form("V", 3),
    "delta":        Form("mV", 0),
    "charge":       Form("Ah", 1),
    "wire":         Form("Ω", 3),
    "signal":       Form("dBm", 0),
}
# fmt: on
MUCH_ENERGY = 100.0  # kWh: from here on tenths say nothing

_MINUS, _THIN, _FIXED = "−", "\u202f", "\u00a0"  # as they are printed: true minus, narrow and no-break space
_GROUPED = 10_000  # numbers from here on get a space between thousands


def printed(text: str) -> str:
    """Return a number of ``Texts.quantity``, with its unit, as the page prints it: no line ends within it."""
    number, blank, unit = text.partition(" ")
    sign, number = ("", number) if number[:1] not in "+-" else (number[0].replace("-", _MINUS), number[1:])
    whole = number
    for at, character in enumerate(number):
        if not character.isdigit():
            whole = number[:at]
            break
    if whole and int(whole) >= _GROUPED:
        number = f"{int(whole):,}".replace(",", _THIN) + number[len(whole) :]
    return sign + number + blank.replace(" ", _FIXED) + unit.replace(" ", _FIXED)


def quantity(texts: Texts, name: str, value: float) -> str:
    """Return ``value`` in the form of FORMS, as the page prints it: ``−2168 W``."""
    if name == "energy" and abs(value) >= MUCH_ENERGY:
        name = "much_energy"
    form = FORMS[name]
    return printed(texts.quantity(value, form.unit, form.digits, sign=form.sign))


def facts() -> dict[str, Any]:
    """Return the rules that page and program share, as plain JSON values."""
    return {
        "levels": LEVELS,
        "full": FULL,
        "flow": {"amps": AMPS, "watts": WATTS},
        "fresh": {"periods": PERIODS, "least": SHOWN, "period": PERIOD, "inverter": INVERTER, "now": NOW},
        "forms": {name: list(form) for name, form in FORMS.items()},
        "much_energy": MUCH_ENERGY,
        "grouped": _GROUPED,
        "languages": list(LANGUAGES),
    }


def page_words(name: str) -> dict[str, Any]:
    """Return what the page needs of the language ``name``: ``texts`` by key, and ``facts``."""
    found: dict[str, str] = {}
    for beginning in ("web.", *SHARED):
        topic = beginning.partition(".")[0]
        for key, text in import_module(f"jk_bms.texts.{name}.{topic}").TEXTS.items():
            if key == beginning or (beginning.endswith(".") and key.startswith(beginning)):
                found[key] = text.replace("{tool}", tool()).replace("{start}", poller("start"))
    return {"language": name, "texts": found, "facts": facts()}


def alert_words(
    alert: AlertTold,
    label: str | None,
    zone: tzinfo | None,
    now: datetime,
    *,
    at: datetime | None = None,
) -> dict[str, dict[str, str]]:
    """Return what ``alert`` says, by language and part (those of ``texts.alerts.Told``; what it does not say is absent).

    In all languages at once: the stream carries one message for every browser. ``label``: what people call the
    battery, None for inverter and host. ``at``: when it happened, if that is not ``now``.
    """
    told = {name: alert_told(alert, label, language(name), zone, now, at=at) for name in LANGUAGES}
    return {
        name: {part: text for part, text in each._asdict().items() if text} for name, each in told.items()
    }
