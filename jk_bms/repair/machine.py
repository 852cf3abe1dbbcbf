"""The link to one device as a machine of states: what happened goes in, what to do comes out.

The driver (``sources/held.py``) tells what it saw and asks ``next``; while a link is open it asks
``quiet``. It decides nothing itself. Times are seconds of any clock that never steps, the same in
all calls; jitter comes from the random numbers that the machine is given.
"""

import random
from collections import Counter, deque
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from jk_bms.errors import SourceError, Verdict
from jk_bms.model.link import Cause, LinkState
from jk_bms.repair.causes import Evidence, causes, telling
from jk_bms.repair.ladder import Circumstances, Rung, next_rung

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # s between two attempts, doubling
JITTER = 0.2  # so that several packs do not try in step
# It is there and hears us, but does not give what it should: each attempt makes it beep.
BEEPING = frozenset(
    {Verdict.MUTE, Verdict.FROZEN, Verdict.FRAMES_REFUSED, Verdict.NOT_A_BMS, Verdict.INTERNAL_ERROR}
)
BEEPING_PAUSE = 300.0  # s, the longest for those
MANY_FAILURES = 8  # from here on that counts
SETTLED = 30.0  # s of frames after which an outage is over and its counters are cleared
SIGNALS = 20  # RSSI values that are remembered
SILENT_PERIODS, LEAST_SILENCE = 3.0, 5.0  # s
FIRST_SILENCE = 10.0  # s, while the period is not known yet
LONGEST_PERIOD = 60.0  # s that is believed between two frames
ASK_PATIENCE = 5.0  # s for an answer to asking again
MOST_COMMANDS = 24  # a day, on one held link
NO_MORE_ASKING = 30.0  # s more of patience when that is used up
SOON = 1.0  # s
REPAIR_LIMIT = 180.0  # s after which a repair of which nothing was heard counts as failed
AFTERMATH = 20.0  # s after a repair in which what is met may be its own doing
STILL_ITS_DOING = 1  # failed attempts after a repair that may yet have helped
MOST_STEPS = 64  # that are remembered of one outage
LENT_LATELY = 900.0  # s
HOUR = 3600.0


class Do(Enum):
    """What the driver is to do now."""

    CONNECT = "connect"
    WAIT = "wait"  # until ``Order.until``, or until a client wants something; then ask again
    REPAIR = "repair"  # ``Order.rung``, then tell ``repaired``
    REST = "rest"  # keep away until ``Order.until``; then ask again


class Order(NamedTuple):
    """What to do, until when or with which rung."""

    do: Do
    until: float = 0.0
    rung: Rung = Rung.NONE


class Trouble(NamedTuple):
    """Why an attempt or a session ended, or why an open link is silent."""

    verdict: Verdict
    message: str
    evidence: Mapping[str, Any] = {}  # under the names of ``causes.Evidence``

    @classmethod
    def of(cls, error: SourceError) -> "Trouble":
        """Return what an error tells."""
        return cls(error.verdict, str(error), error.evidence)


class Heard(NamedTuple):
    """How strong the device was heard, in dBm, and when."""

    at: float
    rssi: int


class RungTaken(NamedTuple):
    """A rung that was taken."""

    rung: Rung
    at: float
    worked: bool = True  # it could be carried out


class Outage(msgspec.Struct, kw_only=True):
    """A time without data: for the record, and for the owner who asks what helped."""

    began: float  # the last good frame, or when we first looked for it
    verdict: Verdict  # the most telling one that was met
    message: str
    causes: tuple[Cause, ...]  # of that verdict
    attempts: int = 0  # that failed
    relapses: int = 0  # it was back, but not for long
    steps: list[RungTaken] = msgspec.field(default_factory=list)
    ended: float | None = None  # None: it goes on
    cure: Rung | None = None  # None: it goes on, or was broken off by a release


class DayCount:
    """Counts what happens, by the hour."""

    def __init__(self) -> None:
        self._hours: Counter[int] = Counter()

    def add(self, now: float, count: int = 1) -> None:
        """Count one, or several."""
        self._hours[int(now // HOUR)] += count

    def last_day(self, now: float) -> int:
        """Return how many there were in the last 24 h, those of the whole first hour included."""
        first = int(now // HOUR) - 24
        for hour in [hour for hour in self._hours if hour < first]:
            del self._hours[hour]
        return self._hours.total()

    def hours(self, now: float) -> list[tuple[float, int]]:
        """Return the middle of each hour, which may lie ahead, and how many of those were in it."""
        self.last_day(now)
        return [((hour + 0.5) * HOUR, count) for hour, count in sorted(self._hours.items())]


class LinkMachine:
    """One device. Events are methods that take ``now``; ``next`` says what to do.

    ``patience``: s for the first good frame on an open link. ``interval``: s between two visits of
    a link that is not held.
    """

    def __init__(
        self,
        now: float,
        *,
        patience: float = 20.0,
        interval: float = 30.0,
        rng: random.Random | None = None,
    ) -> None:
        self.state = LinkState.SEARCHING
        self.since = now
        self.trouble: Trouble | None = None
        self.causes: tuple[Cause, ...] = ()  # of the trouble
        self.outage: Outage | None = None  # stays until the link has settled
        self.over: deque[Outage] = deque(maxlen=32)  # outages that are over, for the driver to take
        self.failures = 0  # consecutive
        self.connects = 0
        self.last_frame: float | None = None
        self.signals: deque[Heard] = deque(maxlen=SIGNALS)
        self.released_until: float | None = None
        self.commands = DayCount()
        self.known = False  # it gave data before, perhaps to an earlier run
        self.patience = patience
        self._interval = interval
        self._rng = rng or random.Random()
        self._no_data_since = now
        self._due = now  # the next attempt
        self._tried: dict[Rung, float] = {}  # when, in this outage
        self._failed_since = 0  # attempts since the last repair
        self._repaired = False  # something was repaired in this outage
        self._frames_since: float | None = None  # of this link
        self._connected: float | None = None  # since when
        self._link_commands = DayCount()
        self._period: float | None = None
        self._asked: float | None = None  # in this silence
        # s that the next frame may take by itself; 0: that is known by now.
        self._waiting: float | None = None
        self._lent: float | None = None  # until when it was released last

    # What happened

    def seen(self, rssi: int, now: float) -> None:
        """The device was heard advertising."""
        self.signals.append(Heard(now, rssi))

    def connecting(self, now: float) -> None:
        """An attempt begins."""
        self._enter(LinkState.CONNECTING, now)

    def connected(self, now: float) -> None:
        """The link is open; the BMS is asked who it is."""
        self.connects += 1
        self._connected = now
        self._frames_since = self._asked = self._waiting = None
        self._link_commands = DayCount()
        self._enter(LinkState.IDENTIFYING, now)

    def commanded(self, now: float) -> None:
        """A command was written."""
        self.commands.add(now)
        self._link_commands.add(now)

    def frame(self, now: float) -> None:
        """A good frame came."""
        if self._frames_since is None:
            self._frames_since = now
        elif self.last_frame is not None:
            self._learn_period(min(now - self.last_frame, LONGEST_PERIOD))
        outage = self.outage
        if outage is not None and outage.ended is None:
            outage.ended = now
            outage.cure = self._what_helped()
        self.trouble = None
        self.causes = ()
        self.known = True
        self.last_frame = now
        self._asked = None
        if self.state is not LinkState.STREAMING:
            self._enter(LinkState.STREAMING, now)
        if (self.failures or self.outage is not None) and now - self._frames_since >= SETTLED:
            self._settle()

    def lost(self, trouble: Trouble, now: float) -> None:
        """An attempt failed, or the link went away."""
        rssi, ago = trouble.evidence.get("rssi"), trouble.evidence.get("heard_ago")
        if isinstance(rssi, int):
            self.seen(rssi, now - (ago or 0.0))
        self.failures += 1
        self._failed_since += 1
        self._note(trouble, now)
        assert self.outage is not None
        self.outage.attempts += 1
        longest = LONGEST_PAUSE
        if trouble.verdict in BEEPING and self.failures > MANY_FAILURES:
            longest = BEEPING_PAUSE
        pause = min(longest, FIRST_PAUSE * 2.0 ** min(self.failures - 1, 10))
        if trouble.verdict is Verdict.INTERNAL_ERROR:  # it may come after frames that clear the count
            pause = max(pause, LONGEST_PAUSE)
        self._due = now + pause * self._rng.uniform(1.0 - JITTER, 1.0 + JITTER)
        self._frames_since = self._asked = self._connected = None
        self._enter(LinkState.SEARCHING, now)

    def visited(self, now: float) -> None:
        """A link that is not held gave its sample and was closed."""
        self._due = self._no_data_since = now + self._interval
        self._frames_since = self._asked = self._connected = None
        self._settle()
        self._enter(LinkState.WAITING, now)

    def repaired(self, rung: Rung, now: float, *, worked: bool) -> None:
        """A repair was carried out, or could not be."""
        self._tried[rung] = now
        self._step(RungTaken(rung, now, worked))
        if worked:
            self._repaired = True
            self._failed_since = 0
            self._due = now
        if self.state is LinkState.REPAIRING:
            self._enter(LinkState.SEARCHING, now)

    def release(self, until: float, now: float) -> None:
        """Keep away until then: another program wants to connect."""
        if self.released_until is None and self.outage is not None:
            self.outage.ended = self.outage.ended or now
        self.released_until = until
        self._settle()
        self._frames_since = self._asked = self._connected = None
        self.trouble = Trouble(
            Verdict.RELEASED, "left alone on request, so that another program or a phone can connect"
        )
        self.causes = causes(Verdict.RELEASED, Evidence())
        self._enter(LinkState.RELEASED, now)

    def resume(self, now: float) -> None:
        """The release is over."""
        if self.released_until is None:
            return
        self.released_until = self.trouble = None
        self.causes = ()
        self._lent = self._due = self._no_data_since = now
        self._enter(LinkState.SEARCHING, now)

    def hurry(self, now: float) -> None:
        """A client wants a reading, or the adapter came back: do not wait for the next attempt."""
        self._due = min(self._due, now)

    # What to do

    def next(self, now: float, around: Circumstances) -> Order:
        """Return what to do while no link is open."""
        if self.released_until is not None:
            if now < self.released_until:
                return Order(Do.REST, self.released_until)
            self.resume(now)
        if self.state is LinkState.REPAIRING:
            if now - self.since < REPAIR_LIMIT:
                return Order(Do.WAIT, self.since + REPAIR_LIMIT)
            self._enter(LinkState.SEARCHING, now)
        rung = self._rung_due(now, around)
        if rung is not None:
            # It counts as tried from here on, also when nothing is ever heard of it.
            self._tried[rung] = now
            self._enter(LinkState.REPAIRING, now)
            return Order(Do.REPAIR, rung=rung)
        if now < self._due:
            return Order(Do.WAIT, self._due)
        if around.repairing:  # the adapter may be gone any moment, and not for our sake
            return Order(Do.WAIT, now + SOON)
        return Order(Do.CONNECT)

    def quiet_due(self) -> float:
        """When ``quiet`` is next worth a call on an open link."""
        if self._frames_since is None or self.last_frame is None:
            return (self.since if self._connected is None else self._connected) + self.patience
        due = self.last_frame + self._silence
        if self._asked is not None:
            return max(due, self._asked + ASK_PATIENCE)
        return due + NO_MORE_ASKING if self.state is LinkState.SILENT else due

    def quiet(self, trouble: Trouble, now: float) -> Rung | None:
        """Return what to do about an open link on which nothing good came for a while.

        None: nothing yet. ASK, or RECONNECT when asking did not help, or is not allowed any more.
        ``trouble``: what the silence looks like.
        """
        if now < self.quiet_due():
            return None
        if self._frames_since is None:
            return Rung.RECONNECT
        if self.state is LinkState.SILENT:
            return Rung.RECONNECT
        self._enter(LinkState.SILENT, now)
        self._waiting = self._waiting and 0.0
        self._note(trouble, now)
        if self._link_commands.last_day(now) >= MOST_COMMANDS:
            return None
        self._asked = now
        self._step(RungTaken(Rung.ASK, now))
        return Rung.ASK

    @property
    def rung(self) -> Rung:
        """The highest rung of the outage that goes on or has only just ended."""
        if self.outage is None:
            return Rung.NONE
        reached = max((step.rung for step in self.outage.steps), default=Rung.NONE)
        return max(reached, Rung.RECONNECT) if self.outage.attempts else reached

    # Inside

    def _learn_period(self, gap: float) -> None:
        """Learn from a frame that came ``gap`` s after the one before how often they come."""
        if self.state is LinkState.SILENT:
            # It was asked meanwhile. Would it have come by itself? Once on each link that is waited for.
            if self._waiting is None:
                self._waiting = gap
        elif self._period is None or (self._waiting and gap > self._usual_silence):
            self._period, self._waiting = gap, 0.0
        else:
            self._period += 0.1 * (gap - self._period)

    @property
    def _silence(self) -> float:
        """So many s without a good frame are silence on a streaming link."""
        return max(self._usual_silence, SILENT_PERIODS * (self._waiting or 0.0))

    @property
    def _usual_silence(self) -> float:
        if self._period is None:
            return FIRST_SILENCE
        return max(LEAST_SILENCE, SILENT_PERIODS * self._period)

    def _rung_due(self, now: float, around: Circumstances) -> Rung | None:
        outage = self.outage
        if outage is None or self.trouble is None or (self._repaired and not self._failed_since):
            return None  # the last repair is not tried yet
        ago = {rung: now - at for rung, at in self._tried.items()}
        return next_rung(self.trouble.verdict, self.failures, now - outage.began, ago, around)

    def _what_helped(self) -> Rung:
        """The last repair, if the link came back soon after it; else connecting anew, or less."""
        assert self.outage is not None
        if self._asked is not None:
            return Rung.ASK
        repairs = [step.rung for step in self.outage.steps if step.worked and step.rung > Rung.ASK]
        if repairs and self._failed_since <= STILL_ITS_DOING:
            return repairs[-1]
        return Rung.RECONNECT if self.outage.attempts else Rung.NONE

    def _step(self, step: RungTaken) -> None:
        if self.outage is not None and len(self.outage.steps) < MOST_STEPS:
            self.outage.steps.append(step)

    def _note(self, trouble: Trouble, now: float) -> None:
        """Take over a trouble, and open an outage or go on with the one that seemed over."""
        self.trouble = trouble
        self.causes = causes(trouble.verdict, self._evidence(trouble, now))
        if self.outage is None:
            began = self._no_data_since if self.last_frame is None else self.last_frame
            self.outage = Outage(
                began=min(now, max(began, self._no_data_since)),
                verdict=trouble.verdict,
                message=trouble.message,
                causes=self.causes,
            )
            return
        outage = self.outage
        if outage.ended is not None:
            outage.ended = outage.cure = None
            outage.relapses += 1
        disturbed = any(step.rung >= Rung.POWER_CYCLE and now - step.at < AFTERMATH for step in outage.steps)
        says_more = telling(trouble.verdict) > telling(outage.verdict) and not disturbed
        if says_more or trouble.verdict is outage.verdict:
            outage.verdict, outage.message = trouble.verdict, trouble.message
            outage.causes = self.causes

    def _evidence(self, trouble: Trouble, now: float) -> Evidence:
        signal = self.signals[-1] if self.signals else None
        return Evidence.of(
            trouble.evidence,
            rssi=None if signal is None else signal.rssi,
            heard_ago=None if signal is None else now - signal.at,
            known=self.known,
            spoke=self._frames_since is not None,
            connected_for=None if self._connected is None else now - self._connected,
            lent=self._lent is not None and now - self._lent < LENT_LATELY,
            failures=self.failures,
        )

    def _settle(self) -> None:
        """All is well: what was counted against the device is forgotten."""
        self.failures = 0
        self.trouble = None
        self.causes = ()
        if self.outage is not None and self.outage.ended is not None:
            self.over.append(self.outage)
        self.outage = None
        self._failed_since, self._repaired = 0, False
        self._tried.clear()

    def _enter(self, state: LinkState, now: float) -> None:
        if self.state is not state:
            self.state, self.since = state, now
