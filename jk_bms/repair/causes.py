"""What may be behind a verdict, the likeliest first, in words for a person.

A verdict says what was met; several causes may look alike from here (a phone that is connected, a
battery that is switched off and one that is out of range all are "not in the scan"). What was seen
besides shifts the weights.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from jk_bms.called import tool
from jk_bms.errors import Verdict
from jk_bms.model.link import Cause

NEAR, FAR = -78, -86  # dBm: no trouble is expected above the one, much below the other
SOON = 10.0  # s: a link that drops so early was refused rather than interrupted
LATELY = 300.0  # s
LEAST = 0.03  # less likely causes are not worth a sentence


class Evidence(NamedTuple):
    """What was seen besides. ``None``: not known."""

    others: int | None = None  # other devices heard in the same search
    rssi: int | None = None  # dBm, when it was last heard
    heard_ago: float | None = None  # s since then
    known: bool = False  # it has given data before
    spoke: bool = False  # it gave data in this connection
    connected_for: float | None = None  # s for which the link stood
    services: int | None = None  # GATT services that it shows
    error: str = ""  # name of the D-Bus error
    damaged: bool = False  # frames came with wrong check bytes
    lent: bool = False  # it was released to another program a short while ago
    failures: int = 0  # in a row

    @classmethod
    def of(cls, facts: Mapping[str, Any], **more: Any) -> Self:
        """Return what is known under our names in ``facts``; the rest of it is left out."""
        return cls(**{name: value for name, value in (*more.items(), *facts.items()) if name in cls._fields})


# code: what it means, what to do. The codes are stable.
# fmt: off
WORDS: Mapping[str, tuple[str, str]] = {
    "no_adapter": (
        "This machine has no Bluetooth adapter, or it was pulled out.",
        "Plug one in; `bluetoothctl list` shows what the system sees."),
    "adapter_off": (
        "The Bluetooth adapter is switched off.",
        "Switch it on with `bluetoothctl power on`."),
    "adapter_blocked": (
        "The Bluetooth adapter is blocked by a switch of this machine or by its flight mode.",
        "Unblock it with `sudo rfkill unblock bluetooth`."),
    "adapter_wedged": (
        "The Bluetooth adapter is stuck: it is on, but hears nothing.",
        "The battery monitor switches it off and on; if that does not help, pull it out and plug it in again."),
    "nothing_near": (
        "The adapter hears no Bluetooth device at all.",
        "Move this machine closer to the battery, or put the adapter on a USB extension."),
    "no_permission": (
        "The battery monitor is not allowed to use Bluetooth.",
        "Add its user to the group with `sudo usermod -aG bluetooth USER` and start it again."),
    "service_down": (
        "The system's Bluetooth service does not run or does not answer.",
        "See `systemctl status bluetooth`; start it with `sudo systemctl restart bluetooth`."),
    "phone_connected": (
        "A phone or another device is connected to the battery; it talks to only one at a time.",
        "Close the battery's app on every phone, or switch Bluetooth off on them."),
    "switched_off": (
        "The BMS is switched off, asleep or without power.",
        "See whether it shows a light; press its button or start charging."),
    "out_of_range": (
        "The battery is out of radio range.",
        "Move the adapter closer, away from metal; a USB extension often helps."),
    "weak_signal": (
        "The battery's signal is too weak for a stable connection.",
        "Move the adapter closer, away from metal and Wi-Fi; a USB extension often helps."),
    "wrong_address": (
        "No device with this address was ever heard here.",
        f"Compare the address with what `{tool('--scan')}` finds."),
    "link_lost": (
        "The radio connection was interrupted.",
        "If this is rare, do nothing; if it is frequent, move the adapter closer to the battery."),
    "connect_failed": (
        "The battery is there, but does not accept a connection.",
        "Switch Bluetooth of the BMS off and on in its app; the BMS itself only if the house may go dark meanwhile."),
    "pairing_needed": (
        "This firmware must be paired before it talks.",
        f"With its `pin` in the registry the battery monitor pairs by itself; otherwise run `{tool('pair')}`."),
    "pairing_refused": (
        "The battery refused to pair: the passkey is wrong, or this firmware cannot pair.",
        f"Correct `pin` in the registry, or run `{tool('pair')}`; a refused one is not tried again."),
    "stale_cache": (
        "What the Bluetooth service remembers of the battery is out of date.",
        "The battery monitor has it erased; by hand: `bluetoothctl remove ADDRESS`."),
    "not_a_bms": (
        "The device at this address is not a JK BMS.",
        f"Find the right address with `{tool('--scan')}`."),
    "mute": (
        "The battery is connected, but sends nothing.",
        "If this goes on, close the phone app, then switch the BMS's Bluetooth off and on."),
    "frozen": (
        "The BMS repeats the same values: its processor has hung.",
        "Its protection may not work: switch off charger and large loads, then the BMS off and on (no power meanwhile)."),
    "layout_unknown": (
        "The battery sends data in an unknown format, perhaps after a firmware update.",
        f"Save a recording with `{tool('--direct --dump FILE')}` and report it."),
    "frames_damaged": (
        "What the battery sends arrives damaged.",
        "Move the adapter closer, away from Wi-Fi and inverters."),
    "other_program": (
        "Another program on this machine uses the Bluetooth adapter.",
        "End it, or give it an adapter of its own."),
    "other_poller": (
        "A second battery monitor reads the battery.",
        "Stop one of them: systemd, Docker and a terminal may each run one."),
    "internal_error": (
        "This program met something it cannot handle.",
        f"It tries again by itself. Update it; if this goes on, report what `{tool('doctor')}` and the log say."),
    "released": (
        "The battery is lent to the phone app on request.",
        f"Wait, or end it with `{tool('resume')}`."),
}

# verdict: causes and their weights when nothing else is known.
WEIGHTS: Mapping[Verdict, Mapping[str, float]] = {
    Verdict.NO_ADAPTER:      {"no_adapter": 0.95},
    Verdict.ADAPTER_OFF:     {"adapter_off": 0.95},
    Verdict.ADAPTER_BLOCKED: {"adapter_blocked": 0.98},
    Verdict.ADAPTER_WEDGED:  {"adapter_wedged": 0.80, "nothing_near": 0.15},
    Verdict.NO_PERMISSION:   {"no_permission": 0.95},
    Verdict.SERVICE_DOWN:    {"service_down": 0.95},
    Verdict.NOT_SEEN:        {"phone_connected": 0.35, "switched_off": 0.25, "out_of_range": 0.20,
                              "wrong_address": 0.05, "adapter_wedged": 0.03},
    Verdict.WEAK_SIGNAL:     {"weak_signal": 0.90, "out_of_range": 0.05},
    Verdict.CONNECT_FAILED:  {"connect_failed": 0.32, "phone_connected": 0.18, "weak_signal": 0.15,
                              "adapter_wedged": 0.10, "stale_cache": 0.08, "pairing_needed": 0.05},
    Verdict.PAIRING_NEEDED:  {"pairing_needed": 0.90},
    Verdict.PAIRING_REFUSED: {"pairing_refused": 0.95},
    Verdict.STALE_CACHE:     {"stale_cache": 0.90, "not_a_bms": 0.05},
    Verdict.DROPPED:         {"link_lost": 0.40, "weak_signal": 0.20, "switched_off": 0.15,
                              "service_down": 0.05, "pairing_needed": 0.05},
    Verdict.NOT_A_BMS:       {"not_a_bms": 0.65, "stale_cache": 0.30},
    Verdict.MUTE:            {"mute": 0.60, "service_down": 0.10, "switched_off": 0.10, "stale_cache": 0.05},
    Verdict.FROZEN:          {"frozen": 0.95},
    Verdict.FRAMES_REFUSED:  {"layout_unknown": 0.60, "frames_damaged": 0.35},
    Verdict.BUSY:            {"other_program": 0.65, "other_poller": 0.20, "adapter_wedged": 0.10},
    Verdict.INTERNAL_ERROR:  {"internal_error": 0.95},
    Verdict.RELEASED:        {"released": 1.0},
}


class Shift(NamedTuple):
    """How evidence changes weights: by these factors, for the causes that the verdict has."""

    when: Callable[[Evidence], bool]
    factors: Mapping[str, float]


SHIFTS = (
    Shift(lambda seen: seen.others == 0, {"adapter_wedged": 12.0, "wrong_address": 0.3}),
    Shift(lambda seen: bool(seen.others), {"adapter_wedged": 0.3, "nothing_near": 0.1}),
    Shift(lambda seen: seen.known, {"wrong_address": 0.0, "not_a_bms": 0.05}),
    Shift(lambda seen: not seen.known, {"wrong_address": 4.0, "switched_off": 0.7}),
    Shift(lambda seen: seen.rssi is not None and seen.rssi >= NEAR,
          {"out_of_range": 0.2, "weak_signal": 0.2, "wrong_address": 0.0}),
    Shift(lambda seen: seen.rssi is not None and seen.rssi <= FAR,
          {"out_of_range": 3.0, "weak_signal": 5.0, "wrong_address": 0.0}),
    Shift(lambda seen: seen.heard_ago is not None and seen.heard_ago < LATELY,
          {"wrong_address": 0.0, "phone_connected": 1.5}),
    Shift(lambda seen: seen.lent, {"phone_connected": 4.0}),
    Shift(lambda seen: seen.connected_for is not None and seen.connected_for < SOON and not seen.spoke,
          {"pairing_needed": 6.0}),
    Shift(lambda seen: seen.spoke, {"pairing_needed": 0.0, "stale_cache": 0.2, "service_down": 1.5}),
    Shift(lambda seen: seen.services == 0, {"stale_cache": 4.0}),
    Shift(lambda seen: "canceled" in seen.error, {"phone_connected": 4.0}),
    Shift(lambda seen: "abort-by-local" in seen.error, {"weak_signal": 2.0, "connect_failed": 1.5}),
    Shift(lambda seen: seen.damaged, {"frames_damaged": 8.0}),
)
# fmt: on

# How much a verdict explains: of several in one outage the most telling one is that of the outage.
# A link that drops is a symptom of nearly everything.
_SYMPTOMS = {
    Verdict.DROPPED: 0,
    Verdict.MUTE: 1,
    Verdict.NOT_SEEN: 2,
    Verdict.CONNECT_FAILED: 3,
    Verdict.PAIRING_NEEDED: 4,
}
_THE_MACHINE = frozenset(
    {Verdict.ADAPTER_OFF, Verdict.ADAPTER_BLOCKED, Verdict.NO_PERMISSION, Verdict.NO_ADAPTER}
)


def telling(verdict: Verdict) -> int:
    """Return how much ``verdict`` explains; higher is more."""
    if verdict is Verdict.SERVICE_DOWN:  # without it no adapter is to be seen either
        return 7
    if verdict in _THE_MACHINE:
        return 6
    return _SYMPTOMS.get(verdict, 5)


def causes(verdict: Verdict, seen: Evidence) -> tuple[Cause, ...]:
    """Return what may be behind ``verdict``, the likeliest first; never empty."""
    plain = WEIGHTS[verdict]
    weights = dict(plain)
    for shift in SHIFTS:
        if shift.when(seen):
            for code, factor in shift.factors.items():
                if code in weights:
                    weights[code] *= factor
    scale = sum(plain.values()) / sum(weights.values())
    ranked = sorted(((weight * scale, code) for code, weight in weights.items()), reverse=True)
    return tuple(
        Cause(code, round(sure, 2), *WORDS[code])
        for place, (sure, code) in enumerate(ranked)
        if sure >= LEAST or place == 0
    )
