"""Sign-ins that were made through the page once, and are put back into each new database."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask

from app.db import db
from app.models import Signin

NAMES = ("token_hash", "account_id", "created_at", "expires_at")


def newest(app: Flask) -> dict[str, Any]:
    """Return the row of the sign-in that was made last."""
    with app.app_context():
        row = db.session.query(Signin).order_by(Signin.id.desc()).first()
        assert row is not None
        return {name: getattr(row, name) for name in NAMES}


def put_back(app: Flask, row: dict[str, Any]) -> None:
    """Let a sign-in be there, as one that is in use just now."""
    with app.app_context():
        if not db.session.query(Signin).filter_by(token_hash=row["token_hash"]).count():
            db.session.add(Signin(**row, seen_at=datetime.now(UTC)))
            db.session.commit()
