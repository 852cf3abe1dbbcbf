"""Setting up: one word each, made once, made again when the lock changed."""

import re
import sys
from pathlib import Path

import pytest

from tests.packaging.commands import PROJECT, Run

TARGETS = ("help", "setup", "run", "test", "check", "bench", "soak", "clean")


def test_help_lists_every_target(run: Run) -> None:
    listed = re.findall(r"^make ([a-z]+) +\S", run("make", "help", cwd=PROJECT).stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert phony is not None
    assert sorted(listed) == sorted(phony[1].split()) == sorted(TARGETS)


def test_ci_runs_check_and_test_and_nothing_else() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")

    assert re.findall(r"^make .*$", script, re.MULTILINE) == ["make check", "make test"]
    assert "export CI=true" in script
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111


def test_an_environment_is_made_once_and_again_for_another_lock(clone: Path, run: Run) -> None:
    venv = clone / ".venv"
    command = (clone / "tools" / "venv", venv, "runtime")

    first = run(*command, PYTHON=sys.executable)
    leftover = venv / "leftover"
    leftover.touch()
    second = run(*command)
    kept = leftover.exists()
    (clone / "requirements.txt").write_text("# another lock\n", encoding="utf-8")
    third = run(*command, PYTHON=sys.executable)

    assert "new environment on Python" in first.stdout, first.stderr
    assert (second.returncode, second.stdout, second.stderr, kept) == (0, "", "", True)
    assert "new environment on Python" in third.stdout, third.stderr
    assert not leftover.exists()


def test_development_tools_come_on_top(clone: Path, run: Run) -> None:
    """`make run` first and `make test` later share one environment."""
    (clone / "requirements-dev.txt").write_text("# no tools\n", encoding="utf-8")
    tool = clone / "tools" / "venv"
    run(tool, clone / ".venv", "runtime", PYTHON=sys.executable)

    dev = run(tool, clone / ".venv", "dev")
    runtime = run(tool, clone / ".venv", "runtime")

    assert "ready" in dev.stdout
    assert "new environment" not in dev.stdout
    assert runtime.stdout == ""


def test_a_lock_that_pip_refuses_is_an_error(clone: Path, run: Run) -> None:
    """A package without a hash is refused, and the next run tries again."""
    (clone / "requirements.txt").write_text("nothing==1\n", encoding="utf-8")

    result = run(clone / "tools" / "venv", clone / ".venv", "runtime", PYTHON=sys.executable)

    assert result.returncode == 1
    assert "pip could not install" in result.stderr
    assert not (clone / ".venv" / ".easun-jkbms-runtime").exists()


def pins(name: str) -> dict[str, str]:
    text = (PROJECT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_the_development_lock_holds_the_runtime_lock() -> None:
    runtime, dev = pins("requirements.txt"), pins("requirements-dev.txt")

    assert runtime
    assert runtime.items() <= dev.items()


def test_locks_name_no_place(run: Run) -> None:
    result = run(PROJECT / "tools" / "check-locks")

    assert (result.returncode, result.stderr) == (0, "")


HASH = "    --hash=sha256:" + 64 * "0"
BAD_LOCKS = {
    "an index": "--index-url https://pypi.example.org/simple\n",
    "an extra index": "--extra-index-url file:///srv/simple\n",
    "a folder": "--find-links /srv/wheels\n",
    "a direct address": "bleak @ https://files.example.org/bleak.whl\n",
    "a comment with a host": f"# from mirror.example.com\nbleak==3.1.0 \\\n{HASH}\n",
    "no hash": "bleak==3.1.0\n",
    "no version": f"bleak \\\n{HASH}\n",
}


@pytest.mark.parametrize("text", BAD_LOCKS.values(), ids=BAD_LOCKS)
def test_a_lock_that_does_is_refused(text: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    (tmp_path / "requirements-dev.txt").write_text(f"bleak==3.1.0 \\\n{HASH}\n", encoding="utf-8")

    result = run(PROJECT / "tools" / "check-locks", tmp_path)

    assert result.returncode == 1
    assert "requirements.txt: line" in result.stderr


def test_a_lock_of_another_kind_is_refused(tmp_path: Path, run: Run) -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"bleak==3.1.0 \\\n{HASH}\n", encoding="utf-8")
    (tmp_path / "uv.lock").touch()

    result = run(PROJECT / "tools" / "check-locks", tmp_path)

    assert result.returncode == 1
    assert "uv.lock" in result.stderr


SUITES = {
    # name: (a test's body, CI, exit status)
    "a skip on a person's machine": ("pytest.skip('no dbus-daemon')", "", 0),
    "a skip in CI": ("pytest.skip('no dbus-daemon')", "true", 1),
    "absent captures in CI": ("pytest.skip('the vectors are not here')", "true", 0),
    "nothing skipped in CI": ("pass", "true", 0),
}


@pytest.mark.parametrize("jobs", ["0", "2"])
@pytest.mark.parametrize(("body", "ci", "status"), SUITES.values(), ids=SUITES)
def test_ci_allows_no_skips(body: str, ci: str, status: int, jobs: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "test_it.py").write_text(f"import pytest\n\ndef test_it():\n    {body}\n", encoding="utf-8")

    result = run(
        sys.executable, "-m", "pytest", "-p", "nothing_skipped", "-n", jobs, "-c", "/dev/null",
        "--rootdir", tmp_path, tmp_path,
        PYTHONPATH=str(PROJECT / "tools"), CI=ci,
    )  # fmt: skip

    assert result.returncode == status, result.stdout
    assert ("CI=true allows no skips" in result.stdout) == bool(status)
    assert re.search(r"1 (passed|skipped) in", result.stdout.splitlines()[-1])


def test_no_debian_package_without_leave(tmp_path: Path, run: Run) -> None:
    """NO_APT=1 names what is missing and installs nothing."""
    (tmp_path / "bash").symlink_to("/bin/bash")

    result = run(tmp_path / "bash", PROJECT / "tools" / "debian-packages", PATH=str(tmp_path), NO_APT="1")

    assert result.returncode == 0
    assert (
        "sudo apt-get install --no-install-recommends dbus systemd docker-compose shellcheck" in result.stderr
    )
