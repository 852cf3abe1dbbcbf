"""A BMS that says nothing, or always the same."""

from collections.abc import Mapping
from functools import lru_cache

from jk_bms.model.link import LinkState
from jk_bms.rules import example
from jk_bms.rules.base import Grade, Link, Look, PackView, Rule
from jk_bms.rules.levels import Bounds, C, E, W, always, grade
from jk_bms.rules.telling import Telling

SILENT_LEAST, SILENT_INTERVALS = 120.0, 3.0  # s, and so many readings missed
SILENT_LONG = 900.0  # s
SAME_LEAST = 3  # frames that are alike in every counter
SAME, SAME_LONG = 5.0, 600.0  # s
_FROZEN_GRADES = (
    grade(C, 1046, Bounds(SAME_LONG, 0.0), samples=1, seconds=0.0, digits=0),
    grade(E, 1040, Bounds(SAME, 0.0), samples=1, seconds=0.0, digits=0),
)
_IMPLAUSIBLE_GRADES = (grade(W, 1047, Bounds(5.0, 0.0), seconds=0.0, digits=0),)


def silent_from(interval: float) -> float:
    """Return after how long, in s, a BMS that is read every ``interval`` s is called silent."""
    return max(SILENT_LEAST, SILENT_INTERVALS * interval)


@lru_cache(maxsize=16)
def silent_grades(interval: float) -> tuple[Grade, ...]:
    """Return the grades of a BMS that is read every ``interval`` s."""
    first = silent_from(interval)
    long = max(SILENT_LONG, 2.0 * first)
    return (
        grade(C, 1043, Bounds(long, first / 2.0), samples=1, seconds=0.0, digits=0),
        grade(W, 1031, Bounds(first, first / 2.0), samples=1, seconds=0.0, digits=0),
    )


def _silent_grades(view: PackView) -> tuple[Grade, ...]:
    return silent_grades(view.link.interval)


def _silent(view: PackView) -> Mapping[str, Look | None] | None:
    link = view.link
    if link.silent is None or link.state is LinkState.RELEASED or link.frozen_frames >= SAME_LEAST:
        return None  # a BMS that repeats itself is not silent: that is the other rule
    if view.sample is None and link.silent < silent_from(link.interval):
        return None  # only a good frame shows that it is back, not that counting began anew
    facts = {
        "state": link.state.value,
        "verdict": link.verdict,
        "message": link.message,
        "interval": link.interval,
    }
    return {"": Look(round(link.silent, 1), facts)}


BMS_SILENT = Rule(
    "bms_silent",
    PackView,
    _silent_grades,
    _silent,
    rising=True,
    example=lambda: example.pack(
        link=Link(
            LinkState.SEARCHING, verdict="not_seen", silent=960.0, message="the battery is not in the scan"
        )
    ),
    unit="s",
    age=True,
    clear_samples=2,
    telling=Telling(state="battery"),
)


def _frozen(view: PackView) -> Mapping[str, Look | None] | None:
    link = view.link
    if link.frozen_frames >= SAME_LEAST:
        return {"": Look(round(link.frozen, 1), {"frames": link.frozen_frames})}
    return {} if view.sample is not None else None


BMS_FROZEN = Rule(
    "bms_frozen",
    PackView,
    always(_FROZEN_GRADES),
    _frozen,
    rising=True,
    example=lambda: example.pack(
        link=Link(LinkState.STREAMING, silent=640.0, frozen=640.0, frozen_frames=1200)
    ),
    unit="s",
    age=True,
    clear_samples=3,
)


def _implausible(view: PackView) -> Mapping[str, Look | None] | None:
    if view.sample is None and not view.link.implausible:
        return None  # nothing comes at all: only good readings show that it is over
    return {"": Look(float(view.link.implausible), {"reason": view.link.implausible_reason})}


BMS_IMPLAUSIBLE = Rule(
    "bms_implausible",
    PackView,
    always(_IMPLAUSIBLE_GRADES),
    _implausible,
    rising=True,
    example=lambda: example.pack(
        link=Link(
            LinkState.STREAMING,
            silent=0.4,
            implausible=7,
            implausible_reason="current is 2000000 A; expected at most 1120 A either way",
        )
    ),
    clear_samples=1,
)
