"""Why there is no data and what to do, what repairs are called, and lending a battery to the phone app."""

TEXTS = {
    # /link: causes are the codes of ``repair.causes``; the tools say them in the same words
    "link.cause": "{sure} %: {meaning}",
    "link.no_data": "No data since {time} ({span}).",
    "link.attempts": "{count} failed attempt so far.|{count} failed attempts so far.",
    "link.tried": "Done so far: {rung}.",
    "link.last_outage": "Last outage {time}, {span}. {verdict}",
    "link.helped": "What helped: {rung}.",
    "link.a_day": "in 24 h",
    "link.row.commands": "Commands",
    "link.cause.no_adapter.meaning": "This machine has no Bluetooth adapter, or it was pulled out.",
    "link.cause.no_adapter.action": "Plug one in; `bluetoothctl list` shows what the system sees.",
    "link.cause.adapter_off.meaning": "The Bluetooth adapter is switched off.",
    "link.cause.adapter_off.action": "Switch it on with `bluetoothctl power on`.",
    "link.cause.adapter_blocked.meaning": (
        "The Bluetooth adapter is blocked by a switch of this machine or by its flight mode."
    ),
    "link.cause.adapter_blocked.action": "Unblock it with `sudo rfkill unblock bluetooth`.",
    "link.cause.adapter_wedged.meaning": "The Bluetooth adapter is stuck: it is on, but hears nothing.",
    "link.cause.adapter_wedged.action": (
        "The battery monitor switches it off and on; if that does not help, pull it out and plug it in again."
    ),
    "link.cause.nothing_near.meaning": "The adapter hears no Bluetooth device at all.",
    "link.cause.nothing_near.action": (
        "Move this machine closer to the battery, or put the adapter on a USB extension."
    ),
    "link.cause.no_permission.meaning": "The battery monitor is not allowed to use Bluetooth.",
    "link.cause.no_permission.action": (
        "Add its user to the group with `sudo usermod -aG bluetooth USER` and start it again."
    ),
    "link.cause.service_down.meaning": "The system's Bluetooth service does not run or does not answer.",
    "link.cause.service_down.action": (
        "See `systemctl status bluetooth`; start it with `sudo systemctl restart bluetooth`."
    ),
    "link.cause.phone_connected.meaning": (
        "A phone or another device is connected to the battery; it talks to only one at a time."
    ),
    "link.cause.phone_connected.action": (
        "Close the battery's app on every phone, or switch Bluetooth off on them."
    ),
    "link.cause.switched_off.meaning": "The BMS is switched off, asleep or without power.",
    "link.cause.switched_off.action": "See whether it shows a light; press its button or start charging.",
    "link.cause.out_of_range.meaning": "The battery is out of radio range.",
    "link.cause.out_of_range.action": (
        "Move the adapter closer, away from metal; a USB extension often helps."
    ),
    "link.cause.weak_signal.meaning": "The battery's signal is too weak for a stable connection.",
    "link.cause.weak_signal.action": (
        "Move the adapter closer, away from metal and Wi-Fi; a USB extension often helps."
    ),
    "link.cause.wrong_address.meaning": "No device with this address was ever heard here.",
    "link.cause.wrong_address.action": "Compare the address with what `{tool} --scan` finds.",
    "link.cause.link_lost.meaning": "The radio connection was interrupted.",
    "link.cause.link_lost.action": (
        "If this is rare, do nothing; if it is frequent, move the adapter closer to the battery."
    ),
    "link.cause.connect_failed.meaning": "The battery is there, but does not accept a connection.",
    "link.cause.connect_failed.action": (
        "Switch Bluetooth of the BMS off and on in its app; the BMS itself only if the house may go dark meanwhile."
    ),
    "link.cause.pairing_needed.meaning": "This firmware must be paired before it talks.",
    "link.cause.pairing_needed.action": (
        "With its `pin` in the registry the battery monitor pairs by itself; otherwise run `{tool} pair`."
    ),
    "link.cause.pairing_refused.meaning": (
        "The battery refused to pair: the passkey is wrong, or this firmware cannot pair."
    ),
    "link.cause.pairing_refused.action": (
        "Correct `pin` in the registry, or run `{tool} pair`; a refused one is not tried again."
    ),
    "link.cause.stale_cache.meaning": "What the Bluetooth service remembers of the battery is out of date.",
    "link.cause.stale_cache.action": "The battery monitor has it erased; by hand: `bluetoothctl remove ADDRESS`.",
    "link.cause.not_a_bms.meaning": "The device at this address is not a JK BMS.",
    "link.cause.not_a_bms.action": "Find the right address with `{tool} --scan`.",
    "link.cause.mute.meaning": "The battery is connected, but sends nothing.",
    "link.cause.mute.action": (
        "If this goes on, close the phone app, then switch the BMS's Bluetooth off and on."
    ),
    "link.cause.frozen.meaning": "The BMS repeats the same values: its processor has hung.",
    "link.cause.frozen.action": (
        "Its protection may not work: switch off charger and large loads, then the BMS off and on (no power meanwhile)."
    ),
    "link.cause.layout_unknown.meaning": (
        "The battery sends data in an unknown format, perhaps after a firmware update."
    ),
    "link.cause.layout_unknown.action": (
        "Save a recording with `{tool} --direct --dump FILE` and report it."
    ),
    "link.cause.frames_damaged.meaning": "What the battery sends arrives damaged.",
    "link.cause.frames_damaged.action": "Move the adapter closer, away from Wi-Fi and inverters.",
    "link.cause.other_program.meaning": "Another program on this machine uses the Bluetooth adapter.",
    "link.cause.other_program.action": "End it, or give it an adapter of its own.",
    "link.cause.other_poller.meaning": "A second battery monitor reads the battery.",
    "link.cause.other_poller.action": "Stop one of them: systemd, Docker and a terminal may each run one.",
    "link.cause.internal_error.meaning": "This program met something it cannot handle.",
    "link.cause.internal_error.action": (
        "It tries again by itself. Update it; if this goes on, report what `{tool} doctor` and the log say."
    ),
    "link.cause.released.meaning": "The battery is lent to the phone app on request.",
    "link.cause.released.action": "Wait, or end it with `{tool} resume`.",
    # Each layer between this machine and the numbers, as it is when all is well
    "link.layer.d_bus": "The system answers",
    "link.layer.permission": "Bluetooth may be used",
    "link.layer.bluetooth_service": "The Bluetooth service runs",
    "link.layer.adapter": "There is an adapter",
    "link.layer.adapter_is_on": "The adapter is on",
    "link.layer.adapter_is_free": "No other program holds it",
    "link.layer.scan": "It hears something",
    "link.layer.battery_is_heard": "The battery is heard",
    "link.layer.connection": "It accepts the connection",
    "link.layer.pairing": "It is paired, where that is needed",
    "link.layer.services": "It is a BMS that is known",
    "link.layer.frames": "It sends data",
    "link.layer.readings": "The data is right",
    # Repairs, as what was done
    "link.rung.none": "the connection came back by itself",
    "link.rung.ask": "the BMS was asked again",
    "link.rung.reconnect": "a new connection",
    "link.rung.forget": "the Bluetooth service was told to forget the battery",
    "link.rung.power_cycle": "the adapter was switched off and on",
    "link.rung.restart_service": "the Bluetooth service was restarted",
    "link.rung.exit": "the battery monitor was restarted",
    "link.rung.reboot": "this machine was rebooted",
    # /release and /resume
    "link.usage": (
        "For how long, from 1m to 1h, and which battery if there are several? For example /release 10m or "
        "/release 1h Main"
    ),
    "link.released": "{names}: lent to the phone app until {time}.",
    "link.app": (
        "The phone app can connect now. Afterwards the battery monitor reconnects by itself, or at once with /resume."
    ),
    "link.resumed": "{names}: connecting again.",
    "link.close_app": "If the phone app is still connected, close it.",
    "link.nothing_released": "No battery is lent, so there is nothing to resume.",
    "link.unconfirmed": "The battery monitor did not confirm this; /link shows the present state.",
    "link.all": "All",
    "link.button.release": "📱 Lend for 10 min",
    "link.button.resume": "▶️ Resume",
    "link.button.link": "Connection",
}
