"""People: accounts and their sign-ins, members of stores, API tokens, and the buyers a store knows."""

from datetime import datetime
from typing import Any

from flask_security import UserMixin
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime
from app.statuses import Role


def shown_name(name: str, username: str | None, email: str | None, account_id: int) -> str:
    """Return an account's name, or what stands in for it."""
    return name or username or email or f"Account {account_id}"


class Account(Base, UserMixin):
    """One person who may sign in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(320))  # type: ignore[assignment]
    username: Mapped[str | None] = mapped_column(String(64))
    password: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255), default="")
    # Flask-Security reads `active`; everywhere else the flag is called is_active, as in the table.
    active: Mapped[bool] = mapped_column("is_active", default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    # Sealed (app.seals); a second factor counts once it was confirmed by a code.
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    second_factor_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    second_factor_step: Mapped[int | None] = mapped_column(BigInteger)  # of the last code: none counts twice
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(JSON)  # their hashes
    email_proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a link sent there was used
    is_site_admin: Mapped[bool] = mapped_column(default=False)
    # Whoever made the account answers for it that the e-mail is its person's.
    is_email_vouched: Mapped[bool] = mapped_column(default=True)
    zone: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(16))
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index("uq_account_email", func.lower(email), unique=True),
        Index("uq_account_username", func.lower(username), unique=True),
        {"sqlite_autoincrement": True},
    )

    # Rights stand in `member`, never in Flask-Security's roles.
    roles: tuple[()] = ()  # type: ignore[assignment]

    @property
    def shown_name(self) -> str:
        """Return the name, or what stands in for it."""
        return shown_name(self.name, self.username, self.email, self.id)


class Signin(Base):
    """One sign-in of a person in one browser: the server's side of the session."""

    __tablename__ = "signin"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(64), default="")  # "Firefox on Linux"
    address: Mapped[str] = mapped_column(String(64), default="")  # roughly: "203.0.113.…"

    __table_args__ = ({"sqlite_autoincrement": True},)


class Member(Base):
    """A person's place in a store."""

    __tablename__ = "member"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    rights: Mapped[list[str]] = mapped_column(JSON, default=list)

    __table_args__ = (CheckConstraint(f"role IN {tuple(r.value for r in Role)}", name="role"),)


OPEN_INVITATION = "state = 'open'"


class Invitation(Base):
    """A place in a store that is offered to whoever reads the mail of an address; answered once.

    The link in the mail is signed, and stands nowhere.
    """

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))  # in small letters
    role: Mapped[str] = mapped_column(String(16))
    rights: Mapped[list[str]] = mapped_column(JSON, default=list)
    invited_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16))

    __table_args__ = (
        CheckConstraint(f"role IN {tuple(r.value for r in Role)}", name="role"),
        Index(
            "uq_invitation_open",
            "store_id",
            "email",
            unique=True,
            sqlite_where=text(OPEN_INVITATION),
            postgresql_where=text(OPEN_INVITATION),
        ),
        {"sqlite_autoincrement": True},
    )


class ApiToken(Base):
    """A program's key to one person's rights, in one store or all of theirs; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(64), default="")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Buyer(Base):
    """Who bought, as one store knows them; joined to an account only by a proved e-mail."""

    __tablename__ = "buyer"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    external_ref: Mapped[str | None] = mapped_column(String(255))
    username: Mapped[str] = mapped_column(String(255), default="")
    name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str | None] = mapped_column(String(320))

    __table_args__ = (
        UniqueConstraint("id", "store_id"),
        UniqueConstraint("store_id", "channel", "external_ref"),
        UniqueConstraint("store_id", "account_id"),
        {"sqlite_autoincrement": True},
    )

    @property
    def shown_name(self) -> str:
        """Return the name that the store knows the buyer by."""
        return self.name or self.username or f"Buyer {self.id}"
