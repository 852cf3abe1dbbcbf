"""How much an advertisement looks like a JK BMS. Pure: facts in, a judgement out.

Sources: syssi/esphome-jk-bms, patman15/aiobmsble (test data), Louisvdw/dbus-serialbattery
issue 909, and captures. A name is never enough: owners rename their packs, and other
makers use the same serial modules.
"""

from collections.abc import Collection, Mapping

from jk_bms.model.found import Certainty, Match
from jk_bms.model.kinds import USUAL

SERIAL_SERVICE = "0000ffe0-0000-1000-8000-00805f9b34fb"  # of JK, but also of many cheap modules
_BEFORE_ADDRESS = b"\x88\xa0"

# fmt: off
# company id of the manufacturer data -> how that data begins
COMPANIES: Mapping[int, bytes] = {
    0x0B65: _BEFORE_ADDRESS,  # then the six bytes of the address
    0xFAD6: _BEFORE_ADDRESS,  # same; JK-B1A24S15P
    0x4B4A: b"\x00\x01",  # the letters "JK"; two-characteristic module
}
NAMES = ("JK-", "JK_")     # as delivered; newer firmware shows a serial number instead
OTHERS = (                 # speak another protocol behind the same service
    ("NEEY", "a NEEY balancer"),
    ("GW-",  "a Heltec/NEEY balancer"),
    ("EK-",  "a NEEY balancer"),
    ("HELTEC", "a Heltec balancer"),
)
ADDRESSES = (              # first bytes of addresses seen on JK modules
    "C8:47:80", "C8:47:8C", "A4:C1:37", "A4:C1:38", "20:21:11", "20:22:08", "20:25:03",
    "3C:A5:09", "3C:A5:50",
)
# fmt: on


def score(
    name: str | None,
    service_uuids: Collection[str],
    manufacturer_data: Mapping[int, bytes],
    address: str,
) -> Match | None:
    """Return how much this looks like a JK BMS; None when nothing speaks for it.

    ``service_uuids`` in the long form; ``manufacturer_data`` by company id, without the id.
    """
    named = (name or "").strip().upper()
    serial = SERIAL_SERVICE in {uuid.lower() for uuid in service_uuids}
    for beginning, what in OTHERS:
        if named.startswith(beginning):
            return (
                Match(Certainty.POSSIBLE, f"service FFE0, but named like {what}", USUAL) if serial else None
            )

    company = next(
        (
            number
            for number, beginning in COMPANIES.items()
            if manufacturer_data.get(number, b"").startswith(beginning)
        ),
        None,
    )
    known_name = named.startswith(NAMES)
    known_address = address.upper().startswith(ADDRESSES)
    evidence = [
        text
        for true, text in (
            (serial, "service FFE0"),
            (company is not None, f"company id 0x{company or 0:04X}"),
            (known_name, f"name starts {named[:3]}"),
            (known_address, f"address starts {address.upper()[:8]}"),
        )
        if true
    ]
    if serial and company is not None:
        level = Certainty.SURE
    elif (company is not None and not _names_another(manufacturer_data[company], address)) or (
        serial and known_name
    ):
        level = Certainty.LIKELY
    elif serial or known_name or company is not None:
        level = Certainty.POSSIBLE
    else:
        return None  # an address alone: its maker also sells modules to others
    return Match(level, ", ".join(evidence), USUAL)


def _names_another(data: bytes, address: str) -> bool:
    """Whether manufacturer data holds an address, and it is not that of the sender: another maker's device."""
    told = data[len(_BEFORE_ADDRESS) :]
    try:
        own = bytes.fromhex(address.replace(":", ""))
    except ValueError:  # macOS shows no addresses
        return False
    return data.startswith(_BEFORE_ADDRESS) and len(own) == 6 and told[:6] not in (own, own[::-1])
