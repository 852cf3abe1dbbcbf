"""What leaves the decoder: a reading for the house, or a plain object for JSON."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from jk_bms.errors import ProtocolError
from jk_bms.model import Device, Sample
from jk_bms.protocol.values import CellInfo, Decoded, DeviceInfo, Logbook, Settings, Variant

DIGITS = 6  # of numbers that we compute, in JSON


def to_sample(
    info: CellInfo, *, device: Device, taken_at: datetime, monotonic: float, clock_trusted: bool = True
) -> Sample:
    """Return the reading in ``info``; ProtocolError when there is none: the board has no cells.

    Whether it can be true is another question: ``battery.plausible``.
    """
    if not info.cells:
        raise ProtocolError(
            f"cell_info frame {info.counter}: no sample: the board has power but reports no cells"
        )
    return Sample(
        device=device,
        taken_at=taken_at,
        monotonic=monotonic,
        clock_trusted=clock_trusted,
        voltage=info.voltage,
        current=info.current,
        cell_voltages=info.cells,
        cell_numbers=info.cell_numbers,
        cell_resistances=info.cell_resistances,
        soc=info.soc,
        soh=info.soh,
        remaining_ah=info.charge,
        full_ah=info.capacity or None,  # 0 is not a capacity
        cycles=info.cycles,
        cycle_charge_ah=info.cycle_charge,
        temperatures=info.temperatures,
        probe_numbers=info.probe_numbers,
        mosfet_temperature=info.mos_temperature,
        balance_current=info.balance_current,
        balancing=None if info.balance_action is None else info.balance_action != 0,
        charge_enabled=info.charge_on,
        discharge_enabled=info.discharge_on,
        heating=info.heating,
        emergency_time=info.emergency_time,
        battery_type=info.battery_type,
        problem_code=info.problem_code,
        alarms=info.alarms,
        uptime=info.uptime,
    )


def as_dict(decoded: Decoded) -> dict[str, Any]:
    """Return ``decoded`` as a JSON object; what is absent has no key."""
    if isinstance(decoded, CellInfo):
        return _cell_info(decoded)
    if isinstance(decoded, Settings):
        return _settings(decoded)
    if isinstance(decoded, DeviceInfo):
        return {"kind": "device_info"} | _plain(decoded)
    return _logbook(decoded)


# Fields of CellInfo that JSON shows under another name, together, or not at all.
_GROUPED = frozenset(
    name
    for name in CellInfo.__struct_fields__
    if name.startswith(("temperature_", "release_"))
    or name in ("charge_on", "discharge_on", "clock_seconds", "dry_contact_bits", "cell_numbers")
    or (name.endswith("_code") and name != "problem_code")
)
_SHOWN = tuple(name for name in CellInfo.__struct_fields__ if name not in _GROUPED)


def _cell_info(info: CellInfo) -> dict[str, Any]:
    low, high = info.cell_min, info.cell_max
    switches, timers, clock = info.switches, info.release_timers, info.clock
    shown: dict[str, Any] = {"kind": "cell_info"}
    shown.update((name, getattr(info, name)) for name in _SHOWN)
    shown.update(
        variant=info.variant.value,
        cells=list(info.cells),
        cell_resistances=list(info.cell_resistances),
        cell_count=info.cell_count,
        cell_min=low and {"v": low.voltage, "index": low.number},
        cell_max=high and {"v": high.voltage, "index": high.number},
        cell_delta=_rounded(info.cell_delta),
        cell_average=_rounded(info.cell_average),
        power=_rounded(info.power),
        temperatures=list(info.temperatures),
        probe_numbers=list(info.probe_numbers),
        alarms=None if info.alarms is None else list(info.alarms),
        switches=switches and switches._asdict(),
        release_timers=timers and timers._asdict(),
        clock=clock and clock.isoformat(),
        battery_type=info.battery_type,
        charge_stage=info.charge_stage,
        dry_contacts=None if info.dry_contacts is None else list(info.dry_contacts),
    )
    if not info.temperatures:
        del shown["temperatures"], shown["probe_numbers"]
    return {name: value for name, value in shown.items() if value is not None}


def _settings(settings: Settings) -> dict[str, Any]:
    return {"kind": "settings"} | _plain(settings) | (settings.controls or {})


def _logbook(book: Logbook) -> dict[str, Any]:
    shown = {"kind": "logbook"} | _plain(book)
    shown["entries"] = [{"time": e.time, "code": e.code, "event": e.event} for e in book.entries]
    return shown


def _plain(struct: Settings | DeviceInfo | Logbook) -> dict[str, Any]:
    shown = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return {name: _JSON.get(type(value), _same)(value) for name, value in shown if value is not None}


def _same(value: Any) -> Any:
    return value


_JSON: dict[type, Callable[[Any], Any]] = {tuple: list, Variant: str}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
