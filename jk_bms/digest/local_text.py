"""The digest in our own words: always there, with or without a model."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from jk_bms.digest.fact_sheet import percent_more
from jk_bms.digest.facts import DayFacts, Extreme, PackDay, Span
from jk_bms.digest.phases import Level, Phase
from jk_bms.texts import Texts, clip

MOST_LISTED = 5  # times of one kind; the rest are a number
APART = 3.0  # points by which a pack's charge differs from that of its house
APART_C = 5.0  # °C, and its temperature
APART_SHARE = 0.2  # and its part of what flowed from what it should be by its size
LEAST_KWH = 1.0  # of less than that no part is judged
_POINT = "• "


class Part(NamedTuple):
    """Lines that tell one thing, and by which name a model may ask for it."""

    name: str
    lines: tuple[str, ...]
    must: bool = False  # whether a digest without it would hide something
    group: int = 0  # between parts of two groups an empty line stands


def local_text(facts: DayFacts, texts: Texts) -> str:
    """Return the digest of ``facts`` as plain text, a few short lines for each battery."""
    return joined(title(facts, texts), parts(facts, texts))


def parts(facts: DayFacts, texts: Texts) -> list[Part]:
    """Return all that a digest tells, in the order of our own; the names differ, and are the same in all languages."""
    return [part for part in _Teller(facts, texts).parts() if part.lines]


def joined(first: str, told: Iterable[Part]) -> str:
    """Return ``first`` and the lines of ``told`` as a text."""
    lines, group = [first], 0
    for part in told:
        if part.group != group:
            lines.append("")
        lines += part.lines
        group = part.group
    return "\n".join(lines)


def title(facts: DayFacts, texts: Texts) -> str:
    """Return the line above a digest."""
    noon = datetime.combine(facts.date, datetime.min.time(), facts.zone) + timedelta(hours=12)
    return texts("digest.title", date=f"{texts.date(noon, facts.zone)} {facts.date.year}")


def own_count(facts: DayFacts, texts: Texts) -> str:
    """Return how often each battery stood in and how low it went, as a line each."""
    teller = _Teller(facts, texts)
    key = "digest.own" if len(facts.counted) < 2 else "digest.own.named"
    return "\n".join(
        texts.count(
            key,
            len(pack.phases),
            number=pack.number,
            low=teller.percent(pack.low.level),
            at=teller.at(pack.low.at),
        )
        for pack in facts.counted
        if pack.low is not None
    )


class _Teller:
    def __init__(self, facts: DayFacts, texts: Texts) -> None:
        self._facts = facts
        self._texts = texts

    def parts(self) -> Iterator[Part]:
        facts, texts = self._facts, self._texts
        if not facts.known:
            yield Part("nothing_recorded", (texts("digest.nothing"),), must=True)
            yield from self._house()
        elif facts.house is not None:
            yield from self._charge(facts.house)
            yield from self._measured(facts.house)
            yield from self._house()
            lines = {pack.number: self._differs(pack, facts.house) for pack in facts.packs}
            for number, line in lines.items():
                yield Part(f"battery_{number}", (line,) if line else (), must=True, group=1)
            if not any(lines.values()):
                yield Part("batteries_alike", (texts("digest.alike"),))
        elif len(facts.packs) == 1:
            yield from self._pack(facts.packs[0])
            yield from self._house()
        else:
            for pack in facts.packs:
                head = texts("digest.pack", number=pack.number, name=clip(pack.name))
                lines_of_all = [line for part in self._pack(pack) for line in part.lines]
                yield Part(f"battery_{pack.number}", (head, *lines_of_all), must=True, group=pack.number)
            yield from (part._replace(group=-1) for part in self._house())

    def _house(self) -> Iterator[Part]:
        facts, texts = self._facts, self._texts
        if facts.load is not None:
            yield Part("highest_load", (texts("digest.load", **self._watts(facts.load)),))
        yield Part("grid", tuple(self._grid()), must=bool(facts.grid or facts.grid_unknown))

    def _grid(self) -> Iterator[str]:
        facts, texts = self._facts, self._texts
        if facts.grid:
            yield self._spans("digest.grid", facts.grid)
        elif facts.grid is not None:
            yield texts("digest.grid.unseen" if facts.grid_unknown else "digest.grid.none")
        if facts.grid is not None and facts.grid_unknown:
            yield texts("digest.grid.unknown", **self._told(facts.grid_unknown))
        elif facts.grid_unknown:
            yield texts("digest.grid.unwatched")

    def _pack(self, pack: PackDay) -> Iterator[Part]:
        texts = self._texts
        if not pack.levels:
            yield Part("nothing_recorded", (texts("digest.pack.nothing"),), must=True)
            return
        if pack.since is not None:
            yield Part("recording_began", (texts("digest.since", at=self.at(pack.since)),), must=True)
        yield from self._charge(pack)
        yield from self._measured(pack)
        if pack.holes:
            yield Part("missing_data", (self._spans("digest.holes", pack.holes),), must=True)
        yield Part("cells_not_in_order", tuple(self._faults(pack)), must=True)

    def _charge(self, pack: PackDay) -> Iterator[Part]:
        yield Part("times_on_battery", tuple(self._phases(pack)), must=True)
        if pack.low is not None and pack.last is not None:
            key = "digest.low" if pack is not self._facts.house else "digest.house"
            yield Part("lowest_charge", (self._texts(key, **self._ends(pack.low, pack.last)),), must=True)

    def _phases(self, pack: PackDay) -> Iterator[str]:
        texts = self._texts
        if pack.phases:
            yield texts.count("digest.phases", len(pack.phases))
            for phase in pack.phases[:MOST_LISTED]:
                yield _POINT + self._phase(phase)
            if len(pack.phases) > MOST_LISTED:
                yield _POINT + texts.count("digest.more", len(pack.phases) - MOST_LISTED)
        elif pack.fed is None:
            yield texts("digest.phases.unseen")
        elif pack.fed:
            yield texts("digest.phases.short", span=texts.span(pack.fed.total_seconds()))
        else:
            yield texts("digest.phases.none")

    def _ends(self, low: Level, last: Level) -> dict[str, str]:
        return {"low": self.percent(low.level), "at": self.at(low.at), "last": self.percent(last.level)}

    def _measured(self, pack: PackDay) -> Iterator[Part]:
        """Energy and extremes, of a pack or of a house."""
        texts = self._texts
        if pack.charged_kwh is not None and pack.discharged_kwh is not None:
            energy = texts(
                f"digest.energy{self._metered(pack)}",
                **self._energy(pack),
                usual=self._usual(pack),
                start=self.at(pack.metered.start) if pack.metered else "",
                end=self.at(pack.metered.end) if pack.metered and pack.metered.end else "",
            )
            yield Part("energy", (energy,))
        elif pack.levels:
            yield Part("energy", (texts("digest.energy.unknown"),))
        if pack.draw is not None and self._facts.load is None:
            yield Part("highest_power", (texts("digest.draw", **self._watts(pack.draw)),))
        if pack.delta is not None:
            yield Part("cell_difference", (self._delta(pack, pack.delta),))
        if pack.coldest is not None and pack.warmest is not None:
            yield Part("temperature", (self._temperature(pack.coldest, pack.warmest),))

    def _delta(self, pack: PackDay, delta: Extreme) -> str:
        value, at = self._texts.quantity(1000 * delta.value, "mV"), self.at(delta.at)
        worst = next((one.number for one in self._facts.packs if one.delta == delta), None)
        if pack is self._facts.house and worst is not None:
            return self._texts("digest.delta.of", value=value, at=at, number=worst)
        return self._texts("digest.delta", value=value, at=at)

    def _temperature(self, coldest: Extreme, warmest: Extreme) -> str:
        texts = self._texts
        low, high = (texts.quantity(one.value, "°C", 1) for one in (coldest, warmest))
        if low == high:
            return texts("digest.temperature.same", value=high)
        return texts("digest.temperature", low=texts.number(coldest.value, 1), high=high)

    def _energy(self, pack: PackDay) -> dict[str, str]:
        assert pack.charged_kwh is not None
        assert pack.discharged_kwh is not None
        into, out = (self._texts.quantity(kwh, "kWh", 1) for kwh in (pack.charged_kwh, pack.discharged_kwh))
        return {"into": into, "out": out}

    def _metered(self, pack: PackDay) -> str:
        if pack.metered is None:
            return ""
        return ".since" if pack.metered.end is None else ".part"

    def _faults(self, pack: PackDay) -> Iterator[str]:
        texts = self._texts
        for fault in pack.faults:
            kind = f"digest.kind.{fault.kind}"
            yield texts(
                "digest.fault.new" if fault.new else "digest.fault",
                cell=fault.cell,
                kind=texts(kind) if texts.known(kind) else fault.kind,
            )

    def _differs(self, pack: PackDay, house: PackDay) -> str | None:
        """A line of what ``pack`` has otherwise than its house, or alone; None: nothing."""
        texts, told = self._texts, list[str]()
        if not pack.levels:
            told.append(texts("digest.pack.nothing"))
        if pack.since is not None:
            told.append(texts("digest.since", at=self.at(pack.since)))
        pairs = ((pack.low, house.low), (pack.last, house.last))
        apart = any(own and all_ and abs(own.level - all_.level) >= APART for own, all_ in pairs)
        if apart and pack.low is not None and pack.last is not None:
            told.append(texts("digest.low", **self._ends(pack.low, pack.last)))
        if _flows_otherwise(pack, self._facts):
            told.append(texts("digest.energy", **self._energy(pack), usual=""))
        ends = ((pack.coldest, house.coldest), (pack.warmest, house.warmest))
        apart = any(own and all_ and abs(own.value - all_.value) >= APART_C for own, all_ in ends)
        if apart and pack.coldest is not None and pack.warmest is not None:
            told.append(self._temperature(pack.coldest, pack.warmest))
        if pack.holes:
            told.append(self._spans("digest.holes", pack.holes))
        told += self._faults(pack)
        if not told:
            return None
        return f"{texts('digest.pack', number=pack.number, name=clip(pack.name))}. {' '.join(told)}"

    def _phase(self, phase: Phase) -> str:
        texts = self._texts
        told = texts(
            "digest.phase" if phase.end else "digest.phase.open",
            start=self.at(phase.start.at),
            end=self.at(phase.end) if phase.end else "",
            span=texts.span(((phase.end or self._facts.end) - phase.start.at).total_seconds()),
            begin=self.percent(phase.start.level),
            low=self.percent(phase.low.level),
            low_at=self.at(phase.low.at),
        )
        if phase.full_at is not None:
            return told + texts("digest.phase.full", at=self.at(phase.full_at))
        return told + (texts("digest.phase.not_full") if phase.end else "")

    def _usual(self, pack: PackDay) -> str:
        mean = pack.usual.discharged_kwh if pack.usual and not (pack.metered or pack.since) else None
        share = None if mean is None else percent_more(pack.discharged_kwh, mean)
        if share is None:
            return ""
        what = "more" if share > 0 else "less" if share < 0 else "same"
        return self._texts(f"digest.usual.{what}", percent=f"{abs(share)} %")

    def _spans(self, key: str, spans: tuple[Span, ...]) -> str:
        values = self._told(spans)
        if len(spans) == 1:
            return self._texts(f"{key}.one", **values)
        return self._texts.count(key, len(spans), **values)

    def _told(self, spans: tuple[Span, ...]) -> dict[str, str]:
        texts = self._texts
        listed = [self._listed(one) for one in spans[:MOST_LISTED]]
        if len(spans) > MOST_LISTED:
            listed.append(texts.count("digest.more", len(spans) - MOST_LISTED))
        total = sum(((one.end or self._facts.end) - one.start for one in spans), timedelta())
        return {"span": texts.span(total.total_seconds()), "list": ", ".join(listed)}

    def _listed(self, span: Span) -> str:
        start = self.at(span.start)
        if span.end is None:
            return self._texts("digest.span.open", start=start)
        end = self.at(span.end)
        return start if start == end else self._texts("digest.span", start=start, end=end)

    def _watts(self, extreme: Extreme) -> dict[str, str]:
        return {"value": self._texts.quantity(extreme.value, "W"), "at": self.at(extreme.at)}

    def percent(self, value: float) -> str:
        """``41.3 %``."""
        return self._texts.quantity(value, "%", 1)

    def at(self, at: datetime) -> str:
        """Return a local time, with its day where that is another one."""
        local = at.astimezone(self._facts.zone)
        if local.date() == self._facts.date:
            return f"{local:%H:%M}"
        return f"{self._texts.date(at, self._facts.zone)} {local:%H:%M}"


def _flows_otherwise(pack: PackDay, facts: DayFacts) -> bool:
    """Whether a pack gave or took another part of the energy than its size says."""
    packs = [one for one in facts.packs if one.levels]
    sizes = [one.capacity_ah or 0.0 for one in packs]
    weight = (pack.capacity_ah or 0.0) / sum(sizes) if all(sizes) else 1.0 / len(packs)
    for field in ("charged_kwh", "discharged_kwh"):
        flows = [getattr(one, field) for one in packs]
        if None in flows or getattr(pack, field) is None:
            return pack.charged_kwh is not None and pack.discharged_kwh is not None
        total = sum(flows)
        if total >= LEAST_KWH and abs(getattr(pack, field) - weight * total) > APART_SHARE * weight * total:
            return pack.charged_kwh is not None and pack.discharged_kwh is not None
    return False
