"""The state of charge that warnings look at."""

MOST_BELOW = 3.0  # %: chosen by bench/soc.py, more cries wolf and less comes late


def soc_for_warnings(counted: float | None, low: float | None) -> float | None:
    """Return the SoC, in %, below which a pack is called low: the lower end of the band.

    But never more than MOST_BELOW under the ``counted`` value: a band that is wide, because
    nothing has been known for sure for days, is no reason to warn of a pack that is half full.
    ``None`` when nothing was counted.
    """
    if counted is None or low is None:
        return None
    return max(low, counted - MOST_BELOW)
