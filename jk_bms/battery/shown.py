"""Which state of charge people are shown, and where it comes from."""

import msgspec

from jk_bms.battery.curves import Curve
from jk_bms.model import Sample

SOURCES = ("auto", "counted", "bms", "curve")  # the values of BMS_SOC_SOURCE


def with_shown_soc(sample: Sample, *, source: str, curve: Curve) -> Sample:
    """Return ``sample`` with ``soc_curve``, ``battery_soc`` and ``battery_soc_source`` filled in.

    ``source`` is one of SOURCES; ``auto`` takes the value of the BMS when it is plausible,
    else the curve. What the sample cannot give stays None.
    """
    average = sample.cell_average
    by_curve = None if average is None else curve.soc(average)
    by_bms = sample.soc if sample.soc is not None and 0 <= sample.soc <= 100 else None
    candidates = {
        "bms": (("bms", by_bms),),
        "curve": (("curve", by_curve),),
    }.get(source, (("bms", by_bms), ("curve", by_curve)))
    name, shown = next((pair for pair in candidates if pair[1] is not None), (None, None))
    return msgspec.structs.replace(sample, soc_curve=by_curve, battery_soc=shown, battery_soc_source=name)
