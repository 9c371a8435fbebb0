"""A person's data, given out or erased: on behalf of the person, by whoever runs the site.

Both leave an event that names ids alone. Erasing cannot be undone.
"""

import json
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, func, or_, select, update

from app.access import Actor
from app.actions.forgetting import blank, forget_buyers
from app.actions.kept import WRITE_EVENTS
from app.actions.ledger import Act
from app.actions.places import seat
from app.actions.site import keep_an_admin
from app.actions.staff import MAIL, withdraw_all
from app.db import db, take_write_lock
from app.errors import NotFound, Refused
from app.models import (
    Account,
    Address,
    ApiToken,
    Buyer,
    Handoff,
    Idempotency,
    Identity,
    Invitation,
    Job,
    JobRow,
    Outbox,
    Pull,
    Signin,
)
from app.queries import persons
from app.queries.persons import Known

EXPORT, ERASE = "export_person", "erase_person"
# Shorter words than this one are found in files by chance.
SHORTEST_NAME = 4
MOST_NAMED = 10


class Unknown(NotFound):
    """Nobody is known by the address."""

    sentence = "Nothing is known here of a person with this e-mail address."


class OwnsAlone(Refused):
    """The person is the only owner of a store."""

    status = 409


class StillToShip(Refused):
    """The person bought what is still to be sent, and where to would be gone."""

    status = 409


class Told(NamedTuple):
    """What the desk holds of a person, and whom that is about, in ids: for the log."""

    everything: dict[str, Any]
    ids: dict[str, Any]


def export_person(email: str, *, actor: Actor, at: datetime | None = None) -> Told:
    """Return all that the desk holds of a person (see queries.persons); Unknown where that is nothing."""
    take_write_lock()
    person = _known(email)
    now = at or datetime.now(UTC)
    told = persons.everything(person)
    _note(EXPORT, actor, now, ("person", person.ids["account_id"]), (None, person.ids))
    return Told({"told_at": now.isoformat(), **told}, person.ids)


def erase_person(
    email: str, *, actor: Actor, is_anyway: bool = False, at: datetime | None = None
) -> dict[str, Any]:
    """Erase what the desk holds of a person, for good; return whom it was, in ids.

    Money, numbers and history stay. Unknown where nobody is known by the address; OwnsAlone where a store
    would be nobody's, LastAdmin where the site would; StillToShip where something is to be sent to them,
    unless `is_anyway`.
    """
    take_write_lock()
    now = at or datetime.now(UTC)
    person = _known(email)
    account = person.account
    if account and (alone := persons.stores_alone(account.id)):
        raise OwnsAlone(f"They alone own {_listed(alone)}: let somebody else own that first.")
    if account:
        keep_an_admin(account)
    if not is_anyway and (waiting := persons.to_ship(person)):
        raise StillToShip(f"Still to be sent to them: {_listed(waiting)}. Ship or cancel that first.")
    needles = _needles(person)
    for store_id, order_ids in person.orders.items():
        buyers = [buyer_id for buyer_id, at_store in person.buyers.items() if at_store == store_id]
        forget_buyers(order_ids, actor=actor, store_id=store_id, buyers=buyers, at=now)
    at_parcels = update(Address).where(func.lower(Address.email) == person.email.lower())
    db.session.execute(at_parcels.values(email=""))
    _forget_files(person, needles)
    _forget_remarks(person, needles)
    if account:
        _forget_account(account, actor, now)
    _forget_mails(person.email, actor, now)
    _note(ERASE, actor, now, ("person", person.ids["account_id"]), (None, person.ids))
    return person.ids


def _known(email: str) -> Known:
    """Return whom the desk knows by an address; Unknown."""
    person = persons.known(email)
    if person.is_nobody:
        raise Unknown
    return person


def _listed(names: Collection[str]) -> str:
    """Name some things, and say how many more there are."""
    shown, more = list(names)[:MOST_NAMED], len(names) - MOST_NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _needles(person: Known) -> set[str]:
    """Return the words by which a person is found in files and in what was said of them, folded."""
    names = db.session.execute(select(Buyer.name, Buyer.username).where(Buyer.id.in_(person.buyers)))
    words = {person.email, *(word for row in names for word in row)}
    return {word.lower() for word in words if len(word) >= SHORTEST_NAME}


def _forget_files(person: Known, needles: set[str]) -> None:
    """Drop what imports keep of a person: files not brought in yet, and reports that quote them."""
    stores = [*person.orders]
    kept = select(Job.id, Job.source).where(
        Job.store_id.in_(stores), Job.source.is_not(None), Job.state != "running"
    )
    naming = [
        row.id
        for row in db.session.execute(kept)
        if any(needle in row.source.decode("utf-8", "replace").lower() for needle in needles)
    ]
    db.session.execute(update(Job).where(Job.id.in_(naming)).values(source=None, state="lapsed"))
    of_stores = JobRow.job_id.in_(select(Job.id).where(Job.store_id.in_(stores)))
    orders = [order_id for ids in person.orders.values() for order_id in ids]
    quoting = [func.lower(JobRow.reason).contains(needle, autoescape=True) for needle in sorted(needles)]
    blank(JobRow, of_stores, or_(JobRow.order_id.in_(orders), *quoting))
    # Answers of the intake repeat a note, those of the site an address; nothing is done twice all the same.
    repeating = [f'"order_id":{order_id},' for order_id in orders] + [json.dumps(person.email.lower())]
    blank(Idempotency, or_(*(Idempotency.answer.contains(text, autoescape=True) for text in repeating)))


def _forget_remarks(person: Known, needles: set[str]) -> None:
    """Drop what pulls from a marketplace remarked of a person."""
    kept = select(Pull.id, Pull.remarks).where(Pull.store_id.in_([*person.orders]))
    naming = [
        row.id
        for row in db.session.execute(kept)
        if any(needle in json.dumps(row.remarks, ensure_ascii=False).lower() for needle in needles)
    ]
    blank(Pull, Pull.id.in_(naming))


def _forget_account(account: Account, actor: Actor, now: datetime) -> None:
    """Leave of an account the row that the history points to: nobody signs in by it any more."""
    account_id = account.id
    for store_id in persons.places_of(account_id):
        with Act("remove_member", actor=actor, store_id=store_id, at=now) as act:
            seat(act, account_id, None)
    for model in (Signin, Identity, Handoff):
        db.session.execute(delete(model).where(model.account_id == account_id))
    ended = func.coalesce(ApiToken.revoked_at, now)
    blank(ApiToken, ApiToken.account_id == account_id, revoked_at=ended)
    for verb, flag, was in (
        ("unmake_admin", "is_site_admin", account.is_site_admin),
        ("disable_person", "is_active", account.active),
    ):
        if was:
            _note(verb, actor, now, (Account.__tablename__, account_id), ({flag: True}, {flag: False}))
    blank(
        Account,
        Account.id == account_id,
        password=None,
        fs_uniquifier=secrets.token_hex(32),
        tf_primary_method=None,
        tf_totp_secret=None,
        second_factor_at=None,
        mf_recovery_codes=None,
        email_proved_at=None,
        is_active=False,
        is_site_admin=False,
    )
    db.session.expire(account)


def _forget_mails(email: str, actor: Actor, now: datetime) -> None:
    """Drop mails of the site to an address, and withdraw what it was invited to."""
    withdraw_all(email, actor=actor, at=now)
    invited = select(Invitation.id).where(Invitation.email == email.lower())
    of_account = Outbox.store_id.is_(None), func.lower(Outbox.payload["email"].as_string()) == email.lower()
    of_invitation = Outbox.kind == MAIL, Outbox.payload["invitation_id"].as_integer().in_(invited)
    db.session.execute(delete(Outbox).where(or_(and_(*of_account), and_(*of_invitation))))
    blank(Invitation, Invitation.email == email.lower())


def _note(
    verb: str,
    actor: Actor,
    now: datetime,
    row: tuple[str, int | None],
    change: tuple[dict[str, Any] | None, dict[str, Any]],
) -> None:
    """Write an event of the site: it belongs to no store, and carries ids alone.

    `row` is its kind and id, `change` what was before and what is after.
    """
    event = {
        "store_id": None,
        "order_id": None,
        "item_id": None,
        "parcel_id": None,
        "row_kind": row[0],
        "row_id": row[1],
        "act_id": secrets.randbits(62),
        "actor_id": actor.account_id,
        "actor_kind": actor.kind.value,
        "door": actor.door.value,
        "verb": verb,
        "before": change[0],
        "after": change[1],
        "at": now,
    }
    db.session.connection().execute(WRITE_EVENTS, [event])
