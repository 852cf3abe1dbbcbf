"""What the poller knows of the Telegram bot, which is a process of its own: it gives a sign of life each minute.

A bot that is gone cannot say so itself; the poller says it, in ``status``, ``check`` and to DEADMAN_URL.
"""

from jk_bms.clock import Clock
from jk_bms.texts.durations import span

# s of real time without a sign of life, however fast the time of a simulated house runs: a restart or an
# update of the bot is over by then.
GONE = 300.0

# States that it tells of itself; of any other, what is wrong.
WELL = frozenset({"well", "away"})  # away: Telegram cannot be reached, which the house cannot mend
TROUBLES = {
    "taken": "another program uses the same TELEGRAM_BOT_TOKEN, so commands go unanswered; alerts are sent",
    "webhook": "another program set a webhook for TELEGRAM_BOT_TOKEN, so commands go unanswered; alerts are sent",
    "unknown_token": "Telegram does not know TELEGRAM_BOT_TOKEN: no alert and no answer goes out; "
    "expected the token that @BotFather shows",
}


class BotPresence:
    """When the bot was last heard of and how it did then. ``wanted``: there is a token for it."""

    def __init__(self, clock: Clock, *, wanted: bool) -> None:
        self._clock = clock
        self._wanted = wanted
        self._started = clock.monotonic()
        self._heard: float | None = None  # s since boot
        self._state = ""

    def heard(self, state: object) -> None:
        """Note a sign of life; an older bot tells no state with it."""
        self._heard = self._clock.monotonic()
        self._state = state if isinstance(state, str) else "well"

    @property
    def state(self) -> str | None:
        """How it said that it does; None: it was not heard of yet."""
        return self._state or None

    @property
    def heard_ago(self) -> float | None:
        """How many s ago it was last heard of; None: not yet."""
        return None if self._heard is None else self._clock.monotonic() - self._heard

    def trouble(self, *, known: bool) -> str:
        """Return what is wrong with the bot; "" when nothing is.

        ``known``: it ran here before. A token that only another program uses brings no bot of ours.
        """
        if not self._wanted:
            return ""
        since = self._started if self._heard is None else self._heard
        silent = (self._clock.monotonic() - since) / self._clock.speed
        if silent >= GONE and (known or self._heard is not None):
            return f"the bot has not been heard of for {span(silent)}: no alert and no answer goes out"
        return "" if self._state in WELL else TROUBLES.get(self._state, "")
