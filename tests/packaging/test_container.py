"""The container files: lint-free, and as little trusted as the service."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.commands import PROJECT, Run, needs

DOCKERFILE = PROJECT / "Dockerfile.poller"
ADDON = PROJECT / "addon" / "Dockerfile"


def services() -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


@pytest.fixture
def service() -> dict[str, Any]:
    return services()["jkbms"]


@pytest.fixture
def bot() -> dict[str, Any]:
    return services()["bot"]


@pytest.mark.parametrize("file", [DOCKERFILE, ADDON], ids=["poller", "add-on"])
def test_hadolint_is_silent(run: Run, file: Path) -> None:
    result = run(Path(sys.executable).with_name("hadolint"), file)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_image_is_built_in_stages_and_runs_as_nobody_special() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    last = text[text.rindex("\nFROM ") :]

    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == 2 * ["python:3.13-slim-bookworm"]
    assert not re.search(r"\b(pip|apt-get|gcc)\b.* install", last)
    assert re.search(r"^USER (?!root|0)\S+$", last, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*\\\n +CMD \[.*"jk_bms/jk-util.py", "status"\]$', last, re.MULTILINE)


def test_image_gets_only_what_it_copies() -> None:
    """Everything is ignored but what the Dockerfile names: no .env reaches an image."""
    allowed = set(
        re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    )
    copied: set[str] = set()
    for file in (DOCKERFILE, ADDON):
        for sources in re.findall(
            r"^COPY (?!--from)(.+) \S+$", file.read_text(encoding="utf-8"), re.MULTILINE
        ):
            copied |= set(sources.split())

    assert copied == allowed
    assert (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()[1] == "*"


@needs("docker-compose")
def test_compose_accepts_it(tmp_path: Path, run: Run) -> None:
    shutil.copy2(PROJECT / "docker-compose.yml", tmp_path)
    (tmp_path / ".env").write_text("INVERTER_DB_DIR=/opt/eamoon\n", encoding="utf-8")

    result = run("docker-compose", "config", "-q")
    whole = yaml.safe_load(run("docker-compose", "config").stdout)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert any("/opt/eamoon" in str(volume) for volume in whole["services"]["jkbms"]["volumes"])
    assert whole["services"]["jkbms"]["build"]["args"]["REQUIREMENTS"] == "requirements.txt"


@pytest.mark.parametrize("name", ["jkbms", "web", "bot"])
def test_services_are_off_and_unprivileged(name: str) -> None:
    service = services()[name]

    assert service["deploy"]["replicas"] == 0
    assert not service.get("privileged", False)
    assert "no-new-privileges:true" in service["security_opt"]
    assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])


def test_service_is_as_users_know_it(service: dict[str, Any]) -> None:
    volumes = service["volumes"]

    assert service["network_mode"] == "host"
    assert service["env_file"] == ".env"
    assert any(volume.startswith("/var/run/dbus:") and volume.endswith(":ro") for volume in volumes)
    assert {volume.split(":")[0] for volume in volumes} >= {"jkbms-state", "jkbms-run", "./jk_devices.yaml"}
    assert any(volume.startswith("${INVERTER_DB_DIR") for volume in volumes)


def test_bot_shares_state_and_socket_and_nothing_else(service: dict[str, Any], bot: dict[str, Any]) -> None:
    """It meets the poller in the same folders as the same user; no D-Bus, no inverter's database."""
    shared = {"jkbms-state:/var/lib/easun-jkbms", "jkbms-run:/run/easun-jkbms"}

    assert shared <= set(service["volumes"])
    assert {volume.split(":")[0] for volume in bot["volumes"]} == {
        "./jk_devices.yaml",
        "jkbms-state",
        "jkbms-run",
        "jkbms-logs",
    }
    assert shared < set(bot["volumes"])
    assert bot["environment"]["BMS_SOCKET"] == service["environment"]["BMS_SOCKET"]
    assert bot["environment"]["LOG_FILE_PATH"] == "/logs/stat.log"
    assert "network_mode" not in bot
    for key in ("JK_BMS_UID", "JK_BMS_GID"):
        assert bot["build"]["args"][key] == service["build"]["args"][key]
    assert bot["build"]["args"]["REQUIREMENTS"] == "requirements-bot.txt"
    assert bot["image"] != service["image"]  # the two builds would overwrite each other


def test_page_shares_state_and_socket_and_answers_under_the_hosts_names(service: dict[str, Any]) -> None:
    page = services()["web"]

    assert page["command"] == ["-m", "jk_bms.web", "--stay"]
    assert (page["image"], page["network_mode"]) == (service["image"], "host")
    assert page["environment"]["BMS_SOCKET"] == service["environment"]["BMS_SOCKET"]
    assert page["environment"]["BMS_DB_PATH"] == service["environment"]["BMS_DB_PATH"]
    assert not any("inverter" in volume or "dbus" in volume for volume in page["volumes"])


def test_what_dies_is_started_again_and_a_bot_that_needs_a_person_does_not_die(
    service: dict[str, Any], bot: dict[str, Any]
) -> None:
    """Compose cannot leave out exit codes as the systemd unit does with RestartPreventExitStatus."""
    assert service["restart"] == bot["restart"] == "unless-stopped"
    assert bot["command"] == ["telegram_bot.py", "--stay"]
