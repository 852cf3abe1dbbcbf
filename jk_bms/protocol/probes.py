"""Whether a board has a third battery probe: at its place nearly all repeat the temperature of the MOSFETs.

The phone app shows probes 1, 2, 4 and 5 only. A few firmwares do send a probe there, which shows
when it differs from the MOSFETs; a copy that lags behind MOSFETs that warm up differs once or twice.
"""

import msgspec

from jk_bms.protocol.values import CellInfo

ENOUGH = 5  # frames in a row


class ThirdProbe:
    """What is known of it on one device. ``found`` once, it stays: a probe may be as warm as the MOSFETs."""

    def __init__(self) -> None:
        self.found = False
        self._differed = 0  # frames in a row

    def judge(self, info: CellInfo) -> CellInfo:
        """Return ``info``, without a third probe as long as none is found. Every frame, in order."""
        if self.found:
            return info
        if info.temperature_3 is None:
            self._differed = 0
            return info
        self._differed += 1
        self.found = self._differed >= ENOUGH
        return info if self.found else msgspec.structs.replace(info, temperature_3=None)
