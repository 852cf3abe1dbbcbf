"""The measurements of a day as lines of the old log, for prompts that were written for it."""

from collections.abc import Sequence
from datetime import tzinfo

from jk_bms.digest.facts import PackDay
from jk_bms.digest.log_lines import battery_text, log_line
from jk_bms.digest.phases import Level


def series_lines(pack: PackDay, zone: tzinfo, most_chars: int) -> list[str]:
    """Return the day of ``pack``, at most ``most_chars`` with line ends: what stands still goes first.

    Lowest levels are among them even where they lie between two measurements.
    """
    levels = {level.at: level for level in pack.levels}
    levels |= {
        level.at: level for level in (pack.low, pack.last, *(phase.low for phase in pack.phases)) if level
    }
    kept = [levels[at] for at in sorted(levels) if at in pack.voltages]
    lines = _lines(pack, kept, zone)
    if _length(lines) > most_chars:
        kept = _without_standing(kept)
        lines = _lines(pack, kept, zone)
    while _length(lines) > most_chars and len(kept) > 1:
        kept = kept[::2]
        lines = _lines(pack, kept, zone)
    return lines if _length(lines) <= most_chars else []


def _lines(pack: PackDay, levels: Sequence[Level], zone: tzinfo) -> list[str]:
    return [log_line(one.at, battery_text(pack.voltages[one.at], one.level), zone) for one in levels]


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _without_standing(levels: Sequence[Level]) -> list[Level]:
    """Leave out what equals both its neighbours."""
    last = len(levels) - 1
    return [
        one
        for index, one in enumerate(levels)
        if index in (0, last) or not levels[index - 1].level == one.level == levels[index + 1].level
    ]
