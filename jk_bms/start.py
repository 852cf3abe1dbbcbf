"""How each program of ours begins: on a Python with our packages, else with one line that says what to do.

Until the packages are known to be there, nothing of ours is imported but ``called``, and this page keeps
to what a Python older than we support can still read.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from importlib import import_module
from importlib.machinery import PathFinder

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
VENVS = (".venv-jkbms", ".venv")  # the first is ours beside another program's
OLDEST = (3, 11)
PACKAGES = ("msgspec", "dotenv", "yaml", "bleak")  # without these none of the programs works
ONCE = "EASUN_JKBMS_STARTED"  # in the environment: started anew already, so not again

EXIT_OK = 0
EXIT_BUG = 1
EXIT_INTERRUPTED = 130
EXIT_LATER = 75  # something was short for the moment: the service manager starts it again
EXIT_CONFIG = 78  # a person must change something: the service manager tries no further

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SCARCE = (
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    *_FULL,
)  # the first: what a small ulimit leads to


def start(
    name: str,
    module: str,
    packages: tuple[str, ...] = PACKAGES,
    arguments: list[str] | None = None,
    failure: int = EXIT_CONFIG,
    shortage: int = EXIT_LATER,
) -> int:
    """Run ``main(arguments)`` of ``module`` for the program ``name``; return its exit code.

    ``failure``: the exit code of what cannot begin; ``shortage``: of what ends, at any time, for want of
    memory, room, files or processes. A Python without ``packages`` is left for the one of
    our environment, whatever environment is active.
    Interrupted at any time, it ends with 130 and without a word.
    """
    try:
        for number in (signal.SIGUSR1, signal.SIGUSR2):  # these mean nothing to us, and would kill
            signal.signal(number, signal.SIG_IGN)
        if sys.version_info < OLDEST or any(PathFinder.find_spec(package) is None for package in packages):
            _start_in_ours()
            return _say(name, _what_is_missing(packages), failure)
        os.environ.pop(ONCE, None)
        try:
            main = _loaded(module)
        except ImportError as error:
            _start_in_ours()
            return _say(name, f"cannot be loaded: {error}; {_cure()}", failure)
        return int(main(arguments))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except MemoryError:
        return _say(name, "not enough memory; see `ulimit -v`, and what else runs here", shortage)
    except OSError as error:
        if not is_shortage(error):
            raise
        reason = (error.strerror or str(error)).lower()
        where = f": {error.filename}" if error.filename else ""
        cure = "free some space" if error.errno in _FULL else "see `ulimit -a`, and what else runs here"
        return _say(name, f"{reason}{where}; {cure}", shortage)


def is_shortage(error: BaseException | None) -> bool:
    """Whether ``error`` says that the machine was short of something, which may pass."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SCARCE)


def _loaded(module: str):  # type: ignore[no-untyped-def]  # its main, whatever it takes
    """Import ``module``; return its ``main``.

    What is imported now stays for good: looking through it for garbage, again and again while it grows,
    takes a fifth of the start and finds nothing.
    """
    gc.disable()
    main = import_module(module).main
    gc.enable()
    gc.freeze()
    return main


def _start_in_ours() -> None:
    """Begin again in our environment; return when there is none, or when that was done already."""
    if os.environ.get(ONCE):
        return
    module = getattr(sys.modules["__main__"], "__spec__", None)  # as after -m
    words = ["-m", module.parent] if module else [sys.argv[0]]
    for venv in VENVS:
        folder = os.path.join(TOP, venv)  # noqa: PTH118
        python = os.path.join(folder, "bin", "python")  # noqa: PTH118
        if os.access(python, os.X_OK) and os.path.realpath(folder) != os.path.realpath(sys.prefix):
            os.environ[ONCE] = venv
            try:
                os.execv(python, [python, *words, *sys.argv[1:]])  # noqa: S606
            except OSError:  # its interpreter is gone
                continue


def _what_is_missing(packages: tuple[str, ...]) -> str:
    here = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    if sys.version_info < OLDEST:
        return f"needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {here}; {_cure()}"
    missing = ", ".join(package for package in packages if PathFinder.find_spec(package) is None)
    return f"this Python ({sys.executable}) lacks {missing}; {_cure()}"


def _cure() -> str:
    """What makes our environment: the installer where it installed this copy, else make."""
    if os.path.exists(os.path.join(TOP, ".easun-jkbms-places")):  # noqa: PTH110, PTH118
        return f"run: sudo {TOP}/install.sh"
    return f"run: make -C {TOP} setup"


def _say(name: str, what: str, code: int) -> int:
    sys.stderr.write(f"{name}: {what}\n")
    return code
