"""The systemd unit: valid, closed, and right for the places it names."""

import re
from pathlib import Path

import pytest

from tests.packaging.commands import PROJECT, Run, needs

UNIT = PROJECT / "systemd" / "easun-jkbms.service"

MUST_SAY = (
    "Type=notify",
    "Restart=always",
    "RestartSec=10",
    "RestartPreventExitStatus=78",
    "User=easun-jkbms",
    "Group=easun-jkbms",
    "SupplementaryGroups=bluetooth",
    "RuntimeDirectory=easun-jkbms",
    "RuntimeDirectoryMode=0750",
    "StateDirectory=easun-jkbms",
    "StateDirectoryMode=2770",
    "ConfigurationDirectory=easun-jkbms",
    "ExecStart=/opt/easun-jkbms/.venv/bin/python /opt/easun-jkbms/jk_bms_service.py",
    "Environment=JK_ENV_FILE=/etc/easun-jkbms/.env",
    "Environment=JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml",
    "Environment=BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
    "ReadWritePaths=-/opt/eamoon",
    "WantedBy=multi-user.target",
)


@pytest.mark.parametrize("line", MUST_SAY)
def test_says(line: str) -> None:
    assert line in UNIT.read_text(encoding="utf-8").splitlines()


def test_bluetooth_comes_first_and_d_bus_stays_open() -> None:
    """The one hole that matters: without AF_UNIX there is no BlueZ."""
    unit = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))

    assert "bluetooth.target" in unit["After"].split()
    assert "bluetooth.target" in unit["Wants"].split()
    assert "AF_UNIX" in unit["RestrictAddressFamilies"].split()
    assert int(unit["WatchdogSec"]) > 0


def test_two_pollers_see_each_others_lock() -> None:
    """The radio lock is an abstract socket: a private network would hide it from a second poller."""
    assert not re.search(r"^PrivateNetwork=", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


@needs("systemd-analyze")
def test_systemd_understands_every_line(tmp_path: Path, run: Run) -> None:
    """systemd-analyze ends with 0 even on unknown keys, so any word of it is a failure."""
    text = UNIT.read_text(encoding="utf-8")
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    (folder / UNIT.name).write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    )

    result = run("systemd-analyze", "verify", "--man=no", folder / UNIT.name)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs("systemd-analyze")
def test_exposure(run: Run) -> None:
    """At most 2.0 of 10, by systemd's own judgement."""
    result = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT)

    level = re.search(r"Overall exposure level for \S+: (\d+\.\d)", result.stdout)
    assert level is not None, result.stderr
    assert (result.returncode, float(level[1]) <= 2.0) == (0, True)
