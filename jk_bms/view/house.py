"""The house as one battery: what its packs have and do together.

Pure, from the poller's snapshot. A pack that cannot be counted on is named with the reason, never averaged
in: what it had an hour ago is not what the house has.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.view.freshness import is_old

NOMINAL = 3.2  # V of an LFP cell, where no voltage is known

# Why a pack is not counted.
NEVER, SILENT, LENT, OFF, NO_CHARGE = "never", "silent", "lent", "off", "no_charge"

Device = Mapping[str, Any]
Span = tuple[float, float]


class LeftOut(NamedTuple):
    """A pack that is not in the figures."""

    device: Device  # of the snapshot
    why: str  # one of the reasons above


class WholeHouse(NamedTuple):
    """What the packs have together. ``None``: not known.

    Charge and energy are of the packs in ``counted``; current, power and voltage of all that tell how they
    are now, for one whose discharge is switched off may be charged.
    """

    counted: tuple[Device, ...]
    left_out: tuple[LeftOut, ...]
    soc: float | None = None  # %, weighted by what goes into each
    soc_low: float | None = None
    soc_high: float | None = None
    capacity_kwh: float | None = None
    left_kwh: float | None = None
    voltage: float | None = None  # V, mean
    current: float | None = None  # A, positive while charging
    power: float | None = None  # W, likewise
    empty_in: tuple[float, float] | None = None  # s, from .. to
    full_in: tuple[float, float] | None = None


def house_of(snapshot: Mapping[str, Any]) -> WholeHouse:
    """Return the figures of all packs of ``snapshot`` together; those of a single pack are its own."""
    counted: list[Device] = []
    left_out: list[LeftOut] = []
    present: list[Mapping[str, Any]] = []
    alone = len(snapshot["devices"]) == 1
    for device in snapshot["devices"]:
        why = _why_not(device, snapshot)
        if why == OFF and alone:  # nothing is averaged: its charge is what there is
            why = None
        if why is None:
            counted.append(device)
        else:
            left_out.append(LeftOut(device, why))
        if why in (None, OFF, NO_CHARGE):
            present.append(device["reading"])
    house = WholeHouse(tuple(counted), tuple(left_out))
    voltages = [reading["voltage"] for reading in present if reading.get("voltage") is not None]
    house = house._replace(
        voltage=sum(voltages) / len(voltages) if voltages else None,
        current=_sum(present, "current"),
        power=_sum(present, "power"),
    )
    house = _with_charge(house, [device["reading"] for device in counted])
    return house._replace(empty_in=lasts(snapshot, house.empty_in))


def lasts(snapshot: Mapping[str, Any], known: Span | None, device: Device | None = None) -> Span | None:
    """Return when the house, or ``device``, is empty, in s: as the service judges it for alerts, so that all say the same.

    ``known``: what follows from the readings, for a service that tells no forecast.
    """
    told = snapshot.get("house")
    if told is None or known is None or snapshot.get("poller_down"):
        return known
    devices = [device] if device is not None else snapshot["devices"]
    span = told["packs"].get(devices[0]["address"]) if len(devices) == 1 else told.get("empty_in")
    return None if span is None else (span[0], span[1])


def pack_size(reading: Mapping[str, Any]) -> float | None:
    """Return how much goes into a pack, in Ah; None: not known."""
    return size_of(reading.get("learned_capacity"), reading.get("capacity"))


def energy_of(reading: Mapping[str, Any]) -> float | None:
    """Return how much goes into a pack, in kWh, at its present voltage."""
    size, volts = pack_size(reading), reading.get("voltage") or NOMINAL * (reading.get("cell_count") or 0)
    return float(size * volts) / 1000.0 if size and volts else None


def _why_not(device: Device, snapshot: Mapping[str, Any]) -> str | None:
    """Why ``device`` cannot be counted on; None: it can."""
    reading, age = device.get("reading") or {}, device.get("age")
    lent = (device.get("link") or {}).get("state") == "released"
    if not reading or age is None:
        return LENT if lent else NEVER
    if snapshot.get("poller_down") or is_old(age, snapshot):
        return LENT if lent else SILENT
    if (reading.get("switches") or {}).get("discharge") is False:
        return OFF
    return NO_CHARGE if reading.get("battery_soc") is None else None


def _sum(readings: Sequence[Mapping[str, Any]], name: str) -> float | None:
    known = [reading[name] for reading in readings if reading.get(name) is not None]
    return sum(known) if known else None


def _with_charge(house: WholeHouse, readings: Sequence[Mapping[str, Any]]) -> WholeHouse:
    if not readings:
        return house
    sizes = [pack_size(reading) for reading in readings]

    def mean(name: str) -> float:
        return weighted_charge([reading.get(name, reading["battery_soc"]) for reading in readings], sizes)

    house = house._replace(soc=mean("battery_soc"), soc_low=mean("soc_low"), soc_high=mean("soc_high"))
    energies = [energy_of(reading) for reading in readings]
    known = [energy for energy in energies if energy is not None]
    if len(known) < len(readings):
        return house
    left = [0.01 * reading["battery_soc"] * energy for reading, energy in zip(readings, known, strict=True)]
    house = house._replace(capacity_kwh=sum(known), left_kwh=sum(left))
    forecast = _forecast(readings, known)
    if forecast is None:
        return house
    what, span = forecast
    return house._replace(empty_in=span) if what == "empty_in" else house._replace(full_in=span)


def _forecast(
    readings: Sequence[Mapping[str, Any]], energies: Sequence[float]
) -> tuple[str, tuple[float, float]] | None:
    """When the packs together are empty or full: what they have, by what they give together.

    The load of each follows from its own forecast, so that it is as smooth; a pack that says nothing
    carries nothing now, and helps later. None while some are charged and others discharged.
    """
    forecasts = {name for name in ("empty_in", "full_in") for reading in readings if reading.get(name)}
    if len(forecasts) != 1:
        return None
    (what,) = forecasts
    bounds: list[float] = []
    for end, charge in ((0, "soc_low"), (1, "soc_high")):
        if what == "full_in":  # soonest is what is fullest
            charge = "soc_high" if end == 0 else "soc_low"
        amount = rate = 0.0
        for reading, energy in zip(readings, energies, strict=True):
            share = 0.01 * reading.get(charge, reading["battery_soc"])
            part = energy * (share if what == "empty_in" else 1.0 - share)
            amount += part
            if (span := reading.get(what)) and span[end] > 0:
                rate += part / span[end]
        bounds.append(amount / rate if rate else 0.0)
    return what, (min(bounds), max(bounds))
