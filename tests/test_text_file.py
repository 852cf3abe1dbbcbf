"""A settings file or registry may be anything at all: it is read, or refused in one line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jk_bms.called import TOP
from jk_bms.config.devices import read_registry
from jk_bms.config.settings import load_settings
from jk_bms.config.text_file import MOST, read_text_file
from jk_bms.errors import ConfigError

AA = "AA:BB:CC:DD:EE:FF"


def environ_file(path: str) -> str:
    """The one line that a settings file of this name ends in."""
    with pytest.raises(ConfigError) as caught:
        load_settings({"JK_ENV_FILE": path})
    assert len(caught.value.faults) == 1
    assert len(caught.value.faults[0]) < 400
    return caught.value.faults[0]


PATHS = {
    # name: what the line says
    "/etc/\0.env": "cannot hold the character NUL",
    "~nobody-has-this-name/.env": "there is no such user",
    "/" + 5000 * "x": "too long for a path",
    "/" + 1200 * "abc/": "too long for a path",
    "/nowhere/.env": "does not exist",
    "/": "is a folder",
}


@pytest.mark.parametrize(("path", "said"), PATHS.items(), ids=range(len(PATHS)))
def test_a_settings_file_that_is_no_path(path: str, said: str) -> None:
    assert said in environ_file(path)


@pytest.mark.parametrize("path", list(PATHS)[:4], ids=range(4))
@pytest.mark.parametrize("key", ["DB_PATH", "BMS_DB_PATH", "JK_DEVICES_FILE", "BMS_SOCKET", "BACKUP_DIR"])
def test_a_setting_that_is_no_path(key: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({key: path}, top=tmp_path)

    assert len(caught.value.faults) == 1
    assert f"{key}=" in caught.value.faults[0]


def test_a_link_that_leads_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert environ_file(str(tmp_path / "a")).startswith(f"settings: {tmp_path}/a ")


def too_big(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(50 * 2**30)  # takes no room on the disk
    return path


def zeros(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize("make", [too_big, zeros])
def test_a_file_without_end_is_refused_early(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """Before it fills the memory."""
    path = make(tmp_path / "file")

    with pytest.raises(ConfigError, match="has more than 1000 kB"):
        load_settings({"JK_ENV_FILE": str(path)})
    with pytest.raises(ConfigError, match="has more than 1000 kB"):
        read_registry(path)


def test_a_pipe_that_nobody_fills_does_not_stop_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert read_text_file(tmp_path / "pipe") == b""
    assert read_registry(tmp_path / "pipe").entries == ()


def test_as_much_as_is_allowed_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MOST * b"#")

    assert len(read_text_file(tmp_path / "file")) == MOST


def laughs(levels: int, width: int) -> str:
    """YAML whose aliases repeat ``width`` ** ``levels`` words, below an option of a battery."""
    lines = [f"{AA}:", "  o0: &o0 [" + ", ".join(width * ["ha"]) + "]"]
    lines += [f"  o{n}: &o{n} [" + ", ".join(width * [f"*o{n - 1}"]) + "]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def long_words() -> str:
    """A word of 400 kB, repeated by a thousand aliases, as keys that are lists as well."""
    return f"{AA}:\n  a: &a {400_000 * 'x'}\n  b: [" + ", ".join(1000 * ["*a"]) + "]\n"


BOMBS = {"a billion laughs": laughs(9, 10), "wide": laughs(3, 2000), "long words": long_words()}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_yaml_whose_aliases_explode_is_refused(text: str, tmp_path: Path) -> None:
    """In no time and no memory: in a process that may take 400 MB and 20 s."""
    path = tmp_path / "jk_devices.yaml"
    path.write_text(text, encoding="utf-8")
    code = f"""
import resource, sys
sys.path.insert(0, {str(TOP)!r})
from pathlib import Path
from jk_bms.errors import ConfigError
from jk_bms.config.devices import read_registry
resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
try:
    read_registry(Path({str(path)!r}))
except ConfigError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "too much is repeated there by aliases" in done.stdout


def test_aliases_as_people_use_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "jk_devices.yaml"
    path.write_text(f"{AA}: &one\n  note: &n [a, b]\n  more: [*n, *n]\n", encoding="utf-8")

    (entry,) = read_registry(path).entries

    assert entry.options["more"] == [["a", "b"], ["a", "b"]]


def test_records_of_our_own_lie_where_the_service_may_write(tmp_path: Path) -> None:
    """Installed, the settings' folder is root's; a DB_PATH that was written counts all the same."""
    (tmp_path / ".env").write_text("BMS_STANDALONE_ROWS=true\n", encoding="utf-8")
    state = {"BMS_DB_PATH": "/var/lib/x/bms.db"}

    assert load_settings(state, top=tmp_path).db_path == Path("/var/lib/x/inverter.db")
    assert load_settings({}, top=tmp_path).db_path == tmp_path / "inverter.db"
    assert load_settings({**state, "DB_PATH": "/srv/i.db"}, top=tmp_path).db_path == Path("/srv/i.db")


def test_the_copied_example_and_standalone_go_together(tmp_path: Path) -> None:
    example = (TOP / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(example + "BMS_STANDALONE_ROWS=true\n", encoding="utf-8")

    assert load_settings({}, top=tmp_path).db_path == tmp_path / "inverter.db"


TOKENS = {
    # name: (beside another program, lines, JK_ENV_SHARED, the token)
    "ours alone": (False, "TELEGRAM_BOT_TOKEN=1:ours\n", "", "1:ours"),
    "another program's": (True, "TELEGRAM_BOT_TOKEN=1:theirs\n", "", None),
    "one of our own": (True, "TELEGRAM_BOT_TOKEN=1:theirs\nBMS_BOT_TOKEN=2:ours\n", "", "2:ours"),
    "the unit says so": (False, "TELEGRAM_BOT_TOKEN=1:theirs\n", "true", None),
    "the owner knows better": (True, "TELEGRAM_BOT_TOKEN=1:ours\n", "false", "1:ours"),
}


@pytest.mark.parametrize(("beside", "lines", "shared", "token"), TOKENS.values(), ids=TOKENS)
def test_the_token_of_another_program_is_left_to_it(
    beside: bool, lines: str, shared: str, token: str | None, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    (tmp_path / "jk_bms_service.py").write_text("from jk_bms.start import start\n", encoding="utf-8")
    if beside:
        (tmp_path / "easun_web.py").write_text("import flask\n", encoding="utf-8")

    settings = load_settings({"JK_ENV_SHARED": shared} if shared else {}, top=tmp_path)

    assert settings.bot_token == token
    left = [text for text in settings.warnings if "is left to it" in text]
    assert bool(left) == (token is None)
    assert "theirs" not in " ".join(settings.warnings)
