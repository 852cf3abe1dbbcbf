"""Houses with a past for the words about stored data."""

from pathlib import Path

import pytest

from tests.tool.stored_house import StoredHouse


@pytest.fixture
def house(tmp_path: Path) -> StoredHouse:
    """A house whose past can be asked for."""
    made = StoredHouse(tmp_path)
    made.live()
    return made
