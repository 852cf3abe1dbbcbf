"""The guide to adding a sink names what a sink has."""

import re

from jk_bms.called import TOP
from jk_bms.sinks.inverter_db import InverterDbSink


def test_what_the_guide_asks_of_a_sink_ours_has() -> None:
    text = (TOP / "docs/adding.md").read_text(encoding="utf-8")
    section = text.partition("## A sink")[2].partition("\n1. ")[2].partition("\n2. ")[0]
    asked = re.findall(r"(\w+)\(\w*\)`", section)

    assert "accept" in asked
    assert [name for name in asked if not callable(getattr(InverterDbSink, name, None))] == []
