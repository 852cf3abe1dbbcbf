"""Active balancers: what they have no hardware for is absent, not 0."""

import msgspec
import pytest

from jk_bms.model import Device
from jk_bms.protocol import (
    CellInfo,
    DeviceInfo,
    Settings,
    Variant,
    as_dict,
    decode,
    encode_cell_info,
    encode_device_info,
    encode_settings,
    is_balancer,
    to_sample,
)
from jk_bms.simulator import SimulatedBms
from tests.protocol.jk_frames import CELLS, framed
from tests.protocol.test_decode import NOW

MODELS = {
    "JK_DZ11-B2A24S": True,
    "JK-B2A16S": True,
    "JK-B5A24S": True,
    "JK_B1A24S": True,
    "JK-B1A20S15P": False,
    "JK_B2A8S20P": False,
    "JK_B2A25SRP": False,
    "JK_PB2A16S20P": False,
    "JK-BD6A20S10P": False,
    "": False,
    "B2A24S": False,
}
ABSENT = {
    "current", "power", "power_bms", "soc", "soh", "charge", "capacity", "cycles", "cycle_charge", "mos_temperature",
    "switches", "release_timers", "heating", "heating_current", "charge_stage", "battery_type", "charger_plugged",
}  # fmt: skip


@pytest.mark.parametrize(("model", "right"), MODELS.items())
def test_models(model: str, right: bool) -> None:
    assert is_balancer(model) is right


def info_of(bms: SimulatedBms, **changes: object) -> CellInfo:
    return msgspec.structs.replace(bms.cell_info(), **changes)


def heard(info: CellInfo, *, balancer: bool = False) -> CellInfo:
    got = decode(framed(encode_cell_info(info, info.variant, 1)), balancer=balancer)
    assert isinstance(got, CellInfo)
    return got


@pytest.mark.parametrize("balancer", [False, True])
def test_a_balancer_measures_cells(balancer: bool) -> None:
    """Whether its model is known yet or not."""
    bms = SimulatedBms(balancer=True, ambient=11.0)
    bms.advance(60.0)

    got = heard(bms.cell_info(), balancer=balancer)

    shown = as_dict(got)
    assert not ABSENT & shown.keys()
    assert len(got.cells) == len(got.cell_resistances) == 16
    assert got.probe_numbers == (1,)
    assert got.temperatures == pytest.approx([11.0], abs=1.5)
    assert got.voltage == pytest.approx(got.cell_sum, abs=0.05)
    assert (got.balance_action, got.balance_current) == (0, 0.0)
    sample = to_sample(got, device=Device(address="AA"), taken_at=NOW, monotonic=1.0)
    assert (sample.current, sample.power, sample.soc, sample.charge_enabled) == (None,) * 4
    assert (sample.remaining_ah, sample.full_ah, sample.cycles, sample.mosfet_temperature) == (None,) * 4


def test_its_limits_are_none() -> None:
    """An over-voltage protection of 0 V would make another chemistry of it."""
    bms = SimulatedBms(balancer=True)

    info = decode(framed(encode_device_info(bms.device_info(), Variant.JK02_32S, 1)))
    settings = decode(framed(encode_settings(bms.settings(), Variant.JK02_32S, 1)), software="11.55")

    assert isinstance(info, DeviceInfo)
    assert isinstance(settings, Settings)
    assert is_balancer(info.model)
    assert (settings.cell_ovp, settings.cell_uvp, settings.max_charge_current, settings.mos_otp) == (
        None,
    ) * 4
    assert (settings.cell_count, settings.balancer_switch, settings.max_balance_current) == (16, True, 2.0)


EMPTY: dict[str, tuple[dict[str, object], bool]] = {
    # name: (what differs from a balancer, whether its model says that it is one)
    "an empty BMS that is switched off": (
        {"soh": 100, "mos_temperature": 17.0, "voltage_correction": 2.97},
        False,
    ),
    "one that was discharged once": ({"cycle_charge": 3.0}, False),
    "one that is charged": ({"current": 0.2}, False),
    "one whose model is that of a balancer": ({"soc": 1, "charge": 2.8}, True),
    "one with a switch": ({"charge_on": True}, True),
}


@pytest.mark.parametrize(("changes", "balancer"), EMPTY.values(), ids=EMPTY)
def test_an_empty_bms_is_no_balancer(changes: dict[str, object], balancer: bool) -> None:
    """It is empty, which nobody may overlook."""
    got = heard(info_of(SimulatedBms(balancer=True), **changes), balancer=balancer)

    assert got.current is not None
    assert got.soc is not None
    assert got.switches is not None


def test_a_known_balancer_stays_one() -> None:
    """A constant that it has all the same does not bring the zeros back."""
    got = heard(
        info_of(SimulatedBms(balancer=True), voltage_correction=2.9, mos_temperature=0.0), balancer=True
    )

    assert (got.current, got.soc, got.switches, got.mos_temperature) == (None,) * 4


def test_wires_that_were_not_measured() -> None:
    """All zeros are no resistances; one zero among others is what the board says."""
    info = CELLS[Variant.JK02_24S]

    assert heard(msgspec.structs.replace(info, cell_resistances=(0.0,) * 8)).cell_resistances == ()
    assert heard(msgspec.structs.replace(info, cell_resistances=(0.07, *(0.0,) * 7))).cell_resistances[
        :2
    ] == (0.07, 0.0)


def test_only_one_layout_has_a_simulated_balancer() -> None:
    with pytest.raises(ValueError, match="balancer is true with variant JK02_24S"):
        SimulatedBms(balancer=True, variant=Variant.JK02_24S)
