"""What the row of a list names as text, so that it costs nothing where it is not used."""

from importlib import import_module
from typing import Any


def imported(place: str) -> Any:
    """Return what ``module:name`` stands for, importing its module."""
    module, name = place.split(":")
    return getattr(import_module(module), name)
