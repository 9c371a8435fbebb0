"""Lists of the whole site for its admins' programs: stores and accounts, by id, so many at a time."""

from collections.abc import Sequence

from sqlalchemy import func, select

from app.db import db
from app.models import Account, Store


def stores_after(store_id: int, most: int) -> Sequence[Store]:
    """Return at most so many stores with a greater id, by id."""
    rows = select(Store).where(Store.id > store_id).order_by(Store.id).limit(most)
    return db.session.scalars(rows).all()


def accounts_after(account_id: int, most: int, *, email: str | None = None) -> Sequence[Account]:
    """Return at most so many accounts with a greater id, by id; with this e-mail where one is asked for."""
    rows = select(Account).where(Account.id > account_id).order_by(Account.id).limit(most)
    if email is not None:
        rows = rows.where(func.lower(Account.email) == email.lower())
    return db.session.scalars(rows).all()


def store_called(slug: str) -> Store | None:
    """Return the store of this slug, in any case of its letters."""
    return db.session.scalar(select(Store).where(func.lower(Store.slug) == slug.lower().replace("\0", " ")))
