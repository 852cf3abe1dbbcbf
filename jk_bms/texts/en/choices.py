"""What a chat chose with /settings."""

TEXTS = {
    "choices.title": "What this chat is told and shown",
    "choices.step": "Level: told at every {step} %",
    "choices.no_step": "Level: not told",
    "choices.quiet": "Quiet hours: {span}; only critical alerts ring then",
    "choices.no_quiet": "Quiet hours: none",
    "choices.language": "Language: {name}",
    "choices.pictures": "Pictures: {name}",
    "choices.off": "off",
    "choices.language.auto": "as in Telegram",
    "choices.language.en": "English",
    "choices.language.uk": "Ukrainian",
    "choices.pictures.light": "light",
    "choices.pictures.dark": "dark",
    "choices.own": "Other values: /settings level 3, /settings quiet 21:30-06:00",
    "choices.usage": "I did not understand that. For example: /settings level 10, /settings quiet 22:00-07:00",
}
