"""Ways in besides a password: who somebody is at a provider of sign-ins, and links that let one person in."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Identity(Base):
    """Who an account's person is at an OpenID Connect issuer: its `sub`, which never passes to another."""

    __tablename__ = "identity"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        # An e-mail that passed to somebody else at the issuer opens no account of before.
        UniqueConstraint("account_id", "issuer"),
        {"sqlite_autoincrement": True},
    )


class Handoff(Base):
    """A link by which a marketplace hands one signed-in person to the desk, once; its key is kept hashed."""

    __tablename__ = "handoff"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    made_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    path: Mapped[str] = mapped_column(String(2000))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = ({"sqlite_autoincrement": True},)
