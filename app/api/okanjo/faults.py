"""What Okanjo's calls answer where they cannot do their work, and the blueprint that answers so."""

from typing import NamedTuple

from flask import Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPath

from app.actions.buyers_word import AlreadySaid
from app.api.okanjo.asked import REQUIRE_RATING
from app.api.shape import BadField, Dialect
from app.errors import ForeignStore, InvalidStatus, NotAllowed, NotFound, Refused

# What fields say that goes out as it is.
OWN_WORDS = frozenset({InvalidStatus.sentence, REQUIRE_RATING})
ONCE_ONLY = "Cannot leave Feedback for this product again"


class Says(NamedTuple):
    """What one call answers where it cannot do its work."""

    foreign: tuple[int, str]  # the store in the path is not the caller's
    absent: str  # 404
    broken: str  # 500


NO_RIGHT = (NotAllowed.status, NotAllowed.sentence)
NO_SALE, NO_ITEM, NO_ORDER = "Sale item not found.", "Order item not found.", "Order not found."
NO_FEEDBACK, BROKEN = "Feedback not found.", "System error."
SAYS = {
    "okanjo.sales": Says(NO_RIGHT, NO_SALE, "Failed to retrieve sale items."),
    "okanjo.sale": Says((404, NO_SALE), NO_SALE, "Failed to retrieve sale item."),
    "okanjo.move": Says(NO_RIGHT, NO_ITEM, BROKEN),
    "okanjo.bought_items": Says(NO_RIGHT, NO_ITEM, "Failed to retrieve order items."),
    "okanjo.bought_item": Says(NO_RIGHT, NO_ITEM, "Failed to retrieve order item."),
    "okanjo.receive": Says(NO_RIGHT, NO_ITEM, BROKEN),
    "okanjo.orders": Says(NO_RIGHT, NO_ORDER, "Failed to retrieve orders."),
    "okanjo.order": Says(NO_RIGHT, NO_ORDER, "Failed to retrieve order."),
    "okanjo.feedback_received": Says(NO_RIGHT, NO_FEEDBACK, BROKEN),
    "okanjo.one_received": Says((404, NO_FEEDBACK), NO_FEEDBACK, BROKEN),
    "okanjo.feedback_given": Says(NO_RIGHT, NO_FEEDBACK, BROKEN),
    "okanjo.one_given": Says(NO_RIGHT, NO_FEEDBACK, BROKEN),
    "okanjo.give": Says(NO_RIGHT, NO_ITEM, "Failed to save Feedback. Try again later"),
}
ELSEWHERE = Says(NO_RIGHT, "Not found.", "There was a problem with your request.")


def fault(error: Exception) -> tuple[int, object]:
    """Return the status and the error object of a failure (reference 1.6)."""
    status, sentence = _status_and_sentence(error, SAYS.get(request.endpoint or "", ELSEWHERE))
    return status, {"type": "error", "description": sentence}


def _status_and_sentence(error: Exception, says: Says) -> tuple[int, str]:
    """Return the status and the seed's sentence of a failure."""
    match error:
        case BadField(is_too_long=True):
            return 400, f"{error.name} too long."
        case BadField() if error.said in OWN_WORDS:
            return 400, error.said
        case ForeignStore():
            return says.foreign
        case NotFound():
            return 404, says.absent
        case AlreadySaid():
            return 400, ONCE_ONLY
        case Refused():
            return error.status, error.sentence
        case NoSuchPath() if request.path.endswith("/"):
            return 404, f"Don’t use trailing slashes. Try instead: {request.path.rstrip('/')}"
        case NoSuchPath():
            return 404, "Not found."
        case HTTPException(code=int(code)) if code < 500:
            # The kind's own words: an instance's may repeat what was sent.
            return code, type(error).description or error.name
        case _:
            return 500, says.broken


blueprint = Dialect("okanjo", __name__, fault=fault)


def counted(response: Response, total: int) -> Response:
    """Give a collection the header that counts all that match, paging aside."""
    response.headers["X-COLLECTION-COUNT"] = str(total)
    return response
