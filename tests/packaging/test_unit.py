"""The systemd units: valid, closed, and right for the places they name."""

import re
from pathlib import Path

import pytest

from tests.packaging.commands import PROJECT, Run, needs

UNIT = PROJECT / "systemd" / "easun-jkbms.service"
BOT = PROJECT / "systemd" / "easun-jkbms-bot.service"
WEB = PROJECT / "systemd" / "easun-jkbms-web.service"

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
    "ExecReload=/bin/kill -HUP $MAINPID",
    "Environment=JK_ENV_FILE=/etc/easun-jkbms/.env",
    "Environment=JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml",
    "Environment=BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
    "ReadWritePaths=-/opt/eamoon",
    "WantedBy=multi-user.target",
)


BOT_MUST_SAY = (
    "Restart=always",
    "RestartSec=10",
    "Type=notify",
    "RestartPreventExitStatus=78",
    "User=easun-jkbms",
    "Group=easun-jkbms",
    "StateDirectory=easun-jkbms",
    "StateDirectoryMode=2770",
    "ConfigurationDirectory=easun-jkbms",
    "ExecStart=/opt/easun-jkbms/.venv/bin/python /opt/easun-jkbms/telegram_bot.py",
    "Environment=JK_ENV_FILE=/etc/easun-jkbms/.env",
    "Environment=JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml",
    "Environment=BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
    "Environment=BOT_DB_PATH=/var/lib/easun-jkbms/bot.db",
    "Environment=BMS_SOCKET=/run/easun-jkbms/poller.sock",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "WantedBy=multi-user.target",
)


WEB_MUST_SAY = (
    "Restart=always",
    "RestartSec=10",
    "Type=notify",
    "RestartPreventExitStatus=78",
    "User=easun-jkbms",
    "Group=easun-jkbms",
    "StateDirectory=easun-jkbms",
    "ExecStart=/opt/easun-jkbms/.venv/bin/python -m jk_bms.web",
    "WorkingDirectory=/opt/easun-jkbms",
    "Environment=JK_ENV_FILE=/etc/easun-jkbms/.env",
    "Environment=JK_DEVICES_FILE=/etc/easun-jkbms/jk_devices.yaml",
    "Environment=BMS_DB_PATH=/var/lib/easun-jkbms/bms.db",
    "Environment=WEB_DB_PATH=/var/lib/easun-jkbms/web.db",
    "Environment=BMS_SOCKET=/run/easun-jkbms/poller.sock",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "InaccessiblePaths=-/run/dbus",
    "MemoryHigh=120M",
    "MemoryMax=200M",
    "OOMScoreAdjust=250",
    "WantedBy=multi-user.target",
)


def settings_of(unit: Path) -> dict[str, str]:
    """Each key of the unit with its last value."""
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("line", MUST_SAY)
def test_says(line: str) -> None:
    assert line in UNIT.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", BOT_MUST_SAY)
def test_bot_says(line: str) -> None:
    assert line in BOT.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", WEB_MUST_SAY)
def test_page_says(line: str) -> None:
    assert line in WEB.read_text(encoding="utf-8").splitlines()


def test_page_lives_without_the_poller_and_leaves_its_socket_alone() -> None:
    unit = settings_of(WEB)

    assert not {"Requires", "BindsTo", "PartOf", "SupplementaryGroups", "RuntimeDirectory"} & set(unit)


def test_bluetooth_comes_first_and_d_bus_stays_open() -> None:
    """The one hole that matters: without AF_UNIX there is no BlueZ."""
    unit = settings_of(UNIT)

    assert "bluetooth.target" in unit["After"].split()
    assert "bluetooth.target" in unit["Wants"].split()
    assert "AF_UNIX" in unit["RestrictAddressFamilies"].split()
    assert int(unit["WatchdogSec"]) > 0


@pytest.mark.parametrize("unit", [UNIT, BOT], ids=["poller", "bot"])
def test_alerts_reach_the_network(unit: Path) -> None:
    """The poller sends alerts and its sign of life itself, so that they do not depend on the bot."""
    found = settings_of(unit)

    assert {"AF_INET", "AF_INET6"} <= set(found["RestrictAddressFamilies"].split())
    assert "IPAddressDeny" not in found
    assert "PrivateNetwork" not in found


def test_bot_lives_without_the_poller_and_without_bluetooth() -> None:
    """It must be able to say that the poller is down, and its end must leave the poller's socket alone."""
    unit = settings_of(BOT)

    assert {"network-online.target", "easun-jkbms.service"} <= set(unit["After"].split())
    assert "network-online.target" in unit["Wants"].split()
    assert not {"Requires", "BindsTo", "PartOf", "SupplementaryGroups"} & set(unit)
    assert unit["RuntimeDirectory"] == "easun-jkbms-bot"  # of its own: systemd empties it
    assert unit["RuntimeDirectoryPreserve"] == "restart"
    assert unit["InaccessiblePaths"] == "-/run/dbus"


def test_a_poller_that_grows_is_started_anew() -> None:
    """Far above the 40 MB that it needs, and far below what a Raspberry Pi has."""
    unit = settings_of(UNIT)

    assert (unit["MemoryHigh"], unit["MemoryMax"]) == ("150M", "250M")


def test_bot_is_what_gives_way_when_memory_is_short() -> None:
    """Its 100 MB, and a child that draws or sums up, fit; a leak does not take the poller along."""
    unit = settings_of(BOT)
    high, most = (int(unit[key].removesuffix("M")) for key in ("MemoryHigh", "MemoryMax"))

    assert 250 <= high < most <= 512
    assert int(unit["OOMScoreAdjust"]) > 0


def test_two_pollers_see_each_others_lock() -> None:
    """The radio lock is an abstract socket: a private network would hide it from a second poller."""
    assert not re.search(r"^PrivateNetwork=", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", [UNIT, BOT, WEB], ids=["poller", "bot", "page"])
def test_systemd_understands_every_line(unit: Path, tmp_path: Path, run: Run) -> None:
    """systemd-analyze ends with 0 even on unknown keys, so any word of it is a failure."""
    text = unit.read_text(encoding="utf-8")
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    (folder / unit.name).write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    )

    result = run("systemd-analyze", "verify", "--man=no", folder / unit.name)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", [UNIT, BOT, WEB], ids=["poller", "bot", "page"])
def test_exposure(unit: Path, run: Run) -> None:
    """At most 2.0 of 10, by systemd's own judgement."""
    result = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)

    level = re.search(r"Overall exposure level for \S+: (\d+\.\d)", result.stdout)
    assert level is not None, result.stderr
    assert (result.returncode, float(level[1]) <= 2.0) == (0, True)
