"""Frames of other people's boards, where this checkout stands beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

from jk_bms.protocol import CellInfo, decode
from tests.protocol.jk_frames import framed

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


def cases(pattern: str) -> list[Any]:
    """The cases whose names fit; none elsewhere: then our own frames must do."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(CASES.glob(pattern))]


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
