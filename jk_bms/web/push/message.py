"""What a browser is told of alerts: one JSON text that Safari shows by itself and that our worker reads.

The form is that of the W3C's draft of declarative push messages; the text never grows beyond what one record takes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from jk_bms.actions.follow import Numbered
from jk_bms.model import Event
from jk_bms.model.alarms import Severity
from jk_bms.model.alert import alert_of
from jk_bms.texts import Texts, clip
from jk_bms.texts.alerts import alert_told, several_message, severity_of
from jk_bms.web.push.keyfile import base64url

DECLARATIVE = 8030  # says that a message is of this form: the number of the RFC of web push
LONGEST_TITLE, LONGEST_BODY = 80, 400  # characters
SIZES = (512, 1024, 2048, 3072)  # bytes that a text is filled up to, so that its length says nothing
STEPS = frozenset({"alert.raised", "alert.worse", "alert.repeat", "alert.cleared", "alert.test"})

CRITICAL, ERROR = Severity.CRITICAL.word, Severity.ERROR.word
LIFE = {CRITICAL: 14400}  # s that a push service keeps a message for a phone that is off
USUAL_LIFE = 3600
URGENCY = {CRITICAL: "high", ERROR: "normal"}
USUAL_URGENCY = "low"


class Notice(NamedTuple):
    """One message to one browser."""

    title: str
    body: str = ""
    address: str = ""  # within the page, where a tap leads: alerts#...
    tag: str = ""  # what is newer takes the place of what has the same one
    severity: str = ERROR
    facts: Mapping[str, Any] = {}  # never changed

    @property
    def life(self) -> int:
        """Return for how many s it is worth being shown."""
        return life_of(self.severity)

    @property
    def headers(self) -> dict[str, str]:
        """What the push service is told of it."""
        topic = sha256(self.tag.encode("utf-8", "replace")).digest()
        return {
            "TTL": str(self.life),
            "Urgency": URGENCY.get(self.severity, USUAL_URGENCY),
            "Topic": base64url(topic)[:32],
            "Content-Encoding": "aes128gcm",
        }


def life_of(severity: object) -> int:
    """Return for how many s a message of this severity is worth being shown."""
    return LIFE.get(str(severity), USUAL_LIFE)


def notice_of(
    events: Sequence[Numbered], names: Mapping[str, str], texts: Texts, zone: tzinfo | None, now: datetime
) -> Notice:
    """Return the message about ``events``: one, or several that are late. ``names``: of batteries, by address."""
    told = [(alert_of(event.facts), _name(event, names), event.taken_at) for _, event in events]
    number, newest = events[-1]
    worst = max((alert for alert, _, _ in told), key=lambda alert: severity_of(alert.severity)).severity
    if len(events) > 1:
        message = several_message(told, texts, zone, now)
        facts = {"level": worst, "step": told[-1][0].what, "id": number, "time": newest.taken_at.isoformat()}
        return Notice(message.title, message.body, "alerts", "several", worst, facts)
    alert, label, at = told[0]
    said = alert_told(alert, label, texts, zone, now, at=at)
    over = newest.kind == "alert.cleared"
    title = said.title
    if worst == CRITICAL and not over:
        title = f"{texts('alerts.severity.critical')}: {title}"
    # A late one is no riddle: it begins with when it was.
    lines = [f"{at.astimezone(zone):%H:%M}", said.numbers, said.action]
    subject = clip(alert.subject)
    place = "" if alert.code is None else "#" + quote(f"{subject}-{alert.code}", safe="")
    facts = {
        "code": alert.code,
        "level": alert.severity,
        "device": subject,
        "step": newest.kind.removeprefix("alert."),
        "id": number,
        "time": at.isoformat(),
    }
    return Notice(
        title,
        "\n".join(filter(None, lines)),
        "alerts" + place,
        clip("|".join(alert.name), 100),
        alert.severity,
        facts,
    )


def _name(event: Event, names: Mapping[str, str]) -> str | None:
    return None if event.device is None else names.get(event.device, event.device)


def encoded(notice: Notice, origin: str, language: str, badge: int | None) -> bytes:
    """Return ``notice`` as the JSON that a browser gets, of at most SIZES[-1] bytes.

    ``origin``: of the page, with a slash at its end. ``badge``: open alerts, for the page's icon; None: not known.
    """
    title = clip(notice.title, LONGEST_TITLE)
    body = cut("\n".join(clip(line, LONGEST_BODY) for line in notice.body.split("\n")), LONGEST_BODY)
    while True:
        told: dict[str, Any] = {
            "web_push": DECLARATIVE,
            "notification": {
                "title": title,
                "body": body,
                "navigate": origin + notice.address,
                "tag": notice.tag,
                "lang": language,
                "dir": "auto",
                "silent": False,
                "data": {name: value for name, value in notice.facts.items() if value is not None},
            },
        }
        if badge is not None:
            told["app_badge"] = badge
        text = msgspec.json.encode(told)
        if len(text) <= SIZES[-1] or not body:
            return text
        body = cut(body, len(body) - max(1, (len(text) - SIZES[-1]) // 6))


def size_for(text: bytes) -> int:
    """Return how many bytes ``text`` is filled up to."""
    return next((size for size in SIZES if len(text) <= size), len(text))


def cut(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` characters, cut at the end of a word."""
    if len(text) <= limit:
        return text
    kept = text[: max(0, limit - 1)]
    words = kept.rstrip().rpartition(" ")[0] if not text[len(kept)].isspace() else kept
    return (words or kept).rstrip(" \n,;:") + "…" if kept else ""
