"""The digest in our own words: always there, with or without a model."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from jk_bms.digest.fact_sheet import percent_more
from jk_bms.digest.facts import DayFacts, Extreme, PackFacts, Span
from jk_bms.digest.phases import Phase
from jk_bms.texts import Texts, clip

MOST_LISTED = 5  # times of one kind; the rest are a number
_POINT = "• "


def local_text(facts: DayFacts, texts: Texts) -> str:
    """Return the digest of ``facts`` as plain text, a few short lines for each battery."""
    return "\n".join(_Teller(facts, texts).lines())


def title(facts: DayFacts, texts: Texts) -> str:
    """Return the line above a digest."""
    noon = datetime.combine(facts.date, datetime.min.time(), facts.zone) + timedelta(hours=12)
    return texts("digest.title", date=f"{texts.date(noon, facts.zone)} {facts.date.year}")


def own_count(facts: DayFacts, texts: Texts) -> str:
    """Return how often each battery stood in and how low it went, as a line each."""
    teller = _Teller(facts, texts)
    key = "digest.own" if len(facts.packs) < 2 else "digest.own.named"
    return "\n".join(
        texts.count(
            key,
            len(pack.phases),
            number=pack.number,
            low=teller.percent(pack.low.level),
            at=teller.at(pack.low.at),
        )
        for pack in facts.packs
        if pack.low is not None
    )


class _Teller:
    def __init__(self, facts: DayFacts, texts: Texts) -> None:
        self._facts = facts
        self._texts = texts

    def lines(self) -> Iterator[str]:
        facts, texts = self._facts, self._texts
        yield title(facts, texts)
        if not facts.known:
            yield texts("digest.nothing")
        yield from self._together()
        for pack in facts.packs if facts.known else ():
            if len(facts.packs) > 1:
                yield ""
                yield texts("digest.pack", number=pack.number, name=clip(pack.name))
            yield from self._pack(pack)
        house = list(self._house())
        if house and len(facts.packs) > 1:
            yield ""
        yield from house

    def _together(self) -> Iterator[str]:
        """What several packs had together."""
        levels, texts = self._facts.house_levels, self._texts
        if not levels:
            return
        low = min(levels, key=lambda level: level.level)
        last = self.percent(levels[-1].level)
        yield texts("digest.house", last=last, low=self.percent(low.level), at=self.at(low.at))
        packs = [pack for pack in self._facts.packs if pack.levels]
        into = [pack.charged_kwh for pack in packs if pack.charged_kwh is not None]
        out = [pack.discharged_kwh for pack in packs if pack.discharged_kwh is not None]
        if len(into) == len(out) == len(packs):
            totals = (texts.quantity(sum(values), "kWh", 1) for values in (into, out))
            yield texts("digest.house.energy", **dict(zip(("into", "out"), totals, strict=True)))

    def _house(self) -> Iterator[str]:
        facts, texts = self._facts, self._texts
        if facts.load is not None:
            yield texts("digest.load", **self._watts(facts.load))
        if facts.grid:
            yield self._spans("digest.grid", facts.grid)
        elif facts.grid is not None:
            yield texts("digest.grid.none")

    def _pack(self, pack: PackFacts) -> Iterator[str]:
        texts = self._texts
        if not pack.levels:
            yield texts("digest.pack.nothing")
            return
        if pack.phases:
            yield texts.count("digest.phases", len(pack.phases))
            for phase in pack.phases[:MOST_LISTED]:
                yield _POINT + self._phase(phase)
            if len(pack.phases) > MOST_LISTED:
                yield _POINT + texts.count("digest.more", len(pack.phases) - MOST_LISTED)
        else:
            yield texts("digest.phases.none")
        if pack.low is not None and pack.last is not None:
            last = self.percent(pack.last.level)
            yield texts("digest.low", low=self.percent(pack.low.level), at=self.at(pack.low.at), last=last)
        if pack.charged_kwh is not None and pack.discharged_kwh is not None:
            yield texts(
                "digest.energy",
                into=texts.quantity(pack.charged_kwh, "kWh", 1),
                out=texts.quantity(pack.discharged_kwh, "kWh", 1),
                usual=self._usual(pack),
            )
        if pack.draw is not None and self._facts.load is None:
            yield texts("digest.draw", **self._watts(pack.draw))
        if pack.delta is not None:
            value = texts.quantity(1000 * pack.delta.value, "mV")
            yield texts("digest.delta", value=value, at=self.at(pack.delta.at))
        if pack.coldest is not None and pack.warmest is not None:
            low, high = (texts.quantity(one.value, "°C", 1) for one in (pack.coldest, pack.warmest))
            if low == high:
                yield texts("digest.temperature.same", value=high)
            else:
                yield texts("digest.temperature", low=texts.number(pack.coldest.value, 1), high=high)
        if pack.holes:
            yield self._spans("digest.holes", pack.holes)
        for fault in pack.faults:
            kind = f"digest.kind.{fault.kind}"
            yield texts(
                "digest.fault.new" if fault.new else "digest.fault",
                cell=fault.cell,
                kind=texts(kind) if texts.known(kind) else fault.kind,
            )

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

    def _usual(self, pack: PackFacts) -> str:
        mean = pack.usual.discharged_kwh if pack.usual else None
        share = None if mean is None else percent_more(pack.discharged_kwh, mean)
        if share is None:
            return ""
        what = "more" if share > 0 else "less" if share < 0 else "same"
        return self._texts(f"digest.usual.{what}", percent=f"{abs(share)} %")

    def _spans(self, key: str, spans: tuple[Span, ...]) -> str:
        texts = self._texts
        listed = [
            texts("digest.span", start=self.at(one.start), end=self.at(one.end))
            if one.end
            else texts("digest.span.open", start=self.at(one.start))
            for one in spans[:MOST_LISTED]
        ]
        if len(spans) > MOST_LISTED:
            listed.append(texts.count("digest.more", len(spans) - MOST_LISTED))
        total = sum(((one.end or self._facts.end) - one.start for one in spans), timedelta())
        values = {"span": texts.span(total.total_seconds()), "list": ", ".join(listed)}
        if len(spans) == 1:
            return texts(f"{key}.one", **values)
        return texts.count(key, len(spans), **values)

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
