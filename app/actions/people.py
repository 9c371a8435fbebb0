"""Accounts, stores, sign-ins and tokens: who there is, and how they prove it."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from app.access import SYSTEM, Actor
from app.actions.ledger import Act
from app.actions.places import Place, seat
from app.db import db, take_write_lock
from app.errors import Refused
from app.models import Account, ApiToken, Buyer, Signin, Store
from app.queries import tokens
from app.queries.people import StoreFacts
from app.statuses import Role

SEEN_EVERY = timedelta(minutes=5)
USED_EVERY = timedelta(hours=1)
# As many as anybody can keep apart; beyond that a program makes them.
MOST_TOKENS = 100


class TooManyTokens(Refused):
    """The person has as many tokens as one may have."""

    sentence = (
        f"You have {MOST_TOKENS} tokens that work. End one that you no longer need, then make this one."
    )


def secret_hash(secret: str) -> str:
    """Return what the database keeps of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def public_id_of(token: str) -> str:
    """Return the public id that stands in a token: its name where it signs."""
    return token.split("_")[1]


def signing_secret(secret_key: str, public_id: str) -> str:
    """Return what a program signs its requests with under a token's public id.

    It follows from the desk's own secret and is kept nowhere; it ends with its token.
    """
    text = f"signing secret of {public_id}"
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def open_account(
    email: str,
    *,
    name: str = "",
    password_hash: str | None = None,
    is_site_admin: bool = False,
    is_vouched: bool = True,
) -> Account:
    """Make an account; `password_hash` comes from the sign-in library, None means: cannot sign in yet.

    `is_vouched`: whoever makes the account answers for it that the e-mail is its person's.
    """
    account = Account(
        email=email.lower(),
        name=name,
        password=password_hash,
        fs_uniquifier=secrets.token_hex(32),
        is_site_admin=is_site_admin,
        is_email_vouched=is_vouched,
        preferences={},
    )
    db.session.add(account)
    db.session.flush()
    return account


def let_run_the_site(account: Account) -> None:
    """Make an account a site admin's; its tokens end, for they were made for a few stores, not for all."""
    take_write_lock()
    account.is_site_admin = True
    end_tokens(account.id, now=datetime.now(UTC))
    db.session.flush()


def end_tokens(account_id: int, *, now: datetime) -> None:
    """End all tokens of an account; the write lock is held."""
    working = ApiToken.account_id == account_id, ApiToken.revoked_at.is_(None)
    db.session.execute(update(ApiToken).where(*working).values(revoked_at=now))


def open_store(
    slug: str,
    name: str,
    *,
    currency: str = "USD",
    zone: str = "UTC",
    is_vendor: bool = False,
    commission_bp: int = 0,
) -> Store:
    """Make a store."""
    store = Store(
        slug=slug,
        name=name,
        currency=currency,
        zone=zone,
        is_vendor=is_vendor,
        commission_bp=commission_bp,
    )
    db.session.add(store)
    db.session.flush()
    return store


def join(
    store: Store | StoreFacts,
    account: Account,
    role: Role,
    *,
    actor: Actor = SYSTEM,
    at: datetime | None = None,
) -> None:
    """Give an account its place in a store; a place it has already changes to this role.

    LastOwner where the store would be left without one.
    """
    with Act("join", actor=actor, store_id=store.id, at=at) as act:
        seat(act, account.id, Place.of(role))


def join_buyer(buyer: Buyer, account: Account) -> None:
    """Let an account see what this buyer bought: only for an account whose e-mail is proved."""
    buyer.account_id = account.id
    db.session.flush()


def open_signin(
    account_id: int, *, now: datetime, lasts: timedelta, browser: str = "", address: str = ""
) -> str:
    """Begin a sign-in and return its secret, of which the database keeps the hash alone."""
    take_write_lock()
    secret = secrets.token_urlsafe(32)
    db.session.add(
        Signin(
            token_hash=secret_hash(secret),
            account_id=account_id,
            created_at=now,
            seen_at=now,
            expires_at=now + lasts,
            browser=browser,
            address=address,
        )
    )
    db.session.flush()
    return secret


def end_signin(secret: str, *, now: datetime) -> None:
    """End a sign-in for good."""
    take_write_lock()
    db.session.execute(
        update(Signin)
        .where(Signin.token_hash == secret_hash(secret), Signin.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_signins(
    account_id: int, *, now: datetime, one: int | None = None, but: int | None = None
) -> list[int]:
    """End all sign-ins of an account, `one` of them, or all `but` one; return the ids of those ended now."""
    take_write_lock()
    which = [Signin.account_id == account_id, Signin.ended_at.is_(None), Signin.expires_at > now]
    if one is not None:
        which.append(Signin.id == one)
    if but is not None:
        which.append(Signin.id != but)
    ending = update(Signin).where(*which).values(ended_at=now).returning(Signin.id)
    return sorted(db.session.scalars(ending.execution_options(synchronize_session=False)))


def note_seen(signin_id: int, *, now: datetime) -> None:
    """Note that a sign-in is in use (asked for at most every five minutes)."""
    db.session.execute(update(Signin).where(Signin.id == signin_id).values(seen_at=now))


def note_used(token_id: int, *, now: datetime) -> None:
    """Note that a token is in use (asked for at most every hour)."""
    db.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=now))


def make_token(
    account: Account,
    store: Store | StoreFacts | None,
    scopes: list[str],
    *,
    name: str = "",
    lasts: timedelta | None = None,
) -> str:
    """Make a token and return it; it cannot be had again. `lasts`: None is for ever.

    TooManyTokens where the person has MOST_TOKENS that work.
    """
    take_write_lock()
    now = datetime.now(UTC)
    # Whoever makes another one for them at the same time waits here.
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    if tokens.count_working(account.id, now) >= MOST_TOKENS:
        raise TooManyTokens
    public_id = secrets.token_hex(8)
    secret = f"tp_{public_id}_{secrets.token_urlsafe(32)}"
    db.session.add(
        ApiToken(
            account_id=account.id,
            store_id=store.id if store else None,
            public_id=public_id,
            name=name,
            token_hash=secret_hash(secret),
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=now + lasts if lasts else None,
        )
    )
    db.session.flush()
    return secret


def end_token(token_id: int, *, now: datetime) -> bool:
    """End a token for good, and tell whether it had not ended before: the next call with it is refused."""
    take_write_lock()
    ending = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
    return bool(db.session.execute(ending.values(revoked_at=now).returning(ApiToken.id)).all())
