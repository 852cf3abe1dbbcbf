"""Houses for a browser to look at: the real battery service over simulated batteries, and the real page beside it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jk_bms.clock import Clock
from jk_bms.config.devices import Entry
from jk_bms.config.settings import load_settings
from jk_bms.demo.made_up_day import with_a_past
from jk_bms.model.kinds import SIMULATED
from tests.e2e.house import House, Service, until
from tests.house_times import EVENING
from tests.web.program import PASSWORD, Program

NAMES = ("Main", "Shed", "Garage", "Attic", "Cellar", "Barn", "Boat", "Spare")
ZONE = "Europe/Kyiv"
# Values of now, not of a minute ago: what is looked at must not grow old because the machine is busy.
USUAL = {
    "BMS_STANDALONE_ROWS": "true",
    "JK_BMS_POLL_INTERVAL": "30",
    "TIMEZONE": ZONE,
    "ALERT_STARTUP_DELAY": "0",
    "HISTORY_COMMIT": "10",
    "BOT_LANGUAGE": "en",
}


def entry(number: int, **options: str) -> str:
    """A simulated battery as the registry has it."""
    told = {"type": "simulated", "name": NAMES[number - 1], "seed": str(number), "period": "1", "start": EVENING,
            "start_soc": str(80 - 7 * number)} | options  # fmt: skip
    return f"{NAMES[number - 1].lower()}:\n" + "".join(f"  {key}: {text}\n" for key, text in told.items())


class Session(NamedTuple):
    """One that is signed in."""

    cookie: str  # as a browser sends it
    csrf: str


class Lived(NamedTuple):
    """A house that runs."""

    house: House
    service: Service
    page: Program
    batteries: int

    @property
    def url(self) -> str:
        """Where the page is. By name: `localhost` may have a worker, as https may."""
        return f"http://localhost:{self.page.port}/"

    def snapshot(self) -> dict[str, Any]:
        """What the battery service says."""
        return until(self.service.snapshot)

    def sign_in(self) -> Session:
        """Sign in as the owner."""
        status, headers, body = self.page.ask("POST", "/api/login", {"password": PASSWORD})
        assert status == 200, body
        return Session(headers["set-cookie"].partition(";")[0], json.loads(body)["csrf"])

    def ask(self, session: Session, path: str, method: str = "GET", body: Any = None) -> Any:
        """What the API says."""
        headers = {"Cookie": session.cookie}
        if method != "GET":
            headers |= {"X-CSRF": session.csrf, "Sec-Fetch-Site": "same-origin"}
        status, _, told = self.page.ask(method, path, body, **headers)
        assert 200 <= status < 300, (status, told)
        return json.loads(told) if told else None

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The facts of all events of that kind in the record of the battery service."""
        with closing(sqlite3.connect(f"file:{self.house.bms_db}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT facts FROM events WHERE kind = ? ORDER BY id", (kind,))
            return [json.loads(facts) for (facts,) in rows]


def made(
    folder: Path,
    batteries: int,
    *,
    past: bool = False,
    low: bool = False,
    env: Mapping[str, str] = MappingProxyType({}),
    **options: str,
) -> House:
    """A house with so many batteries.

    ``past``: the first has a day behind it; ``low``: the last is nearly empty; ``options``: of each battery.
    """
    house = House(folder, **USUAL | dict(env))
    entries = [entry(number, **options) for number in range(1, batteries + (not low))]
    if low:
        entries.append(entry(batteries, start_soc="8", **options))
    house.registry.write_text("".join(entries))
    if past:
        settings = load_settings({"BMS_DB_PATH": str(house.bms_db), "TIMEZONE": ZONE}, top=folder)
        of = Entry(address=NAMES[0].lower(), type=SIMULATED, name=NAMES[0], options={"seed": "1"})
        with_a_past(settings, of, Clock())
    return house


def page_of(house: House, **env: str) -> Program:
    """Start the page of a house."""
    return Program(house.folder, **{"TIMEZONE": ZONE, "BOT_LANGUAGE": "en", "WEB_PASSWORD": PASSWORD} | env)


@contextmanager
def lived(folder: Path, batteries: int, **how: Any) -> Iterator[Lived]:
    """A house that runs, once each battery is read and the page knows it. ``how``: as ``made``."""
    house = made(folder, batteries, **how)
    with house.service() as service, page_of(house) as page:
        service.streaming(batteries)
        running = Lived(house, service, page, batteries)
        session = running.sign_in()
        until(lambda: known(running, session))
        yield running


def known(running: Lived, session: Session) -> bool:
    """Whether the page knows every battery, and how it is reached."""
    try:
        state = running.ask(session, "/api/state")
    except (OSError, HTTPException):
        return False
    read = [each for each in state["batteries"] if "reading" in each and "link" in each]
    return bool(state["poller"]["up"]) and len(read) == running.batteries
