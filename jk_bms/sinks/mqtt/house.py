"""States that no sample tells: how the way to a battery is, which alerts are open, what the inverter says."""

from jk_bms.model.alert import AlertTold
from jk_bms.model.link import LinkState
from jk_bms.model.snapshot import BatteryNow, OutboxNow, Snapshot
from jk_bms.sinks.mqtt.entities import HOUSE
from jk_bms.sinks.mqtt.outgoing import as_json
from jk_bms.sinks.mqtt.states import flag, number

SPEAKS = 120.0  # s for which what an inverter told is its word
_UP = (LinkState.STREAMING, LinkState.WAITING)


def of_link(battery: BatteryNow, alerts: tuple[AlertTold, ...]) -> dict[str, str]:
    """Return how the way to a battery is, and its open alerts, by key."""
    told = _alerts(alerts, battery.address)
    if (link := battery.link) is not None:
        told |= {"link": flag(link.state in _UP), "link_state": link.state}
        info = {
            "verdict": link.verdict,
            "message": link.message,
            "causes": [cause.meaning for cause in link.causes],
            "adapter": link.adapter,
            "failures": link.failures,
            "last_repair": link.rung,
        }
        told["link_info"] = as_json(info)
        if link.rssi is not None:
            told["rssi"] = str(link.rssi)
    return told


def of_house(snapshot: Snapshot, *, inverter: bool) -> dict[str, str]:
    """Return what is told of the program and of the inverter, by key."""
    told = _alerts(snapshot.alerts or (), None) | {"clock": flag(not snapshot.clock_trusted)}
    for name, sink in snapshot.sinks.items():
        if isinstance(sink, OutboxNow):
            told[f"outbox_{name}"] = str(round(sink.behind or 0.0))
    now = snapshot.inverter if inverter else None
    if now is not None and now.age is not None and now.age <= SPEAKS:
        present = {"present": True, "lost": False}.get(now.grid.state)
        values = {key: getattr(now, key) for key in ("grid_voltage", "grid_power", "load_power", "pv_power")}
        if present is False and values["grid_power"] is not None:
            values["grid_power"] = 0.0
        told |= {key: number(value, HOUSE[key]) for key, value in values.items() if value is not None}
        if present is not None:
            told["grid_present"] = flag(present)
    return told


def _alerts(alerts: tuple[AlertTold, ...], subject: str | None) -> dict[str, str]:
    """Open alerts of a battery; None: of all."""
    mine = [one for one in alerts if subject is None or one.subject == subject]
    listed = [{"code": one.code, "level": one.severity, "rule": one.rule, "since": one.since} for one in mine]
    return {"alert_open": flag(mine), "alerts": as_json({"alerts": listed[:20]})}
