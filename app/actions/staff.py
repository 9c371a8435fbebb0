"""A store's people: invited by mail, given and taken rights, removed; and those who leave by themselves.

What an actor may is asked anew under the store's lock: of two owners who remove each other at once the
second is nobody any more. The link in a mail is made when the mail is written, and stands nowhere.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from app.access import Actor, Desk, Permission, find_desk
from app.access.invited import OPEN, Invited, NoInvitation, invited
from app.access.rights import is_admin, is_owner, may_give
from app.actions.accounts import prove_email, set_password
from app.actions.ledger import Act
from app.actions.outbox import State
from app.actions.people import open_account
from app.actions.places import Place, member_of, seat, tell
from app.db import db
from app.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from app.models import Account, ApiToken, Invitation, Outbox
from app.queries import people, staff
from app.statuses import Role

LASTS = timedelta(days=7)
# A store that invites more is sending mail to strangers.
MOST_A_DAY = 100
MAIL = "invitation"


class WorksHere(Refused):
    """Who is invited is a member already."""

    status = 409
    sentence = "This person works here already: change their place below."


class TooManyInvitations(Refused):
    """The store sent as many invitations as one may in a day."""

    status = 409
    sentence = f"A store sends at most {MOST_A_DAY} invitations in 24 hours. Try again tomorrow."


class PlaceChanged(ChangedMeanwhile):
    """Somebody else changed this person's place since the form was opened."""

    sentence = "Somebody changed this person's place meanwhile, and nothing of yours was saved."


def invite(email: str, place: Place, *, desk: Desk, at: datetime | None = None) -> Invitation:
    """Offer a place to whoever reads the mail of an address; one that was offered before is replaced.

    NotAllowed for a place that the actor cannot give; WorksHere; TooManyInvitations.
    """
    with Act("invite", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        now_desk = _now(desk)
        if not may_give(now_desk, place.role, place.rights):
            raise NotAllowed
        known = people.account_by_email(email)
        if known is not None and member_of(act.store_id, known.id) is not None:
            raise WorksHere(field="email")
        if staff.count_invitations(act.store_id, act.at - timedelta(days=1)) >= MOST_A_DAY:
            raise TooManyInvitations
        for old in _open(act, Invitation.email == email.lower()):
            _answer(act, old, "withdrawn")
        assert desk.actor.account_id is not None  # nobody else has a desk
        invitation = Invitation(
            store_id=act.store_id,
            email=email.lower(),
            **place.kept,
            invited_by=desk.actor.account_id,
            created_at=act.at,
            expires_at=act.at + LASTS,
            state=OPEN,
        )
        db.session.add(invitation)
        db.session.flush()
        db.session.add(
            Outbox(
                store_id=act.store_id,
                kind=MAIL,
                due_at=act.at,
                state=State.DUE.value,
                payload={"invitation_id": invitation.id},
                dedupe=f"{MAIL}:{invitation.id}",
            )
        )
        tell(act, Invitation.__tablename__, invitation.id, None, place.kept)
        return invitation


def withdraw(invitation_id: int, *, desk: Desk, at: datetime | None = None) -> Invitation:
    """Take an invitation back: its link leads nowhere from now on. NotFound where it was answered."""
    with Act("withdraw_invitation", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        now_desk = _now(desk)
        found = _open(act, Invitation.id == invitation_id)
        if not found:
            raise NotFound
        place = Place.of(found[0].role, found[0].rights)
        if not may_give(now_desk, place.role, place.rights):
            raise NotAllowed
        _answer(act, found[0], "withdrawn")
        return found[0]


def withdraw_all(email: str, *, actor: Actor, at: datetime) -> None:
    """Take back what an address is invited to, in every store."""
    for store_id in staff.inviting(email):
        with Act("withdraw_invitation", actor=actor, store_id=store_id, at=at) as act:
            for found in _open(act, Invitation.email == email.lower()):
                _answer(act, found, "withdrawn")


def accept(offer: Invited, *, actor: Actor, at: datetime | None = None) -> None:
    """Take the place that was offered to this person. NoInvitation where it does not hold any more."""
    if not offer.is_for(actor):
        raise NotAllowed
    with Act("join", actor=actor, store_id=offer.store.id, at=at) as act:
        _take(act, offer, actor.account_id or 0)


def accept_as_new(
    offer: Invited, *, name: str, password_hash: str, actor: Actor, at: datetime | None = None
) -> Account:
    """Make the account of the address, or give it its first password, and take the place with it.

    What was open before ends, as with every new password. The link came by the address's own mail, so that
    the address is proved. NoInvitation as `accept`, and where the account can sign in by now.
    """
    with Act("join", actor=actor, store_id=offer.store.id, at=at) as act:
        now_offer = _still(act, offer)
        account = now_offer.account
        if now_offer.is_known:
            raise NoInvitation
        if account is None:
            account = open_account(offer.row.email, name=name, password_hash=password_hash)
        else:
            set_password(account.id, password_hash, was=account.fs_uniquifier, now=act.at)
            account.name = name
            db.session.flush()
        act.actor = Actor(account.id, account.shown_name, account.email or "", door=actor.door)
        _take(act, offer, account.id)
        return account


def decline(offer: Invited, *, actor: Actor, at: datetime | None = None) -> None:
    """Answer an invitation with no; whoever has its link may."""
    with Act("decline_invitation", actor=actor, store_id=offer.store.id, at=at) as act:
        _still(act, offer)
        _answer(act, _open(act, Invitation.id == offer.row.id)[0], "declined")


def change_place(account_id: int, place: Place, *, seen: str, desk: Desk, at: datetime | None = None) -> bool:
    """Give a member another role or other rights; tell whether anything differed.

    PlaceChanged where it is not the place that the actor saw; NotAllowed for what they cannot give or take;
    LastOwner.
    """
    with Act("change_place", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        was = _place_to_change(act, desk, account_id)
        if seen != fingerprint(was):
            raise PlaceChanged
        if not may_give(_now(desk), place.role, place.rights ^ was.rights):
            raise NotAllowed
        return seat(act, account_id, place)


def remove(account_id: int, *, desk: Desk, at: datetime | None = None) -> None:
    """Take a member's place away; LastOwner, NotAllowed for one that the actor could not give."""
    with Act("remove_member", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        place = _place_to_change(act, desk, account_id)
        if not may_give(_now(desk), place.role, place.rights):
            raise NotAllowed
        seat(act, account_id, None)


def leave(*, desk: Desk, at: datetime | None = None) -> None:
    """Give one's own place up; NotFound for who has none, LastOwner."""
    account_id = desk.actor.account_id
    with Act("leave", actor=desk.actor, store_id=desk.store.id, at=at) as act:
        if account_id is None or member_of(act.store_id, account_id) is None:
            raise NotFound
        seat(act, account_id, None)


def end_reaching_token(token_id: int, *, desk: Desk, at: datetime | None = None) -> bool:
    """End somebody's token that is for the store alone; tell whether it had not ended before.

    NotAllowed where it reaches other stores too.
    """
    with Act("end_token", actor=desk.acting, store_id=desk.store.id, at=at) as act:
        token = db.session.get(ApiToken, token_id)
        if token is None or token.store_id != act.store_id:
            raise NotAllowed
        ending = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
        ended = db.session.execute(ending.values(revoked_at=act.at).returning(ApiToken.id)).all()
        if ended:
            tell(act, ApiToken.__tablename__, token_id, {"ended": False}, {"ended": True})
        return bool(ended)


def fingerprint(place: Place) -> str:
    """Return what is equal as long as a place is."""
    return " ".join([place.role.value, *place.kept["rights"]])


def _now(desk: Desk) -> Desk:
    """Return the actor's desk as it is now, under the store's lock."""
    return find_desk(desk.actor, desk.store.id, to=Permission.STAFF)


def _place_to_change(act: Act, desk: Desk, account_id: int) -> Place:
    """Return a member's place that the actor may change; NotFound where there is no such member.

    NotAllowed for an owner's, and for one's own, to whoever does not own the store.
    """
    now_desk = _now(desk)
    member = member_of(act.store_id, account_id)
    if member is None:
        raise NotFound
    place = Place.of(member.role, member.rights)
    is_beyond = place.role is Role.OWNER or account_id == desk.actor.account_id
    if is_beyond and not (is_owner(now_desk) or is_admin(now_desk)):
        raise NotAllowed
    return place


def _open(act: Act, which: object) -> list[Invitation]:
    """Return the store's open invitations of which this holds, as they are now."""
    found = select(Invitation).where(Invitation.store_id == act.store_id, Invitation.state == OPEN, which)  # type: ignore[arg-type]
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def _still(act: Act, offer: Invited) -> Invited:
    """Return an offer as it is now, under the store's lock; NoInvitation where it does not hold any more."""
    found = staff.invitation(offer.row.id)
    if found is None:
        raise NoInvitation
    return invited(found, act.at)


def _take(act: Act, offer: Invited, account_id: int) -> None:
    """Answer an invitation with yes; who has a place by now keeps it.

    The link came by the mail of the account's address, so that the address is proved.
    """
    _still(act, offer)
    _answer(act, _open(act, Invitation.id == offer.row.id)[0], "accepted")
    prove_email(db.session.get_one(Account, account_id), now=act.at)
    if member_of(act.store_id, account_id) is None:
        seat(act, account_id, Place.of(offer.row.role, offer.row.rights))


def _answer(act: Act, invitation: Invitation, how: str) -> None:
    """Note what became of an invitation."""
    invitation.state = how
    db.session.flush()
    tell(act, Invitation.__tablename__, invitation.id, {"state": OPEN}, {"state": how})
