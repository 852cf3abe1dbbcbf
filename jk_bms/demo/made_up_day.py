"""The day before a demonstration begins, so that its charts, history and digest have something to show at once.

The simulated house lives it in seconds. Its frames take the way of all frames up to ``bms.db``: encoder,
assembler, decoder, the pack's memory, history. No alert is judged and no event noted: no poller ran.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from jk_bms.battery.limits import pack_limits
from jk_bms.battery.pack_facts import PackFacts
from jk_bms.battery.pack_state import PackState, stored_names
from jk_bms.battery.plausible import Plausibility
from jk_bms.clock import Clock
from jk_bms.errors import ProtocolError
from jk_bms.links.simulated import LIVED, simulated_link
from jk_bms.model import InverterSample, Sample
from jk_bms.protocol import CellInfo, FrameAssembler, ThirdProbe, as_dict, decode, encode_cell_info, to_sample
from jk_bms.config.devices import Entry
from jk_bms.config.settings import Settings
from jk_bms.simulator import SimulatedBms
from jk_bms.simulator.inverter_reading import inverter_reading
from jk_bms.sinks import payload as payloads
from jk_bms.sinks.history import HistorySink
from jk_bms.sinks.inverter_record import record_values
from jk_bms.store.history import HistoryStore
from jk_bms.store.history_query import samples, tracks
from jk_bms.store.inverter_fold import fold_inverter
from jk_bms.store.bms_db import BmsDbReader, BmsDb, open_writer
from jk_bms.store.readings import Record

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EVERY = timedelta(minutes=1)  # between two frames: charts and digest look at minutes
PHYSICS = 10.0  # s
BOOT = "made up, before the demonstration"  # no boot of this machine: its clock moves none of these rows


class _Moment(NamedTuple):
    """What battery and inverter of the house said at the same time; None: nothing."""

    sample: Sample
    inverter: InverterSample | None


def with_a_past(settings: Settings, entry: Entry, clock: Clock) -> Entry:
    """Fill an empty ``bms.db`` with the day that ends now; return ``entry`` as the battery that lived it.

    With a history nothing is made up, and the battery goes on from where that ends. Under a clock that cannot
    be right nothing is done. All of the day is one transaction. Raises StoreError and ConfigError as opening
    ``bms.db`` does.
    """
    with closing(open_writer(settings.bms_db_path, clock)) as own:
        if HistoryStore(own).counters():
            bms = _as_it_stopped(own, entry)
        elif clock.trusted():
            bms = _fill(own, settings, entry, clock.now())
        else:
            return entry
    return entry if bms is None else replace(entry, options={**entry.options, LIVED: bms})


def _as_it_stopped(own: BmsDbReader, entry: Entry) -> SimulatedBms | None:
    """The battery as full as the newest row says that it was, with its counters; None: no row says so."""
    last = next((track.last for track in tracks(own) if track.name == entry.address), None)
    rows = list(samples(own, entry.address, last - HOUR, last + HOUR)) if last else []
    known = rows[-1].values if rows else {}
    soc = known.get("battery_soc", known.get("soc"))
    if soc is None:
        return None
    bms = simulated_link({**entry.options, "start_soc": f"{soc:.3f}"}).radio.bms
    bms.counter_ah = known.get("remaining_ah", bms.counter_ah)
    bms.cycle_charge_ah = known.get("cycle_charge_ah", bms.cycle_charge_ah)
    return bms


def _fill(own: BmsDb, settings: Settings, entry: Entry, now: datetime) -> SimulatedBms:
    begin = (now - DAY).replace(second=0, microsecond=0)
    # By the clock on the wall, in the zone in which the house goes on afterwards.
    start = now.astimezone().replace(tzinfo=None, second=0, microsecond=0) - DAY
    bms = simulated_link({**entry.options, "start": f"{start:%Y-%m-%d %H:%M}"}).radio.bms
    limits = pack_limits(as_dict(bms.settings()))
    facts = PackFacts(entry.label, entry.options)
    pack = PackState(
        facts.chemistry,
        nominal_ah=facts.nominal_ah,
        boot=BOOT,
        zone=settings.timezone or now.astimezone().tzinfo or UTC,
        source=settings.soc_source,
        curve=settings.soc_curve,
    )
    pack.limits(limits)
    store = HistoryStore(own)
    sink = HistorySink(store, period=settings.history_period, confirmed=bool)
    records = []
    for sample, inverter in _life(bms, entry, begin, now):
        completed = pack.feed(sample, BOOT)
        sink.accept(completed, boot_id=BOOT)
        records.append(_record(completed, inverter, settings))
    learnt = pack.learnt()
    states = {name: learnt[part] for part, name in stored_names(entry.address).items()}
    cut = sink.cut({entry.address: pack.state()}, states)
    beside = fold_inverter(records, now=now)
    store.commit(cut._replace(steps=[*cut.steps, *([beside] if beside else [])]))
    return bms


def _life(bms: SimulatedBms, entry: Entry, begin: datetime, now: datetime) -> Iterator[_Moment]:
    """Let ``bms`` live from ``begin`` until ``now``; yield what was said on the way."""
    assembler, gate, third_probe = FrameAssembler(), Plausibility(), ThirdProbe()
    gate.limits(pack_limits(as_dict(bms.settings())))
    device = entry.device()
    at, number = begin, 0
    while at + EVERY <= now:
        bms.advance(EVERY.total_seconds(), PHYSICS)
        at, number = at + EVERY, number + 1
        since = (at - begin).total_seconds()
        for frame in assembler.feed(encode_cell_info(bms.cell_info(), bms.variant, number & 0xFF)):
            try:
                info = decode(frame, bms.variant, third_probe=third_probe.found)
                assert isinstance(info, CellInfo)
                sample = to_sample(third_probe.judge(info), device=device, taken_at=at, monotonic=since)
            except ProtocolError:
                continue
            if not gate.judge(sample):
                yield _Moment(sample, inverter_reading(bms, taken_at=at, monotonic=since))
    bms.advance((now - at).total_seconds(), PHYSICS)


def _record(sample: Sample, inverter: InverterSample | None, settings: Settings) -> Record:
    """The record of our own that would have been made of this moment."""
    values = payloads.STANDALONE | (record_values(inverter) if inverter else {})
    merged = payloads.merge_payload(values, [sample], invert_current=settings.invert_current)
    return Record(0, sample.taken_at.isoformat(), payloads.as_text(merged), None)
