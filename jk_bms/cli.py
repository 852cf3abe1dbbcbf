"""The grammar of jk-util.py: which words and options there are, and who carries them out.

Options (``--scan``, ``--read``, ...) are for reading batteries; everything else is a word
(``status``, ``config``). Nothing heavy is imported before it is known to be needed, so that
``--help`` answers at once.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from jk_bms import __version__
from jk_bms.called import tool
from jk_bms.errors import JkBmsError
from jk_bms.tool.exits import EXIT_INTERRUPTED, EXIT_OK, EXIT_UNEXPECTED, exit_code

# Adding a word is adding a module with ``arguments(parser)`` and ``run(arguments) -> exit
# code`` to jk_bms/tool/, and a line here.
WORDS = {
    "status": "how the running service and its batteries are doing",
    "doctor": "why a battery is not read: looks from the Bluetooth service up to the frames",
    "release": "leave a battery alone for a while, so that the phone app can connect",
    "resume": "read a released battery again, now",
    "pair": "pair with a battery whose firmware wants it (19.30 and later)",
    "unpair": "have the Bluetooth service forget a battery and its bond",
    "alerts": "what is wrong now and what was lately; what an alert means; a test of every channel",
    "health": "how the cells are: a weak one, a leaking one, a bad connection, how sure",
    "history": "what the batteries did: the last day, week or year",
    "chart": "a picture of the history: charge, power, cells, temperature",
    "digest": "what happened today, or on another day, in a few sentences",
    "export": "the history as a table, for other programs",
    "import": "take in what other programs recorded",
    "check": "whether the files, the clock and the service are in order",
    "backup": "everything that must not be lost, in one archive",
    "restore": "put a backup in place of what is there",
    "invite": "a code that lets a person into the Telegram bot, also as a QR code",
    "config": "every setting: its value, where it comes from and what it means",
    "house": "what house.yaml says of alerts; house check FILE: every fault of a file",
    "set": "change a setting of the running service: set KEY=VALUE",
}
MODULES = {"import": "import_"}  # of words that Python keeps for itself

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})  # of what writing may end with

EXAMPLES = (
    ("--scan", "find batteries and remember them"),
    ("", "read the first remembered battery"),
    ("--all --format json", "read all of them, for a program"),
    ("--watch", "keep reading until Ctrl-C"),
    ("--address simulated", "try it without a battery"),
    ("--decode dump.txt", "no radio: decode a recording"),
)


def main(argv: Sequence[str]) -> int:
    """Do what ``argv`` says; return the exit code."""
    try:
        try:
            run, arguments = _understand(argv)
            return run(arguments)
        finally:
            if sys.stdout is not None:  # the caller closed it
                sys.stdout.flush()  # what cannot be written is to be said here, not behind the end
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output had enough
        _drop_output()
        return EXIT_OK
    except OSError as error:
        if error.filename is not None:  # a name that is too long, a folder that may not be entered
            why = os.strerror(error.errno or 0).lower()
            print(_harmless(f"{os.fsdecode(error.filename)}: cannot be used: {why}"), file=sys.stderr)
            return EXIT_UNEXPECTED
        if error.errno not in _NO_ROOM:
            raise
        _drop_output()
        print(f"standard output: cannot be written: {os.strerror(error.errno).lower()}", file=sys.stderr)
        return EXIT_UNEXPECTED
    except JkBmsError as error:
        print(error, file=sys.stderr)  # harmless lines, as all errors of ours
        return exit_code(error)


def _harmless(text: str) -> str:
    from jk_bms.model.foreign_text import harmless  # only when something is wrong: `--help` loads nothing

    return harmless(text)


class _Parser(argparse.ArgumentParser):
    """Shows what was typed without letting it steer the terminal."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2 and one line."""
        super().error(_harmless(message))


def _drop_output() -> None:
    """Let what is still buffered not fail at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """Return the parser of everything that is not a word."""
    parser = _Parser(
        prog=tool(),
        description="Find, read and watch JK BMS batteries over Bluetooth.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--scan", action="store_true", help="search, print and save to the registry")
    add("--scan-time", type=_seconds, default=10.0, metavar="N", help="seconds to search (default: 10)")
    add("--probe", action="store_true", help="with --scan: connect to possible devices and ask what they are")
    add("--read", action="store_true", help="with --scan: read the first found device afterwards")
    add("--address", metavar="MAC", help="read this device")
    add("--name", metavar="TEXT", help="read the device of this name, remembered or advertised")
    add("--all", action="store_true", help="read all enabled devices")
    add("--watch", action="store_true", help="keep reading and printing until Ctrl-C")
    add(
        "--format",
        choices=("text", "yaml", "json"),
        default="text",
        help="output of a reading (default: text)",
    )
    add("--json-lines", action="store_true", help="with --decode or --watch: one JSON object per frame")
    add("--output", metavar="FILE", help="write the reading there instead of to standard output")
    add("--devices-file", metavar="FILE", help="registry (default: jk_devices.yaml in the project's folder)")
    add("--env-file", metavar="FILE", help="settings (default: .env in the project's folder)")
    add("--adapter", metavar="hciN", help="Bluetooth adapter, by name or address")
    add("--type", metavar="T", help="kind of device (default: what the registry says, else jk)")
    add(
        "--timeout",
        type=_seconds,
        metavar="N",
        help="seconds to connect, and again for a reading (default: 20)",
    )
    add(
        "--direct", action="store_true", help="when the service holds the device: borrow it instead of asking"
    )
    add("--decode", metavar="FILE", help="no radio: decode a dump or frames in hex; - is standard input")
    add("--dump", metavar="FILE", help="save the received bytes as hex, one notification per line")
    add("--dump-secrets", action="store_true", help="with --dump: leave the passcodes in")
    add("--debug", action="store_true", help="print a log of frames and connections")
    add("--version", action="version", version=f"jk-util.py (easun-jkbms) {__version__}")
    return parser


def _epilog() -> str:
    room = len(tool(max((words for words, _ in EXAMPLES), key=len)))
    lines = ["examples:", *(f"  {tool(words):<{room}}  {what}" for words, what in EXAMPLES)]
    lines += ["", f"words ({tool('WORD --help')} tells more):"]
    return "\n".join([*lines, *(f"  {word:<10} {what}" for word, what in WORDS.items()), ""])


def _word_first(argv: Sequence[str]) -> Sequence[str]:
    """``--env-file FILE WORD ...`` as ``WORD --env-file FILE ...``: people write it both ways."""
    if not argv or argv[0].partition("=")[0] != "--env-file":
        return argv
    taken = 1 if "=" in argv[0] else 2
    if argv[taken : taken + 1] and argv[taken] in WORDS:
        return [argv[taken], *argv[:taken], *argv[taken + 1 :]]
    return argv


def _understand(argv: Sequence[str]) -> tuple[Callable[[argparse.Namespace], int], argparse.Namespace]:
    argv = _word_first(argv)
    if argv and argv[0] in WORDS:
        word = argv[0]
        module = import_module(f"jk_bms.tool.{MODULES.get(word, word)}")
        wanted = _Parser(prog=tool(word), description=WORDS[word][0].upper() + WORDS[word][1:] + ".")
        wanted.add_argument(
            "--env-file", metavar="FILE", help="settings (default: .env in the project's folder)"
        )
        module.arguments(wanted)
        return module.run, wanted.parse_args(argv[1:])
    options = parser()
    if argv and not argv[0].startswith("-"):
        options.error(
            f"unknown word {argv[0]!r}; expected one of {', '.join(WORDS)}, or options (see --help)"
        )
    arguments = options.parse_args(argv)
    _check(options, arguments)
    name = "decode" if arguments.decode else "scan" if arguments.scan else "read"
    run: Callable[[argparse.Namespace], int] = import_module(f"jk_bms.tool.{name}").run
    return run, arguments


def _check(options: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse what cannot be meant together."""
    given = arguments
    if given.decode and (given.scan or given.read or given.watch or given.address or given.name):
        options.error(
            "--decode reads a file, no device: leave out --scan, --read, --watch, --address and --name"
        )
    if given.json_lines and not (given.decode or given.watch):
        options.error("--json-lines goes with --decode or --watch; for one reading use --format json")
    if given.scan and given.output and not given.read:
        options.error("--output takes a reading: with --scan add --read")
    if given.dump and given.decode:
        options.error("--dump records a device; --decode has none")
    if given.probe and not given.scan:
        options.error("--probe goes with --scan")
    if given.scan and (given.address or given.name or given.all or given.watch):
        options.error("--scan searches for every device: leave out --address, --name, --all and --watch")
    if given.address and given.name:
        options.error("--address and --name: only one of them")
    if given.all and (given.address or given.name):
        options.error("--all reads every device: leave out --address and --name")
    if given.dump_secrets and not given.dump:
        options.error("--dump-secrets goes with --dump")
    if given.dump and (given.all or (given.scan and not given.read)):
        options.error("--dump records one device: use it with --address, --name, or nothing")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds, above 0 and up to 3600")
    return seconds
