"""Line protocol to InfluxDB or VictoriaMetrics, in a thread of its own; what it misses comes out of history.

The thread alone speaks to the server and reads ``bms.db``. The loop hands it what happens, and cuts a request
off that takes too long: a server that trickles would hold it for ever.
"""

import asyncio
import base64
import contextlib
import gzip
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode

from jk_bms.clock import boot_id
from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError, reason
from jk_bms.hub import Item, LinkChange, Part, PartContext
from jk_bms.model import Event, InverterSample, Sample
from jk_bms.model.foreign_text import harmless
from jk_bms.model.inverter import INVERTER, is_inverter
from jk_bms.model.snapshot import OutboxNow, Snapshot
from jk_bms.sinks.history import clock_confirmed
from jk_bms.sinks.line_protocol import Names, Points, lines, text
from jk_bms.sinks.series import Repairs, completed, of_house, of_inverter, of_sample
from jk_bms.store.bms_db import BmsDb, open_reader
from jk_bms.store.outbox import SETTLED, Outbox
from jk_bms.store.states import read_state
from jk_bms.texts.durations import span

log = logging.getLogger(__name__)

STATE, EVENTS = "outbox.influx", "outbox.influx.events"  # names in bms.db
FLUSH = 2.0  # s between two requests
BETWEEN = 0.05  # s between two slices of the past: reading goes first
WAITS = 5.0  # s until history is asked again that had nothing yet
HOUSE = 30.0  # s between two looks at links, alerts and the program
MOST_WAITING = 4000  # samples: more than a request that hangs lets come together
MOST_LINES = 5000  # of a request
SLICE = 720  # rows
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # s until a server that is away is tried again
SAID = 3600.0  # s between two words on lines that were refused


class Influx(Part):
    """The sink. ``period``, ``full``: s between two points of a device, and between two with all fields."""

    def __init__(self, context: PartContext) -> None:
        settings = context.settings
        self._context, self._settings, self._clock = context, settings, context.clock
        self._names = Names(settings.influxdb_names, settings.house, invert=settings.invert_current)
        self._full = 60.0 if settings.influxdb_names == "metrics" else 300.0
        self._server = Server(settings)
        self._fault = self._server.fault
        self._boot = boot_id()
        self._outbox = Outbox(None, self._boot, 0)
        self._queue: deque[Any] = deque(maxlen=MOST_WAITING)
        self._due: dict[str, float] = {}  # when the next point of a device is, in s since boot
        self._sent: dict[str, tuple[float, dict[str, str]]] = {}  # by head: when all was sent, and what since
        self._shown = Snapshot()  # as it was a moment ago
        self._repairs = Repairs()
        self._alerts: set[str] = set()  # heads of what was open
        self._event: int | None = None  # the last that arrived
        self._happened = True
        self._next_slice = 0.0
        self._stop = threading.Event()

    def open(self, own: BmsDb) -> None:
        """Go on behind what had arrived."""
        period = round(self._settings.history_period * 1000)
        self._outbox = Outbox(read_state(own, STATE), self._boot, period)
        told = (read_state(own, EVENTS) or {}).get("id")
        self._event = told if isinstance(told, int) else own.newest_event()

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """What is kept with history."""
        return {} if self._fault else {STATE: self._outbox.state, EVENTS: {"id": self._event}}

    def accept(self, item: Item) -> None:
        """Note what is due."""
        if isinstance(item, Sample | InverterSample):
            if isinstance(item, InverterSample):
                if not item.answered:
                    return
                track = item.device.subject if len(self._shown.inverters) > 1 else INVERTER
            else:
                track = item.device.address
            if item.monotonic >= self._due.get(track, 0.0):
                # Half a frame early rather than a whole one late.
                self._due[track] = item.monotonic + self._settings.influxdb_period - 0.25
                self._queue.append((track, item))
        elif isinstance(item, LinkChange):
            self._repairs.take(item)
        elif isinstance(item, Event):
            self._happened = True

    def shown(self) -> OutboxNow:
        """How it does."""
        behind = min(self._outbox.behind.values(), default=None)
        ago = None if behind is None else max(0.0, self._clock.now().timestamp() - behind / 1000)
        failure = self._fault or self._server.failure
        if failure and ago is not None:
            failure += f"; {span(ago)} are still to be sent"
        return OutboxNow(
            failure=failure,
            age=None if self._server.heard is None else time.monotonic() - self._server.heard,
            behind=ago,
            dropped=dict(self._server.dropped),
        )

    async def run(self) -> None:
        """Send until cancelled."""
        if self._fault:
            log.error("influx is off: %s", self._fault)
            await asyncio.Event().wait()
        self._stop.clear()
        ended = asyncio.get_running_loop().create_future()
        thread = threading.Thread(target=self._work, args=(ended,), name="influx", daemon=True)
        self._shown = self._context.snapshot()
        thread.start()
        looked = 0.0
        try:
            while not ended.done():
                if time.monotonic() - looked >= HOUSE / self._clock.speed:
                    looked = time.monotonic()
                    self._shown = self._context.snapshot()
                    self._queue.append(self._shown)
                await asyncio.wait((ended,), timeout=min(1.0, self._settings.influxdb_timeout / 4))
                self._server.cut_off(self._settings.influxdb_timeout)
            ended.result()
        finally:
            self._stop.set()
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                async with asyncio.timeout(5.0):
                    await asyncio.wait((ended,))
            self._server.cut_off(0.0)

    # In the thread

    def _work(self, ended: "asyncio.Future[None]") -> None:
        error: Exception | None = None
        try:
            while not self._stop.wait(self._turn()):
                pass
            self._live()  # what came last
        except Exception as bug:
            error = bug
        finally:
            self._server.close()

        def end() -> None:
            if not ended.done():
                ended.set_exception(error) if error else ended.set_result(None)

        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            ended.get_loop().call_soon_threadsafe(end)

    def _turn(self) -> float:
        """Send what is there; return after how many seconds to go on."""
        if not self._live():
            return FLUSH / self._clock.speed
        try:
            if self._happened and self._server.is_influxdb:
                self._happened = self._events()
            if self._outbox.behind and time.monotonic() >= self._next_slice:
                if self._past():
                    return BETWEEN
                self._next_slice = time.monotonic() + WAITS / self._clock.speed
        except StoreError as error:
            log.debug("influx: %s", error)  # history says itself what is wrong with bms.db
        return FLUSH / self._clock.speed

    def _live(self) -> bool:
        """Send what happens now; return whether the server takes something."""
        items = [self._queue.popleft() for _ in range(len(self._queue))]
        told, arrived = [], {}
        lost = len(items) >= MOST_WAITING
        for item in items:
            if isinstance(item, Snapshot):
                told += self._house(item)
                continue
            track, sample = item
            at, when = round(sample.monotonic * 1000), round(sample.taken_at.timestamp() * 1000)
            self._outbox.take(track, at, when)
            if not sample.clock_trusted or (at < SETTLED and not clock_confirmed()):
                self._outbox.failed(track)  # history knows its time later
                continue
            arrived[track] = at, when
            told += lines(self._changed(self._points(sample), at / 1000), when)
        good = not self._server.resting and (not told or self._server.take(told))
        if lost or not good:
            self._outbox.failed()
            self._sent.clear()
        if good:
            for track, (at, when) in arrived.items():
                self._outbox.arrived(track, at, when)
        return good

    def _points(self, sample: Sample | InverterSample) -> Points:
        if isinstance(sample, InverterSample):
            return self._names.inverter(sample.device.label, of_inverter(sample))
        points = self._names.battery(sample.device.label, of_sample(sample))
        if (
            self._server.is_influxdb
            and sample.alarms is not None
            and self._settings.influxdb_names == "batmon"
        ):
            head = self._names.head("batmon", (("device", sample.device.label),))
            points.setdefault(head, {})["alarms"] = text(",".join(sample.alarms))
        return points

    def _changed(self, points: Points, now: float) -> Points:
        """Leave out what is as it was, but for once in a while."""
        changed: Points = {}
        for head, fields in points.items():
            since, known = self._sent.get(head, (-self._full, {}))
            if now - since >= self._full:
                self._sent[head], changed[head] = (now, dict(fields)), fields
                continue
            changed[head] = {key: value for key, value in fields.items() if known.get(key) != value}
            known.update(fields)
        return changed

    def _house(self, snapshot: Snapshot) -> list[str]:
        """Links, alerts and the program; what is over is told once more, as 0."""
        points: Points = {}
        for series in of_house(snapshot, self._repairs):
            head, fields = self._names.series(series)
            points.setdefault(head, {}).update(fields)
        alerts = {head for head in points if head.startswith("easun_alert,")}
        points |= {head: {"active": "0.0"} for head in self._alerts - alerts}
        self._alerts = alerts
        return lines(points, round(self._clock.now().timestamp() * 1000)) if snapshot.clock_trusted else []

    def _events(self) -> bool:
        """Send events that are due; return whether there are more."""
        with contextlib.closing(open_reader(self._settings.bms_db_path)) as reader:
            found = reader.events_after(self._event or 0, SLICE)
        label = self._context.label
        told = [
            line
            for _, one in found
            if one.clock_trusted
            for line in self._names.event(one, label(one.device))
        ]
        if told and not self._server.take(told):
            return True
        if found:
            self._event = found[-1][0]
        return len(found) == SLICE

    def _past(self) -> bool:
        """Send a slice of what is missing; return whether there was one, and it was taken."""
        with contextlib.closing(open_reader(self._settings.bms_db_path)) as reader:
            part = self._outbox.next(reader, round(self._clock.monotonic() * 1000), SLICE)
        for track in self._outbox.lost:
            log.warning("influx: history does not know where %s ended: it goes on from now", track)
        self._outbox.lost.clear()
        if part is None:
            return False
        inverter, known = is_inverter(part.track), self._shown.inverters
        if inverter:
            name = next(
                (each.label for each in known if len(known) == 1 or part.track.endswith(f":{each.id}")),
                part.track,
            )
        else:
            name = self._context.label(part.track) or part.track
        told = []
        for row in part.rows:
            points = (
                self._names.inverter(name, row.values)
                if inverter
                else self._names.battery(name, completed(row.values))
            )
            told += lines(points, row.place.time)
        if not self._server.take(told):
            return False
        self._outbox.sent(part)
        return True


class Server:
    """The other side. ``take`` is for one thread; ``failure`` and ``dropped`` may be looked at by all."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.failure: str | None = None
        self.heard: float | None = None  # when something was taken
        self.dropped: dict[str, int] = {}  # lines that no server will have, by the reason
        self._settings, self._now = settings, now
        self._connection: HTTPConnection | None = None
        self._asked: float | None = None  # since when a request is under way
        self._again = self._pause = 0.0
        self._failed_at = 0.0
        self._said: dict[str, float] = {}
        self._kind = settings.influxdb_server
        token, org, database = settings.influxdb_token, settings.influxdb_org, settings.influxdb_database
        self.fault = None
        if org and not token:
            self.fault = "INFLUXDB_ORG is set, but no INFLUXDB_TOKEN, which InfluxDB 2 asks for"
        elif not database and (org or self._kind == "influxdb"):
            self.fault = "INFLUXDB_DATABASE is not set: InfluxDB needs the name of a database, or of a bucket"
        self._headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"{'Token' if org else 'Bearer'} {token}"
        elif settings.influxdb_username:
            pair = f"{settings.influxdb_username}:{settings.influxdb_password or ''}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        asked = {"org": org, "bucket": database} if org else {"db": database}
        query = urlencode({key: value for key, value in asked.items() if value} | {"precision": "ms"})
        path = quote((settings.influxdb_path or "").rstrip("/"))
        self._target = f"{path}{'/api/v2/write' if org else '/write'}?{query}"
        if settings.influxdb_ssl and not settings.influxdb_verify_ssl:
            log.warning(
                "influx: INFLUXDB_VERIFY_SSL=false: anybody on the way can read and change what is sent"
            )

    @property
    def is_influxdb(self) -> bool:
        """Whether it keeps texts: VictoriaMetrics would make a number of each."""
        return self._kind == "influxdb"

    @property
    def resting(self) -> bool:
        """Whether it is left alone for now."""
        return self._now() < self._again

    def cut_off(self, limit: float) -> None:
        """End a request that has taken longer than ``limit`` s. For another thread."""
        asked, connection = self._asked, self._connection
        if asked is not None and connection is not None and self._now() - asked > limit:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(2)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def take(self, told: Sequence[str]) -> bool:
        """Send lines; return whether they have arrived, or never can. If not they are to be tried later."""
        return all(self._offer(told[at : at + MOST_LINES]) for at in range(0, len(told), MOST_LINES))

    def _offer(self, told: Sequence[str]) -> bool:
        try:
            status, headers, said = self._ask(told)
        except (OSError, HTTPException) as error:
            self.close()
            why = reason(error) if isinstance(error, OSError) else type(error).__name__
            return self._later(f"no answer from {self._settings.influxdb_host}: {why}")
        words, settings = self._clean(said), self._settings
        if status in (401, 403) or (status == 400 and "auth token" in said):  # so an older vmauth
            who = "INFLUXDB_TOKEN" if settings.influxdb_token else "INFLUXDB_USERNAME and INFLUXDB_PASSWORD"
            return self._later(f"it refuses {who} ({status})", LONGEST_PAUSE)
        if status == 404 or (status == 400 and "database is required" in said):
            what = settings.influxdb_database
            return self._later(
                f"it does not know {'the database or bucket ' + what if what else self._target} ({status}): "
                f"create it (influx -execute 'CREATE DATABASE \"{what or 'bms'}\"'), or see INFLUXDB_DATABASE and "
                f"INFLUXDB_PATH: {words}",
                LONGEST_PAUSE,
            )
        if status in (400, 413, 422):
            old = status == 422 or "retention policy" in said
            if (
                len(told) > 1 and not old and "partial write" not in said
            ):  # nothing was taken: for which line?
                half = len(told) // 2
                return self._offer(told[:half]) and self._offer(told[half:])
            why, count = ("too_old" if old else "refused"), self._count(said, len(told))
            self.dropped[why] = self.dropped.get(why, 0) + count
            if self._now() - self._said.get(why, -SAID) >= SAID:
                self._said[why] = self._now()
                log.error("influx: %d lines were refused, and the rest goes on: %s", count, words)
        elif status not in (200, 204):
            wait = headers.get("Retry-After", "")
            pause = min(float(wait), LONGEST_PAUSE) if wait.isdigit() and status in (429, 503) else None
            where = "; it leads elsewhere, which is not followed" if 300 <= status < 400 else ""
            return self._later(f"it answers {status}{where}: {words}", pause)
        if self.failure is not None:
            log.info("influx: written again after %s", span(self._now() - self._failed_at))
        self.failure, self._pause, self.heard = None, 0.0, self._now()
        return True

    def _ask(self, told: Sequence[str]) -> tuple[int, Message, str]:
        body = gzip.compress("\n".join(told).encode(), 3)
        self._asked = self._now()
        try:
            answer = self._sent(body)
            said = answer.read(4096).decode("utf-8", "replace")
            if not answer.isclosed():
                self.close()  # there is more, which is of no interest
        finally:
            self._asked = None
        if self._kind == "auto":
            if "X-Server-Hostname" in answer.headers:  # it claims to be an InfluxDB as well
                self._kind = "victoriametrics"
            elif "X-Influxdb-Version" in answer.headers:
                self._kind = "influxdb"
        return answer.status, answer.headers, said

    def _sent(self, body: bytes) -> HTTPResponse:
        fresh = self._connection is None
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request("POST", self._target, body, self._headers)
            return self._connection.getresponse()
        except (ConnectionError, BadStatusLine):
            self.close()
            if fresh:
                raise
            return self._sent(body)  # it was closed while nothing was said

    def _connect(self) -> HTTPConnection:
        settings = self._settings
        assert settings.influxdb_host is not None
        host, port = settings.influxdb_host
        if not settings.influxdb_ssl:
            return HTTPConnection(host, port, timeout=settings.influxdb_timeout)
        context = ssl.create_default_context(cafile=settings.influxdb_ca_file)
        if not settings.influxdb_verify_ssl:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return HTTPSConnection(host, port, timeout=settings.influxdb_timeout, context=context)

    def _later(self, why: str, pause: float | None = None) -> bool:
        self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
        self._again = self._now() + (self._pause if pause is None else pause)
        if self.failure is None:
            self._failed_at = self._now()
            log.error("influx: nothing is taken, and will be sent later: %s", why)
        self.failure = why
        return False

    def _clean(self, said: str) -> str:
        for secret in (self._settings.influxdb_token, self._settings.influxdb_password):
            said = said.replace(secret, "***") if secret else said
        return harmless(said, 300)

    @staticmethod
    def _count(said: str, most: int) -> int:
        dropped = said.rpartition("dropped=")[2][:9].strip('"}\n ')
        return int(dropped) if dropped.isdigit() else most


def influx(context: PartContext) -> Influx:
    """Return the sink."""
    return Influx(context)
