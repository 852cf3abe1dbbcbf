"""Why a link gives no data, and what to do about it. Pure: no I/O, no clock, no logging."""
