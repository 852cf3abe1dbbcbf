"""Push in a browser: the switch on the page, and what the real worker does with a message.

The push service of the browser's maker is not asked: what it would deliver comes by the browser's own tools.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jk_bms.texts import LANGUAGES, language
from jk_bms.web.push.message import Notice, encoded
from tests.web import made_up
from tests.web.chromium import NEEDED, PATIENCE, chromium, watched
from tests.web.page_server import KEY, House, serving
from tests.web.test_page import started

pytestmark = NEEDED

# In place of the way to the push service of the browser's maker, which the tests do not use
SUBSCRIBES = """
() => {
  let made = null;
  const plain = (text) => atob(text.replace(/-/g, "+").replace(/_/g, "/") + "=");
  const bytes = (text) => Uint8Array.from(plain(text), (one) => one.charCodeAt(0));
  PushManager.prototype.getSubscription = async () => made;
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (userVisibleOnly !== true) throw new Error("silent ones are refused");
    made = {
      options: { applicationServerKey: bytes(applicationServerKey).buffer },
      unsubscribe: async () => { made = null; return true; },
      toJSON: () => ({ endpoint: "https://fcm.googleapis.com/a", expirationTime: null, keys: { p256dh: "p", auth: "a" } }),
    };
    return made;
  };
  Object.defineProperty(Notification, "permission", { get: () => window.allowed || "default" });
  Notification.requestPermission = async () => (window.allowed = window.answer || "granted");
}
"""


REGISTERED = "navigator.serviceWorker.getRegistrations()"
# The key that the browser's subscription is for, as base64
SHOWN = """
async () => {
  const { options } = await PushManager.prototype.getSubscription();
  return btoa(String.fromCharCode(...new Uint8Array(options.applicationServerKey)));
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@contextmanager
def opened(
    browser: Browser, path: str, *, script: str = SUBSCRIBES, more: dict[str, Any] | None = None, **house: Any
) -> Iterator[tuple[Page, House, BrowserContext, str]]:
    """A page of a made-up house at ``path``. ``house``: what is different in it."""
    state = made_up.state(1, alerts=[made_up.alert()])
    with serving(state, house.pop("base", "/")) as (url, served):
        for name, value in house.items():
            setattr(served, name, value)
        context = browser.new_context(**{"locale": "en", **(more or {})})
        context.grant_permissions(["notifications"])
        page, _ = watched(context, url)
        if script:
            page.add_init_script(f"({script})()")
        page.goto(url + path)
        try:
            yield started(page), served, context, url
        finally:
            context.close()


def until(page: Page, what: Callable[[], object]) -> None:
    """Wait in the test, not in the page: its policy forbids what would wait there."""
    for _ in range(round(PATIENCE / 50)):
        if what():
            return
        page.wait_for_timeout(50)
    raise AssertionError(what)


def pushes(house: House) -> list[tuple[str, Any]]:
    return [(method, body) for method, path, body in house.asked if path.endswith("/api/push")]


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_owner_turns_it_on_and_off(browser: Browser, name: str) -> None:
    words = language(name)
    with opened(browser, "more", more={"locale": name}) as (page, house, _, _):
        page.get_by_label(words("web.push.contact")).fill("me@house.net")
        expect(page.get_by_text(words("web.push.note"))).to_contain_text(words("web.push.only"))
        page.get_by_role("button", name=words("web.push.on")).click()

        expect(page.get_by_text(words("web.push.is_on"))).to_be_visible()
        [(method, body)] = pushes(house)
        assert (method, body["contact"], body["language"]) == ("POST", "me@house.net", name)
        assert body["subscription"]["endpoint"] == "https://fcm.googleapis.com/a"

        page.get_by_role("button", name=words("web.push.off")).click()
        expect(page.get_by_role("button", name=words("web.push.on"))).to_be_visible()
        assert pushes(house)[1:] == [("DELETE", None)]


def test_who_says_no_is_told_how_to_say_yes(browser: Browser) -> None:
    words = language("en")
    denies = SUBSCRIBES.replace('window.answer || "granted"', '"denied"')
    with opened(browser, "more", script=denies) as (page, house, _, _):
        page.get_by_role("button", name=words("web.push.on")).click()

        expect(page.get_by_text(words("web.push.why.denied"))).to_be_visible()
        assert pushes(house) == []


NAMED = (
    "Object.defineProperty(navigator, 'userAgent', {{ get: () => '{agent}' }}); delete window.PushManager;"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 Version/{dotted} Safari/604.1"
REASONS = {
    # why there is no switch: what runs before the page
    "https": "Object.defineProperty(window, 'isSecureContext', { get: () => false })",
    "browser": "delete window.PushManager",
    "old": NAMED.format(agent=IPHONE.format(version="16_3", dotted="16.3")),
    "home": NAMED.format(agent=IPHONE.format(version="16_4", dotted="16.4")),
    "denied": "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })",
}


@pytest.mark.parametrize("why", REASONS)
def test_where_it_cannot_work_one_line_says_why(browser: Browser, why: str) -> None:
    with opened(browser, "more", script=f"() => {{ {REASONS[why]} }}") as (page, _, _, _):
        expect(page.get_by_text(language("en")(f"web.push.why.{why}"))).to_be_visible()
        assert page.get_by_role("button", name=language("en")("web.push.on")).count() == 0


def test_the_monitor_without_the_library_says_what_to_install(browser: Browser) -> None:
    with opened(browser, "more", push={"possible": False, "on": False}) as (page, _, _, _):
        expect(page.get_by_text("cryptography")).to_be_visible()


@pytest.mark.parametrize("name", LANGUAGES)
def test_where_the_push_service_ended_it_the_page_says_since_when(browser: Browser, name: str) -> None:
    words = language(name)
    push = {
        "possible": True,
        "on": False,
        "key": KEY,
        "ended": "2026-11-30T18:42:00+02:00",
        "reason": "status 410",
    }
    with opened(browser, "more", push=push, more={"locale": name}) as (page, _, _, _):
        line = page.locator("p.wrong")
        expect(line).to_contain_text(words("web.push.ended", time="|", reason="").partition("|")[0])
        expect(line).to_contain_text("18:42")
        expect(line).to_contain_text("(status 410)")

        page.get_by_role("button", name=words("web.push.on")).click()
        expect(page.get_by_text(words("web.push.is_on"))).to_be_visible()
        expect(line).to_have_count(0)


def test_a_browser_whose_subscription_was_ended_makes_another_by_itself(browser: Browser) -> None:
    """It still believes in the one it has: sent again, that would be ended with the next alert."""
    had = SUBSCRIBES.replace(
        "let made = null;",
        f"""let made = null; window.allowed = "granted";
      setTimeout(async () => {{
        const wanted = {{ userVisibleOnly: true, applicationServerKey: "{KEY}" }};
        const first = await PushManager.prototype.subscribe(wanted);
        first.unsubscribe = async () => {{ window.left = true; made = null; }};
      }});""",
    )
    with opened(browser, "", script=had) as (page, house, _, url):
        until(page, partial(page.evaluate, f"{REGISTERED}.then((all) => all.length)"))
        assert page.evaluate("window.left") is None
        house.asked.clear()
        house.push = house.push | {"contact_wanted": False, "ended": "2026-11-30T18:42:00+02:00"}
        page.goto(url)
        until(page, partial(pushes, house))
        assert page.evaluate("window.left") is True


def test_a_guest_waits_for_the_owner(browser: Browser) -> None:
    with opened(browser, "more", control=False) as (page, _, _, _):
        expect(page.get_by_text(language("en")("web.push.why.owner"))).to_be_visible()


def test_behind_another_page_there_is_neither_switch_nor_worker(browser: Browser) -> None:
    with opened(browser, "more", base="/api/hassio_ingress/abc/") as (page, _, _, _):
        page.wait_for_selector(".card")
        assert page.get_by_text(language("en")("web.push")).count() == 0
        assert page.evaluate(f"{REGISTERED}.then((all) => all.length)") == 0


def test_at_each_opening_browser_and_server_come_in_step(browser: Browser) -> None:
    """Also when the server has another key now: then the browser subscribes anew by itself."""
    had = SUBSCRIBES.replace(
        "let made = null;",
        f"""let made = null; window.allowed = "granted";
      setTimeout(() => PushManager.prototype.subscribe({{ userVisibleOnly: true, applicationServerKey: "{KEY}" }}));""",
    )
    other = KEY[:20] + "AAAA" + KEY[24:]
    for key in (KEY, other):
        with opened(browser, "", script=had) as (page, house, _, url):
            until(page, partial(page.evaluate, f"{REGISTERED}.then((all) => all.length)"))
            house.asked.clear()
            house.push = house.push | {"key": key, "contact_wanted": False}
            page.goto(url)
            until(page, partial(pushes, house))
            [(method, body)] = pushes(house)
            assert (method, body["subscription"]["endpoint"]) == ("POST", "https://fcm.googleapis.com/a")
            assert page.evaluate(f"({SHOWN})()").replace("+", "-").replace("/", "_").rstrip("=") == key


class Worker:
    """The real worker of a page, which messages are delivered to as the browser would."""

    def __init__(self, page: Page, context: BrowserContext, url: str) -> None:
        self.page, self._context, self._origin = page, context, url.rstrip("/")
        self._session = context.new_cdp_session(page)
        self._found: list[str] = []
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._session.send("ServiceWorker.enable")
        active = "navigator.serviceWorker.ready.then((one) => one.active.state === 'activated')"
        until(page, lambda: page.evaluate(active))

    def _note(self, told: dict[str, Any]) -> None:
        self._found += [one["registrationId"] for one in told["registrations"] if not one["isDeleted"]]

    def push(self, text: str) -> None:
        while not self._found:
            self.page.wait_for_timeout(50)
        values = {"origin": self._origin, "registrationId": self._found[-1], "data": text}
        self._session.send("ServiceWorker.deliverPushMessage", values)

    def shown(self, count: int, title: str) -> list[dict[str, Any]]:
        """The notifications that stand, once there are so many and one has this title."""
        list_ = "navigator.serviceWorker.ready.then((one) => one.getNotifications())"
        told = "({ title, body, tag, lang, silent, data }) => ({ title, body, tag, lang, silent, data })"
        for _ in range(600):
            found: list[dict[str, Any]] = self.page.evaluate(f"{list_}.then((all) => all.map({told}))")
            if len(found) == count and any(one["title"] == title for one in found):
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError(found)

    def exchange(self, *, old: bool) -> None:
        """As the browser says that it exchanged a subscription; ``old``: with the one that was."""
        self._context.service_workers[0].evaluate(
            """(old) => {
              PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
                self.wanted = [userVisibleOnly, applicationServerKey];
                const keys = { p256dh: "p", auth: "a" };
                return { toJSON: () => ({ endpoint: "https://fcm.googleapis.com/b", expirationTime: null, keys }) };
              };
              const event = new ExtendableEvent("pushsubscriptionchange");
              const before = { options: { applicationServerKey: "before" } };
              Object.defineProperty(event, "oldSubscription", { value: old ? before : null });
              self.dispatchEvent(event);
            }""",
            old,
        )

    def wanted(self) -> Any:
        """What the worker asked the browser for: whether all is shown, and the key."""
        return self._context.service_workers[0].evaluate("self.wanted")

    def close(self) -> None:
        """Take all away; where nobody does, Chromium closes each after 25 s, and the count never comes."""
        each = "navigator.serviceWorker.ready.then((one) => one.getNotifications())"
        self.page.evaluate(f"{each}.then((all) => all.forEach((one) => one.close()))")

    def tap(self) -> None:
        """As a person taps on the newest notification."""
        self._context.service_workers[0].evaluate(
            """async () => {
              const [notification] = await self.registration.getNotifications();
              const event = new NotificationEvent("notificationclick", { notification });
              self.dispatchEvent(event);
            }"""
        )


def notice(title: str, tag: str, step: str = "raised") -> Notice:
    alert = made_up.alert()
    place = f"alerts#{alert['subject']}-{alert['code']}".replace(":", "%3A")
    return Notice(
        title, "18:20\nLimit 2.850 V", place, tag, "critical", {"code": alert["code"], "step": step}
    )


def test_the_worker_shows_what_is_pushed_and_a_tap_leads_to_the_alert(browser: Browser) -> None:
    with opened(browser, "") as (page, _, context, url):
        worker = Worker(page, context, url)

        worker.push(encoded(notice("Critical: cell 7", "a"), url, "uk", 1).decode())
        [first] = worker.shown(1, "Critical: cell 7")
        worker.push(encoded(notice("Cell 7 is worse", "a", "worse"), url, "uk", 1).decode())
        [second] = worker.shown(1, "Cell 7 is worse")  # in the place of the first
        worker.push(encoded(notice("Cell 9", "b"), url, "uk", 2).decode())
        worker.shown(2, "Cell 9")

        assert (first["body"], first["tag"], first["lang"], first["silent"]) == (
            "18:20\nLimit 2.850 V",
            "a",
            "uk",
            False,
        )
        assert second["data"]["navigate"].startswith(url + "alerts#")
        worker.tap()
        page.wait_for_url("**/alerts#*")
        expect(started(page).get_by_role("dialog")).to_be_visible()


UNREAD = ["", "no json", "[]", "null", "5", '"text"', "{}", json.dumps({"notification": {"title": 5}}),
          json.dumps({"notification": None}), json.dumps({"notification": {"title": ""}})]  # fmt: skip


def test_what_the_worker_does_not_understand_is_shown_all_the_same(browser: Browser) -> None:
    """A push that shows nothing costs the subscription."""
    unread = language("en")("web.push.unread")
    with opened(browser, "") as (page, _, context, url):
        worker = Worker(page, context, url)
        for text in UNREAD:
            worker.push(text)
            worker.shown(1, unread)
            worker.close()


def test_a_notification_leads_to_no_other_site(browser: Browser) -> None:
    with opened(browser, "") as (page, _, context, url):
        worker = Worker(page, context, url)
        hostile = {"notification": {"title": "T", "navigate": "https://evil.example/"}}
        worker.push(json.dumps(hostile))
        worker.shown(1, "T")

        with page.expect_navigation():
            worker.tap()

        assert page.url == url


@pytest.mark.parametrize("old", [True, False])
def test_a_subscription_that_the_browser_exchanged_is_told_to_the_server(browser: Browser, old: bool) -> None:
    with opened(browser, "", push={"possible": True, "on": True, "key": KEY}) as (page, house, context, url):
        worker = Worker(page, context, url)
        house.csrf = "an0ther"  # the mark of the session as it is now, not as the page once had it
        worker.exchange(old=old)

        until(page, partial(pushes, house))
        [(method, body)] = pushes(house)
        assert (method, body["endpoint"], body["keys"]["auth"]) == (
            "POST",
            "https://fcm.googleapis.com/b",
            "a",
        )
        assert worker.wanted() == [True, "before" if old else KEY]


def test_away_from_the_monitor_the_browser_has_its_new_subscription_all_the_same(browser: Browser) -> None:
    """So the page finds it when it is opened next, and tells the server then."""
    with opened(browser, "") as (page, house, context, url):
        worker = Worker(page, context, url)
        house.up = False
        worker.exchange(old=True)

        until(page, worker.wanted)
        assert worker.wanted() == [True, "before"]


def test_without_the_library_the_monitor_is_told_of_no_exchange(browser: Browser) -> None:
    with opened(browser, "", push={"possible": False, "on": False}) as (page, house, context, url):
        worker = Worker(page, context, url)
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        worker.exchange(old=False)

        until(page, lambda: any(one.endswith("api/push") for one in asked))
        page.wait_for_timeout(200)
        assert worker.wanted() is None
        assert pushes(house) == []
