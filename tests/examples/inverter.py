"""A whole inverter, as small as it can be: the file to begin with for a new one (docs/adding.md).

This one answers ``?`` at a TCP port with a line such as ``grid=231.0 load=412 sun=? battery=5.2``. What it does
not know is ``?``, and its battery current is positive while *discharging*, as with some makes: both ends here.
"""

import asyncio

from jk_bms.errors import ConfigError, SourceError, Verdict
from jk_bms.inverters import InverterContext, InverterEntry, InverterRow
from jk_bms.inverters.base import PolledInverter
from jk_bms.model import InverterSample

PERIOD, PATIENCE = 5.0, 3.0  # s
UNKNOWN = "?"


def sample_of(line: bytes, context: InverterContext) -> InverterSample:
    """Return what a line says. Raises SourceError where it is none of these. Pure but for the time."""
    try:
        words = dict(word.split("=") for word in line.decode("ascii").split())
        values = {name: None if text == UNKNOWN else float(text) for name, text in words.items()}
        discharging = values["battery"]
        return context.sample(
            grid_voltage=values["grid"],
            load_power=values["load"],
            pv_power=values["sun"],
            battery_current=None if discharging is None else -discharging,  # foreign signs end here
        )
    except (KeyError, ValueError) as error:
        raise SourceError(f"{line!r} is no reading", Verdict.FRAMES_REFUSED) from error


class LineInverter(PolledInverter):
    """Opens, asks, closes. What times out or breaks is told by who calls ``read``."""

    def __init__(self, context: InverterContext) -> None:
        super().__init__(context, period=PERIOD, patience=PATIENCE)
        host, _, port = context.options.get("host", "").rpartition(":")
        if not (host and port.isdecimal()):
            raise ConfigError(
                f"inverter {self.device.id}: host is {context.options.get('host')!r}; "
                "expected an address and a port, such as 192.168.1.9:8899"
            )
        self._host, self._port = host, int(port)

    async def read(self) -> InverterSample:
        """Ask once."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(b"?\n")
            return sample_of(await reader.readuntil(), self.context)
        finally:
            writer.close()


def line_inverter(context: InverterContext) -> LineInverter:
    """Return the inverter."""
    return LineInverter(context)


# The row. In ``inverters/__init__.py`` it would stand among INVERTERS, and ``wanted`` would ask the settings.
ROW = InverterRow(
    "line",
    "line inverter",
    "tests.examples.inverter:line_inverter",
    lambda _, __: [InverterEntry("garage", "Garage", {"host": "192.168.1.9:8899"})],
    example={"host": "127.0.0.1:9"},  # where nothing answers
)
