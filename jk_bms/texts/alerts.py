"""What people are told of an alert: what, where, how bad, what it means and what ends it.

``facts`` are those of an alert's event (or of an open alert in the poller's snapshot). A rule
that has no texts yet is told all the same, by its name and numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from jk_bms.rules.base import Grade, PackView, Rule
from jk_bms.texts.language import Texts
from jk_bms.texts.markup import clip, escape

SEVERITIES = ("info", "warning", "error", "critical")
MARKS = {"info": "🔵", "warning": "🟠", "error": "🔴", "critical": "🚨"}
OVER, TEST = "✅", "🧪"
SHOWN = 5  # alerts that a message about many names
LONGEST_FACT = 200  # characters
LONGEST = 30 * 86_400.0  # s ahead
UNKNOWN = "?"
IN_MILLIVOLTS = ("cell_spread",)
UNVALUED = ("going_dark", "clock_jump")  # rules whose title says it without the value
OWN = ("", 0)  # in the unit of the rule
# Unit and digits of what rules find out, where it is no plain number: a name, or rule and name.
FACT_UNITS = {
    "limit": OWN,
    "mean": ("V", 3),
    "current": ("A", 1),
    "power": ("W", 0),
    "load_power": ("W", 0),
    "soc": ("%", 0),
    "step": ("s", 0),
    "temperature_spread.low": ("°C", 1),
    "temperature_spread.high": ("°C", 1),
    "runtime.low": ("s", 0),
    "runtime.high": ("s", 0),
}


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
    paragraphs = _paragraphs(facts, texts, zone, now, ("meaning", "action"))
    title = alert_title(facts, label, texts, zone, now)
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
    parts = [f"{mark(facts)} <b>{escape(alert_title(facts, label, texts, zone, now))}</b>{again}"]
    told = ("meaning", "action", "ask")  # only here can a command be asked for more
    parts += ["\n".join(map(escape, lines)) for lines in _paragraphs(facts, texts, zone, now, told) if lines]
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


def alert_title(
    facts: Mapping[str, Any], label: str | None, texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return the head line: ``Main: cell 7 is nearly empty, 2.843 V``."""
    what = _what(facts)
    subject = clip(label) if label is not None else _subject(facts, texts)
    if what == "cleared" and (own := _rule_text(facts, "cleared", texts, zone, now)):
        return f"{subject}: {own}"
    title = _rule_text(facts, "title", texts, zone, now)
    title = title or texts("alerts.unknown_rule", rule=clip(facts.get("rule", "?")))
    value = "" if what == "cleared" or facts.get("rule") in UNVALUED else _quantity(facts, "value", texts)
    line = f"{subject}: {title}, {value}" if value else f"{subject}: {title}"
    return texts(f"alerts.step.{what}", title=line)


def alert_line(
    facts: Mapping[str, Any], label: str | None, texts: Texts, zone: tzinfo | None, now: datetime
) -> str:
    """Return an alert on one line, for lists: head line, since when and code."""
    since = _since(facts)
    parts = [alert_title(facts, label, texts, zone, now)]
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
    facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime, parts: Sequence[str]
) -> Iterator[list[str]]:
    what = _what(facts)
    if what == "cleared":
        yield list(_ended(facts, texts, zone, now))
        return
    if what == "test":
        yield [texts("alerts.test_only")]
    yield list(_numbers(facts, texts, zone, now))
    yield [text for part in parts if (text := _rule_text(facts, part, texts, zone, now))]
    yield [line for line in (_over(facts, texts, zone, now), _grade(facts, texts)) if line]


def _numbers(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    parts = []
    if facts.get("rule") not in UNVALUED and (limit := _quantity(facts, "set", texts)):
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
    yield from _details(facts, texts, zone, now)


def _details(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    """What else the rule found out; a line is left out when one of its values is not known."""
    key = f"alerts.{facts.get('rule')}.detail"
    if not texts.known(key):
        return
    fields = _fields(facts, texts, zone, now)
    for line in texts.template(key).splitlines():
        filled = line.format_map(fields)
        if UNKNOWN not in filled:
            yield filled


def _fields(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> "_Fields":
    """All values that a text of the rule may name, as people read them."""
    found = facts.get("facts") or {}
    fields = _Fields(
        (name, _fact(facts, name, value, texts)) for name, value in found.items() if value is not None
    )
    fields["part"] = _part(str(facts.get("part") or ""), texts)
    for name in ("value", "set", "clear", "peak"):
        fields[name] = _quantity(facts, name, texts) or _number(facts.get(name))
    if (kind := found.get("kind")) is not None:
        fields["kind"] = cell_fault(str(kind), texts)
        fields["advice"] = cell_fault(str(kind), texts, advice=True)
    # When it goes dark: counted from the step itself, however late this is read.
    at = _since(facts) or now if facts.get("what") == "raised" else now
    for name, bound in (("dark", "low"), ("dark_last", "high")):
        if isinstance(seconds := found.get(bound), int | float):
            fields[name] = texts.moment(at + timedelta(seconds=min(seconds, LONGEST)), zone, now)
    return fields


class _Fields(dict[str, str]):
    """Values by name; one that nobody measured reads as unknown."""

    def __missing__(self, key: str) -> str:
        return UNKNOWN


def bms_alarm(name: str, texts: Texts) -> str:
    """Return what an alarm of the BMS, by its ``name`` in the reading, means."""
    if texts.known(key := f"bms_alarms.{name}"):
        return texts(key)
    if name.startswith("bit_") and name[4:].isdecimal():
        return texts("bms_alarms.unknown", bit=name[4:])
    return clip(name)


def cell_fault(kind: str, texts: Texts, *, advice: bool = False) -> str:
    """Return what health says of a cell (``weak``, ``leaking``, ``bad connection``), or what to do."""
    key = f"health.{kind.replace(' ', '_')}" + (".advice" if advice else "")
    if texts.known(key):
        return texts(key)
    return "" if advice else clip(kind)


def _part(part: str, texts: Texts) -> str:
    if texts.known(key := f"alerts.part.{part}"):
        return texts(key)
    return bms_alarm(part, texts)


def _fact(facts: Mapping[str, Any], name: str, value: Any, texts: Texts) -> str:
    if name == "verdict" and texts.known(key := f"bot.verdict.{value}"):
        return texts(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return clip(value, LONGEST_FACT)
    unit = FACT_UNITS.get(f"{facts.get('rule')}.{name}") or FACT_UNITS.get(name)
    if unit is None:
        return _number(value)
    if unit is OWN:
        return texts.quantity(value, clip(facts.get("unit") or "", 12), int(facts.get("digits") or 0))
    # What flows out is negative, but "a load of -900 W" is no sentence.
    return texts.quantity(abs(value), *unit)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else UNKNOWN


def _ended(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> Iterator[str]:
    if (since := _since(facts)) is not None:
        lasted = max(0.0, (now - since).total_seconds())
        yield texts("alerts.lasted", span=texts.span(lasted), time=texts.moment(since, zone, now))
    worst, value = _quantity(facts, "peak", texts), _quantity(facts, "value", texts)
    if worst and value and facts.get("unit") != "s":  # a duration is said already
        yield texts("alerts.worst_now", worst=worst, value=value)
    yield texts("alerts.code_line", code=facts.get("code", "?"))


def _over(facts: Mapping[str, Any], texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """What ends it: the text of the rule, else the limit and its direction."""
    if own := _rule_text(facts, "over", texts, zone, now):
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


def _rule_text(facts: Mapping[str, Any], part: str, texts: Texts, zone: tzinfo | None, now: datetime) -> str:
    """Return a text of the rule, filled in; "" when there is none."""
    key = f"alerts.{facts.get('rule')}.{part}"
    return texts.template(key).format_map(_fields(facts, texts, zone, now)) if texts.known(key) else ""


def _quantity(facts: Mapping[str, Any], field: str, texts: Texts) -> str:
    """A value of the rule with its unit; "" for those that are only yes or no."""
    value, unit = facts.get(field), facts.get("unit")
    if not unit or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if facts.get("rule") in IN_MILLIVOLTS:
        return texts.quantity(1000 * value, "mV")
    return texts.quantity(value, clip(unit, 12), int(facts.get("digits") or 0))


def _what(facts: Mapping[str, Any]) -> str:
    if facts.get("test") or (facts.get("facts") or {}).get("test"):
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


def explain(rule: Rule, grade: Grade, texts: Texts) -> str:
    """Return what the alert ``grade.code`` is about: meaning, limits, what to do; plain text, with examples."""
    now = datetime.now(UTC)
    part, look = next(
        (part, look) for part, look in (rule.look(rule.example()) or {}).items() if look is not None
    )
    facts = {
        "rule": rule.name,
        "part": part,
        "code": grade.code,
        "severity": grade.severity.word,
        "value": grade.set,
        "set": grade.set,
        "clear": grade.clear,
        "unit": rule.unit,
        "digits": rule.digits,
        "facts": look.facts,
    }
    limit = _quantity(facts, "set", texts)
    confirmed = [texts.count("alerts.explain.confirmed", grade.samples)] if grade.samples > 1 else []
    if grade.seconds:
        confirmed.append(texts("alerts.explain.lasting", span=texts.span(grade.seconds)))
    begins = texts(f"alerts.explain.begins_{'above' if rule.rising else 'below'}", set=limit) if limit else ""
    lines = [
        _sentence(_rule_text(facts, "title", texts, UTC, now)),
        _rule_text(facts, "meaning", texts, UTC, now),
        _rule_text(facts, "action", texts, UTC, now),
        ", ".join([begins, *confirmed]) + "." if begins else "",
        _over(facts, texts, UTC, now),
        texts("alerts.explain.scaled") if limit and rule.scope is PackView else "",
        _grade(facts, texts),
    ]
    return "\n".join(line for line in lines if line)
