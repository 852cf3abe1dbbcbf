"""The registry: what an entry says, and that a scan changes nothing but what it learnt."""

import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jk_bms.config import yaml_text
from jk_bms.config.devices import (
    KEYS,
    Entry,
    Registry,
    read_registry,
    selected_entries,
    shared_labels,
    update_after_scan,
)
from jk_bms.config.settings import TOP
from jk_bms.errors import ConfigError
from jk_bms.model import Device
from jk_bms.model.address import ADDRESS
from jk_bms.model.foreign_text import harmless_name
from tests.scale import scaled

NOW = datetime(2026, 11, 20, 8, 15, 34, 123456, tzinfo=timezone(timedelta(hours=2)))
STAMP = "'2026-11-20T08:15:34+02:00'"
often = settings(max_examples=scaled(4000), derandomize=True)
A, B, C = "AA:BB:CC:DD:EE:0A", "AA:BB:CC:DD:EE:0B", "20:21:08:31:05:22"
D = "AA:BB:CC:DD:EE:0D"


@pytest.fixture(autouse=True, params=["CSafeLoader", "SafeLoader"])
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with the fast YAML loader and with the pure one."""
    monkeypatch.setattr(yaml_text, "LOADERS", (request.param,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the registry of a test stands."""
    return tmp_path / "jk_devices.yaml"


def read(path: Path, text: str) -> Registry:
    """The registry with this content."""
    path.write_text(text, encoding="utf-8", newline="")
    return read_registry(path)


def faults(path: Path, text: str | bytes) -> tuple[str, ...]:
    """What is wrong with this content, without the file's name."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_registry(path)
    return tuple(fault.replace(f"{path} ", "") for fault in caught.value.faults)


def scan(path: Path, text: str | None, *seen: tuple[str, str | None]) -> str:
    """The content after a scan that saw these."""
    if text is not None:
        path.write_bytes(text.encode())
    update_after_scan(path, seen, NOW)
    return path.read_bytes().decode()


# Reading


def test_full_entry(path: Path) -> None:
    """Every key that an entry may have, and one that is not ours."""
    registry = read(
        path,
        f"{A}:\n  address: {A}\n  last_seen: '2026-01-08T00:15:34'\n  name: JK_24v_3\n  alias: main\n"
        "  type: jk\n  enabled: on\n  adapter: hci0\n  battery: 3\n  current_calibration: 1.02\n"
        "  pin: 012345\n  colour: [red, {deep: yes}]\n",
    )

    (entry,) = registry.entries
    assert entry == Entry(
        address=A,
        name="JK_24v_3",
        alias="main",
        type="jk",
        enabled=True,
        adapter="hci0",
        battery=3,
        numbered=True,
        current_calibration=1.02,
        pin="012345",
        last_seen="2026-01-08T00:15:34",
        options={"colour": ["red", {"deep": "yes"}]},
    )
    assert entry.line == 1
    assert "012345" not in repr(entry)
    assert entry.device() == Device(address=A, number=3, kind="jk", name="main")


@pytest.mark.parametrize("text", ["", "\n", "# only comments\n", "---\n", "{}\n", "---\n...\n"])
def test_no_entries(path: Path, text: str) -> None:
    """An empty registry is none to complain about."""
    assert read(path, text).entries == ()
    assert read(path, text).enabled() == []


def test_missing_file(path: Path) -> None:
    """The same for one that does not exist yet."""
    assert read_registry(path) == Registry(path)


def test_every_scalar_is_text(path: Path) -> None:
    """What other loaders take for numbers, dates and booleans."""
    registry = read(
        path, f"{C}:\n  name: 1e3\n  alias: on\n  pin: 000123\n  x: 0x10\n  y: 2026-01-01\n  z: null\n"
    )

    (entry,) = registry.entries
    assert (entry.address, entry.name, entry.alias, entry.pin) == (C, "1e3", "on", "000123")
    assert entry.options == {"x": "0x10", "y": "2026-01-01", "z": None}


def test_switched_off(path: Path) -> None:
    """Null entries and ``enabled: false`` are kept, but not in use; comments are nothing."""
    registry = read(
        path, f"{A}:\n{B}:\n  enabled: 'no'\n# {C}:\n11:22:33:44:55:66: {{}}\n77:22:33:44:55:66: ~\n"
    )

    assert [(e.address, e.enabled) for e in registry.entries] == [
        (A, False),
        (B, False),
        ("11:22:33:44:55:66", True),
        ("77:22:33:44:55:66", False),
    ]
    assert [entry.address for entry in registry.enabled()] == ["11:22:33:44:55:66"]


NUMBERS = {
    # (battery: of each entry, enabled): numbers
    "order of the file": ([(None, True), (None, True), (None, True)], [1, 2, 3]),
    "disabled ones count": ([(None, False), (None, True)], [1, 2]),
    "one moves to the front": ([(None, True), (1, True)], [2, 1]),
    "one moves to the back": ([(3, True), (None, True), (None, True)], [3, 1, 2]),
    "a gap": ([(None, True), (5, True), (None, True)], [1, 5, 2]),
    "a replaced battery": ([(1, False), (1, True), (None, True)], [1, 1, 2]),
}


@pytest.mark.parametrize(("entries", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_battery_numbers(path: Path, entries: list[tuple[int | None, bool]], expected: list[int]) -> None:
    """Counted in the file's order, unless written."""
    text = ""
    for index, (number, enabled) in enumerate(entries):
        text += f"AA:00:00:00:00:0{index}:\n  enabled: {str(enabled).lower()}\n"
        text += "" if number is None else f"  battery: {number}\n"

    registry = read(path, text)

    assert [entry.battery for entry in registry.entries] == expected
    in_use = [entry.battery for entry in registry.enabled()]
    assert in_use == sorted(in_use)


EXPECTED = "'AA:BB:CC:DD:EE:FF:' with keys such as 'alias: garage' below it"
FAULTY = {
    # content: faults without the path
    "malformed address": (
        "pack:\n  name: x\n",
        ["line 1: this key is not an address; expected one such as AA:BB:CC:DD:EE:FF"],
    ),
    "duplicate address": (
        f"{A}:\n  name: x\n{A.lower()}:\n  name: y\n",
        [f"line 3: the address '{A.lower()}' stands in line 1 already; delete one"],
    ),
    "the same key twice": (
        f"{A}:\n  name: x\n  alias: y\n  name: z\n",
        ["line 4: 'name' is doubled; it stands in line 2 too"],
    ),
    "another address inside": (
        f"{A}:\n  address: {B}\n",
        [f"line 1: the address below '{A}' is '{B}'; expected the same twice"],
    ),
    "malformed address inside": (
        f"{A}:\n  address: main\n",
        [f"line 2: '{A}': address is 'main'; expected an address such as AA:BB:CC:DD:EE:FF"],
    ),
    "duplicate battery": (
        f"{A}:\n  battery: 2\n{B}:\n  battery: 2\n",
        [f"line 3: {B}: battery is 2; {A} in line 1 has that number already"],
    ),
    "several": (
        f"{A}:\n  enabled: maybe\n  battery: 0\n  current_calibration: nan\n  adapter: usb1\n  type: 7\n",
        [
            f"line 2: '{A}': enabled is 'maybe'; expected true or false",
            f"line 3: '{A}': battery is '0'; expected a battery number from 1 to 99",
            f"line 4: '{A}': current_calibration is 'nan'; expected a factor from 0.1 to 10 such as 1.02",
            f"line 5: '{A}': adapter is 'usb1'; expected an adapter's name or address such as hci0",
            f"line 6: '{A}': type is '7'; expected a type such as jk",
        ],
    ),
    "a list where text belongs": (
        f"{A}:\n  name: [x]\n",
        [f"line 2: '{A}': name is a list or mapping; expected a name"],
    ),
    "text where keys belong": (
        f"{A}: main\n",
        [f"line 1: a text stands there; expected {EXPECTED}"],
    ),
    "a list of entries": (
        f"- {A}\n",
        [f"line 1: a list stands there, as other programs write it; expected {EXPECTED}"],
    ),
    "just text": ("hello\n", [f"line 1: a text stands there; expected {EXPECTED}"]),
    "keys of others twice": (
        f"{A}:\n  hunter2: x\n  hunter2: y\n",
        ["line 3: a key is doubled; it stands in line 2 too"],
    ),
    "like an address, but none": (
        "AA:BB:CC:DD:EE:F:\n  name: x\n",
        ["line 1: 'AA:BB:CC:DD:EE:F' is not an address; expected one such as AA:BB:CC:DD:EE:FF"],
    ),
    "text that cannot be seen as an address": (
        '"a\\e[2J":\n  type: simulated\n',
        ["line 1: the address has characters that cannot be seen, or too many of them"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FAULTY.values(), ids=FAULTY)
def test_faults(path: Path, text: str, expected: list[str]) -> None:
    """Every fault of the file at once, with its line; and a scan leaves such a file alone."""
    assert list(faults(path, text)) == expected
    with pytest.raises(ConfigError):
        scan(path, text, (C, "new"))
    assert path.read_text() == text


UNREADABLE = {
    "bad indentation": (f"{A}:\n  name: x\n alias: y\n", "line 3: not readable as YAML"),
    "open quote": (f"{A}:\n  name: 'x\n", "line 3: not readable as YAML"),
    "tab": (f"{A}:\n\tname: x\n", "line 2: not readable as YAML"),
    "two documents": (f"{A}:\n---\n{B}:\n", "line 2: not readable as YAML"),
    "a control character": (
        f"{A}:\n  name: x\n  alias: a\x07b\n",
        "line 3: a character that YAML does not allow",
    ),
    "not UTF-8": (b"# ok\nname: \xff\n", "line 2: not UTF-8 text; save the file as UTF-8"),
    "without end": (f"{A}: &a\n  x: *a\n", "nested more than 20 levels deep"),
    # The compiled loader goes down as deep as these say, and its stack ends the program without a word.
    "lists without end": ("[" * 100_000, "line 1: nested more than 20 levels deep"),
    "a deep value": (f"{A}:\n  x: {'[' * 50_000}{']' * 50_000}\n", "line 2: nested more than 20 levels deep"),
    "deep keys": ("? " * 100_000, "line 1: nested more than 20 levels deep"),
}


@pytest.mark.parametrize(("text", "expected"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(path: Path, text: str | bytes, expected: str) -> None:
    """One message with the line; a scan does not overwrite the file."""
    (fault,) = faults(path, text)
    before = path.read_bytes()

    with pytest.raises(ConfigError):
        update_after_scan(path, [(C, "new")], NOW)

    assert expected in fault
    assert path.read_bytes() == before


def test_folder_instead_of_a_file(path: Path) -> None:
    """Docker makes a folder of a mount that is not there."""
    path.mkdir()

    with pytest.raises(ConfigError, match=r"jk_devices.yaml cannot be read: is a directory"):
        read_registry(path)


def test_simulated_entries(path: Path) -> None:
    """They need no address; their keys are options."""
    registry = read(
        path, "simulated:\n  cells: 8\nattic:\n  type: simulated\ntape:\n  type: playback\n  file: x.hex\n"
    )

    assert [(e.address, e.type, dict(e.options)) for e in registry.entries] == [
        ("simulated", "simulated", {"cells": "8"}),
        ("attic", "simulated", {}),
        ("tape", "playback", {"file": "x.hex"}),
    ]


def test_find(path: Path) -> None:
    """By address, alias or name, whatever the case; one in use before one switched off."""
    registry = read(
        path,
        f"{A}:\n  name: JK-B2\n  enabled: false\n{B}:\n  name: jk-b2\n  alias: Main\n{C}:\n",
    )

    assert [
        getattr(registry.find(text), "address", None) for text in (A.lower(), "JK-B2", " main ", C, "x", "")
    ] == [
        A,
        B,
        B,
        C,
        None,
        None,
    ]


NAMED = {
    # wanted: the entry it means; (): nobody can tell; None: none
    "Main": B, "jk-b2": (), "shed": A, A.lower(): A, "1": A, "2": B, "4": C, "3": D, "old": D, "5": None,
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "expected"), NAMED.items(), ids=NAMED)
def test_one_name_means_one_battery(path: Path, wanted: str, expected: str | tuple[()] | None) -> None:
    """An alias goes before what others advertise, a name before a number; one of two is never guessed."""
    registry = read(
        path,
        f"{A}:\n  name: main\n  alias: shed\n{B}:\n  name: JK-B2\n  alias: Main\n"
        f"{C}:\n  name: JK-B2\n{D}:\n  alias: old\n  enabled: false\n  battery: 3\n",
    )

    if expected == ():
        with pytest.raises(ConfigError, match=f"'jk-b2' is the name of {B} and {C}; say the address"):
            registry.find(wanted)
    else:
        assert getattr(registry.find(wanted), "address", None) == expected
    assert shared_labels(registry.enabled()) == []


def test_a_name_that_two_share_is_told(path: Path) -> None:
    registry = read(path, f"{A}:\n  alias: House\n{B}:\n  alias: house\n{C}:\n  alias: shed\n")

    [told] = shared_labels(registry.enabled())

    assert told.startswith(f"'House' is the name of {A} and {B}: ")


def test_selected_entries(path: Path) -> None:
    """Without JK_BMS_ADDRESS the enabled ones; with it that device, as battery 1 unless numbered."""
    registry = read(
        path,
        f"{A}:\n  name: one\n{B}:\n  alias: two\n  adapter: hci1\n  enabled: false\n{C}:\n  battery: 7\n",
    )

    def selected(address: str | None) -> list[tuple[str, str, int, bool, str | None]]:
        return [
            (e.address, e.type, e.battery, e.enabled, e.adapter) for e in selected_entries(registry, address)
        ]

    assert selected(None) == [(A, "jk", 1, True, None), (C, "jk", 7, True, None)]
    assert selected(B) == [(B, "jk", 1, True, "hci1")]
    assert selected(C) == [(C, "jk", 7, True, None)]
    assert selected("11:22:33:44:55:66") == [("11:22:33:44:55:66", "jk", 1, True, None)]
    assert selected("simulated") == [("simulated", "simulated", 1, True, None)]
    assert selected_entries(Registry(path), "simulated")[0].label == "Simulated battery"


def test_simulated_address_takes_its_options(path: Path) -> None:
    """JK_BMS_ADDRESS=simulated with an entry of that address."""
    registry = read(path, "simulated:\n  cells: 8\n  alias: toy\n")

    (entry,) = selected_entries(registry, "simulated")

    assert (entry.options, entry.label, entry.type) == ({"cells": "8"}, "toy", "simulated")


# Editing

KEPT = f"""\
# The batteries.   trailing blanks here:  \n\
{B}:   # the new one
  zone: north   # mine
  name: 'old ''name'''   # as it calls itself
  # a comment between
  last_seen: '2026-01-08T00:15:34'
  address: {B}

  alias: "böses \\"Ding\\" 😀"
{A.lower()}:
    alias: main
    enabled: false
{C}:
# 11:22:33:44:55:66:
#   name: switched off
    #address: 22:22:33:44:55:66
simulated: {{cells: 8, name: x}}
33:22:33:44:55:66: {{name: "y", last_seen: }}   # flow

# end"""


def test_scan_changes_only_what_it_learnt(path: Path) -> None:
    """Comments, order, unknown keys, quotes, spacing and the missing last newline stay."""
    seen = [
        (B, "it's: new #1"),
        (A, "second"),
        (C, "null entry"),
        ("11:22:33:44:55:66", "off"),
        ("22:22:33:44:55:66", "off too"),
        ("33:22:33:44:55:66", "z"),
    ]

    got = scan(path, KEPT, *seen)

    assert got == (
        KEPT.replace("'old ''name'''", "'it''s: new #1'")
        .replace("'2026-01-08T00:15:34'", STAMP)
        .replace(f"{A.lower()}:\n", f"{A.lower()}:\n    last_seen: {STAMP}\n    name: second\n")
        .replace('"y", last_seen: }', f"z, last_seen: {STAMP} }}")
    )


def test_ten_scans(path: Path) -> None:
    """Ten scans with new names and times: all but those values is byte for byte the same."""
    path.write_bytes(KEPT.encode())
    added = [
        update_after_scan(
            path, [(B, f"name {n}"), ("C8:47:8C:00:00:01", "JK"), (C, "c")], NOW + timedelta(hours=n)
        )
        for n in range(10)
    ]

    expected = KEPT.replace("'old ''name'''", "name 9").replace(
        "'2026-01-08T00:15:34'", "'2026-11-20T17:15:34+02:00'"
    )
    expected += (
        "\nC8:47:8C:00:00:01:\n  address: C8:47:8C:00:00:01\n"
        "  last_seen: '2026-11-20T17:15:34+02:00'\n  name: JK"
    )
    assert path.read_bytes().decode() == expected
    assert added == [["C8:47:8C:00:00:01"]] + [[]] * 9


NEW = f"{A}:\n  address: {A}\n  last_seen: {STAMP}\n  name: JK\n"
APPENDED = {
    # before: after, of a scan that saw A as "JK"
    "empty file": ("", NEW),
    "comments": ("# mine\n", "# mine\n" + NEW),
    "comment without newline": ("# mine", "# mine\n" + NEW.rstrip()),
    "document start": ("---\n", "---\n" + NEW),
    "document end": (f"---\n{B}:\n...\n# after\n", f"---\n{B}:\n{NEW}...\n# after\n"),
    "windows": (f"{B}:\r\n  x: y\r\n", f"{B}:\r\n  x: y\r\n" + NEW.replace("\n", "\r\n")),
    "byte order mark": ("\ufeff# mine\n", "\ufeff# mine\n" + NEW),
    "indented": (
        f"  {B}:\n    x: y\n",
        f"  {B}:\n    x: y\n" + "".join(f"  {line}\n" for line in NEW.splitlines()),
    ),
    "blank lines at the end": (f"{B}:\n\n\n", f"{B}:\n\n\n{NEW}"),
    "flow": (
        f"{{{B}: {{x: y}}}}\n",
        f"{{{B}: {{x: y}}, {A}: {{address: {A}, last_seen: {STAMP}, name: JK}}}}\n",
    ),
    "empty flow": ("{}\n", f"{{{A}: {{address: {A}, last_seen: {STAMP}, name: JK}}}}\n"),
    "block text at the end": (f"{B}:\n  note: |\n    line\n", f"{B}:\n  note: |\n    line\n{NEW}"),
    "address in a remark": (f"{B}:  # replaces {A}\n  x: y\n", f"{B}:  # replaces {A}\n  x: y\n{NEW}"),
    "commented": (f"#{A}:\n#  name: x\n", f"#{A}:\n#  name: x\n"),
    "commented in quotes": (f"  ## '{A.lower()}':\n", f"  ## '{A.lower()}':\n"),
    "commented without colon": (f"# {A}\n", f"# {A}\n"),
    "commented inner address": (f"# x:\n#   address: {A}\n", f"# x:\n#   address: {A}\n"),
    "switched off": (f"{A}:\n", f"{A}:\n"),
    "switched off with a word": (f"{A}: null  # off\n", f"{A}: null  # off\n"),
}


@pytest.mark.parametrize(("before", "after"), APPENDED.values(), ids=APPENDED)
def test_append(path: Path, before: str, after: str) -> None:
    """New entries come last, in the manner of the file; known and switched-off ones never again."""
    assert scan(path, before, (A, "JK")) == after


TOUCHED = {
    # an entry before: after
    "plain": ("  name: a b  # c\n", "  name: JK  # c\n"),
    "empty": ("  name:   # c\n", "  name: JK   # c\n"),
    "null": ("  name: ~\n", "  name: JK\n"),
    "two lines": ("  name: a\n    b\n", "  name: JK\n"),
    "same in quotes": ('  name: "JK"\n', '  name: "JK"\n'),
    "key in quotes": ("  'name': x\n", "  'name': JK\n"),
    "emoji before": ("  alias: 😀😀\n  name: x\n", "  alias: 😀😀\n  name: JK\n"),
}


@pytest.mark.parametrize(("before", "after"), TOUCHED.values(), ids=TOUCHED)
def test_values_in_place(path: Path, before: str, after: str) -> None:
    """A value is replaced where it stands, however it is written."""
    time = f"  last_seen: {STAMP}\n"

    assert scan(path, f"{A}:\n{before}{time}# end\n", (A, "JK")) == f"{A}:\n{after}{time}# end\n"


TIED = {
    "anchor": f"{A}:\n  name: &n x\n  alias: *n\n",
    "alias of an entry": f"{B}: &b\n  name: x\n{A}: *b\n",
    "block text": f"{A}:\n  name: |  # why\n    x\n  alias: y\n",
}


@pytest.mark.parametrize("text", TIED.values(), ids=TIED)
def test_values_that_mean_more_are_left_alone(path: Path, text: str) -> None:
    """Changing them would change something else, or lose a comment."""
    assert scan(path, text, (A, "JK")) == text


def test_nameless(path: Path) -> None:
    """No name was advertised: a known one stays, a new entry has none."""
    got = scan(path, f"{A}:\n  name: known\n", (A, None), (B, "  "))

    assert got == f"{A}:\n  last_seen: {STAMP}\n  name: known\n{B}:\n  address: {B}\n  last_seen: {STAMP}\n"


def test_seen_twice(path: Path) -> None:
    """One device in two advertisements is one entry, with the name that one of them had."""
    assert scan(path, "", (A, None), (A.lower(), "JK"), (A, "")).count("address:") == 1
    assert read_registry(path).entries[0].name == "JK"


def test_nothing_seen(path: Path) -> None:
    """No file is made, and none is touched."""
    assert update_after_scan(path, [], NOW) == []
    assert not path.exists()


def test_new_file(path: Path) -> None:
    """It begins with a word about itself."""
    got = scan(path, None, (A, "JK"), (C, None))

    assert got.startswith("# The batteries of this house")
    assert got.endswith(f"{NEW}'{C}':\n  address: '{C}'\n  last_seen: {STAMP}\n")
    assert [entry.address for entry in read_registry(path).entries] == [A, C]


def test_mac_uuid_as_advertised(path: Path) -> None:
    """On macOS a UUID stands for the device; the file keeps the spelling."""
    uuid = "12345678-90ab-cdef-1234-567890abcdef"

    got = scan(path, "", (uuid, "JK"))

    assert got.startswith(f"{uuid}:\n  address: {uuid}\n")
    assert read_registry(path).entries[0].address == uuid.upper()


# fmt: off
NAMES = st.text(st.characters(), max_size=30) | st.sampled_from([
    "on", "null", "~", "1e3", "0x1F", "a: b", "a #b", "#", "- x", "? x", "*x", "&x", "!x", "|", ">", "%x", "@x", "`",
    "'", '"', "\\", "''", "a\nb: c", "\r\n", "\x00", "\x85", "\u2028", "\ufeff", "\ud83d", "😀", "{", "[", ",", "x:",
    f"x\n{B}:\n  name: evil", "2026-01-01", "=", "<<", " x ", "\t",
])
# fmt: on


@often
@given(NAMES, NAMES)
def test_any_name_round_trips(tmp_path_factory: pytest.TempPathFactory, first: str, second: str) -> None:
    """However hostile an advertised name, it is read back as people may see it, and is nothing but a name."""
    path = tmp_path_factory.mktemp("names") / "r.yaml"
    path.write_text(f"# head\n{A}:\n  name: x  # c\n{C}: {{name: x}}\n# tail\n", encoding="utf-8")

    update_after_scan(path, [(A, first), (B, first), (C, second)], NOW)

    def kept(name: str, before: str | None) -> str | None:
        return harmless_name(name) or before

    entries = read_registry(path).entries
    assert [(entry.address, entry.name) for entry in entries] == [
        (A, kept(first, "x")),
        (C, kept(second, "x")),
        (B, kept(first, None)),
    ]
    text = path.read_bytes().decode()
    assert text.startswith("# head\n")
    assert "# c\n" in text
    assert "\n# tail\n" in text
    assert yaml.safe_load(text)[B]["address"] == B


# fmt: off
KEY_LINES = st.sampled_from([
    "  name: x", "  name: 'y'  # c", "  name:", '  name: "a\\\n    b"', "  name: two\n    lines", "  name: 😀 # c",
    "  last_seen: '2026-01-01T00:00:00'", "  last_seen: 2026-01-01T00:00:00 # c", "  alias: |\n    text\n    # no comment",
    "  alias: >-\n    text", "  # inner", "#  name: x", "", "  ", "  x: [1,\n   2]", "  pin: 0123", "  enabled: off",
    "  y: &a 1", "  name: &n 1", "  z: {k: v}", "  deep:\n    name: x",
])
HEADS = st.sampled_from([
    f"{A}:", f"{A}:  # c", f"{B}:", f"'{C}':", f"{A.lower()}: &e", f"? {A}\n:",
])
OTHER_LINES = st.sampled_from([
    f"# {A}:", f"# {B}:\n#   name: x", "#", "# comment", "", "---", "...", f"{C}: ~", f"{C}:", f"{B}: {{}}",
    f"{A}: {{name: x, x: [y]}} # c", f"{B}: {{last_seen: , name: }}", "{", "}", "- x", "\tname: x", "'",
])
# fmt: on


def first_word(lines: str) -> str:
    """What must not be doubled: the key of a line, the address of an entry."""
    return re.sub(r"[#? ']|: .*|:?\n.*|:$", "", lines, flags=re.DOTALL).upper()


KEYS_BELOW = st.lists(KEY_LINES, min_size=1, max_size=4, unique_by=first_word)
ENTRIES = st.builds(lambda head, keys: "\n".join([head, *keys]), HEADS, KEYS_BELOW)
LINES = st.lists(ENTRIES | ENTRIES | OTHER_LINES, max_size=4, unique_by=first_word)


@settings(often, max_examples=scaled(2000))  # twelve files each
@given(
    LINES,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from([A, B, C, A.lower()]), st.sampled_from(["x", "new: 'name'", None])),
        min_size=1,
    ),
)
def test_any_file_survives_ten_scans(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    eol: str,
    ends: bool,
    seen: list[tuple[str, str | None]],
) -> None:
    """Whatever a person wrote: refused and left as it is, or everything of his is still there."""
    path = tmp_path_factory.mktemp("files") / "r.yaml"
    before = "\n".join(lines).replace("\n", eol) + (eol if ends else "")
    path.write_bytes(before.encode())
    try:
        old = read_registry(path)
        update_after_scan(path, seen, NOW)
    except ConfigError:
        assert path.read_bytes().decode() == before
        return
    once = path.read_bytes()

    for hour in range(1, 10):
        update_after_scan(path, seen, NOW + timedelta(hours=hour))
    update_after_scan(path, seen, NOW)

    assert path.read_bytes() == once  # only the time had changed
    new = read_registry(path)
    assert [entry.address for entry in new.entries[: len(old.entries)]] == [
        entry.address for entry in old.entries
    ]
    for was, now in zip(old.entries, new.entries, strict=False):
        assert (now.enabled, now.alias, now.pin, now.options) == (
            was.enabled,
            was.alias,
            was.pin,
            was.options,
        )
    after = once.decode()
    comments = [line for line in before.split(eol) if line.lstrip().startswith("#")]
    assert all(after.count(line) >= comments.count(line) for line in comments)
    if eol in before:
        assert after.count("\n") == after.count(eol)


# The file itself


def test_mode_is_kept(path: Path) -> None:
    """A file that holds a PIN stays closed to others."""
    path.write_text(f"{A}:\n  pin: 0123\n")
    path.chmod(0o640)

    update_after_scan(path, [(A, "JK")], NOW)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_owner_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan by root does not take the file from the service; without the right the group is tried."""
    path.write_text("# x\n")
    uid, gid = path.stat().st_uid, path.stat().st_gid
    asked: list[tuple[int, int]] = []

    def fchown(_: int, user: int, group: int) -> None:
        asked.append((user, group))
        if user != -1:
            raise PermissionError

    monkeypatch.setattr(os, "fchown", fchown)
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0, 0, 0, 0, uid + 1, gid + 1, 0, 0, 0, 0)))

    update_after_scan(path, [(A, "JK")], NOW)

    assert asked == [(uid, gid), (-1, gid)]
    assert A in path.read_text()


def test_link_is_followed(path: Path, tmp_path: Path) -> None:
    """The file behind a symbolic link changes, the link stays."""
    target = tmp_path / "etc" / "devices.yaml"
    target.parent.mkdir()
    target.write_text("# x\n")
    path.symlink_to(target)

    update_after_scan(path, [(A, "JK")], NOW)

    assert path.is_symlink()
    assert A in target.read_text()


def test_failed_write_leaves_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the old file is whole, no rest of the new one stays."""
    path.write_text("# x\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ConfigError, match="cannot be written: no space left on device"):
        update_after_scan(path, [(A, "JK")], NOW)
    assert path.read_text() == "# x\n"
    assert list(path.parent.iterdir()) == [path]


def test_folder_that_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the folder, which is what the right is missing for."""
    path.write_text("# x\n")

    really_open = os.open

    def refuse(name: str, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")  # root may write everywhere
        return really_open(name, flags, mode, **more)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(ConfigError) as caught:
        update_after_scan(path, [(A, "JK")], NOW)
    assert str(caught.value) == (
        f"{path} cannot be written: permission denied; this user needs the right to write into "
        f"the folder {path.parent}"
    )


def test_naive_time_is_local(path: Path) -> None:
    """The time in the file always has an offset."""
    update_after_scan(path, [(A, "JK")], datetime(2026, 11, 20, 8, 0))  # noqa: DTZ001

    last_seen = read_registry(path).entries[0].last_seen
    assert last_seen is not None
    assert datetime.fromisoformat(last_seen).astimezone(UTC) == datetime(2026, 11, 20, 8, 0).astimezone(UTC)


# The documents


def test_shipped_registry_explains_itself_only() -> None:
    """The file in the project's folder has comments, and no address that would count as switched off."""
    text = (TOP / "jk_devices.yaml").read_text(encoding="utf-8")

    assert all(line.startswith("#") for line in text.splitlines())
    assert not re.search(ADDRESS, text)


def test_keys_are_documented() -> None:
    """docs/settings.md explains every key of an entry."""
    page = (TOP / "docs" / "settings.md").read_text(encoding="utf-8")

    assert all(re.search(rf"^\| `{key}` \|", page, re.MULTILINE) for key in KEYS)


def test_import_is_light() -> None:
    """Settings and registry stand on every start's way: no Bluetooth, no event loop."""
    code = "import sys, jk_bms.config.settings, jk_bms.config.devices; print(*sorted(sys.modules))"

    modules = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True
    )

    assert not {"bleak", "asyncio", "zoneinfo", "dotenv", "sqlite3", "yaml"} & set(modules.stdout.split())


def test_shipped_registry_needs_no_yaml() -> None:
    """Whoever names the device in the settings does not pay for a file of comments."""
    code = (
        "import sys, pathlib; from jk_bms.config.devices import read_registry\n"
        "assert read_registry(pathlib.Path('jk_devices.yaml')).entries == ()\n"
        "assert 'yaml' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
