"""The house as one battery: what its packs have and do together.

Pure, from the poller's snapshot. A pack that cannot be counted on is named with the reason, never averaged
in: what it had an hour ago is not what the house has.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.model.reading import Reading
from jk_bms.model.snapshot import BatteryNow, Snapshot, Span

NOMINAL = 3.2  # V of an LFP cell, where no voltage is known

# Why a pack is not counted.
NEVER, SILENT, LENT, OFF, NO_CHARGE = "never", "silent", "lent", "off", "no_charge"


class LeftOut(NamedTuple):
    """A pack that is not in the figures."""

    device: BatteryNow
    why: str  # one of the reasons above


class WholeHouse(NamedTuple):
    """What the packs have together. ``None``: not known.

    Charge and energy are of the packs in ``counted``; current, power and voltage of all that tell how they
    are now, for one whose discharge is switched off may be charged.
    """

    counted: tuple[BatteryNow, ...]
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


def house_of(snapshot: Snapshot) -> WholeHouse:
    """Return the figures of all packs of ``snapshot`` together; those of a single pack are its own."""
    counted: list[BatteryNow] = []
    left_out: list[LeftOut] = []
    present: list[Reading] = []
    alone = len(snapshot.devices) == 1
    for device in snapshot.devices:
        why = _why_not(device, snapshot)
        if why == OFF and alone:  # nothing is averaged: its charge is what there is
            why = None
        if why is None:
            counted.append(device)
        else:
            left_out.append(LeftOut(device, why))
        if why in (None, OFF, NO_CHARGE):
            present.append(device.told)
    house = WholeHouse(tuple(counted), tuple(left_out))
    voltages = [reading.voltage for reading in present if reading.voltage is not None]
    house = house._replace(
        voltage=sum(voltages) / len(voltages) if voltages else None,
        current=_sum(reading.current for reading in present),
        power=_sum(reading.power for reading in present),
    )
    house = _with_charge(house, [device.told for device in counted])
    return house._replace(empty_in=lasts(snapshot, house.empty_in))


def lasts(snapshot: Snapshot, known: Span | None, device: BatteryNow | None = None) -> Span | None:
    """Return when the house, or ``device``, is empty, in s: as the service judges it for alerts, so that all say the same.

    ``known``: what follows from the readings, for a service that tells no forecast.
    """
    told = snapshot.house
    if told is None or known is None or snapshot.poller_down:
        return known
    devices = (device,) if device is not None else snapshot.devices
    return told.packs.get(devices[0].address) if len(devices) == 1 else told.empty_in


def pack_size(reading: Reading) -> float | None:
    """Return how much goes into a pack, in Ah; None: not known."""
    return size_of(reading.learned_capacity, reading.capacity)


def energy_of(reading: Reading) -> float | None:
    """Return how much goes into a pack, in kWh, at its present voltage."""
    size, volts = pack_size(reading), reading.voltage or NOMINAL * (reading.cell_count or 0)
    return size * volts / 1000.0 if size and volts else None


def _why_not(device: BatteryNow, snapshot: Snapshot) -> str | None:
    """Why ``device`` cannot be counted on; None: it can."""
    reading, lent = device.reading, device.released
    if reading is None or device.age is None:
        return LENT if lent else NEVER
    if snapshot.poller_down or snapshot.is_old(device.age):
        return LENT if lent else SILENT
    if reading.switches.discharge is False:
        return OFF
    return NO_CHARGE if reading.battery_soc is None else None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class _Charge(NamedTuple):
    """The charge of a pack in %, its bounds where they are known."""

    soc: float
    low: float
    high: float


def _charge_of(reading: Reading) -> _Charge:
    """The charge of a pack of which it is known."""
    soc, low, high = reading.battery_soc or 0.0, reading.soc_low, reading.soc_high
    return _Charge(soc, soc if low is None else low, soc if high is None else high)


def _with_charge(house: WholeHouse, readings: Sequence[Reading]) -> WholeHouse:
    if not readings:
        return house
    sizes = [pack_size(reading) for reading in readings]
    charges = [_charge_of(reading) for reading in readings]
    soc, low, high = (weighted_charge(list(each), sizes) for each in zip(*charges, strict=True))
    house = house._replace(soc=soc, soc_low=low, soc_high=high)
    energies = [energy_of(reading) for reading in readings]
    known = [energy for energy in energies if energy is not None]
    if len(known) < len(readings):
        return house
    left = [0.01 * charge.soc * energy for charge, energy in zip(charges, known, strict=True)]
    house = house._replace(capacity_kwh=sum(known), left_kwh=sum(left))
    forecast = _forecast(readings, known)
    if forecast is None:
        return house
    what, span = forecast
    return house._replace(empty_in=span) if what == "empty_in" else house._replace(full_in=span)


def _forecast(readings: Sequence[Reading], energies: Sequence[float]) -> tuple[str, Span] | None:
    """When the packs together are empty or full: what they have, by what they give together.

    The load of each follows from its own forecast, so that it is as smooth; a pack that says nothing
    carries nothing now, and helps later. None while some are charged and others discharged.
    """
    empty, full = [reading.empty_in for reading in readings], [reading.full_in for reading in readings]
    if any(empty) == any(full):
        return None
    what, spans = ("empty_in", empty) if any(empty) else ("full_in", full)
    bounds: list[float] = []
    for end in (0, 1):
        amount = rate = 0.0
        for reading, span, energy in zip(readings, spans, energies, strict=True):
            charge = _charge_of(reading)
            # What is emptiest is empty soonest, what is fullest full.
            share = 0.01 * (charge.low if (end == 0) == (what == "empty_in") else charge.high)
            part = energy * (share if what == "empty_in" else 1.0 - share)
            amount += part
            if span and span[end] > 0:
                rate += part / span[end]
        bounds.append(amount / rate if rate else 0.0)
    return what, (min(bounds), max(bounds))
