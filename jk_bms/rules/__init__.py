"""Decides what deserves a warning. Pure: no I/O, no clock, no text for people."""
