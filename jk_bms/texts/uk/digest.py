"""Підсумок дня нашими словами, і чому він не словами моделі."""

TEXTS = {
    "digest.title": "Підсумок за {date}",
    "digest.nothing": "За цей день нічого не записано.",
    "digest.house": "Дім: наприкінці {last}, найнижче {low} о {at}.",
    "digest.pack": "Батарея {number}: {name}",
    "digest.pack.nothing": "За цей день від неї немає даних.",
    "digest.alike": "Усі батареї працювали однаково.",
    "digest.since": "Запис почався о {at}.",
    "digest.phases.short": "Від батареї дім узяв небагато: разом {span}.",
    "digest.phases.unseen": "Живлення від батареї не помічено.",
    "digest.phases.none": "Дім не переходив на живлення від батареї.",
    "digest.phases": "Живлення від батареї – {count} раз:|Живлення від батареї – {count} рази:"
    "|Живлення від батареї – {count} разів:",
    "digest.phase": "{start}–{end} ({span}): заряд упав з {begin} до {low}, найнижче о {low_at}",
    "digest.phase.open": "з {start} і досі: заряд упав з {begin} до {low}, найнижче о {low_at}",
    "digest.phase.full": ", повний заряд о {at}",
    "digest.phase.not_full": ", до повного заряду не дійшло",
    "digest.low": "Найнижчий заряд: {low} о {at}. Наприкінці: {last}.",
    "digest.energy": "Енергія: заряджено {into}, віддано {out}{usual}.",
    "digest.energy.since": "Енергія з {start}: заряджено {into}, віддано {out}; що було раніше – невідомо.",
    "digest.energy.part": "Енергія за {start}–{end}: заряджено {into}, віддано {out}; решта невідома.",
    "digest.energy.unknown": "Енергія: невідомо.",
    "digest.usual.more": " (на {percent} більше, ніж зазвичай)",
    "digest.usual.less": " (на {percent} менше, ніж зазвичай)",
    "digest.usual.same": " (як зазвичай)",
    "digest.load": "Найбільше споживання дому: {value} о {at}.",
    "digest.draw": "Найбільша потужність від батареї: {value} о {at}.",
    "digest.delta": "Найбільший розбіг комірок: {value} о {at}.",
    "digest.delta.of": "Найбільший розбіг комірок: {value} о {at}, батарея {number}.",
    "digest.temperature": "Температура від {low} до {high}.",
    "digest.temperature.same": "Температура {value}.",
    "digest.grid.none": "Мережа не зникала.",
    "digest.grid.unseen": "Зникнення мережі не помічено.",
    "digest.grid.unwatched": "Чи зникала мережа, невідомо.",
    "digest.grid.unknown": "Про мережу нічого не відомо {span}: {list}.",
    "digest.grid": (
        "Мережа зникала {count} раз, разом {span}: {list}.|Мережа зникала {count} рази, разом {span}: "
        "{list}.|Мережа зникала {count} разів, разом {span}: {list}."
    ),
    "digest.grid.one": "Мережа зникала на {span}: {list}.",
    "digest.holes": (
        "Даних не було {count} раз, разом {span}: {list}.|Даних не було {count} рази, разом {span}: "
        "{list}.|Даних не було {count} разів, разом {span}: {list}."
    ),
    "digest.holes.one": "Даних не було {span}: {list}.",
    "digest.span": "{start}–{end}",
    "digest.span.open": "з {start}",
    "digest.more": "і ще {count} раз|і ще {count} рази|і ще {count} разів",
    "digest.fault": "Комірка {cell}: {kind}.",
    "digest.fault.new": "Нове сьогодні: комірка {cell} – {kind}, див. /health.",
    "digest.kind.weak": "слабка",
    "digest.kind.leaking": "втрачає заряд",
    "digest.kind.bad connection": "поганий контакт",
    "digest.own": (
        "За нашим підрахунком: живлення від батареї – {count} раз, найнижчий заряд {low} о {at}.|За нашим "
        "підрахунком: живлення від батареї – {count} рази, найнижчий заряд {low} о {at}.|За нашим "
        "підрахунком: живлення від батареї – {count} разів, найнижчий заряд {low} о {at}."
    ),
    "digest.own.named": "Наш підрахунок, батарея {number}: живлення від неї – {count} раз, найнижчий заряд {low} о {at}."
    "|Наш підрахунок, батарея {number}: живлення від неї – {count} рази, найнижчий заряд {low} о {at}."
    "|Наш підрахунок, батарея {number}: живлення від неї – {count} разів, найнижчий заряд {low} о {at}.",
    "digest.late": "Підсумок запізнився: о {at} програма не працювала.",
    "digest.age": "Найновіші дані: {ago}.",
    "digest.later": "Служба ШІ ще не відповіла; її текст надійде пізніше.",
    "digest.note": "Написано без ШІ: {why}.",
    "digest.why.slow": "служба ШІ вчасно не відповіла",
    "digest.why.unreachable": "служба ШІ недоступна",
    "digest.why.busy": "служба ШІ перевантажена",
    "digest.why.credit": "на рахунку в службі ШІ немає коштів",
    "digest.why.context": "дані дня задовгі для моделі ШІ; збільште її контекст",
    "digest.why.cut": "служба ШІ обірвала відповідь",
    "digest.why.refused": "модель ШІ відмовилася писати",
    "digest.why.form": "модель ШІ відповіла даними, а не текстом",
    "digest.why.language": "модель ШІ відповіла іншою мовою",
    "digest.why.failing": "у служби ШІ стався збій",
    "digest.why.key": "служба ШІ не прийняла ключ",
    "digest.why.request": "служба ШІ відхилила запит; перевірте OPENAI_MODEL і OPENAI_BASE_URL",
    "digest.why.strange": "відповідь служби ШІ не вдалося прочитати",
    "digest.why.empty": "служба ШІ дала порожню відповідь",
    "digest.why.long": "відповідь служби ШІ задовга для повідомлення",
    "digest.why.unproved": "служба ШІ назвала числа, яких не вимірювали",
    "digest.why.package": "не встановлено пакунок openai",
    "digest.failed": "Підсумок за {date} не вдалося скласти; причина – в журналі бота.",
}
