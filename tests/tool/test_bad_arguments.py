"""Whatever is typed: one line that says what is wrong, never a traceback, nothing that steers the terminal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jk_bms.cli import main
from jk_bms.clock import Clock
from jk_bms.config.settings import load_settings
from jk_bms.errors import ConfigError
from jk_bms.poller.service import main as service
from jk_bms.store.bms_db import open_writer
from jk_bms.tool import scan

TYPED = [
    *(
        "x" * 300,
        "x" * 5000,
        "/" + "y/" * 3000,
        "~nobodyhere/x",
        "/",
        "/dev/null",
        "a\x1b[2J",
        "\udcff",
        "",
        "-",
    ),
    *("1e999", "nan", "inf", "-1", "0", "99999y", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59", "1e9"),
    *("9" * 400, "2026-02-30", "24:00", "1h30m", "abc", "٣", "1_0"),
]
NAMED = ("--env-file", "e.env")
REAL = ("--address", "C8:47:80:00:00:01", "--direct")
COMMANDS: dict[str, Sequence[str]] = {
    # the text that is typed stands for {}
    "--env-file": ["--env-file", "{}", "--decode", "r.yaml"],
    "--devices-file": ["--devices-file", "{}", "--scan", *NAMED],
    "--scan-time": ["--scan", "--scan-time", "{}", *NAMED],
    "--timeout": ["--timeout", "{}", "--decode", "r.yaml", *NAMED],
    "--decode": ["--decode", "{}", *NAMED],
    "history --last": ["history", *NAMED, "--last", "{}"],
    "history --from": ["history", *NAMED, "--from", "{}"],
    "history --to": ["history", *NAMED, "--to", "{}"],
    "history --device": ["history", *NAMED, "--device", "{}"],
    "export --from": ["export", *NAMED, "--from", "{}"],
    "export --to": ["export", *NAMED, "--to", "{}"],
    "chart": ["chart", *NAMED, "{}"],
    "digest --date": ["digest", *NAMED, "--date", "{}"],
    "alerts --explain": ["alerts", *NAMED, "--explain", "{}"],
    "alerts --last": ["alerts", *NAMED, "--last", "{}"],
    "alerts --test": ["alerts", *NAMED, "--test", "{}"],
    "release": ["release", *NAMED, "{}"],
    "health": ["health", *NAMED, "{}"],
    "backup": ["backup", *NAMED, "{}"],
    "restore": ["restore", *NAMED, "{}"],
    "import --log": ["import", *NAMED, "--log", "{}"],
    "import --meters": ["import", *NAMED, "--meters", "{}"],
    "import --bms-monitor": ["import", *NAMED, "--bms-monitor", "{}"],
    "import --timezone": ["import", *NAMED, "--timezone", "{}", "--log", "r.yaml"],
    "a word": ["{}"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with a registry and a history of its own, in the present folder."""
    monkeypatch.chdir(tmp_path)
    keys = {"BMS_DB_PATH": "b.db", "DB_PATH": "i.db", "BMS_SOCKET": "s.sock", "JK_DEVICES_FILE": "r.yaml"}
    (tmp_path / "e.env").write_text("".join(f"{key}={name}\n" for key, name in keys.items()))
    (tmp_path / "r.yaml").write_text("C8:47:80:00:00:01:\n  alias: x\n")
    with open_writer(tmp_path / "b.db", Clock()):
        pass
    monkeypatch.setattr(scan, "_search", lambda *_: [])
    return tmp_path


def ends(run: Callable[[list[str]], int], arguments: list[str]) -> int:
    try:
        return run(arguments)
    except SystemExit as end:  # argparse
        return int(end.code or 0)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_tool(folder: Path, command: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    for typed in TYPED:
        if (typed == "-" and "--decode" in command) or (command == ["{}"] and typed in ("", "-")):
            continue  # standard input; no word: the first battery is read
        ends(main, [typed if part == "{}" else part for part in command])

        out, err = capsys.readouterr()
        assert "\x1b" not in out + err, typed
        assert "invalid _" not in err, typed
        assert "Traceback" not in err, typed


@pytest.mark.parametrize("speed", ["601", "0", "-1", "nan", "inf", "fast", ""])
def test_the_speed_of_the_service(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(service, ["--speed", speed]) == 2
    assert f"argument --speed: {speed!r}: expected a number from 1 to 600" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["x" * 5000, "y" * 256, "a\0b", "~nobodyhere/x", "/" + "z/" * 3000])
def test_a_path_that_cannot_be(tmp_path: Path, path: str) -> None:
    for forgiving in (False, True):
        with pytest.raises(ConfigError, match="correct --env-file or JK_ENV_FILE"):
            load_settings({"JK_ENV_FILE": path}, top=tmp_path, forgiving=forgiving)
        with pytest.raises(ConfigError, match=r"settings: DB_PATH=.*expected a path"):
            load_settings({"DB_PATH": path}, top=tmp_path, forgiving=forgiving)


def test_an_address_in_place_of_a_path_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({"DB_PATH": "mysql://me:hunter2@house/db"}, top=tmp_path)

    assert "hunter2" not in str(refused.value)
    assert "is an address of a server; expected a path" in str(refused.value)


def test_the_dates_of_a_person_are_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    year = datetime.now(UTC).year

    ends(main, ["export", *NAMED, "--from", f"{year - 1}-01-01", "--to", f"{year}-01-01T06:00"])
    ends(main, ["export", *NAMED, "--last", "50y"])
    assert capsys.readouterr().err.count("no history yet") == 2
    assert ends(main, ["export", *NAMED, "--last", "51y"]) == 2
    assert "expected at most 50y" in capsys.readouterr().err
