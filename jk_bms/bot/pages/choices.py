"""``/settings``: what a chat chose to be told and shown, with a button for each other choice."""

from datetime import time

from jk_bms.bot.choices import AUTO, NIGHT, PICTURES, QUIET, STEPS, Choices, quiet_of
from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, page
from jk_bms.texts import LANGUAGES, Texts, escape


def choices(chosen: Choices, step: float, house: tuple[time, time] | None, texts: Texts) -> Page:
    """Return what counts for a chat.

    ``step``, in percentage points, and ``house``, its quiet hours, count where the chat chose nothing.
    """
    step = step if chosen.step is None else chosen.step
    # The hours that count, "" where the chat wants none; None: nothing was chosen anywhere.
    quiet = None if chosen.quiet is None and house is None else quiet_of(chosen.quiet, house)
    pictures = chosen.pictures or PICTURES[0]
    lines = [
        texts("choices.step", step=texts.decimal(f"{step:g}")) if step else texts("choices.no_step"),
        *_quiet_lines(quiet, house, texts, levels=bool(step)),
        texts("choices.language", name=texts(f"choices.language.{chosen.language or AUTO}")),
        texts("choices.pictures", name=texts(f"choices.pictures.{pictures}")),
    ]
    rows = [
        [
            _button(texts("choices.off") if one == "0" else f"{one} %", "step", one, float(one) == step)
            for one in STEPS
        ],
        [
            _button(texts("choices.off") if one == "off" else _span(one), "quiet", one, _same(one, quiet))
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


def _quiet_lines(
    quiet: str | None, house: tuple[time, time] | None, texts: Texts, *, levels: bool
) -> list[str]:
    """When this chat hears no sound, and when the house sends it no alert. ``levels``: it is told of levels."""
    if quiet:
        lines = [texts("choices.quiet", span=_dashed(quiet))]
    elif quiet is None and levels:
        lines = [texts("choices.night", span=_dashed(NIGHT))]
    else:
        lines = [texts("choices.no_quiet")]
    if house is not None:
        lines.append(texts("choices.house_quiet", span=_dashed(quiet_of(None, house))))
    return lines


def _dashed(span: str) -> str:
    return span.replace("-", "–")


def _button(title: str, field: str, value: str, marked: bool) -> Button:
    return Button(f"• {title}" if marked else title, press("settings", field, value))


def _span(compact: str) -> str:
    """``2200-0700`` as a button shows it: ``🔕 22–07``."""
    return f"🔕 {compact[:2]}–{compact[5:7]}"


def _same(compact: str, quiet: str | None) -> bool:
    return quiet is not None and (quiet or "off").replace(":", "") == compact
