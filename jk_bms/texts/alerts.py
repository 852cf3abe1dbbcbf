"""What people are told of an alert: what, where, how bad, what it means and what ends it.

``facts`` are those of an alert's event, or an open alert of the poller's snapshot. A rule
that has no texts yet is told all the same, by its name and numbers.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, TypeGuard

from msgspec.structs import replace

from jk_bms.called import tool
from jk_bms.model.alarms import UNNAMED, Severity
from jk_bms.model.alert import AlertTold, moment_of
from jk_bms.model.inverter import id_of
from jk_bms.rules.base import Grade, Rule
from jk_bms.rules.telling import Telling, telling_of
from jk_bms.texts.language import Texts
from jk_bms.texts.markup import clip, escape

SEVERITIES = tuple(severity.word for severity in Severity)  # the mildest first
MARKS = {"info": "🔵", "warning": "🟠", "error": "🔴", "critical": "🚨"}
OVER, TEST, SEEN = "✅", "🧪", "👀"
SHOWN = 5  # alerts that a message about many names
LISTED = 10  # alerts in the list of what is open
FORETOLD_NO_MORE = ("cut", "silent")  # how a forecast stands that has no value any more
LONGEST_FACT = 200  # characters
LONGEST_UNIT = 12
LONGEST = 30 * 86_400.0  # s ahead
LONG = 60.0  # s: an alert that lasts so long says for how long
UNKNOWN = "?"
OWN = ("", 0)  # in the unit of the rule
# Unit and digits of the numbers that several rules find out; a rule has those of its own in ``Rule.telling``.
FACT_UNITS = {
    "limit": OWN,
    "current": ("A", 1),
    "power": ("W", 0),
    "load_power": ("W", 0),
    "soc": ("%", 0),
    "soc_now": ("%", 0),
}


class Message(NamedTuple):
    """A message as plain text; the title stands alone where a channel has no body."""

    title: str
    body: str


class Told(NamedTuple):
    """What an alert says, in parts; "" for what it does not say."""

    title: str  # head line: ``Main: cell 7 is nearly empty, 2.843 V``
    numbers: str  # limit, since when, what was found: lines
    meaning: str
    action: str  # what to do
    over: str  # what ends it, and its severity and code: lines


def alert_told(
    facts: AlertTold,
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    at: datetime | None = None,
) -> Told:
    """Return one step of an alert in parts, for a page that sets them itself; arguments as of ``alert_message``."""
    step = _Step(facts, label, texts, zone, now, at or now)
    if _what(facts) in ("cleared", "acknowledged"):
        numbers, meaning, action = next(step.paragraphs(()), []), "", ""
        return Told(step.title(), "\n".join(numbers), meaning, action, "")
    numbers = [*step._numbers(), *step._details()]
    over = [line for line in (step.over(), step.grade()) if line]
    return Told(step.title(), "\n".join(numbers), step.own("meaning"), step.own("action"), "\n".join(over))


def alert_message(
    facts: AlertTold,
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    at: datetime | None = None,
    perhaps_again: bool = False,
) -> Message:
    """Return the message about one step of an alert, as plain text.

    ``label``: what people call the battery, None for inverter and host. ``at``: when the step
    happened, if that is not ``now``. ``perhaps_again``: it may have been sent already.
    """
    step = _Step(facts, label, texts, zone, now, at or now)
    again = f" ({texts('alerts.perhaps_again')})" if perhaps_again else ""
    lines = [line for lines in step.paragraphs(("meaning", "action")) for line in lines]
    lines += step.also()
    return Message(step.title() + again, "\n".join(lines))


def alert_html(
    facts: AlertTold,
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    at: datetime | None = None,
    perhaps_again: bool = False,
) -> str:
    """Return the same as Telegram's HTML, with the command that tells more."""
    step = _Step(facts, label, texts, zone, now, at or now)
    again = f" <i>({escape(texts('alerts.perhaps_again'))})</i>" if perhaps_again else ""
    parts = [f"{mark(facts)} <b>{escape(step.title())}</b>{again}"]
    paragraphs = step.paragraphs(("meaning", "action", "ask"))
    parts += ["\n".join(map(escape, lines)) for lines in paragraphs if lines]
    if also := step.also():
        parts.append("\n".join(map(escape, also)))
    return "\n\n".join(parts)


def open_message(
    alerts: Sequence[tuple[AlertTold, str | None]],
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> str:
    """Return what is open (facts and label of each, the worst first) as one list, as Telegram's HTML."""
    shown = alerts[:LISTED]
    lines = [f"{mark(facts)} {escape(alert_line(facts, label, texts, zone, now))}" for facts, label in shown]
    if (more := len(alerts) - len(shown)) > 0:
        lines.append(escape(texts.count("alerts.earlier", more)))
    head = f"<b>{escape(texts.count('alerts.open', len(alerts)))}</b>"
    return "\n".join([head, *lines])


def several_message(
    events: Sequence[tuple[AlertTold, str | None, datetime]],
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
) -> Message:
    """Return one message about many steps (facts, label and time of each; in their order), as plain text.

    Of each alert its newest step: what goes on first, then the newest.
    """
    newest: dict[tuple[str, ...], tuple[AlertTold, str | None, datetime]] = {}
    for event in events:
        name = event[0].name
        newest.pop(name, None)
        newest[name] = event
    ordered = list(reversed(newest.values()))
    ordered.sort(key=lambda event: _what(event[0]) == "cleared")
    lines = [f"- {alert_line(facts, label, texts, zone, now, at=at)}" for facts, label, at in ordered[:SHOWN]]
    if (more := len(ordered) - SHOWN) > 0:
        lines.append(texts.count("alerts.earlier", more))
    return Message(texts.count("alerts.several", len(events)), "\n".join(lines))


def alert_line(
    facts: AlertTold,
    label: str | None,
    texts: Texts,
    zone: tzinfo | None,
    now: datetime,
    *,
    at: datetime | None = None,
) -> str:
    """Return an alert on one line, for lists: head line, since when and code. ``at``: as in ``alert_message``."""
    step = _Step(facts, label, texts, zone, now, at or now)
    parts = [step.title(listed=True)]
    if (since := step.since()) is not None:
        parts.append(texts("alerts.since", time=step.moment(since)))
    parts.append(texts("alerts.code", code=_or_unknown(facts.code)))
    return " · ".join(parts)


def explain(rule: Rule, grade: Grade, texts: Texts) -> str:
    """Return what the alert ``grade.code`` is about, with values of an example: plain text, a few lines."""
    looks = {part: look for part, look in (rule.look(rule.example()) or {}).items() if look is not None}
    part = (max if rule.rising else min)(looks, key=lambda part: looks[part].value)
    facts = AlertTold(
        rule=rule.name,
        part=part,
        code=grade.code,
        severity=grade.severity.word,
        value=grade.set,
        set=grade.set,
        clear=grade.clear,
        unit=rule.unit,
        digits=rule.digits,
        facts=dict(looks[part].facts),
    )
    now = datetime.now(UTC)
    step = _Step(facts, "", texts, UTC, now, now)
    limit = step.quantity(facts.set)
    confirmed = [texts.count("alerts.explain.confirmed", grade.samples)] if grade.samples > 1 else []
    if grade.seconds:
        confirmed.append(texts("alerts.explain.lasting", span=texts.span(grade.seconds)))
    way = "above" if rule.rising else "less" if rule.below else "below"
    if (
        rule.below and limit
    ):  # it begins with the next value that can be told, but people say it of the round one
        limit = step.in_own_unit(grade.set + 10.0 ** -(1 if rule.unit == "%" else 0))
    begins = texts(f"alerts.explain.begins_{way}", set=limit) if limit else ""
    lines = [
        texts("alerts.explain.example", title=step.own("title")),
        step.own("meaning"),
        step.own("action"),
        ", ".join([begins, *confirmed]) + "." if begins else "",
        step.over(),
        step.own("explain"),
        texts(f"alerts.explain.{rule.telling.scaled}") if rule.telling.scaled else "",
        step.grade(),
    ]
    return "\n".join(line for line in lines if line)


def mark(facts: AlertTold) -> str:
    """Return the coloured mark of a step: of its severity, or that it is over."""
    what = _what(facts)
    if what in ("test", "acknowledged"):
        return TEST if what == "test" else SEEN
    return OVER if what == "cleared" else MARKS.get(facts.severity, MARKS["warning"])


def severity_of(word: str) -> int:
    """Return how bad a ``severity`` is, to sort by: 0 is the mildest; a word of a newer service is a warning."""
    return SEVERITIES.index(word) if word in SEVERITIES else SEVERITIES.index("warning")


def bms_alarm(name: str, texts: Texts) -> str:
    """Return what an alarm of the BMS, by its ``name`` in the reading, means."""
    if texts.known(key := f"bms_alarms.{name}"):
        return texts(key)
    if name.startswith(UNNAMED) and (bit := name.removeprefix(UNNAMED)).isdecimal():
        return texts("bms_alarms.unknown", bit=bit)
    return clip(name)


def cell_fault(kind: str, texts: Texts, *, advice: bool = False) -> str:
    """Return what health says of a cell (``weak``, ``leaking``, ``bad connection``), or what to do."""
    key = f"health.{kind.replace(' ', '_')}" + (".advice" if advice else "")
    if texts.known(key):
        return texts(key)
    return "" if advice else clip(kind)


class _Fields(dict[str, str]):
    """Values by name; one that was not measured reads as unknown."""

    def __missing__(self, key: str) -> str:
        return UNKNOWN


class _Step(NamedTuple):
    """One step of an alert, and who is told of it when."""

    facts: AlertTold
    label: str | None
    texts: Texts
    zone: tzinfo | None
    now: datetime
    at: datetime  # when it happened

    @property
    def telling(self) -> Telling:
        """The ways of its rule."""
        return telling_of(self.facts.rule)

    def title(self, *, listed: bool = False) -> str:
        """The head line: ``Main: cell 7 is nearly empty, 2.843 V``; ``listed``: without the lines that explain it."""
        facts, texts, what = self.facts, self.texts, _what(self.facts)
        subject = clip(self.label) if self.label is not None else self._subject()
        if what == "cleared" and self._unmeasured() == "all":
            what = "unmeasured"
        if what == "cleared" and not self._unmeasured() and (own := self.own("cleared")):
            return f"{subject}: {own}"
        by = clip(self.facts.acknowledged_by or UNKNOWN)
        if what == "acknowledged" and (others := self.facts.also):
            return texts.count("alerts.seen_all", 1 + len(others), by=by)
        title = self.own("title") or texts("alerts.unknown_rule", rule=clip(facts.rule or UNKNOWN))
        valued = self.telling.valued and what not in ("cleared", "unmeasured", "acknowledged")
        if valued and self._how() not in FORETOLD_NO_MORE and (value := self._told_value(listed)):
            title = f"{title}, {value}"
        return texts(f"alerts.step.{what}", title=f"{subject}: {title}", by=by)

    def paragraphs(self, parts: Sequence[str]) -> Iterator[list[str]]:
        """What stands below; ``parts``: which texts of the rule."""
        what = _what(self.facts)
        if what == "cleared":
            yield list(self._ended())
            return
        if what == "acknowledged":
            yield [self.texts("alerts.fewer"), self.texts("alerts.code_line", code=self._code())]
            return
        if what == "test":
            yield [self.texts("alerts.test_only")]
        yield [*self._numbers(), *self._details()]
        yield [text for part in parts if (text := self.own(part))]
        yield [line for line in (self.over(), self.grade()) if line]

    def also(self) -> list[str]:
        """The other open alerts that the same message names; [] without any."""
        others = self.facts.also
        if not others:
            return []
        shown = list(others[:LISTED])
        header = [self.texts("alerts.also")]
        if _what(self.facts) == "acknowledged":  # then it is one of them
            header, shown = [], [replace(self.facts, what="raised", also=(), label=self.label), *shown]
        lines = [alert_line(one, one.label, self.texts, self.zone, self.now, at=self.at) for one in shown]
        more = [self.texts.count("alerts.earlier", len(others) - LISTED)] if len(others) > LISTED else []
        return [*header, *(f"- {line}" for line in lines), *more]

    def over(self) -> str:
        """What ends it: the text of the rule, else the limit and its direction."""
        if own := self.own("over"):
            return own
        clear, limit, told = self.facts.clear, self.facts.set, self.quantity(self.facts.clear)
        if not told or clear is None or limit is None:
            return ""
        return self.texts("alerts.over_below" if clear < limit else "alerts.over_above", clear=told)

    def grade(self) -> str:
        """Severity and code."""
        word = SEVERITIES[severity_of(self.facts.severity)]
        severity = self.texts(f"alerts.severity.{word}")
        return self.texts("alerts.grade", severity=severity, code=self._code())

    def own(self, part: str) -> str:
        """A text of the rule, filled in; "" when there is none."""
        template = self._template(part)
        return self.texts.spoken(template.format_map(self._values())) if template is not None else ""

    def _template(self, part: str) -> str | None:
        """The text of the rule for what was found, else for how bad it is, else the usual one."""
        rule, found = self.facts.rule, self.facts.facts
        # Advice to charge is none where nothing can charge, or what does: that comes before how bad it is.
        supply = next((name for name in ("charged", "scarce") if found.get(name)), None)
        for variant in (found.get("how"), supply, self.facts.severity):
            if self.texts.known(key := f"alerts.{rule}.{variant}.{part}"):
                return self.texts.template(key)
        return self.texts.template(key) if self.texts.known(key := f"alerts.{rule}.{part}") else None

    def quantity(self, value: float | None) -> str:
        """A value of the rule with its unit; "" for those that are only yes or no."""
        if not self.facts.unit or value is None:
            return ""
        if self.telling.millivolts:
            return self.texts.quantity(1000 * value, "mV")
        return self.in_own_unit(value)

    def _told_value(self, listed: bool) -> str:
        """What is measured, or what lists show in its place."""
        name = self.telling.listed
        if listed and name and _is_number(shown := self.facts.facts.get(name)):
            return self._fact(name, shown)
        return self.quantity(self.facts.value)

    def moment(self, when: datetime) -> str:
        """A time as the reader says it."""
        return self.texts.moment(when, self.zone, self.now)

    def since(self) -> datetime | None:
        """When it began; None when that is not told, or not understood."""
        return self.facts.since_time

    def _numbers(self) -> Iterator[str]:
        texts, parts = self.texts, []
        if self.telling.valued and (limit := self.quantity(self.facts.set)):
            parts.append(texts("alerts.limit", limit=limit))
        if (since := self.since()) is not None:
            time, lasted = self.moment(since), (self.at - since).total_seconds()
            if lasted < LONG:
                parts.append(texts("alerts.since", time=time))
            else:
                parts.append(texts("alerts.since_for", time=time, span=texts.span(lasted)))
        worst = self._worst()
        if _what(self.facts) == "repeat" and worst and worst != self.quantity(self.facts.value):
            parts.append(texts("alerts.worst", value=worst))
        if parts:
            yield _sentence(", ".join(parts)) + "."

    def _details(self) -> Iterator[str]:
        """What else the rule found out; a line is left out when one of its values is not known."""
        yield from self._known_lines("detail")

    def _known_lines(self, part: str) -> Iterator[str]:
        template, fields = self._template(part), self._values()
        for line in template.splitlines() if template is not None else ():
            filled = self.texts.spoken(line.format_map(fields))
            if UNKNOWN not in filled:
                yield filled

    def _ended(self) -> Iterator[str]:
        texts = self.texts
        if (since := self.since()) is not None:
            lasted = self.facts.lasted
            if lasted is None:  # an event of before that was kept
                lasted = max(0.0, (self.at - since).total_seconds())
            yield texts("alerts.lasted", span=texts.span(lasted), time=self.moment(since))
        if gone := self._unmeasured():
            yield texts("alerts.unmeasured_all" if gone == "all" else "alerts.unmeasured")
        yield from self._known_lines("ended")
        worst, value = self._worst(), self.quantity(self.facts.value)
        if worst and value and self.facts.unit != "s":  # a duration is said already
            same = worst == value
            yield (
                _sentence(texts("alerts.worst", value=worst)) + "."
                if same
                else texts("alerts.worst_now", worst=worst, value=value)
            )
        yield texts("alerts.code_line", code=self._code())

    def _worst(self) -> str:
        """The worst value so far; "" for rules whose title says it without a value."""
        return self.quantity(self.facts.peak) if self.telling.valued else ""

    def _unmeasured(self) -> Any:
        """Whether it ended though the cell or probe that it names is gone; ``all``: nothing of the kind is measured."""
        return self.facts.facts.get("unmeasured")

    def _how(self) -> Any:
        return self.facts.facts.get("how")

    def _foretold_at(self) -> datetime:
        """From when a forecast counts: when its facts were last so."""
        seen = moment_of(self.facts.seen)
        return self.at if seen is None else min(seen, self.at)

    def _others(self, others: Any, *, few: bool) -> str:
        """The packs that go on: ``Garage, 80 %, goes on``; ``few``: ``only ...``."""
        named = [
            self.texts("alerts.other", name=clip(one[0]), soc=self.texts.quantity(one[1], "%"))
            for one in others
            if isinstance(one, Sequence) and len(one) == 2 and _is_number(one[1])
        ]
        joined = self.texts("alerts.other_and").join(named)
        key = "alerts.go_on_only" if few else "alerts.go_on"
        return self.texts.count(key, len(named), others=joined)

    def _code(self) -> int | str:
        return _or_unknown(self.facts.code)

    def _values(self) -> _Fields:
        """All values that a text of the rule may name, as people read them."""
        found = self.facts.facts
        fields = _Fields(
            (name, self._fact(name, value)) for name, value in found.items() if value is not None
        )
        fields["tool"] = tool()
        fields["part"] = self._part()
        alert = self.facts
        values = {"value": alert.value, "set": alert.set, "clear": alert.clear, "peak": alert.peak}
        for name, number in values.items():
            fields[name] = self.quantity(number) or self._number(number)
        if (kind := found.get("kind")) is not None:
            fields["kind"] = cell_fault(str(kind), self.texts)
            fields["advice"] = cell_fault(str(kind), self.texts, advice=True)
        for name, bound in (("dark", "low"), ("dark_last", "high")):
            if _is_number(seconds := found.get(bound)):
                fields[name] = self.moment(self._foretold_at() + timedelta(seconds=min(seconds, LONGEST)))
        if isinstance(others := found.get("others"), Sequence) and not isinstance(others, str):
            fields["go_on"] = self._others(others, few=bool(found.get("few")))
        if isinstance(uncounted := found.get("uncounted"), Sequence) and not isinstance(uncounted, str):
            fields["uncounted"] = ", ".join(clip(name) for name in uncounted)
        return fields

    def _fact(self, name: str, value: Any) -> str:
        if name == "verdict" and self.texts.known(key := f"bot.verdict.{value}"):
            return self.texts(key)
        if not _is_number(value):
            return clip(value, LONGEST_FACT)
        unit = self.telling.units.get(name) or FACT_UNITS.get(name)
        if unit is None:
            return self._number(value)
        if unit is OWN:
            return self.in_own_unit(value)
        # What flows out is negative, but "a load of -900 W" is no sentence.
        return self.texts.quantity(abs(value), *unit)

    def _number(self, value: Any) -> str:
        return self.texts.decimal(f"{value:g}") if _is_number(value) else UNKNOWN

    def in_own_unit(self, value: float) -> str:
        unit = clip(self.facts.unit or "", LONGEST_UNIT)
        return self.texts.quantity(value, unit, self.facts.digits)

    def _part(self) -> str:
        part = str(self.facts.part or "")
        key = f"alerts.part.{part}"
        return self.texts(key) if self.texts.known(key) else bms_alarm(part, self.texts)

    def _subject(self) -> str:
        subject = self.facts.subject
        if name := self.facts.inverter or id_of(subject):
            return self.texts("alerts.subject.one_inverter", name=clip(name))
        key = f"alerts.subject.{subject}"
        return self.texts(key) if self.texts.known(key) else clip(subject or UNKNOWN)


def _what(facts: AlertTold) -> str:
    if facts.test or facts.facts.get("test"):
        return "test"
    what = facts.what
    return what if what in ("worse", "repeat", "cleared", "test", "acknowledged") else "raised"


def _or_unknown(code: int | None) -> int | str:
    return UNKNOWN if code is None else code


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
