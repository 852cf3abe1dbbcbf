"""The state of charge that warnings look at."""

from jk_bms.battery.soc_source import WIDEST

MOST_BELOW = 3.0  # %: chosen by bench/soc_opposition.py, more cries wolf and less comes late ...
OF_THE_DOUBT = 0.3  # ... or that share of how far the band reaches below the value, if that is more


def soc_for_warnings(counted: float | None, low: float | None, high: float | None) -> float | None:
    """Return the SoC, in %, below which a pack is called low: the lower end of the band.

    But not far under the ``counted`` value: a band that is wide, because nothing has been known for
    sure for days, is no reason to warn of a pack that is half full; it warns a little earlier.
    ``None`` when nothing was counted, or so badly that it is not shown.
    """
    if counted is None or low is None or high is None or high - low > WIDEST:
        return None
    return max(low, counted - max(MOST_BELOW, OF_THE_DOUBT * (counted - low)))
