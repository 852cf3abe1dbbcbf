"""What a rule is, what it looks at and what comes of it.

A rule measures one thing (``look``) and has grades of how bad it is, worst first. The engine
adds time: how long it must last, when it is over, when it is told again.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.limits import PackLimits
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.alarms import Severity
from jk_bms.model.link import LinkState
from jk_bms.rules.telling import USUAL, Telling


class Grade(NamedTuple):
    """How bad it must be for a severity. ``set`` and ``clear`` are in the unit of the rule."""

    severity: Severity
    code: int  # the number under which people know it
    set: float  # at this value and beyond it counts as bad ...
    clear: float  # ... and until the value is back here it stays so
    samples: int = 3  # this many looks in a row,
    seconds: float = 0.0  # over at least this long


class Look(NamedTuple):
    """What a rule measured. ``facts`` goes into the message: cell, limit of the BMS, cause ..."""

    value: float
    facts: Mapping[str, Any] = {}  # plain JSON values
    # Whether a good value shows that the danger is over. A current that is zero because the BMS has
    # cut the house off does not, nor does the voltage that rises when the load is gone.
    proof: bool = True
    seen: Collection[int] | None = None  # the cells or probes that were measured; None: not by number
    # False: it only says how an open alert is by now, and neither raises one nor makes it worse. What was
    # foretold of a pack may have happened.
    news: bool = True
    calm: bool = False  # it is being mended, so that it need not be repeated as urgent


class Link(NamedTuple):
    """How the way to a pack is doing, as rules see it."""

    state: LinkState
    verdict: str | None = None  # errors.Verdict while there is no data
    # s since the last good frame, the end of a release or the start of the service, whichever was last.
    silent: float | None = None
    frozen: float = 0.0  # s for which frames with standing counters come
    frozen_frames: int = 0
    interval: float = 30.0  # s between two readings, as configured
    message: str = ""
    implausible: int = 0  # readings of the last ten minutes that cannot be true
    implausible_reason: str = ""


class Other(NamedTuple):
    """Another pack beside the one that is judged, which can feed the house."""

    name: str
    soc: float | None  # %, as people are shown it


class PackView(NamedTuple):
    """What is known of one pack at this moment. ``sample`` is fresh; None when only the link is judged."""

    device: Device
    sample: Sample | None
    link: Link
    chemistry: Chemistry
    limits: PackLimits = PackLimits()
    faults: tuple[tuple[int, str], ...] = ()  # cell number and kind, of health
    on_battery: bool | None = None  # True: no grid; None: not known
    powered: bool | None = None  # whether the house has power; None: not known
    could_be_charged: bool | None = None  # the grid is there, or more sun than load; None: not known
    others: tuple[Other, ...] = ()


class InverterView(NamedTuple):
    """What is known of grid and inverter."""

    sample: InverterSample | None
    age: float | None  # s since its newest good record
    grid: str = "unknown"  # present, lost, unknown: confirmed by two records
    battery_soc: float | None = None  # %, of the first pack, for the message
    patience: float = 120.0  # s: an older record says nothing of now


class Batteries(NamedTuple):
    """All packs together, as the house sees them."""

    power: float | None = None  # W, positive while charging; None: one of them says nothing now
    off: bool | None = None  # every one of them has cut the discharge, as far as was last heard
    fed: float | None = None  # s since the packs last fed the house; None: not since the start
    soc: float | None = None  # %, of all of them


class HouseView(NamedTuple):
    """What is known of the power in the house: the newest good record of the inverter, and the packs."""

    sample: InverterSample | None
    stale: bool  # that record is too old to speak of now
    grid: str = "unknown"  # present, lost, unknown
    batteries: Batteries = Batteries()
    age: float | None = None  # s since that record; None: not known
    # Each pack that is heard, as it is now; None: nothing new was heard of any, so that they are not judged.
    packs: tuple[PackView, ...] | None = None
    silent: tuple[str, ...] = ()  # the names of the packs that are not heard


class HostView(NamedTuple):
    """How the machine is doing. None: not known."""

    disk_free: float | None = None  # share of the file system of bms.db, 0..1
    disk_path: str = ""
    clock_step: float | None = None  # s by which the clock jumped since the last look
    database_failing: float = 0.0  # s for which nothing could be written
    database_error: str = ""
    configuration: str = ""  # what is wrong with the owner's files; empty: nothing
    rung: int = 0  # the highest repair rung that was the adapter's own fault: 4 = it is switched off and on
    adapter_wedged: bool = False  # it sees nothing at all
    adapter_hears: bool = True  # a battery is heard, whatever else is wrong with it
    started_after_crash: bool = False
    uptime: float = 0.0  # s since this service started


class FlapWait(NamedTuple):
    """How long an alert that comes back soon after its end must stand to be told again, in s."""

    mild: float  # below critical
    critical: float


class Emptying(NamedTuple):
    """That a rule sees a battery run empty, as many do: of these alerts the one that says most is told."""

    place: int  # 10 says the most of it, and leaves those behind it that are as bad nothing to say
    parts: tuple[str, ...] = ()  # only these of its parts; (): all
    how: str = ""  # only what its facts call so; "": whatever it finds


USUAL_WAIT = FlapWait(600.0, 60.0)
NO_WAIT = FlapWait(0.0, 0.0)  # told at once, however often
LONG_WAIT = FlapWait(600.0, 600.0)  # critical, and all the same it may come and go every minute


class Rule(NamedTuple):
    """One thing to watch. ``name`` is the key of its texts and of its state."""

    name: str
    scope: type[PackView] | type[InverterView] | type[HouseView] | type[HostView]
    # The grades for this view, worst first, the mildest with the limit that is reached first;
    # () when the rule does not apply (limit unknown, other chemistry).
    grades: Callable[[Any], tuple[Grade, ...]]
    # Parts (a cell, an alarm; "" for the whole) and what was measured. A part that is not
    # named is on the good side; one that is None stays as it was, and so do all when the whole
    # answer is None: nothing is known of it now.
    look: Callable[[Any], Mapping[str, Look | None] | None]
    rising: bool  # True: higher is worse
    example: Callable[[], Any]  # a view on which its worst grade comes true
    below: bool = False  # it begins below a round value, not at it: the limits are one step beside
    unit: str = ""
    digits: int = 0
    age: bool = False  # what is measured is for how long it has been so, in s
    clear_samples: int = 5
    clear_seconds: float = 0.0
    once: bool = False  # told once, never repeated and never cleared (cycles)
    passing: bool = False  # an event, not a state: its end is no news
    flap_wait: FlapWait = USUAL_WAIT
    at_start: bool = False  # told even in the quiet time after the start
    first_untold: bool = False  # not told when it is the first that is known of the matter
    # The facts that name the cell or probe of an alert: without a value of that one it is not over.
    names: tuple[str, ...] = ()
    one_voice: bool = False  # its parts show the same thing from several sides: one of them is told
    # While an alert of one of these rules is open, this one says nothing more: it is neither told nor listed.
    hidden_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # the values of a sample that it measures: without any it knows nothing
    least: int = 1  # values that it needs, where one name stands for several
    # Critical: repeated soon until it is acknowledged; else only named beside others.
    rings_again: bool = True
    emptying: Emptying | None = None
    last_words: bool = (
        False  # perhaps the last that this machine says: what was measured is saved before it is told
    )
    telling: Telling = USUAL


def beyond(rule: Rule, value: float, limit: float) -> bool:
    """Whether ``value`` is at ``limit`` or worse."""
    return value >= limit if rule.rising else value <= limit


class Moment(NamedTuple):
    """Now: ``at`` for durations, ``time`` for people."""

    at: float  # s since boot
    time: datetime  # aware, UTC
    trusted: bool = True


class Alert(msgspec.Struct, kw_only=True):
    """Something bad that goes on: one rule, one part, one subject."""

    subject: str  # address of the pack, "inverter" (one of several: model.inverter), "house" or "host"
    rule: str
    part: str
    code: int
    severity: Severity
    value: float  # as last measured
    set: float  # the limit that it crossed
    clear: float  # and the one that ends it
    peak: float  # the worst value so far
    since: datetime  # when the first look that counted for it was, or what an age counts from
    count: int = 1  # how often it was raised since it last stood quiet for a day
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    seen: datetime | None = None  # when its facts were last so; None: stored before that was kept
    told: datetime | None = None  # when it was last told; None: kept quiet so far
    muted_until: datetime | None = None
    muted_until_cleared: bool = False
    lasted: float | None = None  # s, from then to the first look that counted for its end; None: not over
    acknowledged: datetime | None = None  # when an owner said that he has seen it
    acknowledged_by: str = ""


class Notice(NamedTuple):
    """A step of an alert, for the log of events and, unless ``quiet``, for people.

    What was kept quiet for a time only comes a second time, without ``quiet``, when that time
    is over and it is still true.
    """

    what: str  # raised, worse, repeat, cleared, acknowledged
    alert: Alert  # as it was then: the engine does not change it any more
    # Why it is not told: startup, hours, muted, flapping, severity, first, hidden (by a rule that says
    # more), grouped (a worse one of the same cause was told), known (another part of it was told); for
    # cleared also untold (the alert was never told) and off (the owner does not want it).
    quiet: str | None = None
    silent: bool = False  # told without a sound
    also: tuple[Alert, ...] = ()  # other open alerts that are named in the same message, the worst first
