"""Tokens: how a program says whose rights it uses.

`Authorization: Bearer <token>`, and nothing else: no cookie, no query string. The database keeps hashes.
"""

import re
from datetime import UTC, datetime
from functools import partial

from flask import request

from app import logs
from app.access import Actor
from app.actions.people import USED_EVERY, note_used, secret_hash
from app.api import rates
from app.db import db
from app.errors import Refused
from app.queries import people
from app.standing import leave_note
from app.statuses import ActorKind, Door

BEARER = re.compile(r"bearer ([A-Za-z0-9_-]{1,200})", re.ASCII | re.IGNORECASE)


class TokenNeeded(Refused):
    """No token was sent (Okanjo's own sentence, reference 1.6)."""

    status = 401
    sentence = "User token required for this operation."


class TokenRefused(Refused):
    """What was sent is no token that holds (Okanjo's own sentence, reference 1.6)."""

    status = 401
    sentence = "Invalid or expired user token."


def asking() -> Actor:
    """Return the person whose token came with the request, with what the token may.

    TokenNeeded where none came; TokenRefused where it is none of ours, has ended, or its person has.
    """
    header = request.headers.get("Authorization")
    if header is None:
        raise TokenNeeded
    sent = BEARER.fullmatch(header)
    now = datetime.now(UTC)
    token = people.token(secret_hash(sent[1]), now) if sent else None
    if token is None:
        raise TokenRefused
    person = token.person
    logs.note(account=person.id)
    rates.count(token.id)  # TooManyCalls where it called too often
    actor = Actor(
        person.id,
        person.shown_name,
        person.email or "",
        person.is_site_admin,
        ActorKind.TOKEN,
        Door.API,
        frozenset(token.scopes),
        token.store_id,
    )
    if token.used_at is None or now - token.used_at > USED_EVERY:
        # A transaction of its own, before the work: the call may be refused, and was made nonetheless.
        leave_note(partial(note_used, token.id, now=now), commit=db.session.commit)
    return actor
