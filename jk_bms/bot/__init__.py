"""The Telegram bot: a process of its own."""
