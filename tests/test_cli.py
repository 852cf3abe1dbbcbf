"""The tool as a process: what it prints where, its exit codes, what it imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.house import TOP, House

TOOL = TOP / "jk_bms" / "jk-util.py"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house where nothing is configured."""
    return House(tmp_path)


def test_help_loads_nothing_heavy() -> None:
    """So that it answers at once on a small machine."""
    code = (
        "import sys, runpy; sys.argv = ['jk-util.py', '--help']\n"
        f"try: runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'bleak', 'asyncio', 'yaml', 'sqlite3', 'msgspec', 'dotenv', 'logging'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "--scan" in done.stdout
    assert "status" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--frobnicate"], "unrecognized arguments"),
        (["stauts"], "unknown word 'stauts'"),
        (["--scan-time", "soon"], "expected seconds"),
        (["--timeout", "-1"], "expected seconds"),
        (["--json-lines"], "--decode or --watch"),
        (["--probe"], "--scan"),
        (["--scan", "--address", "AA:BB:CC:DD:EE:FF"], "--scan searches for every device"),
        (["--address", "x", "--name", "y"], "only one of them"),
        (["--decode", "x", "--scan"], "--decode reads a file"),
        (["--address", "nonsense"], "expected an address such as"),
        (["--decode", "/does/not/exist"], "/does/not/exist"),
        (["--env-file", "/does/not/exist"], "/does/not/exist"),
        (["--address", "simulated", "--type", "jkk"], "'jkk'"),
        (["--format", "xml"], "xml"),
    ],
)
def test_wrong_arguments(arguments: list[str], says: str, house: House) -> None:
    done = house.tool(*arguments)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_empty_registry(house: House) -> None:
    done = house.tool()

    assert done.returncode == 3
    assert str(house.registry) in done.stderr
    assert "--scan" in done.stderr


def test_wrong_setting_names_key_and_value(house: House) -> None:
    done = house.tool("config", JK_BMS_POLL_INTERVAL="30s")

    assert done.returncode == 2
    assert "JK_BMS_POLL_INTERVAL='30s'" in done.stderr


def test_unreadable_registry_names_the_line(house: House) -> None:
    house.registry.write_text("AA:BB:CC:DD:EE:FF:\n  name: [\n")

    done = house.tool()

    assert done.returncode == 2
    assert "line 3" in done.stderr or "line 2" in done.stderr


def test_config_shows_source_and_meaning(house: House, tmp_path: Path) -> None:
    env = tmp_path / "my.env"
    env.write_text("JK_BMS_POLL_INTERVAL=12\n")

    rows = json.loads(house.tool("config", "--json", "--env-file", str(env)).stdout)

    assert rows["JK_BMS_POLL_INTERVAL"]["value"] == "12"
    assert "line 1" in rows["JK_BMS_POLL_INTERVAL"]["source"]
    assert rows["BMS_DB_PATH"]["source"] == "environment"
    assert rows["LOG_LEVEL"]["source"] == "default"


def test_status_without_service(house: House) -> None:
    done = house.tool("status")

    assert done.returncode == 4
    assert "the service is not running" in done.stderr


@pytest.mark.parametrize("how", ["text", "json", "yaml"])
def test_read_a_simulated_battery(how: str, house: House, tmp_path: Path) -> None:
    """From any directory, data on standard output only."""
    done = house.tool(
        "--address",
        "simulated",
        "--format",
        how,
    )

    assert done.returncode == 0, done.stderr
    if how == "text":
        assert "BATTERY STATUS" in done.stdout
        assert "Cell Count: 16" in done.stdout
        assert "  Cell  1: " in done.stdout
    else:
        import yaml

        reading = yaml.safe_load(done.stdout)  # JSON is YAML
        assert reading["cell_count"] == len(reading["cells"]) == 16
        assert reading["device"]["type"] == "simulated"
    assert "Connecting" in done.stderr


def test_output_goes_to_a_file(house: House, tmp_path: Path) -> None:
    out = tmp_path / "reading.json"

    done = house.tool("--address", "simulated", "--format", "json", "--output", str(out))

    assert done.stdout == ""
    assert json.loads(out.read_text())["cell_count"] == 16


def test_output_that_cannot_be_written(house: House, tmp_path: Path) -> None:
    done = house.tool("--address", "simulated", "--output", str(tmp_path / "no" / "where"))

    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_dump_decode_and_watch(house: House, tmp_path: Path) -> None:
    """A dump of one reading decodes to the same cells, with its passcodes blanked."""
    dump = tmp_path / "dump.txt"

    read = house.tool("--address", "simulated", "--format", "json", "--dump", str(dump))
    decoded = house.tool("--decode", str(dump), "--json-lines")

    frames = [json.loads(line) for line in decoded.stdout.splitlines()]
    assert [frame["kind"] for frame in frames[:2]] == ["device_info", "settings"]
    cells = [frame for frame in frames if frame["kind"] == "cell_info"]
    assert cells[-1]["cells"] == json.loads(read.stdout)["cells"]
    assert frames[0]["passcode_set"] is False


def test_decode_refuses_with_a_reason(house: House, tmp_path: Path) -> None:
    dump = tmp_path / "junk.txt"
    dump.write_text("# only noise\n41540d0a\n55aaeb9002" + "00" * 295 + "\n")

    done = house.tool("--decode", str(dump), "--json-lines")

    assert done.returncode == 5
    assert "no good frame" in done.stderr
    assert done.stdout == ""


def test_decode_names_the_bad_line(house: House, tmp_path: Path) -> None:
    dump = tmp_path / "typo.txt"
    dump.write_text("41540d0a\nhello\n")

    done = house.tool("--decode", str(dump))

    assert done.returncode != 0
    assert "line 2" in done.stderr
