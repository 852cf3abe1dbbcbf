"""``jk-util.py health --soc``: by what a charge is counted, in words."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jk_bms.clock import NOT_BEFORE, Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings, load_settings
from jk_bms.demo.made_up_day import with_a_past
from jk_bms.model import Event
from jk_bms.model.kinds import SIMULATED
from jk_bms.store.bms_db import open_writer
from jk_bms.tool.health import PackCharge, charge_lines, charges

NOW = NOT_BEFORE + timedelta(days=100, hours=10)


class Standing(Clock):
    """A clock that does not move."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("jk_bms.demo.made_up_day.DAY", timedelta(hours=6))
    found = load_settings({"TIMEZONE": "UTC"}, top=tmp_path)
    entry = Entry(address=SIMULATED, type=SIMULATED, name="shed")
    with_a_past(found, entry, Standing())
    with closing(open_writer(found.bms_db_path, Standing())) as own:
        own.remember_device(entry.device())
    return found


def event(kind: str, text: str, hours: float) -> Event:
    return Event(
        kind=kind, taken_at=NOW - timedelta(hours=hours), monotonic=1.0, device=SIMULATED, text=text, facts={}
    )


def test_the_grounds_of_a_charge_in_words(settings: Settings) -> None:
    with closing(open_writer(settings.bms_db_path, Standing())) as own:
        own.append(event("soc.jump", "cell voltage: 61.0 % became 63.2 %", 5.0))
        own.append(event("link.lost", "of no interest here", 4.0))
        own.append(event("soc.anchor", "state of charge counted anew from a pack that is full", 2.0))

    (pack,) = charges(settings)
    lines = list(charge_lines(msgspec.convert(pack, PackCharge), zone=UTC))
    text = "\n".join(lines)

    assert lines[0].startswith("Battery 1: shed (")
    assert f"Charge     {pack['counted']['soc']:.1f} %, 95 times in 100 between" in text
    assert "Capacity   " in text
    assert " Ah, as this sensor counts" in text
    assert "lfp, " in text
    at = NOW - timedelta(hours=2)
    assert (
        lines[-1]
        .strip()
        .startswith(f"{at:%-d %b %H:%M}  state of charge counted anew from a pack that is full")
    )
    assert "of no interest" not in text
    assert max(map(len, lines)) <= 80
    json.dumps(pack, allow_nan=False)


def test_many_gaps_do_not_hide_what_judged_before_them(settings: Settings) -> None:
    with closing(open_writer(settings.bms_db_path, Standing())) as own:
        own.append(event("soc.anchor", "state of charge counted anew from a pack that is full", 9.0))
        for hours in range(8, 0, -1):
            why = f"5 min unseen: bridged by the BMS's counter, -{hours}.0 Ah"
            own.append(event("soc.jump", f"{why}: 61.0 % became 60.0 %", 0.5 * hours))

    (pack,) = charges(settings)

    assert [text for _, text in pack["judged"]][-2:] == [
        "state of charge counted anew from a pack that is full",
        "5 min unseen: bridged by the BMS's counter, -1.0 Ah: 61.0 % became 60.0 %",
    ]


def test_no_figure_is_less_than_nothing(settings: Settings) -> None:
    (pack,) = charges(settings)
    pack["counted"]["idle"] = [-0.02, 0.2]

    assert "0.0 ± 0.4 A flow" in (
        text := "\n".join(charge_lines(msgspec.convert(pack, PackCharge), zone=UTC))
    )
    assert "-0.0" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"counted": None, "doubt": "the registry says lfp; the cells stood above 3.75 V"},
            "the registry says lfp",
        ),
        ({"counted": None, "doubt": ""}, "Nothing was counted yet."),
    ],
    ids=["doubt", "nothing yet"],
)
def test_what_is_not_counted_says_why(settings: Settings, change: dict[str, Any], said: str) -> None:
    (pack,) = charges(settings)

    assert said in "\n".join(charge_lines(msgspec.convert(pack | change, PackCharge), zone=UTC))


def test_before_an_anchor_it_says_so(settings: Settings) -> None:
    (pack,) = charges(settings)
    pack["counted"] |= {"anchor": None, "anchor_age": None}

    assert "it was not seen full yet" in "\n".join(charge_lines(msgspec.convert(pack, PackCharge), zone=UTC))
