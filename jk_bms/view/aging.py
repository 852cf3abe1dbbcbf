"""What a state of the house that came some time ago says now."""

from typing import TypeVar

from msgspec.structs import replace

from jk_bms.model.snapshot import GridNow, InverterShown, LinkNow, Snapshot

T = TypeVar("T", bound=InverterShown)


def aged(snapshot: Snapshot, seconds: float) -> Snapshot:
    """Return ``snapshot``, which came ``seconds`` ago, with the ages and spans of now."""
    return replace(
        snapshot,
        devices=tuple(
            replace(one, age=_older(one.age, seconds), link=one.link and aged_link(one.link, seconds))
            for one in snapshot.devices
        ),
        inverter=snapshot.inverter and aged_inverter(snapshot.inverter, seconds),
        inverters=tuple(aged_inverter(one, seconds) for one in snapshot.inverters),
    )


def aged_link(link: LinkNow, seconds: float) -> LinkNow:
    """Return a way to a battery as of ``seconds`` later."""
    left = link.released_for
    return replace(
        link,
        lasts=link.lasts + seconds,
        last_frame=_older(link.last_frame, seconds),
        released_for=None if left is None else max(0.0, left - seconds),
    )


def aged_inverter(inverter: T, seconds: float) -> T:
    """Return what an inverter said as of ``seconds`` later."""
    grid = inverter.grid
    return replace(
        inverter,
        age=_older(inverter.age, seconds),
        grid=replace(grid, lasts=_older(grid.lasts, seconds)),
    )


def without_poller(snapshot: Snapshot) -> Snapshot:
    """Return what is still known with the poller away: nothing of links, of the grid and of what is open."""
    return replace(
        snapshot,
        devices=tuple(replace(one, link=None) for one in snapshot.devices),
        inverter=snapshot.inverter and replace(snapshot.inverter, grid=GridNow()),
        inverters=tuple(replace(one, grid=GridNow()) for one in snapshot.inverters),
        alerts=None,
        alerts_before=snapshot.alerts or (),
        poller_down=True,
    )


def _older(age: float | None, seconds: float) -> float | None:
    return None if age is None else age + seconds
