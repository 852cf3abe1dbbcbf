"""What the measurements share: medians of what is done in turns, and a sheet of figures."""

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


class Sheet:
    """Prints figures beside what they should reach; ``exit_code`` tells whether all did."""

    def __init__(self) -> None:
        self.exit_code = 0

    def figure(self, what: str, value: float, *, most: float, detail: str = "", digits: int = 2) -> None:
        """Print a judged figure; more than ``most`` is a miss."""
        missed = value > most
        self.exit_code |= missed
        shown = f"{value:.{digits}f}"
        print(
            f"{what:<52} {shown:>8}  at most {most:<5g} {'MISSED' if missed else 'ok':<6} {detail}".rstrip()
        )

    def beside(self, what: str, value: float, detail: str = "", digits: int = 2) -> None:
        """Print a figure that is shown for comparison only."""
        print(f"{what:<52} {value:>8.{digits}f}  {'for comparison':<20} {detail}".rstrip())


def write_between(page: Path, begin: str, end: str, lines: Sequence[str]) -> None:
    """Put ``lines`` between the lines of ``page`` that begin with ``begin`` and with ``end``."""
    head, rest = page.read_text(encoding="utf-8").split(begin, 1)
    mark, tail = rest.split("\n", 1)[0], rest.split(end, 1)[1]
    page.write_text(f"{head}{begin}{mark}\n\n" + "\n".join(lines) + f"\n\n{end}{tail}", encoding="utf-8")


def in_turns(rounds: int, *work: Callable[[], float]) -> list[list[float]]:
    """Return what each of ``work`` gave in each round; so a busy machine disturbs all alike."""
    taken: list[list[float]] = [[] for _ in work]
    for _ in range(rounds):
        for results, one in zip(taken, work, strict=True):
            results.append(one())
    return taken


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of neighbours in time."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


@contextmanager
def compiled_code() -> Iterator[None]:
    """Let programs started in here find their bytecode, as ``install.sh`` leaves it."""
    names = ("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
    before = {name: os.environ.pop(name, None) for name in names}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        try:
            yield
        finally:
            del os.environ["PYTHONPYCACHEPREFIX"]
            os.environ.update({name: value for name, value in before.items() if value is not None})
