"""A step of an alert, as an event of Home Assistant."""

from datetime import datetime

from jk_bms.config.settings import Settings
from jk_bms.model import Event
from jk_bms.model.alert import alert_of
from jk_bms.sinks.mqtt.outgoing import as_json
from jk_bms.texts.alerts import alert_told
from jk_bms.texts.language import language

LATE = 900.0  # s: what arrives later says so, for automations to leave it aside
_KINDS = ("raised", "worse", "repeat", "cleared", "muted", "acknowledged", "test")
STEPS = {f"alert.{kind}": kind.replace("repeat", "repeated") for kind in _KINDS}


def is_told(event: Event) -> bool:
    """Whether people are to know of ``event``."""
    return event.kind in STEPS and event.facts.get("quiet") is None


def payload_of(event: Event, label: str | None, settings: Settings, now: datetime) -> str:
    """Return what is published of it; ``label``: what people call its battery."""
    alert, texts = alert_of(event.facts), language(settings.bot_language or "en")
    told = alert_told(alert, label, texts, settings.timezone, now, at=event.taken_at)
    parts = (told.numbers, told.meaning, told.action)
    payload = {
        "event_type": STEPS[event.kind],
        "code": alert.code,
        "level": alert.severity,
        "title": told.title,
        "text": "\n".join(part for part in parts if part),
        "time": event.taken_at.isoformat(timespec="seconds"),
    }
    return as_json(payload | ({"late": True} if (now - event.taken_at).total_seconds() > LATE else {}))
