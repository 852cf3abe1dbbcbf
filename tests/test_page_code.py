"""The code with which the page gets its password: one at a time, for a day, used once."""

import pytest

from jk_bms.clock import Clock
from jk_bms.errors import LiveError
from jk_bms.poller.page_code import GOOD_FOR, PageCode


class Turned(Clock):
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 1000.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Turned:
    return Turned()


def test_a_page_without_a_password_gets_one_code(clock: Turned) -> None:
    page = PageCode(clock)
    assert (page.code, page.link) == (None, None)

    assert page.heard("http://house.local:8080", False)
    code = page.code
    assert not page.heard("http://house.local:8080", False)  # the same one, and it was shown

    assert page.code == code
    assert page.link == f"http://house.local:8080/start#{code}"


PUSHED = {
    # what a page says of push: browsers, trouble, what ended
    "nothing, as an older one": (None, (0, "", "")),
    "two": ({"browsers": 2, "trouble": ""}, (2, "", "")),
    "refused": ({"browsers": 1, "trouble": "status 403\nx"}, (1, "status 403\\nx", "")),
    "ended": ({"browsers": 0, "trouble": "", "ended": "Safari: 410\n"}, (0, "", "Safari: 410\\n")),
    "another form": ({"browsers": "2", "trouble": 5, "ended": []}, (0, "", "")),
    "no object": ([2], (0, "", "")),
}


@pytest.mark.parametrize(("said", "expected"), PUSHED.values(), ids=PUSHED)
def test_what_a_page_says_of_push_is_noted(
    clock: Turned, said: object, expected: tuple[int, str, str]
) -> None:
    page = PageCode(clock)

    page.heard("http://house.local:8080", True, said)

    assert (page.pushed, page.push_trouble, page.push_ended) == expected


def test_a_page_with_a_password_gets_none(clock: Turned) -> None:
    page = PageCode(clock)

    assert not page.heard("http://house.local:8080", True)
    assert (page.code, page.link) == (None, "http://house.local:8080")


def test_a_code_is_good_once(clock: Turned) -> None:
    page = PageCode(clock)
    code = page.invite()["code"]
    with pytest.raises(LiveError, match="not, or no longer, good"):
        page.claim("WRONGWRONG")

    page.claim(f" {code.lower()} ")

    with pytest.raises(LiveError):
        page.claim(code)


@pytest.mark.parametrize("wrong", [None, "", 5, "ключ", "\ud800"])
def test_without_a_code_nothing_is_good(clock: Turned, wrong: object) -> None:
    page = PageCode(clock)
    for _ in range(2):
        with pytest.raises(LiveError):
            page.claim(wrong)
        page.invite()


def test_a_code_ends(clock: Turned) -> None:
    page = PageCode(clock)
    page.heard("http://house.local:8080", False)
    first = page.code
    clock.at += GOOD_FOR.total_seconds()

    assert page.code is None
    with pytest.raises(LiveError):
        page.claim(first)
    assert page.heard("http://house.local:8080", False)  # and another one is shown
    assert page.code not in (None, first)


def test_a_new_code_takes_the_place_of_the_one_before(clock: Turned) -> None:
    page = PageCode(clock)
    first = page.invite()["code"]
    second = page.invite()["code"]

    with pytest.raises(LiveError):
        page.claim(first)
    page.claim(second)


def test_a_void_code_is_no_longer_good(clock: Turned) -> None:
    page = PageCode(clock)
    code = page.invite()["code"]
    page.void()

    with pytest.raises(LiveError):
        page.claim(code)


@pytest.mark.parametrize("url", [None, 5, "javascript:alert(1)", "house.local"])
def test_a_strange_address_is_not_told(clock: Turned, url: object) -> None:
    page = PageCode(clock)
    page.heard(url, False)

    assert page.link is None
