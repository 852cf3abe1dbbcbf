"""Frames of other people's boards, where this checkout stands beside them."""

import pytest

from jk_bms.protocol import CellInfo, DeviceInfo, Settings, as_dict, decode, is_balancer
from tests.beside import cases
from tests.protocol.jk_frames import framed


def test_the_mosfets_are_no_probe() -> None:
    """Boards of three makes: the warmest probe is one of the battery."""
    for case in cases("0[135]-t3-is-mos-*.json"):
        got, right = decode(framed(bytes.fromhex(case["input"]["frame_hex"]))), case["right"]

        assert isinstance(got, CellInfo), case["name"]
        assert max(got.temperatures) == right["temperature"], case["name"]
        for name in ("mos_temperature", "voltage", "current", "soc"):
            if name in right:
                assert getattr(got, name) == pytest.approx(right[name]), f"{case['name']}: {name}"
        if "temperatures" in right:
            assert list(got.temperatures) == right["temperatures"], case["name"]
        if "cells" in right:
            assert list(got.cells) == right["cells"], case["name"]


def test_an_active_balancer() -> None:
    """A frame alone shows it; what it lacks is absent, and its limits of 0 are none."""
    for case in cases("06-active-balancer-*.json"):
        frames = [framed(bytes.fromhex(line)) for line in case["input"]["lines_hex"]]
        info, settings, alone = (decode(frame) for frame in frames)
        known = decode(frames[2], software="11.55", balancer=True)

        assert isinstance(info, DeviceInfo)
        assert is_balancer(info.model)
        assert isinstance(settings, Settings)
        assert (settings.cell_ovp, settings.max_charge_current) == (None, None)
        for got in (alone, known):
            assert isinstance(got, CellInfo)
            shown, right = as_dict(got), case["right"]
            assert got.voltage == right["voltage"]
            assert list(got.temperatures) == right["temperatures"]
            assert not {"soc", "current", "power", "mos_temperature", "switches", "capacity"} & shown.keys()
            assert shown["alarms"] == right["alerts"] == []
