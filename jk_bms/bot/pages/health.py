"""``/health``: how the cells of one battery are."""

from collections.abc import Iterator, Sequence
from datetime import date

from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, page, preformatted
from jk_bms.bot.pages.values import label
from jk_bms.model.health import CellTold, HealthTold
from jk_bms.model.snapshot import BatteryNow
from jk_bms.texts import Texts, escape
from jk_bms.texts.alerts import cell_fault


def health(device: BatteryNow, report: HealthTold | None, texts: Texts) -> Page:
    """Return the verdict on each cell. ``report`` None: there is none."""
    name = escape(label(device, texts))
    number = device.number
    buttons = [
        [
            Button(texts("bot.button.refresh"), press("health", number)),
            Button("🔋 " + texts("bot.button.battery"), press("battery", number)),
        ]
    ]
    if report is None or not report.cells:
        return page(f"<b>{name}</b>", escape(texts("bot.health.nothing")), buttons=buttons)
    watched = texts.count("bot.health.watched", round(report.days))
    return page(
        f"<b>{name}</b> · {escape(watched)}",
        *_verdict(report, texts),
        preformatted(_table(report.cells, texts)) if _anything_known(report) else "",
        *(escape(line) for line in _more(report, texts)),
        buttons=buttons,
    )


def _verdict(report: HealthTold, texts: Texts) -> Iterator[str]:
    cells = report.cells
    faulty = [cell for cell in cells if cell.faults]
    for cell in faulty:
        for fault in cell.faults:
            words = cell_fault(fault.kind, texts)
            line = texts(
                "bot.health.fault", number=cell.number, verdict=words, sure=f"{100 * fault.sure:.0f}"
            )
            since = _since(fault.since, texts)
            yield f"🟠 {escape(line)}{escape(since)}"
            if advice := cell_fault(fault.kind, texts, advice=True):
                yield f"<i>{escape(advice)}</i>"
    if faulty:
        if rest := len(cells) - len(faulty):
            yield escape(texts.count("bot.health.others_good", rest))
        return
    unknown = {what for cell in cells for what in cell.unknown}
    if len(unknown) >= 3:
        yield escape(texts("bot.health.early"))
    elif unknown:
        yield "🟢 " + escape(texts("bot.health.nothing_wrong"))
    else:
        yield "🟢 " + escape(texts.count("bot.health.good", len(cells)))


def _anything_known(report: HealthTold) -> bool:
    return any(
        value is not None for cell in report.cells for value in (cell.resistance, cell.size, cell.loss_month)
    )


def _table(cells: Sequence[CellTold], texts: Texts) -> Iterator[str]:
    """Resistance, size against the typical cell, and what it loses more in a month."""
    yield (f"{'№':>2} {texts.unit('mΩ'):>5} {texts('bot.health.size'):>7} {texts('bot.health.loss'):>8}")
    for cell in cells:
        resistance = cell.resistance
        milli = "–" if resistance is None else texts.number(1000 * resistance, 2)
        size, loss = _percent(cell.size, texts), _percent(cell.loss_month, texts)
        mark = " !" if cell.faults else ""
        yield f"{cell.number:2d} {milli:>5} {size:>7} {loss:>8}{mark}"


def _percent(value: float | None, texts: Texts) -> str:
    if value is None:
        return "–"
    return f"{texts.decimal(f'{round(value, 1) + 0.0:+.1f}')} %"


def _more(report: HealthTold, texts: Texts) -> Iterator[str]:
    learned, nominal = report.learned_ah, report.nominal_ah
    if learned is not None and nominal:
        yield texts(
            "bot.health.capacity",
            learned=texts.quantity(learned, "Ah"),
            nominal=texts.quantity(nominal, "Ah"),
            share=f"{100 * learned / nominal:.0f}",
        )
    if report.imbalance is not None:
        yield texts("bot.health.imbalance", percent=texts.number(report.imbalance, 1))
    unknown = {what for cell in report.cells for what in cell.unknown}
    for what, key in (("capacity", "capacity"), ("self-discharge", "loss"), ("resistance", "resistance")):
        if what in unknown:
            yield texts(f"bot.health.missing.{key}")
    if report.balancer_unseen:
        yield texts("bot.health.balancer_unseen")


def _since(day: str | None, texts: Texts) -> str:
    if day is None:
        return ""
    when = date.fromisoformat(day)
    month = texts("units.months").split()[when.month - 1]
    return ", " + texts("bot.health.since", date=f"{when.day} {month} {when.year}")
