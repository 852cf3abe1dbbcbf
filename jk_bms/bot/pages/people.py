"""``/users``: who may use the bot, and the pages by which an owner lets people in and out."""

from collections.abc import Iterable

from jk_bms.bot.pages.callbacks import press
from jk_bms.bot.pages.page import Button, Page, page
from jk_bms.bot.roles import Person, Role
from jk_bms.texts import Texts, clip, escape

MOST = 40  # people on the page


def users(people: Iterable[Person], user: int | None, texts: Texts, *, private: bool) -> Page:
    """Return who may use the bot. ``user`` looks at it; invitations are for private chats only."""
    listed = list(people)
    lines = [_line(one, user, texts) for one in listed[:MOST]]
    if more := len(listed) - MOST:
        lines += [escape(texts.count("bot.more", more))] if more > 0 else []
    buttons = [
        [Button(texts("access.button.remove", name=name(one)), press("users", "remove", one.id))]
        for one in listed[:MOST]
        if not one.named and one.id != user
    ]
    invites = [
        Button(texts(f"access.button.invite_{role}"), press("users", "invite", role))
        for role in ("guest", "owner")
    ]
    hint = "" if private else escape(texts("access.private_only"))
    return page(
        f"<b>{escape(texts('access.users'))}</b>",
        "\n".join(lines),
        "",
        escape(texts("access.roles")),
        hint,
        buttons=[*buttons, *([invites] if private else [])],
    )


def remove_person(one: Person, texts: Texts) -> Page:
    """Ask whether ``one`` is really to be taken out."""
    yes = Button(texts("access.button.removed"), press("users", "removed", one.id))
    return page(
        escape(texts("access.remove", name=name(one))),
        buttons=[[yes, Button(texts("access.button.back"), press("users"))]],
    )


def invitation(code: str, link: str | None, role: str, until: str, texts: Texts) -> Page:
    """Return what is to be passed on to who is invited."""
    way = "access.invitation_link" if link else "access.invitation_code"
    return page(
        f"<b>{escape(texts(f'access.invitation_{role}'))}</b>",
        escape(texts(way, until=until)),
        escape(link) if link else f"<code>/start {escape(code)}</code>",
        buttons=[[Button(texts("access.button.back"), press("users"))]],
    )


def name(one: Person) -> str:
    """Return what an owner recognises ``one`` by."""
    return clip(one.title) or str(one.id)


def _line(one: Person, user: int | None, texts: Texts) -> str:
    role = "group" if one.id < 0 else "owner" if one.role is Role.OWNER else "guest"
    mark = {"group": "👥", "owner": "🔑", "guest": "👁"}[role]
    facts = [texts(f"access.as_{role}")]
    if one.named:
        facts.append(texts("access.named"))
    if one.id == user:
        facts.append(texts("access.you"))
    return f"{mark} {escape(name(one))}: {escape(', '.join(facts))}"
