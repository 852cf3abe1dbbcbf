"""The facts of a day as plain text for a model, and all that it may say of them."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple

from jk_bms.digest.counts import BATTERY_NUMBER, CELL_NUMBER
from jk_bms.digest.facts import WEEK, DayFacts, Extreme, PackDay, Span
from jk_bms.digest.number_words import BATTERY, CELL, FULL, GRID, HOLE, SWITCH
from jk_bms.digest.phases import Level, Phase
from jk_bms.digest.proof import Bond, Known, Value, claims, clean, time_value
from jk_bms.texts.durations import span as duration

LONGEST_NAME = 24  # characters; a longer one is no name but a text
MOST_WORDS = 3
_SIZES = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_PARTS = re.compile(r"([\d.]+) (s|min|h|d)\b")
MOST_LISTED = 12  # of a kind: a flapping grid does not fill the sheet
NOTHING = Known(frozenset(), frozenset(), frozenset())


class Sheet(NamedTuple):
    """What is sent, and what may come back."""

    text: str
    known: Known


def fact_sheet(facts: DayFacts) -> Sheet:
    """Return the sheet of ``facts``, in English and local times; the model answers in any language."""
    writer = _Writer(facts)
    lines = list(writer.lines())
    known = Known(
        frozenset(writer.values),
        frozenset(writer.times),
        frozenset(writer.dates),
        frozenset(writer.bonds),
        frozenset(name for pack in facts.packs if (name := safe_name(pack))),
    )
    return Sheet("\n".join(lines), known)


def safe_name(pack: PackDay) -> str | None:
    """Return the name of a pack if it is nothing but a name; None: better not shown to a model.

    It is foreign text: it may hold numbers, which would be taken for facts, or instructions.
    """
    name = clean(pack.name)
    words = name.split()
    if not name or len(name) > LONGEST_NAME or len(words) > MOST_WORDS or claims(name, NOTHING):
        return None
    letters = name.replace(" ", "").replace("-", "").replace("'", "")
    return name if letters.isalpha() else None


class _Writer:
    """Writes values as text and notes each."""

    def __init__(self, facts: DayFacts) -> None:
        self._facts = facts
        self._zone: tzinfo = facts.zone
        self.values: set[Value] = set()
        self.times: set[tuple[int, int]] = set()
        self.dates: set[date] = {facts.date}
        self.bonds: set[Bond] = set()
        self._of = ("", 0, 0)  # what is written of: topic, index, number of the battery

    def _about(self, topic: str, index: int = 1) -> None:
        """What follows is of ``topic``."""
        self._of = topic, index, self._of[2]

    def lines(self) -> Iterator[str]:
        facts = self._facts
        day = facts.date
        yield f"Date: {day:%Y-%m-%d} ({day:%d-%m-%Y}, {day:%A}). All times are local."
        begins = [pack.since or facts.start for pack in facts.packs if pack.levels]
        start = min(begins, default=facts.start)
        self._about("covered")
        yield f"Covered: from {self._at(start, 'start')} to {self._at(facts.end, 'end')} ({self._span(facts.end - start)})."
        yield f"Batteries: {self._count(BATTERY, len(facts.packs))}."
        if facts.load is not None:
            self._about("load")
            yield f"Highest load of the house: {self._extreme(facts.load, 'power', 0)}."
        if facts.grid is not None:
            never = not facts.grid and not facts.grid_unknown
            # Of a grid that was not watched it is not known that it stayed.
            seen = GRID if facts.grid or never else None
            self._about("grid")
            yield from self._spans(
                seen, "Grid away" if seen else "Grid away as far as it is known: never", facts.grid
            )
            if facts.grid_unknown:
                self._about("grid unknown")
                self._bond("unknown", Value("unknown", Decimal(1)))
                yield from self._spans(None, "Whether the grid was there is not known", facts.grid_unknown)
        else:
            self._about("grid unknown")
            self._bond("unknown", Value("unknown", Decimal(1)))
            yield "Grid: it is not known whether it was away."
            # An outage is what a battery stood in for; without one it is not known.
            for pack in facts.counted:
                if pack.phases:
                    self._count(GRID, len(pack.phases))
        if facts.house is not None:
            yield ""
            yield "House (all its batteries together; of it tell the switches and the charge):"
            yield from self._phases(facts.house)
            yield from self._measured(facts.house)
        for pack in facts.packs:
            self._of = "", 0, pack.number if len(facts.packs) > 1 else 0
            yield ""
            yield from self._pack(pack)

    def _pack(self, pack: PackDay) -> Iterator[str]:
        name = safe_name(pack)
        self._count(BATTERY_NUMBER, pack.number)
        yield f"Battery {pack.number}" + (f' (its owner calls it "{name}"):' if name else ":")
        if not pack.levels:
            yield "- nothing was recorded"
            return
        if pack.since is not None:
            self._about("since")
            yield f"- its recording began at {self._at(pack.since)}; before that nothing is known"
        if self._facts.house is None:
            yield from self._phases(pack)
        yield from self._measured(pack)
        if not any(one.holes or one.since or not one.levels for one in self._facts.packs):
            self._count(HOLE, 0)
        if pack.holes:
            self._about("hole")
            yield from (f"- {line}" for line in self._spans(HOLE, "nothing was recorded", pack.holes))
        cells = {fault.cell for fault in pack.faults}
        if not any(one.faults for one in self._facts.packs):
            self._count(CELL, 0)
        if cells:
            yield f"- cells that are not in order: {self._count(CELL, len(cells))}"
        for fault in pack.faults:
            self._about("cell", fault.cell)
            self._bond("kind", Value(fault.kind, Decimal(1)))
            self._bond("new fault" if fault.new else "old fault", Value(fault.kind, Decimal(1)))
            since = "certain since today" if fault.new else "known before"
            yield f"- cell {self._count(CELL_NUMBER, fault.cell)} is not in order: {fault.kind}, {since}"

    def _phases(self, pack: PackDay) -> Iterator[str]:
        yield f"- switches to autonomous supply (on battery): {self._count(SWITCH, len(pack.phases))}"
        for number, phase in enumerate(pack.phases, 1):
            self._about("phase", number)
            yield f"  {number}. {self._phase(phase)}"
        if pack.fed is None:
            yield "  whether there were short ones is not known"
        elif pack.fed and not pack.phases:
            self._about("fed")
            yield f"  the battery fed the house for {self._span(pack.fed)} in all, too little to count"
        yield f"- full again after such a time: {self._count(FULL, len(pack.full_at))} times" + self._listed(
            f"{at.astimezone(self._zone):%H:%M}" for at in pack.full_at
        )

    def _measured(self, pack: PackDay) -> Iterator[str]:
        if pack.low is not None:
            self._about("low")
            yield f"- lowest charge: {self._level(pack.low)}"
        if pack.high is not None:
            self._about("high")
            yield f"- highest charge: {self._level(pack.high)}"
        if pack.last is not None and pack.levels:
            self._about("begin")
            begin = self._level(pack.levels[0])
            self._about("last")
            last = self._level(pack.last)
            yield f"- charge at the begin: {begin}, at the end: {last}"
        if pack.charged_kwh is not None and pack.discharged_kwh is not None:
            self._about("energy")
            into, out = self._energy(pack.charged_kwh, "in"), self._energy(pack.discharged_kwh, "out")
            yield f"- energy in: {into}, energy out: {out}{self._metered(pack.metered)}"
        else:
            self._about("energy")
            self._bond("unknown", Value("unknown", Decimal(1)))
            yield "- energy in and out: not known"
        yield from self._extremes(pack)
        yield from self._usual(pack)

    def _metered(self, part: Span | None) -> str:
        if part is None:
            return ""
        self._bond("unknown", Value("unknown", Decimal(1)))
        until = "" if part.end is None else f" to {self._at(part.end, 'end')}"
        return f" (only from {self._at(part.start, 'start')}{until}; of the rest of the day it is not known)"

    def _phase(self, phase: Phase) -> str:
        begin = f"from {self._at(phase.start.at, 'start')} (charge {self._percent(phase.start.level, role='begin')})"
        if phase.end is None:
            self._bond("now", Value("now", Decimal(1)))
            end = f"still going on, so far {self._span(self._facts.end - phase.start.at)}"
        else:
            end = f"to {self._at(phase.end, 'end')}, {self._span(phase.end - phase.start.at)}"
        if phase.full_at is None:
            self._bond("not full", Value("not full", Decimal(1)))
        full = "not full again" if phase.end else "not yet charged"
        if phase.full_at is not None:
            full = f"full again at {self._at(phase.full_at, 'full')}"
        low = f"{self._percent(phase.low.level, role='low')} at {self._at(phase.low.at, 'low at')}"
        depth = self._percent(phase.depth, "points", "depth")
        return f"{begin} {end}; lowest {low}, it fell by {depth}; {full}"

    def _extremes(self, pack: PackDay) -> Iterator[str]:
        if pack.draw is not None:
            self._about("draw")
            yield f"- most power drawn: {self._extreme(pack.draw, 'power', 0)}"
        if pack.voltage_low is not None:
            self._about("voltage")
            yield f"- lowest voltage: {self._extreme(pack.voltage_low, 'voltage', 2)}"
        if pack.delta is not None:
            self._about("delta")
            self._note("voltage", f"{pack.delta.value:.3f}")
            at = self._at(pack.delta.at)
            yield f"- highest difference between cells: {pack.delta.value * 1000:.0f} mV at {at}"
        if pack.warmest is not None and pack.coldest is not None:
            self._about("warm")
            warmest = self._extreme(pack.warmest, "temperature", 1)
            self._about("cold")
            yield f"- temperature: from {self._extreme(pack.coldest, 'temperature', 1)} to {warmest}"

    def _usual(self, pack: PackDay) -> Iterator[str]:
        usual = pack.usual
        if usual is None:
            return
        self._about("energy")
        for days in (usual.days, WEEK):
            self._note("day", str(days))
        yield f"- means of {usual.days} days of the {WEEK} before:"
        pairs = (
            ("in", usual.charged_kwh, pack.charged_kwh),
            ("out", usual.discharged_kwh, pack.discharged_kwh),
        )
        for flow, mean, today in pairs:
            if mean is not None:
                whole = None if pack.metered or pack.since else today
                yield f"  energy {flow} {self._energy(mean, f'mean {flow}')}{self._compared(whole, mean, flow)}"
        if usual.low is not None:
            yield f"  lowest charge {self._percent(usual.low, role='mean low')}"

    def _compared(self, today: float | None, mean: float, flow: str) -> str:
        share = percent_more(today, mean)
        if share is None:
            return ""
        sense = "less" if share < 0 else "more" if share > 0 else "same"
        self._bond(f"{sense} {flow}", Value(sense, Decimal(1)))
        self._note("percent", f"{abs(share)}", f"{sense} {flow}")
        return f" (today {abs(share)} % {'less' if share < 0 else 'more'})" if share else " (today the same)"

    def _spans(self, kind: str | None, what: str, spans: tuple[Span, ...]) -> Iterator[str]:
        total = sum((((one.end or self._facts.end) - one.start) for one in spans), timedelta())
        times = f" {self._count(kind, len(spans))} times" + ("," if spans else "") if kind else ""
        topic = self._of[0]
        self._about(topic, 0)  # of all of them
        together = f" together {self._span(total, 'total')}" if spans else ""
        listed = []
        for index, one in enumerate(spans, 1):
            self._about(topic, index)
            listed.append(self._one_span(one))
        yield f"{what}:{times}{together}" + self._listed(listed[:MOST_LISTED])

    def _one_span(self, span: Span) -> str:
        start = f"from {self._at(span.start, 'start')} "
        if span.end is None:
            self._bond("now", Value("now", Decimal(1)))
            return f"{start}on, it still is so"
        return f"{start}to {self._at(span.end, 'end')} ({self._span(span.end - span.start)})"

    def _listed(self, items: Iterable[str]) -> str:
        text = "; ".join(items)
        return f": {text}" if text else ""

    def _bond(self, role: str, value: Value) -> None:
        topic, index, pack = self._of
        self.bonds.add(Bond(topic, index, role, value, pack))

    def _note(self, kind: str, number: str, role: str = "value") -> None:
        value = Value(kind, Decimal(number))
        self.values.add(value)
        self._bond(role, value)

    def _count(self, kind: str, number: int) -> str:
        self._note(kind, str(number))
        return str(number)

    def _percent(self, value: float, unit: str = "%", role: str = "value") -> str:
        self._note("percent", f"{value:.1f}", role)
        return f"{value:.1f} {unit}"

    def _energy(self, kwh: float, role: str) -> str:
        self._note("energy", f"{Decimal(f'{kwh:.1f}') * 1000}", role)
        return f"{kwh:.1f} kWh"

    def _extreme(self, extreme: Extreme, kind: str, digits: int) -> str:
        number = f"{extreme.value:.{digits}f}"
        self._note(kind, number)
        unit = {"power": "W", "temperature": "°C", "voltage": "V"}[kind]
        return f"{number} {unit} at {self._at(extreme.at)}"

    def _level(self, level: Level) -> str:
        return f"{self._percent(level.level)} at {self._at(level.at)}"

    def _span(self, span: timedelta, role: str = "span") -> str:
        """Return a duration as texts show it, so that both say the same."""
        text = duration(span.total_seconds())
        self._note("duration", str(sum(float(n) * _SIZES[unit] for n, unit in _PARTS.findall(text))), role)
        return text

    def _at(self, at: datetime, role: str = "at") -> str:
        local = at.astimezone(self._zone)
        self._bond(role, time_value(local.hour, local.minute))
        self.times.add((local.hour, local.minute))
        self.dates.add(local.date())
        return f"{local:%H:%M}" if local.date() == self._facts.date else f"{local:%Y-%m-%d %H:%M}"


def percent_more(today: float | None, mean: float) -> int | None:
    """By how many percent ``today`` is more than ``mean``; None where that tells nothing."""
    if today is None or mean < 0.5 or not 0.1 <= today / mean <= 10.0:
        return None
    return round(100 * (today / mean - 1.0))
