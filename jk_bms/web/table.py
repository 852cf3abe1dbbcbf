"""Every route there is. A row is all that the guards, the document of the API and the tests know of one."""

from typing import Any

from jk_bms.web import alerts, asking, history, older, openapi, outlook, pages, signing_in, values
from jk_bms.web.access import Scope
from jk_bms.web.answers import Battery, State
from jk_bms.web.http import HTML
from jk_bms.web.push import asking as push
from jk_bms.web.routes import Route, Table

OPEN, READ, CONTROL, ADMIN = Scope.OPEN, Scope.READ, Scope.CONTROL, Scope.ADMIN
STREAM, ROWS, MANIFEST = "text/event-stream", "text/csv", "application/manifest+json"
AWAY, DATABASE = ("poller_away", "refused"), ("database_away",)

R = Route  # short, so that a row is a line or two
# fmt: off
ROUTES: tuple[Route, ...] = (
    # The page itself
    R("GET", "/", READ, pages.home, "the first page", query=pages.PageQuery, kind=HTML),
    R("GET", "/battery", READ, pages.first_battery, "the first battery", query=pages.PageQuery, kind=HTML),
    R("GET", "/battery/{n}", READ, pages.battery, "one battery", query=pages.PageQuery, kind=HTML, fails=("not_found",)),
    R("GET", "/alerts", READ, pages.alerts, "what is wrong", query=pages.PageQuery, kind=HTML),
    R("GET", "/history", READ, pages.history, "the last 24 hours", query=pages.PageQuery, kind=HTML),
    R("GET", "/more", READ, pages.more, "everything else", query=pages.PageQuery, kind=HTML),
    R("GET", "/login", OPEN, pages.login, "asks for the password", query=pages.After, kind=HTML),
    R("GET", "/start", OPEN, pages.start, "asks for the one-time code", kind=HTML, before_setup=True),
    R("GET", "/join", OPEN, pages.login, "where a guest's link leads", query=pages.After, kind=HTML),
    R("GET", "/manifest.json", OPEN, pages.web_manifest, "for installing the page", dict[str, Any],
      kind=MANIFEST, before_setup=True),
    R("POST", "/login", OPEN, pages.login_form, "sign in", form=True, status=303, fails=("wrong_password", "too_many")),
    R("POST", "/start", OPEN, pages.start_form, "choose the password", form=True, status=303, before_setup=True,
      fails=("wrong_password", "too_many", "conflict", *AWAY)),
    R("POST", "/logout", OPEN, signing_in.logout_form, "sign out", form=True, status=303),
    R("POST", "/release", CONTROL, asking.release_form, "leave a battery to a phone", form=True, status=303, fails=AWAY),
    R("POST", "/resume", CONTROL, asking.resume_form, "take a battery up again", form=True, status=303, fails=AWAY),
    R("POST", "/mute", CONTROL, pages.mute_form, "be quiet about an alert", form=True, status=303, fails=AWAY),

    # Signing in
    R("GET", "/api/health", OPEN, values.health, "how the page does", values.Health, query=values.HealthQuery,
      before_setup=True, fails=("poller_away",)),
    R("POST", "/api/start", OPEN, signing_in.set_up, "choose the password with the one-time code",
      signing_in.SessionAnswer, body=signing_in.SetUp, before_setup=True,
      fails=("wrong_password", "too_many", "conflict", *AWAY)),
    R("POST", "/api/login", OPEN, signing_in.login, "sign in; with token: a token instead of a cookie",
      signing_in.SessionAnswer | signing_in.MadeToken, body=signing_in.Login, fails=("wrong_password", "too_many")),
    R("POST", "/api/join", OPEN, signing_in.join, "come in as a guest", signing_in.SessionAnswer,
      body=signing_in.Join, fails=("gone", "too_many")),
    R("POST", "/api/logout", READ, signing_in.logout, "sign out", session=True, status=204),
    R("GET", "/api/session", READ, signing_in.session, "who is signed in here", signing_in.SessionAnswer, session=True),
    R("GET", "/api/sessions", ADMIN, signing_in.sessions, "every browser that is signed in",
      list[signing_in.SessionRow], session=True),
    R("DELETE", "/api/sessions", ADMIN, signing_in.end_other_sessions, "end all other sessions", session=True, status=204),
    R("DELETE", "/api/sessions/{id}", READ, signing_in.end_session, "end a session", session=True, status=204,
      fails=("not_found",)),
    R("POST", "/api/change-password", ADMIN, signing_in.change_password, "choose another password",
      body=signing_in.NewPassword, session=True, status=204, fails=("wrong_password", "too_many", "conflict")),
    R("GET", "/api/tokens", ADMIN, signing_in.tokens, "tokens of programs", list[signing_in.TokenRow],
      session=True, sure=True),
    R("POST", "/api/tokens", ADMIN, signing_in.make_token, "make a token", signing_in.MadeToken,
      body=signing_in.WantedToken, session=True, sure=True),
    R("DELETE", "/api/tokens/{id}", ADMIN, signing_in.end_token, "make a token void", session=True, sure=True, status=204,
      fails=("not_found",)),
    R("POST", "/api/guests", ADMIN, signing_in.invite_guest, "make a link for a guest", signing_in.GuestLink,
      body=signing_in.Guest, session=True),

    # What is so now
    R("GET", "/api/state", READ, values.state, "the whole present", State),
    R("GET", "/api/live", READ, values.live, "what happens, as it happens", query=values.Since, kind=STREAM,
      streams=True, fails=("busy",)),
    R("GET", "/api/batteries", READ, values.batteries, "every battery", list[Battery]),
    R("GET", "/api/batteries/{battery}", READ, values.battery, "one battery, with all that is known of it",
      values.BatteryDetail, fails=("not_found",)),

    # What was
    R("GET", "/api/history", READ, history.history, "a series for a chart", history.History, query=history.HistoryQuery,
      often=True, fails=("not_found", "too_many", *DATABASE)),
    R("GET", "/api/days", READ, history.days, "energy per day", list[history.Day], query=history.DaysQuery,
      fails=("not_found", *DATABASE)),
    R("GET", "/api/outlook", READ, outlook.outlook, "whether the charge lasts until a time", outlook.OutlookAnswer,
      query=outlook.OutlookQuery, often=True, fails=("not_found", *DATABASE)),
    R("GET", "/api/export", READ, history.export, "every row, as a file", query=history.ExportQuery, session=True,
      kind=ROWS, streams=True, fails=("not_found", "too_many", *DATABASE)),
    R("GET", "/api/log", READ, asking.log_of, "what the battery service noted", asking.Log, query=asking.LogQuery,
      fails=DATABASE),

    # Alerts
    R("GET", "/api/alerts", READ, alerts.alerts, "open alerts, or past ones", alerts.Alerts, query=alerts.AlertsQuery,
      fails=("not_found", *DATABASE)),
    R("GET", "/api/alerts/explain/{code}", READ, alerts.explained, "what an alert means", alerts.Explained,
      fails=("not_found",)),
    R("POST", "/api/alerts/test", CONTROL, alerts.test, "send a test of an alert", alerts.Tested, body=alerts.TestBody,
      fails=AWAY),
    R("POST", "/api/alerts/{device}/{code}/mute", CONTROL, alerts.mute, "be quiet about an alert", alerts.Alerts,
      body=alerts.MuteBody, fails=("not_found", *AWAY)),
    R("POST", "/api/alerts/{device}/{code}/ack", CONTROL, alerts.acknowledge, "an alert was seen", alerts.Alerts,
      fails=("not_found", *AWAY)),

    R("GET", "/api/push", READ, push.state, "alerts to this browser while it is closed", push.PushState, query=push.Looked,
      session=True),
    R("POST", "/api/push", READ, push.subscribe, "have this browser told of alerts", push.PushState, body=push.Wanted,
      session=True, fails=("conflict", *DATABASE)),
    R("DELETE", "/api/push", READ, push.unsubscribe, "have this browser told no more", session=True, status=204),

    # The battery service
    R("POST", "/api/request/{action}", CONTROL, asking.carry_out, "read now, release, resume", asking.Requested,
      body=asking.RequestBody, fails=("not_found", *AWAY)),
    R("GET", "/api/doctor", READ, asking.doctor, "how the way to each battery is", list[asking.Diagnosis],
      query=asking.DeviceQuery, fails=("not_found", "poller_away")),
    R("GET", "/api/configs", ADMIN, asking.configs, "every setting, without secrets", list[asking.SettingRow], session=True),
    R("PATCH", "/api/configs", ADMIN, asking.change_configs, "change settings that take effect at once", asking.Changed,
      body=dict[str, str], session=True, fails=AWAY),
    R("GET", "/api/ways", READ, asking.ways, "addresses of the page", list[asking.Way], session=True),

    # Forms of older programs
    R("GET", "/api/cell-info", READ, older.cell_info, "a battery, or all, in an older form", dict[str, Any],
      query=older.OneDevice, fails=("not_found",)),
    R("GET", "/api/device-info", READ, older.device_info, "what each battery is", list[dict[str, Any]],
      query=older.OneDevice, fails=("not_found", *DATABASE)),
    R("GET", "/api/device-settings", READ, older.device_settings, "what is set in each BMS", list[dict[str, Any]],
      query=older.OneDevice, fails=("not_found", *DATABASE)),
    R("GET", "/api/aggregated-data", READ, older.aggregated, "means of the last hours", list[dict[str, Any]],
      query=older.Averages, often=True, fails=("not_found", "too_many", *DATABASE)),
    R("GET", "/bms_jk/status", READ, older.bms_status, "every battery as a small board tells it", list[dict[str, Any]]),

    R("GET", "/api/openapi.json", OPEN, openapi.document_of, "this document", dict[str, Any]),
)
# fmt: on


def table() -> Table:
    """Return all routes, to be asked for one."""
    return Table(ROUTES)
