"""A link to the simulated battery: its radio on the running event loop.

The radio, and the battery behind it, live as long as the link: they go on over reconnects.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from jk_bms.errors import LinkError, Verdict
from jk_bms.links.base import Connection
from jk_bms.protocol import Variant
from jk_bms.simulator.bms import SimulatedBms
from jk_bms.simulator.faults import Faults
from jk_bms.simulator.pack import Faulty
from jk_bms.simulator.radio import FRAGMENTS, Radio

RSSI = -58  # dBm, a BMS in the next room
SPREAD = 0.4  # of the usual: a pack that has been balanced for some weeks
REPAIR_TAKES = 2.0  # s
LIVED = "bms"  # the option of a battery that goes on living: a SimulatedBms; a text is none
LONGEST_WAIT = 0.5  # s: how soon a fault that was switched on shows while nothing else is due


class SimulatedConnection(Connection):
    """An open link to a radio; ``SimulatedLink.connect`` makes it."""

    def __init__(self, radio: Radio, now: Callable[[], float]) -> None:
        self._radio = radio
        self._now = now
        self._chunks: deque[bytes] = deque()
        self._woken = asyncio.Event()
        self._open = True

    @property
    def rssi(self) -> int | None:
        """Signal strength in dBm."""
        return RSSI

    async def receive(self) -> bytes:
        """Return the next chunk; see ``Connection``."""
        while True:
            if self._open:
                self._chunks.extend(self._radio.poll(self._now()))
            if self._chunks:
                return self._chunks.popleft()
            if not self._open or not self._radio.connected:
                raise LinkError("simulated: the link dropped", Verdict.DROPPED)
            self._woken.clear()
            due = self._radio.next_due()
            wait = LONGEST_WAIT if due is None else min(LONGEST_WAIT, max(0.0, due - self._now()))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def write(self, data: bytes) -> None:
        """Send a command; see ``Connection``."""
        if not self._open or not self._radio.connected:
            raise LinkError("simulated: the link is gone", Verdict.DROPPED)
        self._radio.write(data, self._now())
        self._woken.set()

    def close(self) -> None:
        """Let nothing in or out any more; what waits in ``receive`` ends with LinkError."""
        self._open = False
        self._chunks.clear()
        self._woken.set()


class SimulatedLink:
    """A way to a simulated BMS. ``radio`` takes faults, ``radio.bms`` knows the truth.

    ``hindrance``: what stands in the way of connecting, with the name of the repair that removes it
    (``forget``, ``power_cycle``, ``restart_service``); empty: none does.
    """

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self.hindrance: tuple[LinkError, str] | None = None

    def connect(self) -> AbstractAsyncContextManager[SimulatedConnection]:
        """Open the link; see ``Link``. Raises LinkError while hindered or held by another central."""
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[SimulatedConnection]:
        now = asyncio.get_running_loop().time
        if self.hindrance is not None:
            error = self.hindrance[0]
            raise LinkError(str(error), error.verdict, error.evidence)
        self.radio.connect(now())
        connection = SimulatedConnection(self.radio, now)
        try:
            yield connection
        finally:
            connection.close()
            self.radio.disconnect(now())


class SimulatedRepairs:
    """See ``Repairs``: removes what hinders a simulated link, and ends the links of its adapter."""

    def __init__(self, link: SimulatedLink, adapter: str, others: Iterable[SimulatedLink] = ()) -> None:
        self.adapter = adapter
        self._link = link
        self._others = others

    async def forget(self) -> None:
        """Forget the device."""
        await self._repair("forget")

    async def power_cycle(self) -> None:
        """Switch the adapter off and on; the ``others`` on it are cut off."""
        now = asyncio.get_running_loop().time()
        for other in self._others:
            other.radio.disconnect(now)
        await self._repair("power_cycle")

    async def restart_service(self) -> None:
        """Restart the Bluetooth service."""
        await self._repair("restart_service")

    async def reboot(self) -> None:
        """Refuse: there is a real machine below. Raises LinkError."""
        raise LinkError("a simulation does not reboot the machine", Verdict.NO_PERMISSION)

    async def _repair(self, how: str) -> None:
        await asyncio.sleep(REPAIR_TAKES)
        if self._link.hindrance is not None and self._link.hindrance[1] == how:
            self._link.hindrance = None


def simulated_link(options: Mapping[str, Any] | None = None) -> SimulatedLink:
    """Return a link to a new battery as ``options`` say, or to the one LIVED; see ``OPTIONS`` for keys and forms.

    Keys that are not ours are ignored. Raises ValueError, naming the option, for a value that
    cannot be read and for what looks like a misspelling.
    """
    values: dict[str, Any] = {}
    for name, text in (options or {}).items():
        if name in OPTIONS:
            values[name] = _read(name, text)
        elif close := get_close_matches(name, OPTIONS, n=1, cutoff=0.8):
            raise ValueError(f"option {name!r} is unknown; did you mean {close[0]!r}?")
    values.setdefault("spread", SPREAD)
    values.setdefault("start", datetime.now(UTC).astimezone())
    faulty = Faulty(**{name: values.pop(name) for name in FAULTY if name in values})
    radio = {name: values.pop(name) for name in RADIO if name in values}
    seed = values.get("seed", 1)
    lived = (options or {}).get(LIVED)
    bms = lived if isinstance(lived, SimulatedBms) else SimulatedBms(**values, faulty=faulty)
    return SimulatedLink(Radio(bms, seed=seed, **radio))


def _read(name: str, value: Any) -> Any:
    read, form = OPTIONS[name]
    try:
        return read(str(value).strip())
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name} is {value!r}; expected {form}") from error


LAST_YEAR = 9000  # a house lives on for years from its start, and a calendar ends with 9999


def _positive(text: str) -> float:
    number = float(text)
    if not 0.0 < number < float("inf"):
        raise ValueError(text)
    return number


def _switch(text: str) -> bool:
    return {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }[text.lower()]


def _moment(text: str) -> datetime:
    """Read a local time, of the day before it or else of today."""
    day, _, clock = text.rpartition(" ")
    hour, minute = (int(part) for part in clock.split(":"))
    on = datetime.fromisoformat(day) if day else datetime.now(UTC).astimezone()
    if not on.year < LAST_YEAR:
        raise ValueError(text)
    return on.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _by_cell(text: str) -> dict[int, float]:
    pairs = (pair.split("=") for pair in text.split(","))
    return {int(number): _positive(value) for number, value in pairs}


def _faults(text: str) -> Faults:
    """Read ``mute, drop_every=5``."""
    defaults = {field.name: field.default for field in fields(Faults)}
    faults = Faults()
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        default = defaults[name]
        if isinstance(default, bool) == bool(value):
            raise ValueError(part)
        read = float if isinstance(default, float) else int
        setattr(faults, name, True if isinstance(default, bool) else read(value))
    return faults


# option -> how to read it, what a person should write
OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "seed": (int, "a whole number"),
    "cells": (int, "a whole number of cells, e.g. 16"),
    "capacity_ah": (_positive, "the capacity in Ah, e.g. 280"),
    "chemistry": (str.lower, "lfp, nmc or lto"),
    "variant": (lambda text: Variant(text.upper()), "JK04, JK02_24S or JK02_32S"),
    "start_soc": (float, "a state of charge in %, e.g. 62"),
    "start": (_moment, "a time of day, e.g. 07:30, or one of a certain day, e.g. 2026-06-15 07:30"),
    "ambient": (float, "a temperature in °C, e.g. 21"),
    "spread": (float, "how much the cells differ, 1 is usual at first"),
    "weak": (_by_cell, "cell=share of its capacity, e.g. 5=0.8, 7=0.9"),
    "leaking": (_by_cell, "cell=A that leak, e.g. 5=0.05"),
    "balancer": (_switch, "true or false"),
    "bad_lugs": (_by_cell, "cell=Ohm of a bad connection, e.g. 5=0.001"),
    "speed": (_positive, "how many times as fast as life, e.g. 60"),
    "period": (_positive, "seconds between two frames, e.g. 0.5"),
    "fragment": (FRAGMENTS.__getitem__, f"one of {', '.join(FRAGMENTS)}"),
    "across": (_switch, "true or false"),
    "glue_ready": (_switch, "true or false"),
    "at_noise": (_switch, "true or false"),
    "info_first": (_switch, "true or false"),
    "faults": (_faults, f"some of {', '.join(f.name for f in fields(Faults))}, e.g. drop_every=5, flood"),
}
FAULTY = ("weak", "leaking", "bad_lugs")
RADIO = ("speed", "period", "fragment", "across", "glue_ready", "at_noise", "info_first", "faults")
