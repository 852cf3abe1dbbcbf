"""Houses for the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bluez.bed import BluezBed
from tests.e2e.house import House
from tests.house_times import EVENING

# Frames come every 0.2 s, so that nothing has to be waited for long.
SIMULATED = f"simulated:\n  type: simulated\n  name: Simulated battery\n  period: 0.2\n  start: {EVENING}\n"


@pytest.fixture
def simulated(tmp_path: Path) -> House:
    """A house with a simulated battery that keeps its own records."""
    house = House(tmp_path, JK_BMS_ADDRESS="simulated", BMS_STANDALONE_ROWS="true", JK_BMS_POLL_INTERVAL="1")
    house.registry.write_text(SIMULATED)
    return house


@pytest.fixture
def bed() -> Iterator[BluezBed]:
    """The street: a JK and five others, on a private bus."""
    with BluezBed() as street:
        yield street
        assert street.errors() == ""


@pytest.fixture
def real(tmp_path: Path, bed: BluezBed) -> House:
    """A house with an adapter and an inverter program's database; nothing configured yet."""
    house = House(tmp_path, **bed.env, JK_BMS_POLL_INTERVAL="2", BMS_MERGE_WATCH="0.2")
    house.make_inverter_db()
    return house
