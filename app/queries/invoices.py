"""What an invoice says beside its order: who sends it."""

from typing import Any

from sqlalchemy import bindparam, select

from app.db import rows_of
from app.models import Store

_ISSUER = select(Store.name, Store.legal_name, Store.address, Store.vat_id, Store.zone).where(
    Store.id == bindparam("store")
)


def issuer(store_id: int) -> Any:
    """Return a store as its invoices name it (name, legal_name, address, vat_id) and its zone."""
    return rows_of(_ISSUER, {"store": store_id})[0]
