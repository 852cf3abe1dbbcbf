"""The tool as a process: what it prints where, its exit codes, what it imports."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.house import TOP, House
from tests.protocol.jk_frames import cell_frame

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


@pytest.mark.parametrize("module", ["jk_bms.cli", "jk_bms.tool.config"])
def test_an_early_ctrl_c_ends_it_quietly(module: str) -> None:
    """Also while the library is being read."""
    code = (
        "import sys, runpy\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        f"sys.meta_path.insert(0, Finder()); sys.argv = ['jk-util.py', 'config']\n"
        f"runpy.run_path({str(TOOL)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("arguments", [["config"], ["check", "--json"], ["--address", "simulated"]])
def test_output_to_a_full_disk(arguments: list[str], house: House) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, TOOL, *arguments],
            env=house.env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip

    last = done.stderr.splitlines()[-1]
    assert (done.returncode, last) == (1, "standard output: cannot be written: no space left on device")
    assert "Traceback" not in done.stderr


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
        (["--type", "foo"], "--type 'foo': expected one of jk"),
        (["--format", "xml"], "xml"),
        (["--scan", "--output", "x"], "with --scan add --read"),
        (["--decode", "x", "--dump", "y"], "--dump records a device"),
        (["--decode", "/"], "Is a directory"),
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

    assert done.returncode == 5
    assert "no good frame found; expected hex with or without" in done.stderr
    assert "1 line without bytes left out, the first: line 2" in done.stderr


@pytest.mark.parametrize("how", ["bytes themselves", "of PowerShell", "in a log"])
def test_decode_what_people_have(house: House, tmp_path: Path, how: str) -> None:
    dump, frame = tmp_path / "dump", cell_frame()
    text = f"[12:34:56][VV][jk_bms_ble:424]: Notification received: {frame.hex('.')} (300)\nthat was it\n"
    dump.write_bytes(
        {"bytes themselves": frame, "of PowerShell": text.encode("utf-16")}.get(how, text.encode())
    )

    done = house.tool("--decode", str(dump), "--json-lines")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kind"] == "cell_info"
    assert done.stderr == ""


def test_decode_a_long_file_of_bytes(house: House, tmp_path: Path) -> None:
    dump = tmp_path / "dump.bin"
    dump.write_bytes(b"".join(cell_frame(counter=n % 256) for n in range(400)))

    done = house.tool("--decode", str(dump), "--json-lines")

    assert len(done.stdout.splitlines()) == 400
    assert done.stderr == ""


def test_decode_names_a_line_that_was_cut(house: House, tmp_path: Path) -> None:
    dump = tmp_path / "log.txt"
    dump.write_text(f"RX: {cell_frame().hex()} {'z' * 100_000} {cell_frame().hex()}\n")

    done = house.tool("--decode", str(dump), "--json-lines")

    assert len(done.stdout.splitlines()) == 1
    assert "longer than 100000 characters and not hex alone, the first: line 1" in done.stderr


def test_decode_survives_a_reader_that_had_enough(house: House, tmp_path: Path) -> None:
    """As in ``--decode dump --json-lines | head -1``: no complaint, no strange exit code."""
    dump = tmp_path / "dump.txt"
    dump.write_text("\n".join(cell_frame(counter=n % 256).hex() for n in range(500)))
    process = subprocess.Popen(
        [sys.executable, TOOL, "--decode", str(dump), "--json-lines"],
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["kind"] == "cell_info"
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(20) == 0
    process.stderr.close()


def test_decode_bytes_that_are_no_text(house: House) -> None:
    done = subprocess.run(
        [sys.executable, TOOL, "--decode", "-"],
        env=house.env,
        input=bytes(range(256)),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 5
    assert b"line 1" in done.stderr
    assert b"Traceback" not in done.stderr


def test_decoded_lines_go_to_a_file(house: House, tmp_path: Path) -> None:
    dump, out = tmp_path / "dump.txt", tmp_path / "out.jsonl"
    dump.write_text(cell_frame().hex())

    done = house.tool("--decode", str(dump), "--json-lines", "--output", str(out))

    assert done.stdout == ""
    assert json.loads(out.read_text())["kind"] == "cell_info"


def test_output_replaces_files_only(house: House, tmp_path: Path) -> None:
    """A link stays a link, a device a device; a mode is kept."""
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    dump = tmp_path / "dump.txt"
    dump.write_text(cell_frame().hex())

    assert house.tool("--decode", str(dump), "--output", str(link)).returncode == 0
    assert house.tool("--decode", str(dump), "--output", "/dev/null").returncode == 0

    assert link.is_symlink()
    assert "BATTERY STATUS" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    assert Path("/dev/null").is_char_device()
    assert sorted(path.name for path in tmp_path.glob("tmp*")) == []


HOUSE_OF_TWO = """\
one:
  type: simulated
  period: 0.05
two:
  type: simulated
  period: 0.05
  cells: 8
  variant: JK02_24S
broken:
  type: simulated
  faults: mute
"""


def test_all_that_can_be_read_are_read(house: House) -> None:
    """One that is mute costs the others nothing; it gives the exit code."""
    house.registry.write_text(HOUSE_OF_TWO)

    done = house.tool("--all", "--format", "json", "--timeout", "3")

    assert done.returncode == 5
    assert [reading["cell_count"] for reading in json.loads(done.stdout)] == [16, 8]
    assert "broken: connected, but the BMS did not answer within 3 s" in done.stderr


def watched(house: House, *arguments: str, lines: int) -> tuple[list[str], str, int]:
    """Watch until so many lines came, then press Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, TOOL, "--watch", *arguments],
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    return seen, errors, process.returncode


def test_watch_all(house: House) -> None:
    house.registry.write_text(HOUSE_OF_TWO)

    seen, errors, code = watched(house, "--all", "--json-lines", lines=30)

    assert {json.loads(line)["device"]["address"] for line in seen} == {"one", "two"}
    assert code == 130, errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(("how", "begins"), [("text", "====="), ("yaml", "---"), ("json", '{"device"')])
def test_watch_in_each_form(how: str, begins: str, house: House) -> None:
    seen, errors, code = watched(house, "--address", "simulated", "--format", how, lines=2)

    assert seen[0].startswith(begins)
    assert code == 130, errors


def test_watch_goes_on_over_a_lost_link(house: House) -> None:
    """Keep reading until Ctrl-C means that."""
    house.registry.write_text("one:\n  type: simulated\n  period: 0.05\n  faults: cut_after=3\n")

    seen, errors, _ = watched(house, "--json-lines", lines=8)

    assert len(seen) == 8
    assert "the link dropped; trying again" in errors


def test_debug_prints_the_frame_log_without_secrets(house: House) -> None:
    done = house.tool("--address", "simulated", "--debug")

    assert done.returncode == 0
    assert "device_info frame 1: good" in done.stderr
    assert "cell_info frame" in done.stderr
    assert "asking: aa5590eb97" in done.stderr
    assert "55aaeb90" not in done.stderr
