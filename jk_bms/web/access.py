"""Who asks, and what he may: the password, sessions of browsers, tokens of programs, guests, wrong tries."""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import NamedTuple, TypeVar

from jk_bms.config.settings import Settings
from jk_bms.errors import StoreError
from jk_bms.model.foreign_text import harmless_name
from jk_bms.web import passwords
from jk_bms.web.http import Failure, Request
from jk_bms.web.web_db import USED_EVERY, Session, Token, Try, WebStore

log = logging.getLogger(__name__)

T = TypeVar("T")

COOKIE = "easun"
NO_ID = 0  # of a session that is not ours to end

UNUSED, LONGEST = 30 * 86400.0, 365 * 86400.0  # s that a session lasts without use, and at all
SURE = 600.0  # s after the password was typed, in which the most dangerous things may be done
GUEST_LINK = 3600.0  # s that a guest's link is good

# Wrong tries, by kind: in so many s so many from one address, and from all together.
WINDOW = {"password": 300.0, "code": 3600.0}
MOST_OF_ONE = {"password": 5, "code": 5}
MOST_OF_ALL = 30
SLOWED = 2.0  # s that each password waits while there were MOST_OF_ALL wrong ones
WAITING = 4  # passwords that may wait for their turn to be computed
MOST_TRIES = 1000  # that are remembered


class Scope(IntEnum):
    """What may be done, each with all before it."""

    OPEN = 0
    READ = 1
    CONTROL = 2
    ADMIN = 3


SCOPES = {"read": Scope.READ, "control": Scope.CONTROL, "admin": Scope.ADMIN}


class Who(NamedTuple):
    """Who asks. Neither session nor token: one who is not signed in."""

    scope: Scope = Scope.OPEN
    session: Session | None = None
    token: Token | None = None
    secret: str = ""  # of the session, as the browser sent it
    over: bool = False  # a session or token was shown that is no longer good

    @property
    def csrf(self) -> str:
        """What a form of this session carries, so that no other site can send it."""
        return csrf_of(self.secret) if self.secret else ""


NOBODY = Who()


def csrf_of(secret: str) -> str:
    """Return the mark of forms of the session that a browser holds ``secret`` of."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()[:32]


class Access:
    """Who is let in. ``now``: s since 1970; ``monotonic``: s."""

    def __init__(
        self,
        settings: Settings,
        store: WebStore,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self.store = store
        self._now = now
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scrypt")
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._fixed: str | None = None  # what is kept of WEB_PASSWORD
        self._sure: dict[bytes, float] = {}  # sessions, and when the password was typed there
        self._guests: dict[bytes, tuple[float, str]] = {}  # links: when they end, the guest's name
        self._ended: list[Callable[[], None]] = []
        # Of everybody who comes through Home Assistant, which knows who they are; it ends with this program.
        self._within = secrets.token_urlsafe(32)

    async def begin(self) -> None:
        """Take over WEB_PASSWORD; a change of it ends all sessions and tokens, as a change on the page does."""
        fixed = self._settings.web_password
        if fixed is None:
            return
        stored = self.store.password
        if stored is None or not await self._compute(passwords.fits, fixed, stored):
            await self.store.aside(self.store.set_password, await self._compute(passwords.hashed, fixed))

    def close(self) -> None:
        """End the thread that computes."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def has_password(self) -> bool:
        """Whether one was set; without it nothing but the set-up answers."""
        return self.store.password is not None

    @property
    def fixed(self) -> bool:
        """Whether the password stands in the settings and cannot be changed here."""
        return self._settings.web_password is not None

    def on_end(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when a session or token ended."""
        self._ended.append(call)

    # Who asks

    def who(self, request: Request) -> Who:
        """Return who sent ``request``. A bearer token counts alone; a cookie beside it does not."""
        public = Scope.READ if self._settings.web_read_public and self.has_password else Scope.OPEN
        if request.within:
            return self._of_home_assistant(request)
        header = request.headers.get("authorization")
        if header is not None:
            kind, _, given = header.partition(" ")
            token = self._token(given.strip()) if kind.lower() == "bearer" else None
            if token is None:
                return Who(scope=Scope.OPEN, over=True)
            return Who(scope=max(public, SCOPES[token.scope]), token=token)
        secrets_sent = [secret for secret in request.cookies(cookie_name(request)) if secret]
        for secret in secrets_sent:
            if (session := self._session(secret, request.secure)) is not None:
                return Who(scope=max(public, SCOPES[session.scope]), session=session, secret=secret)
        return Who(scope=public, over=bool(secrets_sent))

    def _of_home_assistant(self, request: Request) -> Who:
        """Return one whom it signed in. It does not say who is its owner: what only ours may do is left to our port."""
        said = request.headers.get("x-remote-user-display-name") or request.headers.get("x-remote-user-name")
        now = self._now()
        session = Session(
            id=NO_ID, hash=b"", scope="control", name=harmless_name(said) or "", browser="Home Assistant",
            made=now, used=now,
        )  # fmt: skip
        return Who(scope=Scope.CONTROL, session=session, secret=self._within)

    def still(self, who: Who) -> bool:
        """Whether who was let in then would be let in now, too: asked for as long as a stream goes on."""
        if who.secret == self._within:
            return True
        if who.session is not None:
            return self._alive(self.store.sessions.get(who.session.hash)) is not None
        if who.token is not None:
            return self._good(self.store.tokens.get(who.token.hash)) is not None
        return self._settings.web_read_public and self.has_password

    def is_sure(self, who: Who) -> bool:
        """Whether the password was typed in this browser a short while ago."""
        typed = self._sure.get(who.session.hash) if who.session else None
        return typed is not None and self._monotonic() - typed < SURE

    async def note_use(self, who: Who) -> None:
        """Note that a session is in use; at most once an hour that is written, where it can be."""
        if (session := who.session) is None or abs(self._now() - session.used) < USED_EVERY:
            return
        try:
            await self.store.aside(self.store.note_use, session.hash, self._now())
        except StoreError as error:  # whoever looks need not do without for that
            log.warning("when a session was used last is not written: %s", error)

    def session_of(self, secret: str) -> Session | None:
        """Return the session that a browser holds ``secret`` of."""
        return self.store.sessions.get(_hash(secret))

    def _session(self, secret: str, secure: bool) -> Session | None:
        found = self._alive(self.store.sessions.get(_hash(secret)))
        return found if found is not None and found.secure == secure else None

    def _alive(self, session: Session | None) -> Session | None:
        now = self._now()
        if session is None or now - session.used > UNUSED or now - session.made > LONGEST:
            return None
        return session

    def _token(self, given: str) -> Token | None:
        return self._good(self.store.tokens.get(_hash(given)))

    def _good(self, token: Token | None) -> Token | None:
        if token is None or (token.expires is not None and self._now() >= token.expires):
            return None
        return token

    # Signing in

    async def sign_in(self, request: Request, who: Who) -> str:
        """Begin a session of the owner; return what his browser is to hold. The one it had ends."""
        secret = await self._begin_session(request, who, "admin", "")
        self._sure[_hash(secret)] = self._monotonic()
        return secret

    async def check_password(self, address: str, password: str) -> None:
        """Return where the password is right. Raises Failure: wrong, or too many tries."""
        stored = self.store.password
        if stored is None:
            raise Failure("setup_needed")
        place = await self._begin_try("password", address)
        if self._count("password") > MOST_OF_ALL:
            await asyncio.sleep(SLOWED)
        if not await self._compute(passwords.fits, password, stored):
            left = MOST_OF_ONE["password"] - self._count("password", place)
            raise Failure("wrong_password", "api.wrong_password", field="password", left=max(0, left))
        await self._forgive("password", place)

    async def begin_code(self, address: str) -> str:
        """Count a try of the set-up code before it is asked about; return where it came from. Raises Failure."""
        return await self._begin_try("code", address)

    async def good_code(self, place: str) -> None:
        """The code was right: its address has no wrong tries any more."""
        await self._forgive("code", place)

    def many_codes(self) -> bool:
        """Whether so many wrong codes came that the present one must go."""
        return self._count("code") >= MOST_OF_ALL

    def check_choice(self, password: str, code: str = "") -> None:
        """Raise Failure for a password that may not be chosen. ``code``: the set-up code."""
        try:
            passwords.check(password, code)
        except passwords.BadPassword as error:
            raise Failure("bad_request", f"api.password_{error.why}", field="password") from error

    async def change_password(self, password: str, keep: Session | None) -> None:
        """Set a new password; all sessions but ``keep``, and all tokens, end."""
        stored = await self._compute(passwords.hashed, password)
        kept = keep.hash if keep is not None else None
        await self.store.aside(self.store.set_password, stored, kept)
        self._sure = {key: typed for key, typed in self._sure.items() if key == kept}
        self._guests = {}
        self._tell_ended()
        log.info("the password of the page was changed")

    async def _begin_session(self, request: Request, who: Who, scope: str, name: str) -> str:
        secret, now = secrets.token_urlsafe(32), self._now()
        session = Session(
            id=0,
            hash=_hash(secret),
            scope=scope,
            name=name,
            browser=browser_in_words(request.headers.get("user-agent", "")),
            secure=request.secure,
            made=now,
            used=now,
        )
        before = who.session.hash if who.session is not None else None
        await self.store.aside(self.store.add_session, session, before)
        await self._clear_away()
        if before is not None:
            self._sure.pop(before, None)
            self._tell_ended()
        return secret

    async def _clear_away(self) -> None:
        """Forget the sessions whose time is over."""
        over = {key for key, session in self.store.sessions.items() if self._alive(session) is None}
        if over:
            await self.store.aside(self.store.end_sessions, over)

    async def end(self, sessions: set[bytes]) -> None:
        """End these sessions."""
        await self.store.aside(self.store.end_sessions, sessions)
        for key in sessions:
            self._sure.pop(key, None)
        self._tell_ended()

    # Tokens and guests

    async def make_token(self, name: str, scope: str, days: int | None) -> tuple[str, Token]:
        """Return a new token and what is kept of it."""
        secret, now = f"ejk_{secrets.token_urlsafe(32)}", self._now()
        token = Token(
            id=0,
            hash=_hash(secret),
            scope=scope,
            name=harmless_name(name) or "-",
            made=now,
            expires=None if days is None else now + days * 86400.0,
        )
        return secret, await self.store.aside(self.store.add_token, token)

    async def end_token(self, number: int) -> None:
        """Make a token void."""
        await self.store.aside(self.store.end_token, number)
        self._tell_ended()

    def invite_guest(self, name: str) -> tuple[str, float]:
        """Return a code for one guest, and until when it is good, in s since 1970."""
        code = secrets.token_urlsafe(18)
        self._guests[_hash(code)] = (self._monotonic() + GUEST_LINK, harmless_name(name) or "-")
        return code, self._now() + GUEST_LINK

    async def let_guest_in(self, request: Request, who: Who, code: str) -> str:
        """Use up a guest's code; return what his browser is to hold. Raises Failure."""
        place = await self._begin_try("code", request.address)
        end, name = self._guests.pop(_hash(code), (0.0, ""))
        if self._monotonic() >= end:
            raise Failure("gone", "api.link_over")
        await self._forgive("code", place)
        return await self._begin_session(request, who, "read", name)

    # Tries

    async def _begin_try(self, kind: str, address: str) -> str:
        """Count a try as a wrong one until it turns out to be right; so many at once are no way round the limit."""
        place = place_of(address)
        wait = self._wait(kind, place)
        if wait > 0:
            raise Failure("too_many", "api.too_many_tries", retry_after=wait)
        if kind == "password" and self._waiting >= WAITING:
            raise Failure("too_many", retry_after=5.0)
        now = self._now()
        self.store.tries = [*self._recent(), Try(kind, place, now)][-MOST_TRIES:]
        await self.store.aside(self.store.keep_tries, self.store.tries)
        return place

    async def _forgive(self, kind: str, place: str) -> None:
        self.store.tries = [
            one for one in self.store.tries if not (one.kind == kind and one.address == place)
        ]
        await self.store.aside(self.store.keep_tries, self.store.tries)

    def _recent(self) -> list[Try]:
        # A clock that was set back must not lock people out for years: what lies ahead is forgotten, too.
        now = self._now()
        return [one for one in self.store.tries if abs(now - one.at) < WINDOW[one.kind]]

    def _count(self, kind: str, place: str | None = None) -> int:
        return sum(one.kind == kind and (place is None or one.address == place) for one in self._recent())

    def _wait(self, kind: str, place: str) -> float:
        """How many s until another try from ``place`` is looked at."""
        tries = [one.at for one in self._recent() if one.kind == kind and one.address == place]
        if len(tries) < MOST_OF_ONE[kind]:
            return 0.0
        return max(1.0, tries[-1] + WINDOW[kind] - self._now())

    async def _compute(self, work: Callable[..., T], *values: str) -> T:
        """Run ``work`` in its thread, one at a time: each takes 32 MB."""
        self._waiting += 1
        try:
            async with self._turn:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, lambda: work(*values))
        finally:
            self._waiting -= 1

    def _tell_ended(self) -> None:
        for call in self._ended:
            call()


def cookie_name(request: Request) -> str:
    """Return what the cookie of a session is called: browsers hold those over https to more by their names."""
    if not request.secure:
        return COOKIE
    return f"__Host-{COOKIE}" if request.base == "/" else f"__Secure-{COOKIE}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def place_of(address: str) -> str:
    """Return what wrong tries are counted by: the address, of IPv6 its /64, which one house has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Macintosh", "Mac"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
)


def browser_in_words(agent: str) -> str:
    """Return ``Safari, iPhone`` for what a browser says of itself; of a strange one its first word."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    words = ", ".join(word for word in (browser, system) if word)
    return words or harmless_name(re.split(r"[/\s]", agent, maxsplit=1)[0][:40]) or "?"
