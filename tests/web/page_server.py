"""A server that speaks the page's API over a made-up house: what a browser is pointed at in the tests.

It stands in for the real one where a state is wanted that is hard to bring about: any reading, any failure, at once.
"""

import json
import math
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from jk_bms.texts import LANGUAGES, language
from jk_bms.web import html
from jk_bms.web.assets import manifest, tree
from jk_bms.web.html import Frame, HistoryRow
from tests.web.made_up import KYIV

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SEED = {"battery_soc": (62.0, 24.0), "soc_low": (58.0, 24.0), "soc_high": (66.0, 24.0), "power": (-300.0, 1900.0),
        "current": (-6.0, 36.0), "voltage": (52.4, 1.1), "cell_min": (3.268, 0.05), "cell_max": (3.286, 0.05),
        "cell_delta": (0.016, 0.008), "temperature": (18.0, 3.0), "mosfet_temperature": (22.0, 5.0),
        "ac_output_power": (900.0, 700.0), "pv_input_power": (600.0, 900.0)}  # fmt: skip


class House:
    """What the server tells: the tests change it while a browser looks."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.asked: list[tuple[str, str, Any]] = []  # method, path, body of what was asked
        self.signed_in = True
        self.control = True
        self.public = False  # everyone may look, and this browser has no session
        self.up = True  # False: answers nothing
        self.streams: list[queue.Queue[bytes | None]] = []
        self.base = "/"
        self.static = tree().hash

    def say(self, kind: str, data: Any) -> None:
        """Tell every open page."""
        for stream in list(self.streams):
            stream.put(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())

    def cut(self) -> None:
        """End every stream."""
        for stream in list(self.streams):
            stream.put(None)


def series(asked: dict[str, str], now: datetime) -> dict[str, Any]:
    """Waves in place of a history; they know nothing of the last quarter of an hour of yesterday."""
    begin = datetime.fromisoformat(asked["from"].replace("Z", "+00:00"))
    end = datetime.fromisoformat(asked["to"].replace("Z", "+00:00")) if asked.get("to") else now
    points = min(int(asked.get("points", 720)), 2000)
    step = max(5.0, math.ceil((end - begin).total_seconds() / points / 5) * 5)
    count = max(1, int((end - begin).total_seconds() / step))
    values: dict[str, Any] = {}
    for key in asked["keys"].split(","):
        mean_of, reach = SEED.get(key, (1.0, 0.5))
        mean: list[float | None] = []
        for n in range(count):
            time = begin.timestamp() + n * step
            if time > now.timestamp() or (time // 900) % 90 == 17:
                mean.append(None)
                continue
            value = (
                mean_of
                + reach * math.sin(time / 86400 * 2 * math.pi + 2.6)
                + 0.04 * reach * math.sin(time / 700)
            )
            mean.append(round(max(0.0, value) if key in ("pv_input_power", "ac_output_power") else value, 3))
        wide = 0.03 * reach
        values[key] = {
            "mean": mean,
            "min": [None if value is None else value - wide for value in mean],
            "max": [None if value is None else value + wide for value in mean],
        }
    cut = now - timedelta(hours=5)
    return {
        "track": asked["device"], "tier": "1 min", "step": step, "begin": begin.isoformat(), "values": values,
        "blackouts": [{"from": cut.isoformat(), "to": (cut + timedelta(hours=3)).isoformat()}] if cut > begin else [],
        "outages": [],
    }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    house: House

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        house = self.house
        if not house.up:
            self.close_connection = True
            return
        url = urlsplit(self.path)
        path = url.path[len(house.base) :] if url.path.startswith(house.base) else url.path.lstrip("/")
        asked = {key: values[-1] for key, values in parse_qs(url.query).items()}
        files = tree()
        if path.startswith(f"s/{files.hash}/"):
            asset = files.files.get(path.removeprefix(f"s/{files.hash}/"))
            if asset is None:
                self.answer(404, b"", "text/plain")
            else:
                self.answer(200, asset.body, asset.kind, cache="public, max-age=31536000, immutable")
        elif path == "sw.js":
            self.answer(200, files.worker.body, files.worker.kind)
        elif path == "manifest.json":
            self.json(manifest(self.language, house.base))
        elif path.startswith("api/"):
            self.api(path.removeprefix("api/"), asked)
        else:
            self.page(path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(body) if body else None
        self.house.asked.append((self.command, urlsplit(self.path).path, told))
        if urlsplit(self.path).path.endswith("api/login"):
            if told is None or told["password"] != "right":
                self.json({"error": {"code": "wrong_password", "message": "That is not the password."}}, 401)
                return
            self.house.signed_in = True
        self.json(
            {
                "csrf": "c5rf",
                "scope": "admin",
                "sure": True,
                "password_fixed": False,
                "alerts": [],
                "known": True,
            }
        )

    do_DELETE = do_PATCH = do_POST

    @property
    def language(self) -> str:
        cookies = self.headers.get("Cookie") or ""
        wanted = next((each.split("=")[1] for each in cookies.split("; ") if each.startswith("lang=")), "")
        wanted = wanted or (self.headers.get("Accept-Language") or "en")[:2]
        return wanted if wanted in LANGUAGES else "en"

    def page(self, path: str) -> None:
        house, state = self.house, self.house.state
        now = datetime.fromisoformat(state["time"])
        frame = Frame(
            language(self.language),
            KYIV,
            now,
            base=house.base,
            csrf="" if house.public else "c5rf",
            may_control=house.control,
            title="House",
        )
        screen = path.partition("/")[0]
        if screen == "login" or not house.signed_in:
            made = html.login(frame)
        elif screen == "start":
            made = html.start(frame)
        elif screen == "battery":
            made = html.battery(frame, state, int(path.partition("/")[2] or 1)) or ""
        elif screen == "alerts":
            made = html.alerts(frame, state)
        elif screen == "history":
            made = html.history(frame, state, [HistoryRow(now, 76.4, -2168.0, 52.6)])
        elif screen == "more":
            made = html.more(frame, state)
        else:
            made = html.home(frame, state)
        self.answer(200, made.encode(), "text/html; charset=utf-8")

    def api(self, path: str, asked: dict[str, str]) -> None:
        house, state = self.house, self.house.state
        now = datetime.fromisoformat(state["time"])
        if not house.signed_in:
            self.json({"error": {"code": "not_signed_in", "message": "Sign in first."}}, 401)
        elif path == "state":
            self.json(state)
        elif path == "live":
            self.live()
        elif path == "history":
            self.json(series(asked, now))
        elif path == "outlook":
            until = (now + timedelta(hours=12)).isoformat()
            self.json(
                {
                    "verdict": "yes",
                    "until": until,
                    "soc_low": 31.4,
                    "soc_high": 44.1,
                    "load": 420.0,
                    "days": 9,
                }
            )
        elif path.startswith("batteries/"):
            number = int(path.partition("/")[2])
            battery = next(each for each in state["batteries"] if each["number"] == number)
            settings = {
                "cell_ovp": 3.65,
                "cell_uvp": 2.5,
                "balance_trigger_voltage": 0.01,
                "charge_switch": True,
            }
            self.json({"battery": battery, "facts": {"device_info": {}, "settings": settings, "outages": []},
                       "health": {"days": 40.0, "cells": [{"number": 4, "unknown": [], "faults": [
                           {"kind": "weak", "sure": 0.97, "since": None}]}] + [
                           {"number": n, "unknown": [], "faults": []} for n in range(5, 20)]}})  # fmt: skip
        elif path == "alerts":
            past = [
                {"id": 900 - n, "time": (now - timedelta(hours=9 * n + 1)).isoformat(), "label": "Main",
                 "text": f"Main: the grid is {word} · code 3001",
                 "facts": {"what": what, "severity": "warning", "code": 3001}}
                for n, (word, what) in enumerate([("back", "cleared"), ("lost", "raised")] * 4)
            ]  # fmt: skip
            self.json({"known": True, "alerts": past})
        elif path == "days":
            days = [{"date": f"{now - timedelta(days=back):%Y-%m-%d}", "charged_kwh": 9.8 - back % 5,
                     "discharged_kwh": 6.2 + back % 4} for back in range(int(asked.get("days", 30)))]  # fmt: skip
            self.json(days[::-1])
        elif path == "session" and house.public:
            self.json({"error": {"code": "not_signed_in", "message": "Sign in first."}}, 401)
        elif path == "session":
            self.json(
                {
                    "csrf": "c5rf",
                    "scope": "admin" if house.control else "read",
                    "sure": True,
                    "password_fixed": False,
                }
            )
        elif path == "sessions":
            self.json([{"id": 1, "scope": "admin", "browser": "Chrome, Android", "made": state["time"],
                        "used": state["time"], "this": True},
                       {"id": 2, "scope": "read", "name": "Olena", "browser": "Safari, iPhone", "made": state["time"],
                        "used": (now - timedelta(days=2)).isoformat(), "this": False}])  # fmt: skip
        elif path == "ways":
            self.json([{"url": "http://easun.local:8080", "https": False, "used": True}])
        elif path == "configs":
            self.json([
                {"key": "JK_BMS_POLL_INTERVAL", "value": "2", "unit": "s", "source": "default", "secret": False,
                 "set": True, "meaning": "Seconds between readings"},
                {"key": "TELEGRAM_BOT_TOKEN", "secret": True, "set": True, "source": ".env", "meaning": "Token of the bot"},
            ])  # fmt: skip
        elif path == "log":
            self.json({"events": []})
        else:
            self.json({"error": {"code": "not_found", "message": "There is nothing here."}}, 404)

    def live(self) -> None:
        house, stream = self.house, queue.Queue[bytes | None]()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        hello = {"version": "1.0.0", "boot": "b", "resumed": False, "static": house.static}
        self.wfile.write(f": hello\n\nevent: hello\ndata: {json.dumps(hello)}\n\n".encode())
        told = msgspec.json.encode(house.state).decode()
        self.wfile.write(f"id: b-1\nevent: state\ndata: {told}\n\n".encode())
        self.wfile.flush()
        house.streams.append(stream)
        try:
            while (piece := stream.get()) is not None:
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            pass  # the browser went away
        finally:
            house.streams.remove(stream)
            self.close_connection = True

    def json(self, told: Any, status: int = 200) -> None:
        self.answer(status, msgspec.json.encode(told), "application/json")

    def answer(self, status: int, body: bytes, kind: str, cache: str = "no-store") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", cache)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Lets go of open streams when it ends."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        pass  # a browser that goes away in the middle is no failure


@contextmanager
def serving(state: dict[str, Any], base: str = "/") -> Iterator[tuple[str, House]]:
    """Serve the house on a free port of this machine; yield its address and the house."""
    house = House(state)
    house.base = base
    server = Server(("127.0.0.1", 0), type("OfHouse", (Handler,), {"house": house}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{base}", house
    finally:
        house.cut()
        server.shutdown()
        server.server_close()
        thread.join()


def present(state: dict[str, Any]) -> dict[str, Any]:
    """Return ``state`` as of now, for browsers whose clock is that of this machine."""
    return state | {"time": datetime.now(UTC).astimezone(KYIV).isoformat(timespec="milliseconds")}
