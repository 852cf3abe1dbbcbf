"""The protections of a BMS: what trips them, what they cut, what lets go again."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from jk_bms.protocol import Settings


class Cuts(Enum):
    """Which MOSFETs a protection opens."""

    CHARGE = (True, False)
    DISCHARGE = (False, True)
    BOTH = (True, True)


class Measured(NamedTuple):
    """What the protections look at: V, A, °C."""

    highest: float
    lowest: float
    current: float
    temperature: float
    mosfet: float


class Rule(NamedTuple):
    """One protection. Names in ``limit``, ``release`` ... are fields of the settings.

    Without ``release`` it lets go ``recovery`` seconds after it tripped.
    """

    bit: int  # in the alarm mask
    watches: str  # field of Measured
    sign: int  # +1: too high is bad, -1: too low is bad
    cuts: Cuts
    limit: str
    release: str | None = None
    delay: str | None = None
    recovery: str | None = None


FILTER = 2.0  # s beyond a limit that has no delay of its own
R = Rule
# fmt: off
RULES = (
    R(1,  "mosfet",      +1, Cuts.BOTH,      "mos_otp",       "mos_otp_recovery"),
    R(4,  "highest",     +1, Cuts.CHARGE,    "cell_ovp",      "cell_ovpr"),
    R(6,  "current",     +1, Cuts.CHARGE,    "max_charge_current",    None, "charge_ocp_delay",    "charge_ocp_recovery"),
    R(8,  "temperature", +1, Cuts.CHARGE,    "charge_otp",    "charge_otp_recovery"),
    R(9,  "temperature", -1, Cuts.CHARGE,    "charge_utp",    "charge_utp_recovery"),
    R(11, "lowest",      -1, Cuts.DISCHARGE, "cell_uvp",      "cell_uvpr"),
    R(13, "current",     -1, Cuts.DISCHARGE, "max_discharge_current", None, "discharge_ocp_delay", "discharge_ocp_recovery"),
    R(15, "temperature", +1, Cuts.DISCHARGE, "discharge_otp", "discharge_otp_recovery"),
)
# fmt: on


@dataclass(slots=True)
class Guard:
    """A rule at work."""

    rule: Rule
    limit: float
    release: float | None
    delay: float
    recovery: float
    tripped: bool = False
    beyond: float = 0.0  # s past the limit so far
    left: float = 0.0  # s until it lets go; 0 where a threshold decides

    def step(self, dt: float, value: float) -> None:
        """Watch ``value`` for ``dt`` s more. ``value`` and limits carry the rule's sign."""
        if self.tripped:
            if self.release is None:
                self.left -= dt
                self.tripped = self.left > 0.0
                self.left = max(0.0, self.left)
            else:
                self.tripped = value > self.release
            self.beyond = 0.0
        elif value < self.limit:
            self.beyond = 0.0
        else:
            self.beyond += dt
            if self.beyond >= self.delay:
                self.tripped = True
                self.left = 0.0 if self.release is not None else self.recovery


class Protections:
    """All guards of a BMS with these settings."""

    def __init__(self, settings: Settings) -> None:
        self.guards = tuple(_guard(rule, settings) for rule in RULES)
        self.mask = 0  # alarm bits
        self.charge_allowed = True
        self.discharge_allowed = True

    def step(self, dt: float, measured: Measured) -> None:
        """Watch the battery for ``dt`` s more."""
        mask = 0
        charge = discharge = True
        for guard in self.guards:
            rule = guard.rule
            value: float = getattr(measured, rule.watches) * rule.sign
            if not guard.tripped and value < guard.limit:  # nearly always
                guard.beyond = 0.0
                continue
            guard.step(dt, value)
            if guard.tripped:
                mask |= 1 << rule.bit
                charge = charge and not rule.cuts.value[0]
                discharge = discharge and not rule.cuts.value[1]
        self.mask, self.charge_allowed, self.discharge_allowed = mask, charge, discharge

    def release_in(self, bit: int) -> int:
        """Seconds until the protection of ``bit`` lets go; 0 = not tripped or not by time."""
        return next((round(guard.left) for guard in self.guards if guard.rule.bit == bit), 0)


def _guard(rule: Rule, settings: Settings) -> Guard:
    def number(name: str | None, default: float) -> float:
        return default if name is None else float(getattr(settings, name))

    release = None if rule.release is None else number(rule.release, 0.0) * rule.sign
    # Limits of discharge current are positive numbers: the sign belongs to the rule.
    by_size = rule.watches == "current"
    return Guard(
        rule=rule,
        limit=number(rule.limit, 0.0) * (1 if by_size else rule.sign),
        release=release,
        delay=number(rule.delay, FILTER),
        recovery=number(rule.recovery, 0.0),
    )
