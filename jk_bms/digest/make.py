"""From a request to a digest: what the child process of the bot and the tool are asked for."""

import base64
import logging
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jk_bms.digest.ai import Service, phrase
from jk_bms.digest.days import named_zone
from jk_bms.digest.facts import DayFacts, read_facts
from jk_bms.digest.local_text import local_text
from jk_bms.errors import StoreError
from jk_bms.store.bms_db import open_reader
from jk_bms.texts import Texts, clip, language

log = logging.getLogger(__name__)


class Digest(NamedTuple):
    """What is sent, plain text."""

    text: str
    by_model: bool
    why: str = ""  # why it is not by the model that was asked; the end of a key ``digest.why.``


async def make_digest(facts: DayFacts, texts: Texts, service: Service | None) -> Digest:
    """Return the digest of ``facts``: by the model of ``service`` if it can be believed, else by us."""
    if service is None or not facts.known:
        return Digest(local_text(facts, texts), False)
    phrased = await phrase(facts, texts, service)
    if phrased.text is not None:
        return Digest(phrased.text, True)
    note = texts("digest.note", why=texts(f"digest.why.{phrased.why}"))
    return Digest(f"{local_text(facts, texts)}\n\n{note}", False, phrased.why)


async def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the digest that a request in JSON asks for, in JSON.

    ``bms_db``, ``day``, ``start`` and ``end`` (ISO), ``timezone`` (a name; None: the system's),
    ``language``, ``pictures`` (the themes of those that are wanted), ``service`` (fields of Service, or
    None). The answer: ``text``, ``by_model``, ``why``, ``newest`` (ISO: when the newest data came; None:
    there are none) and ``pictures`` (PNG in base64, by theme, where there is one). Raises StoreError, and
    KeyError, TypeError or ValueError for a request that is none.
    """
    texts = language(request["language"])
    zone = named_zone(ZoneInfo(request["timezone"]) if request["timezone"] else None)
    start, end = (datetime.fromisoformat(request[key]) for key in ("start", "end"))
    bms_db = Path(request["bms_db"])
    with open_reader(bms_db) as reader:
        facts = read_facts(reader, date.fromisoformat(request["day"]), start, end, zone)
    pictures = {}
    for theme in request["pictures"] if facts.known else ():
        if (picture := _picture(bms_db, facts, texts, zone, theme)) is not None:
            pictures[theme] = base64.b64encode(picture).decode("ascii")
    service = Service(**request["service"]) if request["service"] else None
    digest = await make_digest(facts, texts, service)
    newest = max((pack.last.at for pack in facts.packs if pack.last), default=None)
    return digest._asdict() | {"pictures": pictures, "newest": newest and newest.isoformat()}


def _picture(bms_db: Path, facts: DayFacts, texts: Texts, zone: tzinfo, theme: str) -> bytes | None:
    """The day of the house; without Pillow, or when it fails, there is none."""
    try:
        from jk_bms.charts.data import TooLittle
        from jk_bms.charts.make import make_chart
        from jk_bms.charts.wanted import Pack, Wanted
    except ImportError as error:
        log.warning("digest: no picture: %s", error)
        return None
    try:
        made = make_chart(
            Wanted(
                bms_db=bms_db,
                packs=tuple(Pack(pack.address, clip(pack.name)) for pack in facts.packs if pack.levels),
                what="day",
                start=facts.start,
                end=facts.end,
                language=texts.language,
                theme=theme,
                zone=zone,
            )
        )
    except TooLittle:  # the day has hardly begun
        return None
    except (StoreError, ValueError, OSError) as error:
        log.warning("digest: no picture: %s", error)
        return None
    return made.png
