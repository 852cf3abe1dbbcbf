"""``/settings``: what a chat chose to be told and shown, with a button for each other choice."""

from jk_bms.bot.choices import AUTO, PICTURES, QUIET, STEPS, Choices
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, page
from jk_bms.texts import LANGUAGES, Texts, escape


def choices(chosen: Choices, step: float, texts: Texts) -> Page:
    """Return what counts for a chat. ``step``: of the house, in percentage points, where the chat chose none."""
    step = step if chosen.step is None else chosen.step
    pictures = chosen.pictures or PICTURES[0]
    lines = [
        texts("choices.step", step=texts.decimal(f"{step:g}")) if step else texts("choices.no_step"),
        texts("choices.quiet", span=chosen.quiet.replace("-", "–"))
        if chosen.quiet
        else texts("choices.no_quiet"),
        texts("choices.language", name=texts(f"choices.language.{chosen.language or AUTO}")),
        texts("choices.pictures", name=texts(f"choices.pictures.{pictures}")),
    ]
    rows = [
        [
            _button(texts("choices.off") if one == "0" else f"{one} %", "step", one, float(one) == step)
            for one in STEPS
        ],
        [
            _button(
                texts("choices.off") if one == "off" else _span(one), "quiet", one, _same(one, chosen.quiet)
            )
            for one in QUIET
        ],
        [
            _button(texts(f"choices.language.{one}"), "language", one, one == (chosen.language or AUTO))
            for one in (AUTO, *LANGUAGES)
        ],
        [_button(texts(f"choices.pictures.{one}"), "pictures", one, one == pictures) for one in PICTURES],
    ]
    return page(
        f"<b>{escape(texts('choices.title'))}</b>",
        "\n".join(map(escape, lines)),
        escape(texts("choices.own")),
        buttons=rows,
    )


def _button(title: str, field: str, value: str, marked: bool) -> Button:
    return Button(f"• {title}" if marked else title, press("settings", field, value))


def _span(compact: str) -> str:
    """``2200-0700`` as a button shows it: ``🔕 22–07``."""
    return f"🔕 {compact[:2]}–{compact[5:7]}"


def _same(compact: str, quiet: str | None) -> bool:
    return (quiet or "off").replace(":", "") == compact
