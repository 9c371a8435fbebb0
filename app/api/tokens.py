"""Tokens: how a program says whose rights it uses.

`Authorization: Bearer <token>` everywhere; beside it a dialect takes what its source has, by `held`, or by
`keyed` and `is_signed`. No cookie. The database keeps hashes, and of what signs nothing at all.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import partial

from flask import current_app, request

from app import logs
from app.access import Actor
from app.actions.people import USED_EVERY, note_used, secret_hash, signing_secret
from app.api import rates
from app.db import db
from app.errors import Refused
from app.queries import people
from app.queries.people import TokenRow
from app.standing import leave_note
from app.statuses import ActorKind, Door

SECRET = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
BEARER = re.compile(rf"bearer ({SECRET.pattern})", re.ASCII | re.IGNORECASE)
KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)


class TokenNeeded(Refused):
    """No token was sent (Okanjo's own sentence, reference 1.6)."""

    status = 401
    sentence = "User token required for this operation."


class TokenRefused(Refused):
    """What was sent is no token that holds (Okanjo's own sentence, reference 1.6)."""

    status = 401
    sentence = "Invalid or expired user token."


def asking(*, header: str = "", parameter: str = "") -> Actor:
    """Return the person whose token came with the request, with what the token may.

    `header` and `parameter` (of the query string) name the dialect's own ways to send one. TokenNeeded where
    none came; TokenRefused where it is none of ours, has ended, or its person has, or two came.
    """
    sent = _secrets(header, parameter)
    if not sent:
        raise TokenNeeded
    return acting(held(sent[0]) if len(sent) == 1 and sent[0] else None)


def held(secret: str) -> TokenRow | None:
    """Return the token that a text is, while it is good; None where it is none."""
    return people.token(secret_hash(secret), datetime.now(UTC)) if SECRET.fullmatch(secret) else None


def keyed(public_id: str) -> TokenRow | None:
    """Return the token that a program names to sign with, while it is good; None where there is none."""
    return people.token_of_key(public_id, datetime.now(UTC)) if KEY.fullmatch(public_id) else None


def is_signed(token: TokenRow, signed: bytes, signature: str) -> bool:
    """Tell whether a signature is that of these bytes: HMAC-SHA-256 in lower-case hex.

    The secret follows from the desk's own and the token's public id (law 4); the time it takes tells nothing.
    """
    secret = signing_secret(str(current_app.secret_key), token.public_id)
    right = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode())


def acting(token: TokenRow | None) -> Actor:
    """Return the person whose token it is, with what it may; TokenRefused for none. Its use is noted."""
    if token is None:
        raise TokenRefused
    person, now = token.person, datetime.now(UTC)
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


def _secrets(header: str, parameter: str) -> list[str | None]:
    """Return the secrets that came, by each way; None for what can be none."""
    bearer = request.headers.get("Authorization")
    found = [] if bearer is None else [m[1] if (m := BEARER.fullmatch(bearer)) else None]
    own = request.headers.getlist(header) if header else []
    own += request.args.getlist(parameter) if parameter else []
    return found + [text if SECRET.fullmatch(text) else None for text in own]
