"""What the owner says of a pack: the keys of a registry entry that every kind of device understands."""

from collections.abc import Mapping
from typing import Any

from jk_bms.battery.chemistry import Chemistry, chemistry
from jk_bms.battery.curves import Curve
from jk_bms.errors import ConfigError


class PackFacts:
    """``chemistry``, ``curve`` and ``capacity_ah`` of an entry's options. Raises ConfigError."""

    def __init__(self, label: str, options: Mapping[str, Any]) -> None:
        self.chemistry: Chemistry | None = None
        self.nominal_ah: float | None = None
        try:
            curve = _curve(str(options["curve"])) if options.get("curve") else None
            if options.get("chemistry") or curve:
                self.chemistry = chemistry(str(options.get("chemistry") or "lfp"), curve)
            if options.get("capacity_ah"):
                self.nominal_ah = _capacity(str(options["capacity_ah"]))
        except ValueError as error:
            raise ConfigError(f"registry: {label}: {error}") from error


def _capacity(text: str) -> float:
    try:
        capacity = float(text)
    except ValueError:
        capacity = 0.0
    if not 1 <= capacity <= 10_000:
        raise ValueError(f"capacity_ah is {text!r}; expected 1 to 10000 Ah")
    return capacity


def _curve(text: str) -> Curve:
    """Read ``2.9:0,3.3:50,3.45:100``."""
    try:
        return Curve((float(v), float(soc)) for v, _, soc in (p.partition(":") for p in text.split(",")))
    except ValueError as error:
        raise ValueError(f"curve is {text!r}; expected V:% points such as 2.9:0,3.3:50,3.45:100") from error
