"""What a number or a time may be of, by the words around it: as topics and roles of a bond. Pure."""

import re

from jk_bms.digest.proof import TIME
from jk_bms.digest.sentence import FROM, POINT, SEVERAL, TIMES, TO, Sentence

Role = tuple[str, str]  # topic and role of a Bond

# By the kind of a number: cues that say what it is of, and the bonds that each allows. A range has two.
_PERCENT: dict[str, tuple[Role, ...]] = {
    "low": (("low", "value"), ("phase", "low")),
    "high": (("high", "value"),),
    "begin": (("begin", "value"),),
    "last": (("last", "value"),),
    "full": (("high", "value"),),
    "closed": (("last", "value"),),
}
FLOWS = ("in", "out")
_POWER: dict[str, tuple[Role, ...]] = {"load": (("load", "value"),), "draw": (("draw", "value"),)}
_VOLTS: dict[str, tuple[Role, ...]] = {"delta": (("delta", "value"),), "voltage": (("voltage", "value"),)}
_RANGED = tuple(
    tag
    for tag in TIMES
    if tag not in ("low", "high", "full", "load", "draw", "delta", "voltage", "last", "low temp", "high temp")
)
_DURATIONS = {
    "phase": ("phase", "fed"),
    "over phase": ("phase",),
    "fed": ("fed",),
    "grid": ("grid", "grid unknown"),
    "grid away": ("grid",),
    "away": ("grid",),
    "hole": ("hole",),
    "covered": ("covered",),
    "unknown": ("grid unknown",),
}
_SUPERLATIVE = re.compile(r"min|lowest|least|bottomed|at worst|найнижч|мінім|найменш", re.IGNORECASE)
_OF_DAY = re.compile(r"(?<!\w)(?:of|за) (?:the |all |whole )*(?:day|день|добу|дня|доби)(?!\w)", re.IGNORECASE)
_THAN = re.compile(r"(?<!\w)(?:than|ніж|за)(?!\w)", re.IGNORECASE)
_POINTS = re.compile(r"point|пункт|п\.\s?п|pp", re.IGNORECASE)
_MORE = re.compile(r"\s*(?:more|higher|above|больше|більше|вище)(?!\w)", re.IGNORECASE)
_LESS = re.compile(r"\s*(?:less|lower|fewer|below|менше|нижче)(?!\w)", re.IGNORECASE)


class Roles(Sentence):
    """A sentence that knows what each of its claims may be of."""

    def _roles(self, index: int) -> tuple[tuple[Role, ...], bool]:
        """The bonds that a claim may have by the words around it, and whether these stand in its own clause."""
        said = self._said[index]
        match said.claim.kind:
            case "percent":
                return self._percent(index)
            case "energy":
                return self._energy(index)
            case "power":
                cue, own = self._governing(index, ("load", "draw", "low"))
                return _POWER.get(cue, () if cue == "low" else (("load", "value"), ("draw", "value"))), own
            case "voltage":
                cue, own = self._governing(index, ("delta", "voltage"))
                both = (("delta", "value"), ("voltage", "value"))
                extreme, _ = self._governing(index, ("low", "high"))
                roles = _VOLTS.get(cue, both)
                return tuple(
                    role
                    for role in roles
                    if extreme != ("high" if role[0] == "voltage" else "low")
                    and (role[0] != "voltage" or extreme == "low")
                ), own
            case "temperature":
                return self._temperature(index)
            case "duration":
                tags = (
                    "phase", "over phase", "grid", "grid away", "away", "hole", "covered", "unknown", "fed", "full",
                )  # fmt: skip
                cue, own = self._governing(index, tags, far=True)
                if not own and self._is_placed(index):
                    cue = "phase"
                return tuple(
                    (topic, role)
                    for topic in _DURATIONS.get(cue, ())
                    for role in self._span_roles(index, topic)
                ), own
        return self._time(index)

    def _span_roles(self, index: int, topic: str) -> tuple[str, ...]:
        """Of one of several, only where it is said of which."""
        several = (
            len({bond.nth for bond in self._known.bonds if bond.topic == topic and bond.role == "start"}) > 1
        )
        timed = any(one.claim.kind == TIME for one in self._said) or POINT.match(self._words, self._start)
        placed = bool(self._places(self._start, self._finish))
        total = self._near(index, "span total")
        return (
            ("total", "value") if several and (total or not (timed or placed)) else ("span", "total", "value")
        )

    def _percent(self, index: int) -> tuple[tuple[Role, ...], bool]:
        said = self._said[index]
        after = self._words[said.end : said.end + 40]
        near = [
            cue.tag
            for cue in self._cues
            if said.end <= cue.start and not self._words[said.end : cue.start].strip()
        ]
        if _POINTS.search(self._text[said.claim.start : said.end]):
            tags = {cue.tag for cue in self._cues}
            of_grid = "grid away" in tags and not tags & {"phase", "over phase"}
            return () if of_grid else (("phase", "depth"),), True
        sense = next((tag for tag in ("more", "less") if tag in near), None) or (
            "more" if _MORE.match(after) else "less" if _LESS.match(after) else None
        )
        if sense:
            if self._between_flows(index):
                return (), True
            flow, _ = self._governing(index, (*FLOWS, "draw"))
            flow = "out" if flow == "draw" else flow
            return tuple(("energy", f"{sense} {one}") for one in FLOWS if flow in (one, "")), True
        if said.joined or self._joined_next(index):
            cue, _ = self._governing(index, ("fall", "move"), here=True)
            second = said.joined
            if self._governing(index, ("in",), here=True)[0]:
                return (), True  # from where to where it was charged is no fact
            falls = ("phase", "low" if second else "begin")
            moves = ("high" if second else "low", "value")
            between = said.before if second else self._said[index + 1].before
            if cue == "fall" or "down" in between:
                return (falls,), True
            return (moves,) if cue == "move" else (falls, moves), True
        cue, own = self._governing(index, (*_PERCENT, "mean", "fall"))
        if cue == "mean" or self._is_usual(index) or (cue == "low" and self._near(index, "mean")):
            return (("energy", "mean low"),), own
        if cue == "fall":
            if FROM.search(said.before):
                return (("phase", "begin"),), True
            if TO.search(said.before):
                return (("phase", "low"), ("low", "value")), True
            return (), own
        roles = _PERCENT.get(cue, (("low", "value"),))
        if cue == "low" and self._of_the_day():
            roles = (("low", "value"),)
        if cue == "low" and FROM.search(said.before):
            return (("phase", "begin"),), own
        if not cue:
            following, _ = self._governing(index, ("low",), after=True)
            charged = FROM.search(said.before) or following
            if TO.search(said.before):
                return (*roles, ("phase", "low")), own
            return (*roles, ("phase", "begin")) if charged else roles, own
        return roles, own

    def _of_the_day(self) -> bool:
        """Whether a lowest charge that the sentence tells is that of the day: it says so, or names no time on battery."""
        lows = [self._shown(cue) for cue in self._cues if cue.tag == "low"]
        of_day = _OF_DAY.search(self._text, self._start, self._finish)
        if of_day is None and not any(_SUPERLATIVE.match(low) for low in lows):
            return False
        if POINT.match(self._words, self._start) or self._places(self._start, self._finish):
            return False
        phases = {bond.nth for bond in self._known.bonds if (bond.topic, bond.role) == ("phase", "start")}
        if len(phases) == 1 and any(cue.tag in ("phase", "over phase") for cue in self._cues):
            return False
        # A time from when to when, or a fall from a charge, names one as well.
        return not any(
            one.joined
            or (one.claim.kind in (TIME, "percent") and FROM.search(one.before))
            or (one.claim.kind == TIME and self._joined_next(at))
            for at, one in enumerate(self._said)
        )

    def _between_flows(self, index: int) -> bool:
        """Whether a share compares what went in with what went out: the sheet does not."""
        begin, end = self._region(index, same_kind=True)
        tags = {cue.tag for cue in self._cues if begin <= cue.start < end}
        return {*FLOWS} <= tags and _THAN.search(self._words, begin, end) is not None

    def _energy(self, index: int) -> tuple[tuple[Role, ...], bool]:
        flow, own = self._governing(index, (*FLOWS, "draw"))
        flow = "out" if flow == "draw" else flow  # "the battery delivered"
        first = next(one.claim.start for one in self._said if one.claim.kind == "energy")
        begins = any(cue.tag == "mean" and cue.start < first for cue in self._cues)  # on average, a and b
        mean = begins or self._near(index, "mean") or self._is_usual(index)
        if not flow:
            return (), own
        return (("energy", f"mean {flow}" if mean else flow),), own

    def _temperature(self, index: int) -> tuple[tuple[Role, ...], bool]:
        cold, warm = ("cold", "value"), ("warm", "value")
        said = self._said[index]
        if said.joined:
            return (warm,), True
        if self._joined_next(index):
            return (cold,), True
        cue, own = self._governing(index, ("low temp", "high temp", "low", "high"))
        both = [one for one in self._said if one.claim.kind == "temperature"]
        if (
            not own and len(both) == 2 and FROM.search(both[0].before)
        ):  # from 5.6 °C (00:16) to 40.8 °C (01:56)
            return (cold,) if both[0] is said else (warm,), True
        if not cue:
            values = {bond.value for bond in self._known.bonds if bond.topic in ("cold", "warm")}
            same = len({value for value in values if value.kind == "temperature"}) == 1
            return (cold, warm) if same else (), own
        return (cold,) if cue.startswith("low") else (warm,), own

    def _time(self, index: int) -> tuple[tuple[Role, ...], bool]:
        said = self._said[index]
        head = said.before
        if "[" in self._words[self._start : said.claim.start]:
            return (("phase", "full"),), True
        ranged = said.joined or self._joined_next(index) or self._starts(head)
        cue, own = self._governing(index, _RANGED if ranged else tuple(TIMES), far=True)
        if cue == "low" or cue == "high":
            special = self._subject(index)
            if special:
                cue = "low temp" if special == "temp" and cue == "low" else special
                cue = "high temp" if cue == "temp" else cue
        was_full = cue == "full"
        if not own and self._is_placed(index):
            cue = "phase"  # "the first time"
        if not cue and ranged and POINT.match(self._words, self._start):
            cue = "phase"  # a list of spans and no more
        if not cue:
            return (("low", "at"),), own
        topics = TIMES[cue]
        tags = {one.tag for one in self._cues}
        if "unknown" in tags and tags & {"unseen", "zero", "never"} and "grid" in topics:
            topics = (*topics, "grid unknown")
        if "energy" in topics and not ranged and not self._ends_span(head):
            return (), own
        roles: list[Role] = [("phase", "full")] if was_full else []
        for topic in topics:
            if topic == "phase" and cue == "full":
                roles.append((topic, "full"))
            elif topic == "phase" and cue == "low":
                if not self._of_the_day():
                    roles.append((topic, "low at"))
            elif said.joined or self._ends_span(head):
                roles.append((topic, "end"))
            elif self._starts(head) or topic in (*SEVERAL, "covered", "energy"):
                ended = self._tags_before(index) & {"end", "closed"}
                roles.append((topic, "end" if ended and not self._starts(head) else "start"))
                roles.append((topic, "at"))
            else:
                roles.append((topic, "at"))
        return tuple(roles), own

    def _is_placed(self, index: int) -> bool:
        """Whether what stands before a claim speaks of the first, second or third time on battery, and of nothing else."""
        told = {topic for cue in self._cues for topic in TIMES.get(cue.tag, ())} & {*SEVERAL}
        return told <= {"phase"} and bool(self._ordinals(self._start, self._said[index].claim.start))

    def _subject(self, index: int) -> str:
        """What an extreme near a time is the extreme of; empty: the charge."""
        return self._governing(index, ("load", "draw", "delta", "temp", "voltage"), here=True)[0]

    def _is_usual(self, index: int) -> bool:
        """Whether a claim follows what it is compared with: more than usual (5.8 kWh)."""
        before = self._words[: self._said[index].claim.start].rstrip(" (")
        dashed = before.rstrip(" -:")
        return any(
            (cue.tag in ("more", "less") and cue.end == len(before))
            or (cue.tag == "mean" and cue.end == len(dashed))
            for cue in self._cues
        )
