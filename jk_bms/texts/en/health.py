"""What health says of a cell, and what to do."""

TEXTS = {
    "health.weak": "weak",
    "health.weak.advice": "The pack is full and empty when this cell is; the others cannot give what they hold.",
    "health.leaking": "leaking",
    "health.leaking.advice": (
        "It loses charge by itself. Watch its warmth, and have it replaced when this grows."
    ),
    "health.bad_connection": "bad connection",
    "health.bad_connection.advice": (
        "Switch the inverter and the battery off first: the lugs are live. Then tighten and clean its lugs and sense "
        "wire, and look again in a week."
    ),
}
