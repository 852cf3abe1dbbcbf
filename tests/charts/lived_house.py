"""A ``bms.db`` with days of the simulated house: what charts and digests are made of."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jk_bms.clock import Clock
from jk_bms.model.inverter import INVERTER as TRACK
from jk_bms.simulator import SimulatedBms
from jk_bms.store.bms_db import open_writer
from jk_bms.store.columns import (
    BOOT,
    BY_NAME,
    CELLS,
    FRAMES,
    INVERTER,
    OFFSET,
    TEMPERATURES,
    TIME,
    TRUSTED,
    Column,
    whole,
)
from jk_bms.store.history import Batch, Cut, HistoryStore

PACK = "AA:BB:CC:DD:EE:FF"
STEP = 60.0  # s from row to row
HALF_BAND = 2.5  # %: how sure the count pretends to be

Blind = Callable[[datetime], bool]

_IDS = (TIME, BOOT, OFFSET, TRUSTED, FRAMES)


def live(
    path: Path,
    end: datetime,
    days: float,
    *,
    seed: int = 1,
    blind: Blind | None = None,
    inverter: bool = True,
    pack: str = PACK,
    capacity: float | None = None,
) -> None:
    """Write ``days`` of history up to ``end``; nothing while ``blind`` says so. ``capacity``: what the BMS says, Ah."""
    start = end - timedelta(days=days)
    bms = SimulatedBms(seed=seed, start=start.replace(tzinfo=None))
    pack_rows: list[tuple[int | None, ...]] = []
    inverter_rows: list[tuple[int | None, ...]] = []
    columns = [BY_NAME[name] for name in _PACK]
    theirs = [BY_NAME[name] for name in _INVERTER]
    charged = discharged = 0.0
    for step in range(round(days * 86400 / STEP)):
        bms.advance(STEP)
        at = start + timedelta(seconds=(step + 1) * STEP)
        info, truth = bms.cell_info(), bms.truth
        assert info.voltage is not None
        assert info.current is not None
        kwh = abs(info.voltage * info.current) * STEP / 3.6e6
        charged, discharged = (charged + kwh, discharged) if info.current > 0 else (charged, discharged + kwh)
        if blind is not None and blind(at):
            continue
        stamp = round(at.timestamp() * 1000)
        values: dict[str, Any] = {
            "voltage": info.voltage,
            "current": info.current,
            "power": info.voltage * info.current,
            "battery_soc": truth.soc,
            "soc_counted": truth.soc,
            "soc_low": max(0.0, truth.soc - HALF_BAND),
            "soc_high": min(100.0, truth.soc + HALF_BAND),
            "mosfet_temperature": info.mos_temperature,
            "charged_kwh": charged,
            "discharged_kwh": discharged,
            "temperature_1": info.temperature_1,
            "full_ah": capacity,
        }
        values |= {f"cell_{number}": v for number, v in zip(info.cell_numbers, info.cells, strict=True)}
        pack_rows.append((stamp, 0, 0, 1, 120, *(whole(values.get(c.name), c.divisor) for c in columns)))
        if not inverter:
            continue
        watts = truth.load or 0.0
        told = {
            "grid_voltage": 230.0 if truth.grid else 0.0,
            "grid_power": max(0.0, watts + values["power"] - (truth.sun or 0.0)) if truth.grid else 0.0,
            "ac_output_power": watts,
            "pv_input_power": truth.sun,
        }
        inverter_rows.append((stamp, 0, 0, 1, 1, *(whole(told[c.name], c.divisor) for c in theirs)))
    with open_writer(path, Clock()) as own:
        batches = [_batch(pack, columns, pack_rows), _batch(TRACK, theirs, inverter_rows)]
        HistoryStore(own).commit(Cut([each for each in batches if each.rows], {}))


def _batch(track: str, columns: list[Column], rows: list[tuple[int | None, ...]]) -> Batch:
    return Batch(track, round(STEP * 1000), (*_IDS, *(column.id for column in columns)), rows)


_PACK = (
    "voltage",
    "current",
    "power",
    "battery_soc",
    "soc_counted",
    "soc_low",
    "soc_high",
    "mosfet_temperature",
    "full_ah",
    "charged_kwh",
    "discharged_kwh",
    TEMPERATURES[0].name,
    *(column.name for column in CELLS[:16]),
)
_INVERTER = tuple(
    column.name
    for column in INVERTER
    if column.name in ("grid_voltage", "grid_power", "ac_output_power", "pv_input_power")
)
