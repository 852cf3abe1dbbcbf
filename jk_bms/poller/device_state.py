"""How a battery and the way to it are doing, in plain values and in a line."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

import msgspec

from jk_bms.called import no_battery
from jk_bms.model import Device, Sample
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.outage import OutageNow
from jk_bms.model.reading import reading_of
from jk_bms.model.snapshot import BatteryNow, Energy, LinkNow
from jk_bms.repair.ladder import Rung
from jk_bms.texts.durations import age, span


def battery_now(
    device: Device,
    status: LinkStatus,
    sample: Sample | None,
    days: Mapping[str, Energy],
    *,
    now: float,
    zone: tzinfo | None,
    heard: float | None = None,
    cell_limits: tuple[float, float] | None = None,
    uncounted: str = "",
) -> BatteryNow:
    """Return what the live socket tells of one battery; ``days``: what went in and out.

    ``now`` is in s since boot, as is ``heard``: when it last gave data to an earlier run.
    ``cell_limits``: below and above which V a cell is told of. ``uncounted``: why the charge is not
    counted; empty: it is.
    """
    return BatteryNow(
        number=device.number,
        address=device.address,
        name=device.name,
        kind=device.kind,
        link=link_now(status, now, heard),
        cell_limits=cell_limits,
        uncounted=uncounted,
        age=None if sample is None else max(0.0, now - sample.monotonic),
        reading=None if sample is None else reading_of(sample, zone, monotonic=True),
        days={} if sample is None else dict(days),
    )


def link_now(status: LinkStatus, now: float, heard: float | None = None) -> LinkNow:
    """Return what the live socket tells of the way to one battery; ``now`` and ``heard`` as above."""
    last = heard if status.last_sample is None else status.last_sample
    return LinkNow(
        state=status.state,
        lasts=max(0.0, now - status.since),
        verdict=status.verdict,
        message=status.message,
        rssi=status.rssi,
        causes=status.causes,
        adapter=status.adapter,
        last_frame=None if last is None else max(0.0, now - last),
        connects=status.connects,
        failures=status.failures,
        frames=status.frames,
        refused=status.refused,
        implausible=status.implausible_lately(now),
        implausible_reason=status.implausible_reason,
        discarded=status.discarded,
        commands=status.commands,
        commands_day=status.commands_day,
        rung=Rung(status.rung).code,
        outage=_outage(status),
        last_outage=status.last_outage,
        released_for=None if status.released_until is None else status.released_until - now,
    )


def _outage(status: LinkStatus) -> OutageNow | None:
    """What goes on, with what it lasted before this run."""
    outage = status.outage
    if outage is None:
        return None
    return msgspec.structs.replace(outage, lasted=outage.lasted + status.outage_before)


def status_line(batteries: Iterable[tuple[Device, LinkStatus, Sample | None]], now: float) -> str:
    """Return one line on all batteries, as the service manager shows it."""
    told = (
        f"{device.label}: {', '.join(_words(status, sample, now))}" for device, status, sample in batteries
    )
    return "; ".join(told) or no_battery()


def _words(status: LinkStatus, sample: Sample | None, now: float) -> Iterable[str]:
    yield status.state.value
    if status.verdict and status.state is not LinkState.RELEASED:
        yield f"{status.verdict} for {span(now - status.since)}"
        if status.rung:
            yield Rung(status.rung).words
    if status.released_until is not None:
        yield f"{span(status.released_until - now)} left"
    if sample is not None and sample.battery_soc is not None:
        yield f"{sample.battery_soc:.0f} %"
    if status.last_sample is not None:
        yield f"heard {age(now - status.last_sample)}"
    if status.rssi is not None:
        yield f"{status.rssi} dBm"
    if status.connects:
        yield f"{status.connects} connection{'' if status.connects == 1 else 's'}"
    if status.commands_day:
        yield f"{status.commands_day} command{'' if status.commands_day == 1 else 's'} in 24 h"
    if (last := status.last_outage) is not None and last.cure:
        yield f"last time {Rung[last.cure.upper()].words}"
