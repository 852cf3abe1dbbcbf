"""The ladder of repairs: which rung may help against what, and how patient each is.

The only retry policy in the house. Facts about the rungs are data; ``next_rung`` walks them.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from jk_bms.errors import Verdict


class Rung(IntEnum):
    """A repair; higher ones disturb more."""

    NONE = 0  # it came back by itself
    ASK = 1  # the BMS is asked again
    RECONNECT = 2
    FORGET = 3  # BlueZ forgets the device, and with it what it remembers wrongly
    POWER_CYCLE = 4  # the adapter is switched off and on
    RESTART_SERVICE = 5  # the Bluetooth service, where the owner allows it
    EXIT = 6  # the service manager starts us anew
    REBOOT = 7  # the host, where the owner allows it

    @property
    def code(self) -> str:
        """Its name in records and on the socket."""
        return self.name.lower()

    @property
    def words(self) -> str:
        """What a person calls it, as something that was done."""
        return WORDS[self]


WORDS = {
    Rung.NONE: "came back by itself",
    Rung.ASK: "asked again",
    Rung.RECONNECT: "connected anew",
    Rung.FORGET: "had the Bluetooth service forget the device",
    Rung.POWER_CYCLE: "switched the adapter off and on",
    Rung.RESTART_SERVICE: "restarted the Bluetooth service",
    Rung.EXIT: "ended for a fresh start",
    Rung.REBOOT: "rebooted the machine",
}

MINUTE, HOUR = 60.0, 3600.0
NEVER = float("inf")
AFTER_BOOT = 10 * MINUTE  # the machine finds its feet: no service is restarted, nothing rebooted
BETWEEN_CYCLES = 2 * MINUTE  # of one adapter, for all its batteries together
BETWEEN_RESTARTS = HOUR
AS_SET = 0  # failures: those of MAX_CONSECUTIVE_ERRORS


class Patience(NamedTuple):
    """When a rung is due: after so many failures in a row and so long an outage, and how often."""

    failures: int
    outage: float  # s
    again: float  # s until the same rung may be tried again for this device


# What may help against what. Connecting anew is what happens anyway, between all others; where
# nothing stands it is all that can be done from here. To forget a device is for what BlueZ remembers
# wrongly, and works once in a boot: nothing else may use that up, or it is gone when it is needed.
# fmt: off
LADDER: Mapping[Verdict, Mapping[Rung, Patience]] = {
    #                                            failures  outage     again
    Verdict.STALE_CACHE:     {Rung.FORGET:      Patience(1, 0.0,         5 * MINUTE),
                              Rung.POWER_CYCLE: Patience(AS_SET, 2 * MINUTE, HOUR)},
    Verdict.NOT_A_BMS:       {Rung.FORGET:      Patience(2, 0.0,         5 * MINUTE)},
    Verdict.MUTE:            {Rung.POWER_CYCLE: Patience(AS_SET, 3 * MINUTE, HOUR)},
    Verdict.CONNECT_FAILED:  {Rung.POWER_CYCLE: Patience(AS_SET, 2 * MINUTE, 10 * MINUTE),
                              Rung.RESTART_SERVICE: Patience(9, 8 * MINUTE, HOUR)},
    Verdict.DROPPED:         {Rung.POWER_CYCLE: Patience(AS_SET, 3 * MINUTE, HOUR)},
    Verdict.BUSY:            {Rung.POWER_CYCLE: Patience(AS_SET, 2 * MINUTE, 10 * MINUTE),
                              Rung.RESTART_SERVICE: Patience(9, 8 * MINUTE, HOUR)},
    # Here the adapter itself is at fault, whatever the owner's patience with devices.
    Verdict.ADAPTER_WEDGED:  {Rung.POWER_CYCLE: Patience(2, 30.0,        5 * MINUTE),
                              Rung.RESTART_SERVICE: Patience(4, 5 * MINUTE, HOUR)},
    Verdict.ADAPTER_OFF:     {Rung.POWER_CYCLE: Patience(2, 5.0,         5 * MINUTE)},
    Verdict.SERVICE_DOWN:    {Rung.RESTART_SERVICE: Patience(3, MINUTE,  HOUR)},
    # Not heard for long: once in a while a controller is deaf to one device.
    Verdict.NOT_SEEN:        {Rung.POWER_CYCLE: Patience(8, 6 * MINUTE,  HOUR)},
}
# fmt: on
THE_ADAPTERS_FAULT = frozenset({Verdict.ADAPTER_WEDGED, Verdict.ADAPTER_OFF})


class Circumstances(NamedTuple):
    """What decides besides the device's own troubles. The defaults forbid nothing but restarts."""

    in_use: bool = False  # another device streams on the adapter: it must not be disturbed
    any_in_use: bool = False  # another device streams on any adapter
    repairing: bool = False  # something is being repaired already for another device
    repairable: bool = True  # there is something to repair: no recording, no foreign radio
    forgotten: bool = False  # the device was forgotten in this boot, or tried to be often enough
    may_restart: bool = False  # the owner allows to restart the Bluetooth service
    up_for: float = NEVER  # s since the machine was started
    cycled_ago: float = NEVER  # s since the adapter was last switched off and on, for whomever
    restarted_ago: float = NEVER  # s since the Bluetooth service was
    adapter_failures: int = 5  # MAX_CONSECUTIVE_ERRORS


def next_rung(
    verdict: Verdict,
    failures: int,
    outage: float,
    tried_ago: Mapping[Rung, float],
    around: Circumstances,
) -> Rung | None:
    """Return the repair that is due, the gentlest first; None: only connect again.

    ``failures`` in a row, ``outage`` in s, ``tried_ago``: s since a rung was last tried in this outage.
    """
    if around.repairing or not around.repairable:
        return None
    for rung, patience in LADDER.get(verdict, {}).items():
        needed = patience.failures
        if rung is Rung.FORGET and around.forgotten:
            continue
        if rung is Rung.POWER_CYCLE:
            if around.in_use or around.cycled_ago < BETWEEN_CYCLES:
                continue
            if verdict not in THE_ADAPTERS_FAULT:
                needed = max(needed, around.adapter_failures)
        if rung is Rung.RESTART_SERVICE and not _may_restart(around):
            continue
        waited = rung not in tried_ago or tried_ago[rung] >= patience.again
        if failures >= needed and outage >= patience.outage and waited:
            return rung
    return None


def _may_restart(around: Circumstances) -> bool:
    return (
        around.may_restart
        and not around.any_in_use
        and around.up_for >= AFTER_BOOT
        and around.restarted_ago >= BETWEEN_RESTARTS
    )
