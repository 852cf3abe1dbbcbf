"""What the bot adds to messages that come late or perhaps twice."""

TEXTS = {
    "delivery.repeat": "(may be a repeat: it is not known whether it arrived)",
    "delivery.away": "<b>{count} message that could not be sent before</b>|"
    "<b>{count} messages that could not be sent before</b>",
    "delivery.more": "and {count} older message|and {count} older messages",
    "delivery.before": "(instead of {count} older message on the same)|"
    "(instead of {count} older messages on the same)",
}
