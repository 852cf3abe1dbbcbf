"""The charge as every face shows it."""

import pytest

from jk_bms.view.charge import LEVELS, level_of, shown_soc

SHOWN = {
    # soc: (shown, level)
    0.0: (0, "low"),
    -0.4: (0, "low"),
    19.99: (19, "low"),
    20.0: (20, "little"),
    49.9: (49, "little"),
    50.0: (50, "fair"),
    79.9: (79, "fair"),
    80.0: (80, "good"),
    99.4: (99, "good"),
    99.5: (100, "good"),
    100.0: (100, "good"),
    104.0: (100, "good"),
}


@pytest.mark.parametrize("soc", SHOWN)
def test_number_and_level(soc: float) -> None:
    """A limit goes by the number that is shown: 19.99 % is shown as 19 and is low."""
    assert (shown_soc(soc), level_of(soc)) == SHOWN[soc]


def test_levels_are_told_from_the_highest_down() -> None:
    assert sorted(LEVELS.values(), reverse=True) == list(LEVELS.values())
    assert min(LEVELS.values()) == 0
