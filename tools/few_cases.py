"""A pytest plugin: of each parametrised test run the first and the last case, and none in a browser.

For the second run of the suite, on the oldest Python: what differs there is the language and its library, and
each line of the product still runs. What the lines compute is proved case by case by the first run; so is what a
browser makes of them, which no Python changes.
"""

from collections.abc import Iterable

import pytest

Test = tuple[object, str]  # where it stands, and its name without a case


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the cases between the first and the last of each test, and the tests that ask for a browser."""
    kept = {item for item in _ends(items) if "browser" not in getattr(item, "fixturenames", ())}
    dropped = [item for item in items if item not in kept]
    items[:] = [item for item in items if item in kept]
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _ends(items: Iterable[pytest.Item]) -> Iterable[pytest.Item]:
    """Return the first and the last item of each test function; one that has no cases is both."""
    first: dict[Test, pytest.Item] = {}
    last: dict[Test, pytest.Item] = {}
    for item in items:
        name = (item.parent, getattr(item, "originalname", item.name))
        first.setdefault(name, item)
        last[name] = item
    return (*first.values(), *last.values())
