"""The files of the page: one tree, made at start from the package, served under a hash of all of them.

There is no build step: what lies in ``static/`` is what a browser gets. Made besides are the words of each language
(``words/en.json``) and the list of what the service worker keeps. Every address within the tree is relative, so
that one release is one consistent tree.
"""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

import msgspec

from jk_bms.texts import LANGUAGES, language
from jk_bms.web.words import page_words

# What a browser is told a file is, by how its name ends. A file of another kind is not served.
KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
LENGTH = 16  # characters of the hash: two releases never share one

# Loaded before the first script asks for it; the rest comes on first use.
EARLY = (
    "app.js",
    "vendor/preact.js",
    "vendor/hooks.js",
    "vendor/htm.js",
    "vendor/signals.js",
    "vendor/signals-core.js",
)
ICONS = (
    ("icons/app-192.png", "192x192", "any"),
    ("icons/app-512.png", "512x512", "any"),
    ("icons/app-maskable-512.png", "512x512", "maskable"),
)
GROUND = "#0F1318"  # of the installed page, before its style is there


class Asset(NamedTuple):
    """A file as it is served."""

    body: bytes
    kind: str  # media type


class Tree(NamedTuple):
    """All files of one release; ``hash`` is the folder they are served in: ``/s/<hash>/app.js``."""

    hash: str
    files: dict[str, Asset]  # by path: ``app.js``, ``vendor/preact.js``
    worker: Asset  # ``/sw.js``
    sprite: str  # the icons, as they stand in each page


@cache
def tree() -> Tree:
    """Return the files of this release. Raises OSError when the package is not whole."""
    root = files("jk_bms.web") / "static"
    found = {path: Asset(entry.read_bytes(), KINDS[_ending(path)]) for path, entry in _walk(root, "")}
    for name in LANGUAGES:
        found[f"words/{name}.json"] = Asset(msgspec.json.encode(page_words(name)), KINDS[".json"])
    worker = found.pop("sw.js")
    digest = hashlib.sha256()
    for path, asset in sorted(found.items()):
        digest.update(b"%s\0%d\0" % (path.encode(), len(asset.body)) + asset.body)
    digest.update(worker.body)
    name = digest.hexdigest()[:LENGTH]
    kept = msgspec.json.encode({"hash": name, "files": sorted(found)}).decode()
    body = worker.body.replace(b'"RELEASE"', kept.encode())
    return Tree(name, found, Asset(body, worker.kind), found["icons.svg"].body.decode())


def manifest(name: str, base: str) -> dict[str, Any]:
    """Return the web app manifest in the language ``name``; ``base``: what the page's addresses begin with, ``/``."""
    texts, static = language(name), f"{base}s/{tree().hash}/"
    return {
        "name": texts("web.app"),
        "short_name": texts("web.nav.battery"),
        "lang": name,
        "id": base,
        "start_url": f"{base}?app",
        "scope": base,
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": [
            {"src": static + path, "sizes": size, "type": KINDS[".png"], "purpose": purpose}
            for path, size, purpose in ICONS
        ],
        "shortcuts": [
            {"name": texts(f"web.nav.{screen}"), "url": f"{base}{address}"}
            for screen, address in (("battery", "battery"), ("history", "history"), ("alerts", "alerts"))
        ],
    }


def _ending(path: str) -> str:
    return "." + path.rpartition(".")[2]


def _walk(folder: Traversable, above: str) -> list[tuple[str, Traversable]]:
    """Return the files below ``folder`` that are of a known kind, with their paths."""
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        path = above + entry.name
        if entry.is_dir():
            found += _walk(entry, path + "/")
        elif _ending(path) in KINDS:
            found.append((path, entry))
    return found
