"""A call that is done once however often it comes: under the Idempotency-Key that its sender chose.

The answers are those of the IETF's draft "The Idempotency-Key HTTP Header Field": the same key and request
again, the same answer; another request, 422; still at work, 409; no key, 400.
"""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from flask import Response, request

from app import logs
from app.access import Actor
from app.actions.idempotency import Claim, Kept, claim, give_back, keep
from app.api.shape import as_json
from app.db import db
from app.errors import Refused
from app.forms.base import raw_body

KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
HEADER = "Idempotency-Key"


class KeyNeeded(Refused):
    """No key came, or none that can be kept."""

    sentence = f"Send the header {HEADER}: 1 to 255 visible ASCII characters, another one for each request."


def once(actor: Actor, work: Callable[[], tuple[int, object]]) -> Response:
    """Do the work of a call (status, value), commit it together with its answer, and answer.

    What is refused keeps no key: it may come again under the same one, mended.
    """
    assert actor.account_id is not None
    got = claim(actor.account_id, _key(), _fingerprint(), now=datetime.now(UTC))
    db.session.commit()
    if isinstance(got, Kept):
        logs.note(replayed=True)
        return _answer(got, is_replayed=True)
    try:
        status, value = work()
        kept = Kept(status, as_json(value))
        keep(got, kept)
        db.session.commit()
    except Exception:
        db.session.rollback()
        _give_back(got)
        raise
    return _answer(kept, is_replayed=False)


def _give_back(got: Claim) -> None:
    """Give a key back; where that fails too, it is free again after a while."""
    with suppress(Exception):
        give_back(got)
        db.session.commit()
    db.session.rollback()


def _key() -> str:
    """Return the key that was sent; KeyNeeded where there is none."""
    sent = request.headers.getlist(HEADER)
    if len(sent) != 1 or not KEY.fullmatch(sent[0]):
        raise KeyNeeded
    return sent[0]


def _fingerprint() -> str:
    """Return what tells this request from another one: method, path, query and the bytes of its body."""
    whole = json.dumps([request.method, request.full_path, request.mimetype]).encode() + raw_body()
    return hashlib.sha256(whole).hexdigest()


def _answer(kept: Kept, *, is_replayed: bool) -> Response:
    """Return an answer; one that was given before says so."""
    response = Response(kept.answer, kept.status, mimetype="application/json")
    if is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
