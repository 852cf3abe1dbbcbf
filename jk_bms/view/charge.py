"""The state of charge as people read it: the same whole number, and the same four levels, on every face."""

LEVELS = {"good": 80, "fair": 50, "little": 20, "low": 0}  # %, from which on; the highest first
LOW = LEVELS["little"]  # %: below it every face says so
FULL = 99.5  # %: from here on it is 100, for a balancer may never let it come nearer


def shown_soc(soc: float) -> int:
    """Return ``soc`` as a whole number: the one that its colour and every limit goes by."""
    return 100 if soc >= FULL else max(0, int(soc))


def level_of(soc: float) -> str:
    """Return the level of ``soc``: one of LEVELS."""
    return next(name for name, least in LEVELS.items() if shown_soc(soc) >= least)
