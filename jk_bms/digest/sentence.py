"""One sentence of a text, taken apart: its clauses, what its words speak of, and what governs a number. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from jk_bms.digest.number_words import ORDINALS
from jk_bms.digest.proof import Claim, Known


class Cue(NamedTuple):
    """A word or phrase, and what it speaks of."""

    start: int
    end: int
    tag: str


class Said(NamedTuple):
    """A number or time in its clause."""

    claim: Claim
    end: int  # with its unit
    clause: int
    before: str  # what stands between it and the claim before, or the begin of its clause
    joined: bool  # it ends a range that the claim before began


TIMES: dict[str, tuple[str, ...]] = {  # topics of which a time may be
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
SEVERAL = ("phase", "grid", "hole", "grid unknown")
POINT = re.compile(r"\s*(?:•|\*|-(?=\s)|\d{1,2}[.)]\s|\x00+[.)]?\s{2}|\x00[.)]\s)| {2,}")
# What names one of several by its size: the role that is compared, its sign, and whether there must be two.
EXTREMES: dict[str, tuple[str, int, bool]] = {
    "longest": ("span", 1, False),
    "shortest": ("span", -1, False),
    "deepest": ("depth", 1, False),
    "longer": ("span", 1, True),
    "shorter": ("span", -1, True),
    "deeper": ("depth", 1, True),
}
_CLAUSE = re.compile(
    r"[,;:()\[\]]|\s-\s|→|(?<![\w'])(?:and|but|while|whereas|though|although|because|then|та|і|й|а|але|проте|бо|коли)(?![\w'])",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:-|to|until|till|down to|up to|до|по|→|->)[\s\x00]*", re.IGNORECASE)
_AND = re.compile(r"\s*(?:and|та|і|й)\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<!\w)(?:between|між)\s+\Z", re.IGNORECASE)
FROM = re.compile(
    r"(?<!\w)(?:from|since|between|beginning at|starting at|started at|began at|з|із|зі|від|між)[\s(]+\Z",
    re.IGNORECASE,
)
TO = re.compile(r"(?<!\w)(?:to|until|till|ended at|ending at|back at|до|по|down to)\s+\Z", re.IGNORECASE)


class Sentence:
    """Claims and cues of one sentence, in order; ``before`` and ``so_far`` are the cues of those before it."""

    def __init__(
        self,
        text: str,
        words: str,
        start: int,
        end: int,
        cues: list[Cue],
        said: list[tuple[Claim, int]],
        before: list[Cue],
        so_far: list[Cue],
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

    def _in_clauses(self, said: list[tuple[Claim, int]]) -> Iterator[Said]:
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
            yield Said(claim, end, clause, self._words[begin : claim.start], joined)
            last = end

    def _joins(self, first: Claim, first_end: int, second: Claim) -> bool:
        between = self._words[first_end : second.start]
        if _RANGE.fullmatch(between):
            return True
        head = self._words[self._start : first.start]
        return bool(_AND.fullmatch(between) and _BETWEEN.search(head))

    def _told_topics(self) -> set[str]:
        """Of what there are several that the sentence tells of, else the last sentence before that tells of such."""
        for cues in (self._cues, *([cue] for cue in reversed(self._so_far))):
            if told := {topic for cue in cues for topic in TIMES.get(cue.tag, ()) if topic in SEVERAL}:
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
        extremes = [tag for tag in tags if tag in EXTREMES]
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
        role, sign, pair = EXTREMES[tag]
        if pair and len(there) != 2:
            return set()
        sizes = {
            bond.nth: sign * bond.value.number
            for bond in self._known.bonds
            if bond.topic == topic and bond.role == role and bond.nth in there
        }
        return {nth for nth, size in sizes.items() if size == max(sizes.values())}

    def _clause_at(self, place: int) -> tuple[int, int]:
        begin = max([self._start, *(one for one in self._breaks if one <= place)])
        return begin, min([self._finish, *(one for one in self._breaks if one > place)])

    def _shown(self, cue: Cue) -> str:
        return self._text[cue.start : cue.end]

    def _joined_next(self, index: int) -> bool:
        return index + 1 < len(self._said) and self._said[index + 1].joined

    def _starts(self, head: str) -> bool:
        return FROM.search(head) is not None

    def _ends_span(self, head: str) -> bool:
        return TO.search(head) is not None

    def _tags_before(self, index: int) -> set[str]:
        said = self._said[index]
        begin = said.claim.start - len(said.before)
        return {cue.tag for cue in self._cues if begin <= cue.start < said.claim.start}

    def _near(self, index: int, tag: str) -> bool:
        """Whether ``tag`` stands between the claims beside this one, in its clause."""
        begin, end = self._region(index, same_kind=True)
        return any(cue.tag == tag and begin <= cue.start < end for cue in self._cues)

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
        if earlier and POINT.match(self._words, self._start):
            return earlier[-1].tag, False
        forward = [cue for cue in cues if cue.start >= end]
        if forward:
            return forward[0].tag, False
        return (earlier[-1].tag, False) if earlier else ("", False)
