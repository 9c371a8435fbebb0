"""All stores, as site admins look for them."""

from sqlalchemy import func, literal, or_, select, tuple_

from app.db import db
from app.models import Store

PAGE = 50


def page(asked: str, after: int | None) -> tuple[list[Store], bool]:
    """Return stores in whose name or slug these words stand, by name; tell whether more follow.

    `after`: the id of the store behind which the list goes on.
    """
    found = select(Store).order_by(Store.name, Store.id).limit(PAGE + 1)
    for word in asked.lower().replace("\0", " ").split():
        texts = (func.lower(text) for text in (Store.name, Store.slug))
        found = found.where(or_(*(text.contains(word, autoescape=True) for text in texts)))
    if after is not None:
        last = select(Store.name).where(Store.id == after).scalar_subquery()
        found = found.where(tuple_(Store.name, Store.id) > tuple_(last, literal(after)))
    stores = list(db.session.scalars(found))
    return stores[:PAGE], len(stores) > PAGE


def count() -> int:
    """Return how many stores there are."""
    return db.session.scalar(select(func.count(Store.id))) or 0
