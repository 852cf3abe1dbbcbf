"""What health says of a cell, and what to do."""

TEXTS = {
    "health.weak": "weak",
    "health.weak.advice": (
        "The whole battery is full or empty as soon as this cell is; the other cells cannot give all they "
        "hold."
    ),
    "health.leaking": "losing charge",
    "health.leaking.advice": "It discharges by itself. Watch its temperature; replace it if the loss grows.",
    "health.bad_connection": "bad connection",
    "health.bad_connection.advice": (
        "Switch the inverter and the battery off first: the lugs are live. Then tighten and clean its lugs and sense "
        "wire, and look again in a week."
    ),
}
