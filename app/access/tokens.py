"""One's own tokens: everybody may have some, for what they may do themselves, and for no more.

A token acts with its person's rights at the time of each call, so that making one needs no right.
"""

import re
from collections.abc import Sequence

from app.access import Actor
from app.errors import NotFound
from app.models import Store
from app.queries import people, tokens
from app.queries.people import StoreFacts
from app.queries.tokens import Own

PUBLIC_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


def find_token(actor: Actor, public_id: str) -> Own:
    """Return a token of the actor's own; NotFound for every other one, whether it exists or not."""
    is_person = actor.account_id is not None and actor.scopes is None
    found = tokens.one(actor.account_id, public_id) if is_person and PUBLIC_ID.fullmatch(public_id) else None
    if found is None:
        raise NotFound
    return found


def stores_within_reach(actor: Actor) -> Sequence[Store | StoreFacts]:
    """Return the stores for which the actor may have a token: where they work; site admins work in all."""
    if actor.is_site_admin:
        return [store for store in people.all_stores() if store.is_active]
    return people.stores_of(actor.account_id) if actor.account_id else []
