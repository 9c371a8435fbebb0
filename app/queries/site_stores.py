"""All stores, as site admins look for them."""

from sqlalchemy import func, literal, select, tuple_

from app.db import db
from app.models import Store
from app.queries.site_people import holding

PAGE = 50


def page(asked: str, after: int | None, only: int | None) -> tuple[list[Store], bool]:
    """Return stores in whose name or slug these words stand, by name; tell whether more follow.

    `after`: the id of the store behind which the list goes on; `only`: that of the one store to return.
    """
    found = select(Store).where(*holding(asked, Store.name, Store.slug))
    if only is not None:
        found = found.where(Store.id == only)
    if after is not None:
        last = select(Store.name).where(Store.id == after).scalar_subquery()
        found = found.where(tuple_(Store.name, Store.id) > tuple_(last, literal(after)))
    stores = list(db.session.scalars(found.order_by(Store.name, Store.id).limit(PAGE + 1)))
    return stores[:PAGE], len(stores) > PAGE


def count() -> int:
    """Return how many stores there are."""
    return db.session.scalar(select(func.count(Store.id))) or 0
