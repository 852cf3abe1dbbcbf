"""The rule engine: what is seen goes in, steps of alerts come out.

Pure: no I/O, no clock, no text for people. Durations are judged by the time since boot, which
never steps; the wall clock only dates what people read and tells quiet hours. Whatever must
survive a restart is in ``state``.
"""

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any, NamedTuple

import msgspec

from jk_bms.model.alarms import Severity
from jk_bms.rules.base import (
    Alert,
    Grade,
    HostView,
    HouseView,
    InverterView,
    Look,
    Moment,
    Notice,
    PackView,
    Rule,
    beyond,
)
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.causes import place_in_emptying, says_more, urgency
from jk_bms.rules.options import Options
from jk_bms.rules.watch import Change, Watch, advance, back

VERSION = 1  # of the state
FLAP_GUARD = 600.0  # s after its end was told in which an alert that comes back must stand for a while
FLAP_DOUBLINGS = 3  # the guard doubles each time that it was needed, up to eight times as long
CALM = 86_400.0  # s after its end from which an alert is a new one, counted from one
BEFORE = 0.001  # s by which all that was stored lies before the first moment of a new boot
GONE = 21_600.0  # s for which the pack was heard without what an alert names: then the others tell its end
UNMEASURED = 86_400.0  # s for which it was heard without any value of the kind: then an alert ends as unknown
CLEARING = 900.0  # s in which an alert is over, or what looked so was not
HEARD = 300.0  # s at most that one look counts for: a pack that was silent for hours was not heard
REPEAT_EARLY = 0.5  # s: a repeat need not wait for the next look because of a rounding

# s between the messages of a critical alert that no owner has acknowledged; then as all others.
PAUSES = (600.0, 1800.0, 7200.0, 21_600.0)

View = PackView | InverterView | HouseView | HostView


class _Stored(NamedTuple):
    """The moment of a stored state."""

    boot: str
    at: float
    time: datetime
    trusted: bool
    met: bool = False  # whether all times were put on this boot's scale; then ``at`` is on it, too


class Engine:
    """Judges views by rules. ``faults`` names the rules that failed and why."""

    def __init__(self, options: Options, rules: Sequence[Rule] = RULES, *, boot: str = "") -> None:
        """``boot`` names this boot of the machine: only within it does time since boot compare."""
        self.options = options
        self.faults: dict[str, str] = {}
        self._rules = {rule.name: rule for rule in rules}
        self._codes: dict[int, tuple[Rule, Grade]] = {}  # filled when they are asked for
        self._by_scope = {
            scope: tuple(rule for rule in rules if rule.scope is scope)
            for scope in (PackView, InverterView, HouseView, HostView)
        }
        self._boot = boot
        self._watches: dict[str, dict[str, dict[str, Watch]]] = {}  # by subject, rule, part
        self._known: set[tuple[str, str]] = set()  # subject and rule that were seen on the good side
        self._began: float | None = None
        self._now: Moment | None = None
        self._stored: _Stored | None = None  # until it is known how long ago that was

    def look(self, subject: str, view: View, now: Moment) -> list[Notice]:
        """Judge ``view`` of ``subject`` by every rule of its kind; an error ends only its own rule."""
        self._arrive(now)
        of_subject = self._watches.get(subject)
        if of_subject is None:
            of_subject = self._watches[subject] = {}
        notices: list[Notice] = []
        for rule in self._by_scope[type(view)]:
            try:
                looks = rule.look(view)
                watches = of_subject.get(rule.name)
                if looks is None:
                    if watches and _measures_nothing(rule, view):
                        self._count_unmeasured(rule, watches, now, notices)
                    continue
                if looks or watches:
                    grades = self.options.wanted(subject, rule, rule.grades(view))
                    self._judge(subject, rule, grades, looks, watches, now, notices)
            except Exception as error:  # a rule must never cost us the others
                self.faults[rule.name] = f"{type(error).__name__}: {error}"
        return notices

    def tick(self, now: Moment) -> list[Notice]:
        """Return what has become due by time: repeats, and what was kept quiet until now."""
        self._arrive(now)
        notices = []
        due: list[tuple[Rule, Watch]] = []
        for subject, rule, part, watch in list(self._all()):
            if now.trusted and not watch.dated and watch.alert is not None:
                watch.alert.since = _date(now, _began(watch))
                watch.dated = True
            if self._mute_is_over(watch, now):
                watch.muted = watch.muted_for = None
            if watch.ending is not None and self._end_silence(rule, watch, now) is None:
                notices.append(self._tell_end(watch, now))
            what = self._owed(rule, watch, now)
            if what is not None and self._silence(rule, watch, now) is None:
                if what == "repeat":
                    due.append((rule, watch))
                else:
                    notices.append(self._tell(what, rule, watch, now))
            if watch.idle(now.at, CALM):
                self._drop(subject, rule.name, part)
        if due:
            notices.append(self._remind(due, now))
        return notices

    def open(self) -> list[Alert]:
        """Return the alerts that stand now, the worst first, then the oldest."""
        return self._pictures(self._standing())

    def listed(self) -> list[Alert]:
        """Return those of them that say something beside the others, in the same order."""
        return self._pictures(
            (rule, watch) for rule, watch in self._standing() if not self._is_hidden(rule, watch)
        )

    def mute(
        self,
        subject: str,
        rule: str,
        part: str,
        *,
        until: datetime | None = None,
        until_cleared: bool = False,
        now: Moment,
    ) -> None:
        """Keep an alert quiet ``until`` a time or until it is over. Something worse is told all the same.

        Raises LookupError for an unknown rule, ValueError when no end is given.
        """
        if rule not in self._rules:
            raise LookupError(f"rule is {rule!r}; expected one of {', '.join(self._rules)}")
        if until is None and not until_cleared:
            raise ValueError("mute: expected until when")
        self._arrive(now)
        watch = self._watches.setdefault(subject, {}).setdefault(rule, {}).setdefault(part, Watch())
        if watch.alert is None and until is None:
            return  # it is over already
        watch.muted = now.at
        watch.muted_for = None if until is None else (until - now.time).total_seconds()
        watch.muted_severity = watch.alert.severity if watch.alert else Severity.CRITICAL

    def unmute(self, subject: str, rule: str, part: str) -> None:
        """End a mute; without one nothing happens."""
        watch = self._watches.get(subject, {}).get(rule, {}).get(part)
        if watch is not None:
            watch.muted = watch.muted_for = None

    def acknowledge(self, subject: str, rule: str, part: str, *, by: str, now: Moment) -> Notice | None:
        """Note that ``by``, an owner, has seen an open alert: it is not repeated as an urgent one any more.

        Something worse is. None when that was acknowledged before. Raises LookupError when it is not open.
        """
        self._arrive(now)
        watch = self._watches.get(subject, {}).get(rule, {}).get(part)
        if watch is None or watch.alert is None:
            raise LookupError(f"no alert {rule!r} of {subject!r} is open")
        if _acknowledged(watch):
            return None
        watch.acknowledged, watch.acknowledged_by = now.at, by
        watch.acknowledged_severity = watch.alert.severity
        return Notice("acknowledged", self._picture(watch), silent=True)

    def acknowledge_all(self, *, by: str, now: Moment) -> Notice | None:
        """Note that ``by``, an owner, has seen every critical alert that is open. None when there is none to be seen."""
        self._arrive(now)
        seen = [
            (rule, watch)
            for rule, watch in self._standing()
            if watch.alert is not None
            and watch.alert.severity >= Severity.CRITICAL
            and not _acknowledged(watch)
        ]
        shown = [(rule, watch) for rule, watch in seen if not self._is_hidden(rule, watch)] or seen
        for _, watch in seen:
            assert watch.alert is not None
            watch.acknowledged, watch.acknowledged_by = now.at, by
            watch.acknowledged_severity = watch.alert.severity
        pictures = self._pictures(shown)
        return (
            Notice("acknowledged", pictures[0], silent=True, also=tuple(pictures[1:])) if pictures else None
        )

    def keep(self, subjects: Collection[str]) -> None:
        """Forget all others: packs that the owner has taken away."""
        self._watches = {name: rules for name, rules in self._watches.items() if name in subjects}
        self._known = {(name, rule) for name, rule in self._known if name in subjects}

    def use(self, options: Options) -> None:
        """Go on by these options; an alert that the owner does not want any more is no alert."""
        self.options = options
        for subject, rule, part, watch in list(self._all()):
            if watch.alert is not None and options.is_off(subject, watch.alert.code):
                self._drop(subject, rule.name, part)

    def find(self, code: int) -> tuple[Rule, Grade] | None:
        """Return the rule and grade that people know as ``code``; None when there is none."""
        if not self._codes:
            # Where grades share a code, the worst one stays.
            self._codes = {
                grade.code: (rule, grade)
                for rule in self._rules.values()
                for grade in reversed(rule.grades(rule.example()))
            }
        return self._codes.get(code)

    def example(self, code: int, now: Moment, subject: str = "test") -> Notice:
        """Return an invented alert of ``code`` with believable values, marked ``test`` in its facts.

        Raises LookupError for an unknown code.
        """
        found = self.find(code)
        if found is None:
            raise LookupError(f"no alert has the code {code}")
        rule, grade = found
        looks = rule.look(rule.example()) or {}
        part, look = next((part, look) for part, look in looks.items() if look is not None)
        alert = Alert(
            subject=subject,
            rule=rule.name,
            part=part,
            code=code,
            severity=grade.severity,
            value=grade.set,
            set=grade.set,
            clear=grade.clear,
            peak=grade.set,
            since=now.time,
            facts={**look.facts, "test": True},
        )
        return Notice("raised", alert)

    def state(self) -> dict[str, Any]:
        """Return everything that must survive a restart, as plain JSON values."""
        now, stored = self._now, self._stored
        if stored is None and now is not None:
            stored = _Stored(self._boot, now.at, now.time, now.trusted)
        elif stored is not None and now is not None:  # since then at least this long
            least = stored.time + timedelta(seconds=now.at - stored.at)
            stored = stored._replace(at=now.at, time=least)
        return {
            "version": VERSION,
            "moment": stored and [stored.boot, stored.at, stored.time.isoformat(), stored.trusted],
            "known": sorted(map(list, self._known)),
            "watches": [
                [subject, rule.name, part, msgspec.to_builtins(watch, str_keys=True)]
                for subject, rule, part, watch in self._all()
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``. Raises KeyError, TypeError or ValueError when it is none of ours."""
        if state["version"] != VERSION:
            raise ValueError(f"state of alerts has version {state['version']}; expected {VERSION}")
        watches: dict[str, dict[str, dict[str, Watch]]] = {}
        for subject, rule, part, plain in state["watches"]:
            watch = msgspec.convert(plain, Watch, str_keys=True)
            unwanted = watch.alert is not None and self.options.is_off(subject, watch.alert.code)
            if rule in self._rules and not unwanted:
                watches.setdefault(subject, {}).setdefault(rule, {})[part] = watch
        stored = None
        if state["moment"] is not None:
            boot, at, time, trusted = state["moment"]
            stored = _Stored(str(boot), float(at), datetime.fromisoformat(time), bool(trusted))
        self._known = {(subject, rule) for subject, rule in state["known"]}
        self._watches, self._stored = watches, stored

    # Judging

    def _judge(
        self,
        subject: str,
        rule: Rule,
        grades: tuple[Grade, ...],
        looks: Mapping[str, Look | None],
        watches: dict[str, Watch] | None,
        now: Moment,
        notices: list[Notice],
    ) -> None:
        for part, look in looks.items():
            if look is None or look.value != look.value:  # unknown, or not a number
                continue
            watch = watches.get(part) if watches else None
            if not look.news:
                if watch is not None and watch.alert is not None:
                    watch.alert.facts, watch.alert.seen, watch.alert.value = (
                        dict(look.facts),
                        now.time,
                        look.value,
                    )
                continue
            if watch is None:
                if not grades or not beyond(rule, look.value, grades[-1].set):
                    if rule.first_untold:
                        self._known.add((subject, rule.name))
                    continue
                watch = Watch()
                watches = self._watches[subject].setdefault(rule.name, {})
                watches[part] = watch
            watch.calm = look.calm
            _count_unseen(rule, look, watch, now.at)
            proof = look.proof and _tells_of(rule, look, watch)
            step = advance(watch, rule, grades, look.value, self.options, now.at, proof=proof)
            self._take(subject, rule, part, watch, step, look, now, notices)
        for part, watch in tuple(watches.items()) if watches else ():
            if part not in looks:
                step = advance(watch, rule, grades, None, self.options, now.at)
                self._take(subject, rule, part, watch, step, None, now, notices)

    def _take(
        self,
        subject: str,
        rule: Rule,
        part: str,
        watch: Watch,
        step: Change,
        look: Look | None,
        now: Moment,
        notices: list[Notice],
    ) -> None:
        """Do what ``step`` says and keep the alert up to date."""
        alert = watch.alert
        if alert is not None and look is not None:
            alert.value = look.value
            alert.peak = max(alert.peak, look.value) if rule.rising else min(alert.peak, look.value)
            # On the good side another cell may be the highest: the end is that of the one that was named.
            # What names none and cannot end there goes on as it is now, not as it was before.
            stands = not back(rule, look.value, alert.clear) or not (look.proof or rule.names)
            if look.facts and stands and _tells_of(rule, look, watch):
                alert.facts, alert.seen = dict(look.facts), now.time
        if step.what is None:
            if watch.idle(now.at, 0.0) and watch.ended is None:
                self._drop(subject, rule.name, part)
            return
        if step.what == "cleared":
            if rule.first_untold:
                self._known.add((subject, rule.name))
            notices.append(self._end(rule, watch, step.since, look, now))
            return
        grade = step.grade
        assert grade is not None  # all other steps have one
        if alert is None:
            assert look is not None  # only a value raises
            began = now.at - look.value if rule.age else step.since
            self._raise(subject, rule, part, watch, grade, look, began, now)
        else:
            if step.what == "milder":
                watch.lowered = now.at
            elif watch.lowered is not None and now.at - watch.lowered >= FLAP_GUARD:
                watch.told_severity = min(watch.told_severity, alert.severity)
            alert.severity, alert.code = grade.severity, grade.code
            alert.set, alert.clear = grade.set, grade.clear
            if step.what == "milder" or grade.severity <= watch.told_severity:
                return  # it is not told that it is less bad, nor what he knows
        if rule.first_untold and (subject, rule.name) not in self._known:
            self._known.add((subject, rule.name))
            self._mark_told(watch, now)
            notices.append(Notice(step.what, self._picture(watch), "first"))
            return
        if watch.told_severity and step.what == "raised":  # people still believe in the last one
            notices.append(Notice("raised", self._picture(watch), "flapping"))
            return
        quiet = self._silence(rule, watch, now)
        if quiet is not None:
            notices.append(Notice(step.what, self._picture(watch), quiet))
        else:
            notices.append(self._tell("worse" if watch.told_severity else "raised", rule, watch, now))

    def _raise(
        self,
        subject: str,
        rule: Rule,
        part: str,
        watch: Watch,
        grade: Grade,
        look: Look,
        began: float,
        now: Moment,
    ) -> None:
        if watch.ended is None or now.at - watch.ended >= CALM:
            watch.count = 0
        watch.repeats, watch.acknowledged = 0, None
        watch.count += 1
        watch.alert = Alert(
            subject=subject,
            rule=rule.name,
            part=part,
            code=grade.code,
            severity=grade.severity,
            value=look.value,
            set=grade.set,
            clear=grade.clear,
            peak=look.value,
            since=_date(now, began),
            count=watch.count,
            facts=dict(look.facts),
            seen=now.time,
            told=watch.ending.told if watch.ending else None,
        )
        watch.ending = watch.lowered = None
        watch.raised, watch.began, watch.dated = now.at, began, now.trusted
        if watch.ended is None or now.at - watch.ended >= _guard(watch):
            watch.flaps = 0
        else:
            watch.flaps += 1

    def _count_unmeasured(
        self, rule: Rule, watches: dict[str, Watch], now: Moment, notices: list[Notice]
    ) -> None:
        """Count for how long a pack is heard without any value that an open alert is about; in the end that one is over.

        It may be as bad as it was. But what nothing measures any more is told once, not for ever.
        """
        for watch in watches.values():
            if watch.alert is None or rule.once:
                continue
            _count_absence(watch, now.at)
            if watch.unseen >= UNMEASURED:
                watch.unseen, watch.unseen_at = 0.0, None
                watch.alert.facts["unmeasured"] = "all"
                watch.told_facts["unmeasured"] = "all"
                notices.append(self._end(rule, watch, now.at, None, now))

    def _end(self, rule: Rule, watch: Watch, since: float, look: Look | None, now: Moment) -> Notice:
        """End an alert that is over ``since`` then, as ``look`` showed."""
        picture = self._picture(watch)
        picture.lasted = max(0.0, since - _began(watch))
        if watch.told_severity and watch.told_facts:
            # It ends as people know it, whichever cell was the worst meanwhile; what is new, they hear.
            picture.facts = {**(look.facts if look is not None else {}), **watch.told_facts}
        if watch.unseen >= GONE:
            picture.facts["unmeasured"] = True
        watch.alert = None
        watch.bad.clear()
        watch.ended = now.at
        if watch.muted_for is None:
            watch.muted = None
        if not watch.told_severity:
            return Notice("cleared", picture, "untold")
        if self._is_overtaken(rule, picture.subject, now):
            watch.told, watch.told_severity = None, 0
            return Notice("cleared", picture, "hidden")
        if heir := next(iter(self._other_parts(rule, watch, subject=picture.subject)), None):
            # It goes on elsewhere, so it is not over: that one is what people know of from now on.
            if heir.told_severity < watch.told_severity:
                for name in (
                    "told",
                    "told_severity",
                    "told_code",
                    "told_facts",
                    "repeats",
                    *_OF_ACKNOWLEDGING,
                ):
                    setattr(heir, name, getattr(watch, name))
            watch.told, watch.told_severity = None, 0
            return Notice("cleared", picture, "known")
        picture.severity, picture.code = Severity(watch.told_severity), watch.told_code  # as people know it
        watch.ending = picture
        quiet = self._end_silence(rule, watch, now)
        if quiet is None:
            return self._tell_end(watch, now)
        if quiet == "off":
            self._tell_end(watch, now)
        return Notice("cleared", copy.copy(picture), quiet)

    # Who is told

    def _owed(self, rule: Rule, watch: Watch, now: Moment) -> str | None:
        """What people should be told of an open alert, if anything."""
        alert = watch.alert
        if alert is None:
            return None
        if not watch.told_severity or watch.told is None:
            # What others told of, and is being mended by now, is no news any more.
            return None if watch.grouped and (watch.calm or _may_be_over(watch, now)) else "raised"
        if _may_be_over(watch, now):  # it is not said that it goes on
            return None
        if alert.severity > watch.told_severity:
            return "worse"
        pause = self._pause(rule, watch)
        if pause and not rule.once and now.at - watch.told >= pause - REPEAT_EARLY:
            return "repeat"
        return None

    def _pause(self, rule: Rule, watch: Watch) -> float:
        """After how many s an open alert is told again; 0: never."""
        assert watch.alert is not None
        usual = self.options.repeated_after(watch.alert.subject, watch.alert.code) * 3600.0
        if usual and rule.rings_again and _is_urgent(watch) and watch.repeats < len(PAUSES):
            return min(usual, PAUSES[watch.repeats])
        return usual

    def _silence(self, rule: Rule, watch: Watch, now: Moment) -> str | None:
        """Why an open alert must not be told now; None: tell."""
        assert watch.alert is not None
        severity = watch.alert.severity
        if severity < self.options.min_level:
            return "severity"
        if (
            watch.muted is not None
            and severity <= watch.muted_severity
            and not self._mute_is_over(watch, now)
        ):
            return "muted"
        if (reason := self._time_of_silence(rule, severity, now)) is not None:
            return reason
        if self._is_hidden(rule, watch):
            return "hidden"
        watch.grouped = self._is_grouped(watch)
        if watch.grouped:
            return "grouped"
        if any(_known_severity(other) >= severity for other in self._other_parts(rule, watch)):
            return "known"
        wait = rule.flap_wait.critical if severity >= Severity.CRITICAL else rule.flap_wait.mild
        if (
            not watch.told_severity
            and watch.ended_told is not None
            and severity <= watch.ended_severity
            and now.at - watch.ended_told < _guard(watch)
            and now.at - watch.raised < wait  # that long without a break is no flapping
        ):
            return "flapping"
        return None

    def _end_silence(self, rule: Rule, watch: Watch, now: Moment) -> str | None:
        """Why the end of an alert must not be told; None: tell."""
        assert watch.ending is not None
        if rule.passing or not self.options.cleared_notify:
            return "off"
        return self._time_of_silence(rule, watch.ending.severity, now)

    def _time_of_silence(self, rule: Rule, severity: Severity, now: Moment) -> str | None:
        assert self._began is not None  # _arrive() came first
        if not rule.at_start and now.at - self._began < self.options.startup_delay:
            return "startup"
        if severity < Severity.CRITICAL and self.options.quiet_hours is not None and now.trusted:
            local = now.time.astimezone(self.options.zone).time()
            if self.options.in_quiet_hours(local):
                return "hours"
        return None

    @staticmethod
    def _mute_is_over(watch: Watch, now: Moment) -> bool:
        return (
            watch.muted is not None
            and watch.muted_for is not None
            and now.at - watch.muted >= watch.muted_for
        )

    def _other_parts(self, rule: Rule, watch: Watch, *, subject: str = "") -> list[Watch]:
        """The open parts beside ``watch`` of a rule that has one voice for all."""
        if not rule.one_voice:
            return []
        name = subject or (watch.alert.subject if watch.alert else "")
        parts = self._watches.get(name, {}).get(rule.name, {})
        return [other for other in parts.values() if other is not watch and other.alert is not None]

    def _is_hidden(self, rule: Rule, watch: Watch) -> bool:
        """Whether an alert stands, of the same subject or of the house around it, that says all that this one does."""
        assert watch.alert is not None
        return any(one.alert is not None for one in self._hiding(rule, watch.alert.subject))

    def _is_overtaken(self, rule: Rule, subject: str, now: Moment) -> bool:
        """Whether people were told of what hides ``rule``: its end is told with that one, or was just now."""
        return any(
            (one.alert is not None and one.told_severity)
            or (one.ended_told is not None and now.at - one.ended_told <= FLAP_GUARD)
            for one in self._hiding(rule, subject)
        )

    def _hiding(self, rule: Rule, subject: str) -> Iterator[Watch]:
        for name in rule.hidden_by:
            alike = self._rules[name].scope is rule.scope if name in self._rules else True
            for one in (subject,) if alike else tuple(self._watches):
                yield from self._watches.get(one, {}).get(name, {}).values()

    def _is_grouped(self, watch: Watch) -> bool:
        """Whether people were told of something worse that has the same cause, here or in the whole house."""
        alert = watch.alert
        assert alert is not None
        if (place := self._place(alert)) is None:
            return False
        return any(
            other.alert is not None
            and other is not watch
            and (known := _known_severity(other))
            and (
                says_more(known, self._place(other.alert), alert.severity, place)
                if other.alert.subject == alert.subject or rule.scope is HouseView
                else self._says_the_same(other, alert)
            )
            for _, rule, _, other in self._all()
        )

    def _says_the_same(self, other: Watch, alert: Alert) -> bool:
        """Whether people know the same of another pack: it is named with that one, as long as that is not put aside."""
        assert other.alert is not None
        return (
            other.alert.rule == alert.rule
            and self._place(other.alert) is not None
            and other.told_severity >= alert.severity
            and (alert.severity < Severity.CRITICAL or _is_urgent(other))
        )

    def _place(self, alert: Alert) -> int | None:
        """Where it stands among those that tell of an emptying battery."""
        return place_in_emptying(self._rules[alert.rule], alert)

    def _standing(self) -> list[tuple[Rule, Watch]]:
        return [(rule, watch) for _, rule, _, watch in self._all() if watch.alert and not rule.once]

    @staticmethod
    def _voices(watches: Iterable[tuple[Rule, Watch]]) -> list[tuple[Rule, Watch]]:
        """Of the parts of a rule that has one voice for all, the worst, then the newest; and all else."""
        voices: dict[object, tuple[Rule, Watch]] = {}
        for rule, watch in watches:
            assert watch.alert is not None
            name = (watch.alert.subject, rule.name) if rule.one_voice else id(watch)
            kept = voices.get(name)
            if kept is None or _weight(kept[1]) < _weight(watch):
                voices[name] = (rule, watch)
        return list(voices.values())

    def _pictures(self, watches: Iterable[tuple[Rule, Watch]]) -> list[Alert]:
        """The alerts of ``watches`` as they are now, the worst first, then the oldest."""
        pictures = [self._picture(watch) for _, watch in watches]
        return sorted(pictures, key=self._urgency)

    def _urgency(self, alert: Alert) -> tuple[int, int, str]:
        place = self._rules[alert.rule].telling.place
        return urgency(place, alert.severity, alert.since.isoformat())

    def _remind(self, due: Sequence[tuple[Rule, Watch]], now: Moment) -> Notice:
        """Tell what is ``due`` to be repeated, and all else that is as urgent, in one message."""
        named = list(due)
        members = {id(watch) for _, watch in due}
        if any(_is_urgent(watch) for _, watch in due):
            for rule, watch in self._standing():
                if id(watch) in members or not _is_urgent(watch) or _may_be_over(watch, now):
                    continue
                silence = self._silence(rule, watch, now)
                if (silence is None and watch.told_severity) or silence == "grouped":
                    named.append((rule, watch))
        for _, watch in named:
            if watch.told_severity:  # the end of what is only named beside others is no news
                watch.repeats += 1
                self._mark_told(watch, now)
        ringing = {id(watch) for rule, watch in named if rule.rings_again}
        pictures = [
            picture
            for rings in (True, False)
            for picture in self._pictures(
                one for one in self._voices(named) if (id(one[1]) in ringing) is rings
            )
        ]
        silent = not ringing
        return Notice("repeat", pictures[0], silent=silent, also=tuple(pictures[1:]))

    def _tell(self, what: str, rule: Rule, watch: Watch, now: Moment) -> Notice:
        watch.repeats = 0
        self._mark_told(watch, now)
        picture = self._picture(watch)
        return Notice(what, picture, also=tuple(self._beside(picture)))

    def _beside(self, alert: Alert) -> list[Alert]:
        """The critical alerts of the same cause that were not sent, because ``alert`` says more."""
        place = self._place(alert)
        return self._pictures(
            self._voices(
                (rule, watch)
                for rule, watch in self._standing()
                if watch.alert is not None
                and watch.alert.severity >= Severity.CRITICAL
                and not watch.told_severity
                and not self._is_hidden(rule, watch)
                and says_more(alert.severity, place, watch.alert.severity, self._place(watch.alert))
            )
        )

    def _mark_told(self, watch: Watch, now: Moment) -> None:
        assert watch.alert is not None
        watch.told, watch.alert.told = now.at, now.time
        watch.told_facts = dict(watch.alert.facts)
        if watch.alert.severity >= watch.told_severity:
            watch.told_severity, watch.told_code = watch.alert.severity, watch.alert.code

    def _tell_end(self, watch: Watch, now: Moment) -> Notice:
        assert watch.ending is not None
        picture, watch.ending = watch.ending, None
        watch.ended_told, watch.ended_severity = now.at, watch.told_severity
        watch.told, watch.told_severity = None, 0
        return Notice("cleared", picture)

    # Keeping

    def _all(self) -> Iterator[tuple[str, Rule, str, Watch]]:
        for subject, rules in self._watches.items():
            for name, parts in rules.items():
                for part, watch in parts.items():
                    yield subject, self._rules[name], part, watch

    def _drop(self, subject: str, rule: str, part: str) -> None:
        parts = self._watches[subject][rule]
        del parts[part]
        if not parts:
            del self._watches[subject][rule]

    def _picture(self, watch: Watch) -> Alert:
        """The alert as it is now, in a copy that stays so."""
        assert watch.alert is not None
        alert = copy.copy(watch.alert)
        now = self._now
        if now is not None and watch.acknowledged is not None and _acknowledged(watch):
            alert.acknowledged = _date(now, watch.acknowledged)
            alert.acknowledged_by = watch.acknowledged_by
        if now is not None and watch.muted is not None and not self._mute_is_over(watch, now):
            alert.muted_until_cleared = watch.muted_for is None
            if watch.muted_for is not None:
                alert.muted_until = now.time + timedelta(seconds=watch.muted + watch.muted_for - now.at)
        return alert

    def _arrive(self, now: Moment) -> None:
        """Note that it is ``now``; the first time, find out how long ago a restored state was."""
        self._now = now
        if self._began is None:
            self._began = now.at
        stored = self._stored
        if stored is None:
            return
        if not stored.met:
            if stored.boot == self._boot and now.at >= stored.at:
                self._stored = None
                return
            # Another boot has another beginning of time. How long the machine was off is only
            # known when both clocks were right; until then it counts as no time at all, so that
            # a wrong clock can delay a repeat but never hurry one.
            self._shift(now.at - stored.at - BEFORE, before=inf)
            stored = stored._replace(boot=self._boot, at=now.at, met=True)
        self._stored = stored if stored.trusted else None
        if stored.trusted and now.trusted:
            away = (now.time - stored.time).total_seconds() - (now.at - stored.at)
            if away > 0:
                self._shift(-away, before=stored.at)
            self._stored = None

    def _shift(self, seconds: float, *, before: float) -> None:
        for _, _, _, watch in self._all():
            watch.shift(seconds, before)


_OF_ACKNOWLEDGING = ("acknowledged", "acknowledged_by", "acknowledged_severity")


def _acknowledged(watch: Watch) -> bool:
    """Whether an owner has seen an open alert as bad as it is now."""
    assert watch.alert is not None
    return watch.acknowledged is not None and watch.alert.severity <= watch.acknowledged_severity


def _still_seen(rule: Rule, look: Look, watch: Watch) -> bool:
    """Whether the cells or probes that an open alert names are among those that were measured."""
    alert, seen = watch.alert, look.seen
    if alert is None or seen is None:
        return True
    return all(alert.facts.get(name) in (None, *seen) for name in rule.names)


def _count_unseen(rule: Rule, look: Look, watch: Watch, now: float) -> None:
    """Count for how long the others were measured, at ``now`` s, without what an open alert names."""
    if _still_seen(rule, look, watch):
        watch.unseen, watch.unseen_at = 0.0, None
        return
    _count_absence(watch, now)


def _count_absence(watch: Watch, now: float) -> None:
    if watch.unseen_at is not None:
        watch.unseen += min(max(0.0, now - watch.unseen_at), HEARD)
    watch.unseen_at = now


def _measures_nothing(rule: Rule, view: View) -> bool:
    """Whether a pack was heard, and tells none of the values that ``rule`` is about."""
    sample = view.sample if isinstance(view, PackView) else None
    return (
        sample is not None
        and bool(rule.needs)
        and not any(_count(getattr(sample, name)) >= rule.least for name in rule.needs)
    )


def _count(value: object) -> int:
    """How many values there are in one of a sample."""
    return len(value) if isinstance(value, tuple) else int(value is not None)


def _may_be_over(watch: Watch, now: Moment) -> bool:
    """Whether good values of an open alert are being counted: not those of long ago, behind which came none."""
    return watch.good is not None and now.at - watch.good.since <= CLEARING


def _weight(watch: Watch) -> tuple[int, float]:
    assert watch.alert is not None
    return watch.alert.severity, watch.raised


def _known_severity(watch: Watch) -> int:
    """How bad people know an alert to be: they were told so, or of something worse of the same cause; 0: not at all."""
    return watch.told_severity or (watch.alert.severity if watch.alert and watch.grouped else 0)


def _is_urgent(watch: Watch) -> bool:
    """Whether an open alert is repeated soon: no owner has seen it, and nothing mends it."""
    assert watch.alert is not None
    return watch.alert.severity >= Severity.CRITICAL and not _acknowledged(watch) and not watch.calm


def _tells_of(rule: Rule, look: Look, watch: Watch) -> bool:
    """Whether ``look`` tells how an open alert is doing: what it names was measured, or is gone for good.

    A probe that was unplugged, or that an earlier version took for one, would keep its alert open for ever.
    """
    return watch.unseen >= GONE or _still_seen(rule, look, watch)


def _began(watch: Watch) -> float:
    """Since when, in s since boot, what was raised is so."""
    return watch.raised if watch.began is None else watch.began


def _date(now: Moment, at: float) -> datetime:
    """When it was ``at`` s since boot."""
    return now.time - timedelta(seconds=now.at - at)


def _guard(watch: Watch) -> float:
    """How long after its last end, in s, an alert that comes back has come back soon."""
    return FLAP_GUARD * 2.0 ** min(watch.flaps, FLAP_DOUBLINGS)
