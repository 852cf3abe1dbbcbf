"""Notifications that each arrive twice, as one firmware (15.38) was seen to send them. Pure.

Two equal ones in a row mean nothing: a frame cut into pieces of 20 bytes has several of zeros. That
many different ones in a row come exactly twice each does not happen by itself.
"""

ENOUGH = 4  # different ones in a row, as one frame in pieces of 128 and 22 has, of together ...
ENOUGH_BYTES = 100
OFF = 3  # single ones in a row: each arrives once again


class Doubled:
    """Tells the second of each two once that is how they arrive: ``on``."""

    def __init__(self) -> None:
        self.on = False
        self.pairs: list[bytes] = []  # what came twice in a row, once each, until it is ``on``
        self._last: bytes | None = None  # a first one that waits for its second
        self._single = 0  # in a row

    def again(self, chunk: bytes) -> bool:
        """Take a notification; return whether it is the one before again, and that is how they arrive."""
        if chunk == self._last:
            self._last = None
            self._single = 0
            if not self.on:
                self.pairs.append(chunk)
                self.on = len(set(self.pairs)) >= ENOUGH and sum(map(len, self.pairs)) >= ENOUGH_BYTES
            return self.on
        if self._last is not None:
            self._single += 1
            self.pairs.clear()
            if self._single >= OFF:
                self.on = False
        self._last = chunk
        return False
