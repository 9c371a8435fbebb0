"""Who works in a store: members with their roles and rights, invitations, and leaving."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Desk, Permission
from app.access.rights import ORDINARY
from app.actions.places import Place
from app.actions.staff import change_place, fingerprint, invite, leave, remove, withdraw
from app.db import db
from app.errors import NotAllowed, NotFound, Refused
from app.forms.base import body
from app.forms.staff import InviteForm, PlaceForm
from app.queries import staff
from app.queries.staff import MemberRow
from app.statuses import Role
from app.web import htmx
from app.web.clock import Clock
from app.web.desk import open_desk
from app.web.staff_view import (
    ABOUT,
    ROLES,
    invitation_views,
    member_view,
    offered_rights,
    offered_roles,
    ticks,
)

blueprint = Blueprint("staff", __name__, url_prefix="/stores/<slug>")


@blueprint.get("/staff")
def index(slug: str) -> ResponseReturnValue:
    """Show the members, the open invitations, and the form for another one."""
    desk = open_desk(slug, Permission.STAFF)
    return listed(desk, 200)


@blueprint.post("/staff")
def invite_one(slug: str) -> ResponseReturnValue:
    """Invite somebody by mail; on a refusal show the form again with what was typed."""
    desk = open_desk(slug, Permission.STAFF)
    form = invite_form(desk, body())
    if not form.validate():
        return listed(desk, 422, form)
    try:
        invitation = invite(form.email.data, form.place(), desk=desk)
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        db.session.rollback()
        form.form_errors.append(refusal.sentence)
        return listed(desk, refusal.status, form)
    logs.note(did="invited", invitation=invitation.id)
    flash(f"{form.email.data} is invited: the mail is on its way.")
    return htmx.go_to(url_for("staff.index", slug=slug))


@blueprint.post("/staff/invitations/<id:invitation_id>/again")
def invite_again(slug: str, invitation_id: int) -> ResponseReturnValue:
    """Invite somebody once more, to the same place; the link of before leads nowhere any more."""
    desk = open_desk(slug, Permission.STAFF)
    body()
    found = staff.invitation(invitation_id)
    if found is None or found.store_id != desk.store.id or found.state != "open":
        raise NotFound
    place = Place.of(found.role, found.rights)
    words = f"{found.email} is invited again: the link of before does not hold any more."
    return carry_out(desk, lambda: invite(found.email, place, desk=desk), words, "invited")


@blueprint.post("/staff/invitations/<id:invitation_id>/withdraw")
def withdraw_one(slug: str, invitation_id: int) -> ResponseReturnValue:
    """Take an invitation back."""
    desk = open_desk(slug, Permission.STAFF)
    body()
    words = "The invitation is withdrawn: its link leads nowhere."
    return carry_out(desk, lambda: withdraw(invitation_id, desk=desk), words, "withdrew an invitation")


@blueprint.get("/staff/<id:account_id>")
def show(slug: str, account_id: int) -> ResponseReturnValue:
    """Show one member's place, to be changed."""
    desk = open_desk(slug, Permission.STAFF)
    member = found_member(desk, account_id)
    return asking(desk, member, place_form(desk, member), 200)


@blueprint.post("/staff/<id:account_id>")
def change(slug: str, account_id: int) -> ResponseReturnValue:
    """Give a member another role or other rights."""
    desk = open_desk(slug, Permission.STAFF)
    member = found_member(desk, account_id)
    form = place_form(desk, member, body())
    if not form.validate():
        return asking(desk, member, form, 422)
    try:
        is_changed = change_place(account_id, form.place(), seen=form.seen.data or "", desk=desk)
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        db.session.rollback()
        form.form_errors.append(refusal.sentence)
        return asking(desk, found_member(desk, account_id), form, refusal.status)
    if is_changed:
        logs.note(did="changed a place", member=account_id)
    flash(f"Role and rights of {member.shown_name} are {'saved' if is_changed else 'as they were'}.")
    if is_changed and account_id == desk.actor.account_id:
        return htmx.go_to(url_for("account.home"))
    return htmx.go_to(url_for("staff.index", slug=slug))


@blueprint.post("/staff/<id:account_id>/remove")
def remove_one(slug: str, account_id: int) -> ResponseReturnValue:
    """Take a member's place away: they and their tokens are strangers from now on."""
    desk = open_desk(slug, Permission.STAFF)
    body()
    words = f"{found_member(desk, account_id).shown_name} does not work here any more."
    return carry_out(desk, lambda: remove(account_id, desk=desk), words, "removed a member", account_id)


@blueprint.get("/leave")
def ask_to_leave(slug: str) -> ResponseReturnValue:
    """Ask whether somebody wants to leave the store."""
    return leaving(open_member(slug), 200)


@blueprint.post("/leave")
def leave_it(slug: str) -> ResponseReturnValue:
    """Give one's own place up."""
    desk = open_member(slug)
    body()
    try:
        leave(desk=desk)
        db.session.commit()
    except NotFound:
        raise
    except Refused as refusal:
        db.session.rollback()
        return leaving(desk, refusal.status, refusal.sentence)
    logs.note(did="left a store")
    flash(f"You do not work in {desk.store.name} any more.")
    return htmx.go_to(url_for("account.home"))


def open_member(slug: str) -> Desk:
    """Return the desk of a member; NotFound for a site admin who is none: they have nothing to leave."""
    desk = open_desk(slug)
    if desk.is_visit:
        raise NotFound
    return desk


def leaving(desk: Desk, status: int, refusal: str = "") -> ResponseReturnValue:
    """Show the question."""
    return render_template("staff/leave.html", desk=desk, refusal=refusal), status


def carry_out(
    desk: Desk, act: Callable[[], object], said: str, did: str, account_id: int | None = None
) -> ResponseReturnValue:
    """Carry an act out and lead back to the list; what is refused stands on it."""
    try:
        act()
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        db.session.rollback()
        return listed(desk, refusal.status, refusal=refusal.sentence)
    logs.note(did=did, **({"member": account_id} if account_id else {}))
    flash(said)
    is_oneself = account_id is not None and account_id == desk.actor.account_id
    here = url_for("staff.index", slug=desk.store.slug)
    return htmx.go_to(url_for("account.home") if is_oneself else here)


def listed(desk: Desk, status: int, form: InviteForm | None = None, refusal: str = "") -> ResponseReturnValue:
    """Show the list with this form."""
    clock, store_id = Clock(desk.store.zone, datetime.now(UTC)), desk.store.id
    form = form or invite_form(desk)
    given = {
        "desk": desk,
        "form": form,
        **about(form),
        "refusal": refusal,
        "members": [
            member_view(desk, m, url_for("staff.show", slug=desk.store.slug, account_id=m.account_id))
            for m in staff.members(store_id)
        ],
        "invitations": invitation_views(staff.open_invitations(store_id), clock),
        "zone": clock.name,
    }
    return render_template("staff/index.html", **given), status


def asking(desk: Desk, member: MemberRow, form: PlaceForm, status: int) -> ResponseReturnValue:
    """Show a member's place with this form."""
    view = member_view(desk, member, "changeable")
    given = {"desk": desk, "member": view, "seen": seen_of(member), "form": form, **about(form)}
    return render_template("staff/show.html", **given), status


def about(form: PlaceForm) -> dict[str, Any]:
    """Return what is shown of the roles and rights that a form offers."""
    chosen = form.role.data.value if form.role.data else ""
    roles = [(role.value, ROLES[role], ABOUT[role], role.value == chosen) for role in form.roles]
    return {"roles": roles, "ticks": ticks(form)}


def invite_form(desk: Desk, sent: Any = None) -> InviteForm:
    """Return the form that invites, as this person gets it."""
    offers = offered_rights(desk)
    first = Place(Role.STAFF, frozenset(ORDINARY).intersection(offers))
    return InviteForm(sent, roles=offered_roles(desk), offers=offers, stands=first)


def place_form(desk: Desk, member: MemberRow, sent: Any = None) -> PlaceForm:
    """Return the form of a member's place, as this person gets it."""
    place = Place.of(member.role, member.rights)
    return PlaceForm(
        sent,
        roles=offered_roles(desk),
        offers=offered_rights(desk),
        stands=place,
        seen=fingerprint(place),
    )


def seen_of(member: MemberRow) -> str:
    """Return what says which place of a member a page shows."""
    return fingerprint(Place.of(member.role, member.rights))


def found_member(desk: Desk, account_id: int) -> MemberRow:
    """Return a member of whom the person asking may change the place; NotFound, NotAllowed."""
    member = staff.member(desk.store.id, account_id)
    if member is None:
        raise NotFound
    if not member_view(desk, member, "changeable").href:
        raise NotAllowed
    return member
