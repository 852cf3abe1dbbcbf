"""The forms that programs of older monitors of such a house ask for; here what is not known is null."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from jk_bms.battery.house_charge import size_of, weighted_charge
from jk_bms.model.reading import ReadCell
from jk_bms.store.bms_db import BmsDbReader
from jk_bms.store.history_query import query
from jk_bms.web.answers import Battery, State
from jk_bms.web.history import track_of
from jk_bms.web.house import find
from jk_bms.web.http import Answer
from jk_bms.web.routes import Ask, NoBody, NoQuery
from jk_bms.web.values import cached, facts_of

SENSORS = 5  # battery temperatures, each under a number


class OneDevice(msgspec.Struct, frozen=True):
    """A battery; ``all``, or nothing where there are several: all together."""

    device: str = ""
    device_address: str = ""


class Averages(msgspec.Struct, frozen=True):
    """The last so many hours of a battery in so many points."""

    device: str = ""
    hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] = 24
    points: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 288


async def cell_info(ask: Ask[OneDevice, NoBody]) -> Answer:
    """Return the newest reading of a battery, or of all together."""
    state = ask.page.house.state()
    wanted = ask.query.device or ask.query.device_address
    if wanted and wanted.casefold() != "all":
        return cached(ask, cell_info_of(find(state, wanted)))
    if len(state.batteries) == 1 and not wanted:
        return cached(ask, cell_info_of(state.batteries[0]))
    return cached(ask, all_cells(state))


def cell_info_of(battery: Battery) -> dict[str, Any]:
    """Return one battery in the older form."""
    told = battery.reading
    probes = dict(zip(told.probe_numbers or range(1, 99), told.temperatures, strict=False))
    return {
        "device_address": battery.address,
        "device_name": battery.label,
        "cell_voltages": told.cells,
        "cell_resistances": told.cell_resistances,
        "average_voltage": told.cell_average,
        "voltage_difference": told.cell_delta,
        "battery_voltage": told.voltage,
        "battery_power": told.power,
        "charge_current": told.current,
        "state_of_charge": told.battery_soc,
        "state_of_health": told.soh,
        "remaining_capacity": told.charge,
        "nominal_capacity": told.capacity,
        "cycle_count": told.cycles,
        "total_cycle_capacity": told.cycle_charge,
        "charging_status": _bit(told.switches.charge),
        "discharging_status": _bit(told.switches.discharge),
        "precharging_status": None,
        "balancing": told.switches.balance,
        "power_tube_temperature": told.mos_temperature,
        **{f"temperature_sensor_{n}": probes.get(n) for n in range(1, SENSORS + 1)},
        "emergency_time_countdown": told.emergency_time,
        "alarms": told.alarms,
        "updated_at": told.time or None,
        "stale": battery.old or battery.age is None,
    }


def all_cells(state: State) -> dict[str, Any]:
    """Return all batteries together; one whose data is old is left out and named."""
    fresh = [battery for battery in state.batteries if battery.age is not None and not battery.old]
    told = [cell_info_of(battery) for battery in fresh]
    sizes = [size_of(one.reading.learned_capacity, one.reading.capacity) for one in fresh]

    def mean(name: str) -> float | None:
        values = [(one[name], size) for one, size in zip(told, sizes, strict=True) if one[name] is not None]
        return (
            weighted_charge([value for value, _ in values], [size for _, size in values]) if values else None
        )

    def total(name: str) -> float | None:
        values = [one[name] for one in told if one[name] is not None]
        return sum(values) if values else None

    deltas = [one["voltage_difference"] for one in told if one["voltage_difference"] is not None]
    return {
        "device_address": "all",
        "battery_voltage": mean("battery_voltage"),
        "average_voltage": mean("average_voltage"),
        "state_of_charge": mean("state_of_charge"),
        "state_of_health": mean("state_of_health"),
        "voltage_difference": max(deltas) if deltas else None,
        "charge_current": total("charge_current"),
        "battery_power": total("battery_power"),
        "remaining_capacity": total("remaining_capacity"),
        "nominal_capacity": total("nominal_capacity"),
        "devices": [battery.label for battery in fresh],
        "left_out": [battery.label for battery in state.batteries if battery not in fresh],
        "updated_at": max((one["updated_at"] for one in told if one["updated_at"]), default=None),
        "stale": not fresh,
    }


async def device_info(ask: Ask[OneDevice, NoBody]) -> Answer:
    """Return what each battery is."""
    told = []
    for battery in _chosen(ask):
        facts = await ask.page.archive.ask(lambda reader, a=battery.address: facts_of(reader, a))  # type: ignore[misc]
        device = battery.reading.device
        told.append(
            {
                "device_address": battery.address,
                "device_name": battery.label,
                "vendor_id": device.model,
                "hardware_version": device.hw_version,
                "software_version": device.sw_version,
                "serial_number": device.serial,
                "uptime": battery.reading.uptime,
                "connected": (battery.link or {}).get("state") == "streaming",
                **({} if facts is None else {"device_info": facts.device_info}),
            }
        )
    return cached(ask, told)


async def device_settings(ask: Ask[OneDevice, NoBody]) -> Answer:
    """Return what is set in each BMS."""
    told = []
    for battery in _chosen(ask):
        facts = await ask.page.archive.ask(lambda reader, a=battery.address: facts_of(reader, a))  # type: ignore[misc]
        settings = {} if facts is None else facts.settings
        told.append({"device_address": battery.address, "device_name": battery.label, **settings})
    return cached(ask, told)


async def aggregated(ask: Ask[Averages, NoBody]) -> Answer:
    """Return means of the last hours, one object for each step that has any."""
    state = ask.page.house.state()
    name = ask.query.device or (state.batteries[0].address if state.batteries else "")
    if not name:
        return cached(ask, [])
    track = await track_of(ask.page, name)
    end = datetime.now(UTC)
    start = end - timedelta(hours=ask.query.hours)
    names = {
        "voltage": "battery_voltage",
        "current": "charge_current",
        "power": "battery_power",
        "battery_soc": "state_of_charge",
    }

    def read(reader: BmsDbReader) -> list[dict[str, Any]]:
        series = query(reader, track, tuple(names), start, end, ask.query.points)
        zone = ask.page.settings.timezone
        columns: Sequence[Sequence[float | None]] = [series.values[name].mean for name in names]
        return [
            {
                "timestamp": datetime.fromtimestamp(time, UTC).astimezone(zone).isoformat(timespec="seconds"),
                "device_address": track,
                **dict(zip(names.values(), values, strict=True)),
            }
            for time, *values in zip(series.times, *columns, strict=True)
            if any(value is not None for value in values)
        ]

    return cached(ask, await ask.page.archive.ask(read))


async def bms_status(ask: Ask[NoQuery, NoBody]) -> Answer:
    """Return every battery as the small monitor boards tell it."""
    return cached(ask, [board_form(battery) for battery in ask.page.house.state().batteries])


ACTIONS = {"idle": 0, "charging": 1, "discharging": 2}


def board_form(battery: Battery) -> dict[str, Any]:
    """Return one battery in that form. Cells are counted from 0 in ``cell_v_min`` and ``cell_v_max``."""
    told, link = battery.reading, battery.link or {}
    device, temperatures = told.device, told.temperatures
    return {
        "id": battery.number,
        "name": battery.label,
        "address": battery.address,
        "connected": link.get("state") == "streaming",
        "last_response_s": battery.age,
        "connections": link.get("connects"),
        "device": {
            "vendor": device.kind,
            "model": device.model,
            "hardware": device.hw_version,
            "software": device.sw_version,
            "serial": device.serial,
            "uptime_s": told.uptime,
        },
        "time": told.time,
        "v_avg": told.cell_average,
        "v_delta": told.cell_delta,
        "cell_v_min": _from_zero(told.cell_min),
        "cell_v_max": _from_zero(told.cell_max),
        "batt_action": None if battery.shown.flow is None else ACTIONS[battery.shown.flow],
        "power_temp": told.mos_temperature,
        "batt_temp_mos": told.mos_temperature,
        **{f"batt_temp{n}": temperatures[n - 1] if len(temperatures) >= n else None for n in (1, 2)},
        "batt_volt": told.voltage,
        "batt_v": told.voltage,
        "batt_power": told.power,
        "batt_state": told.battery_soc,
        "batt_cycles": told.cycles,
        "batt_charge_curr": told.current,
        "batt_balance_curr": told.balance_current,
        "batt_cap_rem": told.charge,
        "batt_cap_nom": told.capacity,
        "batt_cycles_cap": told.cycle_charge,
        "soh": told.soh,
        "cells_v": told.cells,
        "cells_r": told.cell_resistances,
    }


def _chosen(ask: Ask[OneDevice, NoBody]) -> list[Battery]:
    state, wanted = ask.page.house.state(), ask.query.device or ask.query.device_address
    return state.batteries if not wanted or wanted.casefold() == "all" else [find(state, wanted)]


def _bit(value: Any) -> int | None:
    return None if value is None else int(bool(value))


def _from_zero(extreme: ReadCell | None) -> int | None:
    return None if extreme is None else extreme.index - 1
