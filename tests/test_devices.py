"""Batteries that come, go and change while the poller runs, and the registry that says so."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.errors import ConfigError, LiveError, SourceError
from jk_bms.model import Sample
from jk_bms.model.link import LinkState
from jk_bms.poller import configuration, service
from jk_bms.poller.devices import Change, change_to
from jk_bms.poller.poller import Poller
from jk_bms.poller.registry_file import first_batteries, last_good_batteries, read_batteries
from jk_bms.poller.requests import answer
from jk_bms.store.bms_db import open_reader
from jk_bms.store.outages import open_outages
from jk_bms.view.status_text import status_lines
from tests.house_times import MORNING
from tests.test_poller import events, running, until

ONE = "one: {type: simulated, alias: first, period: '0.05', start: '" + MORNING + "'}\n"
TWO = "two: {type: simulated, alias: second, period: '0.05', start: '" + MORNING + "'}\n"
MUTE = "two: {type: simulated, alias: second, period: '0.05', faults: mute}\n"


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "LOOK_PERIOD", 0.05)
    monkeypatch.setattr(configuration, "SETTLED", 0.01)
    monkeypatch.setenv("WATCHDOG_USEC", "150000")


def settings_in(folder: Path, **environ: str) -> Settings:
    return load_settings(
        {"BMS_STANDALONE_ROWS": "true", "JK_BMS_TIMEOUT": "1", "HISTORY_COMMIT": "1", **environ}, top=folder
    )


def house_in(folder: Path, **environ: str) -> Poller:
    settings = settings_in(folder, **environ)
    return Poller(settings, first_batteries(settings), clock=Clock(), files=service.owners_files)


def write(folder: Path, text: str) -> None:
    """Change the registry as an editor does that puts a new file in the place of the old one."""
    new = folder / "new"
    new.write_text(text, encoding="utf-8")
    new.replace(folder / "jk_devices.yaml")


def names(house: Poller) -> list[str | None]:
    return [device.name for device in house.snapshot().devices]


def reads(house: Poller, *wanted: str) -> bool:
    """Whether exactly these batteries are read now."""
    shown = house.snapshot().devices
    return [one.name for one in shown if one.reading and one.link_state == "streaming"] == [*wanted] and len(
        shown
    ) == len(wanted)


def is_of(item: object, address: str) -> bool:
    return isinstance(item, Sample) and item.device.address == address


def told(house: Poller, prefix: str) -> list[str]:
    return [event.text for event in events(house) if event.kind.startswith(prefix)]


# Which entries are read in another way

FIRST = Entry(address="one", alias="first", options={"period": "1"})

CHANGES: dict[str, tuple[list[Entry], Change]] = {
    "nothing": ([FIRST], Change()),
    "seen again": ([replace(FIRST, last_seen="2031-01-01")], Change()),
    "in another line": ([replace(FIRST, line=7)], Change()),
    "advertised by another name": ([replace(FIRST, name="JK-1")], Change()),
    "gone": ([], Change(gone=("one",))),
}
READ_ANEW = (
    replace(FIRST, alias="1st"),
    replace(FIRST, battery=2),
    replace(FIRST, adapter="hci1"),
    replace(FIRST, pin="1"),
    replace(FIRST, options={}),
    replace(FIRST, current_calibration=1.1),
    replace(FIRST, type="playback"),
)
CHANGES |= {
    f"in another way {number}": ([one], Change(changed=(one,))) for number, one in enumerate(READ_ANEW)
}


@pytest.mark.parametrize(("entries", "change"), CHANGES.values(), ids=CHANGES)
def test_what_is_read_anew(entries: list[Entry], change: Change) -> None:
    assert change_to([FIRST], entries) == change


def test_a_new_one_is_new() -> None:
    assert change_to([], [FIRST]) == Change(new=(FIRST,))


# A house without batteries


async def test_without_batteries_it_is_idle_and_says_what_to_do(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: house.server.path.exists())
        await until(lambda: "service.start" in [event.kind for event in events(house)])

        assert "No battery is configured yet" in status_lines(house.snapshot())[0]
        for action in ("read", "release", "resume", "health"):
            with pytest.raises(LiveError, match="reads no battery yet; find yours with"):
                await answer(house, {"action": action})
        assert not house.house.silent_for(asyncio.get_running_loop().time())

        write(tmp_path, ONE)
        await until(lambda: reads(house, "first"))

    assert told(house, "battery.") == ["first is read from now on"]


@pytest.mark.parametrize("text", ["", "# only words\n", "one: {type: simulated, enabled: false}\n"])
def test_an_installed_service_without_batteries_does_not_end(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)

    assert first_batteries(settings_in(tmp_path)) == []


def test_the_address_of_older_installations_counts_until_the_registry_names_one(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, DEVICE_MAC="AA:BB:CC:DD:EE:01")
    assert [entry.address for entry in read_batteries(settings)] == ["AA:BB:CC:DD:EE:01"]

    write(tmp_path, ONE)

    assert [entry.address for entry in read_batteries(settings)] == ["one"]


# A registry that changes


async def test_the_others_never_notice(tmp_path: Path) -> None:
    """One battery comes, is changed, goes and comes again; of the other not a frame is lost."""
    write(tmp_path, ONE)
    house = house_in(tmp_path, JK_BMS_TIMEOUT="20")  # a machine that stands still for a second ends no link
    async with running(house):
        await until(lambda: reads(house, "first"))
        first, heard = house.sources[0], []
        frames = first.status.frames
        house.hub.listen(lambda item: heard.append(item) if is_of(item, "one") else None)
        for text, *wanted in (
            (ONE + TWO, "first", "second"),
            (ONE + TWO.replace("second", "other"), "first", "other"),
            (ONE + TWO.replace("}", ", enabled: false}"), "first"),
            (ONE + TWO, "first", "second"),
        ):
            write(tmp_path, text)
            await until(partial(reads, house, *wanted))

        assert house.sources[0] is first
        assert (first.status.connects, first.status.state) == (1, LinkState.STREAMING)
        assert len(heard) == first.status.frames - frames > 0
        assert (first.status.last_outage, first.status.outage) == (None, None)
        asked = await answer(house, {"action": "read", "device": "second"})
        assert [one["device"]["address"] for one in asked["readings"]] == ["two"]

    assert told(house, "battery.") == [
        "second is read from now on",
        "other is read as the registry says now",
        "other is not read any more",
        "second is read from now on",
    ]
    assert [event.device for event in events(house) if event.kind == "link.up"] == [
        "one",
        "two",
        "two",
        "two",
    ]


async def test_a_battery_that_goes_takes_its_troubles_along(tmp_path: Path) -> None:
    """Nothing of it is open any more: no outage, no alert, no repair, no slot; who waits for it is told."""
    write(tmp_path, ONE + MUTE)
    house = house_in(tmp_path)
    async with running(house):
        await until(
            lambda: len(house.sources) == 2 and (link := house.snapshot().devices[1].link) and link.outage
        )
        waiting = asyncio.create_task(house.sources[1].read_now())

        write(tmp_path, ONE)
        await until(lambda: names(house) == ["first"])

        with pytest.raises(SourceError, match="not read any more"):
            await waiting
        assert house.house.machine("two") is None
        assert "two" not in house.hub.newest
        assert house.alerts.open_alerts() == []

    with open_reader(house.settings.bms_db_path) as own:
        assert open_outages(own, "two") == []


async def test_what_was_counted_goes_on(tmp_path: Path) -> None:
    """The meters and the link of a battery that is read in another way are those of before."""
    write(tmp_path, ONE)
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: reads(house, "first"))
        await until(lambda: house.sources[0].status.frames > 20)
        commands = house.sources[0].status.commands

        write(tmp_path, ONE.replace("}", ", nominal_ah: '280'}"))
        await until(lambda: told(house, "battery.changed") and house.sources[0].status.connects == 2)
        await until(lambda: house.sources[0].status.frames)

        assert house.sources[0].status.commands > commands
        days = house.memory.days("one")

    assert sum((day.charged_ah or 0.0) + (day.discharged_ah or 0.0) for day in days.values()) > 0


# A registry that is bad

BAD = {
    "a tab": "one:\n\ttype: simulated\n",
    "another program's": "- name: one\n  password: hunter2\n",
    "no type that there is": "one: {type: toaster}\n",
    "options that do not fit": "one: {type: simulated, cells: many}\n",
    "cells of no kind": "one: {type: simulated, chemistry: wood}\n",
    "zeros of a power cut": "\0" * 4096,
    "a number twice": ONE.replace("}", ", battery: 1}") + TWO.replace("}", ", battery: 1}"),
    "not UTF-8": "one: {alias: caf\udce9}\n",
    "emptied": "",
    "gone": None,
}


def spoil(folder: Path, text: str | None) -> None:
    path = folder / "jk_devices.yaml"
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
async def test_a_bad_file_never_stops_the_reading(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While it runs, and at a start after a power cut: what was good stays in force, and it is told once."""
    write(tmp_path, ONE)
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: reads(house, "first"))
        await until(lambda: kept(house))
        first = house.sources[0]

        spoil(tmp_path, text)
        await until(lambda: told(house, "config.bad"))
        await until(lambda: of_code(house, 3009))
        (alert,) = of_code(house, 3009)
        assert "jk_devices.yaml" in alert["facts"]["error"]
        house.configuration.look_now()
        house.configuration.look_now()
        await asyncio.sleep(0.2)
        assert (house.sources, first.status.state) == ([first], LinkState.STREAMING)
    assert len(told(house, "config.bad")) == 1
    assert "hunter2" not in caplog.text

    again = house_in(tmp_path)
    async with running(again):
        await until(lambda: reads(again, "first"))
        await until(lambda: len(told(again, "config.bad")) == 2)

        write(tmp_path, ONE + TWO)
        await until(lambda: reads(again, "first", "second"))
        await until(lambda: told(again, "config.good"))
        await until(lambda: not of_code(again, 3009))


def of_code(house: Poller, code: int) -> list[dict[str, Any]]:
    return [alert for alert in house.alerts.open_alerts() if alert["code"] == code]


def kept(house: Poller) -> list[Entry]:
    return last_good_batteries(house.settings)


@pytest.mark.parametrize(
    "text", [text for text in BAD.values() if text], ids=[name for name in BAD if BAD[name]]
)
def test_a_bad_file_with_no_good_one_before_it_ends_a_start(text: str, tmp_path: Path) -> None:
    spoil(tmp_path, text)

    with pytest.raises(ConfigError):
        first_batteries(settings_in(tmp_path))


async def test_the_kept_version_holds_no_passkey(tmp_path: Path) -> None:
    write(tmp_path, ONE.replace("}", ", pin: '482915'}"))
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: kept(house))

    assert kept(house)[0].pin is None
    assert b"482915" not in house.settings.bms_db_path.read_bytes()


async def test_the_kept_version_of_another_file_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, ONE)
    house = house_in(tmp_path)
    async with running(house):
        await until(lambda: kept(house))

    assert first_batteries(settings_in(tmp_path, JK_DEVICES_FILE=str(tmp_path / "other.yaml"))) == []
