"""Many batteries and several adapters, on the real path: the service as a process."""

from typing import Any

import pytest

from tests.bluez.bed import BluezBed
from tests.bluez.peripherals import jk
from tests.e2e.house import House, Service, until

PACKS = [f"C8:47:80:00:00:{n:02X}" for n in range(4)]
DONGLES = [
    {"name": "hci0", "address": "00:1A:7D:DA:71:13"},
    {"name": "hci1", "address": "00:1A:7D:DA:71:14"},
]


def scenario(adapters: int, packs: int) -> dict[str, Any]:
    return {
        "adapters": DONGLES[:adapters],
        "devices": [jk(address, f"pack{n}") for n, address in enumerate(PACKS[:packs])],
    }


def registry(house: House, packs: int) -> None:
    house.registry.write_text("".join(f"{address}:\n  enabled: true\n" for address in PACKS[:packs]))


def placed(service: Service) -> dict[str, str]:
    """Return by which adapter each battery is read."""
    snapshot = service.snapshot()
    assert snapshot is not None
    return {device["address"]: device["link"]["adapter"] for device in snapshot["devices"]}


@pytest.mark.parametrize("slots", [1, 2])
def test_more_batteries_than_connections(slots: int, real: House, bed: BluezBed) -> None:
    """Never more links than slots; all are read again and again, and one that is held stays so."""
    bed.reset(scenario(1, 4))
    registry(real, 4)

    with real.service(BLE_CONNECTIONS=str(slots), JK_BMS_POLL_INTERVAL="1") as service:
        service.streaming(packs=4)
        # Whoever comes first is held: on a busy machine that need not be the first of the registry.
        visited = len(PACKS) - (slots - 1)
        until(lambda: sum(len(bed.log("connect", address=pack)) >= 2 for pack in PACKS) >= visited, 60)
        snapshot = service.snapshot()
        assert snapshot is not None
        code, _ = service.end()

    assert code == 0
    assert snapshot["adapters"] == [{"adapter": DONGLES[0]["address"], "connections": slots, "devices": 4}]
    assert snapshot["alerts"] == []
    assert most_at_once(bed) == slots
    held = [pack for pack in PACKS if len(bed.log("connect", address=pack)) == 1]
    assert len(held) == slots - 1
    assert real.events().count("link.down") == 0


def most_at_once(bed: BluezBed) -> int:
    open_now, most = 0, 0
    for event in bed.log():
        open_now += {"connect": 1, "disconnect": -1}.get(event["event"], 0)
        most = max(most, open_now)
    return most


def test_two_adapters_share_the_batteries(real: House, bed: BluezBed) -> None:
    """And each battery stays with its own over a restart in which the numbers moved."""
    bed.reset(scenario(2, 4))
    registry(real, 4)
    with real.service() as service:
        service.streaming(packs=4)
        first = placed(service)
        service.end()
    moved = [dongle | {"name": name} for dongle, name in zip(DONGLES, ("hci1", "hci0"), strict=True)]
    bed.reset(scenario(2, 4) | {"adapters": moved})

    with real.service() as service:
        service.streaming(packs=4)
        again = placed(service)
        service.end()

    addresses = [dongle["address"] for dongle in DONGLES]
    assert sorted(first.values()) == sorted(addresses * 2)
    assert again == first


def test_a_battery_that_the_owner_pinned(real: House, bed: BluezBed) -> None:
    bed.reset(scenario(2, 2))
    real.registry.write_text(
        f"{PACKS[0]}:\n  adapter: {DONGLES[1]['address']}\n{PACKS[1]}:\n  enabled: true\n"
    )

    with real.service() as service:
        service.streaming(packs=2)
        where = placed(service)
        service.end()

    assert where == {PACKS[0]: DONGLES[1]["address"], PACKS[1]: DONGLES[0]["address"]}


def test_while_a_dongle_is_pulled_the_other_serves(real: House, bed: BluezBed) -> None:
    bed.reset(scenario(2, 2))
    registry(real, 2)
    with real.service() as service:
        service.streaming(packs=2)
        bed.adapter(name="hci1", present=False)
        lost = DONGLES[1]["address"]
        until(lambda: lost not in placed(service).values() and len(bed.connected()) == 2, 60)
        service.end()
