"""Setting up: one word each, made once, made again when the lock changed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.commands import PROJECT, Run, write

TARGETS = (
    "help",
    "setup",
    "run",
    "test",
    "check",
    "dates",
    "bench",
    "dashboards",
    "digests",
    "soak",
    "clean",
    "addon",
)


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


@pytest.mark.parametrize("left", ["without pip", "marked", "half a pip"])
def test_an_environment_that_was_interrupted_is_finished(left: str, clone: Path, run: Run) -> None:
    """Its Python starts, and that is all it can do."""
    venv = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    if left != "without pip":
        (venv / ".easun-jkbms-making").touch()
    if left == "half a pip":
        [packages] = venv.glob("lib/python*/site-packages")
        write(packages / "pip/__init__.py", "")
    (venv / "of somebody").touch()
    command = (clone / "tools" / "venv", venv, "runtime")

    first, second = run(*command, PYTHON=sys.executable), run(*command)

    assert first.returncode == 0, first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert run(venv / "bin/python", "-m", "pip", "--version").returncode == 0
    assert (venv / "of somebody").exists() == (left == "without pip")  # one made by hand is not emptied
    assert not (venv / ".easun-jkbms-making").exists()


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


def test_each_lock_holds_the_smaller_ones() -> None:
    runtime, bot, dev = (
        pins(name) for name in ("requirements.txt", "requirements-bot.txt", "requirements-dev.txt")
    )

    assert runtime
    assert runtime.items() <= bot.items() <= dev.items()


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
    for name in ("requirements-bot.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"bleak==3.1.0 \\\n{HASH}\n", encoding="utf-8")

    result = run(PROJECT / "tools" / "check-locks", tmp_path)

    assert result.returncode == 1
    assert "requirements.txt: line" in result.stderr


def test_a_lock_of_another_kind_is_refused(tmp_path: Path, run: Run) -> None:
    for name in ("requirements.txt", "requirements-bot.txt", "requirements-dev.txt"):
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


def run_suite(
    run: Run, folder: Path, plugin: str, jobs: str, ci: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the tests in ``folder`` with that plugin of tools/, and without whatever else is installed here."""
    return run(
        sys.executable, "-m", "pytest", "-p", plugin, "-p", "xdist", "-n", jobs, "-c", "/dev/null",
        "--rootdir", folder, folder,
        PYTHONPATH=str(PROJECT / "tools"), CI=ci, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip


@pytest.mark.parametrize("jobs", ["0", "1"])
@pytest.mark.parametrize(("body", "ci", "status"), SUITES.values(), ids=SUITES)
def test_ci_allows_no_skips(body: str, ci: str, status: int, jobs: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "test_it.py").write_text(f"import pytest\n\ndef test_it():\n    {body}\n", encoding="utf-8")

    result = run_suite(run, tmp_path, "nothing_skipped", jobs, ci)

    assert result.returncode == status, result.stdout
    assert ("CI=true allows no skips" in result.stdout) == bool(status)
    assert re.search(r"1 (passed|skipped) in", result.stdout.splitlines()[-1])


OF_MANY_CASES = """
import pytest

@pytest.mark.parametrize("one", range(5))
@pytest.mark.parametrize("other", "ab")
def test_ten(one, other):
    print(f"ten {one}{other}")

class TestOf:
    @pytest.mark.parametrize("one", range(3))
    def test_ten(self, one):
        print(f"of {one}")

def test_alone():
    print("alone")

@pytest.fixture
def browser():
    return None

def test_page(browser):
    print("alone in a browser")
"""


@pytest.mark.parametrize("jobs", ["0", "1"])
def test_few_cases_are_the_first_and_the_last_of_each_test_and_none_in_a_browser(
    jobs: str, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "test_it.py").write_text(OF_MANY_CASES, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "def pytest_runtest_logreport(report):\n    print(report.capstdout)\n", encoding="utf-8"
    )

    result = run_suite(run, tmp_path, "few_cases", jobs)

    assert result.returncode == 0, result.stdout
    ran = re.findall(r"^.*?(ten \w+|of \w+|alone|alone in .+)$", result.stdout, re.MULTILINE)
    assert sorted(set(ran)) == ["alone", "of 0", "of 2", "ten 0a", "ten 4b"]


def test_no_debian_package_without_leave(tmp_path: Path, run: Run) -> None:
    """NO_APT=1 names what is missing and installs nothing."""
    (tmp_path / "bash").symlink_to("/bin/bash")

    result = run(tmp_path / "bash", PROJECT / "tools" / "debian-packages", PATH=str(tmp_path), NO_APT="1")

    assert result.returncode == 0
    assert (
        "sudo apt-get install --no-install-recommends dbus systemd docker-compose shellcheck chromium victoria-metrics "
        "influxdb prometheus mosquitto apparmor gcc libc6-dev" in result.stderr
    )


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """The real Makefile over recorded tools: each call is written down instead of done."""
    top = tmp_path / "small"
    for name in ("bench", "tools", ".venv/bin"):
        (top / name).mkdir(parents=True)
    shutil.copy2(PROJECT / "Makefile", top)
    for name in ("tools/venv", "tools/debian-packages", "tools/floor-tests", "tools/check-locks",
                 ".venv/bin/python", ".venv/bin/lint-imports"):  # fmt: skip
        script = top / name
        script.write_text(f'#!/bin/sh\necho "{name} $*" >>"{top}/calls"\n', encoding="utf-8")
        script.chmod(0o755)
    (top / "bench/one.py").write_text('if __name__ == "__main__":\n    pass\n', encoding="utf-8")
    (top / "bench/shared.py").write_text("", encoding="utf-8")
    (top / "bench/peer_other.py").write_text('if __name__ == "__main__":\n    pass\n', encoding="utf-8")
    return top


CALLS = {
    "setup": ["tools/venv .venv dev"],
    "run": [
        "tools/venv .venv runtime",
        ".venv/bin/python jk_bms_service.py --packages",
        ".venv/bin/python jk_bms_service.py --interactive",
    ],
    "bench": ["tools/venv .venv dev", ".venv/bin/python bench/one.py"],
    "check": [
        "tools/venv .venv dev",
        ".venv/bin/python -m ruff check .",
        ".venv/bin/python -m ruff format --check .",
        ".venv/bin/python -m mypy",
        ".venv/bin/lint-imports ",
        "tools/check-locks ",
    ],
}


@pytest.mark.parametrize(("target", "calls"), CALLS.items(), ids=CALLS)
def test_target_does(target: str, calls: list[str], small_project: Path, run: Run) -> None:
    """`make run` needs no development tool; `make bench` leaves shared modules and peers alone."""
    result = run("make", target, cwd=small_project)

    assert result.returncode == 0, result.stderr
    assert (small_project / "calls").read_text(encoding="utf-8").splitlines() == calls


def test_make_run_installs_the_bot_only_for_a_token(small_project: Path, run: Run) -> None:
    """The settings decide, read as the service reads them."""
    python = small_project / ".venv/bin/python"
    python.write_text(python.read_text(encoding="utf-8") + "echo bot\n", encoding="utf-8")

    run("make", "run", "ARGS=--env-file x", cwd=small_project)

    assert (small_project / "calls").read_text(encoding="utf-8").splitlines() == [
        "tools/venv .venv runtime",
        ".venv/bin/python jk_bms_service.py --packages --env-file x",
        "tools/venv .venv bot",
        ".venv/bin/python jk_bms_service.py --interactive --env-file x",
    ]


PACKAGES = {
    # .env: what `make run` installs
    "nothing set": ("", "runtime"),
    "a token": ("TELEGRAM_BOT_TOKEN=1:abc\n", "bot"),
    "alerts by mail": ("ALERT_URLS=mailto://me:word@mail.example\n", "bot"),
    "a token left empty": ("TELEGRAM_BOT_TOKEN=\n", "runtime"),
    "no token at all": ("TELEGRAM_BOT_TOKEN=your token here\n", "runtime"),
    "settings that are refused": ("JK_BMS_TIMEOUT=long\n", "runtime"),
}


@pytest.mark.parametrize(("text", "kind"), PACKAGES.values(), ids=PACKAGES)
def test_packages_that_the_settings_need(text: str, kind: str, tmp_path: Path, run: Run) -> None:
    env = tmp_path / "house.env"
    env.write_text(text, encoding="utf-8")

    result = run(sys.executable, PROJECT / "jk_bms_service.py", "--packages", "--env-file", env)

    assert (result.returncode, result.stdout, result.stderr) == (0, f"{kind}\n", "")


def test_make_test_ends_with_the_whole_suite(small_project: Path, run: Run) -> None:
    """So that pytest's closing line is the last one."""
    run("make", "test", cwd=small_project)

    calls = (small_project / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[:2] == ["tools/venv .venv dev", "tools/debian-packages "]
    assert calls[2].startswith("tools/floor-tests .venv/bin/python .venv-floor 3.11 ")
    assert calls[-1].startswith(".venv/bin/python -m pytest -p nothing_skipped ")
    assert len([call for call in calls if "pytest" in call]) == 1


def test_no_floor_python_fails_only_in_ci(tmp_path: Path, run: Run) -> None:
    """A person without Python 3.11 is told; CI without it proves too little."""
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy2(PROJECT / "tools/floor-tests", tools)
    for name, body in (("find-python", "exit 1"), ("python", "echo 3.13")):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    command = (tools / "floor-tests", tools / "python", tmp_path / "floor", "3.11", "2", "tests")

    at_home, in_ci = run(*command), run(*command, CI="true")

    assert (at_home.returncode, in_ci.returncode) == (0, 1)
    assert "no Python 3.11 here" in at_home.stderr


def test_on_the_floor_itself_nothing_runs_twice(tmp_path: Path, run: Run) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 3.11\n", encoding="utf-8")
    python.chmod(0o755)

    result = run(PROJECT / "tools/floor-tests", python, tmp_path / "floor", "3.11", "2", "tests")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (tmp_path / "floor").exists()


def test_clean_leaves_what_is_the_owners(small_project: Path, run: Run) -> None:
    for name in (
        ".env",
        "jk_devices.yaml",
        "bms.db",
        "demo/inverter.db",
        ".ruff_cache/x",
        "jk_bms/__pycache__/x.pyc",
    ):
        (small_project / name).parent.mkdir(parents=True, exist_ok=True)
        (small_project / name).touch()

    run("make", "clean", cwd=small_project)

    left = {str(path.relative_to(small_project)) for path in small_project.rglob("*") if path.is_file()}
    assert {".env", "jk_devices.yaml", "bms.db"} <= left
    assert not any(name.startswith((".venv", "demo", ".ruff_cache", "jk_bms")) for name in left)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_is_told_in_a_sentence(
    clone: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After one `sudo make run` the owner's own says what to do, not a line of the shell."""
    ours = tmp_path_factory.getbasetemp()
    for folder in clone.parents:  # the folders of pytest are closed to others
        folder.chmod(folder.stat().st_mode | 0o011)
        if folder == (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours):
            break
    (clone / ".venv.lock").touch(0o644)

    result = run("runuser", "-u", "nobody", "--", clone / "tools" / "venv", clone / ".venv", "runtime")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"setup: {clone}/.venv is not yours to change, it is of root: work as root, or give yourself the folder: "
        f"sudo chown -R nobody {clone}\n"
    )
