"""What a model answered, without what real servers wrap around it; and whether it is an answer at all. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

FEW_LETTERS = 20  # of less no language can be told
_SPEAKS = 2  # words that are of one language only


def final_text(content: object) -> str | None:
    """Return the text that ``content`` of a message means to be read; None: there is none that can be read.

    Of JSON, which was not asked for, a single text in it is taken.
    """
    text = bare_text(content)
    return _text_in_json(text) if text and text[0] in "{[" else text


def bare_text(content: object) -> str | None:
    """Return the text of a message's ``content``; None: there is none.

    Thoughts, marks of channels and turns and fences go. Content in parts is joined.
    """
    text = _joined(content)
    if text is None:
        return None
    text = _without_thoughts(_of_last_channel(text))
    return _FENCE.sub("", _MARK.sub("", text)).strip()


def is_refusal(text: str) -> bool:
    """Whether a model says that it will not do it, instead of doing it."""
    return _REFUSAL.match(text.strip()) is not None


def is_in(text: str, language: str) -> bool:
    """Whether ``text`` may be in ``language``, "en" or "uk"; a few words of it tell nothing."""
    letters = [char for char in text.lower() if char.isalpha()]
    if len(letters) < FEW_LETTERS:
        return True
    latin = sum(char.isascii() or "\u00c0" <= char <= "\u024f" for char in letters)
    cyrillic = sum("\u0400" <= char <= "\u04ff" for char in letters)
    own = cyrillic if language == "uk" else latin
    if 2 * own < len(letters):
        return False
    if language == "uk":
        return sum(char in "ыэёъ" for char in letters) <= sum(char in "іїєґ" for char in letters)
    words = re.findall(r"[^\W\d_]+", text.lower())
    spoken = {name: sum(word in some for word in words) for name, some in _WORDS.items()}
    return not any(count >= _SPEAKS and count > spoken["en"] for count in spoken.values())


def _joined(content: object) -> str | None:
    """The text of ``content``, which may be a list of parts, some of them thoughts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        fields: Any = part if isinstance(part, Mapping) else vars(part) if hasattr(part, "__dict__") else {}
        if fields.get("type", "text") in ("text", "output_text") and isinstance(fields.get("text"), str):
            texts.append(fields["text"])
    return "".join(texts)


def _of_last_channel(text: str) -> str:
    """What stands in the channel for the reader; a text without channels as it is."""
    final = list(_FINAL.finditer(text))
    if final:
        return text[final[-1].end() :]
    return "" if _CHANNEL.search(text) else text  # it thought, and never came to the point


def _without_thoughts(text: str) -> str:
    text = _THOUGHT.sub("", text)
    # Some templates open the thought in the request: only its end is in the answer.
    closed = list(_CLOSED.finditer(text))
    if closed:
        text = text[closed[-1].end() :]
    opened = _OPENED.search(text)
    return text[: opened.start()] if opened else text


def _text_in_json(text: str) -> str | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text  # no JSON: a list such as "[1] ..."
    if isinstance(found, list) and len(found) == 1:
        [found] = found
    if isinstance(found, str):
        return found.strip()
    texts = [value for value in found.values() if isinstance(value, str)] if isinstance(found, dict) else []
    return texts[0].strip() if isinstance(found, dict) and len(found) == len(texts) == 1 else None


_TAGS = r"(?:think|thinking|thought|reasoning|reflection|analysis)"
_THOUGHT = re.compile(rf"<({_TAGS})\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CLOSED = re.compile(rf"</{_TAGS}\s*>|\[/THINK\]", re.IGNORECASE)
_OPENED = re.compile(rf"<{_TAGS}\b[^<>]*>|\[THINK\]", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]*<\|message\|>")
# Marks of turns, as the tokens of many models are written; the role behind a beginning is one as well.
_MARK = re.compile(
    r"<\|(?:im_)?start(?:_header_id)?\|>\s*(?:assistant)?(?:<\|end_header_id\|>)?|<start_of_turn>\s*(?:model)?"
    r"|<[|\uff5c][\w\u2581 .-]{1,40}[|\uff5c]>|<end_of_turn>|<eos>|</?s>|\[/?INST\]|</?answer>"
)
_FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*[\w+-]*[ \t]*$\n?", re.MULTILINE)
_REFUSAL = re.compile(
    r"(?:(?:i['’]?m|i am|we['’]re) (?:very |really |so )?(?:sorry|afraid|unable|not able)|sorry\b|"
    r"(?:unfortunately,? )?i (?:cannot|can['’]?t|can not|won['’]?t|will not|am unable)|as an? (?:ai|language model)|"
    r"(?:на жаль,? )?(?:я )?не (?:можу|зможу|в змозі)|вибач|перепрош|пробач|як (?:мовна модель|штучний інтелект|ші\b)|"
    r"на жаль, я)",
    re.IGNORECASE,
)
# Frequent words that the others do not have.
_FREQUENT = {
    "en": "the and of was were with from at it its by no not but to for is are on",
    "de": "der die das und wurde wurden mit nicht um uhr von auf ist ein eine zum zur den dem",
    "fr": "le la les et était une un du des à été pas avec est au aux dans sur",
    "es": "el los las y fue una con del se más por sin que en su la",
    "it": "il lo gli è stata stato una con del della di alle non sono la",
    "pt": "o os as foi uma com do da não em às dos das e",
    "nl": "het een en werd van met op niet om de uur",
    "pl": "się jest nie na był była było oraz do od i przez dom",
}
_WORDS = {name: frozenset(words.split()) for name, words in _FREQUENT.items()}
