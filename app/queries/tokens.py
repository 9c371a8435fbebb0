"""One's own tokens, as their page lists them. Who asks by a token is found in `people`."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from app.db import db, rows_of
from app.models import ApiToken, Store

# Of those that are over, so many are still shown.
MOST_SHOWN = 200


class Own(NamedTuple):
    """A token as its person sees it; `store` is the name of the only one that it reaches."""

    id: int
    public_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    store_id: int | None
    store: str | None


def works() -> ColumnElement[bool]:
    """Return what holds of a token that may be used at the parameter `now`."""
    is_in_time = or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now"))
    return and_(ApiToken.revoked_at.is_(None), is_in_time)


_OWN = (
    select(*(getattr(ApiToken, name) for name in Own._fields[:-1]), Store.name)
    .outerjoin(Store, Store.id == ApiToken.store_id)
    .where(ApiToken.account_id == bindparam("account"))
)
_LISTED = _OWN.order_by(works().desc(), ApiToken.id.desc()).limit(MOST_SHOWN)
_ONE = _OWN.where(ApiToken.public_id == bindparam("public_id"))
_COUNT = select(func.count()).where(ApiToken.account_id == bindparam("account"), works())


def of_account(account_id: int, now: datetime) -> list[Own]:
    """Return the tokens of an account: those that work, then those that are over, each newest first."""
    return [Own(*row) for row in rows_of(_LISTED, {"account": account_id, "now": now})]


def one(account_id: int | None, public_id: str) -> Own | None:
    """Return a token of an account by its public id; None where it has none of this id."""
    return next((Own(*row) for row in rows_of(_ONE, {"account": account_id, "public_id": public_id})), None)


def count_working(account_id: int, now: datetime) -> int:
    """Count the tokens of an account that work."""
    return db.session.connection().execute(_COUNT, {"account": account_id, "now": now}).scalar_one()
