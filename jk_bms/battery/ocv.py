"""Open-circuit voltage of one cell, by chemistry: what a *rested* cell tells about its charge.

LFP lies between two published low-current measurements (LithiumWerks APR18650M1B at C/32 and
Sony US26650FTC1), which agree within three points. NMC and LTO are typical data-sheet shapes,
good to about five points. On the LFP plateau (20 to 95 %) voltage says next to nothing.
"""

from jk_bms.battery.curves import Curve

# fmt: off
LFP = Curve((
    (2.005, 0.0), (2.450, 0.3), (2.660, 0.7), (2.820, 1.5), (2.980, 3.4), (3.061, 5.0), (3.135, 7.0),
    (3.196, 10.0), (3.214, 15.0), (3.236, 20.0), (3.257, 25.0), (3.273, 30.0), (3.285, 35.0),
    (3.2925, 40.0), (3.299, 50.0), (3.303, 60.0), (3.306, 65.0), (3.3125, 70.0), (3.3235, 75.0),
    (3.331, 80.0), (3.339, 85.0), (3.3415, 90.0), (3.3435, 95.0), (3.348, 98.0), (3.370, 99.0),
    (3.440, 99.5), (3.599, 100.0),
))

NMC = Curve((
    (2.900, 0.0), (3.150, 1.0), (3.280, 2.5), (3.410, 5.0), (3.520, 10.0), (3.570, 15.0), (3.605, 20.0),
    (3.650, 30.0), (3.690, 40.0), (3.750, 50.0), (3.830, 60.0), (3.925, 70.0), (4.015, 80.0),
    (4.095, 90.0), (4.200, 100.0),
))

LTO = Curve((
    (1.700, 0.0), (1.920, 1.5), (2.040, 5.0), (2.120, 10.0), (2.175, 20.0), (2.215, 30.0), (2.250, 40.0),
    (2.280, 50.0), (2.320, 60.0), (2.370, 70.0), (2.430, 80.0), (2.510, 90.0), (2.580, 95.0), (2.750, 100.0),
))
# fmt: on

OCV = {"lfp": LFP, "nmc": NMC, "lto": LTO}
