"""``jk-util.py doctor``: why a battery is not read, looked for from the bus up to its frames.

Beside a running service nothing is taken away from it: it is asked for what it knows of its links,
and scans with its own radio. Without one the tool connects itself, reads one sample and leaves.
"""

import argparse
import asyncio
import contextlib
import json
import textwrap
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from jk_bms.called import poller, tool
from jk_bms.config.devices import Entry, named, read_registry, selected_entries
from jk_bms.config.settings import Settings
from jk_bms.errors import ConfigError, LinkError, LiveError, SourceError, Verdict
from jk_bms.live.client import LiveClient
from jk_bms.model.address import parse_address
from jk_bms.model.found import Found
from jk_bms.model.kinds import kind_of
from jk_bms.model.link import Cause
from jk_bms.model.snapshot import BatteryNow, LinkNow
from jk_bms.radio.lock import RadioLock
from jk_bms.repair.causes import FAR, NEAR, WORDS, Evidence, causes
from jk_bms.texts.durations import span
from jk_bms.tool.common import running_service
from jk_bms.tool.exits import EXIT_CONNECTION, EXIT_NOTHING, EXIT_OK, exit_code
from jk_bms.tool.output import note
from jk_bms.tool.own_adapter import remembered_adapter
from jk_bms.view.link_layers import (
    FAULT,
    LAYERS,
    OF_THE_ADAPTER,
    OF_THE_BATTERY,
    OF_THE_MACHINE,
    OK,
    PENDING,
    UNTRIED,
    LayerResult,
    layer_of,
    layers_of_battery,
    reads,
)

if TYPE_CHECKING:
    from jk_bms.radio.bluez import Adapter

LISTEN = 8.0  # s for the scan, or the patience if that is shorter
WIDTH = 96  # of the sentence below a verdict
TRIES = 3  # connections; what a device wants may show only after some

EVERY = tuple(LAYERS)
UNKNOWN = "unknown"  # the verdict while the service has none and no numbers either

# What the service does with a link that it has no verdict on.
DOES: Mapping[str, str] = {
    "searching": "has been waiting for its turn",
    "connecting": "has been trying to reach it",
    "identifying": "has been asking it who it is",
    "streaming": "has had the link",
    "silent": "has been waiting for it to speak",
    "repairing": "has been repairing the link",
    "waiting": "has been waiting for its turn",
}
NEWER = "has been busy with it"  # in a state that only a newer service knows


class Fault(NamedTuple):
    """Why there is no data. ``causes``: the likeliest first."""

    verdict: str  # a Verdict, or UNKNOWN
    message: str
    causes: tuple[Cause, ...]

    @classmethod
    def of(cls, error: SourceError, **seen: Any) -> "Fault":
        """Return what an error means; ``seen``: what is known besides it."""
        facts = {**seen, **error.evidence}
        return cls(error.verdict, str(error), causes(error.verdict, Evidence.of(facts)))


class Patient(NamedTuple):
    """A battery, and what came of looking at it."""

    label: str
    address: str
    steps: list[LayerResult]
    fault: Fault | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this word."""
    parser.add_argument("--device", metavar="X", help="only this battery: its address, name or number")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument(
        "--timeout", type=float, metavar="N", help="patience for a connection (default: 20 s)"
    )


def run(given: argparse.Namespace) -> int:
    """Look and tell; the exit code is that of the worst fault, 0 when all is well."""
    settings = running_service(given)
    with contextlib.ExitStack() as stack:
        service = None
        with contextlib.suppress(LiveError):
            service = stack.enter_context(LiveClient(settings.socket_path))
        doctor = Doctor(settings, service, given.timeout or settings.timeout, aloud=not given.json)
        entries = _entries(given, settings, doctor.devices)
        patients = asyncio.run(doctor.see(entries))
    fault = worst(patients)
    if given.json:
        print(json.dumps(_as_json(patients, doctor), indent=2, ensure_ascii=False))
    if fault is not None:
        return _exit_code(fault)
    if not entries:
        note(f"{settings.devices_file} has no enabled battery; find yours with: {tool('--scan')}")
        return EXIT_NOTHING
    return EXIT_OK


class Doctor:
    """Walks the layers. ``aloud``: prints each step at once."""

    def __init__(
        self, settings: Settings, service: LiveClient | None, patience: float, *, aloud: bool = False
    ) -> None:
        self.through_service = service is not None
        self.devices: Sequence[BatteryNow] = ()  # of the running service
        self._period = settings.poll_interval
        self._settings = settings
        self._service = service
        self._ask()
        self._patience = patience
        self._listen = min(LISTEN, patience)
        self._aloud = aloud
        self._there: list[Adapter] = []  # as the Bluetooth service says
        self._adapter = ""  # address of the one that is looked at
        self._found: list[Found] = []  # in its scan
        self._number = 0
        self._several = False  # batteries
        self._lock = RadioLock()

    async def see(self, entries: list[Entry]) -> list[Patient]:
        """Look at the radio, then at each battery; without any battery only at the radio."""
        try:
            return await self._see(entries)
        finally:
            self._lock.release()

    async def _see(self, entries: list[Entry]) -> list[Patient]:
        self._several = len(entries) > 1
        over_the_air = [entry for entry in entries if kind_of(entry.type).needs_radio]
        patients = [
            await self._see_battery(entry, [], None)
            for entry in entries
            if not kind_of(entry.type).needs_radio
        ]
        if over_the_air or not entries:
            patients += await self._see_radio(over_the_air)
        order = {entry.address: number for number, entry in enumerate(entries)}
        return sorted(patients, key=lambda patient: order.get(patient.address, 0))

    async def _see_radio(self, entries: list[Entry]) -> list[Patient]:
        """Look at the radio, and at the batteries of each adapter after that adapter."""
        machine: list[LayerResult] = []
        self._say_title("The radio of this machine", beside="asked beside the running service")
        fault = await self._walk(machine, OF_THE_MACHINE, self._machine())
        radios = self._by_adapter(entries)
        patients = []
        for wanted, mine in radios.items():
            if len(radios) > 1:
                name = next((str(each) for each in self._there if each.address == wanted), str(wanted))
                self._say_title(f"The adapter {name}", before=len(OF_THE_MACHINE))
            radio, missing = list(machine), fault
            if missing is None:
                missing = await self._walk(radio, OF_THE_ADAPTER, self._radio(wanted))
            else:
                radio += [self._say(LayerResult(layer, UNTRIED)) for layer in OF_THE_ADAPTER]
            with contextlib.suppress(LiveError):  # it may have got further meanwhile, or have ended
                self._ask()
            if mine and all(self._reads(self._device(entry)) for entry in mine):
                self._say_no_hindrance(missing)
            else:
                self._say_fault(missing)
            patients += [await self._see_battery(entry, radio, missing) for entry in mine]
        return patients or [Patient("the radio", "", radio, missing)]

    def _by_adapter(self, entries: list[Entry]) -> dict[str | None, list[Entry]]:
        """Sort batteries by the adapter that each is read by: its address, else what is wanted of it."""
        from jk_bms.radio.bluez import choose

        if not (entries and self._there):
            return {self._settings.adapter: entries}
        usable = [adapter for adapter in self._there if adapter.powered]
        sorted_: dict[str | None, list[Entry]] = {}
        for entry in entries:
            address = entry.address
            wanted = entry.adapter or self._settings.adapter
            wanted = wanted or remembered_adapter(address, self._settings, usable, self.devices)
            with contextlib.suppress(LinkError):  # told when it is looked at
                wanted = choose(self._there, wanted, address.upper()).address
            sorted_.setdefault(wanted, []).append(entry)
        return sorted_

    async def _see_battery(self, entry: Entry, radio: list[LayerResult], missing: Fault | None) -> Patient:
        """Look at one battery. ``missing``: what is wrong with its radio, which was told already."""
        before = len(OF_THE_MACHINE) + len(OF_THE_ADAPTER) if kind_of(entry.type).needs_radio else 0
        address = f" ({entry.address})" if entry.address != entry.label else ""
        self._say_title(f"{entry.label}{address}", beside="as the running service knows it", before=before)
        steps: list[LayerResult] = []
        device = self._device(entry)
        if device is not None:
            fault = self._from_service(steps, device, missing)
        elif missing is None:
            known = entry.last_seen is not None
            fault = await self._walk(steps, OF_THE_BATTERY, self._battery(entry), known=known)
        else:
            fault = missing
            steps += [self._say(LayerResult(layer, UNTRIED)) for layer in OF_THE_BATTERY]
        if fault is None:
            self._say_well(self._several)
        elif fault is missing:
            self._say_told(fault)
        else:
            self._say_fault(fault)
        return Patient(entry.label, entry.address, radio + steps, fault)

    # The walk

    async def _walk(
        self,
        steps: list[LayerResult],
        layers: tuple[str, ...],
        words: AsyncIterator[tuple[str, str]],
        *,
        known: bool = False,
    ) -> Fault | None:
        """Note what each layer says until one fails; the rest is not tried. ``known``: it was heard before."""
        fault, failed = None, ""
        try:
            async for layer, text in words:
                steps.append(self._say(LayerResult(layer, OK, text)))
        except SourceError as error:
            fault = self._fault(error, known)
            failed = str(error.evidence.get("layer") or layer_of(error.verdict, layers))
        told = {step.layer for step in steps}
        if failed in told:  # it answered then, and fails now
            failed = next(layer for layer in layers if layer not in told)
        passed = fault is not None
        for layer in layers:
            passed = passed and layer != failed
            if layer in told:
                continue
            if fault is not None and layer == failed:
                steps.append(self._say(LayerResult(layer, FAULT, fault.message)))
            elif passed:
                steps.append(self._say(LayerResult(layer, OK)))
            elif fault is not None:
                steps.append(self._say(LayerResult(layer, UNTRIED)))
        return fault

    def _fault(self, error: SourceError, known: bool) -> Fault:
        if error.verdict is Verdict.BUSY and error.evidence.get("poller"):
            return Fault(error.verdict, str(error), (Cause("other_poller", 0.9, *WORDS["other_poller"]),))
        return Fault.of(error, known=known)

    async def _machine(self) -> AsyncIterator[tuple[str, str]]:
        """Yield what each layer below the adapters says. Raises LinkError at the one that fails."""
        from jk_bms.radio.bluez import ANSWER_LIMIT, FOREIGN, adapters, link_error
        from jk_bms.radio.bus import system_bus
        from jk_bms.radio.deadlines import within

        async def reach() -> None:
            async with system_bus():
                pass

        try:
            await within(ANSWER_LIMIT, reach(), "D-Bus")
        except FOREIGN as error:
            found = link_error(error, "cannot reach D-Bus", Verdict.SERVICE_DOWN)
            layer = {"layer": "D-Bus"} if found.verdict is Verdict.SERVICE_DOWN else {}
            raise LinkError(str(found), found.verdict, {**found.evidence, **layer}) from error
        yield "D-Bus", "it answers"
        self._there = await adapters()
        yield "permission", "granted"
        yield "Bluetooth service", "it answers"

    async def _radio(self, wanted: str | None) -> AsyncIterator[tuple[str, str]]:
        """Yield what each layer of that adapter says. Raises SourceError at the one that fails."""
        from jk_bms.radio.bluez import choose

        chosen = choose(self._there, wanted)
        self._adapter = chosen.address
        yield "adapter", ", ".join(map(str, self._there))
        yield "adapter is on", chosen.name
        self._no_other_poller()
        yield "adapter is free", "used by the running service" if self._service else "no other poller runs"
        self._found = await self._scan(chosen.address)
        if not self._found and not chosen.held:
            silence = f"{chosen.name} hears nothing of any kind in {self._listen:g} s"
            raise LinkError(silence, Verdict.ADAPTER_WEDGED, {"others": 0})
        best = max((found.rssi for found in self._found if found.rssi is not None), default=None)
        loudest = "" if best is None else f", the loudest with {best} dBm"
        nobody = "" if self._found else ": a device that is connected does not show itself"
        yield "scan", f"{len(self._found)} devices heard in {self._listen:g} s{loudest}{nobody}"

    def _no_other_poller(self) -> None:
        """Keep every poller from starting; raise SourceError (``BUSY``) when one runs that we cannot ask."""
        if self._service is not None:
            return
        try:
            self._lock.acquire()
        except SourceError as error:
            raise SourceError(str(error), error.verdict, {"poller": True}) from None

    async def _scan(self, adapter: str) -> list[Found]:
        if self._service is not None:
            ask = self._service.request
            with contextlib.suppress(LiveError):  # one that reads made-up batteries only has no radio
                said = await asyncio.to_thread(
                    ask, "scan", seconds=self._listen, adapter=adapter, ttl=self._listen + 20
                )
                return [Found(**device) for device in said["found"]]
        from jk_bms.radio.found import search

        return await search(self._listen, adapter)

    async def _battery(self, entry: Entry) -> AsyncIterator[tuple[str, str]]:
        """Yield what each layer says of a battery that no other program holds. Raises SourceError."""
        from jk_bms.sources import SourceContext, link_for, sessions_for
        from jk_bms.sources.session import alone

        folder = self._settings.devices_file.parent
        context = SourceContext(adapter=self._adapter or None, timeout=self._patience, folder=folder)
        link, sessions = link_for(entry, context), sessions_for(entry, context)
        heard = next((found for found in self._found if found.address == entry.address.upper()), None)
        if heard is not None:
            yield "battery is heard", _loudness(heard.rssi)
        for left in reversed(range(TRIES)):
            said: dict[str, str] = {}
            try:
                async with link.connect() as connection:
                    said["battery is heard"] = _loudness(connection.rssi)
                    said["connection"] = "connected"
                    said["pairing"] = "done, or not asked for"
                    said["services"] = f"those of a {kind_of(entry.type).make}"
                    session = sessions.open(connection, entry.device(), alone(patience=self._patience))
                    async with contextlib.aclosing(session.listen()) as messages:
                        async for message in messages:
                            said["frames"] = _who(session.device)
                            if message.sample is not None:
                                break
                    said["readings"] = f"good, layout {session.layout}" if session.layout else "good"
            except SourceError as error:
                if error.verdict in (Verdict.DROPPED, Verdict.CONNECT_FAILED) and left:
                    continue
                failed = OF_THE_BATTERY.index(layer_of(error.verdict, OF_THE_BATTERY))
                for layer, text in said.items():
                    if OF_THE_BATTERY.index(layer) < failed and (layer != "battery is heard" or not heard):
                        yield layer, text
                raise
            for layer, text in said.items():
                if layer != "battery is heard" or not heard:
                    yield layer, text
            return

    # Through the service

    def _from_service(
        self, steps: list[LayerResult], device: BatteryNow, radio: Fault | None
    ) -> Fault | None:
        """Note what the service says of a link. What it reads is well, whatever the radio looks like from here."""
        link = device.link or LinkNow()
        if (well := self._reads(device)) or radio is not None:
            texts = _texts(device) if well else {}
            result = OK if well else UNTRIED
            steps += [self._say(LayerResult(layer, result, texts.get(layer, ""))) for layer in OF_THE_BATTERY]
            return None if well else radio
        if link.verdict is None:
            fault = Fault(UNKNOWN, _no_verdict(link, DOES.get(link.state, NEWER)), ())
        else:
            fault = Fault(Verdict(link.verdict), link.message, link.causes)
        for step in layers_of_battery(link):
            text = fault.message if step.result in (FAULT, PENDING) else ""
            steps.append(self._say(step._replace(text=text)))
        return fault

    def _ask(self) -> None:
        """Have the service say how its links are doing. Raises LiveError."""
        if self._service is not None:
            snapshot = self._service.snapshot()
            self.devices, self._period = snapshot.devices, snapshot.poll_interval

    def _device(self, entry: Entry) -> BatteryNow | None:
        """What the service says of that battery; None: it does not read it."""
        address = entry.address.casefold()
        return next((device for device in self.devices if device.address.casefold() == address), None)

    def _reads(self, device: BatteryNow | None) -> bool:
        """Whether the service has the numbers of that battery, and they are new."""
        return device is not None and reads(device, self._period)

    # Saying it

    def _say_title(self, title: str, *, beside: str = "", before: int = 0) -> None:
        """``before``: how many layers lie below the first one that follows."""
        self._number = before
        if self._aloud:
            print(f"{title}{f', {beside}' if self.through_service and beside else ''}:")

    def _say(self, step: LayerResult) -> LayerResult:
        if self._aloud:
            self._number += 1
            shown = {OK: "ok", FAULT: "FAULT", UNTRIED: "-", PENDING: "wait"}[step.result]
            text = step.text if step.result == OK else ""  # that of a fault comes with the verdict
            print(f"  {self._number:2d}. {step.layer:<18} {shown:<6} {text}".rstrip(), flush=True)
        return step

    def _say_fault(self, fault: Fault | None) -> None:
        if self._aloud and fault is not None:
            print("\n".join(fault_lines(fault)), flush=True)

    def _say_no_hindrance(self, fault: Fault | None) -> None:
        if self._aloud and fault is not None:
            text = f"{fault.message}. That does not hinder the running service: it reads what it should."
            print("", *textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  "), "", sep="\n")

    def _say_told(self, fault: Fault) -> None:
        if self._aloud:
            print(f"\nVerdict: {fault.verdict.replace('_', ' ')}, as told above.\n", flush=True)

    def _say_well(self, several: bool) -> None:
        if self._aloud:
            print(f"\nVerdict: {'this battery' if several else 'all'} is well.\n", flush=True)


def fault_lines(fault: Fault) -> Iterator[str]:
    """Yield verdict and causes as they can be read out on the phone."""
    yield ""
    yield f"Verdict: {fault.verdict.replace('_', ' ')}."
    yield from textwrap.wrap(fault.message, WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield ""
    if not fault.causes:
        return
    yield "What it may be, the likeliest first:"
    for number, cause in enumerate(fault.causes, 1):
        yield f"  {number}. {cause.meaning} ({100 * cause.sure:.0f} %)"
        yield f"     {cause.action}"
    yield ""


def worst(patients: list[Patient]) -> Fault | None:
    """Return the fault that lies lowest; one that was asked for, or is not known yet, comes last."""

    def place(patient: Patient) -> tuple[bool, bool, int]:
        assert patient.fault is not None
        verdict = patient.fault.verdict
        at_fault = [EVERY.index(step.layer) for step in patient.steps if step.result == FAULT]
        return verdict == Verdict.RELEASED, verdict == UNKNOWN, min(at_fault, default=len(EVERY))

    ill = [patient for patient in patients if patient.fault is not None]
    return min(ill, key=place).fault if ill else None


def _no_verdict(link: LinkNow, doing: str) -> str:
    """Say how far the service is with a link that gives no numbers."""
    age = link.last_frame
    reading = "has no reading yet" if age is None else f"its newest reading is {span(age)} old"
    advice = "ask again in half a minute"
    if link.state == "streaming":
        advice = f"restart it (`{poller('restart')}`), and report this"
    return f"the running service {doing} for {span(link.lasts)}, and {reading}; {advice}"


def _loudness(rssi: int | None) -> str:
    if rssi is None:
        return "it is connected already"
    how = "good" if rssi >= NEAR else "very weak" if rssi <= FAR else "weak"
    return f"{rssi} dBm, {how}"


def _who(device: Any) -> str:
    parts = (device.model, device.sw_version and f"firmware {device.sw_version}")
    return ", ".join(part for part in parts if part) or "it answers"


def _texts(device: BatteryNow) -> dict[str, str]:
    link, age = device.link or LinkNow(), device.age
    texts = {"battery is heard": _loudness(link.rssi)} if link.rssi is not None else {}
    texts["connection"] = f"{link.state} for {span(link.lasts)}"
    texts["frames"] = f"{link.frames} so far, {link.refused} refused"
    if link.implausible:
        texts["frames"] += f", {link.implausible} lately that cannot be true: {link.implausible_reason}"
    if age is not None:
        texts["readings"] = f"the newest is {span(age)} old"
        if uncounted := device.uncounted:
            texts["readings"] += f"; the charge is not counted: {uncounted}"
    return texts


def _entries(given: argparse.Namespace, settings: Settings, read: Iterable[BatteryNow]) -> list[Entry]:
    """Return the batteries that are meant, also those that only the service knows. Raises ConfigError."""
    registry = read_registry(settings.devices_file)
    entries = selected_entries(registry, settings.address, settings.device_name)
    known = {entry.address.casefold() for entry in entries}
    entries += [
        Entry(address=device.address, name=device.name, type=device.kind, battery=device.number)
        for device in read
        if device.address.casefold() not in known
    ]
    if given.device is None:
        return entries
    if entry := named(entries, given.device) or registry.find(given.device):
        return [entry]
    try:
        return [Entry(address=parse_address(given.device))]
    except ValueError:
        raise ConfigError(
            f"--device {given.device}: expected an address, or the name or number of a battery of "
            f"{settings.devices_file}"
        ) from None


def _exit_code(fault: Fault) -> int:
    if fault.verdict == Verdict.RELEASED:
        return EXIT_OK
    if fault.verdict == UNKNOWN:
        return EXIT_CONNECTION
    return exit_code(SourceError(fault.message, Verdict(fault.verdict)))


def _as_json(patients: list[Patient], doctor: Doctor) -> dict[str, Any]:
    return {
        **_fault_json(worst(patients)),
        "through_service": doctor.through_service,
        "devices": [
            {
                "device": patient.label,
                "address": patient.address,
                **_fault_json(patient.fault),
                "steps": [step._asdict() for step in patient.steps],
            }
            for patient in patients
        ],
    }


def _fault_json(fault: Fault | None) -> dict[str, Any]:
    if fault is None:
        return {"verdict": None, "message": "", "causes": []}
    return {
        "verdict": str(fault.verdict),
        "message": fault.message,
        "causes": [msgspec.structs.asdict(cause) for cause in fault.causes],
    }
