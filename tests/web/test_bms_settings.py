"""The settings of a BMS as the page shows them."""

from importlib import import_module

import pytest

from jk_bms.protocol.values import Settings
from jk_bms.texts import LANGUAGES, language
from jk_bms.web.bms_settings import FIELDS, GROUPS, told


def test_each_is_in_words_by_group_and_with_its_unit() -> None:
    rows = told(
        {"charge_otp": 60.0, "cell_ovp": 3.65, "charge_switch": True, "precharge_time": 5}, language("uk")
    )

    assert [(row.group, row.label, row.text) for row in rows] == [
        ("Комірки", "Комірка переповнена від", "3,650\u00a0В"),
        ("Струм", "Заряджання дозволено", "так"),
        ("Температура", "Не заряджати вище", "60,0\u00a0°C"),
        ("Інше", "Попереднє заряджання триває", "5\u00a0с"),
    ]


def test_one_without_words_keeps_its_name_and_a_list_is_left_out() -> None:
    settings = {"field_enable": 7, "connection_wire_resistances": [0.1], "nothing": None, "mode": "<b>"}

    rows = told(settings, language("en"))

    assert [(row.group, row.label, row.text) for row in rows] == [
        ("Other", "field enable", "7"),
        ("Other", "mode", "<b>"),
    ]


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_that_a_bms_tells_has_words_and_a_group(name: str) -> None:
    words = {
        key.removeprefix("bms_settings.") for key in import_module(f"jk_bms.texts.{name}.bms_settings").TEXTS
    }

    assert words == {*FIELDS, *(f"group.{group}" for group in GROUPS)}
    assert FIELDS.keys() <= set(Settings.__struct_fields__)
    assert {field.group for field in FIELDS.values()} == set(GROUPS)
