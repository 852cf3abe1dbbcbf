"""What we say to a BMS after connecting, and when. Pure: the caller brings the time.

A BMS streams cell info by itself once asked for device info and then for its settings, in this
order; newer firmware stays silent otherwise. A busy one ignores a command, so each waits for the
ready frame that ends the answer to the one before. Every command makes some units beep.
"""

from enum import StrEnum
from typing import NamedTuple

from jk_bms.protocol.commands import READ_DEVICE_INFO, READ_SETTINGS
from jk_bms.protocol.frame import FrameKind


class Phase(StrEnum):
    """How far the conversation has come."""

    DEVICE_INFO = "asking device info"
    SETTINGS = "asking settings"
    STREAMING = "streaming"
    MUTE = "mute"  # everything was asked, nothing more will be: time to reconnect


class Question(NamedTuple):
    """One question of the start-up."""

    phase: Phase
    command: bytes
    expected: frozenset[FrameKind]  # any of these answers it
    delay: float  # s before the first try
    patience: float  # s until it is asked again
    tries: int  # then we go on without


# Delays as the phone app has them, order and patience from the behaviour of the firmwares. The
# last question starts the stream; whether that worked shows in the stream alone.
STEPS: tuple[Question, ...] = (
    Question(Phase.DEVICE_INFO, READ_DEVICE_INFO, frozenset({FrameKind.DEVICE_INFO}), 0.3, 2.0, 3),
    Question(
        Phase.SETTINGS, READ_SETTINGS, frozenset({FrameKind.SETTINGS, FrameKind.CELL_INFO}), 0.5, 5.0, 1
    ),
)
READY_PATIENCE = 1.0  # s; a ready frame can get lost: then the answer alone must do
NO_STREAM = 5.0  # s after the last answer without cell info, about ten frames: ask again
REPEATS = 3  # so often; then only a new connection helps


class Conversation:
    """The start-up and its repeats until the stream begins; one for each connection.

    Tell it what happens (``started``, ``on_frame``, ``on_ready``), write what ``due`` returns and
    call again at ``next_due``. Times are monotonic seconds. Whether a stream that stopped is asked
    for again is not decided here: ``AGAIN`` is what to write then.
    """

    AGAIN = READ_SETTINGS

    def __init__(self) -> None:
        self.commands = 0  # sent so far
        self._step = 0  # index into STEPS; beyond the last: streaming
        self._tries = 0  # of this step, or repeats because the stream did not begin
        self._answered = False
        self._ready = False
        self._streams = False
        self._next: float | None = None

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self._step < len(STEPS):
            return STEPS[self._step].phase
        return Phase.STREAMING if self._streams or self._next is not None else Phase.MUTE

    def started(self, now: float) -> None:
        """Notifications are on: begin."""
        self._next = now + STEPS[0].delay

    def on_frame(self, kind: FrameKind, now: float) -> None:
        """A frame came."""
        if self._step == len(STEPS):
            if kind is FrameKind.CELL_INFO:
                self._streams = True
                self._next = None
        elif self._tries and not self._answered and kind in STEPS[self._step].expected:
            self._answered = True
            self._next = now + READY_PATIENCE
            self._advance(now)

    def on_ready(self, now: float) -> None:
        """A ready frame came: the BMS has done with the last command."""
        if self._step < len(STEPS) and self._tries:
            self._ready = True
            self._advance(now)

    def due(self, now: float) -> bytes | None:
        """Return the command to be written now; None when it is not time."""
        while self._next is not None and now >= self._next:
            if self._step == len(STEPS):
                if self._tries < REPEATS:
                    return self._ask(self.AGAIN, now + NO_STREAM)
                self._next = None
            elif self._answered:  # but no ready frame came
                self._go_on(now)
            elif self._tries < STEPS[self._step].tries:
                step = STEPS[self._step]
                return self._ask(step.command, now + step.patience)
            else:
                self._go_on(now)
                self._next = now  # it was long enough
        return None

    def next_due(self) -> float | None:
        """Return the time at which ``due`` is worth a call; None when it never will be."""
        return self._next

    def _ask(self, command: bytes, until: float) -> bytes:
        self.commands += 1
        self._tries += 1
        self._ready = False
        self._next = until
        return command

    def _advance(self, now: float) -> None:
        if self._answered and self._ready:
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        self._step += 1
        self._tries = 0
        self._answered = self._ready = False
        self._next = now + (STEPS[self._step].delay if self._step < len(STEPS) else NO_STREAM)
