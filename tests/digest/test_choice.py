"""A model chooses which of our sentences are told: it can say nothing of its own. The real openai package, a stub server."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from jk_bms.digest.ai import PAUSES, Phrased, Service, phrase
from jk_bms.digest.choice import Choice, choice_messages, chosen_text, offer, schema
from jk_bms.digest.facts import DayFacts, FaultyCell, Span
from jk_bms.digest.local_text import local_text, parts, title
from jk_bms.digest.make import make_digest
from jk_bms.texts import language
from tests.digest.chat_server import Answer, ChatServer, choosing, completion, failing, saying, taking
from tests.digest.made_days import made_day
from tests.digest.test_ai import INJECTIONS, KEY, SHAPES, Pauses
from tests.scale import scaled

TEXTS = {name: language(name) for name in ("en", "uk")}
ENGLISH = TEXTS["en"]
NAMES = ("grid", "lowest_charge", "energy", "times_on_battery")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def service(server: ChatServer, **more: Any) -> Service:
    return Service(key=KEY, url=server.url, timeout=5.0)._replace(**more)


async def ask(facts: DayFacts, server: ChatServer, pauses: Pauses | None = None, **more: Any) -> Phrased:
    return await phrase(facts, ENGLISH, service(server, **more), sleep=pauses or Pauses())


def day(seed: int = 0) -> DayFacts:
    """A day of one battery on which the grid was watched."""
    made = (made_day(seed * 1000 + n) for n in range(100))
    return next(one for one in made if len(one.packs) == 1 and one.grid is not None)


@pytest.mark.parametrize("name", TEXTS)
async def test_what_is_chosen_is_told_in_our_words_and_that_order(name: str, server: ChatServer) -> None:
    facts, texts = day(), TEXTS[name]
    ours = {part.name: part.lines for part in parts(facts, texts)}
    server.answers = [choosing(*NAMES, tone="friendly")]

    told = (await phrase(facts, texts, service(server), sleep=Pauses())).text

    assert told is not None
    hello = texts("digest.say.hello")
    first = [title(facts, texts), hello, *(line for part in NAMES for line in ours[part])]
    assert told.splitlines()[: len(first)] == first
    assert set(told.splitlines()) - {hello} <= set(local_text(facts, texts).splitlines())
    assert len(server.requests) == 1


async def test_it_is_asked_with_names_and_a_schema(server: ChatServer) -> None:
    facts = day()
    server.answers = [choosing("energy")]

    await ask(facts, server)

    [request] = server.requests
    content = request["messages"][1]["content"]
    for part in parts(facts, ENGLISH):
        assert f"\n{part.name}: {' '.join(part.lines)}" in content
    form = request["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]) == (True, schema(offer(facts)))
    fields = form["schema"]["properties"]
    assert fields["facts"]["items"]["enum"] == [part.name for part in parts(facts, ENGLISH)]
    assert form["schema"]["required"] == list(fields)
    assert form["schema"]["additionalProperties"] is False
    assert "Voltage:" not in content  # the measurements are for prompts of the owner
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_what_must_not_be_hidden_is_told_all_the_same() -> None:
    for seed in range(scaled(2000, 100)):
        facts = made_day(seed)
        for texts in TEXTS.values():
            all_parts = parts(facts, texts)
            one = Random(seed).choice(all_parts).name
            lines = chosen_text(Choice("plain", (one,), "none"), facts, texts).splitlines()
            for part in all_parts:
                assert (part.lines[0] in lines) == (part.must or part.name == one)


def test_all_in_our_order_is_our_own_digest() -> None:
    for seed in range(scaled(2000, 100)):
        facts = made_day(seed)
        for texts in TEXTS.values():
            names = offer(facts).facts
            assert len(set(names)) == len(names)
            assert chosen_text(Choice("plain", names, "none"), facts, texts) == local_text(facts, texts)


WRONG: dict[str, tuple[Answer, str]] = {
    "an unknown fact": (choosing("energy", "storms"), "facts names 'storms'"),
    "a number for a fact": (choosing("energy", "12 %"), "facts names '12 %'"),
    "a fact that is no name": (choosing(*[{"energy": "99 kWh"}]), "facts names {"),  # type: ignore[arg-type]
    "no fact": (choosing(), "facts holds nothing"),
    "a text of its own": (choosing("energy", text="The battery is dead."), "its fields are"),
    "an unknown tone": (choosing("energy", tone="alarming"), "tone names 'alarming'"),
    "a closing of its own": (choosing("energy", closing="Buy a new battery."), "closing names 'Buy"),
    "a closing that is not true": (choosing("energy", closing="quiet"), "closing names 'quiet'"),
    "too few fields": (saying('{"facts": ["energy"]}'), "its fields are ['facts']"),
    "a list": (saying('["energy"]'), "there is no JSON object in it"),
    "a word": (saying("energy"), "there is no JSON object in it"),
    "half an object": (saying('{"tone": "plain", "facts": ["ene'), "there is no JSON object in it"),
    "another text": (saying("The minimum was 7 % at 03:33."), "there is no JSON object in it"),
    "depths": (saying('{"facts": ' + "[" * 4000), "there is no JSON object in it"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_not_offered_is_refused_and_the_log_says_why(
    what: str, server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    facts = day()._replace(grid=(Span(day().start, None),))  # no quiet day
    answer, reason = WRONG[what]
    server.answers = [answer]

    with caplog.at_level(logging.INFO, logger="jk_bms"):
        digest = await make_digest(facts, ENGLISH, service(server))

    assert (digest.by_model, digest.why) == (False, "choice")
    assert digest.text.startswith(local_text(facts, ENGLISH) + "\n\nWritten without AI: ")
    assert len(server.requests) == 2
    assert sum(f"refused: {reason}" in line for line in caplog.messages) == 2, caplog.messages
    assert reason in server.requests[1]["messages"][-1]["content"]


async def test_it_may_correct_itself_once(server: ChatServer) -> None:
    facts = day()
    server.answers = [choosing("storms"), choosing("energy")]

    told = (await ask(facts, server)).text

    assert told == chosen_text(Choice("plain", ("energy",), "none"), facts, ENGLISH)
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    ("form", "requests"), [("json_schema", 1), ("json_object", 2), ("words", 3), ("none of them", 3)]
)
@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "'response_format.type' must be 'json_schema' or 'text'"),
        (400, "This response_format type is unavailable now"),
        (422, "extra fields not permitted"),
        (500, "failed to parse grammar of json_schema"),
    ],
)
async def test_an_endpoint_that_knows_no_schema_is_asked_without(
    form: str, requests: int, status: int, message: str, server: ChatServer
) -> None:
    facts, pauses = day(), Pauses()
    server.answers = [taking(form, choosing("energy"), status, message)]

    phrased = await ask(facts, server, pauses)

    if form == "none of them":
        assert phrased == Phrased(None, "failing" if status == 500 else "request")
        requests += len(pauses.slept)
    else:
        assert phrased.text is not None
        assert pauses.slept == []
    assert len(server.requests) == requests


async def test_what_an_endpoint_takes_is_asked_again(server: ChatServer) -> None:
    facts = day()
    server.answers = [failing(400), choosing("storms"), choosing("energy")]

    assert (await ask(facts, server)).text is not None
    forms = [request["response_format"]["type"] for request in server.requests]
    assert forms == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "JSON" not in shape])
async def test_names_are_found_in_what_a_server_wraps_around_them(shape: str, server: ChatServer) -> None:
    facts = day()
    chosen = json.dumps({"tone": "plain", "facts": ["energy"], "closing": "none"}, indent=1)
    server.answers = [lambda _: completion(SHAPES[shape](chosen))]

    assert (await ask(facts, server)).text == chosen_text(
        Choice("plain", ("energy",), "none"), facts, ENGLISH
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize("before", ["Here is the JSON:\n", "Sure! ", "\ufeff"])
async def test_words_around_the_names_are_left(before: str, server: ChatServer) -> None:
    chosen = '{"tone": "plain", "facts": ["energy", "energy"], "closing": "none"}'
    server.answers = [saying(f"{before}{chosen}\nThe minimum was 3 %. I hope that helps!")]

    told = (await ask(day(), server)).text

    assert told is not None
    assert told.count("Energy") == 1
    assert "hope" not in told
    assert "3 %." not in told


@pytest.mark.parametrize(
    ("answer", "why", "pauses"),
    [
        (failing(429), "busy", PAUSES),
        (failing(500), "failing", PAUSES),
        (failing(401), "key", ()),
        (failing(402), "credit", ()),
        (failing(400, "maximum context length is 512 tokens"), "context", ()),
        (lambda _: completion('{"tone": "pl', "length"), "cut", ()),
        (lambda _: completion("I'm sorry, but I can't help with that."), "refused", ()),
        (lambda _: completion(None, refusal="No."), "refused", ()),
        (lambda _: completion(""), "empty", ()),
        (lambda _: completion("<think>energy first"), "empty", ()),
    ],
)
async def test_without_an_answer_our_own_order_says_why(
    answer: Answer, why: str, pauses: tuple[float, ...], server: ChatServer
) -> None:
    slept = Pauses()
    server.answers = [answer]

    assert await ask(day(), server, slept) == Phrased(None, why)
    assert tuple(slept.slept) == pauses


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_name_that_is_more_than_a_name_is_not_sent(name: str) -> None:
    two = next(one for one in (made_day(seed, name=name) for seed in range(100)) if len(one.packs) == 2)
    apart = two._replace(house=None)
    for facts in (two, apart):
        assert name not in str(choice_messages(facts))
        assert "AA:BB:CC" not in str(choice_messages(facts))


def _quiet() -> DayFacts:
    facts = day()
    [pack] = facts.packs
    levels = tuple(one._replace(level=100.0) for one in pack.levels)
    pack = pack._replace(
        levels=levels,
        low=levels[0],
        last=levels[-1],
        phases=(),
        fed=timedelta(),
        faults=(),
        holes=(),
        since=None,
    )
    return facts._replace(packs=(pack,), grid=(), grid_unknown=())


NOON = datetime(2026, 12, 10, 12, tzinfo=UTC)
NOT_QUIET: dict[str, Callable[[DayFacts], DayFacts]] = {
    "the grid was lost": lambda facts: facts._replace(grid=(Span(NOON, NOON),)),
    "it was not watched": lambda facts: facts._replace(grid_unknown=(Span(NOON, None),)),
    "a cell is weak": lambda facts: _with(facts, faults=(FaultyCell(3, "weak", False),)),
    "data are missing": lambda facts: _with(facts, holes=(Span(NOON, None),)),
    "it began today": lambda facts: _with(facts, since=NOON),
    "the battery helped": lambda facts: _with(facts, fed=timedelta(minutes=10)),
    "whether it helped is not known": lambda facts: _with(facts, fed=None),
}


def _with(facts: DayFacts, **more: Any) -> DayFacts:
    return facts._replace(packs=(facts.packs[0]._replace(**more),))


@pytest.mark.parametrize("what", NOT_QUIET)
def test_a_day_is_called_quiet_only_if_it_was(what: str) -> None:
    assert offer(_quiet()).closings == ("none", "quiet", "full")
    assert "quiet" not in offer(NOT_QUIET[what](_quiet())).closings


def test_remarks_are_offered_only_where_they_are_true() -> None:
    seen = set[str]()
    for seed in range(200):
        facts = made_day(seed)
        [*packs] = facts.counted
        closings = offer(facts).closings
        seen |= set(closings)
        assert ("very_low" in closings) == any(pack.low and pack.low.level < 20 for pack in packs)
        assert ("busy" in closings) == any(len(pack.phases) >= 3 for pack in packs)
        assert ("full" in closings) == all(pack.last and pack.last.level >= 99 for pack in packs)
    assert seen >= {"none", "busy", "very_low", "full"}


async def test_the_last_words_stand_last(server: ChatServer) -> None:
    server.answers = [choosing("energy", closing="quiet")]

    told = (await ask(_quiet(), server)).text

    assert told is not None
    assert told.splitlines()[-1] == "A quiet day."
