"""Carry bytes between us and one device; know nothing of frames."""
