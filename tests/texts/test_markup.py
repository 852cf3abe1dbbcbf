"""Long messages are cut where nobody minds."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jk_bms.texts import escape, split


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def open_tags(html: str) -> list[str]:
    stack: list[str] = []
    for close, tag in re.findall(r"<(/?)([a-z]+)[^<>]*>", html):
        if close:
            assert stack.pop() == tag
        else:
            stack.append(tag)
    return stack


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^<>]*>", "", html))


def test_a_short_message_stays_as_it_is() -> None:
    assert split("<b>hello</b>\nworld") == ["<b>hello</b>\nworld"]


@pytest.mark.parametrize("text", ["", "\n\n", "<b></b>"])
def test_nothing_is_no_message(text: str) -> None:
    assert split(text) == []


def test_cuts_are_at_line_ends() -> None:
    lines = [f"line {number}" for number in range(1000)]

    messages = split("\n".join(lines))

    assert [line for message in messages for line in message.split("\n")] == lines
    assert len(messages) == 3


def test_a_block_goes_on_in_the_next_message() -> None:
    text = "<pre>" + "\n".join(f"cell {number}" for number in range(600)) + "</pre>"

    messages = split(text)

    assert all(message.startswith("<pre>") and message.endswith("</pre>") for message in messages)


def test_emoji_count_twice_as_telegram_counts() -> None:
    assert [units(message) for message in split("🟢" * 3000)] <= [4096, 4096]


part = st.one_of(
    st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=300).map(escape),
    st.just("\n"),
    st.tuples(
        st.sampled_from(["b", "i", "pre", "code"]),
        st.text(alphabet="ab &<>\n😀є", max_size=400).map(escape),
    ).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"),
)


@given(parts=st.lists(part, max_size=12), limit=st.integers(200, 600))
def test_whatever_is_split_is_whole_and_short_enough(parts: list[str], limit: int) -> None:
    """No tag or entity is torn, nothing visible is lost, no message is too long."""
    text = "".join(parts)

    messages = split(text, limit)

    for message in messages:
        assert units(message) <= limit
        assert open_tags(message) == []
        assert "<" not in re.sub(r"</?[a-z]+>", "", message)
        assert not re.search(r"&(?!(amp|lt|gt|quot);)", message)
    assert "".join(plain("".join(messages)).split()) == "".join(plain(text).split())
