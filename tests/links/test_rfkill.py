"""What the kernel says of blocked radios is read as it is written there."""

from pathlib import Path

import pytest

from jk_bms.radio.rfkill import blocked


def switch(folder: Path, number: int, **says: str) -> None:
    at = folder / f"rfkill{number}"
    at.mkdir()
    for name, text in {"type": "bluetooth", "name": "hci0", "soft": "0", "hard": "0", **says}.items():
        (at / name).write_text(f"{text}\n")


SWITCHES: dict[str, tuple[list[dict[str, str]], str | None, str]] = {
    "none": ([], "hci0", ""),
    "free": ([{}], "hci0", ""),
    "soft": ([{"soft": "1"}], "hci0", "soft"),
    "hard": ([{"hard": "1"}], "hci0", "hard"),
    "both: the switch comes first": ([{"soft": "1", "hard": "1"}], "hci0", "hard"),
    "another adapter": ([{"name": "hci1", "soft": "1"}], "hci0", ""),
    "wireless": ([{"type": "wlan", "name": "phy0", "hard": "1"}], "hci0", ""),
    "any adapter": ([{"type": "wlan"}, {"name": "thinkpad", "soft": "1"}], None, "soft"),
}


@pytest.mark.parametrize(("switches", "adapter", "expected"), SWITCHES.values(), ids=SWITCHES)
def test_blocked(tmp_path: Path, switches: list[dict[str, str]], adapter: str | None, expected: str) -> None:
    for number, says in enumerate(switches):
        switch(tmp_path, number, **says)

    assert blocked(adapter, tmp_path) == expected


def test_no_such_folder_blocks_nothing(tmp_path: Path) -> None:
    assert blocked("hci0", tmp_path / "none") == ""


def test_a_switch_that_goes_away_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "rfkill0").mkdir()

    assert blocked(None, tmp_path) == ""
