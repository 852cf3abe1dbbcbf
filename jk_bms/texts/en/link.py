"""Why there is no data and what to do, what repairs are called, and lending a battery to the phone app."""

TEXTS = {
    # /link: causes are the codes of ``repair.causes``; the tools say them in the same words
    "link.cause": "{sure} %: {meaning}",
    "link.no_data": "No data since {time} ({span}).",
    "link.attempts": "{count} failed attempt so far.|{count} failed attempts so far.",
    "link.tried": "Tried: {rung}.",
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
    "link.cause.adapter_wedged.meaning": (
        "The Bluetooth adapter is stuck: it is on, but hears nothing of any kind."
    ),
    "link.cause.adapter_wedged.action": (
        "It is switched off and on by itself; if that does not help, pull it out and plug it in again."
    ),
    "link.cause.nothing_near.meaning": "No Bluetooth device at all is within reach of the adapter.",
    "link.cause.nothing_near.action": (
        "Move this machine, or the adapter on a USB extension, closer to the battery."
    ),
    "link.cause.no_permission.meaning": "The service may not use Bluetooth.",
    "link.cause.no_permission.action": (
        "Add its user to the group with `sudo usermod -aG bluetooth USER` and start it again."
    ),
    "link.cause.service_down.meaning": (
        "The Bluetooth service of the system does not run, or does not answer."
    ),
    "link.cause.service_down.action": (
        "See `systemctl status bluetooth`; start it with `sudo systemctl restart bluetooth`."
    ),
    "link.cause.phone_connected.meaning": (
        "A phone or another device is connected to the battery; it talks to one at a time."
    ),
    "link.cause.phone_connected.action": (
        "Close the app on every phone that knows the battery, or switch Bluetooth of the phone off."
    ),
    "link.cause.switched_off.meaning": "The BMS is switched off, asleep or without power.",
    "link.cause.switched_off.action": "Look whether it shows a light; press its button or start the charger.",
    "link.cause.out_of_range.meaning": "The battery is out of reach of the radio.",
    "link.cause.out_of_range.action": (
        "Move the adapter closer, away from metal; a USB extension often helps."
    ),
    "link.cause.weak_signal.meaning": "The signal of the battery is too weak for a steady link.",
    "link.cause.weak_signal.action": (
        "Move the adapter closer, away from metal and Wi-Fi; a USB extension often helps."
    ),
    "link.cause.wrong_address.meaning": "No device with this address has ever been heard here.",
    "link.cause.wrong_address.action": "Compare the address with what `{tool} --scan` finds.",
    "link.cause.link_lost.meaning": "The radio link was interrupted.",
    "link.cause.link_lost.action": (
        "Nothing to do when it is rare; else move the adapter closer to the battery."
    ),
    "link.cause.connect_failed.meaning": "The battery is there, but does not let anybody connect.",
    "link.cause.connect_failed.action": (
        "Switch Bluetooth of the BMS off and on in its app; the BMS itself only if the house may go dark meanwhile."
    ),
    "link.cause.pairing_needed.meaning": "This firmware wants to be paired with before it talks.",
    "link.cause.pairing_needed.action": (
        "With `pin` at the device in the registry it is done by itself; else run `{tool} pair`."
    ),
    "link.cause.pairing_refused.meaning": (
        "The battery refused to pair: a wrong passkey, or a firmware that cannot pair."
    ),
    "link.cause.pairing_refused.action": (
        "Correct `pin` in the registry, or run `{tool} pair`; what was refused is not tried again by itself."
    ),
    "link.cause.stale_cache.meaning": (
        "The Bluetooth service remembers something of the battery that is no longer true."
    ),
    "link.cause.stale_cache.action": (
        "It is made to forget by itself; by hand: `bluetoothctl remove ADDRESS`."
    ),
    "link.cause.not_a_bms.meaning": "The device at this address is no JK BMS.",
    "link.cause.not_a_bms.action": "Find the right address with `{tool} --scan`.",
    "link.cause.mute.meaning": "The battery is connected but does not say anything.",
    "link.cause.mute.action": (
        "If it stays so, close the phone app and switch Bluetooth of the BMS off and on."
    ),
    "link.cause.frozen.meaning": "The BMS repeats the very same values: its processor hangs.",
    "link.cause.frozen.action": (
        "Its protection may not work: switch off charger and large loads, then the BMS off and on; meanwhile no power."
    ),
    "link.cause.layout_unknown.meaning": (
        "The battery talks in a way that is not known, perhaps after an update of its firmware."
    ),
    "link.cause.layout_unknown.action": (
        "Save a recording with `{tool} --direct --dump FILE` and report it."
    ),
    "link.cause.frames_damaged.meaning": "What the battery sends arrives damaged.",
    "link.cause.frames_damaged.action": "Move the adapter closer, away from Wi-Fi and inverters.",
    "link.cause.other_program.meaning": "Another program on this machine uses the Bluetooth adapter.",
    "link.cause.other_program.action": "End it, or give it an adapter of its own.",
    "link.cause.other_poller.meaning": "A second copy of this service reads the battery.",
    "link.cause.other_poller.action": "Stop one of them: systemd, Docker and a terminal may each run one.",
    "link.cause.internal_error.meaning": "This program met something that it does not know how to handle.",
    "link.cause.internal_error.action": (
        "It tries again by itself; update it, and if it stays so, report what `{tool} doctor` and the log say."
    ),
    "link.cause.released.meaning": "The battery is left alone on request, so that a phone can connect.",
    "link.cause.released.action": "Wait, or end it with `{tool} resume`.",
    # Repairs, as what was done
    "link.rung.none": "it came back by itself",
    "link.rung.ask": "the BMS was asked again",
    "link.rung.reconnect": "a new connection",
    "link.rung.forget": "the Bluetooth service was made to forget the battery",
    "link.rung.power_cycle": "the adapter was switched off and on",
    "link.rung.restart_service": "the Bluetooth service was started anew",
    "link.rung.exit": "our service was started anew",
    "link.rung.reboot": "this machine was rebooted",
    # /release and /resume
    "link.usage": "Tell me how long, from 1m to 1h, and which of several batteries: /release 10m, /release 1h Main",
    "link.released": "{names}: released until {time}.",
    "link.app": "The phone app can connect now. The service takes it up again by itself, sooner with /resume.",
    "link.resumed": "{names}: the service connects again.",
    "link.close_app": "If the phone app is still connected, close it.",
    "link.nothing_released": "Nothing is released: there is nothing to resume.",
    "link.unconfirmed": "The battery service did not confirm it; /link tells how it stands.",
    "link.all": "All",
    "link.button.release": "📱 Release 10 min",
    "link.button.resume": "▶️ Resume",
    "link.button.link": "Link",
}
