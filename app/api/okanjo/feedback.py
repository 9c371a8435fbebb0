"""What buyers say of what they bought, in Okanjo's words: what a store received, what the caller gave.

Okanjo shows a store's feedback to everybody; here it is the store's own, as all that its buyers say.
"""

from collections.abc import Sequence

from flask import Response

from app.access import READ, WRITE, Permission, find_desk
from app.access.bought import find_bought_item, find_purchaser
from app.actions.buyers_word import review
from app.api.okanjo.asked import PartForm, ReviewForm
from app.api.okanjo.faults import blueprint, counted
from app.api.okanjo.objects import FEEDBACK, Author, Said
from app.api.okanjo.signing import asking
from app.api.shape import answer, judged_body, judged_query, row_id, store_id
from app.db import db
from app.errors import NotAllowed, NotFound
from app.forms.base import Form
from app.forms.fields import read_id
from app.queries.told_purchases import Reviewed, Reviews


@blueprint.get("/stores/<store>/feedback")
def feedback_received(store: str) -> Response:
    """Answer what buyers said to a store, most recent first."""
    return _listed(_received(store))


@blueprint.get("/stores/<store>/feedback/<item>")
def one_received(store: str, item: str) -> Response:
    """Answer what the buyer of an item said to its store."""
    return _one(_received(store), item)


@blueprint.get("/users/<user>/feedback")
def feedback_given(user: str) -> Response:
    """Answer what the caller said of what they bought, most recent first."""
    return _listed(_given(user))


@blueprint.get("/users/<user>/feedback/<item>")
def one_given(user: str, item: str) -> Response:
    """Answer what the caller said of an item that they bought."""
    return _one(_given(user), item)


@blueprint.put("/users/<user>/feedback/<item>")
def give(user: str, item: str) -> Response:
    """Say how an item was: once, when it is complete."""
    actor = asking()
    who = find_purchaser(actor, scope=WRITE, account_id=_user_id(user))
    found = find_bought_item(who, row_id(item)).row
    form = judged_body(ReviewForm)
    review(
        found.order_id,
        found.id,
        form.rating.data,
        form.feedback.data or "",
        actor=actor,
        store_id=found.store_id,
    )
    db.session.commit()
    return answer({"type": "success"})


def _received(store: str) -> Reviews:
    """Return what was said to a store of the caller's."""
    desk = find_desk(asking(), store_id(store), to=Permission.SEE_SALES)
    return Reviews.received(desk.store.id, only_deals=desk.only_deals)


def _given(user: str) -> Reviews:
    """Return what the caller said, who must be the user of the path."""
    return Reviews.given(find_purchaser(asking(), scope=READ, account_id=_user_id(user)))


def _user_id(text: str) -> int:
    """Return the user's id of a path; a text that is none is another user like any other."""
    try:
        return read_id(text)
    except ValueError:
        raise NotAllowed from None


def _listed(reviews: Reviews) -> Response:
    """Answer a part of a collection of feedback."""
    form = judged_query(PartForm)
    count, found = reviews.part(form.part())
    return counted(answer(_json(found)), count)


def _one(reviews: Reviews, item: str) -> Response:
    """Answer the feedback on an item."""
    found = reviews.one(row_id(item))
    if found is None:
        raise NotFound
    judged_query(Form)
    return answer(_json([found])[0])


def _json(found: Sequence[Reviewed]) -> list[dict[str, object]]:
    """Return Feedback objects."""
    return [{name: give(_said(one)) for name, give in FEEDBACK.items()} for one in found]


def _said(one: Reviewed) -> Said:
    """Return a row as the object's fields take it."""
    author = Author(one.item_id, one.buyer_id, one.buyer_username, one.buyer_name)
    return Said(one, author, one.store_id, one.store_name)
