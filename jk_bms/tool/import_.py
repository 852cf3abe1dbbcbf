"""``jk-util.py import``: what other programs recorded, into our history and meters; and their configuration."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

from jk_bms.battery.meters import Meters, Totals
from jk_bms.called import poller, tool
from jk_bms.clock import Clock
from jk_bms.config.devices import Entry, named, read_registry, selected_entries
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, StoreError
from jk_bms.store.backlog import NAME as WAITING
from jk_bms.store.backlog import Backlog
from jk_bms.store.bms_db import open_writer
from jk_bms.store.history import Cut, HistoryStore, Keep
from jk_bms.store.imports import (
    Findings,
    MonitorFile,
    Reading,
    Taken,
    read_log,
    read_meters,
)
from jk_bms.store.imports import take_in as take_readings
from jk_bms.store.lock import InUse
from jk_bms.tool.foreign_config import FROM, take_in
from jk_bms.tool.output import note, say
from jk_bms.tool.stored import Progress, stored_settings, uncommitted

# What others call their meters; what is not here follows from these, or cannot be set.
_METERS = {"total_energy_charge": "charged_kwh", "total_energy_discharge": "discharged_kwh"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    add = parser.add_argument
    add("--from", dest="program", choices=FROM, help="take in the configuration of that program, from FILE")
    add("file", nargs="?", metavar="FILE", help="such as options.json of BatMON")
    add("--yes", action="store_true", help="write what --from found without asking")
    add("--dry-run", action="store_true", help="only say what --from would write")
    add("--log", metavar="FILE", nargs="+", default=[], help="logs of voltage and level, rotated ones too")
    add("--bms-monitor", metavar="FILE", help="database of bms-monitor (bms_data.db)")
    add("--meters", metavar="FILE", help="meters of BatMON (bms_meter_states.json)")
    add(
        "--device",
        metavar="NAME",
        help="battery to take it in for (default: the one named there, else battery 1)",
    )
    add("--timezone", metavar="ZONE", help="of times that name none (default: TIMEZONE, else the system's)")


def run(given: argparse.Namespace) -> int:
    """Take in everything; say what was taken, what was known already and what made no sense."""
    if given.program:
        if not given.file:
            raise ConfigError(f"import: --from {given.program} needs its file, such as options.json")
        return take_in(given, Path(given.file))
    if not (given.log or given.bms_monitor or given.meters):
        raise ConfigError(
            "import: nothing to take in; name files with --from, --log, --bms-monitor or --meters"
        )
    settings = stored_settings(given)
    zone = _zone(given.timezone, settings)
    entries = selected_entries(read_registry(settings.devices_file), settings.address, settings.device_name)
    clock = Clock()
    if not clock.trusted():
        raise StoreError(f"the clock says {clock.now():%Y-%m-%d}, which is wrong: set it first")
    if not settings.bms_db_path.exists():
        raise StoreError(
            f"{settings.bms_db_path}: no such database; start the service once ({poller('start')}), it creates it"
        )
    try:
        own = open_writer(settings.bms_db_path, clock)
    except InUse as error:
        raise StoreError(f"{error} ({poller('stop')})") from error
    with own:
        store = HistoryStore(own, Keep(blocks=settings.block_keep_days, minutes=settings.min_keep_days))
        _refuse_before_what_waits(store, settings)
        importer = _Importer(store, settings, zone, entries, given.device)
        if given.log:
            importer.logs([Path(file) for file in given.log])
        if given.bms_monitor:
            importer.bms_monitor(Path(given.bms_monitor))
        if given.meters:
            importer.meters(Path(given.meters))
    return 0


def _refuse_before_what_waits(store: HistoryStore, settings: Settings) -> None:
    """Refuse while rows and meters wait for room on the disk: they would go over what is taken in now."""
    for path in uncommitted(settings):
        waiting = Backlog(path).read() if path.name == WAITING else None
        written = max((counter.sequence for counter in store.counters().values()), default=0)
        if waiting is not None and waiting.sequence > written:
            raise StoreError(
                f"{path}: the service could not write all it has and would go on from there; make room on the "
                f"disk, start the service until {tool('check')} finds nothing, stop it and import again"
            )


class _Importer:
    """Takes in files, one kind after the other."""

    def __init__(
        self,
        store: HistoryStore,
        settings: Settings,
        zone: tzinfo | None,
        entries: list[Entry],
        device: str | None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.zone = zone
        self.entries = entries
        self.device = device

    def logs(self, paths: list[Path]) -> None:
        """Take in logs of one battery."""
        findings = Findings()
        entry = self._entry(self.device)
        readings = chain.from_iterable(read_log(path, self.zone, findings) for path in paths)
        if not self._take(entry.address, entry.label, readings, findings):
            raise StoreError(
                f"{', '.join(map(str, paths))}: no reading that makes sense; expected lines such as "
                "2026-09-15T12:00:00;Voltage: 52.5 V, Battery Level: 95.3%"
            )
        if findings.other:
            print(f"  {findings.other} lines of other things left aside")

    def bms_monitor(self, path: Path) -> None:
        """Take in all devices of a bms-monitor database, or the one that is ours."""
        chosen = self._entry(self.device) if self.device else None
        with MonitorFile(path, self.zone) as file:
            addresses = file.addresses
            if chosen:
                addresses = self._meant(chosen, addresses, path, "leave out --device: each keeps its address")
            taken = False
            for address in addresses:
                entry = chosen or (named(self.entries, address) if address else self._entry(None))
                track = entry.address if entry else address.upper()
                label = entry.label if entry else file.names.get(track, track)
                if entry is None:
                    note(f"{label} ({track}) is not in the registry; its history is kept under its address")
                findings = Findings()
                taken |= self._take(track, label, file.readings(address, findings), findings)
            if not taken:
                raise StoreError(f"{path}: no reading that makes sense in its table bms_data")
            for line in file.left_aside:
                say(f"  {line}")

    def meters(self, path: Path) -> None:
        """Let the meters go on from what another program counted, where that is more."""
        said = read_meters(path)
        if self.device or len(self.entries) == 1:
            chosen = self._entry(self.device)
            remedy = f"write the right one into {self.settings.devices_file} as its alias"
            meant = dict.fromkeys(self._meant(chosen, list(said), path, remedy), chosen)
        else:
            meant = {alias: entry for alias in said if (entry := named(self.entries, alias))}
            for alias in said.keys() - meant.keys():
                note(f"{alias!r} is not in the registry: not taken; name the battery with --device")
        for alias, entry in meant.items():
            theirs = said[alias]
            counter = self.store.counters().get(entry.address)
            if counter is None:
                raise StoreError(
                    f"{entry.label}: has no meters yet; let the service read it for a minute, stop it, and try again"
                )
            meters = Meters()
            meters.restore(counter.state["meters"], {})  # the closed days stay where they are
            values = meters.values()
            ours = Totals(*((getattr(values, name) or 0.0) for name in Totals._fields))
            higher = {
                name: theirs[foreign]
                for foreign, name in _METERS.items()
                if theirs.get(foreign, 0.0) > getattr(ours, name) + 1e-9
            }
            if higher:
                meters.preset(ours._replace(**higher))
                changed = counter._replace(state={**counter.state, "meters": meters.state()})
                self.store.commit(Cut([], {entry.address: changed}, prune=False))
            _tell_meters(entry.label, theirs, ours, higher)

    def _meant(self, entry: Entry, there: Sequence[str], path: Path, remedy: str) -> list[str]:
        """Those of the names in a file that are ``entry``; if none is, the only one that belongs to no battery."""
        owners = {name: named(self.entries, name) if name else None for name in there}
        own = [name for name, owner in owners.items() if owner == entry]
        free = [name for name, owner in owners.items() if owner is None]
        if meant := own or (free if len(free) == 1 else []):
            if rest := [name or "what has no address" for name in there if name not in meant]:
                note(f"{path}: not taken for {entry.label}: {', '.join(rest)}")
            return meant
        raise ConfigError(
            f"{path}: none of what it holds is surely {entry.label}: {', '.join(there) or 'nothing'}; {remedy}"
        )

    def _take(self, track: str, label: str, readings: Iterable[Reading], findings: Findings) -> bool:
        """Take readings in and tell how it went; return whether there was any."""
        progress = Progress(f"taking in {label}")
        try:
            taken: Taken = take_readings(
                self.store,
                track,
                readings,
                now=datetime.now(UTC),
                period=self.settings.history_period,
                findings=findings,
                progress=lambda done: progress.count(done, "readings"),
            )
        finally:
            progress.end()
        aside = f", {taken.known} left aside: there is history of then already" if taken.known else ""
        say(f"{label}: {taken.added} readings taken in{aside}")
        if taken.first and taken.last:
            first, last = (time.astimezone(self.settings.timezone) for time in (taken.first, taken.last))
            print(f"  from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}: {', '.join(taken.names)}")
        if findings.bad:
            note(f"  {findings.bad} made no sense, the first: {findings.first_bad}")
        return taken.first is not None

    def _entry(self, wanted: str | None) -> Entry:
        if wanted is None:
            if not self.entries:
                raise ConfigError(
                    f"no battery to take it in for: {self.settings.devices_file} has no enabled entry"
                )
            return self.entries[0]
        entry = named(self.entries, wanted)
        if entry is None:
            known = ", ".join(entry.label for entry in self.entries) or "none"
            raise ConfigError(f"--device {wanted}: no such battery; there is {known}")
        return entry


def _tell_meters(label: str, theirs: Mapping[str, float], ours: Totals, higher: Mapping[str, float]) -> None:
    for foreign, name in _METERS.items():
        if foreign in theirs:
            if name in higher:
                print(f"{label}: {foreign} goes on from {theirs[foreign]:.3f} kWh")
            else:
                print(
                    f"{label}: {foreign} stays at {getattr(ours, name):.3f} kWh, theirs is {theirs[foreign]:.3f}"
                )
    if rest := [name for name in theirs if name not in _METERS]:
        say(f"  not taken: {', '.join(rest)}")


def _zone(name: str | None, settings: Settings) -> tzinfo | None:
    if name is None:
        return settings.timezone
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"--timezone {name}: not a time zone of the tz database, such as Europe/Kyiv"
        ) from error
