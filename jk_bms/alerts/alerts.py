"""What the rules look at, and when. Rules decide; the outbox stores their events."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from jk_bms.alerts.host import HostWatch
from jk_bms.alerts.inverter import Inverters
from jk_bms.alerts.outbox import Outbox
from jk_bms.alerts.packs import Packs
from jk_bms.battery.chemistry import Chemistry
from jk_bms.battery.health_report import HealthReport
from jk_bms.battery.limits import PackLimits
from jk_bms.clock import Clock, boot_id
from jk_bms.config.settings import Settings
from jk_bms.errors import LiveError, Verdict
from jk_bms.live.messages import number
from jk_bms.model import Event, Inverter, InverterSample, Sample
from jk_bms.model.alarms import Severity
from jk_bms.model.foreign_text import harmless_name
from jk_bms.model.inverter import INVERTER
from jk_bms.model.link import LinkState, LinkStatus
from jk_bms.model.snapshot import Lasting, Span
from jk_bms.repair.ladder import Rung
from jk_bms.rules.base import (
    Alert,
    HostView,
    HouseView,
    InverterView,
    Link,
    Moment,
    Notice,
    Other,
    PackView,
    Rule,
)
from jk_bms.rules.catalogue import RULES
from jk_bms.rules.engine import Engine, View
from jk_bms.rules.facts import STATE, alert_facts, notice_facts, sentence
from jk_bms.rules.forecast import lasting
from jk_bms.rules.grid import UNKNOWN
from jk_bms.rules.house import powered
from jk_bms.rules.left import Left, can_feed, pack_left
from jk_bms.rules.link import SILENT_INTERVALS, SILENT_LEAST
from jk_bms.rules.options import Options
from jk_bms.rules.overrides import Overrides
from jk_bms.sources.base import Source
from jk_bms.store.bms_db import BmsDb
from jk_bms.store.states import read_state

log = logging.getLogger(__name__)

HOUSE, HOST = "house", "host"  # subjects beside the addresses of packs and the inverters
LINK_PERIOD = 1.0  # s
HOUSE_PERIOD = 1.0  # at most so often the packs are judged together, as their frames come
INVERTER_PERIOD = 5.0
HOST_PERIOD = 60.0
HEALTH_PERIOD = 600.0
SHORTEST_MUTE, LONGEST_MUTE = 60.0, 30 * 86_400.0  # s


# What the ladder of repairs does is the adapter's fault, if that is known of it.
_OF_THE_ADAPTER = frozenset({Verdict.ADAPTER_WEDGED, Verdict.ADAPTER_OFF})
# So much is heard of a battery that the adapter is in order, whatever else is wrong.
HEARD = frozenset(
    {
        Verdict.MUTE,
        Verdict.WEAK_SIGNAL,
        Verdict.NOT_A_BMS,
        Verdict.PAIRING_NEEDED,
        Verdict.PAIRING_REFUSED,
        Verdict.FROZEN,
        Verdict.FRAMES_REFUSED,
    }
)


class Known(NamedTuple):
    """What others know of a pack, by its address, and of the disk."""

    about: Callable[[str], tuple[Chemistry, PackLimits]]
    health: Callable[[str], HealthReport | None]
    failure: Callable[[], str]  # why bms.db cannot be written; empty: it can
    newest: Callable[[str], Sample | None]
    silent_since: Callable[[str], float | None]  # of a pack, as far as earlier runs know, s since boot


class Alerts:
    """Watches packs, inverters and host. ``open`` first, then ``run`` beside the sources, ``close`` at the end.

    ``told`` is called with each event after it is on the disk, ``unsaved`` with those that cannot be written.
    ``flush`` writes all history that waits.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        sources: Sequence[Source],
        known: Known,
        writer: Executor,
        flush: Callable[[], Awaitable[object]],
        told: Callable[[Event], None],
        inverters: Sequence[Inverter] = (),
        unsaved: Callable[[Sequence[Event]], None] = lambda _: None,
    ) -> None:
        self.inverters = Inverters(clock, inverters)
        self._clock = clock
        # Where time runs faster, waiting for a frame takes as many more of its seconds.
        self._interval = settings.poll_interval * clock.speed
        self._sources = {source.device.address: source for source in sources}
        self._known = known
        self._engine = Engine(_options(settings), boot=boot_id())
        self._outbox = Outbox(
            STATE, state=self._engine.state, writer=writer, flush=flush, told=told, unsaved=unsaved
        )
        self._host = HostWatch(settings.bms_db_path, clock, failure=lambda: self.failure)
        self._faults: dict[str, tuple[tuple[int, str], ...]] = {}  # of cells
        oldest = max(SILENT_LEAST, SILENT_INTERVALS * self._interval)
        self._oldest = oldest
        self._packs = Packs(self._sources, known.newest, oldest=oldest)
        self._house_at = -HOUSE_PERIOD  # s since boot, when the packs were last judged together
        self._began = clock.monotonic()
        self._left_alone: dict[str, float] = {}  # s since boot: silence counts from here
        self._complained: dict[str, str] = {}
        self._configuration = ""  # what is wrong with the owner's files
        self._rung = 0  # the highest since the last look at the host: one that helped at once counts too

    def open(self, own: BmsDb) -> None:
        """Go on where the last run ended. Blocks; before the first event of this run."""
        self._host.open(own)
        state = read_state(own, STATE)
        if state is not None:
            try:
                self._engine.restore(_of_the_house(state))
            except (KeyError, TypeError, ValueError) as error:
                log.error("alerts: the remembered state is of no use, they begin anew: %s", error)
        self._engine.keep(self._subjects())
        self._outbox.open(own)

    async def run(self) -> None:
        """Look at what no sample brings, and write, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for period, look in (
                (LINK_PERIOD, self._look_at_links),
                (INVERTER_PERIOD, self._look_at_inverter),
                (HEALTH_PERIOD, self._look_at_health),
                (HOST_PERIOD, self._look_at_host),
            ):
                group.create_task(self._each(period, look), name=f"alerts: {look.__name__}")
            group.create_task(self._outbox.run(), name="alerts: writing")

    async def close(self) -> None:
        """Write what is not yet written, for the last time."""
        await self._outbox.write()

    @property
    def crashed(self) -> bool:
        """Whether the last run ended without a word, and no such thing was told lately."""
        return self._host.crashed

    @property
    def failure(self) -> str:
        """Why bms.db cannot be written; empty: it can."""
        return self._outbox.failure or self._known.failure()

    @property
    def waiting(self) -> tuple[Event, ...]:
        """Alerts that are not on the disk yet."""
        return self._outbox.waiting

    # Who is watched

    def take_up(self, source: Source) -> None:
        """Watch a battery that comes while others are watched, or that is read in another way from now on."""
        address = source.device.address
        if address not in self._sources:
            self._left_alone[address] = self._clock.monotonic()
        self._sources[address] = source

    def give_back(self, address: str) -> None:
        """Forget a battery that is not read any more, and its alerts."""
        self._sources.pop(address, None)
        self._faults.pop(address, None)
        self._left_alone.pop(address, None)
        self._engine.keep(self._subjects())
        self._outbox.add(())

    # What is seen

    def take(self, sample: Sample) -> None:
        """Judge a completed sample."""
        address = sample.device.address
        if address in self._sources:
            view = self._pack_view(address, sample, powered(self._house_view()))
            self._packs.take(view)
            self._look(address, view)
            if (now := self._clock.monotonic()) - self._house_at >= HOUSE_PERIOD:
                self._house_at = now
                self._look(HOUSE, self._whole_house())

    def inverter_said(self, sample: InverterSample) -> bool:
        """Take what an inverter says; return whether it counts."""
        if counts := self.inverters.take(sample):
            self._judge_inverter()
        return counts

    def configured(self, settings: Settings) -> None:
        """Go on by these settings."""
        self._use(_options(settings)._replace(overrides=self._engine.options.overrides))

    def override(self, overrides: Overrides) -> None:
        """Judge these alerts of these subjects otherwise from now on, and no others."""
        self._use(self._engine.options._replace(overrides=overrides))

    def _use(self, options: Options) -> None:
        if options != self._engine.options:
            self._engine.use(options)
            self._outbox.add(())

    async def misconfigured(self, faults: str) -> None:
        """Take what is wrong with the owner's files, a line for each fault; empty: they are good."""
        self._configuration = faults
        await self._look_at_host()

    # What is asked

    def open_alerts(self) -> list[dict[str, Any]]:
        """Return the open alerts as the live socket tells them, the worst first."""
        shown = []
        for alert in self._engine.listed():
            found = self._engine.find(alert.code)
            if found is None:
                continue
            until = alert.muted_until
            own = self._engine.options.override(alert.subject, alert.code).changes_grade
            shown.append(
                alert_facts(alert, found[0])
                | self._named(alert.subject)
                | ({"overridden": True} if own else {})
                | {
                    "muted": alert.muted_until_cleared or until is not None,
                    "muted_until": None if until is None else until.isoformat(timespec="seconds"),
                }
            )
        return shown

    def mute(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an open alert quiet, or end that (``off``); return it as it is then. Raises LiveError."""
        wanted = tuple(str(request.get(key) or "") for key in ("subject", "rule", "part"))
        subject, rule, part = wanted
        if all((alert.subject, alert.rule, alert.part) != wanted for alert in self._engine.open()):
            raise LiveError(f"mute: no alert {rule!r} of {subject!r} is open")
        now = self._moment()
        if request.get("off"):
            self._engine.unmute(subject, rule, part)
        elif request.get("until_cleared"):
            self._engine.mute(subject, rule, part, until_cleared=True, now=now)
        else:
            seconds = number(request, "seconds", 0.0, low=SHORTEST_MUTE, high=LONGEST_MUTE)
            self._engine.mute(subject, rule, part, until=now.time + timedelta(seconds=seconds), now=now)
        self._outbox.add(())
        return next(
            alert
            for alert in self.open_alerts()
            if (alert["subject"], alert["rule"], alert["part"]) == wanted
        )

    def acknowledge(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Note in the log that an owner, ``by``, has seen an open alert; return it as it is then.

        With ``all``: every critical one that is open; the answer then tells how many (``count``). ``origin``: the chat
        that it was said in, which need not be told. Raises LiveError. A second word for the same alert changes
        nothing.
        """
        subject, rule, part = wanted = tuple(
            str(request.get(key) or "") for key in ("subject", "rule", "part")
        )
        by, said = harmless_name(request.get("by")), request.get("origin")
        origin = said if isinstance(said, int) else None
        if by is None:
            raise LiveError("acknowledge: by names nobody; expected the name of who has seen it")
        if request.get("all"):
            notice = self._engine.acknowledge_all(by=by, now=self._moment())
            if notice is not None:
                self._outbox.add([self._event(notice, "alert.acknowledged", origin)])
            return {"count": 0 if notice is None else 1 + len(notice.also)}
        try:
            notice = self._engine.acknowledge(subject, rule, part, by=by, now=self._moment())
        except LookupError as error:
            raise LiveError(f"acknowledge: {error}") from error
        if notice is not None:
            self._outbox.add([self._event(notice, "alert.acknowledged", origin)])
        return next(
            alert
            for alert in self.open_alerts()
            if (alert["subject"], alert["rule"], alert["part"]) == wanted
        )

    def test(self, code: object) -> dict[str, Any]:
        """Send a marked test of the alert ``code`` to everybody who is told of alerts. Raises LiveError."""
        try:
            number = int(str(code))
            found = self._engine.find(number)
            if found is None:
                raise LookupError(number)
        except (ValueError, LookupError) as error:
            raise LiveError(
                f"alert_test: code is {code!r}; expected that of an alert, such as 1006"
            ) from error
        subject = {InverterView: INVERTER, HouseView: HOUSE, HostView: HOST}.get(found[0].scope) or next(
            iter(self._sources), ""
        )
        notice = self._engine.example(number, self._moment(), subject)
        self._outbox.add([self._event(notice, "alert.test")])
        return notice_facts(notice, found[0])

    # Looking

    async def _each(self, period: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
            except Exception as error:  # what is wrong with one look must not end the others
                self._complain(look.__name__, f"{type(error).__name__}: {error}")
                log.debug("alerts: %s", look.__name__, exc_info=True)
            await asyncio.sleep(period / self._clock.speed)

    async def _look_at_links(self) -> None:
        power = powered(self._house_view())
        for address, source in self._sources.items():
            if source.status.state is LinkState.RELEASED:
                self._left_alone[address] = self._clock.monotonic()
            self._look(address, self._pack_view(address, None, power))
            if _adapters_fault(source.status):
                self._rung = max(self._rung, source.status.rung)
        self._tell(self._engine.tick(self._moment()))

    async def _look_at_inverter(self) -> None:
        self._judge_inverter()

    async def _look_at_health(self) -> None:
        for address in self._sources:
            report = self._known.health(address)
            if report is not None:
                self._faults[address] = tuple(
                    (cell.number, fault.kind) for cell in report.cells for fault in cell.faults
                )

    async def _look_at_host(self) -> None:
        links = [source.status for source in self._sources.values()]
        view = await self._host.look()
        self._look(
            HOST,
            view._replace(
                configuration=self._configuration,
                rung=self._rung,
                adapter_wedged=any(link.verdict == Verdict.ADAPTER_WEDGED for link in links),
                adapter_hears=any(self._is_heard(link) for link in links),
            ),
        )
        self._rung = 0

    def _is_heard(self, link: LinkStatus) -> bool:
        """Whether the radio hears that battery, though it may tell nothing of use."""
        if link.verdict in HEARD:
            return True
        last = link.last_sample
        return last is not None and self._clock.monotonic() - last <= SILENT_LEAST

    def _judge_inverter(self) -> None:
        house = self._whole_house()
        # A forecast is judged with each reading, and here only when none comes any more.
        self._look(HOUSE, house if not house.packs else house._replace(packs=None))
        inverter = self.inverters.house
        if inverter.values is None:
            return
        newest = (self._known.newest(address) for address in self._sources)
        soc = next((s.battery_soc for s in newest if s is not None and s.battery_soc is not None), None)
        if not self.inverters.several:
            self._look(INVERTER, inverter.view(soc))
            return
        # The grid is judged once for all of them, silence for each.
        self._look(INVERTER, inverter.view(soc)._replace(age=0.0))
        for device, now in self.inverters.each():
            self._look(device.subject, now.view(soc)._replace(grid=UNKNOWN))

    def _whole_house(self) -> HouseView:
        """The house with its packs: those that are heard, as they are now, and the names of the others."""
        house = self._house_view()
        power = powered(house)
        heard: list[PackView] = []
        silent: list[str] = []
        for address, source in self._sources.items():
            sample = self._fresh(address)
            if sample is not None:
                heard.append(self._pack_view(address, sample, power))
            else:
                silent.append(source.device.label)
        return house._replace(packs=tuple(heard), silent=tuple(silent))

    def _fresh(self, address: str) -> Sample | None:
        """The newest sample of a pack; None when it is too old to speak of now."""
        sample = self._known.newest(address)
        return None if sample is None or self._clock.monotonic() - sample.monotonic > self._oldest else sample

    def lasting(self) -> Lasting:
        """Return how long the house and each pack last, as the live socket tells it: what alerts judge, too."""
        house = self._whole_house()
        packs = {
            view.device.address: _span(left)
            for view in house.packs or ()
            if can_feed(view.sample) and (left := pack_left(view)) is not None
        }
        left = lasting(house)
        return Lasting(packs=packs, empty_in=None if left is None else _span(left))

    def _others(self, address: str) -> tuple[Other, ...]:
        """The packs beside that at ``address`` that can feed the house."""
        fresh = ((source, self._fresh(one)) for one, source in self._sources.items() if one != address)
        return tuple(
            Other(source.device.label, sample.battery_soc)
            for source, sample in fresh
            if sample is not None and can_feed(sample)
        )

    def _house_view(self) -> HouseView:
        return self.inverters.house.house(self._packs.look(self._clock.monotonic()))

    def _pack_view(self, address: str, sample: Sample | None, power: bool | None) -> PackView:
        """What is known of a pack. ``power``: whether the house has power; None: not known."""
        source, inverter = self._sources[address], self.inverters.house
        kind, limits = self._known.about(address)
        return PackView(
            device=source.device,
            sample=sample,
            link=self._link(address, source),
            chemistry=kind,
            limits=limits,
            faults=self._faults.get(address, ()),
            on_battery=inverter.on_battery,
            powered=power,
            could_be_charged=inverter.could_charge,
            others=self._others(address),
        )

    def _link(self, address: str, source: Source) -> Link:
        status, now = source.status, self._clock.monotonic()
        return Link(
            state=status.state,
            verdict=status.verdict,
            silent=max(0.0, now - self._heard(address, status.last_sample, now)),
            frozen=0.0 if status.repeats_since is None else now - status.repeats_since,
            frozen_frames=status.repeated + 1
            if status.repeated
            else 0,  # the one that was believed counts too
            interval=self._interval,
            message=status.message,
            implausible=status.implausible_lately(now),
            implausible_reason=status.implausible_reason,
        )

    def _heard(self, address: str, last: float | None, now: float) -> float:
        """Since when a pack is silent: its ``last`` sample, or the last one of an earlier run."""
        if address in self._left_alone:
            return max(self._left_alone[address], last or 0.0)
        if last is not None:
            return last
        # A battery that was switched off for hours first gets a chance to speak.
        before = self._known.silent_since(address) if now - self._began >= SILENT_LEAST else None
        return self._began if before is None else min(self._began, before)

    def _look(self, subject: str, view: View) -> None:
        self._tell(self._engine.look(subject, view, self._moment()))
        for rule, text in self._engine.faults.items():
            self._complain(f"rule {rule}", text)

    # Telling

    def _tell(self, notices: Iterable[Notice]) -> None:
        told = list(notices)
        if not told:
            return
        events = [self._event(notice, f"alert.{notice.what}") for notice in told]
        last = any(notice.what != "cleared" and self._rule(notice.alert).last_words for notice in told)
        # Whether people are told or not: what was measured must not be lost.
        self._outbox.add(events, flush_first=last)

    def _event(self, notice: Notice, kind: str, origin: int | None = None) -> Event:
        alert = notice.alert
        rule = self._rule(alert)
        source = self._sources.get(alert.subject)
        text = sentence(notice, rule, source.device.label if source else alert.subject)
        named = self._named(alert.subject)
        loud = notice.quiet is None and notice.what != "cleared" and alert.severity >= Severity.WARNING
        loud = loud and kind != "alert.test"
        log.log(logging.WARNING if loud else logging.INFO, "alert: %s", text)
        return Event(
            kind=kind,
            taken_at=self._clock.now(),
            monotonic=self._clock.monotonic(),
            clock_trusted=self._clock.trusted(),
            device=source.device.address if source else None,
            text=text,
            facts=notice_facts(notice, rule, self._also(notice))
            | named
            | ({} if origin is None else {"origin": origin}),
        )

    def _subjects(self) -> set[str]:
        return {*self._sources, INVERTER, *self.inverters.names, HOUSE, HOST}

    def _named(self, subject: str) -> dict[str, str]:
        """The name of an inverter that is one of several, as a fact of its alerts; nothing of other subjects."""
        name = self.inverters.names.get(subject)
        return {} if name is None else {"inverter": name}

    def _rule(self, alert: Alert) -> Rule:
        found = self._engine.find(alert.code)
        assert found is not None  # the engine made that code
        return found[0]

    def _also(self, notice: Notice) -> list[dict[str, Any]]:
        """The facts of the other alerts that ``notice`` names, with the names of their batteries."""
        named = []
        for alert in notice.also:
            found, source = self._engine.find(alert.code), self._sources.get(alert.subject)
            if found is not None:
                named.append(
                    alert_facts(alert, found[0])
                    | self._named(alert.subject)
                    | {"label": source.device.label if source else None}
                )
        return named

    def _moment(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.now(), self._clock.trusted())

    def _complain(self, who: str, text: str) -> None:
        """Log a fault once for each new text."""
        if self._complained.get(who) != text:
            self._complained[who] = text
            log.error("alerts: %s: unexpected error, it is left out: %s", who, text)


def _adapters_fault(link: LinkStatus) -> bool:
    """Whether what the ladder did, it did for the adapter: by the verdict, or because that helped.

    It switches the adapter off and on for a battery that is connected and mute as well, to leave nothing untried.
    """
    cure = None if link.outage is None else link.outage.cure
    return link.verdict in _OF_THE_ADAPTER or cure == Rung.POWER_CYCLE.code


def _span(left: Left) -> Span:
    return round(left.first), round(left.last)


def _of_the_house(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored ``state`` in which the forecasts are the house's, as earlier versions had them of each pack."""
    of_the_house = {rule.name for rule in RULES if rule.scope is HouseView}
    watches, known = [], set()
    for subject, rule, part, watch in state["watches"]:
        if rule in of_the_house and subject != HOUSE:
            if (rule, part) in known:
                continue
            known.add((rule, part))
            subject, watch = HOUSE, {**watch}
            for name in ("alert", "ending"):
                if watch.get(name):
                    watch[name] = {**watch[name], "subject": HOUSE}
        watches.append([subject, rule, part, watch])
    return {**state, "watches": watches}


def _options(settings: Settings) -> Options:
    return Options(
        repeat_hours=settings.alert_repeat_hours,
        startup_delay=settings.alert_startup_delay,
        confirm=settings.alert_confirm,
        clear=settings.alert_clear,
        min_level=Severity[settings.alert_min_level.upper()],
        cleared_notify=settings.alert_cleared_notify,
        off=frozenset(settings.alerts_off),
        quiet_hours=settings.alert_quiet_hours,
        zone=settings.timezone or datetime.now(UTC).astimezone().tzinfo or UTC,
    )
