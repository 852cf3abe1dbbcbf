"""The health of a battery's cells as the poller tells it: ``battery.health_report`` in the words of a page."""

import msgspec


class FaultTold(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong with a cell."""

    kind: str = ""  # weak, leaking, bad connection
    since: str | None = None  # ISO date; None: the clock was wrong
    sure: float = 0.0  # chance that it is so


class CellTold(msgspec.Struct, frozen=True, kw_only=True):
    """One cell against the typical one of its pack. ``None``: not known yet."""

    number: int = 0  # 1 = first
    faults: tuple[FaultTold, ...] = ()
    sure: float = 0.0  # chance that nothing is wrong, as far as known
    verdict: str = "unknown"  # the kind of the worst fault, good or unknown
    unknown: tuple[str, ...] = ()  # what cannot be told yet
    resistance: float | None = None  # Ohm
    resistance_excess: float | None = None  # over the typical cell, as a share
    size: float | None = None  # % of the capacity: holds so much more
    size_sigma: float | None = None
    loss_month: float | None = None  # % of the capacity a month: loses so much more by itself
    loss_month_sigma: float | None = None
    ahead_when_full_ah: float | None = None  # Ah: at the end of charge it is so much fuller


class HealthTold(msgspec.Struct, frozen=True, kw_only=True):
    """All cells of one battery."""

    cells: tuple[CellTold, ...] = ()
    verdict: str = ""  # in one sentence
    days: float = 0.0  # watched
    nominal_ah: float | None = None
    learned_ah: float | None = None  # capacity between two anchors
    temperature: float | None = None  # °C, at which the resistances were measured
    balancer_unseen: bool = False  # it moves charge and does not say how much
    imbalance: float | None = None  # % between the fullest and the emptiest cell at the end of charge
