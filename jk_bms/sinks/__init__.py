"""Take samples somewhere. A sink decimates for itself and never makes the poller wait."""
