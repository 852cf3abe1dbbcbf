"""Moments of the simulated house's life that tests start at, whatever day it is here.

Loads, sun and power cuts of that house follow from the day: on another one the grid may be away.
"""

# No power cut comes within two hours, whichever battery (seed) it is.
MORNING = "2026-07-30 10:00"
EVENING = "2026-07-30 19:30"  # little sun: there is something to meter
