"""One Bluetooth test bed for all link tests of a worker; every test finds it as new."""

from collections.abc import Iterator

import pytest

from tests.bluez.bed import BluezBed


@pytest.fixture(scope="session")
def one_bed() -> Iterator[BluezBed]:
    with BluezBed() as bed:
        yield bed


@pytest.fixture
def bed(one_bed: BluezBed, monkeypatch: pytest.MonkeyPatch) -> Iterator[BluezBed]:
    """The usual street (a JK and five others), and this process on its bus."""
    one_bed.reset()
    for name, value in one_bed.env.items():
        monkeypatch.setenv(name, value)
    yield one_bed
    assert one_bed.errors() == ""


@pytest.fixture
def own_bed(monkeypatch: pytest.MonkeyPatch) -> Iterator[BluezBed]:
    """A bed that a test may break."""
    with BluezBed() as bed:
        for name, value in bed.env.items():
            monkeypatch.setenv(name, value)
        yield bed
