"""What may lie beside this checkout: captured frames, and inputs of the public with their right answers.

Elsewhere the lists are empty and tests that go through them pass on their own frames; none is skipped.
"""

import json
from pathlib import Path
from typing import Any

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def cases(pattern: str) -> list[Any]:
    """Return the cases whose file names fit ``pattern``, in order."""
    return _loaded("cases", pattern)


def vectors() -> list[Any]:
    """Return the captured frames and streams, in order, each with its ``file``'s name."""
    return _loaded("protocol/vectors", "*.json")


def _loaded(folder: str, pattern: str) -> list[Any]:
    files = sorted((_SHARED / folder).glob(pattern))
    return [json.loads(file.read_text(encoding="utf-8")) | {"file": file.name} for file in files]
