"""The guest link of a sale, as the sale's page shows it to whoever may send it on."""

from datetime import UTC, datetime
from typing import Any

from flask import current_app, request

from app.access import Desk, Permission
from app.models import Order
from app.queries.guests import links_of
from app.signing import guest_token
from app.web.clock import Clock


def may_have(desk: Desk) -> bool:
    """Tell whether somebody may have a link: it shows where the parcel goes, and what was paid."""
    return all(map(desk.may, (Permission.SHIP, Permission.SEE_PERSONAL, Permission.SEE_MONEY)))


def panel(desk: Desk, order: Order) -> dict[str, Any]:
    """Return what the panel shows: the address that works, until when, and whether it may be made anew."""
    if not may_have(desk) or not desk.store.guest_days:
        return {"guest": None}
    now = datetime.now(UTC)
    link = next((link for link in links_of(order.id) if link.works(now)), None)
    return {
        "guest": {
            "href": address(link.public_id) if link else "",
            "until": Clock(desk.store.zone).exact(link.expires_at, is_day_only=True) if link else "",
            "has_account": order.buyer.account_id is not None,
        }
    }


def address(public_id: str) -> str:
    """Return the address that a link has for the world."""
    token = guest_token(current_app.config["SECRET_KEY"], public_id)
    base = str(current_app.config["BASE_URL"]) or request.root_url
    return f"{base.rstrip('/')}/guest/{token}"
