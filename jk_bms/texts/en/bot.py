"""What the bot says."""

TEXTS = {
    "bot.more": "{count} more|{count} more",
}
