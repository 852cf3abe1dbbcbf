"""What alerts say. Each rule has a title, what it means, what to do, and what ends it where no number does."""

TEXTS = {
    "alerts.perhaps_again": "perhaps sent before",
    "alerts.test_only": "This is only a test. Nothing is wrong; the values are made up.",
    "alerts.unknown_rule": "alert {rule}",
    "alerts.step.raised": "{title}",
    "alerts.step.worse": "{title} (worse now)",
    "alerts.step.repeat": "{title} (still)",
    "alerts.step.cleared": "{title}: over",
    "alerts.step.acknowledged": "Seen by {by} – {title}",
    "alerts.step.test": "TEST: {title}",
    "alerts.limit": "limit {limit}",
    "alerts.since": "since {time}",
    "alerts.since_for": "since {time} ({span})",
    "alerts.worst": "worst {value}",
    "alerts.fewer": "No more urgent reminders.",
    "alerts.acknowledged_short": "seen by {by}",
    "alerts.lasted": "It lasted {span}, from {time}.",
    "alerts.unmeasured": "What it named has not been measured for hours; all the others are good.",
    "alerts.unmeasured_all": "Nothing has measured it for a day, so whether it is over is not known.",
    "alerts.step.unmeasured": "{title}: no longer measured",
    "alerts.open": "{count} alert is open:|{count} alerts are open, the worst first:",
    "alerts.seen_all": "{by} has seen {count} alert|{by} has seen {count} alerts",
    "alerts.also": "Also open:",
    "alerts.other_and": " and ",
    "alerts.go_on": "{others} goes on|{others} go on",
    "alerts.go_on_only": "only {others} goes on|only {others} go on",
    "alerts.other": "{name}, {soc},",
    "alerts.worst_now": "At worst {worst}, now {value}.",
    "alerts.over_below": "It is over below {clear}.",
    "alerts.over_above": "It is over above {clear}.",
    "alerts.grade": "{severity}, code {code}",
    "alerts.code": "code {code}",
    "alerts.code_line": "Code {code}",
    "alerts.severity.info": "For information",
    "alerts.severity.warning": "Warning",
    "alerts.severity.error": "Error",
    "alerts.severity.critical": "Critical",
    "alerts.several": "{count} message about alerts|{count} messages about alerts",
    "alerts.earlier": "and {count} more|and {count} more",
    "alerts.subject.inverter": "Inverter",
    "alerts.subject.one_inverter": "Inverter {name}",
    "alerts.subject.host": "Monitor",
    "alerts.subject.house": "House",
    # Cells
    "alerts.cell_high.title": "cell {cell} is nearly too full",
    "alerts.cell_high.meaning": (
        "The highest cell decides for the whole battery: at its limit the BMS stops charging, and beyond it "
        "the cell is damaged."
    ),
    "alerts.cell_high.action": (
        "Let charging end or lower its current. Check that the charger's target voltage is not too high."
    ),
    "alerts.cell_high.detail": "The BMS stops charging at {limit}.",
    "alerts.cell_low.title": "cell {cell} is nearly empty",
    "alerts.cell_low.meaning": (
        "The lowest cell decides for the whole battery: at its limit the BMS cuts off and the house goes "
        "dark."
    ),
    "alerts.cell_low.others.meaning": (
        "The lowest cell decides for the whole battery: at its limit the BMS cuts it off; {go_on}."
    ),
    "alerts.cell_low.cut.meaning": "This battery is switched off and gives nothing; {go_on}.",
    "alerts.cell_low.action": "Switch off what is not needed, or charge.",
    "alerts.cell_low.charged.action": "It is being charged: keep the load low until there is more in it.",
    "alerts.cell_low.scarce.action": "Switch off what is not needed: there is nothing to charge with now.",
    "alerts.cell_low.detail": "The BMS cuts off at {limit}.",
    "alerts.cell_spread.title": "the cells differ too much",
    "alerts.cell_spread.meaning": (
        "Cell {high} is the highest, cell {low} the lowest. The battery holds less: the first ends charging, the "
        "other ends discharging."
    ),
    "alerts.cell_spread.action": (
        "Charge it full slowly, so that the balancer has time. If this comes back, find out which cell it is."
    ),
    "alerts.cell_spread.scarce.action": (
        "Lower the load for now. When grid or sun is back, charge it full slowly, so that the balancer has time."
    ),
    "alerts.cell_spread.critical.action": (
        "Lower load and charging until you know which cell it is and why. Do not charge a cell by itself "
        "that stays far below the others."
    ),
    "alerts.cell_spread.ask": "/health shows which cell it is.",
    "alerts.cell_spread.detail": "Mean of the cells: {mean}.",
    "alerts.pack_high.title": "the battery voltage is too high",
    "alerts.pack_high.meaning": "All cells together are beyond full.",
    "alerts.pack_high.action": "Stop charging and check the charger's target voltage.",
    "alerts.pack_low.title": "the battery voltage is too low",
    "alerts.pack_low.meaning": "All cells together are nearly empty; the BMS will soon cut off.",
    "alerts.pack_low.action": "Switch off what is not needed, or charge.",
    "alerts.pack_low.charged.action": "It is being charged: keep the load low until there is more in it.",
    "alerts.pack_low.scarce.action": "Switch off what is not needed: there is nothing to charge with now.",
    # Warmth
    "alerts.cell_hot.title": "the battery is too warm",
    "alerts.cell_hot.meaning": "Warm cells age faster. Probe {probe} is the warmest.",
    "alerts.cell_hot.action": "Lower the current and let air in.",
    "alerts.cell_hot.critical.title": "the battery is dangerously hot",
    "alerts.cell_hot.critical.meaning": (
        "Cells this hot are damaged and may vent or burn. Probe {probe} is the warmest."
    ),
    "alerts.cell_hot.critical.action": (
        "Stop charging and load now, from a distance: at the inverter or the breaker. Do not touch or open "
        "the battery. If it smokes, smells or gets hotter without any current, leave the room and call the "
        "fire brigade."
    ),
    "alerts.cell_hot.cleared": "the battery has cooled down",
    "alerts.charge_cold.title": "charging while the cells are too cold",
    "alerts.charge_cold.meaning": (
        "Charging this cold damages the cells for good. Probe {probe} is the coldest."
    ),
    "alerts.charge_cold.action": "Stop or lower charging until the battery is warmer.",
    "alerts.charge_cold.detail": "Charging at {current}.",
    "alerts.temperature_spread.title": "temperature difference within the battery",
    "alerts.temperature_spread.meaning": (
        "From {low} to {high}. A bad connection, a bad cell or a heat source at one side causes that."
    ),
    "alerts.temperature_spread.action": (
        "Check what stands beside the battery, and the lugs with an infrared thermometer; do not touch "
        "them: they are live and may be hot. To tighten one, switch the inverter and the battery off first "
        "and let it cool."
    ),
    "alerts.mosfet_hot.title": "the MOSFETs of the BMS are too hot",
    "alerts.mosfet_hot.meaning": "The current heats the BMS more than it can cool. It will cut off to protect itself.",
    "alerts.mosfet_hot.action": (
        "Lower the load or the charging current, and give the BMS air. Do not touch it."
    ),
    "alerts.mosfet_hot.detail": "The BMS cuts off at {limit}.",
    # How much is left
    "alerts.soc_low.title": "low charge",
    "alerts.soc_low.cleared": "the charge is no longer low",
    "alerts.soc_low.critical.title": "the battery is nearly empty",
    "alerts.soc_low.meaning": "When nothing is left, the BMS cuts off and the house goes dark.",
    "alerts.soc_low.others.meaning": "When nothing is left, the BMS cuts off; {go_on}.",
    "alerts.soc_low.cut.meaning": "This battery is switched off and gives nothing; {go_on}.",
    "alerts.soc_low.action": "Switch off what is not needed, or charge.",
    "alerts.soc_low.charged.action": "It is being charged: keep the load low until there is more in it.",
    "alerts.soc_low.scarce.action": "Switch off what is not needed: there is nothing to charge with now.",
    "alerts.soc_low.detail": "With a margin for doubt; the shown charge is {soc}.",
    "alerts.not_charged.title": "low charge, and nothing charges the battery",
    "alerts.not_charged.meaning": (
        "The grid is on, or there is more sun than load, but the battery gets none of it."
    ),
    "alerts.not_charged.action": (
        "Check the charge settings of the inverter, and whether charging is switched on in the BMS."
    ),
    "alerts.not_charged.over": "It is over at {clear}, or when the battery is being charged.",
    "alerts.not_charged.explain": (
        "Only where grid or sun are known: the grid is on, or the sun gives more than the load, and at most "
        "0.5 A flow into the battery."
    ),
    "alerts.soc_low.ask": "/until 07:00 shows whether the charge lasts.",
    "alerts.runtime.title": "the charge will not last long",
    "alerts.runtime.cleared": "enough charge again",
    "alerts.runtime.meaning": "Judging by the load, the house goes dark between {dark} and {dark_last}.",
    "alerts.runtime.action": "Switch off what is not needed, or charge.",
    "alerts.runtime.scarce.action": "Switch off what is not needed: there is nothing to charge with now.",
    "alerts.runtime.cut.title": "the batteries are cut off",
    "alerts.runtime.cut.meaning": "The charge is used up: they give nothing any more.",
    "alerts.runtime.cut.action": "They need grid or sun. Switch large loads off before the power comes back.",
    "alerts.runtime.silent.title": "how long the charge lasts is not known",
    "alerts.runtime.silent.meaning": "The batteries do not answer. The charge was low when they were last heard.",
    "alerts.runtime.ask": "/until 07:00 shows whether the charge lasts.",
    "alerts.runtime.over": "It is over when more than {clear} is left.",
    "alerts.runtime.detail": "Load: {power}.\nNot counted, because nothing is heard of it: {uncounted}.",
    "alerts.going_dark.title": "going dark about {dark}",
    "alerts.going_dark.meaning": (
        "Judging by the load, the battery cuts off between {dark} and {dark_last}. The history is saved."
    ),
    "alerts.going_dark.action": "Shut down computers now and switch off every large load.",
    "alerts.going_dark.cut.title": "the batteries are cut off",
    "alerts.going_dark.cut.meaning": "The charge is used up: they give nothing any more.",
    "alerts.going_dark.cut.action": "They need grid or sun. Switch large loads off before the power comes back.",
    "alerts.going_dark.silent.title": "going dark, but when is not known",
    "alerts.going_dark.silent.meaning": "The batteries do not answer. They were nearly empty when last heard.",
    "alerts.going_dark.over": (
        "It is over when the grid is back or the battery is charging; above 20 % also when more than {clear} is "
        "left."
    ),
    "alerts.going_dark.detail": "Load: {power}.\nNot counted, because nothing is heard of it: {uncounted}.",
    "alerts.going_dark.cleared": "not going dark any more",
    "alerts.pack_ending.title": "will switch off at about {dark}; {go_on}",
    "alerts.pack_ending.meaning": (
        "Judging by the load, its BMS cuts off between {dark} and {dark_last}. Then the rest carries all."
    ),
    "alerts.pack_ending.action": "See that the load is not too much for the rest.",
    "alerts.pack_ending.over": (
        "It is over when the grid is back or the battery is charging; above 20 % also when more than {clear} is "
        "left."
    ),
    "alerts.pack_ending.cleared": "not switching off any more",
    "alerts.pack_ending.cut.title": "has switched off; {go_on}",
    "alerts.pack_ending.cut.meaning": "It is empty and gives nothing until it is charged.",
    "alerts.pack_cut.title": "has switched off; {go_on}",
    "alerts.pack_cut.alone.title": "has switched off",
    "alerts.pack_cut.meaning": "Its BMS has cut it off, so it gives nothing.",
    "alerts.pack_cut.action": (
        "See that the load is not too much for the rest. An empty battery gives nothing until grid or sun charges it."
    ),
    "alerts.pack_cut.over": "It is over when its BMS switches it on again.",
    "alerts.pack_cut.cleared": "is switched on again",
    "alerts.house_dark.title": "no power",
    "alerts.house_dark.meaning": "There is no grid, and the inverter gives nothing.",
    "alerts.house_dark.output.meaning": "The batteries are cut off, and the inverter gives nothing.",
    "alerts.house_dark.cut.title": "the batteries are cut off: probably no power",
    "alerts.house_dark.cut.meaning": (
        "They fed the house until now and give nothing any more. Whether anything else feeds it is not known."
    ),
    "alerts.house_dark.silent.title": "probably no power",
    "alerts.house_dark.silent.meaning": (
        "The batteries are cut off, and the inverter no longer reports anything."
    ),
    "alerts.house_dark.action": (
        "Switch large loads off before the power comes back. An empty battery needs grid or sun; after an "
        "overload, first find out what was too much."
    ),
    "alerts.house_dark.detail": "Charge: {soc}.",
    "alerts.house_dark.over": "It is over when there is power again.",
    "alerts.house_dark.cleared": "power is back",
    "alerts.house_dark.ended": "The charge was {soc} when it went dark.\nNow it is {soc_now}.",
    # Currents and switches
    "alerts.charge_current.title": "the charging current is at its limit",
    "alerts.charge_current.meaning": (
        "The BMS cuts off above {limit}, and cutting a large current wears it out."
    ),
    "alerts.charge_current.action": "Lower the charger's current.",
    "alerts.discharge_current.title": "the discharging current is at its limit",
    "alerts.discharge_current.meaning": "Above {limit} the BMS cuts off; the house may go dark at once.",
    "alerts.discharge_current.action": "Switch off a large load.",
    "alerts.switch_off.title": "{part} is switched off",
    "alerts.switch_off.meaning": (
        "A switch in the BMS is off, and neither an alarm nor a full or empty battery explains it."
    ),
    "alerts.switch_off.action": (
        "If it was not you, find out in the BMS's app why it is off before you switch it on again."
    ),
    "alerts.switch_off.detail": "Without it {go_on}.",
    "alerts.switch_off.over": "It is over when the switch is on.",
    "alerts.switch_off.cleared": "{part} is switched on again",
    "alerts.part.charge": "charging",
    "alerts.part.discharge": "discharging",
    "alerts.bms_alarm.title": "the BMS reports: {part}",
    "alerts.bms_alarm.meaning": "The BMS raised this alarm itself and may have cut the current.",
    "alerts.bms_alarm.action": "Find the cause before switching anything on again.",
    "alerts.bms_alarm.empty.meaning": "The battery is empty: the BMS has cut it off, or is about to.",
    "alerts.bms_alarm.empty.action": "It gives nothing until grid or sun charges it. Until then lower the load.",
    "alerts.bms_alarm.over": "It is over when the BMS clears the alarm.",
    "alerts.bms_alarm.cleared": "the BMS cleared its alarm: {part}",
    "alerts.emergency.title": "the emergency mode of the BMS ends in {value}",
    "alerts.emergency.meaning": (
        "In this mode the BMS feeds the house although a protection would cut it off. When the time is up, "
        "the protections act again and the house may go dark."
    ),
    "alerts.emergency.action": "Charge, or shut down everything that must not lose power suddenly.",
    "alerts.emergency.scarce.action": (
        "Shut down everything that must not lose power suddenly: there is nothing to charge with now."
    ),
    "alerts.emergency.over": "It is over when the mode has ended or got more time.",
    "alerts.emergency.cleared": "the emergency mode of the BMS got more time, or has ended and the protections act again",
    # Connections and age
    "alerts.wire.title": "the balance wire of cell {cell} has too much resistance",
    "alerts.wire.meaning": (
        "Because of a bad wire the BMS sees a wrong voltage of this cell and balances wrongly."
    ),
    "alerts.wire.action": (
        "Switch the inverter and the battery off first: the lugs are live. Then tighten and clean the lug and the plug "
        "of that wire."
    ),
    "alerts.soh_low.title": "the battery has aged",
    "alerts.soh_low.meaning": "This is what the BMS says is left of the original capacity.",
    "alerts.soh_low.action": (
        "Plan with less capacity, and think of a replacement in time. Check whether single cells are the "
        "cause."
    ),
    "alerts.soh_low.ask": "/health shows the state of each cell.",
    "alerts.cycles.title": "the battery has done {value} cycles",
    "alerts.cycles.meaning": "Beyond this, makers promise less, though LFP cells often last much longer.",
    "alerts.cycles.action": "Nothing urgent; check the cells from time to time.",
    "alerts.cycles.ask": "/health shows the state of each cell.",
    "alerts.cycles.over": "This is told only once.",
    "alerts.cell_fault.title": "cell {cell}: {kind}",
    "alerts.cell_fault.meaning": "Several weeks of measurements show it.",
    "alerts.cell_fault.ask": "/health shows how sure that is.",
    "alerts.cell_fault.action": "{advice}",
    "alerts.cell_fault.over": "It is over when the measurements no longer show it.",
    "alerts.cell_fault.cleared": "cell {cell} is in order again",
    # The way to the battery
    "alerts.bms_silent.title": "the BMS does not answer",
    "alerts.bms_silent.meaning": (
        "While it is silent, nothing is known of the battery, and no other alert about it can come."
    ),
    "alerts.bms_silent.action": (
        "Often a phone holds the connection: close the BMS's app on it. Otherwise check whether the BMS has "
        "power."
    ),
    "alerts.bms_silent.ask": "/link shows the state of the connection.",
    "alerts.bms_silent.detail": "{verdict}",
    "alerts.bms_silent.over": "It is over with the next good data.",
    "alerts.bms_silent.cleared": "the BMS answers again",
    "alerts.bms_frozen.title": "the BMS repeats the same values",
    "alerts.bms_frozen.meaning": "Its counters stand still, so it shows the past. Do not rely on this data.",
    "alerts.bms_frozen.action": (
        "Its protections may not work either: switch off charger and large loads. If it lasts, restart the BMS; until it "
        "runs again, the battery feeds nothing and the house may be dark."
    ),
    "alerts.bms_frozen.over": "It is over when the values change again.",
    "alerts.bms_frozen.cleared": "the BMS's values change again",
    "alerts.bms_implausible.title": "the BMS sends impossible values",
    "alerts.bms_implausible.meaning": (
        "{value} readings in ten minutes were left out; what you see comes from the others."
    ),
    "alerts.bms_implausible.action": "Move the Bluetooth adapter closer. If this goes on, check the BMS's plugs.",
    "alerts.bms_implausible.detail": "The last one: {reason}",
    "alerts.bms_implausible.over": "It is over after ten minutes without one.",
    "alerts.bms_implausible.cleared": "the BMS sends possible values again",
    # Grid and inverter
    "alerts.grid_lost.title": "the grid is lost",
    "alerts.grid_lost.meaning": "The house is running on the battery.",
    "alerts.grid_lost.action": "Switch off what is not needed, so that the charge lasts.",
    "alerts.grid_lost.ask": "/until 07:00 shows whether the charge lasts.",
    "alerts.grid_lost.detail": "Charge: {soc}.\nLoad: {load_power}.",
    "alerts.grid_lost.over": "It is over when the grid is back.",
    "alerts.grid_lost.cleared": "the grid is back",
    "alerts.inverter_stale.title": "no data from the inverter",
    "alerts.inverter_stale.meaning": (
        "Until it is back, it is not known whether the grid is on and how much the house uses."
    ),
    "alerts.inverter_stale.action": "Check the inverter program and its cable.",
    "alerts.inverter_stale.over": "It is over with its next records.",
    "alerts.inverter_stale.cleared": "the inverter answers again",
    # The machine that watches
    "alerts.disk_full.title": "little space left on the disk",
    "alerts.disk_full.meaning": "When it is full, no history can be stored.",
    "alerts.disk_full.action": (
        "Free space on that disk, such as old logs and downloads. Delete nothing in the folder itself: that is the history."
    ),
    "alerts.disk_full.detail": "The disk of the folder {path}",
    "alerts.clock_jump.title": "the clock jumped",
    "alerts.clock_jump.meaning": (
        "It moved by {step}. Times around this moment may be wrong; durations are right."
    ),
    "alerts.clock_jump.action": "If it happens again, check the time service of this machine.",
    "alerts.clock_jump.over": "This is told only once.",
    "alerts.database_failing.title": "the history cannot be stored",
    "alerts.database_failing.meaning": "Data waits in memory; a power cut would lose it.",
    "alerts.database_failing.action": "Check the disk or memory card; {tool} check tells more.",
    "alerts.database_failing.detail": "The database reports: {error}",
    "alerts.database_failing.over": "It is over with the first successful write.",
    "alerts.database_failing.cleared": "the history is stored again",
    "alerts.adapter_stuck.title": "the Bluetooth adapter is stuck",
    "alerts.adapter_stuck.meaning": "It had to be switched off and on, or it hears nothing at all.",
    "alerts.adapter_stuck.action": "If this goes on, restart the machine or use another adapter.",
    "alerts.adapter_stuck.over": "It is over when it hears the battery again.",
    "alerts.adapter_stuck.cleared": "the Bluetooth adapter works again",
    "alerts.started_after_crash.title": "running again after an unexpected stop",
    "alerts.started_after_crash.meaning": (
        "The battery monitor or its machine stopped suddenly, perhaps in a power cut. The history has a short gap."
    ),
    "alerts.started_after_crash.action": "Nothing to do. If it happens often, look into its log.",
    "alerts.started_after_crash.over": "This is told only once.",
    "alerts.bad_configuration.title": "a file of settings has an error",
    "alerts.bad_configuration.meaning": "What it said before stays in force; the batteries are read on.",
    "alerts.bad_configuration.action": "Correct the file; {tool} check shows every error.",
    "alerts.bad_configuration.detail": "{error}",
    "alerts.bad_configuration.over": "It is over a few seconds after the file is right.",
    "alerts.bad_configuration.cleared": "the settings are in order again",
    # jk-util.py alerts --explain
    "alerts.explain.begins_above": "Begins at {set} or more",
    "alerts.explain.begins_below": "Begins at {set} or less",
    "alerts.explain.begins_less": "Begins below {set}",
    "alerts.explain.confirmed": "seen {count} time|seen {count} times in a row",
    "alerts.explain.lasting": "for {span}",
    "alerts.explain.example": "For example: {title}.",
    "alerts.explain.off": "Switched off in this house (ALERTS_OFF): never told.",
    "alerts.explain.scaled": "The limits follow the BMS's own settings and the type of cells, where known.",
    "alerts.explain.scaled_bms": "The limits follow the BMS's own settings, where known.",
    "alerts.explain.scaled_cells": "These are the limits for LFP cells; other types have their own.",
    "alerts.explain.scaled_pack": (
        "These are the limits for 16 LFP cells; others depend on the type and number of cells."
    ),
    "alerts.cell_spread.explain": (
        "That is near full and near empty. In between, with little current, less is enough if it lasts 10 min: "
        "30 mV are a warning, 60 mV critical."
    ),
    "alerts.emergency.explain": (
        "Minutes are rounded down: less than 10 min is an error, less than 5 min critical."
    ),
    "alerts.switch_off.explain": "Critical while the grid is off, otherwise a warning.",
    "alerts.bms_silent.explain": (
        "With a long JK_BMS_POLL_INTERVAL it begins later: when three readings in a row are missing."
    ),
}
