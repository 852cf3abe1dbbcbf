"""Another day for a process and all that it starts, while pauses last as long as they do."""

import sys
from pathlib import Path

from tests.packaging.commands import PROJECT, Run, needs

# What Python, SQLite and a shell think, and whether a file of now is of now; what counts from the boot.
ASKED = """
import os, sqlite3, subprocess, sys, threading, time
from datetime import datetime
before = time.monotonic()
time.sleep(0.05)
threading.Event().wait(0.05)
assert 0.1 <= time.monotonic() - before
new = sys.argv[1]
open(new, "w").close()
assert abs(os.stat(new).st_mtime - time.time()) < 60
os.utime(new, (time.time(), time.time() - 3600))
assert 3540 < time.time() - os.stat(new).st_mtime < 3660
print(datetime.now().astimezone().isoformat(timespec="minutes"))
print(sqlite3.connect(":memory:").execute("SELECT strftime('%Y-%m-%dT%H:%M', 'now')").fetchone()[0])
print(subprocess.run(["date", "+%Y-%m-%dT%H:%M%:z"], capture_output=True, text=True).stdout.strip())
print(os.popen(f"stat -c %y {new}").read()[:13])
"""


@needs("cc")
def test_everything_lives_on_that_day(run: Run, tmp_path: Path) -> None:
    result = run(
        PROJECT / "tools/at-date", "2026-03-29T04:30@Europe/Kyiv", sys.executable, "-c", ASKED, f"{tmp_path}/new"
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    python, sqlite, shell, changed = result.stdout.splitlines()
    assert python == shell
    assert python[:15] == "2026-03-29T04:3"  # or a minute later
    assert sqlite[:10] == "2026-03-29"
    assert changed == "2026-03-29 02"  # the hour before: there is none from three to four


def test_without_a_compiler_only_ci_fails(run: Run, tmp_path: Path) -> None:
    command = ("/bin/bash", PROJECT / "tools/at-date", "2026-03-29T04:30@Europe/Kyiv", "/bin/echo", "ran")

    at_home, in_ci = run(*command, PATH=str(tmp_path)), run(*command, PATH=str(tmp_path), CI="true")

    assert (at_home.returncode, at_home.stdout) == (0, "ran\n")
    assert "gcc libc6-dev" in at_home.stderr
    assert (in_ci.returncode, in_ci.stdout) == (1, "")
