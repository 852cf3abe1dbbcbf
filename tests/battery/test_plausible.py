"""What no battery can have does not pass the gate; whatever a true one does, passes."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from jk_bms.battery.limits import PackLimits, pack_limits
from jk_bms.battery.plausible import STAYS, Plausibility, impossible
from jk_bms.model import Device, Sample
from jk_bms.protocol import CellInfo, FrameAssembler, FrameKind, Variant, as_dict, decode, to_sample
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.pack import Faulty
from tests.beside import vectors
from tests.scale import scaled

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PACK = Device(address="AA", name="shed")
LIMITS = PackLimits(charge_current=140.0, discharge_current=224.0)


def reading(at: float = 0.0, **values: Any) -> Sample:
    return Sample(device=PACK, taken_at=NOW, monotonic=1000.0 + at, **values)


CELLS = {"voltage": 52.8, "cell_voltages": (3.3,) * 16}

ALONE: dict[str, tuple[dict[str, Any], str]] = {
    # name: (values, part of the reason; empty: none)
    "empty": ({}, ""),
    "documented": (CELLS | {"current": -5.234, "temperatures": (18.5,)}, ""),
    "at the limits": ({"voltage": 1000.0, "current": -2000.0, "temperatures": (-40.0, 120.0)}, ""),
    "cells at the limits": ({"cell_voltages": (0.5, 5.0)}, ""),
    "hot MOSFETs": ({"mosfet_temperature": 150.0}, ""),
    "a sum at its limit": ({"voltage": 100.0, "cell_voltages": (3.3,) * 30}, ""),
    "no voltage": ({"voltage": 0.0}, "voltage is 0 V"),
    "negative voltage": ({"voltage": -52.0}, "voltage is -52 V; expected more than 0"),
    "high voltage": ({"voltage": 1000.1}, "voltage"),
    "NaN voltage": ({"voltage": math.nan}, "voltage"),
    "high current": ({"current": 2000.1}, "current is 2000.1 A; expected at most 2000 A either way"),
    "two million": ({"current": -2_000_000.0}, "current is -2000000 A"),
    "NaN current": ({"current": math.nan}, "current"),
    "cold": ({"temperatures": (20.0, -40.1), "probe_numbers": (2, 5)}, "temperature 5 is -40.1 °C"),
    "hot": ({"temperatures": (120.1,)}, "temperature 1"),
    "NaN probe": ({"temperatures": (math.nan,)}, "temperature 1"),
    "burning MOSFETs": ({"mosfet_temperature": 180.1}, "MOSFETs is 180.1 °C"),
    "low cell": ({"cell_voltages": (3.3, 0.49)}, "cell 2 has 0.49 V; expected 0.5 to 5 V"),
    "numbered cell": ({"cell_voltages": (3.3, 5.01), "cell_numbers": (1, 7)}, "cell 7 has 5.01 V"),
    "NaN cell": ({"cell_voltages": (3.3, math.nan)}, "cell 2"),
    "sum": (CELLS | {"voltage": 53.4}, "pack voltage is 53.4 V, but the 16 cells add up to 52.800 V"),
    "charge": ({"soc": 101}, "soc is 101 %; expected 0 to 100 %"),
    "charge left": ({"remaining_ah": 2e6}, "remaining_ah is 2000000 Ah"),
    "capacity": ({"full_ah": math.inf}, "full_ah"),
    "cycles": ({"cycles": 4_294_901_763}, "cycles is 4294901763; expected 0 to 50000"),
    "many cycles": ({"cycles": 12_000, "cycle_charge_ah": 1_500_000.0}, ""),
    "health": ({"soh": 255}, "soh is 255 %; expected 0 to 100 %"),
    "charge below nothing": (
        {"remaining_ah": -16_768.0, "full_ah": 280.0},
        "1.5 times the capacity of 280 Ah",
    ),
    "a little below nothing": ({"remaining_ah": -3.0, "full_ah": 280.0}, ""),
    "wire": (
        {"cell_voltages": (3.3, 3.3), "cell_numbers": (1, 7), "cell_resistances": (0.1, 32.0)},
        "wire resistance of cell 7 is 32 Ohm; expected 0 to 10 Ohm",
    ),
    "balancing": ({"balance_current": 32.0}, "balance_current is 32 A; expected -25 to 25 A"),
    "charge of the cycles": ({"cycle_charge_ah": 4_294_967.0}, "cycle_charge_ah is 4294967 Ah"),
    "emergency": ({"emergency_time": 65_535}, "emergency_time is 65535 s; expected 0 to 7200 s"),
}


@pytest.mark.parametrize(("values", "reason"), ALONE.values(), ids=ALONE)
def test_alone(values: dict[str, Any], reason: str) -> None:
    """One impossible value condemns the reading, and the reason names it."""
    said = impossible(reading(**values))

    assert (said == "") if not reason else reason in said


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (PackLimits(), 2000.0),
        (LIMITS, 1120.0),
        (PackLimits(charge_current=20.0, discharge_current=30.0), 300.0),  # a short circuit of a small pack
        (PackLimits(discharge_current=600.0), 2000.0),
        (PackLimits(charge_current=0.0), 2000.0),  # it has none
    ],
)
def test_current_by_the_limits_of_the_device(limits: PackLimits, most: float) -> None:
    gate = Plausibility()
    gate.limits(limits)

    assert [gate.judge(reading(current=sign * most)) for sign in (1, -1)] == ["", ""]
    assert f"expected at most {most:g} A" in gate.judge(reading(current=most + 1))


LEAPS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # name: (before, then, reason)
    "charge": ({"soc": 62}, {"soc": 0}, "soc leapt from 62 to 0 % within 0.5 s"),
    "capacity": ({"full_ah": 280.0}, {"full_ah": 28.0}, "full_ah leapt from 280 to 28 Ah"),
    "warmth": ({"temperatures": (20.0,)}, {"temperatures": (95.0,)}, "temperature leapt from 20 to 95 °C"),
    "MOSFETs": ({"mosfet_temperature": 30.0}, {"mosfet_temperature": 110.0}, "mosfet_temperature leapt"),
}


@pytest.mark.parametrize(("before", "then", "reason"), LEAPS.values(), ids=LEAPS)
def test_a_leap_is_doubted_and_believed_when_it_stays(
    before: dict[str, Any], then: dict[str, Any], reason: str
) -> None:
    """A single frame of nonsense passes nothing on; a probe that fell off is told of after a second."""
    gate = Plausibility()
    assert gate.judge(reading(0.0, **before)) == ""

    alone = [gate.judge(reading(0.5, **then)), gate.judge(reading(1.0, **before))]
    stays = [gate.judge(reading(1.5 + n / 2, **then)) for n in range(STAYS + 1)]

    assert reason in alone[0]
    assert alone[1] == ""
    assert [bool(said) for said in stays] == [True] * (STAYS - 1) + [False, False]


APART: dict[str, tuple[dict[str, Any], dict[str, Any], float, bool]] = {
    # name: (before, then, s between them, whether it is doubted)
    "charge in half a minute": ({"soc": 55}, {"soc": 0}, 30.0, True),
    "charge in half an hour": ({"soc": 55}, {"soc": 0}, 1800.0, False),
    "a count set right": ({"soc": 55}, {"soc": 70}, 30.0, False),
    "warmth in half a minute": ({"temperatures": (20.0,)}, {"temperatures": (119.0,)}, 30.0, True),
    "warmth in an hour": ({"temperatures": (-5.0,)}, {"temperatures": (45.0,)}, 3600.0, False),
    "capacity, ever": ({"full_ah": 280.0}, {"full_ah": 19_999.0}, 86_400.0, True),
    "health, ever": ({"soh": 99}, {"soh": 3}, 86_400.0, True),
    "cycles": ({"cycles": 120}, {"cycles": 30_000}, 30.0, True),
    "charge of the cycles": ({"cycle_charge_ah": 9000.0}, {"cycle_charge_ah": 900_000.0}, 30.0, True),
    "a short circuit, seen for long": ({"current": -5.0}, {"current": -499.0}, 30.0, True),
    "a short circuit, seen for a moment": ({"current": -5.0}, {"current": -499.0}, 0.5, False),
    "a load that starts": ({"current": 60.0}, {"current": -150.0}, 30.0, False),
}


@pytest.mark.parametrize(("before", "then", "seconds", "doubted"), APART.values(), ids=APART)
def test_a_leap_is_measured_by_the_time_it_had(
    before: dict[str, Any], then: dict[str, Any], seconds: float, doubted: bool
) -> None:
    """However far apart readings are: what cannot flow or warm in that time is doubted, and believed third."""
    gate = Plausibility()
    gate.limits(PackLimits(charge_current=100.0, discharge_current=100.0))
    gate.judge(reading(0.0, **before))

    said = [bool(gate.judge(reading(n * seconds, **then))) for n in range(1, STAYS + 1)]

    assert said == ([True] * (STAYS - 1) + [False] if doubted else [False] * STAYS)


def test_what_leaps_about_is_not_believed() -> None:
    """Nonsense that is another each time does not stay."""
    gate = Plausibility()
    gate.judge(reading(0.0, soc=62))

    said = [gate.judge(reading(0.5 * n, soc=(5, 95)[n % 2])) for n in range(1, 12)]

    assert all(said)


def captured() -> Iterator[tuple[str, CellInfo]]:
    """The cell infos of other people's boards, where this checkout stands beside them."""
    for vector in vectors():
        software = vector["sw"] if vector.get("sw", "")[:1].isdigit() else None
        for number, shown in enumerate(vector.get("frames", [])):
            for frame in FrameAssembler().feed(bytes.fromhex(shown["hex"])[:300]):
                if frame.kind is FrameKind.CELL_INFO:
                    info = decode(frame, software=software)
                    assert isinstance(info, CellInfo)
                    if info.cells:
                        yield f"{vector['file']} {number}", info


def test_no_captured_frame_is_refused() -> None:
    for where, info in captured():
        sample = to_sample(info, device=PACK, taken_at=NOW, monotonic=1.0)
        gate = Plausibility()
        gate.limits(LIMITS)
        assert gate.judge(sample) == "", where


HOUSES: dict[str, dict[str, Any]] = {
    "summer": {},
    "frost": {"ambient": -25.0, "start_soc": 30.0},
    "heat": {"ambient": 52.0},
    "NMC": {"chemistry": "nmc", "cells": 14},
    "LTO": {"chemistry": "lto", "cells": 20},
    "24 cells": {"variant": Variant.JK02_24S, "cells": 24},
    "floats": {"variant": Variant.JK04, "cells": 16},
    "32 cells": {"cells": 32},
    "four cells, small": {"cells": 4, "capacity_ah": 20.0},
    "weak cells": {"faulty": Faulty(weak={5: 0.5}, leaking={7: 0.5}, bad_lugs={3: 0.003})},
    "nearly empty": {"start_soc": 4.0},
    "full": {"start_soc": 99.0},
    "a balancer": {"balancer": True},
}


@pytest.mark.parametrize("options", HOUSES.values(), ids=HOUSES)
@pytest.mark.parametrize("step", [0.5, 5.0, 300.0])
def test_no_frame_of_a_simulated_house_is_refused(options: dict[str, Any], step: float) -> None:
    """Inrush, trips of the protections, syncs of the counter; each frame as a BMS of these settings sends it."""
    bms = SimulatedBms(seed=3, **options)
    gate = Plausibility()
    gate.limits(pack_limits(as_dict(bms.settings())))
    at = 0.0
    for _ in range(scaled(400)):
        bms.advance(step)
        at += step
        sample = to_sample(bms.cell_info(), device=PACK, taken_at=NOW, monotonic=at)
        assert gate.judge(sample) == ""


def test_a_short_circuit_passes() -> None:
    """Thrice what the BMS lets through, for one frame, with the cells down and an alarm: that did happen."""
    gate = Plausibility()
    gate.limits(LIMITS)
    calm = reading(0.0, **CELLS, current=-5.0, soc=62, temperatures=(21.0,), mosfet_temperature=30.0)
    trip = msgspec.structs.replace(
        reading(0.5, current=-700.0, soc=62, temperatures=(21.0,), mosfet_temperature=70.0),
        voltage=40.0,
        cell_voltages=(2.5,) * 16,
        problem_code=1 << 14,
    )
    after = reading(1.0, **CELLS, current=0.0, soc=62, temperatures=(21.0,), mosfet_temperature=66.0)

    assert [gate.judge(sample) for sample in (calm, trip, after)] == ["", "", ""]
