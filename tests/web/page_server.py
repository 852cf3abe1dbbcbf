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

from jk_bms.config.settings import SETTINGS
from jk_bms.config.settings.load import refusal
from jk_bms.texts import LANGUAGES, Texts, language
from jk_bms.view.link_layers import layers_of, reads
from jk_bms.web import html
from jk_bms.web.asking import BY_KEY, layer_key
from jk_bms.web.assets import manifest, tree
from jk_bms.web.bms_settings import told as bms_settings_told
from jk_bms.web.html import Frame, HistoryRow
from tests.told import house as snapshot
from tests.web.made_up import KYIV

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SEED = {"battery_soc": (62.0, 24.0), "cell_4": (3.27, 0.05), "temperature_1": (18.0, 3.0), "remaining_ah": (200.0, 40.0),
        "soc_low": (58.0, 24.0), "soc_high": (66.0, 24.0), "power": (-300.0, 1900.0),
        "current": (-6.0, 36.0), "voltage": (52.4, 1.1), "cell_min": (3.268, 0.05), "cell_max": (3.286, 0.05),
        "cell_delta": (0.016, 0.008), "temperature": (18.0, 3.0), "mosfet_temperature": (22.0, 5.0),
        "ac_output_power": (900.0, 700.0), "pv_input_power": (600.0, 900.0)}  # fmt: skip


# A point of the curve, as a key of push is one: that of the example in RFC 8291
KEY = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"


class House:
    """What the server tells: the tests change it while a browser looks."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.tokens: list[dict[str, Any]] = []
        self.csrf = "c5rf"  # the mark of the session that there is ...
        self.broken_csrf = False  # ... which no page ever has right
        self.sure = True  # the password was typed a short while ago
        self.asked: list[tuple[str, str, Any]] = []  # method, path, body of what was asked
        self.signed_in = True
        self.control = True
        self.public = False  # everyone may look, and this browser has no session
        self.push: dict[str, Any] = {
            "possible": True,
            "on": False,
            "key": KEY,
            "contact_wanted": True,
            "only": True,
        }
        self.up = True  # False: answers nothing
        self.streams: list[queue.Queue[bytes | None]] = []
        self.base = "/"
        self.static = tree().hash
        self.settings = {
            "TELEGRAM_BOT_TOKEN": "1:a",
            "ALERT_MIN_LEVEL": "error",
        }  # that are not at their default

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


def settings_rows(given: dict[str, str], texts: Texts) -> list[dict[str, Any]]:
    """Every setting there is, as the page's server tells it; ``given``: those that the owner set."""
    rows = []
    for one in SETTINGS:
        kind, value = one.kind, given.get(one.key, one.default)
        meaning = texts(f"settings.{one.key}") if texts.known(f"settings.{one.key}") else one.meaning
        row = {
            "key": one.key,
            "unit": one.unit,
            "default": one.default,
            "meaning": meaning,
            "secret": one.secret,
            "set": one.key in given,
            "source": "/etc/easun-jkbms/settings.env line 3" if one.key in given else "default",
            "at_once": one.at_once,
            "locked": one.key == "LOG_LEVEL",
            "choices": kind.choices,
            "example": kind.example,
        }
        row |= {"low": kind.low, "high": kind.high} if kind.low is not None else {}
        row |= {"value": value} if value and not one.secret else {}
        if not one.at_once:
            row |= {"file": "/etc/easun-jkbms/.env", "command": "sudo systemctl restart 'easun-jkbms*'"}
        rows.append(row)
    return rows


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
        if self.house.broken_csrf or self.headers.get("X-CSRF") not in ("", self.house.csrf):
            self.json({"error": {"code": "csrf", "message": language(self.language)("api.csrf")}}, 403)
            return
        self.house.asked.append((self.command, urlsplit(self.path).path, told))
        if urlsplit(self.path).path.endswith("api/login"):
            if told is None or told["password"] != "right":
                self.json({"error": {"code": "wrong_password", "message": "That is not the password."}}, 401)
                return
            self.house.signed_in = self.house.sure = True
        if "api/tokens" in self.path:
            self.token(told)
            return
        if self.path.endswith("api/push"):
            self.house.push |= {"on": self.command == "POST", "contact_wanted": False}
            self.json(self.house.push)
            return
        if self.command == "PATCH":
            self.change(told or {})
            return
        self.json(
            {
                "csrf": self.house.csrf,
                "scope": "admin",
                "sure": True,
                "password_fixed": False,
                "alerts": [],
                "known": True,
            }
        )

    do_DELETE = do_PATCH = do_POST

    def token(self, wanted: Any) -> None:
        """Make or end a token, if the password was typed a short while ago."""
        house = self.house
        if not house.sure:
            words = language(self.language)("api.type_password")
            self.json({"error": {"code": "not_allowed", "message": words, "field": "password"}}, 403)
        elif self.command == "DELETE":
            house.tokens = [one for one in house.tokens if str(one["id"]) != self.path.rpartition("/")[2]]
            self.answer(204, b"", "text/plain")
        elif self.command == "POST":
            number = 1 + len(house.tokens)
            row = {
                "id": number,
                "name": wanted["name"],
                "scope": wanted["scope"],
                "made": house.state["time"],
            }
            house.tokens.append(row | ({"expires": house.state["time"]} if "days" in wanted else {}))
            self.json({"id": number, "access_token": "s3cret-of-a-program"})
        else:
            self.json(house.tokens)

    def change(self, wanted: dict[str, str]) -> None:
        """Change settings, or refuse to, as the page's server does."""
        [(key, text)] = wanted.items()
        setting = BY_KEY[key]
        if refusal(setting, text, "asked for"):
            words = language(self.language)("api.setting_form", given=text, example=setting.kind.example)
            self.json({"error": {"code": "bad_request", "message": words, "field": key}}, 400)
            return
        self.house.settings.pop(key, None)
        if text:
            self.house.settings[key] = text
        self.json({"changed": [{"key": key}]})

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
            csrf="" if house.public else house.csrf,
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
            self.json({"battery": battery, "facts": {"device_info": {}, "settings": settings,
                       "settings_told": bms_settings_told(settings, language(self.language)), "outages": []},
                       "health": {"days": 40.0, "cells": [{"number": 4, "unknown": [], "faults": [
                           {"kind": "weak", "sure": 0.97, "since": None}]}] + [
                           {"number": n, "unknown": [], "faults": []} for n in range(5, 20)]}})  # fmt: skip
        elif path.startswith("alerts/explain/"):
            self.json({"code": 3001, "text": "What this code is about."})
        elif path == "doctor":
            self.json([self.diagnosis(asked["device"])])
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
                    "csrf": house.csrf,
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
        elif path == "tokens":
            self.token(None)
        elif path == "push":
            self.json(house.push | ({"key": ""} if asked.get("key") == "no" else {}))
        elif path == "ways":
            self.json([{"url": "http://easun.local:8080", "https": False, "used": True}])
        elif path == "configs":
            self.json(settings_rows(house.settings, language(self.language)))
        elif path == "log":
            self.json({"events": []})
        else:
            self.json({"error": {"code": "not_found", "message": "There is nothing here."}}, 404)

    def diagnosis(self, device: str) -> dict[str, Any]:
        """How the way to a battery is, as the page's server says it."""
        state, texts = self.house.state, language(self.language)
        told = snapshot({"devices": state["batteries"], "poll_interval": state["poll_interval"]})
        one = next(each for each in told.devices if each.address == device)
        link = next(each["link"] for each in state["batteries"] if each["address"] == device)
        key = f"bot.verdict.{link['verdict']}"
        return {
            "address": device,
            "label": one.label,
            "well": reads(one, 2.0),
            "state": link["state"],
            "verdict": texts(key) if texts.known(key) else "",
            "causes": link["causes"],
            "steps": [
                {"layer": layer_key(step.layer), "result": step.result} for step in layers_of(one, 2.0)
            ],
            "link": link,
        }

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
