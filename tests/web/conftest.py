"""A page to be asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jk_bms.web import passwords
from tests.web.asking import House, house_in


@pytest.fixture(autouse=True)
def _quick_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password costs little here, except where its cost is looked at."""
    if "dear_passwords" not in request.fixturenames:
        monkeypatch.setattr(passwords, "N", 2**4)


@pytest.fixture
def dear_passwords() -> None:
    """Have a password cost what it does in a house."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path) as made:
        yield made
