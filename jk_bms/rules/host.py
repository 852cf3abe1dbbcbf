"""The machine that watches: its disk, its clock, its database, its radio, its own restarts."""

from collections.abc import Mapping

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import HostView, Look, Rule
from jk_bms.rules.levels import Bounds, E, W, always, grade
from jk_bms.rules.telling import Telling

POWER_CYCLE, WEDGED = 4.0, 5.0  # rungs of the repair ladder; the last one when nothing helps
NEW = 600.0  # s: so long a start is news

_DISK_GRADES = (grade(W, 3002, Bounds(9.9, 12.0), samples=1, seconds=0.0, digits=1),)
_CLOCK_GRADES = (grade(W, 3003, Bounds(60.0, 30.0), samples=1, seconds=0.0, digits=0),)
_DATABASE_GRADES = (grade(E, 3004, Bounds(60.0, 0.0), samples=1, seconds=0.0, digits=0),)
_ADAPTER_GRADES = (
    grade(E, 3006, Bounds(WEDGED, POWER_CYCLE), samples=1, seconds=0.0, digits=0),
    grade(W, 3005, Bounds(POWER_CYCLE, POWER_CYCLE - 1.0), samples=1, seconds=0.0, digits=0),
)
_CONFIGURATION_GRADES = (grade(E, 3009, Bounds(1.0, 0.0), samples=1, seconds=0.0, digits=0),)
_CRASH_GRADES = (grade(Severity.INFO, 3001, Bounds(1.0, 0.0), samples=1, seconds=0.0, digits=0),)


def _disk(view: HostView) -> Mapping[str, Look | None] | None:
    if view.disk_free is None:
        return None
    return {"": Look(round(100.0 * view.disk_free, 1), {"path": view.disk_path})}


DISK_FULL = Rule(
    "disk_full",
    HostView,
    always(_DISK_GRADES),
    _disk,
    rising=False,
    below=True,
    example=lambda: example.host(disk_free=0.06),
    unit="%",
    digits=1,
)


def _clock(view: HostView) -> Mapping[str, Look | None] | None:
    if view.clock_step is None:
        return None
    return {"": Look(round(abs(view.clock_step)), {"step": round(view.clock_step)})}


CLOCK_JUMP = Rule(
    "clock_jump",
    HostView,
    always(_CLOCK_GRADES),
    _clock,
    rising=True,
    example=lambda: example.host(clock_step=-3600.0),
    unit="s",
    clear_samples=1,
    passing=True,
    telling=Telling(valued=False, units={"step": ("s", 0)}),
)


def _database(view: HostView) -> Mapping[str, Look | None] | None:
    return {"": Look(round(view.database_failing), {"error": view.database_error})}


DATABASE_FAILING = Rule(
    "database_failing",
    HostView,
    always(_DATABASE_GRADES),
    _database,
    rising=True,
    example=lambda: example.host(database_failing=75.0, database_error="disk I/O error"),
    unit="s",
    age=True,
    clear_samples=1,
)


def _adapter(view: HostView) -> Mapping[str, Look | None] | None:
    value = WEDGED if view.adapter_wedged else min(float(view.rung), POWER_CYCLE)
    return {"": Look(value, proof=view.adapter_hears)}


ADAPTER_STUCK = Rule(
    "adapter_stuck",
    HostView,
    always(_ADAPTER_GRADES),
    _adapter,
    rising=True,
    example=lambda: example.host(rung=4, adapter_wedged=True),
    clear_samples=2,
    clear_seconds=60.0,
)


def _crash(view: HostView) -> Mapping[str, Look | None] | None:
    return {"": Look(1.0 if view.started_after_crash and view.uptime < NEW else 0.0)}


STARTED_AFTER_CRASH = Rule(
    "started_after_crash",
    HostView,
    always(_CRASH_GRADES),
    _crash,
    rising=True,
    example=lambda: example.host(started_after_crash=True),
    clear_samples=1,
    passing=True,
    at_start=True,
)


def _configuration(view: HostView) -> Mapping[str, Look | None] | None:
    # A message has room for the first fault; the log and `check` have all.
    first = next(iter(view.configuration.splitlines()), "")
    return {"": Look(1.0, {"error": first}) if first else Look(0.0)}


BAD_CONFIGURATION = Rule(
    "bad_configuration",
    HostView,
    always(_CONFIGURATION_GRADES),
    _configuration,
    rising=True,
    example=lambda: example.host(configuration="jk_devices.yaml line 3: expected an address"),
    clear_samples=1,
    at_start=True,
    telling=Telling(valued=False),
)
