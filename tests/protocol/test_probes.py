"""Which battery probes a board has: at the place of the third stands the temperature of the MOSFETs, mostly."""

import struct

import msgspec
import pytest

from jk_bms.protocol import CellInfo, ThirdProbe, Variant, decode, encode_cell_info
from jk_bms.protocol.probes import ENOUGH
from jk_bms.simulator import SimulatedBms
from tests.protocol.jk_frames import CELLS, framed

PACK = msgspec.structs.replace(
    CELLS[Variant.JK02_32S], temperature_1=16.0, temperature_2=16.4, temperature_4=15.5, temperature_5=15.7
)


def heard(info: CellInfo, *, third_probe: bool = False) -> CellInfo:
    """``info`` through a frame."""
    got = decode(
        framed(encode_cell_info(info, Variant.JK02_32S, 1)), software="19.31", third_probe=third_probe
    )
    assert isinstance(got, CellInfo)
    return got


def with_third(mosfets: float, third: float | None) -> CellInfo:
    return heard(msgspec.structs.replace(PACK, mos_temperature=mosfets, temperature_3=third))


@pytest.mark.parametrize("mosfets", [62.0, 17.2, 0.0, -12.5])
def test_the_mosfets_are_no_probe(mosfets: float) -> None:
    """However hot they are, the battery is as warm as its probes, and these keep the app's numbers."""
    got = with_third(mosfets, None)

    assert got.mos_temperature == mosfets
    assert got.probe_numbers == (1, 2, 4, 5)
    assert got.temperatures == (16.0, 16.4, 15.5, 15.7)


@pytest.mark.parametrize("variant", Variant)
def test_the_simulated_bms_is_no_kinder(variant: Variant) -> None:
    """It repeats the temperature of its MOSFETs where a third probe would be, and claims to have all sensors."""
    bms = SimulatedBms(variant=variant)
    bms.advance(30.0)

    data = encode_cell_info(bms.cell_info(), variant, 0)

    if variant is Variant.JK02_32S:
        mosfets, third = (struct.unpack_from("<h", data, at)[0] for at in (144, 254))
        assert third == mosfets == round((bms.cell_info().mos_temperature or 0) * 10)
        assert data[214] == 0xFF
    got = decode(framed(data))
    assert isinstance(got, CellInfo)
    assert got.probe_numbers == {Variant.JK04: (), Variant.JK02_24S: (1, 2)}.get(variant, (1, 2, 4, 5))


def test_a_board_without_a_sensor_of_the_mosfets_repeats_that_too() -> None:
    assert heard(msgspec.structs.replace(PACK, mos_temperature=None)).probe_numbers == (1, 2, 4, 5)


def test_a_third_probe_shows_after_some_frames_and_then_stays() -> None:
    """It may be as warm as the MOSFETs later: a probe does not come and go."""
    probe = ThirdProbe()
    shown = [probe.judge(with_third(20.7, 12.9)).temperature_3 for _ in range(ENOUGH + 1)]

    assert shown == [*[None] * (ENOUGH - 1), 12.9, 12.9]
    equal = msgspec.structs.replace(PACK, mos_temperature=20.7, temperature_3=20.7)
    assert probe.judge(heard(equal, third_probe=probe.found)).temperature_3 == 20.7


def test_a_copy_that_lags_is_no_probe() -> None:
    """MOSFETs that warm up quickly: the copy is of a moment before, now and then."""
    probe = ThirdProbe()

    shown = [probe.judge(with_third(30.0 + n, 29.0 if n % ENOUGH else None)).temperature_3 for n in range(50)]

    assert shown == [None] * 50
    assert not probe.found
