"""What the settings of a BMS tell of its pack, by the names under which they are kept."""

from jk_bms.battery.limits import PackLimits, pack_limits


def test_what_a_bms_did_not_tell_or_told_as_no_number_is_not_known() -> None:
    assert pack_limits({}) == PackLimits()
    assert pack_limits({"cell_ovp": None, "charge_otp": "60", "mos_otp": True}) == PackLimits()


def test_each_setting_has_its_place() -> None:
    told = {
        "cell_ovp": 3.65,
        "cell_uvp": 2.5,
        "max_charge_current": 140.0,
        "max_discharge_current": 200,
        "charge_otp": 60.0,
        "discharge_otp": 65.0,
        "charge_utp": 0.0,
        "mos_otp": 95.0,
        "cell_count": 16,
        "nominal_battery_capacity": 280.0,
        "charge_switch": True,
    }

    assert pack_limits(told) == PackLimits(3.65, 2.5, 140.0, 200, 60.0, 65.0, 0.0, 95.0, 16, 280.0)


def test_what_no_battery_can_be_set_to_is_not_known() -> None:
    """Some send -1 or nonsense for what they do not know."""
    for told in (-1.0, 0.0, float("nan"), float("inf"), 1e9):
        settings = dict.fromkeys(("cell_ovp", "cell_uvp", "nominal_battery_capacity"), told)
        assert pack_limits(settings) == PackLimits()
    assert pack_limits({"cell_count": float("nan")}) == PackLimits()
