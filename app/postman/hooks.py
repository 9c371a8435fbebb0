"""The postman of webhooks: posts what the outbox owes to programs, one message after the other.

A message is claimed, signed, posted, and its end is written down, each in a transaction of its own. Its id
is the same however often it is sent: whoever gets it twice can tell. An address that cannot be reached keeps
the messages to others no longer than one try of a round.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import current_app

from app.actions import hooks, outbox
from app.actions.outbox import Claim, first_of
from app.config import VERSION
from app.db import db
from app.outward import NotDelivered, post, target_of
from app.postman import end, never, report
from app.queries import webhooks
from app.signing import derived, signature, webhook_secret

# Who is told that it is gone does not want to be told again.
GONE = 410


class Message(NamedTuple):
    """What is posted: its bytes, with the headers that sign them."""

    body: bytes
    headers: dict[str, str]


def go_round(is_stopping: Callable[[], bool] = never) -> None:
    """Post all that is due, until told to stop; whom one message did not reach gets no more this time."""
    lost: set[int] = set()
    tried: set[int] = set()
    while due := [row_id for row_id in hooks.ripe(lost) if row_id not in tried]:
        for row_id in due:
            if is_stopping():
                return
            tried.add(row_id)
            webhook_id = deliver(row_id)
            if webhook_id is not None:
                lost.add(webhook_id)
                break


def deliver(row_id: int) -> int | None:
    """Post one message, unless it is not due or another worker is at it; the webhook's id if not reached."""
    claim = outbox.claim(row_id)
    db.session.commit()
    if claim is None:
        return None
    hook = webhooks.address_of(claim.webhook_id or 0)
    db.session.rollback()  # nothing of the database is held while the server is spoken to
    if hook is None or hook.ended_at is not None:
        end(outbox.drop, claim, "The webhook was ended before.")
        return None
    try:
        return _posted(claim, hook)
    except Exception as error:
        report(claim, error, "message")
        end(outbox.put_off, claim, "The message could not be sent.")
        return None


def _posted(claim: Claim, hook: webhooks.Hook) -> int | None:
    """Post a claimed message and write its end down; the webhook's id if it was not reached."""
    settings = current_app.config
    may_be_private = settings["WEBHOOK_PRIVATE"]
    try:
        target = target_of(hook.url, may_be_private=may_be_private)
    except ValueError as refused:
        end(outbox.put_off, claim, str(refused))
        return None
    signed = message(claim, hook, int(time.time()))
    try:
        answer = post(
            target,
            signed.body,
            signed.headers,
            seconds=settings["WEBHOOK_TIMEOUT"],
            may_be_private=may_be_private,
        )
    except NotDelivered as lost:
        end(outbox.put_off, claim, lost.words, is_doubtful=lost.is_doubtful)
        return claim.webhook_id if lost.is_unreachable else None
    if 200 <= answer < 300:
        end(outbox.sent, claim, hook.url[:320], answer)
        return None
    aside = " Redirects are not followed." if 300 <= answer < 400 else ""
    words = f"The server answered {answer}.{aside}"
    end(outbox.put_off, claim, words, is_final=answer == GONE, answer=answer)
    return None


def message(claim: Claim, hook: webhooks.Hook, now: int) -> Message:
    """Return a message as it is posted now (Standard Webhooks); its id is the same at every try."""
    key = str(current_app.config["SECRET_KEY"])
    message_id = f"msg_{derived(key, f'message:{hook.public_id}:{first_of(claim.dedupe)}').hex()[:32]}"
    body = written(claim.payload["body"])
    secrets = (
        webhook_secret(key, hook.store_id, hook.public_id, number)
        for number in hook.numbers(datetime.fromtimestamp(now, UTC))
    )
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Tradepost/{VERSION}",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signature(secret, message_id, now, body) for secret in secrets),
    }
    return Message(body, headers)


def written(body: dict[str, Any]) -> bytes:
    """Return a message's body as bytes, the same for the same words."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
