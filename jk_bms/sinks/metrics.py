"""``/metrics`` for Prometheus and the like: what the house is now, rendered from memory when somebody asks.

Off until ``METRICS_BIND`` names an address; other machines need a token. What a battery said too long ago is
absent, not stale.
"""

import asyncio
import contextlib
import gzip
import hmac
import logging
import time
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from jk_bms.errors import reason
from jk_bms.hub import Item, LinkChange, Part, PartContext
from jk_bms.model import InverterSample, Sample
from jk_bms.model.freshness import INVERTER as INVERTER_SPEAKS
from jk_bms.model.snapshot import SinkNow, Snapshot
from jk_bms.sinks.series import BATTERY, INVERTER, Metric, Repairs, Series, of_house, of_inverter, of_sample

log = logging.getLogger(__name__)

HEADER_MOST = 8192  # bytes
PATIENCE = 5.0  # s for one request
AT_A_TIME = 4  # connections
AGAIN = 60.0  # s until an address that cannot be had is tried again
KEPT = 1.0  # s that a page is good for
_LABEL = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_LONGEST = 120  # characters of a label
_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WORDS = {
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
}


class Metrics(Part):
    """The sink that is asked instead of sending."""

    def __init__(self, context: PartContext) -> None:
        settings = context.settings
        assert settings.metrics_bind is not None
        self._context, self._settings = context, settings
        self._host, self.port = settings.metrics_bind
        self._samples: dict[str, Sample] = {}
        self._inverters: dict[str, InverterSample] = {}
        self._repairs = Repairs()
        self._page = (-KEPT, b"")
        self._open = 0
        self._failure: str | None = None
        if not (settings.metrics_token or settings.metrics_public or _loopback(self._host)):
            self._failure = (
                f"METRICS_BIND={self._host} lets in other machines: set METRICS_TOKEN or METRICS_PUBLIC"
            )

    def accept(self, item: Item) -> None:
        """Keep what is newest."""
        if isinstance(item, Sample):
            self._samples[item.device.address] = item
        elif isinstance(item, InverterSample):
            self._inverters[item.device.id] = item
        elif isinstance(item, LinkChange):
            self._repairs.take(item)

    def shown(self) -> SinkNow:
        """Whether it answers."""
        return SinkNow(failure=self._failure)

    async def run(self) -> None:
        """Answer until cancelled."""
        if self._failure:
            log.error("/metrics is off: %s", self._failure)
            await asyncio.Event().wait()
        while True:
            try:
                server = await asyncio.start_server(self._asked, self._host, self.port, limit=HEADER_MOST)
                break
            except OSError as error:
                if self._failure is None:
                    log.error(
                        "/metrics does not answer at %s port %d: %s", self._host, self.port, reason(error)
                    )
                self._failure = reason(error)
                await asyncio.sleep(AGAIN)
        self._failure = None
        self.port = server.sockets[0].getsockname()[1]
        log.info("/metrics answers at %s port %d", self._host, self.port)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()  # who asks just now is done within seconds

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(PATIENCE):
                if self._open > AT_A_TIME:
                    with contextlib.suppress(TimeoutError):  # what was not read would have the answer lost
                        await asyncio.wait_for(reader.read(HEADER_MOST), 0.2)
                    writer.write(_answer(503, "Service Unavailable"))
                else:
                    writer.write(await self._answer(reader))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # who asked went away, or is too slow
        finally:
            self._open -= 1
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()  # it would wait for who takes nothing
            else:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.LimitOverrunError:
            return _answer(431)
        first, *rest = head.split("\r\n")
        method, _, target = first.partition(" ")
        headers = {
            key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in rest)
        }
        if target.split(" ")[0].partition("?")[0] != "/metrics":
            return _answer(404)
        if method not in ("GET", "HEAD"):
            return _answer(405, more="Allow: GET, HEAD\r\n")
        if token := self._settings.metrics_token:
            given = headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                return _answer(401, more="WWW-Authenticate: Bearer\r\n")
        body, more = self._rendered(), ""
        if "gzip" in headers.get("accept-encoding", ""):
            body, more = gzip.compress(body, 1), "Content-Encoding: gzip\r\n"
        return _answer(200, "OK", body, more, head=method == "HEAD")

    def _rendered(self) -> bytes:
        now = time.monotonic()
        if now - self._page[0] >= KEPT:
            text = render(
                self._context.snapshot(),
                self._samples,
                self._inverters.values(),
                self._repairs,
                self._settings.house,
            )
            self._page = now, text.encode()
        return self._page[1]


def render(
    snapshot: Snapshot,
    samples: Mapping[str, Sample],
    inverters: Iterable[InverterSample],
    repairs: Mapping[tuple[str, str], int],
    house: str | None,
) -> str:
    """Return the page; ``samples`` are by address."""
    families: dict[str, list[Series]] = {}

    def told(prefix: str, table: Mapping[str, Metric], device: str, values: Mapping[str, float]) -> None:
        for column, value in values.items():
            metric = table.get(column)
            if metric is not None and metric.name:
                labels = (("device", device), *metric.labels)
                series = Series(f"{prefix}{metric.name}", labels, value * metric.factor)
                families.setdefault(series.name, []).append(series)

    for battery in snapshot.devices:
        sample = samples.get(battery.address)
        if sample is not None and battery.age is not None and not snapshot.is_old(battery.age):
            told("easun_battery_", BATTERY, battery.label, of_sample(sample))
    ages = {inverter.id: inverter.age for inverter in snapshot.inverters}
    for heard in inverters:
        age = ages.get(heard.device.id)
        if age is not None and age <= INVERTER_SPEAKS:
            told("easun_inverter_", INVERTER, heard.device.label, of_inverter(heard))
    for series in of_house(snapshot, repairs):
        families.setdefault(series.name, []).append(series)
    lines = []
    for name, members in families.items():
        words = name.removeprefix("easun_").removesuffix("_total").replace("_", " ")
        lines.append(f"# HELP {name} {words[0].upper()}{words[1:]}, see docs/grafana.md.")
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        for one in members:
            labels = (*one.labels, *((("house", house),) if house else ()))
            inside = ",".join(f'{key}="{value[:_LONGEST].translate(_LABEL)}"' for key, value in labels)
            lines.append(
                f"{name}{{{inside}}} {round(one.value, 6)!r}" if inside else f"{name} {round(one.value, 6)!r}"
            )
    return "\n".join(lines) + "\n"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _answer(status: int, word: str = "", body: bytes = b"", more: str = "", *, head: bool = False) -> bytes:
    words = word or _WORDS[status]
    body = body if status == 200 else f"{words}\n".encode()
    kind = _TYPE if status == 200 else "text/plain"
    top = f"HTTP/1.1 {status} {words}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
    return f"{top}Connection: close\r\n\r\n".encode() + (b"" if head else body)


def metrics(context: PartContext) -> Metrics:
    """Return the sink."""
    return Metrics(context)
