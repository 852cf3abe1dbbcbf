"""An engine with a single rule of our own, a clock to turn and a record of what was told."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jk_bms.model.alarms import Severity
from jk_bms.rules import example
from jk_bms.rules.base import Grade, HostView, Look, Moment, Notice, Rule
from jk_bms.rules.engine import Engine
from jk_bms.rules.options import Options

BEGIN = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0
WARNING = Grade(Severity.WARNING, 9001, 10.0, 5.0, 3, 10.0)
CRITICAL = Grade(Severity.CRITICAL, 9002, 20.0, 15.0, 3, 10.0)


def by_path(view: HostView) -> Mapping[str, Look | None] | None:
    """Read what to measure from a field of the view: ``7``, ``a=7 b=?``; empty: nothing is known."""
    if not view.disk_path:
        return None
    looks: dict[str, Look | None] = {}
    for word in view.disk_path.split():
        part, _, value = word.rpartition("=")
        looks[part] = None if value == "?" else Look(float(value), {"seen": value})
    return looks


def rule(name: str = "level", **changes: Any) -> Rule:
    """Return a rule with a warning from 10 to 5 and a critical grade from 20 to 15."""
    usual = Rule(name, HostView, lambda _: (CRITICAL, WARNING), by_path, rising=True, example=example.host)
    return usual._replace(**({"clear_seconds": 10.0} | changes))


class Driver:
    """Feeds one subject every five seconds."""

    def __init__(
        self,
        rules: Sequence[Rule] | None = None,
        *,
        state: Mapping[str, Any] | None = None,
        at: float = 1000.0,
        time: datetime = BEGIN,
        trusted: bool = True,
        boot: str = "b1",
        **options: Any,
    ) -> None:
        self.engine = Engine(Options(**({"startup_delay": 0} | options)), rules or [rule()], boot=boot)
        if state is not None:
            self.engine.restore(state)
        self.at, self.time, self.trusted = at, time, trusted
        self.notices: list[Notice] = []

    @property
    def now(self) -> Moment:
        """The present moment."""
        return Moment(self.at, self.time, self.trusted)

    def wait(self, seconds: float) -> list[str]:
        """Let time pass without a look; return what was told at its end."""
        self.at += seconds
        self.time += timedelta(seconds=seconds)
        return self._told(self.engine.tick(self.now))

    def see(self, value: object, looks: int = 4, every: float = 5.0) -> list[str]:
        """Look at ``value`` so often; return what was told meanwhile, as ``what severity``."""
        told = []
        for _ in range(looks):
            self.at += every
            self.time += timedelta(seconds=every)
            view = HostView(disk_path="" if value is None else str(value))
            told += self._told(self.engine.look("box", view, self.now))
            told += self._told(self.engine.tick(self.now))
        return told

    def quiet(self) -> list[tuple[str, str]]:
        """What was not told, and why."""
        return [(notice.what, notice.quiet) for notice in self.notices if notice.quiet]

    def _told(self, notices: list[Notice]) -> list[str]:
        self.notices += notices
        return [f"{n.what} {n.alert.severity.word}" for n in notices if n.quiet is None]
