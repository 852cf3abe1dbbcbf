"""The machine of one link: traces of events, and what it orders at each point."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from jk_bms.errors import Verdict
from jk_bms.model.link import LinkState
from jk_bms.repair.ladder import LADDER, Circumstances, Rung
from jk_bms.repair.machine import (
    ASK_PATIENCE,
    FIRST_SILENCE,
    JITTER,
    LEAST_SILENCE,
    MOST_COMMANDS,
    SETTLED,
    Do,
    LinkMachine,
    Trouble,
)

ALONE = Circumstances()
MUTE = Trouble(Verdict.MUTE, "no frames")


class Trace:
    """A machine and a clock. Each word of a trace does one thing."""

    def __init__(self, around: Circumstances = ALONE) -> None:
        self.now = 1000.0
        self.around = around
        self.machine = LinkMachine(self.now, rng=random.Random(7))
        self.did: list[str] = []

    def play(self, words: Sequence[str]) -> list[str]:
        for word in words:
            what, _, value = word.partition(" ")
            getattr(self, what)(value)
        return self.did

    def wait(self, seconds: str) -> None:
        self.now += float(seconds)

    def up(self, _: str) -> None:
        self.machine.connecting(self.now)
        self.machine.connected(self.now + 1)
        self.now += 2
        self.machine.frame(self.now)

    def frames(self, seconds: str) -> None:
        for _ in range(int(float(seconds) * 2)):
            self.now += 0.5
            self.machine.frame(self.now)

    def fails(self, verdict: str) -> None:
        """An attempt of ten seconds that fails, when it is due."""
        self.machine.connecting(self.now)
        self.now += 10
        self.machine.lost(Trouble(Verdict(verdict), verdict), self.now)

    def drops(self, verdict: str) -> None:
        self.machine.lost(Trouble(Verdict(verdict), verdict), self.now)

    def next(self, _: str) -> None:
        order = self.machine.next(self.now, self.around)
        self.did.append(order.do.value if order.do is not Do.REPAIR else order.rung.code)

    def until_due(self, _: str) -> None:
        """Wait as told; note any repair."""
        order = self.machine.next(self.now, self.around)
        if order.do is Do.WAIT:
            self.now = order.until
        elif order.do is Do.REPAIR:
            self.did.append(order.rung.code)
            self.now += 5
            self.machine.repaired(order.rung, self.now, worked=True)
            if order.rung is Rung.FORGET:
                self.around = self.around._replace(forgotten=True)  # as the house says from then on

    def retry(self, word: str) -> None:
        """``retry 5 mute``: so many failed attempts, each when it is due."""
        times, verdict = word.split()
        for _ in range(int(times)):
            self.until_due("")
            self.until_due("")
            self.fails(verdict)

    def quiet(self, _: str) -> None:
        rung = self.machine.quiet(MUTE, self.now)
        self.did.append("-" if rung is None else rung.code)

    def state(self, _: str) -> None:
        self.did.append(self.machine.state.value)

    def outage(self, _: str) -> None:
        outage = self.machine.outage or (self.machine.over[-1] if self.machine.over else None)
        if outage is None:
            self.did.append("no outage")
        else:
            cure = "goes on" if outage.cure is None else outage.cure.code
            self.did.append(f"{outage.verdict.value}: {cure}")

    def release(self, seconds: str) -> None:
        self.machine.release(self.now + float(seconds), self.now)

    def resume(self, _: str) -> None:
        self.machine.resume(self.now)

    def visited(self, _: str) -> None:
        self.machine.visited(self.now)

    def repaired(self, word: str) -> None:
        self.machine.repaired(Rung[word.upper()], self.now, worked=True)


TRACES = {
    # name: (words, what was answered)
    "it begins with an attempt": (["next", "state"], ["connect", "searching"]),
    "all is well": (["up", "state", "frames 60", "quiet", "outage"], ["streaming", "-", "no outage"]),
    "a silence: asked again, and it speaks": (
        ["up", "frames 60", "wait 5.1", "quiet", "state", "quiet", "wait 1", "frames 1", "state", "outage"],
        ["ask", "silent", "-", "streaming", "mute: ask"],
    ),
    "a silence: asking does not help": (
        ["up", "frames 60", "wait 5.1", "quiet", "wait 4", "quiet", "wait 1.1", "quiet"],
        ["ask", "-", "reconnect"],
    ),
    "a lost link comes back": (
        ["up", "frames 60", "drops dropped", "next", "wait 3", "next", "up", "outage", "frames 31", "outage"],
        ["wait", "connect", "dropped: reconnect", "dropped: reconnect"],
    ),
    "a stale cache is forgotten at once, and only once": (
        ["fails stale_cache", "until_due", "up", "outage", "drops stale_cache", "next"],
        ["forget", "stale_cache: forget", "wait"],
    ),
    "a stuck adapter is switched off and on": (
        ["retry 3 adapter_wedged", "until_due", "up", "outage"],
        ["power_cycle", "adapter_wedged: power_cycle"],
    ),
    "an adapter that is off is switched on": (
        ["retry 2 adapter_off", "until_due", "up", "outage"],
        ["power_cycle", "adapter_off: power_cycle"],
    ),
    "mute: the adapter, in the end": (
        ["retry 9 mute", "outage"],
        ["power_cycle", "mute: goes on"],
    ),
    "a long trouble of another kind leaves forgetting to a stale cache": (
        ["retry 9 connect_failed", "retry 9 dropped", "retry 9 mute", "wait 99", "fails stale_cache", "next"],
        ["power_cycle", "forget"],
    ),
    "pairing: nothing that we do helps": (["retry 12 pairing_needed", "next"], ["wait"]),
    "the second attempt after a repair counts for it still": (
        ["retry 3 adapter_wedged", "until_due", "fails not_seen", "wait 99", "up", "outage"],
        ["power_cycle", "adapter_wedged: power_cycle"],
    ),
    "but not the third": (
        ["retry 3 adapter_wedged", "until_due", "fails not_seen", "fails not_seen", "up", "outage"],
        ["power_cycle", "adapter_wedged: reconnect"],
    ),
    "the most telling verdict is that of the outage": (
        ["up", "frames 60", "drops dropped", "fails adapter_blocked", "fails not_seen", "up", "outage"],
        ["adapter_blocked: reconnect"],
    ),
    "what follows from our own repair explains nothing": (
        ["retry 5 busy", "wait 60", "until_due", "fails adapter_off", "wait 9", "up", "outage"],
        ["power_cycle", "busy: power_cycle"],
    ),
    "back for a moment only: the same outage": (
        ["up", "frames 60", "drops dropped", "up", "frames 10", "drops dropped", "outage"],
        ["dropped: goes on"],
    ),
    "released and resumed": (
        ["up", "release 60", "next", "state", "wait 61", "next", "state"],
        ["rest", "released", "connect", "searching"],
    ),
    "resumed early": (["up", "release 600", "resume", "next"], ["connect"]),
    "released in the middle of an outage": (
        ["fails stale_cache", "release 60", "next", "outage", "resume", "next"],
        ["rest", "stale_cache: goes on", "connect"],
    ),
    "released during a repair": (
        ["fails stale_cache", "next", "release 60", "repaired forget", "state", "next"],
        ["forget", "released", "rest"],
    ),
    "a repair of which nothing is heard": (
        ["fails stale_cache", "next", "next", "wait 200", "next"],
        ["forget", "wait", "connect"],
    ),
    "a visit, and the next one": (
        ["up", "visited", "state", "next", "wait 30", "next"],
        ["waiting", "wait", "connect"],
    ),
}


@pytest.mark.parametrize(("words", "did"), TRACES.values(), ids=TRACES)
def test_trace(words: list[str], did: list[str]) -> None:
    assert Trace().play(words) == did


def test_pauses_grow_and_end() -> None:
    """Two seconds, four, ... a minute, each a fifth more or less."""
    pauses = []
    trace = Trace()
    for _ in range(10):
        trace.drops("pairing_needed")
        pauses.append(trace.machine.next(trace.now, ALONE).until - trace.now)
        trace.now += 100

    for pause, usual in zip(pauses, [2, 4, 8, 16, 32, 60, 60, 60, 60, 60], strict=True):
        assert usual * (1 - JITTER) <= pause <= usual * (1 + JITTER)
    assert len({round(pause / usual, 3) for pause, usual in zip(pauses[5:], [60] * 5, strict=True)}) > 1


def test_a_beeping_bms_is_left_in_peace_after_many_failures() -> None:
    trace = Trace()
    for _ in range(12):
        trace.drops("frames_refused")
        trace.now += 400

    pause = trace.machine.next(trace.now - 400, ALONE).until - (trace.now - 400)
    assert 300 * (1 - JITTER) <= pause <= 300 * (1 + JITTER)


def test_a_settled_link_has_a_clean_record() -> None:
    trace = Trace()
    trace.play(["retry 4 not_seen", "up", f"frames {SETTLED - 5}"])
    assert trace.machine.failures == 4

    trace.play(["frames 6"])

    assert trace.machine.failures == 0
    assert trace.machine.outage is None
    assert trace.machine.rung is Rung.NONE
    assert len(trace.machine.over) == 1


@pytest.mark.parametrize(("period", "silence"), [(0.5, LEAST_SILENCE), (1.0, LEAST_SILENCE), (4.0, 12.0)])
def test_silence_is_three_periods(period: float, silence: float) -> None:
    trace = Trace()
    trace.play(["up"])
    assert trace.machine.quiet_due() == trace.now + FIRST_SILENCE  # nobody knows the period yet
    for _ in range(20):
        trace.now += period
        trace.machine.frame(trace.now)

    assert trace.machine.quiet_due() == pytest.approx(trace.now + silence)


def day_of(trace: Trace, period: float, *, streams: bool) -> int:
    """A day on one link, or as long as it lasts; return how often it was asked.

    ``streams``: by itself, not only when asked.
    """
    trace.play(["up"])
    end, due, asked = trace.now + 86_400.0, trace.now + period, 0
    while trace.now < end:
        quiet = trace.machine.quiet_due()
        if streams and due < quiet:
            trace.now, due = due, due + period
            trace.machine.frame(trace.now)
            continue
        trace.now = quiet
        rung = trace.machine.quiet(MUTE, trace.now)
        if rung is Rung.RECONNECT:
            break
        if rung is Rung.ASK:
            asked += 1
            trace.machine.commanded(trace.now)
            if not streams:
                trace.now += 1.0
                trace.machine.frame(trace.now)
    return asked


@pytest.mark.parametrize("period", [11.0, 12.0, 14.0])
def test_a_bms_that_speaks_seldom_is_not_asked_each_time(period: float) -> None:
    """Each command may make it beep: its period is learnt from a frame that was waited for."""
    trace = Trace()

    assert day_of(trace, period, streams=True) <= 2
    assert trace.machine.quiet_due() == pytest.approx(trace.machine.last_frame + 3 * period)  # type: ignore[operator]


def test_a_bms_that_speaks_when_asked_is_asked() -> None:
    """It is waited for once on each link, and its silences grow no longer with each answer."""
    trace = Trace()

    asked = day_of(trace, 0.5, streams=False)

    assert asked == MOST_COMMANDS
    assert trace.machine._silence <= FIRST_SILENCE


def test_a_bms_that_never_answers_is_given_up_after_the_patience() -> None:
    trace = Trace()
    trace.machine.connecting(trace.now)
    trace.machine.connected(trace.now)

    assert trace.machine.quiet(MUTE, trace.now + 19.9) is None
    assert trace.machine.quiet(MUTE, trace.now + 20.1) is Rung.RECONNECT
    assert trace.machine.state is LinkState.IDENTIFYING


def test_not_more_than_24_commands_a_day_on_one_link() -> None:
    """Each makes some units beep; when they are used up it is only connected anew, later."""
    trace = Trace()
    trace.play(["up"])
    sent: list[float] = []
    for _ in range(7):  # the longest start-up
        trace.machine.commanded(trace.now)
        sent.append(trace.now)
    for _ in range(400):  # four days in which it stops every quarter of an hour
        trace.frames("40")
        trace.now += 860 + LEAST_SILENCE
        if trace.machine.quiet(MUTE, trace.now) is Rung.ASK:
            sent.append(trace.now)
            trace.machine.commanded(trace.now)
        assert sum(trace.now - at < 86_400 for at in sent) <= MOST_COMMANDS

    assert len(sent) > 2 * MOST_COMMANDS  # there are new ones each day


def test_without_commands_left_a_silence_ends_the_link_later() -> None:
    trace = Trace()
    trace.play(["up", "frames 60"])
    for _ in range(MOST_COMMANDS):
        trace.machine.commanded(trace.now)

    did = trace.play(["wait 5.1", "quiet", "state", "wait 10", "quiet", "wait 25", "quiet"])

    assert did == ["-", "silent", "-", "reconnect"]
    assert ASK_PATIENCE < 25


def test_hurry_brings_the_attempt_forward() -> None:
    trace = Trace()
    trace.play(["retry 6 not_seen", "next"])
    trace.machine.hurry(trace.now)

    assert trace.play(["next"]) == ["wait", "connect"]


def test_the_signal_of_an_error_is_remembered() -> None:
    trace = Trace()
    trace.machine.lost(Trouble(Verdict.NOT_SEEN, "", {"rssi": -93, "heard_ago": 40.0}), trace.now)

    assert trace.machine.signals[-1] == (trace.now - 40.0, -93)
    assert trace.machine.causes[0].code == "out_of_range"


# --- what the others allow


def due(verdict: str, around: Circumstances, failures: int = 12) -> list[str]:
    trace = Trace(around)
    return trace.play([f"retry {failures} {verdict}"])


def test_an_adapter_in_use_is_left_alone() -> None:
    assert due("stale_cache", Circumstances(in_use=True)) == ["forget"]
    assert due("mute", Circumstances(in_use=True)) == []
    assert due("adapter_wedged", Circumstances(in_use=True)) == []


def test_nothing_is_repaired_while_another_is() -> None:
    assert due("stale_cache", Circumstances(repairing=True)) == []


def test_nothing_is_repaired_where_there_is_nothing_to_repair() -> None:
    assert due("stale_cache", Circumstances(repairable=False)) == []


def test_forgotten_once_is_enough() -> None:
    assert due("not_a_bms", Circumstances(forgotten=True)) == []


@pytest.mark.parametrize(("patience", "rungs"), [(2, 2), (5, 5), (9, 9)])
def test_the_owner_sets_the_patience_with_the_adapter(patience: int, rungs: int) -> None:
    """MAX_CONSECUTIVE_ERRORS; long pauses so that only the count matters."""
    trace = Trace(Circumstances(adapter_failures=patience, forgotten=True))
    for failures in range(1, 12):
        trace.fails("busy")
        trace.now += 200
        if trace.machine.next(trace.now, trace.around).do is Do.REPAIR:
            assert failures == rungs
            return
    pytest.fail("the adapter was never repaired")


@pytest.mark.parametrize(
    ("around", "restarts"),
    [
        (Circumstances(), False),
        (Circumstances(may_restart=True), True),
        (Circumstances(may_restart=True, any_in_use=True), False),
        (Circumstances(may_restart=True, up_for=599.0), False),
        (Circumstances(may_restart=True, restarted_ago=3599.0), False),
    ],
)
def test_the_bluetooth_service_is_restarted_where_allowed(around: Circumstances, restarts: bool) -> None:
    assert ("restart_service" in due("service_down", around)) is restarts


def test_to_forget_a_device_is_tried_again_when_it_failed_but_not_at_once() -> None:
    trace = Trace()
    tried: list[float] = []
    while trace.now < 1000.0 + 1800.0:
        order = trace.machine.next(trace.now, trace.around)
        if order.do is Do.REPAIR and order.rung is Rung.FORGET:
            tried.append(trace.now)
        if order.do is Do.REPAIR:
            trace.machine.repaired(order.rung, trace.now, worked=order.rung is not Rung.FORGET)
        elif order.do is Do.WAIT:
            trace.now = order.until
        else:
            trace.fails("stale_cache")

    apart = [after - before for before, after in pairwise(tried)]
    assert len(apart) >= 3
    assert min(apart) >= LADDER[Verdict.STALE_CACHE][Rung.FORGET].again
