"""What the site's door answers: stores, accounts, places, links."""

from typing import Any

from app.models import Account, Store
from app.statuses import Role


def store_json(store: Store) -> dict[str, Any]:
    """Return a store."""
    return {
        "id": store.id,
        "slug": store.slug,
        "name": store.name,
        "currency": store.currency,
        "zone": store.zone,
        "is_vendor": store.is_vendor,
        "is_active": store.is_active,
    }


def member_json(store: Store, account: Account, role: Role) -> dict[str, Any]:
    """Return somebody's place in a store."""
    return {"store": store.slug, "account_id": account.id, "email": account.email, "role": role.value}


def account_json(account: Account) -> dict[str, Any]:
    """Return an account."""
    return {
        "id": account.id,
        "email": account.email,
        "username": account.username,
        "name": account.name,
        "is_active": account.active,
        "is_site_admin": account.is_site_admin,
        "is_email_proved": account.is_email_vouched,
    }
