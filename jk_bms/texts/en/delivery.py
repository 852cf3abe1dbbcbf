"""What the bot adds to late or repeated messages, and says of the service it asks."""

TEXTS = {
    "delivery.repeat": "(may be a repeat: it is not known whether it arrived before)",
    "delivery.away": (
        "{count} message that could not be sent in time|{count} messages that could not be sent in time"
    ),
    "delivery.more": "and {count} older message|and {count} older messages",
    "delivery.before": (
        "(instead of {count} older message about the same)|(instead of {count} older messages about the same)"
    ),
    "delivery.token_taken": (
        "Another program answers with my token, so commands may go unanswered here. Alerts and the digest still "
        "come. Stop that program, or give this house a bot of its own (@BotFather); "
        "then I answer again by myself."
    ),
    "delivery.poller_lost": "The battery monitor does not answer: the battery is not being watched now",
    "delivery.poller_lost_do": "If the Raspberry Pi has power, restart the monitor on it:",
    "delivery.poller_back": "The battery monitor answers again",
}
