"""Views to start from: a healthy pack, a calm grid, a machine in order."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from jk_bms.battery.chemistry import CHEMISTRIES
from jk_bms.battery.limits import PackLimits
from jk_bms.model import Device, InverterSample, Sample
from jk_bms.model.link import LinkState
from jk_bms.rules.base import Batteries, HostView, HouseView, InverterView, Link, PackView

_NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
_LIMITS = PackLimits(
    cell_ovp=3.65,
    cell_uvp=2.5,
    charge_current=140.0,
    discharge_current=200.0,
    charge_otp=60.0,
    discharge_otp=65.0,
    charge_utp=0.0,
    mosfet_otp=95.0,
    cell_count=16,
    nominal_ah=280.0,
)
_PACK = PackView(
    device=Device(address="C8:47:80:00:00:01", name="Example"),
    sample=Sample(
        device=Device(address="C8:47:80:00:00:01", name="Example"),
        taken_at=_NOON,
        monotonic=0.0,
        voltage=52.8,
        current=-12.0,
        cell_voltages=(3.3,) * 16,
        cell_numbers=tuple(range(1, 17)),
        cell_resistances=(0.06,) * 16,
        soc=62.0,
        battery_soc=62.0,
        soc_low=60.0,
        soc_high=64.0,
        soh=100.0,
        full_ah=280.0,
        cycles=120,
        temperatures=(24.0, 24.4),
        mosfet_temperature=29.0,
        charge_enabled=True,
        discharge_enabled=True,
        alarms=(),
        emergency_time=0,
    ),
    link=Link(LinkState.STREAMING, silent=0.5),
    chemistry=CHEMISTRIES["lfp"],
    limits=_LIMITS,
    on_battery=True,
)


def pack(*, link: Link | None = None, faults: tuple[tuple[int, str], ...] = (), **sample: Any) -> PackView:
    """Return a pack of 16 LFP cells on battery, with these values of its sample changed.

    One that is told when it is empty is drawn from as that needs, unless ``drain`` is told, too.
    """
    view = _PACK._replace(faults=faults, link=link or _PACK.link)
    assert view.sample is not None
    changed = msgspec.structs.replace(view.sample, **sample)
    if changed.empty_in is not None and changed.drain is None:
        changed = msgspec.structs.replace(changed, drain=_drain(changed, changed.empty_in))
    return view._replace(sample=changed)


def _drain(sample: Sample, empty_in: tuple[float, float]) -> tuple[float, float]:
    """The middle and the most of what is drawn, in % an hour, when ``sample`` is empty after so many s."""
    assert sample.soc_low is not None
    assert sample.soc_high is not None
    low, high = empty_in
    least = 3600.0 * sample.soc_high / high if high else 100.0
    most = 3600.0 * sample.soc_low / low if low and sample.soc_low else least
    return 0.5 * (least + most), most


def with_cell(number: int, voltage: float, others: float) -> dict[str, Any]:
    """Return the cell voltages of a pack in which one cell differs, as a change for ``pack``."""
    return {"cell_voltages": tuple(voltage if n == number else others for n in range(1, 17))}


def inverter(*, grid: str = "present", age: float | None = 5.0, **sample: Any) -> InverterView:
    """Return an inverter on the grid, with these values of its sample changed."""
    values: dict[str, Any] = {"grid_voltage": 231.0, "grid_power": 410.0, "load_power": 390.0} | sample
    return InverterView(
        sample=InverterSample(taken_at=_NOON, monotonic=0.0, **values), age=age, grid=grid, battery_soc=62.0
    )


def house(
    *,
    grid: str = "present",
    stale: bool = False,
    batteries: Batteries = Batteries(power=-620.0, off=False, fed=0.0, soc=62.0),  # noqa: B008  immutable
    **sample: Any,
) -> HouseView:
    """Return a house that runs on its batteries, with these values of the inverter's sample changed."""
    of_inverter = inverter(grid=grid, **sample).sample
    return HouseView(sample=of_inverter, stale=stale, grid=grid, batteries=batteries)


def packs(*views: PackView) -> HouseView:
    """Return a house of which nothing is known but its packs, as they are."""
    return HouseView(sample=None, stale=True, packs=views)


def host(**values: Any) -> HostView:
    """Return a machine in order, with these values changed."""
    return HostView(disk_free=0.6, disk_path="/var/lib/jk-bms", clock_step=0.0)._replace(**values)
