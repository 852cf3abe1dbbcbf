"""A battery as the house knows it: where it stands in the registry and what it is."""

import msgspec

from jk_bms.model.foreign_text import harmless_name
from jk_bms.model.kinds import USUAL, kind_of

_TEXTS = ("name", "model", "hw_version", "sw_version", "serial")  # as the owner, the air or the BMS says


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One BMS. ``None``: not known yet (the BMS tells after the first connection)."""

    address: str  # as in the registry; "simulated" and the like for made-up ones
    number: int = 1  # battery number, 1 = the unprefixed keys of the record
    kind: str = USUAL  # registry ``type``
    name: str | None = None  # alias, else advertised name
    model: str | None = None
    hw_version: str | None = None
    sw_version: str | None = None
    serial: str | None = None
    balancer: bool = False  # measures cells and balances them; it has no current sensor and no switches

    def __post_init__(self) -> None:
        """See to it that no text of the device is harmful, wherever it comes from."""
        for text in _TEXTS:
            given = getattr(self, text)
            if given is not None and (harmless := harmless_name(given)) != given:
                msgspec.structs.force_setattr(self, text, harmless)

    @property
    def label(self) -> str:
        """What a person calls it: the name, else the address."""
        return self.name or self.address

    @property
    def simulated(self) -> bool:
        """Whether its values are made up and must not reach a foreign record."""
        return kind_of(self.kind).made_up
