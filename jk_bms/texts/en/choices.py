"""What a chat chose with /settings."""

TEXTS = {
    "choices.title": "Settings of this chat",
    "choices.step": "Level: a message every {step} %",
    "choices.no_step": "Level: no messages",
    "choices.quiet": "Quiet hours: {span}; only critical alerts make a sound",
    "choices.no_quiet": "Quiet hours: none",
    "choices.night": "Quiet hours: none; only the level is silent {span}",
    "choices.house_quiet": "House: {span} only critical alerts are sent",
    "choices.language": "Language: {name}",
    "choices.pictures": "Pictures: {name}",
    "choices.off": "off",
    "choices.language.auto": "as in Telegram",
    "choices.language.en": "English",
    "choices.language.uk": "Українська",
    "choices.pictures.light": "light",
    "choices.pictures.dark": "dark",
    "choices.own": "Other values: /settings level 3, /settings quiet 21:30-06:00",
    "choices.usage": "I did not understand that. For example: /settings level 10, /settings quiet 22:00-07:00",
}
