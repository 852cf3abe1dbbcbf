"""docs/mqtt.md lists every topic with what it is."""

import re
from pathlib import Path

from jk_bms.sinks.mqtt.alerts import STEPS
from jk_bms.sinks.mqtt.commands import _ACTIONS
from jk_bms.sinks.mqtt.entities import ENTITIES, HOUSE, Entity

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mqtt.md"
MANY = {"cell_voltages": 48, "temperatures": 10}


def row(entity: Entity) -> str:
    kind = [
        {"total": "rises and falls", "total_increasing": "never falls"}.get(entity.state_class, ""),
        "diagnostic" if entity.diagnostic else "",
        "off" if entity.hidden else "",
        "lasts" if entity.lasts else "",
    ]
    what = f"{entity.platform} {entity.device_class}".strip()
    told = ", ".join(each for each in kind if each)
    key, name = entity.key, entity.name
    for many in MANY:
        if key == f"{many}/1":
            key, name = f"{many}/<n>", re.sub(r"\d+", "<n>", name)
    return re.sub(r"\| +\|", "| |", f"| `{key}` | {entity.unit} | {name} | {what} | {told} |").replace(
        "|  |", "| |"
    )


def rows() -> tuple[list[str], list[str]]:
    """The rows of a battery's and of the house's table."""
    others = {f"{many}/{n}" for many, last in MANY.items() for n in range(2, last + 1)}
    battery = [row(entity) for entity in ENTITIES.values() if entity.key not in others]
    return battery, [row(entity) for entity in HOUSE.values()]


def test_every_topic_is_told_as_it_is() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    battery, house = rows()
    start = [n for n, line in enumerate(lines) if line.startswith("| Topic | Unit")]

    assert lines[start[0] + 2 : start[0] + 2 + len(battery)] == battery
    assert lines[start[1] + 2 : start[1] + 2 + len(house)] == house


def test_every_step_and_every_button_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert f"is one of {', '.join(STEPS.values())};" in text
    assert all(f"/cmd/{word}`" in text for word in _ACTIONS)
