"""What the owner wants of one alert otherwise than its rule says: for one subject, or for all."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import Grade, Rule, beyond

ALL = "all"  # in place of a subject: whatever has none of its own
LONGEST_LASTING, LONGEST_REPEAT = 86_400.0, 8_760.0  # s, h

# What a limit can be at all, by the unit in which people are told it. A rule without a unit has no limit to set.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "mV": (1.0, 2_000.0),
    "V": (0.5, 1_000.0),
    "%": (0.0, 100.0),
    "°C": (-60.0, 150.0),
    "A": (0.1, 2_000.0),
    "Ω": (0.001, 10.0),
    "s": (0.0, 31_536_000.0),
    "min": (0.0, 10_080.0),
}


class Override(NamedTuple):
    """What is otherwise; None: as the rule says. ``set`` and ``clear`` are in the unit of the rule itself."""

    on: bool | None = None  # False: never raised; True: raised though ALERTS_OFF names it
    set: float | None = None
    clear: float | None = None
    for_s: float | None = None
    severity: Severity | None = None
    repeat_h: float | None = None  # 0: never repeated

    def over(self, other: "Override") -> "Override":
        """Return what holds where this one is nearer than ``other``."""
        theirs = other._asdict()
        return other._replace(
            **{name: theirs[name] if mine is None else mine for name, mine in self._asdict().items()}
        )

    @property
    def changes_grade(self) -> bool:
        """Whether a limit, its time or its severity is another one."""
        return any(value is not None for value in (self.set, self.clear, self.for_s, self.severity))


Overrides = Mapping[str, Mapping[int, Override]]  # by subject, then code
NONE = Override()


def unit_told(rule: Rule) -> str:
    """Return the unit in which people are told the limits of ``rule``."""
    return "mV" if rule.telling.millivolts else rule.unit


def in_rule_unit(rule: Rule, told: float) -> float:
    """Return a limit as people write it in the unit of the rule."""
    return told / 1000.0 if rule.telling.millivolts else told


@cache
def rule_of(code: int) -> Rule | None:
    """Return the rule that raises the alert of that code; None: there is no such code."""
    from jk_bms.rules.catalogue import RULES  # all rules, for those who override one

    return next((rule for rule in RULES for grade in rule.grades(rule.example()) if grade.code == code), None)


def adjusted(rule: Rule, grades: tuple[Grade, ...], overrides: Mapping[int, Override]) -> tuple[Grade, ...]:
    """Return ``grades`` as the owner wants them, worst first; the mildest is still the one that is reached first."""
    wanted = [_adjusted(rule, grade, overrides.get(grade.code, NONE)) for grade in grades]
    if wanted == list(grades):
        return grades
    kept: list[Grade] = []
    for grade in sorted(wanted, key=lambda grade: -grade.severity):
        # One that is reached only behind a worse one is never seen.
        if not kept or not beyond(rule, grade.set, kept[-1].set) or grade.set == kept[-1].set:
            kept.append(grade)
    return tuple(kept)


def _adjusted(rule: Rule, grade: Grade, override: Override) -> Grade:
    if not override.changes_grade:
        return grade
    begin = grade.set if override.set is None else override.set
    end = grade.clear if override.clear is None else override.clear
    if override.set is None and override.clear is not None and beyond(rule, end, begin):
        begin = (
            end  # one alone moves the other along: what ends an alert must not be worse than what begins it
        )
    elif beyond(rule, end, begin):
        end = begin
    return grade._replace(
        set=begin,
        clear=end,
        seconds=grade.seconds if override.for_s is None else override.for_s,
        severity=grade.severity if override.severity is None else override.severity,
    )
