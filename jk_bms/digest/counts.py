"""What a number without a unit counts: outages, switches, cells, told by the words around it. Pure.

Else any count would prove any other: cell 16 is weak, so there were 16 outages.
"""

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from jk_bms.digest.number_words import (
    BATTERY,
    CELL,
    COUNTED,
    EVENTS,
    FULL,
    GENERIC,
    MULTIPLE,
    NO_NOUN,
    OTHER,
    SWITCH,
)

BATTERY_NUMBER = "battery number"
CELL_NUMBER = "cell number"
PLACE = "place"  # in a numbered list
_LABELS = {CELL: CELL_NUMBER, BATTERY: BATTERY_NUMBER}
_NEAR = 80  # characters that a label and a list of numbers behind it may take


class Subject(NamedTuple):
    """What a number counts."""

    kind: str | None  # of COUNTED, or one of those above; None: something that no digest counts
    named: bool = False  # by a word that belongs to the number: "2 outages", "cell 7"; not by its sentence


class Subjects:
    """The words of ``text`` that say what its numbers count."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._cues = [(found.start(), found.end(), _kind(found)) for found in _CUES.finditer(text)]
        self._starts = [start for start, _, _ in self._cues]
        self._ends = [end for _, end, _ in self._cues]
        self._sentences = [0, *(found.end() for found in _SENTENCE.finditer(text)), len(text)]
        self._clauses = [found.start() for found in _CLAUSE.finditer(text)]

    def of(self, start: int, end: int) -> Subject:
        """Return what the number from ``start`` to ``end`` counts."""
        kind, more = self._noun(end)
        label = _LABEL.search(self._text, max(0, start - _NEAR), start)
        if kind in (*EVENTS, OTHER):
            return Subject(kind, True)
        if kind == GENERIC:
            return self.told(start, end, named=True)
        if label is not None:
            return Subject(_LABELS[CELL if label["cell"] else BATTERY], True)
        line = self._text[self._text.rfind("\n", 0, start) + 1 : start]
        if not line.strip(" -•") and _POINT.match(self._text, end):
            return Subject(PLACE, True)
        if kind is not None:
            return Subject(kind, True)
        return Subject(None) if more else self.told(start, end)

    def told(self, start: int, end: int, *, named: bool = False) -> Subject:
        """Return what happened as often as the number says: what its clause, else its sentence tells of."""
        if _MULTIPLE.match(self._text, end):
            return Subject(None, named)
        sentence = self._sentences[bisect_right(self._sentences, start) - 1]
        sentence_end = self._sentences[min(bisect_left(self._sentences, end), len(self._sentences) - 1)]
        at = bisect_left(self._clauses, start)
        clause = max(sentence, self._clauses[at - 1] if at else 0)
        at = bisect_left(self._clauses, end)
        clause_end = min(sentence_end, self._clauses[at] if at < len(self._clauses) else sentence_end)
        kind = (
            self._before(start, clause)
            or self._after(end, clause_end)
            or self._before(start, sentence)
            or self._after(end, sentence_end)
            or self._before(start, 0)
            or SWITCH  # what is asked for first
        )
        return Subject(kind, named)

    def placed(self, end: int) -> str | None:
        """Return what an ordinal that ends at ``end`` is a place among; None: it does not say."""
        kind, _ = self._noun(end)
        if kind == GENERIC:  # for the third time
            told = self.told(end, end).kind
            # After a third time on battery it may have been full for the first.
            return None if told == FULL and _AFTER.search(self._text, max(0, end - 30), end) else told
        return _LABELS.get(kind, kind) if kind else None

    def _noun(self, end: int) -> tuple[str | None, bool]:
        """The kind of the noun behind a number, and whether any word is there that could be one."""
        chain = _CHAIN.match(self._text, end)
        words = chain[0] if chain else ""
        kinds = [_kind(found) for found in _NOUNS.finditer(words)]
        for kind in kinds:
            if kind in (*EVENTS, OTHER):
                return kind, True
        return (GENERIC if GENERIC in kinds else kinds[0] if kinds else None), bool(words)

    def _before(self, start: int, since: int) -> str | None:
        at = bisect_right(self._ends, start) - 1
        return self._cues[at][2] if at >= 0 and self._cues[at][0] >= since else None

    def _after(self, end: int, until: int) -> str | None:
        at = bisect_left(self._starts, end)
        return self._cues[at][2] if at < len(self._cues) and self._cues[at][0] < until else None


def _kind(found: re.Match[str]) -> str:
    assert found.lastgroup is not None  # each alternative is a group
    return found.lastgroup


def _words(patterns: dict[str, str]) -> re.Pattern[str]:
    groups = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in patterns.items())
    return re.compile(rf"(?<![\w'])(?:{groups})(?![\w'])", re.IGNORECASE)


_nouns = {one.kind: one.nouns for one in COUNTED}
_NOUNS = _words(_nouns)
_CUES = _words(
    {one.kind: f"{one.nouns}|{one.cues}" if one.cues else one.nouns for one in COUNTED if one.told}
)
_CHAIN = re.compile(
    rf"(?:[\s-]+of(?: the| its| our| these| those)?(?=\s)|\s+(?:з|із|зі)(?=\s))?"
    rf"(?:[ -]+(?!(?:{NO_NOUN})(?![\w'])|\d)[^\W\d][\w']*){{1,4}}",
    re.IGNORECASE,
)
_NUMBERED = r"(?:no\.?|number|номер|#)"
_LABEL = re.compile(
    rf"(?<!\w)(?:(?P<cell>{_nouns[CELL]})(?:\s*[:(])?|(?P<battery>{_nouns[BATTERY]}))"
    rf"(?:\s*,?\s*{_NUMBERED}|\s*-)?\s*"
    rf"(?:\d+\s*(?:,|and|or|to|-|&|і|й|та|або|до)\s*{_NUMBERED}?\s*)*\Z",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?<!\w)(?:after|після)\s+(?:the\s+)?[\w']+\Z", re.IGNORECASE)
_POINT = re.compile(r"[.)] +\S")
_MULTIPLE = re.compile(rf"(?:[ -]+(?:times|рази|разів|раз))?\s+(?:{MULTIPLE})(?!\w)", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?;](?=\s)|\n")
_CLAUSE = re.compile(
    r"[,:()]|\s-\s|(?<!\w)(?:and|but|while|whereas|though|although|because|then|"
    r"та|і|й|а|але|проте|бо|коли)(?!\w)",
    re.IGNORECASE,
)
