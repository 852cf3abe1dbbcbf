"""Whether a battery is charged or discharged: the same on every face."""

AMPS, WATTS = 0.1, 5.0  # less is neither; about the same, for a pack of 50 V


def flow_of_current(amps: float) -> str:
    """Return charging, discharging or idle."""
    return _flow(amps, AMPS)


def flow_of_power(watts: float) -> str:
    """Return charging, discharging or idle."""
    return _flow(watts, WATTS)


def _flow(value: float, least: float) -> str:
    return "idle" if abs(value) < least else "charging" if value > 0 else "discharging"
