"""Words for people, in their language: a catalogue for each, and what is composed of them.

A catalogue is a folder with a module for each topic; ``bot.hello`` is ``TEXTS["bot.hello"]`` of
``en/bot.py`` and ``uk/bot.py``. A template is plain text with named fields, as of ``str.format``.
Markup is the business of who sends it: dynamic text and whole templates go through ``escape``.
"""

from jk_bms.texts.language import LANGUAGES, Texts, best, language
from jk_bms.texts.markup import clip, escape, split

__all__ = ["LANGUAGES", "Texts", "best", "clip", "escape", "language", "split"]
