"""Who may use the bot."""

TEXTS = {
    "access.users": "Who may use this bot",
    "access.roles": "An owner may do everything; a guest may only look.",
    "access.as_owner": "owner",
    "access.as_guest": "guest",
    "access.as_group": "group, its members are guests",
    "access.named": "named in the settings",
    "access.you": "you",
    "access.button.remove": "✖ Remove {name}",
    "access.button.removed": "Yes, remove",
    "access.button.back": "Back",
    "access.button.invite_guest": "➕ Invite a guest",
    "access.button.invite_owner": "➕ Invite an owner",
    "access.remove": "Remove {name}? I will no longer answer or write to them.",
    "access.removed": "{by} has removed {name}, who can no longer use this bot.",
    "access.joined": "{name} has joined with a code, as {role}. /users shows everyone.",
    "access.invitation_guest": "An invitation for a guest",
    "access.invitation_owner": "An invitation for an owner",
    "access.invitation_link": (
        "Send this link to one person, in private. Whoever opens it and presses Start is let in: once, until {until}."
    ),
    "access.invitation_code": (
        "Send this to one person, in private. Whoever sends it to me in a private chat is let in: once, until {until}."
    ),
    "access.private_only": "Invitations are made in a private chat with me, where only you read them.",
    "access.code_in_group": (
        "Everyone here could read that code, so it no longer works. Ask an owner for a new one and send it to me "
        "in a private chat."
    ),
    "access.code_burnt": (
        "A code was written into “{name}”, where others could read it, so it no longer works. Make a new one "
        "with /users and pass it on in private."
    ),
    "access.welcome_owner": "You are now an owner of this bot.",
    "access.welcome_guest": "Welcome: you may look at everything here.",
    "access.owner_only": "Only an owner of this bot may do that. You may look at everything.",
    "access.no_owner": (
        "Only an owner may do that, and this bot has none yet: {tool} invite makes a code for one; send it "
        "to me in a private chat."
    ),
    "access.owner_already": "You are an owner already. The code still works for another person.",
    "access.released": "{by} lends {names} to the phone app until {time}.",
    "access.resumed": "{names}: being read again ({by}).",
}
