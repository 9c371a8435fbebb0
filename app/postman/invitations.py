"""The mail that invites somebody to a store, with the link that is made here and kept nowhere."""

from datetime import UTC, datetime

from flask import current_app

from app.access.invited import PURPOSE, NoInvitation, invited
from app.actions.outbox import Claim
from app.postman.account_words import site
from app.postman.words import Letter, NothingToTell, address, one_line
from app.queries import staff
from app.queries.mails import sender
from app.seals import signed
from app.statuses import Role

AS = {Role.OWNER: "an owner", Role.STAFF: "staff", Role.VENDOR: "a vendor, who redeems its deals"}


def invitation_letter(claim: Claim) -> Letter:
    """Return the letter of an invitation; NothingToTell where it does not hold any more."""
    found, store = staff.invitation(claim.payload["invitation_id"]), sender(claim.store_id)
    try:
        offer = invited(found, datetime.now(UTC)) if found else None
    except NoInvitation:
        offer = None
    to = address(offer.row.email) if offer else ""
    if offer is None or store is None or not to:
        raise NothingToTell("The invitation does not hold any more.")
    name = one_line(store.name)
    lines = [
        "Hello,",
        f"{one_line(offer.row.inviter)} invites you to work in the store “{name}” as {AS[offer.role]}.",
        f"To accept or decline, open this page:\n{link(offer.row.id)}",
        "The link works once, until "
        f"{offer.row.expires_at:%-d %B %Y, %H:%M} UTC. It is meant for you alone: do not pass it on. "
        "If you expected no invitation, leave it: nothing happens then.",
        name,
    ]
    body = "\n\n".join(lines) + "\n"
    return Letter(to, name, address(store.mail_from), f"{name}: an invitation to work here", body)


def link(invitation_id: int) -> str:
    """Return where an invitation is answered, below the desk's own address: never one that somebody sent."""
    token = signed(str(current_app.config["SECRET_KEY"]), PURPOSE, {"invitation": invitation_id})
    return f"{site()}/invitations/{token}"
