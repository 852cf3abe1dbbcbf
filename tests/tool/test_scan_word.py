"""What a scan saves: JK batteries, and no crowd of them unasked."""

import io
from pathlib import Path

import pytest

from jk_bms.cli import main
from jk_bms.config.devices import read_registry
from jk_bms.model.found import Found
from jk_bms.tool import scan


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


class Street:
    """A scan whose finds the test chooses, and the registry it writes."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.registry = folder / "jk_devices.yaml"
        self.settings = folder / ".env"
        self.settings.write_text("")
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def scan(self, found: list[Found], typed: str | None = None) -> tuple[int, str, str]:
        """Return exit code, output and words; ``typed``: at a terminal."""
        self.monkeypatch.setattr(scan, "_search", lambda *_: found)
        self.monkeypatch.setattr("sys.stdin", Terminal(typed) if typed is not None else io.StringIO())
        if typed is not None:
            self.monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        code = main(["--scan", "--devices-file", str(self.registry), "--env-file", str(self.settings)])
        return code, *self.capsys.readouterr()

    def saved(self) -> list[str]:
        return [entry.address for entry in read_registry(self.registry).entries]


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Street:
    return Street(tmp_path, monkeypatch, capsys)


def batteries(count: int, level: int = 3) -> list[Found]:
    return [
        Found(f"C8:47:80:00:{level:02}:{n:02}", f"JK-{n}", -60, level, "service FFE0") for n in range(count)
    ]


def test_only_what_scores_as_a_jk_is_saved(street: Street) -> None:
    code, out, words = street.scan([*batteries(2), *batteries(1, 2), *batteries(100, 1), *batteries(100, 0)])

    assert code == 0
    assert len(street.saved()) == 3
    assert "✓ Saved devices to" in out
    assert "A possible device is not saved" in words


def test_up_to_eight_are_saved_unasked(street: Street) -> None:
    street.scan(batteries(8))
    assert len(street.saved()) == 8

    street.scan(batteries(16))  # eight of them are known
    assert len(street.saved()) == 16


def test_more_are_not_saved_where_nobody_can_be_asked(street: Street) -> None:
    """The two that are known keep their time of the last scan."""
    street.scan(batteries(2))
    street.registry.write_text(street.registry.read_text().replace("last_seen: '", "last_seen: '1999"))

    code, out, words = street.scan(batteries(30))

    assert code == 0
    assert len(street.saved()) == 2
    assert "1999" not in street.registry.read_text()
    assert "28 new devices are more than one house has: none of them is saved" in words
    assert out.count("Found JK BMS Device") == 30


@pytest.mark.parametrize(("typed", "saved"), [("y\n", 9), ("YES\n", 9), ("n\n", 0), ("\n", 0), ("", 0)])
def test_a_person_is_asked(street: Street, typed: str, saved: int) -> None:
    _, out, words = street.scan(batteries(9), typed)

    assert "Save all 9 new devices to" in words
    assert len(street.saved()) == saved
    assert ("✓ Saved" in out) == bool(saved)
