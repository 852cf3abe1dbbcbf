"""A pytest plugin: of each parametrised test run the first and the last case.

For the second run of the suite, on the oldest Python: what differs there is the language and its library, and
each line of the tests and of the product still runs. What the lines compute is proved case by case by the first run.
"""

from collections.abc import Iterable

import pytest

Test = tuple[object, str]  # where it stands, and its name without a case


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the cases between the first and the last of each test."""
    kept = set(_ends(items))
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
