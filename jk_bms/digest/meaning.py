"""Whether a text says nothing but the facts of a day, each of what it is of. Pure.

``proof`` finds numbers and times and knows whether there are such ones. Here each is bound: the words around
it say what it is of, and a fact must be of just that. Facts of one thing belong together: the minimum and its
time, a time on battery with its begin, end and charge. "Never" and "not" stand only where they were counted.
A word that is in no table is one that cannot be checked. What is not understood is refused.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from jk_bms.digest.lexicon import ALWAYS, CUES, DAYPARTS, FILLERS, NEGATIONS, pattern, spelled
from jk_bms.digest.number_words import CELL, EVENTS, FULL, GRID, HOLE, NEVER, ORDINALS, SWITCH
from jk_bms.digest.proof import TIME, Bond, Claim, Known, claims, plain, unit_end, unproved

Role = tuple[str, str]  # topic and role of a Bond


class _Cue(NamedTuple):
    """A word or phrase, and what it speaks of."""

    start: int
    end: int
    tag: str


class _Said(NamedTuple):
    """A number or time in its clause."""

    claim: Claim
    end: int  # with its unit
    clause: int
    before: str  # what stands between it and the claim before, or the begin of its clause
    joined: bool  # it ends a range that the claim before began


# By the kind of a number: cues that say what it is of, and the bonds that each allows. A range has two.
_PERCENT: dict[str, tuple[Role, ...]] = {
    "low": (("low", "value"), ("phase", "low")),
    "high": (("high", "value"),),
    "begin": (("begin", "value"),),
    "last": (("last", "value"),),
    "full": (("high", "value"),),
    "closed": (("last", "value"),),
}
_FLOWS = ("in", "out")
_POWER: dict[str, tuple[Role, ...]] = {"load": (("load", "value"),), "draw": (("draw", "value"),)}
_VOLTS: dict[str, tuple[Role, ...]] = {"delta": (("delta", "value"),), "voltage": (("voltage", "value"),)}
_TIMES: dict[str, tuple[str, ...]] = {  # topics of which a time may be
    "phase": ("phase",),
    "full": ("phase",),
    "grid": ("grid",),
    "grid away": ("grid",),
    "away": ("grid",),
    "hole": ("hole",),
    "unknown": ("grid unknown", "energy"),
    "since": ("since", "covered"),
    "covered": ("covered",),
    "load": ("load",),
    "draw": ("draw",),
    "delta": ("delta",),
    "voltage": ("voltage",),
    "low temp": ("cold",),
    "high temp": ("warm",),
    "low": ("low", "phase"),
    "high": ("high",),
    "begin": ("begin", "covered"),
    "last": ("last",),
    "in": ("energy",),
    "out": ("energy",),
    "energy": ("energy",),
    "fed": ("fed",),
    "deepest": ("phase",),
}
_SEVERAL = ("phase", "grid", "hole", "grid unknown")
# What a text may tell of, and the count that says whether it was.
_EVENTS = {
    "phase": SWITCH,
    "over phase": SWITCH,
    "grid away": GRID,
    "away": GRID,
    "hole": HOLE,
    "faulty": CELL,
    "weak": CELL,
    "leaking": CELL,
    "bad connection": CELL,
    "full": FULL,
}
# And what was so at one time.
_MOMENTS = ("since", "low", "high", "load", "draw", "delta", "voltage", "low temp", "high temp")
_FAULTS = ("weak", "leaking", "bad connection")
_OF_ALL_CELLS = ("voltage", "delta", "temp", "low", "high", "low temp", "high temp")


def unfounded(text: str, known: Known) -> list[str]:
    """Return why a ``clean`` text is refused: all that it says and that is no fact; empty when it tells facts only."""
    unknown = [f"{said!r} is not among the facts" for said in unproved(text, known)]
    return unknown or misplaced(text, known)


def misplaced(text: str, known: Known) -> list[str]:
    """Return what a ``clean`` text, all whose numbers are known, says that is no fact: as reasons, empty when all is one."""
    return list(_Reader(text, known).faults())


class _Reader:
    def __init__(self, text: str, known: Known) -> None:
        self._known = known
        self._text, _ = plain(text)
        self._claims = [claim for claim in claims(text, known) if claim.text]
        self._ends = [self._end(claim) for claim in self._claims]
        self._words = self._without_claims()
        self._cues = list(self._find_cues())
        self._packs = {bond.pack for bond in known.bonds}

    def _end(self, claim: Claim) -> int:
        end = claim.start + len(claim.text)
        if claim.kind and claim.kind != TIME:
            end = unit_end(self._text, end)
        # "18 год." and "6 p.m." may end a sentence as well.
        return end - 1 if self._text[end - 1 : end] == "." else end

    def _without_claims(self) -> str:
        chars = list(self._text)
        for claim, end in zip(self._claims, self._ends, strict=True):
            chars[claim.start : end] = _BLANK * (end - claim.start)
        return self._without_names("".join(chars))

    def _without_names(self, words: str) -> str:
        """A name stands in quotes or behind the number of its battery; elsewhere its words are words like others."""
        for name in self._known.names:
            place = re.compile(
                rf"((?:[\"“«„]|(?<!\w)(?:battery|pack|батаре\w*|акумулятор\w*)\s+#?\x00+[\s:,(-]*))({re.escape(name)})(?!\w)",
                re.IGNORECASE,
            )
            words = place.sub(lambda one: one[1] + _TAKEN * len(one[2]), words)
        return words

    def _find_cues(self) -> Iterator[_Cue]:
        """What the words speak of, in order; what is taken is blanked."""
        rest = self._words
        found: list[_Cue] = []
        for tag, words in _TABLE:
            found += (_Cue(one.start(), one.end(), tag) for one in words.finditer(rest))
            rest = words.sub(lambda one: _TAKEN * len(one[0]), rest)
        self._rest = rest
        return iter(sorted(found))

    # What is refused

    def faults(self) -> Iterator[str]:
        yield from self._strange_words()
        pack = 0
        before: list[_Cue] = []  # of the sentence before
        so_far: list[_Cue] = []  # of all sentences of the paragraph
        for start, end in self._sentences():
            cues = [cue for cue in self._cues if start <= cue.start < end]
            said = [
                (claim, claim_end)
                for claim, claim_end in zip(self._claims, self._ends, strict=True)
                if start <= claim.start < end and claim.kind
            ]
            here = pack
            for claim, _ in said:
                if claim.kind == "battery number" and claim.fits and len(self._packs) > 1:
                    here = int(next(iter(claim.fits)).number)
                    if claim.start - start < _HEADING:
                        pack = here
            if any(cue.tag == "house" for cue in cues) and here == pack:
                pack = here = 0
            sentence = _Sentence(
                self._text, self._words, start, end, cues, said, before, so_far, self._of(here)
            )
            yield from sentence.faults()
            # The points of a list go by what stands above it.
            if not (before and _POINT.match(self._words, start)):
                before, so_far = cues or before, [*so_far, *cues]
            if self._text[end : end + 2] == "\n\n":
                pack, before, so_far = 0, [], []

    def _of(self, pack: int) -> Known:
        """What is known of a battery, and of its house."""
        shared = ("load", "grid", "grid unknown", "covered", "")
        return self._known._replace(
            bonds=frozenset(
                bond
                for bond in self._known.bonds
                if bond.pack == pack or (pack == 0 and bond.topic == "cell") or bond.topic in shared
            )
        )

    def _strange_words(self) -> Iterator[str]:
        for found in _ANY_WORD.finditer(self._rest):
            word = found[0].lower()
            if _NEGATION.fullmatch(word) or _ALWAYS.fullmatch(word):
                yield f"{found[0]!r}: it was not counted that it never or always was so"
            elif not _FILLER.fullmatch(word):
                yield f"{found[0]!r} is no word of the facts"
        for found in _STRANGE.finditer(self._rest):
            yield f"{found[0]!r} is no sign of the facts"

    def _sentences(self) -> Iterator[tuple[int, int]]:
        start = 0
        for found in _SENTENCE.finditer(self._words):
            line = self._words[self._words.rfind("\n", 0, found.start()) + 1 : found.start()]
            if found[0] == "." and not line.strip(" \x00"):  # the number of a point
                continue
            yield start, found.start()
            start = found.end()
        yield start, len(self._words)


class _Sentence:
    def __init__(
        self,
        text: str,
        words: str,
        start: int,
        end: int,
        cues: list[_Cue],
        said: list[tuple[Claim, int]],
        before: list[_Cue],
        so_far: list[_Cue],
        known: Known,
    ) -> None:
        self._text = text
        self._words = words
        self._start, self._finish = start, end
        self._cues = cues
        self._before = before
        self._so_far = so_far
        self._known = known
        self._said = list(self._in_clauses(said))

    def _in_clauses(self, said: list[tuple[Claim, int]]) -> Iterator[_Said]:
        """Give each claim its clause; a range is not parted."""
        joints = [
            (first_end, second.start)
            for (first, first_end), (second, _) in pairwise(said)
            if first.kind == second.kind and self._joins(first, first_end, second)
        ]
        breaks = [
            found.start() + self._start
            for found in _CLAUSE.finditer(self._words[self._start : self._finish])
            if not any(begin <= found.start() + self._start < end for begin, end in joints)
        ]
        self._breaks = breaks
        last = self._start
        for index, (claim, end) in enumerate(said):
            clause = sum(one < claim.start for one in breaks)
            begin = max([last, *(one for one in breaks if one < claim.start)])
            joined = index > 0 and (said[index - 1][1], claim.start) in joints
            yield _Said(claim, end, clause, self._words[begin : claim.start], joined)
            last = end

    def _joins(self, first: Claim, first_end: int, second: Claim) -> bool:
        between = self._words[first_end : second.start]
        if _RANGE.fullmatch(between):
            return True
        head = self._words[self._start : first.start]
        return bool(_AND.fullmatch(between) and _BETWEEN.search(head))

    def faults(self) -> Iterator[str]:
        yield from self._events()
        yield from self._comparisons()
        yield from self._dayparts()
        yield from self._days()
        yield from self._while()
        groups: set[tuple[str, int]] = set()
        narrowed: dict[str, set[int]] = {}
        items: dict[str, int] = {}
        told: set[str] = set()
        used: set[Role] = set()  # of the item of a list that is told
        last_clause = -1
        for index, said in enumerate(self._said):
            claim = said.claim
            if claim.kind not in _BOUND:
                continue
            begin = self._said[index - 1].end if index else self._start
            # Behind the last one it may be told of which it was; what follows in the next clause is of another.
            end = claim.start
            if index + 1 == len(self._said):
                end = self._clause_at(end)[1] if self._ordinals(begin, end) else self._finish
            if places := self._places(begin, end):
                narrowed |= places
                items.clear()
            roles, own = self._roles(index)
            if claim.kind == TIME and not own:
                # A time beside a value is its time.
                roles = (*roles, *((topic, role) for topic, _ in groups for role in ("at", "low at")))
            if (
                claim.kind == "duration" and not roles
            ):  # and a duration beside a time that of what happened then
                roles = tuple((topic, "span") for topic, _ in groups if topic in _SEVERAL)
            found = {bond for bond in self._known.bonds if bond.value in claim.fits and _allows(roles, bond)}
            here = {(bond.topic, bond.nth) for bond in found}
            if not here:
                yield f"{claim.text!r} is not {_described(roles)}"
                continue
            same = here & groups
            listed = set[str]()
            if not same and said.clause != last_clause:
                listed = _next_items(found, used) & {topic for topic, _ in groups}
            if said.clause != last_clause and self._near(index, "span total"):
                # All of them together, behind what they were one by one.
                sums = {(one.topic, one.nth) for one in found if one.role == "total"}
                same = same or {one for one in sums if one[0] in {topic for topic, _ in groups}}
            beside = groups and (said.clause == last_clause or not own)
            if beside and not same and not listed and not self._may_part(index, groups, here):
                yield f"{claim.text!r} is of something else than what stands beside it"
                continue
            for topic in listed:
                items[topic] = items.get(topic, 1) + 1
            here = same or here
            used = {role for role in used if role[0] not in listed} | {(one.topic, one.role) for one in found}
            of_phase = any(topic == "phase" for topic, _ in roles) and items.get("phase", 1) == 1
            if of_phase and "phase" in narrowed and "phase" not in {topic for topic, _ in here}:
                yield f"{claim.text!r} is of no such phase"
                continue
            for topic in {one for one, _ in here}:
                indexes = {number for one, number in here if one == topic}
                if topic in narrowed and items.get(topic, 1) == 1 and topic in _SEVERAL:
                    if not narrowed[topic] & indexes:
                        yield f"{claim.text!r} is of another {topic}"
                        continue
                    indexes &= narrowed[topic]
                    here = {one for one in here if one[0] != topic} | {(topic, number) for number in indexes}
                if {one for one, _ in here} == {topic}:
                    narrowed[topic] = indexes
            groups, last_clause = here, said.clause
            told |= {topic for topic, _ in here}
            yield from self._linked(said, {topic for topic, _ in here})
        if not told:
            full = {bond.nth for bond in self._known.bonds if (bond.topic, bond.role) == ("phase", "full")}
            narrowed = self._places(self._start, self._finish)
            if narrowed and {cue.tag for cue in self._cues} & {"low", "high"} and not self._said:
                yield "where the extreme was is told without a fact"
            if any(cue.tag == "full" for cue in self._cues) and not narrowed.get("phase", full or {0}) & (
                full or {0}
            ):
                yield "it was not full again after that"
        yield from self._narrow(narrowed)
        yield from self._extremes(told)

    def _while(self) -> Iterator[str]:
        """That two things were so at the same time is no fact either."""
        told = {cue: _EVENTS.get(cue.tag, cue.tag) for cue in self._cues if cue.tag in {*_EVENTS, *_MOMENTS}}
        for found in _AS.finditer(self._words, self._start, self._finish):
            sides = [
                {one for cue, one in told.items() if (cue.start < found.start()) is left}
                for left in (True, False)
            ]
            if any(
                one != other and ({one, other} <= {*EVENTS, CELL} or {one, other} & {GRID, HOLE})
                for one in sides[0]
                for other in sides[1]
            ):
                yield f"{found[0]!r}: it was not counted that both were so at once"

    def _linked(self, said: _Said, topics: set[str]) -> Iterator[str]:
        """No fact says what else was so while the grid was away: each is of its own."""
        if topics & {"grid", "grid unknown"}:
            return
        for cue in self._cues:
            if cue.tag == "grid away" and _WHILE.search(self._words, self._start, cue.start):
                yield f"{said.claim.text!r} is not of what {self._shown(cue)!r} tells"

    def _told_topics(self) -> set[str]:
        """Of what there are several that the sentence tells of, else the last sentence before that tells of such."""
        for cues in (self._cues, *([cue] for cue in reversed(self._so_far))):
            if told := {topic for cue in cues for topic in _TIMES.get(cue.tag, ()) if topic in _SEVERAL}:
                return told
        return {"phase"}

    def _ordinals(self, begin: int, end: int) -> list[int]:
        return [
            nth for nth, words in enumerate(ORDINALS, 1) if words.search(self._text, begin, end) is not None
        ]

    def _places(self, begin: int, end: int) -> dict[str, set[int]]:
        """Which of several are named between two places of the text: the second time, the longest; empty: none."""
        ordinals = self._ordinals(begin, end)
        tags = [cue.tag for cue in self._cues if begin <= cue.start < end]
        extremes = [tag for tag in tags if tag in _EXTREMES]
        if not (ordinals or extremes or "last one" in tags):
            return {}
        places: dict[str, set[int]] = {}
        for topic in self._told_topics():
            there = {bond.nth for bond in self._known.bonds if bond.topic == topic and bond.role == "start"}
            named = [{ordinals[-1]}] if ordinals else []
            named += [{max(there, default=0)}] if "last one" in tags else []
            named += [self._extreme(topic, tag, there) for tag in extremes]
            places[topic] = set.intersection(*named)
        return places

    def _extreme(self, topic: str, tag: str, there: set[int]) -> set[int]:
        """The longest of several; of a pair the longer."""
        role, sign, pair = _EXTREMES[tag]
        if pair and len(there) != 2:
            return set()
        sizes = {
            bond.nth: sign * bond.value.number
            for bond in self._known.bonds
            if bond.topic == topic and bond.role == role and bond.nth in there
        }
        return {nth for nth, size in sizes.items() if size == max(sizes.values())}

    def _extremes(self, topics: set[str]) -> Iterator[str]:
        """The longest must be one that is named or that a value is of, and must be that one."""
        for cue in self._cues:
            if cue.tag not in _EXTREMES:
                continue
            places = self._places(self._start, self._finish)
            named = self._ordinals(self._start, self._finish) or any(
                one.tag == "last one" for one in self._cues
            )
            if not any(places.values()) or not (named or topics & set(places)):
                yield f"{self._shown(cue)!r} is of none that was counted so"

    def _may_part(self, index: int, groups: set[tuple[str, int]], here: set[tuple[str, int]]) -> bool:
        """Whether two claims in one clause may be of two things: each has its own word, such as both flows."""
        before = self._said[index - 1]
        tags = [cue.tag for cue in self._cues if before.end <= cue.start < self._said[index].claim.start]
        return any(tag in _PARTING for tag in tags) or {topic for topic, _ in here | groups} <= {
            "warm",
            "cold",
            "low",
            "high",
        }

    def _narrow(self, narrowed: dict[str, set[int]]) -> Iterator[str]:
        """What is said without a number of a phase that was named: not full again, still going on."""
        for cue in self._cues:
            if cue.tag not in ("not full", "now"):
                continue
            role = cue.tag
            there = {(bond.topic, bond.nth) for bond in self._known.bonds if bond.role == role}
            if role == "not full" and not self._known.bonds:
                continue
            if role == "now" and self._is_old_fault(cue):
                continue
            if not there:
                yield f"{self._shown(cue)!r} is not so"
                continue
            begin, end = self._clause_at(cue.start)
            here = (
                {} if any(begin <= one.claim.start < end for one in self._said) else self._places(begin, end)
            )
            for topic, indexes in {**narrowed, **here}.items():
                if topic in {one for one, _ in there} and not indexes & {
                    number for one, number in there if one == topic
                }:
                    yield f"{self._shown(cue)!r} is not so of that {topic}"

    def _is_old_fault(self, cue: _Cue) -> bool:
        """Whether "still" is said of a cell that was not in order before."""
        follows = next((one for one in self._cues if one.start >= cue.end), None)
        return (
            follows is not None
            and follows.tag in _FAULTS
            and any(bond.role == "old fault" and bond.value.kind == follows.tag for bond in self._known.bonds)
        )

    def _clause_at(self, place: int) -> tuple[int, int]:
        begin = max([self._start, *(one for one in self._breaks if one <= place)])
        return begin, min([self._finish, *(one for one in self._breaks if one > place)])

    def _shown(self, cue: _Cue) -> str:
        return self._text[cue.start : cue.end]

    # What a claim may be of

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
        timed = any(one.claim.kind == TIME for one in self._said) or _POINT.match(self._words, self._start)
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
            flow, _ = self._governing(index, (*_FLOWS, "draw"))
            flow = "out" if flow == "draw" else flow
            return tuple(("energy", f"{sense} {one}") for one in _FLOWS if flow in (one, "")), True
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
            if _FROM.search(said.before):
                return (("phase", "begin"),), True
            if _TO.search(said.before):
                return (("phase", "low"), ("low", "value")), True
            return (), own
        roles = _PERCENT.get(cue, (("low", "value"),))
        if cue == "low" and self._of_the_day():
            roles = (("low", "value"),)
        if cue == "low" and _FROM.search(said.before):
            return (("phase", "begin"),), own
        if not cue:
            following, _ = self._governing(index, ("low",), after=True)
            charged = _FROM.search(said.before) or following
            if _TO.search(said.before):
                return (*roles, ("phase", "low")), own
            return (*roles, ("phase", "begin")) if charged else roles, own
        return roles, own

    def _of_the_day(self) -> bool:
        """Whether a lowest charge that the sentence tells is that of the day: it says so, or names no time on battery."""
        lows = [self._shown(cue) for cue in self._cues if cue.tag == "low"]
        of_day = _OF_DAY.search(self._text, self._start, self._finish)
        if of_day is None and not any(_SUPERLATIVE.match(low) for low in lows):
            return False
        if _POINT.match(self._words, self._start) or self._places(self._start, self._finish):
            return False
        phases = {bond.nth for bond in self._known.bonds if (bond.topic, bond.role) == ("phase", "start")}
        if len(phases) == 1 and any(cue.tag in ("phase", "over phase") for cue in self._cues):
            return False
        # A time from when to when, or a fall from a charge, names one as well.
        return not any(
            one.joined
            or (one.claim.kind in (TIME, "percent") and _FROM.search(one.before))
            or (one.claim.kind == TIME and self._joined_next(at))
            for at, one in enumerate(self._said)
        )

    def _between_flows(self, index: int) -> bool:
        """Whether a share compares what went in with what went out: the sheet does not."""
        begin, end = self._region(index, same_kind=True)
        tags = {cue.tag for cue in self._cues if begin <= cue.start < end}
        return {*_FLOWS} <= tags and _THAN.search(self._words, begin, end) is not None

    def _joined_next(self, index: int) -> bool:
        return index + 1 < len(self._said) and self._said[index + 1].joined

    def _energy(self, index: int) -> tuple[tuple[Role, ...], bool]:
        flow, own = self._governing(index, (*_FLOWS, "draw"))
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
            not own and len(both) == 2 and _FROM.search(both[0].before)
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
        cue, own = self._governing(index, _RANGED if ranged else tuple(_TIMES), far=True)
        if cue == "low" or cue == "high":
            special = self._subject(index)
            if special:
                cue = "low temp" if special == "temp" and cue == "low" else special
                cue = "high temp" if cue == "temp" else cue
        was_full = cue == "full"
        if not own and self._is_placed(index):
            cue = "phase"  # "the first time"
        if not cue and ranged and _POINT.match(self._words, self._start):
            cue = "phase"  # a list of spans and no more
        if not cue:
            return (("low", "at"),), own
        topics = _TIMES[cue]
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
            elif self._starts(head) or topic in (*_SEVERAL, "covered", "energy"):
                ended = self._tags_before(index) & {"end", "closed"}
                roles.append((topic, "end" if ended and not self._starts(head) else "start"))
                roles.append((topic, "at"))
            else:
                roles.append((topic, "at"))
        return tuple(roles), own

    def _is_placed(self, index: int) -> bool:
        """Whether what stands before a claim speaks of the first, second or third time on battery, and of nothing else."""
        told = {topic for cue in self._cues for topic in _TIMES.get(cue.tag, ())} & {*_SEVERAL}
        return told <= {"phase"} and bool(self._ordinals(self._start, self._said[index].claim.start))

    def _subject(self, index: int) -> str:
        """What an extreme near a time is the extreme of; empty: the charge."""
        return self._governing(index, ("load", "draw", "delta", "temp", "voltage"), here=True)[0]

    def _starts(self, head: str) -> bool:
        return _FROM.search(head) is not None

    def _ends_span(self, head: str) -> bool:
        return _TO.search(head) is not None

    def _tags_before(self, index: int) -> set[str]:
        said = self._said[index]
        begin = said.claim.start - len(said.before)
        return {cue.tag for cue in self._cues if begin <= cue.start < said.claim.start}

    def _near(self, index: int, tag: str) -> bool:
        """Whether ``tag`` stands between the claims beside this one, in its clause."""
        begin, end = self._region(index, same_kind=True)
        return any(cue.tag == tag and begin <= cue.start < end for cue in self._cues)

    def _is_usual(self, index: int) -> bool:
        """Whether a claim follows what it is compared with: more than usual (5.8 kWh)."""
        before = self._words[: self._said[index].claim.start].rstrip(" (")
        dashed = before.rstrip(" -:")
        return any(
            (cue.tag in ("more", "less") and cue.end == len(before))
            or (cue.tag == "mean" and cue.end == len(dashed))
            for cue in self._cues
        )

    def _region(self, index: int, *, same_kind: bool) -> tuple[int, int]:
        """From the claim before to the claim behind, of the same kind, within the clause."""
        said = self._said[index]
        begin = max([self._start, *(one for one in self._breaks if one < said.claim.start)])
        end = min([self._finish, *(one for one in self._breaks if one > said.claim.start)])
        for other in self._said:
            if other.claim is said.claim or (same_kind and other.claim.kind != said.claim.kind):
                continue
            if other.claim.start < said.claim.start:
                begin = max(begin, other.end)
            else:
                end = min(end, other.claim.start)
        return begin, end

    def _governing(
        self, index: int, tags: Iterable[str], *, here: bool = False, after: bool = False, far: bool = False
    ) -> tuple[str, bool]:
        """The tag of the cue that a claim goes by, and whether it stands in its clause; empty: there is none.

        In its clause: the nearest before it, if one stands before the first claim of its kind; else the
        nearest behind it. Then back through the sentence, then forward, then the sentence before; ``far``: all
        of the paragraph before.
        """
        said, wanted = self._said[index], set(tags)
        cues = [cue for cue in self._cues if cue.tag in wanted]
        begin = max([self._start, *(one for one in self._breaks if one < said.claim.start)])
        end = min([self._finish, *(one for one in self._breaks if one > said.claim.start)])
        if after:
            return next(((cue.tag, False) for cue in cues if cue.start > said.claim.start), ("", False))
        kin = [
            one for one in self._said if one.claim.kind == said.claim.kind and begin <= one.claim.start < end
        ]
        inside = [cue for cue in cues if begin <= cue.start < end]
        before = [cue for cue in inside if cue.start < said.claim.start]
        behind = [cue for cue in inside if cue.start > said.claim.start]
        prefixed = any(cue.start < kin[0].claim.start for cue in inside) if kin else bool(before)
        if before and (prefixed or not behind):
            return before[-1].tag, True
        if behind:
            return behind[0].tag, True
        if here:
            return "", False
        back = [cue for cue in cues if cue.start < begin]
        if back:
            return back[-1].tag, False
        earlier = [cue for cue in (self._so_far if far else self._before) if cue.tag in wanted]
        if earlier and _POINT.match(self._words, self._start):
            return earlier[-1].tag, False
        forward = [cue for cue in cues if cue.start >= end]
        if forward:
            return forward[0].tag, False
        return (earlier[-1].tag, False) if earlier else ("", False)

    # What is said without numbers

    def _events(self) -> Iterator[str]:
        """What is told of must have been, unless just that is denied."""
        counts = {
            value.kind: value.number for value in sorted(self._known.values) if value.kind in (*EVENTS, CELL)
        }
        tags = [cue.tag for cue in self._cues]
        zeros = {
            one.claim.value.kind for one in self._said if one.claim.value and one.claim.value.number == 0
        }
        for cue in self._cues:
            kind = _EVENTS.get(cue.tag)
            if kind is None or (cue.tag == "away" and "grid" not in tags):
                continue
            if "unseen" in tags:
                if self._happened(kind):
                    yield f"{self._shown(cue)!r}: it was seen"
                continue
            if "zero" in tags:
                if counts.get(kind) != 0 and kind != CELL and not self._counted(kind):
                    yield f"{self._shown(cue)!r}: it was not counted that it never was so"
                continue
            if kind in zeros or "never" in tags or "unknown" in tags:
                continue
            if kind == FULL and ("not full" in tags or self._reached_full() or self._labels(cue)):
                continue
            if self._labels(cue):
                continue
            if not self._happened(kind):
                yield f"{self._shown(cue)!r} was not counted"
        if "unknown" in tags and not any(bond.role == "unknown" for bond in self._known.bonds):
            yield "'not known' is not so"
        elif "unknown" in tags:
            topics = {bond.topic for bond in self._known.bonds if bond.role == "unknown"}
            grid = bool({"grid", "grid away", "away"} & set(tags))
            energy = bool({"energy", "in", "out"} & set(tags))
            if (grid and "grid unknown" not in topics) or (energy and not grid and "energy" not in topics):
                yield "'not known' is not so of that"
            if not grid and not energy and not topics & {"energy", "grid unknown"}:
                yield "'not known' is of nothing"
        if "all day" in tags and "never" not in tags:
            yield "it was not counted that it always was so"
        for cue in self._cues:
            shown = self._shown(cue).lower()
            if cue.tag == "bound" and ("than" in shown or " ніж" in shown or " за" in shown):
                yield f"{self._shown(cue)!r}: what is compared is not among the facts"
            elif cue.tag == "bound" and re.match(r"\s+(?:to |at |до )?\x00", self._words[cue.end :]):
                yield f"{self._shown(cue)!r}: a bound is no value"
        if "all" in tags and not self._always_full() and set(tags) & {*_EVENTS, "now", "grid"}:
            yield "it was not counted that all were so"
        valued = any(one.claim.kind in _BOUND for one in self._said)
        if "full" in tags and not valued and set(tags) & {"last", "closed", "end", "begin", "start"}:
            topic = "last" if set(tags) & {"last", "closed", "end"} else "begin"
            if not self._reached_full((topic,)):
                yield f"it was not full at the {topic}"
        if "well" in tags and not self._was_well():
            yield "not all was well"
        if "grid" in tags and not self._said and not {"away", "grid away", "never", "unknown"} & set(tags):
            yield "the grid is told of without a fact"
        kinds = {
            bond.value.kind for bond in self._known.bonds if bond.topic == "cell" and bond.role == "kind"
        }
        numbers = {
            int(value.number)
            for one in self._said
            if one.claim.kind == "cell number"
            for value in one.claim.fits
        }
        yield from self._fault_ages(numbers)
        if (
            valued
            and "span total" not in tags
            and (said := _EACH_BATTERY.search(self._text, self._start, self._finish))
        ):
            yield f"{said[0]!r}: what is of all batteries is not of each"
        for cue in self._cues:
            if cue.tag not in _FAULTS:
                continue
            mine = {
                bond.value.kind
                for bond in self._known.bonds
                if bond.topic == "cell" and bond.role == "kind" and bond.nth in numbers
            }
            if cue.tag not in (mine if numbers else kinds):
                yield f"{self._shown(cue)!r} is not so of that cell"

    def _fault_ages(self, numbers: set[int]) -> Iterator[str]:
        """A cell is told as new on the day from which it is certain, and has no measurement of its own."""
        for cue in self._cues:
            if cue.tag in ("old fault", "new fault") and not any(
                bond.topic == "cell" and bond.role == cue.tag and (not numbers or bond.nth in numbers)
                for bond in self._known.bonds
            ):
                yield f"{self._shown(cue)!r} is not so of that cell"
        faults = [cue for cue in self._cues if cue.tag in _FAULTS]
        new = {bond.nth for bond in self._known.bonds if bond.topic == "cell" and bond.role == "new fault"}
        for cue in faults:
            begin, end = self._clause_at(cue.start)
            said = _SINCE_NOW.search(self._text, begin, end)
            if said and not (new & numbers if numbers else new):
                yield f"{said[0]!r} is not so of that cell"
        if faults and not numbers and not any(cue.tag in ("cell", "faulty") for cue in self._cues):
            yield f"{self._shown(faults[0])!r} is said of no cell"
        clauses = {one.clause for one in self._said if one.claim.kind == "cell number"}
        for one in self._said:
            if one.claim.kind in ("voltage", "temperature", "percent") and one.clause in clauses:
                yield f"{one.claim.text!r} was not measured of one cell"
        for start in (one.claim.start for one in self._said if one.claim.kind == "cell number"):
            begin, end = self._clause_at(start)
            for cue in self._cues:
                if cue.tag in _OF_ALL_CELLS and begin <= cue.start < end:
                    yield f"{self._shown(cue)!r} was not measured of one cell"

    def _always_full(self) -> bool:
        """Whether the sentence tells that it was full again each time, and it was."""
        tags = {cue.tag for cue in self._cues}
        begun, full = (
            {bond.nth for bond in self._known.bonds if bond.topic == "phase" and bond.role == role}
            for role in ("start", "full")
        )
        return (
            "full" in tags and not tags & {"grid away", "grid", "hole", "now", "not full"} and begun == full
        )

    def _was_well(self) -> bool:
        """Whether nothing is known that an owner would not call so."""
        lows = [
            bond.value.number for bond in self._known.bonds if bond.topic == "low" and bond.role == "value"
        ]
        return not self._happened(CELL) and not self._happened(HOLE) and all(low >= WELL for low in lows)

    def _labels(self, cue: _Cue) -> bool:
        """Whether a cue only announces a number or a list: "full again: -"."""
        return _NOTHING_LISTED.match(self._words, cue.end) is not None

    def _counted(self, kind: str) -> bool:
        return any(value.kind == kind and value.number == 0 for value in self._known.values)

    def _happened(self, kind: str) -> bool:
        return any(value.kind == kind and value.number > 0 for value in self._known.values)

    def _reached_full(self, topics: Iterable[str] = ("high", "last")) -> bool:
        return any(
            bond.topic in topics and bond.value.kind == "percent" and bond.value.number >= 99
            for bond in self._known.bonds
        ) and not any(cue.tag == "full" and "again" in self._shown(cue).lower() for cue in self._cues)

    def _comparisons(self) -> Iterator[str]:
        """More or less than usual, without a number: the sign must be right, and by how much."""
        for cue in self._cues:
            if cue.tag in _DEGREES:
                follows = any(one.start == cue.end + 1 and one.tag in ("more", "less") for one in self._cues)
                if not follows:
                    yield f"{self._shown(cue)!r}: what is compared is not among the facts"
            if cue.tag not in ("more", "less", "same"):
                continue
            subjects = [one for one in self._cues if one.tag in (*_FLOWS, "draw", "low")]
            before = [one for one in subjects if one.start < cue.start]
            named = before[-1:] or subjects[:1]
            senses = self._senses()
            of = {"out" if one.tag == "draw" else one.tag for one in named} or (
                {*senses} if len(senses) == 1 else set()
            )
            degree = next((one.tag for one in self._cues if one.end == cue.start - 1), "")
            least, most = _DEGREES.get(degree, (0, 1000))
            if not any(
                one in senses and senses[one][0] == cue.tag and least <= senses[one][1] <= most for one in of
            ):
                yield f"{self._shown(cue)!r} is not so"

    def _senses(self) -> dict[str, tuple[str, int]]:
        """Of both flows and the lowest charge: more or less than usual, and by how many percent."""
        senses: dict[str, tuple[str, int]] = {}
        for bond in self._known.bonds:
            sense, _, flow = bond.role.partition(" ")
            if bond.topic == "energy" and flow in _FLOWS and sense != "mean" and bond.value.kind == "percent":
                senses[flow] = sense, int(bond.value.number)
        lows = {
            bond.topic: bond.value.number
            for bond in self._known.bonds
            if (bond.topic, bond.role) in (("low", "value"), ("energy", "mean low"))
        }
        if len(lows) == 2 and lows["energy"]:
            more = round(100 * (lows["low"] / lows["energy"] - 1))
            senses["low"] = "more" if more > 0 else "less" if more < 0 else "same", abs(more)
        return senses

    def _days(self) -> Iterator[str]:
        """Days are counted only of what is usual."""
        usual = {cue.tag for cue in self._cues} & {"mean", "more", "less", "same", "before"}
        yield from (
            f"{one.claim.text!r}: only what is usual is of so many days"
            for one in self._said
            if one.claim.kind == "day" and not usual
        )

    def _dayparts(self) -> Iterator[str]:
        hours = {
            int(value.number) // 60
            for one in self._said
            if one.claim.kind == TIME
            for value in one.claim.fits
        }
        for cue in self._cues:
            if not cue.tag.startswith("hours "):
                continue
            first, last = map(int, cue.tag.split()[1:])
            if not any(first <= hour < last or first <= hour + 24 < last for hour in hours):
                yield f"{self._shown(cue)!r} is of no time that stands beside it"


def _allows(roles: Iterable[Role], bond: Bond) -> bool:
    return (bond.topic, bond.role) in roles


def _next_items(found: Iterable[Bond], used: set[Role]) -> set[str]:
    """Topics of which a value begins the next item of a list: another begin, or what this item has already."""
    return {
        bond.topic
        for bond in found
        if bond.topic in _SEVERAL and (bond.role == "start" or (bond.topic, bond.role) in used)
    }


def _described(roles: Iterable[Role]) -> str:
    return (
        " or ".join(dict.fromkeys(f"{topic} {role}" for topic, role in roles)) or "of anything that is named"
    )


_HEADING = 15  # characters within which a number of a battery begins what is told of it
WELL = 20  # %: of a battery that went lower an honest text does not say that all was well
_BLANK, _TAKEN = "\x00", "\x01"
_BOUND = ("percent", "energy", "power", "voltage", "temperature", "duration", TIME)
_PARTING = (
    "in",
    "out",
    "low",
    "high",
    "begin",
    "last",
    "more",
    "less",
    "mean",
    "load",
    "draw",
    "delta",
    "full",
    "temp",
)
_RANGED = tuple(
    tag
    for tag in _TIMES
    if tag not in ("low", "high", "full", "load", "draw", "delta", "voltage", "last", "low temp", "high temp")
)
_POINT = re.compile(r"\s*(?:•|\*|-(?=\s)|\d{1,2}[.)]\s|\x00+[.)]?\s{2}|\x00[.)]\s)| {2,}")
# What names one of several by its size: the role that is compared, its sign, and whether there must be two.
_EXTREMES: dict[str, tuple[str, int, bool]] = {
    "longest": ("span", 1, False),
    "shortest": ("span", -1, False),
    "deepest": ("depth", 1, False),
    "longer": ("span", 1, True),
    "shorter": ("span", -1, True),
    "deeper": ("depth", 1, True),
}
# By how many percent at least and at most.
_DEGREES = {"slightly": (0, 15), "much": (25, 1000)}
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
_FIRST = ("hello", "well")  # "good evening" is no time of the day
# What was counted and never was stands first: proof has refused it where it was not so.
_TABLE: tuple[tuple[str, re.Pattern[str]], ...] = (
    *(("never", words) for words in NEVER.values()),
    *((tag, pattern(words)) for tag, words in CUES if tag in _FIRST),
    *((f"hours {first} {last}", pattern(words)) for words, (first, last) in DAYPARTS.items()),
    *((tag, pattern(words)) for tag, words in CUES if tag not in _FIRST),
)
_FILLER = re.compile(
    spelled("|".join(map(re.escape, sorted(FILLERS.split(), reverse=True))).replace(r"\*", "*"))
)
_NEGATION = re.compile(spelled(NEGATIONS))
_ALWAYS = re.compile(ALWAYS)
_ANY_WORD = re.compile(r"[^\W\d_][\w']*(?:-[^\W\d_][\w']*)*|_\w*")
# Pictures only of what is told of, none that judges it.
_STRANGE = re.compile(r"[^\w\s.,:;!?()\[\]{}'\"“”„«»•·\-+#&<>=/→…\x00\x01°%*^~’⚡🔋🔌🌡🏠📊📅📋📝⏱]")
_SENTENCE = re.compile(r"(?<!\sno)(?<!див)[.!?]+(?=\s|\Z)|\n")
_CLAUSE = re.compile(
    r"[,;:()\[\]]|\s-\s|→|(?<![\w'])(?:and|but|while|whereas|though|although|because|then|та|і|й|а|але|проте|бо|коли)(?![\w'])",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:-|to|until|till|down to|up to|до|по|→|->)[\s\x00]*", re.IGNORECASE)
_AND = re.compile(r"\s*(?:and|та|і|й)\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<!\w)(?:between|між)\s+\Z", re.IGNORECASE)
_FROM = re.compile(
    r"(?<!\w)(?:from|since|between|beginning at|starting at|started at|began at|з|із|зі|від|між)[\s(]+\Z",
    re.IGNORECASE,
)
_TO = re.compile(r"(?<!\w)(?:to|until|till|ended at|ending at|back at|до|по|down to)\s+\Z", re.IGNORECASE)
_WHILE = re.compile(
    r"(?<!\w)(?:in|during|when|while|after|before|under|without|with|through|"
    r"під час|коли|поки|після|перед|за|через|без|у|в)\s+"
    r"(?:(?:the|its?|a|an|both|each|every|all|those|these|last|short|power|"
    r"цього|цих|обох|кожного|усіх|всіх|перш\w+|друг\w+)\s+|\x00+\s*)*\Z",
    re.IGNORECASE,
)
_AS = re.compile(
    r"(?<!\w)(?:while|when|whenever|during|as|under|коли|поки|під час|тоді як)(?!\w)", re.IGNORECASE
)
_SUPERLATIVE = re.compile(r"min|lowest|least|bottomed|at worst|найнижч|мінім|найменш", re.IGNORECASE)
_OF_DAY = re.compile(r"(?<!\w)(?:of|за) (?:the |all |whole )*(?:day|день|добу|дня|доби)(?!\w)", re.IGNORECASE)
_EACH_BATTERY = re.compile(
    r"(?<!\w)(?:both|each|all|every|усі|всі|обидв\w*|кожн\w*)(?: of)?(?: the| its)? (?:batter|pack|батаре|акумулятор)\w*",
    re.IGNORECASE,
)
_THAN = re.compile(r"(?<!\w)(?:than|ніж|за)(?!\w)", re.IGNORECASE)
_SINCE_NOW = re.compile(
    r"(?<!\w)(?:becam\w*|becom\w*|turned|today|new|newly|for the first time|вперше|уперше|"
    r"ста(?:в|л[аои])|нов(?:а|ий|е|ою)|сьогодні)(?!\w)",
    re.IGNORECASE,
)
_POINTS = re.compile(r"point|пункт|п\.\s?п|pp", re.IGNORECASE)
_MORE = re.compile(r"\s*(?:more|higher|above|больше|більше|вище)(?!\w)", re.IGNORECASE)
_LESS = re.compile(r"\s*(?:less|lower|fewer|below|менше|нижче)(?!\w)", re.IGNORECASE)
_NOTHING_LISTED = re.compile(r"(?: again)?\s*(?::|-)\s*(?:-|\[\s*-?\s*\]|0|\x00?\s*$)", re.MULTILINE)
