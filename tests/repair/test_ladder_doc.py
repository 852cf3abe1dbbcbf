"""The table of the ladder in docs/reliability.md is the ladder."""

from collections.abc import Iterator

from jk_bms.config.settings import TOP
from jk_bms.repair.ladder import AS_SET, LADDER, Rung
from jk_bms.texts.durations import span

BEGIN, END = "<!-- ladder: begin -->\n", "<!-- ladder: end -->\n"
WORDS = {
    Rung.FORGET: "the Bluetooth service forgets the device",
    Rung.POWER_CYCLE: "the adapter is switched off and on",
    Rung.RESTART_SERVICE: "the Bluetooth service is restarted, if allowed",
}


def table() -> Iterator[str]:
    yield "| verdict | repair | failed attempts in a row | without data for | again after |"
    yield "|---|---|---|---|---|"
    for verdict, rungs in LADDER.items():
        for rung, patience in rungs.items():
            failures = "`MAX_CONSECUTIVE_ERRORS`" if patience.failures == AS_SET else str(patience.failures)
            outage = f"{patience.outage:g} s" if patience.outage < 60.0 else span(patience.outage)
            yield f"| `{verdict}` | {WORDS[rung]} | {failures} | {outage} | {span(patience.again)} |"


def test_the_document_says_what_the_ladder_does() -> None:
    text = (TOP / "docs" / "reliability.md").read_text(encoding="utf-8")

    assert text.partition(BEGIN)[2].partition(END)[0].splitlines() == list(table())
