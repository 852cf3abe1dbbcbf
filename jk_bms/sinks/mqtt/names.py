"""Topics and ids: of an ASCII alias those that BatMON makes, so that Home Assistant keeps entities and statistics."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

LONGEST = 128  # bytes of a topic that an alias becomes
_PAIRS = "абвгґдезиіїйклмнопрстуфыэё", "abvhgdezyiiiklmnoprstufyee"
# The official Ukrainian table of 2010; Russian letters that it lacks are as they sound.
_LATIN = dict(zip(*_PAIRS, strict=True)) | {
    **{"є": "ie", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"},
    **{"ь": "", "ъ": "", "ß": "ss"},
}
_AT_START = {"є": "ye", "ї": "yi", "й": "y", "ю": "yu", "я": "ya"}


class Names(NamedTuple):
    """What one battery is called."""

    topic: str  # of its states, without what stands before all topics
    node: str  # in discovery topics: ASCII
    uid: str  # its unique ids begin with it


def topic_of(alias: str) -> str:
    """Return the topic of a battery's states."""
    kept = "".join(char if char.isalnum() or char in "_./" else "_" for char in alias.lstrip("$/"))
    topic = "/".join(level for level in kept.split("/") if level).encode()[:LONGEST]
    return topic.decode(errors="ignore").rstrip("/") or "_"


def node_of(topic: str) -> str:
    """Return ``topic`` as Home Assistant takes it in a discovery topic; empty: nothing is left of it."""
    made = []
    for word in re.findall(r"\w+|\W", topic.replace("зг", "зgh").replace("Зг", "Зgh")):
        for place, char in enumerate(word):
            low = char.lower()
            latin = (_AT_START if place == 0 or word[place - 1] == "_" else {}).get(low) or _LATIN.get(low)
            if latin is None:
                latin = "".join(
                    c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c)
                )
            elif char != low:
                latin = latin.capitalize()
            made.append(latin)
    node = re.sub(r"[^A-Za-z0-9_-]", "_", "".join(made))
    return node if node.strip("_") else ""


def names_of(batteries: Iterable[tuple[str, str]], kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Names]:
    """Return what batteries are called, by address; given are address and label of each, in their order.

    ``kept``: what was told of them before, by address, and of such as are gone: a battery keeps its ids
    whatever it is called, and a new one has those of one that is gone and was called the same.
    """
    names: dict[str, Names] = {}
    batteries = tuple(batteries)
    present = {address for address, _ in batteries}
    taken = {told["uid"] for address, told in kept.items() if address in present}
    for address, label in batteries:
        plain = address.replace(":", "").lower()
        topic = topic_of(label)
        if any(topic == one.topic for one in names.values()):
            topic += f"_{plain[-4:]}"
        node = node_of(topic) or plain
        if any(node == one.node for one in names.values()):
            node = plain
        uid = kept[address]["uid"] if address in kept else topic
        if address not in kept and uid in taken:
            uid = f"{topic}_{plain[-4:]}"
        taken.add(uid)
        names[address] = Names(topic, node, uid)
    return names
