"""Push from end to end in one process: browsers subscribe, the log of events moves on, a push service takes messages."""

import asyncio
import json
import logging
import os
import re
import sqlite3
import ssl
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from jk_bms.model import Event
from jk_bms.rules.base import Moment
from jk_bms.rules.engine import Engine
from jk_bms.rules.facts import notice_facts
from jk_bms.rules.options import Options
from jk_bms.store.bms_db import BmsDb, open_writer
from jk_bms.texts import LANGUAGES, language
from jk_bms.web.access import UNUSED
from jk_bms.web.push import channel, keyfile, services
from jk_bms.web.push.services import BadEndpoint, is_public, parts_of
from tests.scale import PATIENCE
from tests.sources.scripted import StillClock
from tests.web import made_up
from tests.web.asking import Browser, Got, House, house_in
from tests.web.push_service import NAMES, PUBLIC, Answer, Phone, Posted, PushService

CONTACT = "me@house.net"
BATTERY = made_up.address(1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with PushService(tmp_path) as made:
        yield made


@dataclass
class Log:
    """The log of events, as the battery service writes it."""

    own: BmsDb
    clock: StillClock
    engine: Engine = field(default_factory=lambda: Engine(Options()))

    def event(
        self, value: float = 2.71, *, code: int = 1006, age: float = 0.0, step: str = "raised", **facts: Any
    ) -> int:
        found = self.engine.find(code)
        assert found is not None
        notice = self.engine.example(code, Moment(self.clock.monotonic(), self.clock.now()), BATTERY)
        told = (
            notice_facts(notice, found[0])
            | {"value": value, "facts": {}, "what": step, "test": step == "test"}
            | facts
        )
        event = Event(
            kind=f"alert.{step}",
            taken_at=self.clock.now() - timedelta(seconds=age),
            monotonic=self.clock.monotonic() - age,
            clock_trusted=self.clock.trusted(),
            device=BATTERY,
            text=f"{value}",
            facts=told,
        )
        self.own.append(event)
        return self.own.newest_event()


@dataclass
class Pushed:
    """A page whose pushes end here."""

    house: House
    service: PushService
    log: Log

    async def phone(self, browser: Browser, phone: Phone | None = None, **more: Any) -> Phone:
        """Have a browser subscribe."""
        made = phone or Phone(name=f"phone-{len(self.house.page.store.subscriptions)}")
        got = await browser.post("/api/push", {**made.subscription, "contact": CONTACT} | more)
        assert (got.status, got.json.get("on")) == (200, True), got
        return made

    def wake(self) -> None:
        self.house.page.push.wake()

    async def told(self, phone: Phone, count: int = 1) -> list[dict[str, Any]]:
        """What ``phone`` got, once it is so many messages."""
        self.wake()
        await until(lambda: len(self.of(phone)) >= count)
        return [json.loads(phone.read(posted.body)) for posted in self.of(phone)]

    def of(self, phone: Phone) -> list[Posted]:
        return [
            posted
            for posted in self.service.posted
            if f"https://{posted.host}{posted.path}" == phone.endpoint
        ]


@asynccontextmanager
async def pushed(
    folder: Path, service: PushService, clock: StillClock | None = None, **env: Any
) -> AsyncIterator[Pushed]:
    clock = clock or StillClock()
    with closing(open_writer(folder / "bms.db", clock)) as own:
        async with house_in(
            folder, clock=clock, push_services=service.services(now=clock.now), **env
        ) as house:
            yield Pushed(house, service, Log(own, clock))


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.01)


async def nothing_more(here: Pushed, phone: Phone, count: int) -> None:
    """Fails if ``phone`` gets more than ``count`` messages though there is something to be told after them."""
    here.log.event(9.99, step="test")
    told = await here.told(phone, count + 1)
    assert len(told) == count + 1
    assert "9.99" in told[-1]["notification"]["title"]


async def test_an_alert_reaches_a_phone_as_a_browser_and_its_push_service_want_it(
    tmp_path: Path, service: PushService
) -> None:
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        here.log.event(2.5)  # before it subscribed: of the past
        phone = await here.phone(owner, language="en")
        here.house.service.state["alerts"] = [
            {"rule": "a", "severity": "error"},
            {"rule": "b", "severity": "error"},
        ]
        await here.house.page.house.ask()
        number = here.log.event(2.71)

        [told] = await here.told(phone)

        [posted] = service.posted
        said = told["notification"]
        texts = language("en")
        assert (told["web_push"], told["app_badge"]) == (8030, 2)
        assert said["title"].startswith("Critical: Main: ")
        assert "2.71" in said["title"]
        assert said["body"].startswith(f"{here.log.clock.now().astimezone(made_up.KYIV):%H:%M}\n")
        assert texts("alerts.limit", limit="").strip().lower() in said["body"].lower()
        assert said["navigate"] == f"http://house.local:8080/alerts#{BATTERY.replace(':', '%3A')}-1006"
        assert (said["lang"], said["dir"], said["silent"]) == ("en", "auto", False)
        assert said["data"] == {
            "code": 1006, "level": "critical", "device": BATTERY, "step": "raised", "id": number,
            "time": here.log.clock.now().isoformat(),
        }  # fmt: skip
        assert posted.headers["content-encoding"] == "aes128gcm"
        assert (posted.headers["ttl"], posted.headers["urgency"]) == ("14400", "high")
        assert len(posted.headers["topic"]) == 32
        claims = posted.signature.claims
        assert claims["aud"] == "https://fcm.googleapis.com"
        assert claims["sub"] == f"mailto:{CONTACT}"
        assert claims["exp"] == int(here.log.clock.now().timestamp()) + 12 * 3600
        assert (await owner.get("/api/push")).json["key"] == keyfile.base64url(posted.signature.key)
        assert service.connected == [(PUBLIC, "fcm.googleapis.com")]


async def test_in_the_language_of_each_browser(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service) as here:
        phones = {name: await here.phone(await here.house.owner(), language=name) for name in LANGUAGES}
        here.log.event()

        told = {name: (await here.told(phone))[0]["notification"] for name, phone in phones.items()}

    assert {name: one["lang"] for name, one in told.items()} == {name: name for name in LANGUAGES}
    for name, one in told.items():
        assert one["title"].startswith(language(name)("alerts.severity.critical"))


STEPS = {
    # facts of an event: whether it is pushed, TTL, urgency
    "critical": ({}, (True, "14400", "high")),
    "error": ({"code": 1007, "severity": "error"}, (True, "3600", "normal")),
    "warning": ({"severity": "warning"}, (False, "", "")),
    "worse": ({"step": "worse"}, (True, "14400", "high")),
    "repeat": ({"step": "repeat"}, (True, "14400", "high")),
    "over": ({"step": "cleared"}, (True, "14400", "high")),
    "a test of something mild": ({"step": "test", "severity": "info"}, (True, "3600", "low")),
    "seen by someone": ({"step": "acknowledged"}, (False, "", "")),
    "muted": ({"quiet": "muted"}, (False, "", "")),
    "at night": ({"quiet": "night"}, (False, "", "")),
    "without a sound": ({"silent": True}, (False, "", "")),
}


@pytest.mark.parametrize(("facts", "expected"), STEPS.values(), ids=STEPS)
async def test_what_is_pushed(
    tmp_path: Path, service: PushService, facts: dict[str, Any], expected: tuple[bool, str, str]
) -> None:
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(2.22, **facts)
        here.log.event(3.33, step="test")

        told = await here.told(phone, 1 + expected[0])

    assert len(told) == 1 + expected[0]
    if expected[0]:
        assert (service.posted[0].headers["ttl"], service.posted[0].headers["urgency"]) == expected[1:]
        step = str(facts.get("step", "raised"))
        assert told[0]["notification"]["data"]["step"] == step
        assert ("Critical" in told[0]["notification"]["title"]) == (
            expected[2] == "high" and step != "cleared"
        )


async def test_the_least_severity_is_the_owners_choice(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service, PUSH_MIN_LEVEL="warning") as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(severity="info")
        here.log.event(severity="warning")

        told = await here.told(phone)
        await nothing_more(here, phone, 1)

    assert told[0]["notification"]["data"]["level"] == "warning"


async def test_steps_of_an_alert_take_each_others_place_and_those_of_others_do_not(
    tmp_path: Path, service: PushService
) -> None:
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(2.71)
        here.log.event(2.61, step="worse")
        here.log.event(code=1004)

        told = await here.told(phone, 3)

    tags = [one["notification"]["tag"] for one in told]
    topics = [posted.headers["topic"] for posted in service.posted]
    assert [tags[0] == tags[1], topics[0] == topics[1], tags[1] == tags[2], topics[1] == topics[2]] == [
        True, True, False, False,
    ]  # fmt: skip


async def test_many_that_are_late_come_in_one(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        for number in range(5):
            here.log.event(2.1 + number / 10, age=400.0 - number, part=str(number))
        here.log.event(2.9)

        told = await here.told(phone, 2)

    assert told[0]["notification"]["title"] == language("en").count("alerts.several", 5)
    assert told[0]["notification"]["navigate"].endswith("/alerts")
    assert "2.9" in told[1]["notification"]["title"]


async def test_the_page_was_away_for_hours_and_tells_nothing_that_is_of_no_use_any_more(
    tmp_path: Path, service: PushService
) -> None:
    """Three hours: what is critical is still worth being told, an error is not."""
    clock = StillClock()
    async with pushed(tmp_path, service, clock) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(2.10)
        await here.told(phone)
    with closing(open_writer(tmp_path / "bms.db", clock)) as own:
        log = Log(own, clock)
        log.event(2.20)
        log.event(2.30, code=1007, severity="error")
        clock.wall += timedelta(hours=3)
        log.event(2.40)
    async with pushed(tmp_path, service, clock) as here:
        here.log.event(9.99, step="test")
        here.wake()
        await until(lambda: any("9.99" in title for title in titles(here.of(phone), phone)))

    # The first may come again: the page ended perhaps before it could note that it was handed over.
    got = dict.fromkeys(re.findall(r"\d\.\d\d", title)[0] for title in titles(service.posted, phone))
    assert list(got) == ["2.10", "2.20", "2.40", "9.99"]


def titles(posted: Iterable[Posted], phone: Phone) -> list[str]:
    return [str(json.loads(phone.read(one.body))["notification"]["title"]) for one in posted]


async def test_a_log_that_was_begun_anew_is_followed_from_its_beginning(
    tmp_path: Path, service: PushService
) -> None:
    clock = StillClock()
    async with pushed(tmp_path, service, clock) as here:
        for _ in range(5):
            here.log.event(severity="info")
        phone = await here.phone(await here.house.owner())
        here.log.event(2.10)
        await here.told(phone)
    for each in tmp_path.glob("bms.db*"):
        each.unlink()
    async with pushed(tmp_path, service, clock) as here:
        here.wake()
        await asyncio.sleep(0.2)
        here.log.event(2.20)

        told = await here.told(phone, 2)

    assert "2.20" in told[1]["notification"]["title"]


async def test_in_1970_nothing_is_signed_and_later_all_is_told(tmp_path: Path, service: PushService) -> None:
    """A board without a battery for its clock: what happened meanwhile is as old as the time since boot says."""
    clock = StillClock()
    async with pushed(tmp_path, service, clock) as here:
        phone = await here.phone(await here.house.owner())
        right, clock.wall = clock.wall, datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
        here.log.event(2.71)
        here.log.event(2.61, age=20_000.0)
        here.wake()
        await asyncio.sleep(0.3)
        assert service.connected == []
        clock.wall, clock.boot = right, clock.boot + 600.0

        told = await here.told(phone)
        await nothing_more(here, phone, 1)

    assert "2.71" in told[0]["notification"]["title"]
    assert service.posted[0].signature.claims["exp"] > right.timestamp()


# What the service answers: what is done with this event, and what with the next one
ANSWERS: Mapping[str, tuple[Answer, str]] = {
    "201": (Answer(201), "done"),
    "202": (Answer(202), "done"),
    "200": (Answer(200), "done"),
    "204": (Answer(204), "done"),
    "404": (Answer(404), "ended"),
    "410": (Answer(410, {}, b"gone"), "ended"),
    "400": (Answer(400, {}, b"bad"), "refused"),
    "401": (Answer(401), "refused"),
    "403": (Answer(403, {}, b'{"reason":"BadJwtToken"}'), "refused"),
    "another error of ours": (Answer(415), "refused"),
    "a signature that a wrong clock is the reason of": (Answer(403, {"X": "1"}), "later"),
    "413": (Answer(413), "shorter"),
    "429": (Answer(429), "later"),
    "500": (Answer(500), "later"),
    "503": (Answer(503), "later"),
    "408": (Answer(408), "later"),
    "a way elsewhere": (Answer(307, {"Location": "https://fcm.googleapis.com/else"}), "later"),
    "a long answer": (Answer(201, {}, b"x" * 10_000_000), "done"),
    "what is no text": (Answer(500, {}, bytes(range(256)) * 10), "later"),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
async def test_what_each_answer_comes_to(
    tmp_path: Path,
    service: PushService,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    expected: str,
) -> None:
    monkeypatch.setattr(channel, "WAITS", (0.05, 0.05, 0.05))
    monkeypatch.setattr(services, "LEAST_WAIT", 0.05)
    clock = StillClock()
    shown = clock.now() + timedelta(days=3) if answer.headers.get("X") else clock.now()

    def says(posted: Posted) -> Answer:
        first = len(service.posted) == 1
        return (
            answer._replace(headers={**answer.headers, "Date": format_datetime(shown)}) if first else Answer()
        )

    service.says = says
    async with pushed(tmp_path, service, clock) as here:
        owner = await here.house.owner()
        phone = await here.phone(owner)
        here.log.event(2.71)
        here.wake()
        await until(lambda: service.posted)
        again = expected in ("later", "shorter")
        if again:
            told = await here.told(phone, 2)
            same = [one["notification"]["title"] for one in told]
            assert same[0] == same[1]
            assert (told[1]["notification"]["body"] == "") == (expected == "shorter")
        if expected == "shorter":
            assert told[1]["notification"]["data"] == {"code": 1006}
        if expected == "ended":
            await until(lambda: not here.house.page.store.subscriptions)
            assert (state := (await owner.get("/api/push")).json)["on"] is False
            assert datetime.fromisoformat(state["ended"]) == clock.now()
            assert f"status {answer.status}" in state["reason"]
        elif expected == "refused":
            await until(lambda: here.house.page.push.trouble)
            here.log.event(2.61)
            here.wake()
            await asyncio.sleep(0.2)
            assert len(service.posted) == 1  # not repeated, not tried with the next one
            assert f"status {answer.status}" in (await owner.get("/api/push")).json["trouble"]
            assert caplog.text.count("refused, and not tried again") == 1
            clock.wall += timedelta(days=1, seconds=1)  # once a day
            here.log.event(2.51)
            told = await here.told(phone, 2)
            assert "2.51" in told[1]["notification"]["title"]
            await until(lambda: not here.house.page.push.trouble)
        else:
            await nothing_more(here, phone, 1 + again)


async def test_the_owner_learns_that_a_subscription_was_ended(tmp_path: Path, service: PushService) -> None:
    """On its page, and by the battery service in ``check``; that for two weeks."""
    clock = StillClock()
    service.says = lambda _: Answer(410)

    def told(here: Pushed) -> str:
        return str(here.house.page.push.told()["ended"])

    async with pushed(tmp_path, service, clock) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event()
        await here.told(phone)
        await until(lambda: told(here))
    async with pushed(tmp_path, service, clock) as here:  # a restart forgets nothing
        assert here.house.page.push.told()["browsers"] == 0
        assert f"ended {clock.now():%Y-%m-%d} " in told(here)
        assert "status 410" in told(here)
        clock.wall += timedelta(days=15)
        assert told(here) == ""
        clock.wall -= timedelta(days=15)
        here.house.page.store.sessions.clear()  # as while another thread ends it
        assert told(here).startswith("a browser: ended ")


@pytest.mark.parametrize("way", ["on again", "off", "signed out"])
async def test_what_was_ended_is_told_no_longer_than_it_is_of_use(
    tmp_path: Path, service: PushService, way: str
) -> None:
    async with pushed(tmp_path, service) as here:
        service.says = lambda _: Answer(410)
        phone = await here.phone(owner := await here.house.owner())
        here.log.event()
        await here.told(phone)
        await until(lambda: here.house.page.push.told()["ended"])
        service.says = lambda _: Answer()
        if way == "on again":
            await here.phone(owner, phone)
            here.log.event()
            await here.told(phone, 2)
            assert "ended" not in (await owner.get("/api/push")).json
        elif way == "off":
            await owner.ask("DELETE", "/api/push")
        else:
            await owner.post("/api/logout")

        assert here.house.page.push.told()["ended"] == ""


async def test_what_was_refused_is_tried_at_once_with_another_contact(
    tmp_path: Path, service: PushService
) -> None:
    clock = StillClock()
    service.says = lambda _: Answer(
        403 if len(service.posted) == 1 else 201, {"Date": format_datetime(clock.now())}
    )
    async with pushed(tmp_path, service, clock) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event()
        await here.told(phone)
        await until(lambda: here.house.page.push.trouble)
    async with pushed(tmp_path, service, clock, PUSH_CONTACT="https://another.house.net/") as here:
        assert here.house.page.push.trouble == ""
        here.log.event()
        await here.told(phone, 2)

    assert [posted.signature.claims["sub"] for posted in service.posted] == [
        f"mailto:{CONTACT}", "https://another.house.net/",
    ]  # fmt: skip


WAITS = {
    # what Retry-After says: s that it is waited for
    "": 60.0,
    "1": 60.0,
    "120": 120.0,
    "999999999": 14400.0,
    "-5": 60.0,
    "soon": 60.0,
    "Tue, 01 Dec 2026 12:05:00 GMT": 300.0,
    "Tue, 01 Dec 2020 12:05:00 GMT": 60.0,
    "Tue, 01 Dec 2099 12:05:00 GMT": 14400.0,
}


@pytest.mark.parametrize(("said", "expected"), WAITS.items())
async def test_how_long_a_service_that_asks_for_it_is_left_alone(
    service: PushService, said: str, expected: float
) -> None:
    service.says = lambda _: Answer(429, {"Retry-After": said} if said else {})

    outcome = await service.services(now=StillClock().now).post(f"https://{NAMES[0]}/a", {}, b"")

    assert (outcome.fate, outcome.after) == (services.Fate.WAIT, expected)


async def test_without_network_it_is_tried_again_until_it_is_of_no_use(
    tmp_path: Path, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "WAITS", (0.05, 0.05, 0.05))
    service.reachable = False
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(2.71, code=1007, severity="error")
        here.wake()
        await until(lambda: len(service.connected) > 2)
        here.log.clock.wall += timedelta(seconds=3601)
        here.log.event(2.61)
        service.reachable = True

        [told] = await here.told(phone)

    assert "2.61" in told["notification"]["title"]


async def test_a_wait_ends_when_something_critical_comes(tmp_path: Path, service: PushService) -> None:
    """It is minutes long: what is critical is worth an attempt at once."""
    service.says = lambda _: Answer(503 if len(service.posted) == 1 else 201)
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        here.log.event(2.71, code=1007, severity="error")
        await here.told(phone)
        await asyncio.sleep(0.1)
        here.log.event(2.61, code=1007, severity="error")
        here.wake()
        await asyncio.sleep(0.3)
        assert len(service.posted) == 1
        here.log.event(2.51)
        told = await here.told(phone, 4)

    titles = [one["notification"]["title"] for one in told]
    assert [
        value in title for value, title in zip(("2.71", "2.71", "2.61", "2.51"), titles, strict=True)
    ] == [True] * 4


async def test_a_service_that_never_answers_while_others_do_is_given_up_after_two_weeks(
    tmp_path: Path, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "WAITS", (0.02, 0.02, 0.02))
    service.says = lambda posted: Answer(500 if posted.host == NAMES[1] else 201)
    async with pushed(tmp_path, service) as here:
        dead = await here.phone(await here.house.owner(), Phone(NAMES[1], "dead"))
        here.log.event()
        await here.told(dead)
        here.log.clock.wall += timedelta(days=15)
        here.log.event()
        await here.told(dead, len(service.posted) + 3)
        assert (
            len(here.house.page.store.subscriptions) == 1
        )  # the house may be without network: nobody answers
        good = await here.phone(await here.house.owner(), Phone(name="good"))
        here.log.event()
        await here.told(good)
        here.wake()
        await until(lambda: len(here.house.page.store.subscriptions) == 1)
        here.log.event()
        await here.told(good, 2)


BODIES: Mapping[str, tuple[dict[str, Any], str]] = {
    # what differs from a good subscription: the member that the answer names
    "no endpoint": ({"endpoint": ""}, "endpoint"),
    "http": ({"endpoint": "http://fcm.googleapis.com/a"}, "endpoint"),
    "another port": ({"endpoint": "https://fcm.googleapis.com:8443/a"}, "endpoint"),
    "this machine": ({"endpoint": "https://127.0.0.1/a"}, "endpoint"),
    "this machine, v6": ({"endpoint": "https://[::1]/a"}, "endpoint"),
    "another machine of the house": ({"endpoint": "https://10.0.0.1/a"}, "endpoint"),
    "a name that looks like one": ({"endpoint": "https://push.apple.com.evil.example/a"}, "endpoint"),
    "a name that ends like one": ({"endpoint": "https://evilfcm.googleapis.com/a"}, "endpoint"),
    "one that ends like one, too": ({"endpoint": "https://evilpush.apple.com/a"}, "endpoint"),
    "the service is the user": ({"endpoint": "https://fcm.googleapis.com@evil.example/a"}, "endpoint"),
    "a backslash": ({"endpoint": "https://evil.example\\.push.apple.com/a"}, "endpoint"),
    "an empty part of a name": ({"endpoint": "https://a..push.apple.com/a"}, "endpoint"),
    "no name before the dot": ({"endpoint": "https://.push.apple.com/a"}, "endpoint"),
    "a part no name may have": ({"endpoint": f"https://{'a' * 64}.push.apple.com/a"}, "endpoint"),
    "a name that is too long": ({"endpoint": f"https://{'a.' * 130}push.apple.com/a"}, "endpoint"),
    "a mark": ({"endpoint": "https://evil.example#.push.apple.com/a"}, "endpoint"),
    "a header": ({"endpoint": "https://fcm.googleapis.com/a\r\nX: y"}, "endpoint"),
    "a letter that looks like one": ({"endpoint": "https://fcm.googleapis.сom/a"}, "endpoint"),
    "no path": ({"endpoint": "https://fcm.googleapis.com"}, "endpoint"),
    "too long": ({"endpoint": "https://fcm.googleapis.com/" + "a" * 3000}, "endpoint"),
    "no keys": ({"keys": {}}, "keys.p256dh"),
    "no point": ({"keys": {"p256dh": "A" * 87, "auth": "A" * 22}}, "keys.p256dh"),
    "short secret": ({"keys": Phone().subscription["keys"] | {"auth": "AAAA"}}, "keys.auth"),
    "secret that is none": ({"keys": Phone().subscription["keys"] | {"auth": "!"}}, "keys.auth"),
    "an unknown field": ({"else": 1}, "else"),
    "a number": ({"endpoint": 5}, "endpoint"),
    "an unknown language": ({"language": "de"}, "language"),
    "no contact": ({"contact": ""}, "contact"),
    "a contact of the house": ({"contact": "me@house.local"}, "contact"),
    "a contact that is none": ({"contact": "me"}, "contact"),
}


@pytest.mark.parametrize(("changes", "member"), BODIES.values(), ids=BODIES)
async def test_a_bad_subscription_is_refused_and_asks_nobody(
    tmp_path: Path, service: PushService, changes: dict[str, Any], member: str
) -> None:
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()

        got = await owner.post("/api/push", {**Phone().subscription, "contact": CONTACT} | changes)
        here.log.event()
        here.wake()
        await asyncio.sleep(0.05)

    assert (got.status, got.code, got.json["error"]["field"]) == (400, "bad_request", member)
    assert service.connected == []


PLACES = {
    "an address of the house": ["10.0.0.1"],
    "this machine": ["127.0.0.1"],
    "one of several": [PUBLIC, "192.168.1.1"],
    "of the link": ["fe80::1%eth0"],
    "carried in IPv6": ["::ffff:10.0.0.1"],
    "behind a gateway of the provider": ["64:ff9b::a00:1"],
    "of the cloud's own": ["169.254.169.254"],
    "shared by customers": ["100.64.0.1"],
    "none": [],
}


@pytest.mark.parametrize("addresses", PLACES.values(), ids=PLACES)
async def test_no_message_goes_to_an_address_that_is_not_of_the_internet(
    service: PushService, addresses: list[str]
) -> None:
    service.addresses[NAMES[0]] = addresses

    outcome = await service.services().post(f"https://{NAMES[0]}/a", {}, b"text")

    assert outcome.fate is services.Fate.TROUBLE
    assert "not of the internet" in outcome.why
    assert (service.connected, service.posted) == ([], [])


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2a00:1450:4001:80b::200a", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_good(address: str) -> None:
    assert is_public(address)


async def test_a_certificate_of_another_authority_is_not_good(service: PushService) -> None:
    outcome = await service.services(context=ssl.create_default_context()).post(
        f"https://{NAMES[0]}/a", {}, b"t"
    )

    assert outcome.fate is services.Fate.TROUBLE
    assert "certificate" in outcome.why
    assert service.posted == []


async def test_further_services_are_named_by_the_owner(service: PushService) -> None:
    assert parts_of("https://a.push.example.net/x", ("push.example.net",)) == ("a.push.example.net", "/x")
    with pytest.raises(BadEndpoint):
        parts_of("https://apush.example.net/x", ("push.example.net",))

    known = await service.services("push.example.net").post(f"https://{NAMES[3]}/a", {}, b"t")
    unknown = await service.services().post(f"https://{NAMES[3]}/a", {}, b"t")

    assert (known.fate, unknown.fate) == (services.Fate.HANDED_OVER, services.Fate.GONE)
    assert len(service.posted) == 1


async def test_a_browser_that_subscribes_again_replaces_what_it_had(
    tmp_path: Path, service: PushService
) -> None:
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        old = await here.phone(owner, Phone(name="old"))
        new = await here.phone(owner, Phone(name="new"))
        for wrapped in ({"subscription": new.subscription}, new.subscription):
            assert (await owner.post("/api/push", wrapped)).status == 200
        other = await here.house.owner("192.168.7.21")
        taken = await here.phone(other, new)  # the same endpoint in another session: the newer one has it
        here.log.event()

        await here.told(taken)
        await nothing_more(here, new, 1)

    assert here.of(old) == []


async def test_the_end_of_a_session_is_that_of_its_subscription(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        stays = await here.phone(owner)
        for way in ("logout", "other", "off"):
            browser = await here.house.owner("192.168.7.30")
            gone = await here.phone(browser, Phone(name=way))
            if way == "logout":
                await browser.post("/api/logout")
            elif way == "other":
                await owner.ask("DELETE", "/api/sessions")
            else:
                assert (await browser.ask("DELETE", "/api/push")).status == 204
            assert len(here.house.page.store.subscriptions) == 1, way
            here.log.event()
            await here.told(stays, len(here.of(stays)) + 1)
            assert here.of(gone) == [], way
        got = await owner.post(
            "/api/change-password", {"old_password": "three words of mine", "new_password": "four words"}
        )
        assert got.status == 204
        with closing(sqlite3.connect(tmp_path / "web.db")) as db:
            assert db.execute("SELECT count(*) FROM subscriptions").fetchone() == (1,)


async def test_a_browser_that_was_not_used_for_a_month_is_told_that_nothing_comes_any_more(
    tmp_path: Path, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its owner goes on relying on it."""
    monkeypatch.setattr(channel, "LOOK_PERIOD", 0.05)
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner(), language="uk")
        now = here.house.page.access._now()
        monkeypatch.setattr(here.house.page.access, "_now", lambda: now + UNUSED + 1)

        [told] = await here.told(phone)
        await until(lambda: not here.house.page.store.subscriptions)

    assert told["notification"]["title"] == language("uk")("api.push_over")
    assert told["notification"]["navigate"] == "http://house.local:8080/"


async def test_a_guest_is_told_too_but_gives_no_contact(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        code = (await owner.post("/api/guests", {"name": "Olena"})).json["code"]
        guest = here.house.browser("192.168.7.40")
        await guest.post("/api/join", {"code": code})
        before = (await guest.get("/api/push")).json
        refused = await guest.post("/api/push", {**Phone().subscription, "contact": CONTACT})
        await here.phone(owner)
        told = await here.phone(guest, Phone(name="guest"), contact="")
        here.log.event()

        await here.told(told)

    assert before["contact_wanted"] is True
    assert (refused.status, refused.code) == (403, "not_allowed")


async def test_at_most_twenty_and_all_are_told_soon(tmp_path: Path, service: PushService) -> None:
    async with pushed(tmp_path, service) as here:
        phones = [await here.phone(await here.house.owner(f"192.168.7.{n}")) for n in range(20)]
        one_more: Got = await (await here.house.owner("192.168.8.1")).post(
            "/api/push", Phone(name="x").subscription
        )
        here.log.event()
        here.wake()
        await until(lambda: len(service.posted) == 20)

    assert {f"https://{posted.host}{posted.path}" for posted in service.posted} == {
        phone.endpoint for phone in phones
    }
    assert (one_more.status, one_more.code) == (409, "conflict")
    assert (
        len({posted.headers["authorization"] for posted in service.posted}) == 1
    )  # one signature serves all


async def test_the_key_is_the_owners_alone_and_another_one_ends_all(
    tmp_path: Path, service: PushService, caplog: pytest.LogCaptureFixture
) -> None:
    clock = StillClock()
    path = tmp_path / keyfile.NAME
    async with pushed(tmp_path, service, clock) as here:
        await here.phone(await here.house.owner())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        first = path.read_bytes()
    path.chmod(0o644)  # as a careless copy leaves it
    async with pushed(tmp_path, service, clock) as here:
        assert len(here.house.page.store.subscriptions) == 1
        assert (await (await here.house.owner()).get("/api/push")).status == 200
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes() == first
    path.unlink()
    async with pushed(tmp_path, service, clock) as here:
        await until(lambda: not here.house.page.store.subscriptions)
        again = (await (await here.house.owner()).get("/api/push")).json
    assert again["on"] is False
    assert "our key is a new one" in caplog.text


async def test_a_key_file_that_holds_none_is_told_and_left_alone(
    tmp_path: Path, service: PushService
) -> None:
    path = tmp_path / keyfile.NAME
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        got = await owner.get("/api/push")
        page = await owner.get("/", accept="text/html")

    assert (got.status, page.status) == (503, 200)
    assert "push-key.pem" in got.json["error"]["message"]
    assert b"AAAA" in path.read_bytes()


async def test_without_the_library_the_page_works_and_says_what_is_missing(
    tmp_path: Path, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jk_bms.web.push import asking

    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        await here.phone(owner)
        for module in (asking, channel):
            monkeypatch.setattr(module, "installed", lambda: False)
        here.log.event()
        here.wake()
        await asyncio.sleep(0.05)
        state = await owner.get("/api/push")
        refused = await owner.post("/api/push", Phone().subscription)
        page = await owner.get("/more", accept="text/html")

    assert state.json == {"possible": False, "on": False}
    assert (refused.status, refused.code, page.status) == (409, "conflict", 200)
    assert service.connected == []


async def test_who_only_looks_has_no_key_made(tmp_path: Path, service: PushService) -> None:
    """So the library, too, is loaded when the first browser subscribes."""
    path = tmp_path / keyfile.NAME
    async with pushed(tmp_path, service) as here:
        owner = await here.house.owner()
        looked = await owner.get("/api/push?key=no")
        assert not path.exists()
        wanted = await owner.get("/api/push")
        again = await owner.get("/api/push?key=no")

    assert (looked.status, "key" in looked.json, looked.json["possible"]) == (200, False, True)
    assert path.exists()
    assert len(wanted.json["key"]) == 87
    assert again.json == wanted.json


def test_the_library_is_loaded_by_none_who_does_not_push() -> None:
    """It takes 10 MB of a small board."""
    import subprocess
    import sys

    code = "import sys, jk_bms.web.service; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0


async def test_push_changes_nothing_that_another_channel_looks_at(
    tmp_path: Path, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hands everything over, and what the rules and the other channels go by is as it was."""
    async with pushed(tmp_path, service) as here:
        phone = await here.phone(await here.house.owner())
        for _ in range(3):
            here.log.event()
        before = dump(tmp_path / "bms.db")
        await here.told(phone, 3)

        assert dump(tmp_path / "bms.db") == before
        asked = {request["action"] for request in here.house.service.asked}
    assert asked <= {"web", "claim"}


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


async def test_no_secret_reaches_an_answer_or_the_log(
    tmp_path: Path, service: PushService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "WAITS", (0.02, 0.02, 0.02))
    caplog.set_level(logging.DEBUG)
    canary = "canary-4711"
    clock = StillClock()
    replies = iter([Answer(500, {}, b"x"), Answer(413), Answer(201), Answer(403, {}, b"no"), Answer(201)])
    service.says = lambda _: next(replies, Answer(410))._replace(
        headers={"Date": format_datetime(clock.now())}
    )
    async with pushed(tmp_path, service, clock) as here:
        owner = await here.house.owner()
        phone = await here.phone(owner, Phone(name=canary))
        for _ in range(3):
            here.log.event()
            here.wake()
            await asyncio.sleep(0.1)
        await until(lambda: len(service.posted) >= 4)
        bodies = [
            (await owner.get(path)).body
            for path in ("/api/push", "/api/state", "/api/configs", "/api/sessions", "/api/health", "/more")
        ]
        secret = (tmp_path / keyfile.NAME).read_text().splitlines()[1]
        stored = json.dumps(here.house.service.asked)

    for text in (caplog.text, stored, *(body.decode() for body in bodies)):
        for hidden in (canary, phone.subscription["keys"]["auth"], secret, "eyJ0eXAi"):
            assert hidden not in text
