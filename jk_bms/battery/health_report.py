"""What health has to say: numbers for programs, verdicts for people."""

from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec

HOLDS_LESS = "weak"
LOSES_CHARGE = "leaking"
POORLY_CONNECTED = "bad connection"
GOOD, UNKNOWN = "good", "unknown"
GRAVITY = (LOSES_CHARGE, HOLDS_LESS, POORLY_CONNECTED)  # worst first


class CellFault(NamedTuple):
    """Something is wrong with a cell."""

    kind: str  # one of GRAVITY
    since: str | None  # date on which it became certain; None: the clock was wrong
    sure: float  # chance that it is so, 0..0.99


class Week(NamedTuple):
    """A week that is over, in few digits: hundreds of weeks are kept."""

    week: int  # since 2024-01-01
    temperature: float | None  # °C, middle of the band in which resistances were measured
    micro_ohms: list[int]  # of each cell; empty when unknown
    sizes: list[float]  # % of capacity against the typical cell
    losses: list[float]  # % a month against the typical cell
    learned_ah: float | None

    @property
    def monday(self) -> date:
        """The first day of that week."""
        return date(2024, 1, 1) + timedelta(weeks=self.week)


class CellHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One cell against the typical (median) cell of its pack. None: not known yet."""

    number: int  # 1 = first
    faults: tuple[CellFault, ...]
    sure: float  # chance that nothing is wrong, as far as known
    resistance: float | None  # Ohm, with its connections
    resistance_excess: float | None  # over the typical cell, as a share
    resistance_trend: float | None  # % a week
    size: float | None  # % of the capacity: holds so much more
    size_sigma: float | None
    size_rank: int | None  # 1 = largest
    loss_month: float | None  # % of the capacity a month: loses so much more by itself
    loss_month_sigma: float | None
    ahead_when_full: float | None  # %: at the end of charge it is so much fuller
    ahead_when_full_ah: float | None

    @property
    def verdict(self) -> str:
        """The worst fault, else good, else unknown."""
        for kind in GRAVITY:
            if any(fault.kind == kind for fault in self.faults):
                return kind
        return UNKNOWN if self.size is None and self.loss_month is None and self.resistance is None else GOOD

    @property
    def unknown(self) -> tuple[str, ...]:
        """What cannot be told yet."""
        facts = {"capacity": self.size, "self-discharge": self.loss_month, "resistance": self.resistance}
        return tuple(name for name, value in facts.items() if value is None)


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """The health of one pack."""

    cells: tuple[CellHealth, ...]
    days: float  # watched
    looks: int  # how often voltages could tell something of the charge
    nominal_ah: float | None
    learned_ah: float | None  # capacity between two anchors
    temperature: float | None  # °C, at which the resistances were measured
    balancer_unseen: bool  # it moves charge and does not say how much
    soc_range: tuple[float, float] | None  # %: where the pack was in the last one or two weeks
    weeks: tuple[Week, ...]

    @property
    def imbalance(self) -> float | None:
        """Charge between the fullest and the emptiest cell at the end of charge, in % of capacity."""
        ahead = [cell.ahead_when_full for cell in self.cells if cell.ahead_when_full is not None]
        return max(ahead) - min(ahead) if ahead and len(ahead) == len(self.cells) else None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What cannot be told yet of every cell."""
        return tuple(sorted({name for cell in self.cells for name in cell.unknown}))

    @property
    def verdict(self) -> str:
        """The whole pack in one sentence."""
        faulty = [cell for cell in self.cells if cell.faults]
        if faulty:
            named = ", ".join(f"cell {cell.number} ({cell.verdict})" for cell in faulty)
            rest = len(self.cells) - len(faulty)
            return f"look at {named}; the other {rest} cells are in order as far as known"
        if not self.cells:
            return "nothing is known: the battery does not report its cells"
        unknown = sorted({name for cell in self.cells for name in cell.unknown})
        if len(unknown) == 3:
            return f"too early to tell, after {self.days:.1f} days"
        if unknown:
            return (
                f"nothing wrong so far with the {len(self.cells)} cells; not known yet: {', '.join(unknown)}"
            )
        return f"all {len(self.cells)} cells are in order"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, verdicts included."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for cell, told in zip(self.cells, plain["cells"], strict=True):
            told["faults"] = [fault._asdict() for fault in cell.faults]
            told |= {"verdict": cell.verdict, "unknown": list(cell.unknown)}
        plain["weeks"] = [week._asdict() | {"monday": week.monday.isoformat()} for week in self.weeks]
        return plain | {"verdict": self.verdict, "imbalance": self.imbalance}
