"""Whether a text says nothing but the facts of a day, each of what it is of. Pure.

``proof`` finds numbers and times and knows whether there are such ones. ``sentence`` takes a sentence apart, and
``claim_roles`` says by the words around a number what it may be of. Here each is bound: a fact must be of just that.
Facts of one thing belong together: the minimum and its time, a time on battery with its begin, end and charge.
"Never" and "not" stand only where they were counted. A word that is in no table is one that cannot be checked.
What is not understood is refused.
"""

import re
from collections.abc import Iterable, Iterator

from jk_bms.digest.claim_roles import FLOWS, Role, Roles
from jk_bms.digest.lexicon import ALWAYS, CUES, DAYPARTS, FILLERS, NEGATIONS, pattern, spelled
from jk_bms.digest.number_words import CELL, EVENTS, FULL, GRID, HOLE, NEVER, SWITCH
from jk_bms.digest.proof import TIME, Bond, Claim, Known, claims, plain, unit_end, unproved
from jk_bms.digest.sentence import EXTREMES, POINT, SEVERAL, Cue, Said

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

    def _find_cues(self) -> Iterator[Cue]:
        """What the words speak of, in order; what is taken is blanked."""
        rest = self._words
        found: list[Cue] = []
        for tag, words in _TABLE:
            found += (Cue(one.start(), one.end(), tag) for one in words.finditer(rest))
            rest = words.sub(lambda one: _TAKEN * len(one[0]), rest)
        self._rest = rest
        return iter(sorted(found))

    # What is refused

    def faults(self) -> Iterator[str]:
        yield from self._strange_words()
        pack = 0
        before: list[Cue] = []  # of the sentence before
        so_far: list[Cue] = []  # of all sentences of the paragraph
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
            sentence = _Judged(
                self._text, self._words, start, end, cues, said, before, so_far, self._of(here)
            )
            yield from sentence.faults()
            # The points of a list go by what stands above it.
            if not (before and POINT.match(self._words, start)):
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


class _Judged(Roles):
    """A sentence, and why it is refused."""

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
                roles = tuple((topic, "span") for topic, _ in groups if topic in SEVERAL)
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
                if topic in narrowed and items.get(topic, 1) == 1 and topic in SEVERAL:
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

    def _linked(self, said: Said, topics: set[str]) -> Iterator[str]:
        """No fact says what else was so while the grid was away: each is of its own."""
        if topics & {"grid", "grid unknown"}:
            return
        for cue in self._cues:
            if cue.tag == "grid away" and _WHILE.search(self._words, self._start, cue.start):
                yield f"{said.claim.text!r} is not of what {self._shown(cue)!r} tells"

    def _extremes(self, topics: set[str]) -> Iterator[str]:
        """The longest must be one that is named or that a value is of, and must be that one."""
        for cue in self._cues:
            if cue.tag not in EXTREMES:
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

    def _is_old_fault(self, cue: Cue) -> bool:
        """Whether "still" is said of a cell that was not in order before."""
        follows = next((one for one in self._cues if one.start >= cue.end), None)
        return (
            follows is not None
            and follows.tag in _FAULTS
            and any(bond.role == "old fault" and bond.value.kind == follows.tag for bond in self._known.bonds)
        )

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

    def _labels(self, cue: Cue) -> bool:
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
            subjects = [one for one in self._cues if one.tag in (*FLOWS, "draw", "low")]
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
            if bond.topic == "energy" and flow in FLOWS and sense != "mean" and bond.value.kind == "percent":
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
        if bond.topic in SEVERAL and (bond.role == "start" or (bond.topic, bond.role) in used)
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
# By how many percent at least and at most.
_DEGREES = {"slightly": (0, 15), "much": (25, 1000)}
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
_EACH_BATTERY = re.compile(
    r"(?<!\w)(?:both|each|all|every|усі|всі|обидв\w*|кожн\w*)(?: of)?(?: the| its)? (?:batter|pack|батаре|акумулятор)\w*",
    re.IGNORECASE,
)
_SINCE_NOW = re.compile(
    r"(?<!\w)(?:becam\w*|becom\w*|turned|today|new|newly|for the first time|вперше|уперше|"
    r"ста(?:в|л[аои])|нов(?:а|ий|е|ою)|сьогодні)(?!\w)",
    re.IGNORECASE,
)
_NOTHING_LISTED = re.compile(r"(?: again)?\s*(?::|-)\s*(?:-|\[\s*-?\s*\]|0|\x00?\s*$)", re.MULTILINE)
