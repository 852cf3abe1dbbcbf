"""``--decode``: a capture means what the service would have read from the device itself."""

import json
from pathlib import Path

import pytest

from jk_bms.cli import main
from jk_bms.protocol import Variant, encode_cell_info, encode_device_info
from jk_bms.simulator.bms import SimulatedBms


@pytest.mark.parametrize("balancer", [False, True])
def test_only_a_device_with_a_sensor_has_a_charge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], balancer: bool
) -> None:
    """A charge guessed from the cells of an active balancer, which may be under any load, is none."""
    bms = SimulatedBms(balancer=balancer)
    info = encode_device_info(bms.device_info(), Variant.JK02_32S, 1)
    cells = encode_cell_info(bms.cell_info(), Variant.JK02_32S, 2)
    dump, settings = tmp_path / "dump.txt", tmp_path / "env"
    dump.write_text(f"{info.hex()}\n{cells.hex()}\n")
    settings.touch()

    assert main(["--env-file", str(settings), "--decode", str(dump), "--format", "json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert ("battery_soc" in shown) is not balancer
    assert shown["cell_count"] == 16
