"""Pictures of history and cells, as PNG: for a phone, in light and dark.

Made by a child process (``python -m jk_bms.charts``), so that the memory of drawing goes when
the picture is there.
"""
