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
    "alerts.acknowledged": "Seen by {by} at {time}; it is not repeated as urgent any more.",
    "alerts.acknowledged_short": "seen by {by}",
    "alerts.lasted": "It lasted {span}, from {time}.",
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
    "alerts.several": "{count} message on alerts|{count} messages on alerts",
    "alerts.earlier": "{count} more before these:|{count} more before these:",
    "alerts.subject.inverter": "Inverter",
    "alerts.subject.host": "Monitor",
    "alerts.subject.house": "House",
    # Cells
    "alerts.cell_high.title": "cell {cell} is nearly too full",
    "alerts.cell_high.meaning": (
        "The highest cell decides for the whole pack: at its limit the BMS stops the charge, and beyond it the cell "
        "takes damage."
    ),
    "alerts.cell_high.action": (
        "Let the charge end or lower its current, and check that the charger's target is not set too high."
    ),
    "alerts.cell_high.detail": "The BMS itself cuts off at {limit}.",
    "alerts.cell_low.title": "cell {cell} is nearly empty",
    "alerts.cell_low.meaning": (
        "The lowest cell decides for the whole pack: at its limit the BMS cuts off and the house goes dark."
    ),
    "alerts.cell_low.action": "Switch off what is not needed, or charge.",
    "alerts.cell_low.detail": "The BMS itself cuts off at {limit}.",
    "alerts.cell_spread.title": "the cells drift apart",
    "alerts.cell_spread.meaning": (
        "Cell {high} is the highest and cell {low} the lowest. The pack holds less: it is full with the first "
        "and empty with the last."
    ),
    "alerts.cell_spread.action": (
        "Charge it full slowly, so that the balancer has time. If this comes back, look which cell it is."
    ),
    "alerts.cell_spread.critical.action": (
        "Lower load and charge until it is known which cell it is and why. Do not charge a cell that stays far below "
        "the others by itself."
    ),
    "alerts.cell_spread.ask": "/health tells which cell it is.",
    "alerts.cell_spread.detail": "Mean of the cells: {mean}.",
    "alerts.pack_high.title": "the pack voltage is too high",
    "alerts.pack_high.meaning": "All the cells together are beyond full.",
    "alerts.pack_high.action": "Stop the charge and check the charger's target voltage.",
    "alerts.pack_low.title": "the pack voltage is too low",
    "alerts.pack_low.meaning": "All the cells together are nearly empty; the BMS will soon cut off.",
    "alerts.pack_low.action": "Switch off what is not needed, or charge.",
    # Warmth
    "alerts.cell_hot.title": "the battery is too warm",
    "alerts.cell_hot.meaning": "Warm cells age fast; hot ones are dangerous. Probe {probe} is the warmest.",
    "alerts.cell_hot.action": "Lower the current and let air in.",
    "alerts.cell_hot.critical.title": "the battery is dangerously hot",
    "alerts.cell_hot.critical.meaning": (
        "Cells as hot as that are damaged and may vent or burn. Probe {probe} is the warmest."
    ),
    "alerts.cell_hot.critical.action": (
        "Stop charge and load now, from a distance: at the inverter or the breaker. Do not touch or open the battery. "
        "If it smokes, smells or grows hotter without any current, leave the room and call the fire brigade."
    ),
    "alerts.cell_hot.cleared": "the battery has cooled down",
    "alerts.charge_cold.title": "charging while the cells are too cold",
    "alerts.charge_cold.meaning": (
        "Charged in the cold, lithium settles as metal in the cell and never comes back. Probe {probe} is the coldest."
    ),
    "alerts.charge_cold.action": "Stop or lower the charge until the battery is warmer.",
    "alerts.charge_cold.detail": "Charging with {current}.",
    "alerts.temperature_spread.title": "the battery is unevenly warm",
    "alerts.temperature_spread.meaning": (
        "Between {low} and {high}. A bad connection, a cell in trouble or a heat source on one side does that."
    ),
    "alerts.temperature_spread.action": (
        "Look what stands beside the battery. Touch no lug: they are live and may be hot. To tighten one, switch the "
        "inverter and the battery off first and let it cool."
    ),
    "alerts.mosfet_hot.title": "the MOSFETs of the BMS are too hot",
    "alerts.mosfet_hot.meaning": "The current is more than the BMS can cool. It will cut off to protect itself.",
    "alerts.mosfet_hot.action": "Lower the load or the charge, and give the BMS air. Do not touch it.",
    "alerts.mosfet_hot.detail": "The BMS itself cuts off at {limit}.",
    # How much is left
    "alerts.soc_low.title": "the battery is low",
    "alerts.soc_low.meaning": "When nothing is left, the BMS cuts off and the house goes dark.",
    "alerts.soc_low.action": "Switch off what is not needed, or charge.",
    "alerts.soc_low.detail": "Reckoned on the safe side; the shown charge is {soc}.",
    "alerts.not_charged.title": "the battery is low and nothing charges it",
    "alerts.not_charged.meaning": "There is grid, or more sun than load, but the battery gets none of it.",
    "alerts.not_charged.action": (
        "Look at the charge settings of the inverter, and whether charging is switched on in the BMS."
    ),
    "alerts.not_charged.over": "It is over at {clear}, or when it is charged.",
    "alerts.not_charged.explain": (
        "It is judged only where grid or sun are known: the grid is there, or the sun gives more than the load, and at "
        "most 0.5 A flow into the battery."
    ),
    "alerts.soc_low.ask": "/until 07:00 tells whether it lasts.",
    "alerts.runtime.title": "it will not last long",
    "alerts.runtime.meaning": "At the load of the last minutes the battery is empty in {low} to {high}.",
    "alerts.runtime.action": "Switch off what is not needed, or charge.",
    "alerts.runtime.ask": "/until 07:00 tells whether it lasts.",
    "alerts.runtime.over": "It is over when more than {clear} are left.",
    "alerts.runtime.detail": "Load: {power}.",
    "alerts.going_dark.title": "going dark about {dark}",
    "alerts.going_dark.meaning": (
        "At this load the BMS cuts off between {dark} and {dark_last}. What was measured is being saved."
    ),
    "alerts.going_dark.action": "Shut down computers now, and switch off every large load.",
    "alerts.going_dark.over": "It is over when more than {clear} are left.",
    "alerts.going_dark.detail": "Load: {power}.",
    "alerts.going_dark.cleared": "not going dark any more",
    "alerts.house_dark.title": "no power",
    "alerts.house_dark.meaning": "There is no grid, and the inverter gives nothing.",
    "alerts.house_dark.cut.title": "the batteries are cut off: probably no power",
    "alerts.house_dark.cut.meaning": (
        "They fed the house until now and give nothing any more. Whether anything else feeds it is not known."
    ),
    "alerts.house_dark.silent.title": "probably no power",
    "alerts.house_dark.silent.meaning": "The batteries are cut off and the inverter says nothing any more.",
    "alerts.house_dark.action": (
        "Switch large loads off before the power comes back. An empty battery needs grid or sun; after an overload, "
        "find what was too much first."
    ),
    "alerts.house_dark.detail": "Charge: {soc}.",
    "alerts.house_dark.over": "It is over when there is power again.",
    "alerts.house_dark.cleared": "power is back",
    "alerts.house_dark.ended": "The charge was {soc} when it went dark.\nNow it is {soc_now}.",
    # Currents and switches
    "alerts.charge_current.title": "the charge current is at its limit",
    "alerts.charge_current.meaning": "The BMS cuts off above {limit}, and cutting a large current wears it.",
    "alerts.charge_current.action": "Lower the current of the charger.",
    "alerts.discharge_current.title": "the discharge current is at its limit",
    "alerts.discharge_current.meaning": "The BMS cuts off above {limit}, and the house goes dark at once.",
    "alerts.discharge_current.action": "Switch off a large load.",
    "alerts.switch_off.title": "{part} is switched off",
    "alerts.switch_off.meaning": "A switch in the BMS is off, and no alarm or full or empty battery explains it.",
    "alerts.switch_off.action": (
        "If it was not you, look in the BMS's app why it is off before you switch it on again."
    ),
    "alerts.switch_off.over": "It is over when the switch is on.",
    "alerts.switch_off.cleared": "{part} is switched on again",
    "alerts.part.charge": "charging",
    "alerts.part.discharge": "discharging",
    "alerts.bms_alarm.title": "the BMS says: {part}",
    "alerts.bms_alarm.meaning": "The BMS raised this alarm itself and may have cut the current.",
    "alerts.bms_alarm.action": "Find the cause before switching anything on again.",
    "alerts.bms_alarm.over": "It is over when the BMS takes the alarm back.",
    "alerts.bms_alarm.cleared": "the BMS took its alarm back: {part}",
    "alerts.emergency.title": "the emergency mode of the BMS ends in {value}",
    "alerts.emergency.meaning": (
        "In this mode the BMS feeds the house although a protection would cut it off. When its time is up, the "
        "protections act again and the house may go dark."
    ),
    "alerts.emergency.action": "Charge, or shut down whatever must not lose power all at once.",
    "alerts.emergency.over": "It is over when the mode has ended or got more time.",
    "alerts.emergency.cleared": "the emergency mode of the BMS got more time, or has ended and the protections act again",
    # Connections and age
    "alerts.wire.title": "the balance wire of cell {cell} has too much resistance",
    "alerts.wire.meaning": "With a bad wire the BMS sees a wrong voltage of this cell and balances wrongly.",
    "alerts.wire.action": (
        "Switch the inverter and the battery off first: the lugs are live. Then tighten and clean the lug and the plug "
        "of that wire."
    ),
    "alerts.soh_low.title": "the battery has aged",
    "alerts.soh_low.meaning": "That is what the BMS says is left of the capacity it once had.",
    "alerts.soh_low.action": (
        "Reckon with less than it once held, and think of its replacement in time. See whether single cells are the cause."
    ),
    "alerts.soh_low.ask": "/health tells how each cell is.",
    "alerts.cycles.title": "the battery has done {value} cycles",
    "alerts.cycles.meaning": "From here on its makers promise less, though LFP cells often last much longer.",
    "alerts.cycles.action": "Nothing is urgent; look now and then how the cells are.",
    "alerts.cycles.ask": "/health tells how each cell is.",
    "alerts.cycles.over": "This is told only once.",
    "alerts.cell_fault.title": "cell {cell}: {kind}",
    "alerts.cell_fault.meaning": "Weeks of measurements say so.",
    "alerts.cell_fault.ask": "/health tells how sure that is.",
    "alerts.cell_fault.action": "{advice}",
    "alerts.cell_fault.over": "It is over when the measurements no longer say so.",
    "alerts.cell_fault.cleared": "cell {cell} is in order again",
    # The way to the battery
    "alerts.bms_silent.title": "the BMS does not answer",
    "alerts.bms_silent.meaning": "Nothing is known of the battery while it is silent, and no other alert about it can come.",
    "alerts.bms_silent.action": "Often a phone holds the connection: close its app. Else look whether the BMS has power.",
    "alerts.bms_silent.ask": "/link tells how the radio is doing.",
    "alerts.bms_silent.detail": "{verdict}",
    "alerts.bms_silent.over": "It is over with the next good readings.",
    "alerts.bms_silent.cleared": "the BMS answers again",
    "alerts.bms_frozen.title": "the BMS repeats the same values",
    "alerts.bms_frozen.meaning": "Its counters stand still, so what it shows is not the present. Do not rely on it.",
    "alerts.bms_frozen.action": (
        "Its protections may not work either: switch off charger and large loads. If it lasts, restart the BMS; until it "
        "runs again, the battery feeds nothing and the house may be dark."
    ),
    "alerts.bms_frozen.over": "It is over when its values move again.",
    "alerts.bms_frozen.cleared": "the values of the BMS move again",
    "alerts.bms_implausible.title": "the BMS sends values that cannot be true",
    "alerts.bms_implausible.meaning": "{value} readings in ten minutes were left out; what is shown comes from the others.",
    "alerts.bms_implausible.action": "Move the radio closer. If it stays so, look at the plugs of the BMS.",
    "alerts.bms_implausible.detail": "The last one: {reason}",
    "alerts.bms_implausible.over": "It is over after ten minutes without one.",
    "alerts.bms_implausible.cleared": "the values of the BMS can be believed again",
    # Grid and inverter
    "alerts.grid_lost.title": "the grid is lost",
    "alerts.grid_lost.meaning": "The house lives from the battery now.",
    "alerts.grid_lost.action": "Switch off what is not needed, so that it lasts.",
    "alerts.grid_lost.ask": "/until 07:00 tells whether it does.",
    "alerts.grid_lost.detail": "Charge: {soc}.\nLoad: {load_power}.",
    "alerts.grid_lost.over": "It is over when the grid is back.",
    "alerts.grid_lost.cleared": "the grid is back",
    "alerts.inverter_stale.title": "the inverter sends nothing",
    "alerts.inverter_stale.meaning": "Whether there is a grid, and what the house draws, is not known meanwhile.",
    "alerts.inverter_stale.action": "Check the inverter program and its cable.",
    "alerts.inverter_stale.over": "It is over with its next records.",
    "alerts.inverter_stale.cleared": "the inverter answers again",
    # The machine that watches
    "alerts.disk_full.title": "little space is left on the disk",
    "alerts.disk_full.meaning": "When it is full, no history can be kept.",
    "alerts.disk_full.action": (
        "Free space on that disk, such as old logs and downloads. Delete nothing in the folder itself: that is the history."
    ),
    "alerts.disk_full.detail": "The disk of the folder {path}",
    "alerts.clock_jump.title": "the clock jumped",
    "alerts.clock_jump.meaning": "It moved by {step}. Times around this moment may be wrong; durations are not.",
    "alerts.clock_jump.action": "If it happens again, check the time service of the machine.",
    "alerts.clock_jump.over": "This is told only once.",
    "alerts.database_failing.title": "the history cannot be written",
    "alerts.database_failing.meaning": "Values wait in memory; a power cut would lose them.",
    "alerts.database_failing.action": "Check disk and memory card; {tool} check tells more.",
    "alerts.database_failing.detail": "The database says: {error}",
    "alerts.database_failing.over": "It is over with the first write that succeeds.",
    "alerts.database_failing.cleared": "the history is written again",
    "alerts.adapter_stuck.title": "the Bluetooth adapter is stuck",
    "alerts.adapter_stuck.meaning": "It had to be switched off and on, or hears nothing at all.",
    "alerts.adapter_stuck.action": "If it stays so, restart the machine or use another adapter.",
    "alerts.adapter_stuck.over": "It is over when it hears batteries again.",
    "alerts.adapter_stuck.cleared": "the Bluetooth adapter works again",
    "alerts.started_after_crash.title": "started again after an unexpected end",
    "alerts.started_after_crash.meaning": (
        "The service or the machine ended without saying so, perhaps in a power cut. A short gap in the history is all."
    ),
    "alerts.started_after_crash.action": "Nothing is needed, unless it happens often: then look into the service's log.",
    "alerts.started_after_crash.over": "This is told only once.",
    # jk-util.py alerts --explain
    "alerts.explain.begins_above": "Begins at {set} or more",
    "alerts.explain.begins_below": "Begins at {set} or less",
    "alerts.explain.confirmed": "seen {count} time|seen {count} times in a row",
    "alerts.explain.lasting": "for {span}",
    "alerts.explain.example": "For example: {title}.",
    "alerts.explain.off": "It is switched off in this house (ALERTS_OFF) and never raised.",
    "alerts.explain.scaled": "Limits follow the BMS's own settings and the kind of cells where those are known.",
    "alerts.explain.scaled_bms": "Limits follow the BMS's own settings where they are known.",
    "alerts.explain.scaled_cells": "These limits are those of LFP cells; other kinds have their own.",
    "alerts.explain.scaled_pack": "These limits are those of 16 LFP cells; others follow the kind and number of cells.",
    "alerts.cell_spread.explain": (
        "That is near full and near empty. In between, with little current, less is enough if it lasts 10 min: "
        "30 mV are a warning, 60 mV critical."
    ),
    "alerts.emergency.explain": "Minutes are shown rounded down: it is an error below 10 min and critical below 5 min.",
    "alerts.switch_off.explain": "It is critical while there is no grid, else a warning.",
    "alerts.bms_silent.explain": (
        "With a long JK_BMS_POLL_INTERVAL it begins later: when three readings in a row are missing."
    ),
}
