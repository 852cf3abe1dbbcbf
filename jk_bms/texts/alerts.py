"""What people are told of an alert: what, where, how bad, what it means and what ends it.

``facts`` are those of an alert's event (or of an open alert in the poller's snapshot). A rule
that has no texts yet is told all the same, by its name and numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from jk_bms.texts.language import Texts
from jk_bms.texts.markup import clip, escape

SEVERITIES = ("info", "warning", "error", "critical")
MARKS = {"info": "🔵", "warning": "🟠", "error": "🔴", "critical": "🚨"}
OVER, TEST = "✅", "🧪"
SHOWN = 5  # alerts that a message about many names
LONGEST_FACT = 200  # characters


class Message(NamedTuple):
    """A message as plain text; the title stands alone where a channel has no body."""

    title: str
    body: str


def alert_message(
    facts: Mapping[str, Any],
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    perhaps_again: bool = False,
) -> Message:
    """Return the message about one step of an alert, as plain text.

    ``label``: what people call the battery, None for inverter and host. ``perhaps_again``: it
    may have been sent already.
    """
    paragraphs = _paragraphs(facts, texts, zone, now)
    title = alert_title(facts, label, texts)
    if perhaps_again:
        title += f" ({texts('alerts.perhaps_again')})"
    return Message(title, "\n".join(line for lines in paragraphs for line in lines))


def alert_html(
    facts: Mapping[str, Any],
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    perhaps_again: bool = False,
) -> str:
    """Return the same as Telegram's HTML."""
    again = f" <i>({escape(texts('alerts.perhaps_again'))})</i>" if perhaps_again else ""
    parts = [f"{mark(facts)} <b>{escape(alert_title(facts, label, texts))}</b>{again}"]
    parts += ["\n".join(map(escape, lines)) for lines in _paragraphs(facts, texts, zone, now) if lines]
    return "\n\n".join(parts)


def several_message(
    events: Sequence[tuple[Mapping[str, Any], str | None]],
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> Message:
    """Return one message about many steps (facts and label of each), oldest first, as plain text."""
    lines = [f"- {alert_line(facts, label, texts, zone, now)}" for facts, label in events[-SHOWN:]]
    return Message(texts.count("alerts.several", len(events)), "\n".join([*_more(events, texts), *lines]))


def several_html(
    events: Sequence[tuple[Mapping[str, Any], str | None]],
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> str:
    """Return the same as Telegram's HTML."""
    lines = [
        f"{mark(facts)} {escape(alert_line(facts, label, texts, zone, now))}"
        for facts, label in events[-SHOWN:]
    ]
    title = escape(texts.count("alerts.several", len(events)))
    return "\n".join([f"<b>{title}</b>", *map(escape, _more(events, texts)), *lines])


def alert_title(facts: Mapping[str, Any], label: str | None, texts: Texts) -> str:
    """Return the head line: ``Main: cell 7 is low, 2.843 V``."""
    what = _what(facts)
    subject = clip(label) if label is not None else _subject(facts, texts)
    title = _rule_text(facts, "title", texts) or texts(
        "alerts.unknown_rule", rule=clip(facts.get("rule", "?"))
    )
    value = "" if what == "cleared" else _quantity(facts, "value", texts)
    line = f"{subject}: {title}, {value}" if value else f"{subject}: {title}"
    return texts(f"alerts.step.{what}", title=line)


def alert_line(
    facts: Mapping[str, Any], label: str | None, texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return an alert on one line, for lists: head line, since when and code."""
    since = _since(facts)
    parts = [alert_title(facts, label, texts)]
    if since is not None:
        parts.append(texts("alerts.since", time=texts.moment(since, zone, now)))
    parts.append(texts("alerts.code", code=facts.get("code", "?")))
    return " · ".join(parts)


def mark(facts: Mapping[str, Any]) -> str:
    """Return the coloured mark of a step: of its severity, or that it is over."""
    what = _what(facts)
    if what == "test":
        return TEST
    return OVER if what == "cleared" else MARKS.get(str(facts.get("severity")), MARKS["warning"])


def severity_of(facts: Mapping[str, Any]) -> int:
    """Return how bad it is, to sort by: 0 is the mildest."""
    word = facts.get("severity")
    return SEVERITIES.index(word) if word in SEVERITIES else 1


def _paragraphs(
    facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime
) -> Iterator[list[str]]:
    what = _what(facts)
    if what == "cleared":
        yield list(_ended(facts, texts, zone, now))
        return
    if what == "test":
        yield [texts("alerts.test_only")]
    yield list(_numbers(facts, texts, zone, now))
    yield [text for part in ("meaning", "action") if (text := _rule_text(facts, part, texts))]
    yield [line for line in (_over(facts, texts), _grade(facts, texts)) if line]


def _numbers(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    parts = []
    if limit := _quantity(facts, "set", texts):
        parts.append(texts("alerts.limit", limit=limit))
    if (since := _since(facts)) is not None:
        time = texts.moment(since, zone, now)
        lasted = (now - since).total_seconds()
        parts.append(
            texts("alerts.since_for", time=time, span=texts.span(lasted))
            if lasted >= 60
            else texts("alerts.since", time=time)
        )
    if _what(facts) == "repeat" and (worst := _quantity(facts, "peak", texts)):
        parts.append(texts("alerts.worst", value=worst))
    if parts:
        yield _sentence(", ".join(parts))
    yield from _details(facts, texts)


def _details(facts: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    """What else the rule found out, as far as there are words for it."""
    for name, value in (facts.get("facts") or {}).items():
        key = f"alerts.fact.{name}"
        if value is not None and texts.known(key):
            yield texts(key, value=_fact(name, value, texts))


def _fact(name: str, value: Any, texts: Texts) -> str:
    if isinstance(value, str) and texts.known(f"alerts.{name}.{value}"):
        return texts(f"alerts.{name}.{value}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        items = value if isinstance(value, list | tuple) else [value]
        return clip(", ".join(map(str, items)), LONGEST_FACT)
    unit, digits = FACT_UNITS.get(name, ("", 0 if isinstance(value, int) else 1))
    return texts.quantity(value, unit, digits)


# Unit and digits of what rules find out; a number that is not named here has no unit.
FACT_UNITS: dict[str, tuple[str, int]] = {}


def _ended(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    if (since := _since(facts)) is not None:
        lasted = max(0.0, (now - since).total_seconds())
        yield texts("alerts.lasted", span=texts.span(lasted), time=texts.moment(since, zone, now))
    worst, value = _quantity(facts, "peak", texts), _quantity(facts, "value", texts)
    if worst and value:
        yield texts("alerts.worst_now", worst=worst, value=value)
    yield texts("alerts.code_line", code=facts.get("code", "?"))


def _over(facts: Mapping[str, Any], texts: Texts) -> str:
    """What ends it: the text of the rule, else the limit and its direction."""
    if own := _rule_text(facts, "over", texts):
        return own
    clear, limit = facts.get("clear"), facts.get("set")
    told = _quantity(facts, "clear", texts)
    if not told or clear is None or limit is None:
        return ""
    return texts("alerts.over_below" if clear < limit else "alerts.over_above", clear=told)


def _grade(facts: Mapping[str, Any], texts: Texts) -> str:
    word = facts.get("severity")
    known = word if word in SEVERITIES else "warning"
    return texts("alerts.grade", severity=texts(f"alerts.severity.{known}"), code=facts.get("code", "?"))


def _rule_text(facts: Mapping[str, Any], part: str, texts: Texts) -> str:
    key = f"alerts.{facts.get('rule')}.{part}"
    if not texts.known(key):
        return ""
    where = str(facts.get("part") or "")
    named = f"alerts.part.{where}"
    if texts.known(f"bms_alarms.{where}"):
        where = texts(f"bms_alarms.{where}")
    elif texts.known(named):
        where = texts(named)
    return texts(key, part=clip(where), clear=_quantity(facts, "clear", texts))


def _quantity(facts: Mapping[str, Any], field: str, texts: Texts) -> str:
    """A value of the rule with its unit; "" for those that are only yes or no."""
    value, unit = facts.get(field), facts.get("unit")
    if not unit or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return texts.quantity(value, clip(unit, 12), int(facts.get("digits") or 0))


def _what(facts: Mapping[str, Any]) -> str:
    if facts.get("test"):
        return "test"
    what = facts.get("what")
    return what if what in ("worse", "repeat", "cleared", "test") else "raised"


def _since(facts: Mapping[str, Any]) -> datetime | None:
    since = facts.get("since")
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            return None
    return since if isinstance(since, datetime) and since.tzinfo is not None else None


def _subject(facts: Mapping[str, Any], texts: Texts) -> str:
    key = f"alerts.subject.{facts.get('subject')}"
    return texts(key) if texts.known(key) else clip(facts.get("subject", "?"))


def _more(events: Sequence[object], texts: Texts) -> list[str]:
    more = len(events) - SHOWN
    return [texts.count("alerts.earlier", more)] if more > 0 else []


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
