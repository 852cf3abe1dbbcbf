"""What the links of one house share: which adapter is in use, what was repaired when, what is allowed.

One repair at a time in the whole house; the last rungs are decided here, for all devices together.
"""

from collections.abc import Mapping
from typing import Any

from jk_bms.errors import Verdict
from jk_bms.model.link import LinkState
from jk_bms.repair.ladder import AFTER_BOOT, HOUR, NEVER, Circumstances, Rung
from jk_bms.repair.machine import LinkMachine

ALL_SILENT = 600.0  # s without a good frame from any device, after which a fresh start may help
# What a reboot may help against: what is wrong is in this machine.
REBOOT_HELPS = frozenset(
    {
        Verdict.NO_ADAPTER,
        Verdict.ADAPTER_OFF,
        Verdict.ADAPTER_WEDGED,
        Verdict.SERVICE_DOWN,
        Verdict.CONNECT_FAILED,
        Verdict.BUSY,
    }
)
BETWEEN_REBOOTS = HOUR
MOST_FORGETS = 5  # times in a boot that a device may be tried to be forgotten, until it works


class SharedRepair:
    """Knows all machines. Times as in ``LinkMachine``, but for what is said to be wall time."""

    def __init__(
        self,
        now: float,
        *,
        adapter_failures: int = 5,
        may_restart: bool = False,
        may_reboot: bool = False,
    ) -> None:
        self.forgotten: set[str] = set()  # devices, in this boot
        self._forgets: dict[str, int] = {}  # how often that was tried for a device, in this boot
        self.restarted: float | None = None  # when the Bluetooth service was, in this boot
        self.rebooted: float | None = None  # wall time, when we last asked for it
        self.exited = False  # we ended for a fresh start in this boot, and no data came since
        self._started = self._began = now
        self._adapter_failures = adapter_failures
        self._may_restart = may_restart
        self._may_reboot = may_reboot
        self._machines: dict[str, LinkMachine] = {}
        self._adapters: dict[str, str] = {}
        self._cycled: dict[str, float] = {}
        self._repairing: str | None = None  # the device for which

    def join(self, device: str, machine: LinkMachine) -> None:
        """Take in the machine of a device; nothing can have been heard of it before."""
        self._machines[device] = machine
        self._began = max(self._began, machine.since)

    def part(self, device: str) -> None:
        """Reckon with a device no longer; what was repaired for it stays known."""
        self._machines.pop(device, None)
        self._adapters.pop(device, None)
        if self._repairing == device:
            self._repairing = None

    def machine(self, device: str) -> LinkMachine | None:
        """Return the machine of a device; None: it has no link."""
        return self._machines.get(device)

    def reached_by(self, device: str, adapter: str) -> None:
        """Note the adapter of a device; an empty name tells nothing."""
        if adapter:
            self._adapters[device] = adapter

    def knows(self, device: str) -> None:
        """Note that a device gave data to an earlier run."""
        if device in self._machines:
            self._machines[device].known = True

    def around(self, device: str, now: float, *, up_for: float = NEVER) -> Circumstances:
        """Return what the others' state allows to ``device``; ``up_for``: s since the machine booted."""
        adapter = self._adapters.get(device, "")
        others = [
            self._adapters.get(other, "")
            for other, machine in self._machines.items()
            if other != device and machine.state is LinkState.STREAMING
        ]
        cycled = self._cycled.get(adapter)
        return Circumstances(
            # An adapter that is not known may be any.
            in_use=any(not adapter or not used or used == adapter for used in others),
            any_in_use=bool(others),
            repairing=self._repairing not in (None, device),
            forgotten=device in self.forgotten or self._forgets.get(device, 0) >= MOST_FORGETS,
            may_restart=self._may_restart,
            up_for=up_for,
            cycled_ago=NEVER if cycled is None else now - cycled,
            restarted_ago=NEVER if self.restarted is None else now - self.restarted,
            adapter_failures=self._adapter_failures,
        )

    def begins(self, device: str, rung: Rung, now: float) -> None:
        """Note that a repair begins; ``ends`` must follow."""
        self._repairing = device
        if rung is Rung.FORGET:
            self._forgets[device] = self._forgets.get(device, 0) + 1
        elif rung is Rung.POWER_CYCLE:
            self._cycled[self._adapters.get(device, "")] = now
        elif rung is Rung.RESTART_SERVICE:
            self.restarted = now

    def ends(self, device: str, rung: Rung, *, worked: bool) -> None:
        """Note that the repair for ``device`` is over."""
        if rung is Rung.FORGET and worked:
            self.forgotten.add(device)
        if self._repairing == device:
            self._repairing = None

    def rung(self) -> Rung:
        """Return the highest rung that is in use for any device."""
        return max((machine.rung for machine in self._machines.values()), default=Rung.NONE)

    def silent_for(self, now: float) -> float:
        """Return for how many s nothing came from any device; 0 while one is left alone on purpose."""
        machines = self._machines.values()
        if not machines or any(
            machine.state in (LinkState.RELEASED, LinkState.WAITING) for machine in machines
        ):
            self._began = now
            return 0.0
        heard = max(machine.last_frame or self._began for machine in machines)
        return now - max(heard, self._began)

    def last_rung(self, now: float, *, up_for: float, wall: float | None) -> Rung | None:
        """Return EXIT or REBOOT when nothing answered for so long; None: go on.

        ``up_for``: s since the machine booted. ``wall``: the time of day in s; None: not trusted.
        """
        machines = self._machines.values()
        if any(one.last_frame is not None and one.last_frame >= self._started for one in machines):
            self.exited = False
        if self.silent_for(now) <= ALL_SILENT:
            return None
        ours = all(one.trouble is None or one.trouble.verdict in REBOOT_HELPS for one in machines)
        if self._may_reboot and self.exited and ours and self._reboot_again(up_for, wall):
            self.rebooted = wall
            return Rung.REBOOT
        self.exited = True
        return Rung.EXIT

    # What is remembered over a restart

    def remembered(self, boot: str) -> dict[str, Any]:
        """Return what the next run must know, as plain JSON values."""
        return {
            "boot": boot,
            "forgotten": sorted(self.forgotten),
            "forgets": dict(sorted(self._forgets.items())),
            "restarted": self.restarted,
            "rebooted": self.rebooted,
            "exited": self.exited,
        }

    def recall(self, state: Mapping[str, Any] | None, boot: str) -> None:
        """Take up what the last run left; all but the time of day only if that was the same boot."""
        if state is None:
            return
        self.rebooted = state.get("rebooted")
        if boot and state.get("boot") == boot:
            self.exited = bool(state.get("exited"))
            self.forgotten.update(state.get("forgotten", ()))
            self._forgets.update(state.get("forgets", {}))
            self.restarted = state.get("restarted")

    def _reboot_again(self, up_for: float, wall: float | None) -> bool:
        if up_for < AFTER_BOOT:
            return False
        if self.rebooted is None and wall is not None:
            return True
        if wall is None or self.rebooted is None or wall < self.rebooted:
            return up_for >= BETWEEN_REBOOTS  # the clock is of no help: this boot is old enough
        return wall - self.rebooted >= BETWEEN_REBOOTS
