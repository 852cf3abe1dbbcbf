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


@pytest.fixture
def service() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = loaded["services"]["jkbms"]
    return found


def test_hadolint_is_silent(run: Run) -> None:
    result = run(Path(sys.executable).with_name("hadolint"), DOCKERFILE)

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
    for sources in re.findall(
        r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE
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


def test_service_is_off_and_unprivileged(service: dict[str, Any]) -> None:
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
