"""Who may use the bot."""

TEXTS = {
    "access.users": "Who may use this bot",
    "access.roles": "An owner may do everything, a guest may look.",
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
    "access.remove": "Remove {name}? This bot then answers them no more and sends them nothing.",
    "access.removed": "{by} has removed {name}: this bot serves them no more.",
    "access.joined": "{name} has joined with a code, as {role}. /users shows everybody.",
    "access.invitation_guest": "An invitation for a guest",
    "access.invitation_owner": "An invitation for an owner",
    "access.invitation_link": "Pass this link on to one person. It is good once, until {until}.",
    "access.invitation_code": "Pass this on to one person, who sends it to me. It is good once, until {until}.",
    "access.private_only": "Invitations are made in a private chat with me, where nobody else reads them.",
    "access.code_in_group": (
        "Everybody here could read that code, so it is good no more. Ask for a new one and send it to me in a "
        "private chat."
    ),
    "access.welcome_owner": "You are now an owner of this bot.",
    "access.welcome_guest": "Welcome: you may look at everything here.",
    "access.owner_only": "Only an owner of this bot may do that. You may look at everything.",
    "access.no_owner": (
        "Only an owner may do that, and this bot has none yet: {tool} invite makes a code for one; "
        "it is sent to me in a private chat."
    ),
    "access.owner_already": "You are an owner already. The code stays good for somebody else.",
    "access.released": "{by} lets the phone app connect. {names}: not read until {time}.",
    "access.resumed": "{names}: read again ({by}).",
}
