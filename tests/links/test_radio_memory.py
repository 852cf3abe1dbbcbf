"""What is known of the radio over restarts."""

import json
from collections.abc import Mapping
from typing import Any

from jk_bms.radio.memory import RadioMemory

BATTERY = "C8:47:80:12:34:56"


def next_run(memory: RadioMemory) -> RadioMemory:
    """Return what a process knows that is started after this one."""
    after = RadioMemory()
    after.recall(json.loads(json.dumps(memory.remembered())))
    return after


def test_what_is_new_is_written_once() -> None:
    written: list[Mapping[str, Any]] = []
    memory = RadioMemory(changed=written.append)

    for _ in range(3):
        memory.hears_others("00:1A:7D:DA:71:13")
        memory.speaks(BATTERY, "19.20")
        memory.freezes(BATTERY, b"\x55\xaa")

    first = {"heard_others": ["00:1A:7D:DA:71:13"], "refusals": {}, "frozen": {}}
    assert written == [first, first | {"frozen": {BATTERY: "55aa"}}]
    assert next_run(memory).frozen(BATTERY) == b"\x55\xaa"


def test_a_refusal_is_one_of_that_passkey() -> None:
    memory = RadioMemory()
    memory.refuses(BATTERY, "654321")

    assert next_run(memory).refused(BATTERY, "654321")
    assert not next_run(memory).refused(BATTERY, "123456")
    assert not next_run(memory).refused("C8:47:80:00:00:01", "654321")


def test_a_refusal_is_one_of_that_firmware() -> None:
    """Which may be known before, or only when it speaks again."""
    before, later = RadioMemory(), RadioMemory()
    before.speaks(BATTERY, "19.20")
    before.refuses(BATTERY, "123456")
    later.refuses(BATTERY, "123456")
    later.speaks(BATTERY, "19.20")

    for memory in (next_run(before), next_run(later)):
        memory.speaks(BATTERY, "19.20")
        assert memory.refused(BATTERY, "123456")
        memory.speaks(BATTERY, "19.30")
        assert not memory.refused(BATTERY, "123456")


def test_the_passkey_cannot_be_read_from_what_is_written() -> None:
    """A whole hash of six digits is guessed in a second; so few of its digits fit hundreds of them."""
    memory = RadioMemory()
    memory.refuses(BATTERY, "123456")
    alike = sum(memory.refused(BATTERY, f"{pin:06d}") for pin in range(0, 1_000_000, 7))

    assert "123456" not in json.dumps(memory.remembered())
    assert alike > 20
