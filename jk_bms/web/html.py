"""The pages as HTML that needs no script: what the newest reading says stands in them before anything else loads.

Pure: values in, escaped text out. A browser that runs the page's modules replaces what is in ``#app``; an old tablet,
``curl`` or a text browser goes on with this. Neither a style attribute nor a script that runs stands in it.

``state`` is the body of ``/api/state`` as plain values; ``words`` of an alert are those of ``web.words.alert_words``.
Where ``alerts`` is absent it is not known what is open; ``alerts_before`` were open when it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import count
from typing import Any, NamedTuple

import msgspec

from jk_bms.model.freshness import is_old
from jk_bms.model.kinds import kind_of
from jk_bms.texts import Texts, clip, escape
from jk_bms.view.charge import LOW, level_of, shown_soc
from jk_bms.view.flow import flow_of_current
from jk_bms.web.assets import EARLY, tree
from jk_bms.web.markup import Html, tag
from jk_bms.web.words import quantity

NAVIGATION = (
    ("home", ""),
    ("battery", "battery"),
    ("history", "history"),
    ("alerts", "alerts"),
    ("more", "more"),
)
RENEWED = 60  # s: so often a page without scripts loads itself anew
RELEASES = (2, 10, 30, 60)  # min that a phone may have the battery
USUAL_RELEASE = 10
MUTES = ("1h", "8h", "until_over")
THEME_COLORS = (("light", "#FFFFFF"), ("dark", "#171B21"))  # of the browser's own bars: the token ``card``
SEVERITIES = ("info", "warning", "error", "critical")

State = Mapping[str, Any]


class Frame(NamedTuple):
    """What every page needs besides what it shows."""

    texts: Texts
    zone: tzinfo | None
    now: datetime  # aware
    base: str = "/"  # what every address begins with; "/" or the path of an ingress, with "/" at both ends
    csrf: str = ""  # of the session, for forms; "": nothing can be changed
    signs_out: bool = False  # there is a session that this page can end
    may_control: bool = False
    theme: str = "auto"  # auto, light, dark
    title: str = ""  # name of the house; "": the usual one

    def url(self, path: str) -> str:
        """Return the address of ``path`` of the page."""
        return self.base + path


# Pages


def home(frame: Frame, state: State) -> str:
    """Return what is now, how long it lasts, what is wrong."""
    batteries = state.get("batteries") or ()
    if not batteries:
        content: list[object] = [_no_battery(frame)]
    elif len(batteries) == 1:
        content = [
            _battery_hero(frame, state, batteries[0]),
            _flow(frame, state),
            _facts(frame, state, batteries[0]),
        ]
    else:
        content = [_house_hero(frame, state), _flow(frame, state)]
        content += [_battery_card(frame, state, battery) for battery in batteries]
    return _page(frame, state, "home", content)


def battery(frame: Frame, state: State, number: int) -> str | None:
    """Return all about the battery ``number``; None when there is none of that number."""
    found = next((each for each in state.get("batteries") or () if each.get("number") == number), None)
    if found is None:
        return None
    content = [
        _battery_hero(frame, state, found),
        _facts(frame, state, found),
        _cells(frame, state, found),
        _link(frame, found),
    ]
    return _page(frame, state, "battery", content)


def alerts(frame: Frame, state: State) -> str:
    """Return what is open, with what it means and what to do."""
    t = frame.texts
    known = state.get("alerts") is not None
    items = [_alert(frame, alert) for alert in state.get("alerts") or state.get("alerts_before") or ()]
    note = None if known else tag("p", t("web.open_unknown"), class_="quiet")
    content: list[object] = [note, *items] if items else [note or _nothing_wrong(frame)]
    return _page(frame, state, "alerts", content)


class HistoryRow(NamedTuple):
    """One line of the table of a day. ``None``: not known."""

    time: datetime
    soc: float | None
    power: float | None  # W, positive while charging
    voltage: float | None


def history(frame: Frame, state: State, rows: Sequence[HistoryRow]) -> str:
    """Return the last 24 hours as a table."""
    t = frame.texts
    if not rows:
        return _page(frame, state, "history", [tag("section", tag("p", t("web.nothing")), class_="card")])
    heads = ("time", "charge", "power", "voltage")
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", t(f"web.{head}"), scope="col") for head in heads])),
        tag("tbody", [_history_row(frame, row) for row in rows]),
    )
    return _page(
        frame, state, "history", [tag("section", tag("div", table, class_="scroll-x"), class_="card wide")]
    )


def more(frame: Frame, state: State) -> str:
    """Return what can be done without scripts: sign out."""
    t = frame.texts
    out = frame.signs_out and _form(frame, "logout", tag("button", t("web.sign_out"), type="submit"))
    about = tag("p", t("web.about.version", version=state.get("version") or "–"), class_="quiet")
    return _page(frame, state, "more", [tag("section", about, out, class_="card stack")])


def login(frame: Frame, *, trouble: str = "", after: str = "") -> str:
    """Return the page that asks for the password; ``after``: the own path that is wanted then. It shows no number."""
    t = frame.texts
    form = _form(
        frame,
        "login",
        _field(frame, "password", "current-password", trouble, kind="password"),
        tag("input", type="hidden", name="next", value=after) if after else None,
        tag("button", t("web.sign_in"), type="submit", class_="primary"),
        tag("p", t("web.password.forgotten"), class_="help"),
    )
    return _gate(frame, "login", t("web.app"), form)


def start(frame: Frame, *, trouble: str = "") -> str:
    """Return the page that takes the one-time code and the first password."""
    t = frame.texts
    form = _form(
        frame,
        "start",
        tag("p", t("web.start.help")),
        _field(
            frame, "code", "one-time-code", trouble, words="web.start.code", help_words="web.start.code_help"
        ),
        _field(
            frame,
            "password",
            "new-password",
            words="web.password.new",
            help_words="web.password.rule",
            kind="password",
        ),
        tag("button", t("web.start.do"), type="submit", class_="primary"),
    )
    return _gate(frame, "start", t("web.start"), form)


# Parts


def _page(frame: Frame, state: State, screen: str, content: Sequence[object]) -> str:
    t = frame.texts
    heading = t(f"web.nav.{screen}")
    body = [
        tag("a", t("web.skip"), href="#main", class_="hidden"),
        tag(
            "div",
            _top(frame, state),
            tag("main", tag("h1", heading, class_="hidden"), content, id="main"),
            _navigation(frame, state, screen),
            id="app",
        ),
    ]
    return _document(frame, state, screen, _title(frame, state), body)


def _gate(frame: Frame, screen: str, heading: str, form: Html) -> str:
    main = tag("main", _icon("mark", "mark"), tag("h1", heading), form, id="main", class_="gate")
    return _document(frame, None, screen, heading, [tag("div", main, id="app")], gated=True)


def _document(
    frame: Frame, state: State | None, screen: str, title: str, body: Sequence[object], *, gated: bool = False
) -> str:
    """Return the whole document; ``state`` goes along for the scripts, None: nothing is told."""
    t, files = frame.texts, tree()
    static = frame.url(f"s/{files.hash}/")
    words = f"{static}words/{t.language}.json"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        tag("title", title),
        [
            tag("meta", name="theme-color", content=color, media=f"(prefers-color-scheme: {scheme})")
            for scheme, color in THEME_COLORS
        ],
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="stylesheet", href=f"{static}style.css"),
        tag("link", rel="icon", href=f"{static}icons/level-{_favicon(state)}.svg", type="image/svg+xml"),
        tag("link", rel="apple-touch-icon", href=f"{static}icons/app-apple-180.png"),
        tag("link", rel="manifest", href=frame.url("manifest.json"), crossorigin="use-credentials"),
        [tag("link", rel="modulepreload", href=static + path) for path in EARLY],
        tag("link", rel="preload", href=words, as_="fetch", crossorigin=True),
        None if gated else tag("noscript", tag("meta", http_equiv="refresh", content=RENEWED)),
    ]
    told = {
        "screen": screen,
        "base": frame.base,
        "static": files.hash,
        "csrf": frame.csrf,
        "control": frame.may_control,
        "time": frame.now.isoformat(timespec="milliseconds"),
        "title": frame.title,
        "state": state,
    }
    data = (
        msgspec.json.encode(told)
        .decode()
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    theme = None if frame.theme == "auto" else frame.theme
    document = tag(
        "html",
        tag("head", head),
        tag(
            "body",
            Html(files.sprite),
            body,
            tag("p", t("web.simple"), id="simple", class_="quiet small"),
            Html(f'<script type="application/json" id="told">{data}</script>'),
            Html(f'<script type="module" src="{escape(static)}app.js"></script>'),
            class_="gated" if gated else None,
        ),
        lang=t.language,
        data_theme=theme,
    )
    return "<!doctype html>\n" + document


def _title(frame: Frame, state: State) -> str:
    name, soc = frame.title or frame.texts("web.app"), _whole_soc(state)
    told = name if soc is None else frame.texts("web.tab", soc=shown_soc(soc), name=name)
    critical = any(alert.get("severity") == "critical" for alert in state.get("alerts") or ())
    return f"! {told}" if critical else told


def _favicon(state: State | None) -> int:
    soc = None if state is None else _whole_soc(state)
    return 4 if soc is None else {"good": 4, "fair": 3, "little": 2, "low": 1}[level_of(soc)]


def _whole_soc(state: State) -> float | None:
    soc = (state.get("house") or {}).get("soc")
    return soc if isinstance(soc, int | float) else None


def _top(frame: Frame, state: State) -> Html:
    t = frame.texts
    poller = state.get("poller") or {}
    made_up = any(kind_of(str(each.get("type"))).made_up for each in state.get("batteries") or ())
    return tag(
        "header",
        tag(
            "div",
            tag("span", tag("bdi", frame.title or t("web.app")), class_="top-name"),
            tag("span", t("web.simulation"), class_="made-up") if made_up else None,
            tag("noscript", tag("span", t("web.no_script"), class_="link-word")),
            class_="top-row",
        ),
        _strip(frame, state, poller),
        class_="top",
    )


def _strip(frame: Frame, state: State, poller: Mapping[str, Any]) -> Html | None:
    """The worst that is wrong, on one line."""
    t = frame.texts
    if poller.get("up") is False:
        since = _moment(frame, poller.get("since"))
        return _strip_line("error", t("web.poller_since", time=since or "–"), frame.url("alerts"))
    open_alerts = sorted(
        state.get("alerts") or (), key=lambda alert: SEVERITIES.index(_severity(alert)), reverse=True
    )
    loud = [alert for alert in open_alerts if not alert.get("muted")]
    if loud:
        return _strip_line(_severity(loud[0]), _words(frame, loud[0], "title"), frame.url("alerts"))
    if state.get("clock_trusted") is False:
        return _strip_line("warning", t("bot.wrong_clock"), frame.url("more"))
    return None


def _strip_line(severity: str, text: str, href: str) -> Html:
    return tag(
        "a",
        _icon(severity),
        tag("span", tag("bdi", text), class_="text"),
        _icon("next"),
        class_=f"strip {severity}",
        href=href,
    )


def _navigation(frame: Frame, state: State, screen: str) -> Html:
    t, count = frame.texts, len(state.get("alerts") or ())
    first = next(iter(state.get("batteries") or ()), None)
    links = []
    for name, path in NAVIGATION:
        if name == "battery" and first is not None:
            path = f"battery/{first.get('number', 1)}"
        badge = tag("span", count, class_="count") if name == "alerts" and count else None
        links.append(
            tag(
                "a",
                _icon(name),
                t(f"web.nav.{name}"),
                badge,
                href=frame.url(path),
                aria_current="page" if name == screen else None,
            )
        )
    return tag("nav", links, class_="nav")


def _no_battery(frame: Frame) -> Html:
    t = frame.texts
    return tag(
        "section",
        tag("p", t("web.no_battery")),
        tag("p", t("web.no_battery_do"), class_="quiet"),
        class_="card wide",
    )


def _nothing_wrong(frame: Frame) -> Html:
    return tag("section", _icon("over"), tag("p", frame.texts("web.none_open")), class_="card empty wide")


def _battery_hero(frame: Frame, state: State, device: Mapping[str, Any]) -> Html:
    reading, age = device.get("reading") or {}, device.get("age")
    t = frame.texts
    if not reading:
        return tag(
            "section",
            tag("h2", tag("bdi", name_of(device, t))),
            tag("p", _why_nothing(frame, device)),
            class_="card wide",
        )
    old = _old(age, state)
    source = reading.get("battery_soc_source")
    sure = _sure(reading) if source == "counted" else None
    beside = _band(t, sure)
    if not beside and source in ("bms", "curve"):
        beside = t(f"web.from_{source}")
    head = _card_head(tag("bdi", name_of(device, t)), _age(frame, age))
    return tag(
        "section",
        head,
        _charge(frame, reading.get("battery_soc"), sure, beside, old=old),
        None
        if old
        else _outlook(frame, reading.get("empty_in"), reading.get("full_in"), reading.get("battery_soc")),
        class_="card hero c5 wide",
    )


def _house_hero(frame: Frame, state: State) -> Html:
    t, house = frame.texts, state.get("house") or {}
    soc, sure = house.get("soc"), _sure(house)
    names = {each.get("address"): name_of(each, t) for each in state.get("batteries") or ()}
    left_out = [
        tag(
            "p",
            t("web.not_counted", name=names.get(each["address"], "–"), why=t(f"bot.house.why.{each['why']}")),
            class_="small quiet",
        )
        for each in house.get("left_out") or ()
        if t.known(f"bot.house.why.{each.get('why')}")
    ]
    return tag(
        "section",
        _card_head(t("web.all"), None),
        _charge(frame, soc, sure, _band(t, sure), old=soc is None),
        _outlook(frame, house.get("empty_in"), house.get("full_in"), soc),
        left_out,
        class_="card hero c5 wide",
    )


def _charge(
    frame: Frame, soc: float | None, band: tuple[float, float] | None, beside: str, *, old: bool
) -> list[Html]:
    """The number, its band in words, and the bar."""
    t = frame.texts
    if soc is None:
        return [tag("p", t("web.charge_unknown"), class_="hero-side")]
    number = tag(
        "p",
        shown_soc(soc),
        tag("span", "\u00a0%", class_="unit"),
        class_="hero-soc old" if old else "hero-soc",
    )
    return [
        tag("div", number, tag("p", beside, class_="hero-side"), class_="hero-line"),
        _bar(soc, band, old=old),
    ]


def _sure(told: Mapping[str, Any]) -> tuple[float, float] | None:
    """Between what the charge lies; None: not told."""
    low, high = told.get("soc_low"), told.get("soc_high")
    return None if low is None or high is None else (low, high)


def _band(texts: Texts, sure: tuple[float, float] | None) -> str:
    return "" if sure is None else texts("bot.band", low=shown_soc(sure[0]), high=shown_soc(sure[1]))


def _bar(soc: float, band: tuple[float, float] | None, *, old: bool, thin: bool = False) -> Html:
    level = "old" if old else level_of(soc)
    low, high = (max(0.0, min(band)), min(100.0, max(band))) if band else (0.0, 0.0)
    return tag(
        "svg",
        tag("rect", class_="well", width="100%", height="100%"),
        tag("rect", class_=f"level-{level}", width=f"{min(max(soc, 0.0), 100.0):.1f}%", height="100%"),
        tag("rect", class_="band", x=f"{low:.1f}%", width=f"{high - low:.1f}%", height="100%")
        if high > low
        else None,
        None if thin else tag("rect", class_="tick", x=f"{LOW}%", width="2", height="100%"),
        class_="soc-bar thin" if thin else "soc-bar",
        aria_hidden="true",
    )


def _outlook(frame: Frame, empty: Any, full: Any, soc: float | None) -> Html:
    t, lines = frame.texts, []
    if empty:
        lines.append(tag("p", t("web.empty_in", span=t.span_between(*empty))))
    elif full:
        lines.append(tag("p", t("web.full_in", span=t.span_between(*full))))
    if soc is not None and shown_soc(soc) < LOW and not full:
        lines.append(tag("p", t("web.low_advice")))
    return tag("div", lines, class_="outlook")


def _flow(frame: Frame, state: State) -> Html:
    """Sun, house, grid and battery as rows: their pictures come with the scripts."""
    t, inverter, house = frame.texts, state.get("inverter") or {}, state.get("house") or {}
    stale = _old(inverter.get("age"), state)
    rows: list[object] = []
    for name, key in (("sun", "pv_power"), ("house", "load_power")):
        if (watts := inverter.get(key)) is not None:
            rows.append(_row(t(f"web.{name}"), quantity(t, "power", watts), old=stale))
    grid = inverter.get("grid")
    if grid:
        word = {"present": "web.grid.on", "lost": "web.grid.lost"}.get(grid.get("state"), "web.grid.unknown")
        since = t("units.ago", span=t.span(grid["for"])) if grid.get("for") is not None else ""
        rows.append(_row(t("web.grid"), " · ".join(filter(None, (t(word), since))), old=stale))
    if (watts := house.get("power")) is not None:
        told = f"{quantity(t, 'battery_power', watts)} {t('web.flow.' + flow_of_current(house.get('current') or 0.0))}"
        rows.append(_row(t("web.battery"), told))
    if not rows:
        return Html("")
    note = None if inverter else tag("p", t("web.only_battery"), class_="small quiet")
    age = t("web.inverter_age", ago=t.ago(inverter["age"])) if inverter.get("age") is not None else None
    return tag(
        "section", _card_head(t("web.flow"), age), tag("dl", rows, class_="rows"), note, class_="card c7 wide"
    )


def _facts(frame: Frame, state: State, device: Mapping[str, Any]) -> Html:
    """What a battery has and does, as rows."""
    t, reading = frame.texts, device.get("reading") or {}
    old = _old(device.get("age"), state)
    rows: list[object] = []
    for name, form, value in (
        ("voltage", "voltage", reading.get("voltage")),
        ("current", "current", reading.get("current")),
        ("power", "battery_power", reading.get("power")),
        ("remaining", "charge", reading.get("charge")),
        ("delta", "delta", None if reading.get("cell_delta") is None else 1000 * reading["cell_delta"]),
        ("mosfet", "temperature", reading.get("mos_temperature")),
    ):
        if value is not None:
            rows.append(_row(t(f"web.{name}"), quantity(t, form, value), old=old))
    probes = zip(reading.get("probe_numbers") or count(1), reading.get("temperatures") or (), strict=False)
    for number, value in probes:
        rows.append(_row(f"{t('web.temperature')} T{number}", quantity(t, "temperature", value), old=old))
    today = (device.get("days") or {}).get(frame.now.astimezone(frame.zone).date().isoformat()) or {}
    for name, key in (("in_today", "charged_kwh"), ("out_today", "discharged_kwh")):
        if (value := today.get(key)) is not None:
            rows.append(_row(t(f"web.{name}"), quantity(t, "energy", value)))
    if not rows:
        return Html("")
    return tag("section", tag("dl", rows, class_="rows"), class_="card c6 wide")


def _battery_card(frame: Frame, state: State, device: Mapping[str, Any]) -> Html:
    t, reading = frame.texts, device.get("reading") or {}
    old, soc = _old(device.get("age"), state), reading.get("battery_soc")
    link = tag("a", tag("bdi", name_of(device, t)), href=frame.url(f"battery/{device.get('number', 1)}"))
    values = [
        quantity(t, form, value)
        for form, value in (
            ("soc", None if soc is None else shown_soc(soc)),
            ("battery_power", reading.get("power")),
            ("voltage", reading.get("voltage")),
            ("temperature", reading.get("temperature")),
        )
        if value is not None
    ]
    return tag(
        "section",
        _card_head(link, _age(frame, device.get("age"))),
        _bar(soc, None, old=old, thin=True) if soc is not None else None,
        tag("p", " · ".join(values) or _why_nothing(frame, device), class_="old" if old else None),
        class_="card c6",
    )


def _cells(frame: Frame, state: State, device: Mapping[str, Any]) -> Html:
    t, reading = frame.texts, device.get("reading") or {}
    cells = reading.get("cells") or ()
    if not cells:
        return Html("")
    numbers = reading.get("cell_numbers") or range(1, len(cells) + 1)
    marks = {
        (reading.get("cell_max") or {}).get("index"): t("web.highest"),
        (reading.get("cell_min") or {}).get("index"): t("web.lowest"),
    }
    old = _old(device.get("age"), state)
    rows = [
        _row(
            " ".join(filter(None, (f"{t('web.number')} {number}", marks.get(number)))),
            quantity(t, "cell", value),
            old=old,
        )
        for number, value in zip(numbers, cells, strict=False)
    ]
    return tag(
        "section",
        _card_head(t("web.cells"), None),
        tag("dl", rows, class_="rows"),
        class_="card c6 wide",
        id="cells",
    )


def _link(frame: Frame, device: Mapping[str, Any]) -> Html:
    t, link = frame.texts, device.get("link") or {}
    lines: list[object] = []
    state = str(link.get("state"))
    if t.known(f"bot.link.{state}"):
        word = t(f"bot.link.{state}")
        lines.append(
            tag(
                "p",
                t("bot.link.for", state=word, span=t.span(link["for"]))
                if link.get("for") is not None
                else word,
            )
        )
    for cause in (link.get("causes") or ())[:2]:
        code = cause.get("code")
        if t.known(f"link.cause.{code}.meaning"):
            lines.append(
                tag("p", t(f"link.cause.{code}.meaning"), " ", t(f"link.cause.{code}.action"), class_="small")
            )
    if frame.may_control and frame.csrf:
        lines.append(_release_form(frame, device, released=state == "released"))
    return tag("section", _card_head(t("web.link"), None), lines, class_="card c6 wide stack", id="link")


def _release_form(frame: Frame, device: Mapping[str, Any], *, released: bool) -> Html:
    t, address = frame.texts, tag("input", type="hidden", name="device", value=device.get("address") or "")
    if released:
        return _form(frame, "resume", address, tag("button", t("web.resume"), type="submit"))
    minutes = tag(
        "select",
        [
            tag(
                "option",
                t("web.release.minutes", count=each),
                value=60 * each,
                selected=each == USUAL_RELEASE,
            )
            for each in RELEASES
        ],
        name="seconds",
        aria_label=t("web.release.how_long"),
    )
    return _form(frame, "release", address, minutes, tag("button", t("web.release"), type="submit"))


def _alert(frame: Frame, alert: Mapping[str, Any]) -> Html:
    t, severity = frame.texts, _severity(alert)
    parts = [
        tag("h2", _icon(severity, f"sev-{severity}"), tag("bdi", _words(frame, alert, "title"))),
        *(
            tag("p", tag("bdi", line), class_="small quiet")
            for line in _words(frame, alert, "numbers").splitlines()
        ),
        *(
            tag("p", tag("bdi", text))
            for part in ("meaning", "action")
            if (text := _words(frame, alert, part))
        ),
        tag("p", t("web.muted"), class_="small quiet") if alert.get("muted") else None,
    ]
    if frame.may_control and frame.csrf:
        named = [
            tag("input", type="hidden", name=key, value=alert.get(key) or "")
            for key in ("subject", "rule", "part", "code")
        ]
        buttons = [
            tag("button", t(f"web.mute.{each}"), type="submit", name="for", value=each)
            for each in (("0",) if alert.get("muted") else MUTES)
        ]
        parts.append(_form(frame, "mute", named, tag("div", buttons, class_="actions")))
    return tag("section", parts, class_="card wide stack")


def _history_row(frame: Frame, row: HistoryRow) -> Html:
    t = frame.texts
    values = (
        None if row.soc is None else quantity(t, "soc", shown_soc(row.soc)),
        None if row.power is None else quantity(t, "battery_power", row.power),
        None if row.voltage is None else quantity(t, "voltage", row.voltage),
    )
    return tag(
        "tr",
        tag("th", f"{row.time.astimezone(frame.zone):%H:%M}", scope="row"),
        [tag("td", value or "–") for value in values],
    )


# Small things


def name_of(device: Mapping[str, Any], texts: Texts) -> str:
    """Return what people call the battery; made-up ones say so."""
    name = clip(device.get("name") or device.get("address") or device.get("number") or "–")
    made_up = kind_of(str(device.get("type"))).made_up
    return texts("bot.simulated", name=name) if made_up and "simulat" not in name.lower() else name


def _form(frame: Frame, action: str, *content: object) -> Html:
    return tag(
        "form",
        tag("input", type="hidden", name="csrf", value=frame.csrf) if frame.csrf else None,
        content,
        method="post",
        action=frame.url(action),
    )


def _field(
    frame: Frame,
    name: str,
    complete: str,
    trouble: str = "",
    *,
    words: str = "",
    help_words: str = "",
    kind: str = "text",
) -> Html:
    t = frame.texts
    return tag(
        "div",
        # A keeper of passwords wants to know whose it is; the page has one owner.
        tag(
            "input",
            type="text",
            name="who",
            autocomplete="username",
            value="easun",
            hidden=True,
            readonly=True,
        )
        if kind == "password"
        else None,
        tag("label", t(words or f"web.{name}"), for_=name),
        tag(
            "input",
            id=name,
            name=name,
            type=kind,
            autocomplete=complete,
            required=True,
            aria_describedby=f"{name}-wrong" if trouble else None,
        ),
        tag("p", t(help_words), class_="help") if help_words else None,
        tag("p", _icon("error"), trouble, class_="wrong", id=f"{name}-wrong", role="alert")
        if trouble
        else None,
        class_="field",
    )


def _row(label: object, value: object, *, old: bool = False) -> Html:
    return tag("div", tag("dt", label), tag("dd", tag("span", value, class_="num old" if old else "num")))


def _card_head(title: object, age: object) -> Html:
    return tag("div", tag("h2", title), tag("span", age, class_="age") if age else None, class_="card-head")


def _icon(name: str, more: str = "") -> Html:
    return tag("svg", tag("use", href=f"#i-{name}"), class_=f"icon {more}".strip(), aria_hidden="true")


def _age(frame: Frame, age: float | None) -> str | None:
    """When it was taken and how long ago that is: a page without scripts does not count on."""
    if age is None:
        return None
    taken = frame.now - timedelta(seconds=age)
    return frame.texts("web.from", time=f"{taken.astimezone(frame.zone):%H:%M:%S}", ago=frame.texts.ago(age))


def _old(age: float | None, state: State) -> bool:
    return (state.get("poller") or {}).get("up") is False or is_old(age, state.get("poll_interval"))


def _why_nothing(frame: Frame, device: Mapping[str, Any]) -> str:
    t, state = frame.texts, str((device.get("link") or {}).get("state"))
    told = t("web.nothing_yet", name=name_of(device, t))
    return f"{told} ({t(f'bot.link.{state}')})" if t.known(f"bot.link.{state}") else told


def _severity(alert: Mapping[str, Any]) -> str:
    severity = str(alert.get("severity"))
    return severity if severity in SEVERITIES else "warning"


def _words(frame: Frame, alert: Mapping[str, Any], part: str) -> str:
    words: Mapping[str, str] = (alert.get("words") or {}).get(frame.texts.language) or {}
    return words.get(part) or (str(alert.get("rule") or "–") if part == "title" else "")


def _moment(frame: Frame, told: object) -> str:
    try:
        return frame.texts.moment(datetime.fromisoformat(str(told)), frame.zone, frame.now)
    except ValueError:
        return ""
