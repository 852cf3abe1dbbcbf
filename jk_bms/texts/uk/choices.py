"""Що чат обрав через /settings."""

TEXTS = {
    "choices.title": "Що отримує й бачить цей чат",
    "choices.step": "Рівень заряду: повідомлення через кожні {step} %",
    "choices.no_step": "Рівень заряду: без повідомлень",
    "choices.quiet": "Години тиші: {span}; зі звуком тоді лише критичні тривоги",
    "choices.no_quiet": "Годин тиші немає",
    "choices.night": "Годин тиші немає; лише рівень заряду {span} приходить без звуку",
    "choices.house_quiet": "Для всього будинку: {span} надходять лише критичні тривоги",
    "choices.language": "Мова: {name}",
    "choices.pictures": "Графіки: {name}",
    "choices.off": "вимк.",
    "choices.language.auto": "як у Telegram",
    "choices.language.en": "English",
    "choices.language.uk": "Українська",
    "choices.pictures.light": "світлі",
    "choices.pictures.dark": "темні",
    "choices.own": "Інші значення: /settings level 3, /settings quiet 21:30-06:00",
    "choices.usage": "Не зрозумів. Наприклад: /settings level 10, /settings quiet 22:00-07:00",
}
