"""The numbers by which files that are kept for years know their columns."""

from jk_bms.store.columns import BY_ID, BY_NAME, DERIVED, FRAMES, STORED

# id, name, divisor. Lines may be added; a line that changes makes old files say something else.
EVER = """
4 frames 1
10 voltage 1000, 11 current 1000, 12 power 10
13 battery_soc 10, 14 soc 10, 15 soc_curve 10, 16 soc_counted 100, 17 soc_low 10, 18 soc_high 10, 19 soh 10
20 remaining_ah 1000, 21 full_ah 1000, 22 cycles 1, 23 cycle_charge_ah 1000
24 mosfet_temperature 10, 25 balance_current 1000
26 balancing 100, 27 charge_enabled 100, 28 discharge_enabled 100, 29 heating 100, 30 problem_code 1, 31 uptime 1
32 charged_kwh 1000, 33 discharged_kwh 1000, 34 charged_ah 1000, 35 discharged_ah 1000
36 equivalent_cycles 1000, 37 learned_ah 1000
160 cell_min 1000, 161 cell_max 1000, 162 cell_delta 1000, 163 temperature 10
170 grid_voltage 10, 171 grid_power 1, 172 grid_current 100
173 ac_output_voltage 10, 174 ac_output_freq 100, 175 ac_output_power 1, 176 ac_output_current 10
177 battery_voltage 10, 178 battery_current 10, 179 battery_power 1, 180 battery_charge_power 1
181 pv_input_voltage 10, 182 pv_input_power 1, 183 pv_input_current 10
"""


def ever() -> dict[int, tuple[str, int]]:
    """Every column that was ever stored."""
    known = {}
    for line in EVER.strip().splitlines():
        for column in line.split(", "):
            number, name, divisor = column.split()
            known[int(number)] = (name, int(divisor))
    known |= {50 + n: (f"temperature_{n + 1}", 10) for n in range(10)}
    known |= {60 + n: (f"cell_{n + 1}", 1000) for n in range(48)}
    known |= {110 + n: (f"resistance_{n + 1}", 1000) for n in range(48)}
    return known


def test_a_column_keeps_its_number_and_its_unit() -> None:
    assert {column.id: (column.name, column.divisor) for column in (*STORED, *DERIVED)} == ever()


def test_no_two_columns_share_a_number_or_a_name() -> None:
    assert len(BY_ID) == len(BY_NAME) == len(STORED) + len(DERIVED)
    assert min(BY_ID) == FRAMES
    assert all(not 40 <= number < 50 for number in BY_ID)  # of rows from before probes had numbers
