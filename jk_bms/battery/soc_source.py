"""Which state of charge people are shown, and where it comes from."""

import msgspec

from jk_bms.battery.curves import Curve
from jk_bms.model import Sample

SOURCES = ("auto", "counted", "bms", "curve")  # the values of BMS_SOC_SOURCE
WIDEST = 40.0  # %: a count whose band is wider says less than any BMS ...
BEYOND = 5.0  # %: ... but for one whose value lies so far outside it, which cannot be true


def soc_by_curve(sample: Sample, curve: Curve) -> float | None:
    """Return the SoC, in %, that the mean cell voltage says; under load it means little."""
    average = sample.cell_average
    return None if average is None else curve.soc(average)


def soc_to_show(
    sample: Sample,
    *,
    source: str,
    by_curve: float | None,
    counted: float | None,
    band: tuple[float, float] | None,
    anchored: bool,
) -> tuple[float | None, str | None]:
    """Return the SoC, in %, that people are shown, and its source: counted, bms or curve.

    ``source`` is one of SOURCES. ``auto`` takes our count once it was ``anchored``, as long as its ``band``
    (ends in %, None: nothing was counted) is narrow enough; else the value of the BMS when that is plausible and
    not far outside the band, for then the worst count is nearer; else the curve. (None, None): not known. An
    active balancer measures no current, so it is not known whether its cells rest: only who asks for the curve
    is shown it.
    """
    if source != "curve" and sample.device.balancer:
        return None, None
    told = sample.soc if sample.soc is not None and 0 <= sample.soc <= 100 else None
    usable = wrong = False
    if band is not None:
        low, high = band
        usable = anchored and high - low <= WIDEST
        wrong = told is not None and not low - BEYOND <= told <= high + BEYOND
    if counted is not None and (source == "counted" or (source == "auto" and (usable or wrong))):
        return counted, "counted"
    if source != "curve" and told is not None:
        return told, "bms"
    if source != "bms" and by_curve is not None:
        return by_curve, "curve"
    return None, None


def with_shown_soc(sample: Sample, *, source: str, curve: Curve) -> Sample:
    """Return a single reading with its shown SoC filled in; nothing was counted before it."""
    by_curve = soc_by_curve(sample, curve)
    shown, name = soc_to_show(
        sample, source=source, by_curve=by_curve, counted=None, band=None, anchored=False
    )
    return msgspec.structs.replace(sample, soc_curve=by_curve, battery_soc=shown, battery_soc_source=name)
