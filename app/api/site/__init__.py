"""A marketplace's own program runs the site: it makes stores and accounts, and hands its people over.

Its token is a site admin's with the scope `write:site`. Bodies are strict JSON; what makes or changes
something comes under an Idempotency-Key (`once`), but for hand-offs: their answer is a secret, never kept.
"""

from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app, request, url_for

from app import logs
from app.access import Actor, find_site
from app.actions.site import give_place, make_account_once, make_store_once, set_active, set_open
from app.actions.ways import offer_handoff
from app.api import tokens
from app.api.once import once
from app.api.shape import Dialect, answer, judged, judged_query, plain_fault, row_id, told
from app.api.site.objects import account_json, member_json, store_json
from app.db import db
from app.errors import NotFound
from app.forms.site import StoreOpenForm
from app.forms.site_calls import (
    AccountListForm,
    AccountOpenForm,
    HandoffForm,
    MemberForm,
    OpenForm,
    StoreListForm,
    WhoForm,
)
from app.models import Account, Store
from app.queries import listed, people

blueprint = Dialect("site_api", __name__, fault=plain_fault)


@blueprint.get("/stores")
def stores() -> Response:
    """List the stores by id; `next` is what to send as `after` for more."""
    _asking()
    form = judged_query(StoreListForm)
    rows = listed.stores_after(form.after.data or 0, form.most)
    return answer({"stores": [store_json(row) for row in rows], "next": _next(rows, form.most)})


@blueprint.post("/stores")
def make_store() -> Response:
    """Make a store; one of this slug that is there is answered as it is, with 200."""
    actor = _asking()

    def work() -> tuple[int, object]:
        form = judged(StoreOpenForm(told()))
        store, is_new = make_store_once(form.new_store(), actor=actor)
        logs.note(did="made a store" if is_new else "asked for a store", store=store.slug)
        return (201 if is_new else 200), store_json(store)

    return once(actor, work)


@blueprint.post("/stores/<slug>")
def open_or_shut_store(slug: str) -> Response:
    """Shut a store, or open it again."""
    actor = _asking()

    def work() -> tuple[int, object]:
        store = _store(slug)
        form = judged(OpenForm(told()))
        set_open(store.id, form.is_active.data, actor=actor)
        logs.note(did="opened a store" if form.is_active.data else "shut a store", store=store.slug)
        return 200, store_json(store)

    return once(actor, work)


@blueprint.post("/stores/<slug>/members")
def add_member(slug: str) -> Response:
    """Give somebody a place in a store; a place that they have changes to this role."""
    actor = _asking()

    def work() -> tuple[int, object]:
        store = _store(slug)
        form = judged(MemberForm(told()))
        account, role = _whom(form), form.role.data
        give_place(store.id, account.id, role, actor=actor)
        logs.note(did="gave a place", store=store.slug, whose=account.id, role=role.value)
        return 201, member_json(store, account, role)

    return once(actor, work)


@blueprint.get("/accounts")
def accounts() -> Response:
    """List the accounts by id; `next` is what to send as `after` for more."""
    _asking()
    form = judged_query(AccountListForm)
    rows = listed.accounts_after(form.after.data or 0, form.most, email=form.email.data)
    return answer({"accounts": [account_json(row) for row in rows], "next": _next(rows, form.most)})


@blueprint.post("/accounts")
def make_account() -> Response:
    """Make an account without a password; one with this e-mail is answered as it is, with 200."""
    actor = _asking()

    def work() -> tuple[int, object]:
        form = judged(AccountOpenForm(told()))
        account, is_new = make_account_once(
            form.email.data,
            name=form.name.data or "",
            is_vouched=form.is_email_proved.data,
            actor=actor,
        )
        logs.note(did="made an account" if is_new else "asked for an account", whose=account.id)
        return (201 if is_new else 200), account_json(account)

    return once(actor, work)


@blueprint.post("/accounts/<account>")
def open_or_shut_account(account: str) -> Response:
    """Disable an account, or let it in again."""
    actor = _asking()

    def work() -> tuple[int, object]:
        whose = _found(people.account(row_id(account)))
        form = judged(OpenForm(told()))
        set_active(whose.id, form.is_active.data, actor=actor)
        did = "let an account in again" if form.is_active.data else "disabled an account"
        logs.note(did=did, whose=whose.id)
        return 200, account_json(whose)

    return once(actor, work)


@blueprint.post("/handoffs")
def hand_over() -> Response:
    """Make a link that signs one person in, once, within a minute, and leads them to a page."""
    actor = _asking()
    assert actor.account_id is not None
    form = judged(HandoffForm(told()))
    account = _whom(form)
    offered = offer_handoff(account, form.path.data or "/", by=actor.account_id, now=datetime.now(UTC))
    db.session.commit()
    logs.note(did="made a hand-off", handoff=offered.id, whose=account.id)
    base = str(current_app.config["BASE_URL"]).rstrip("/") or request.root_url.rstrip("/")
    way = url_for("handoff.ask", key=offered.key).removeprefix(request.script_root)
    said = {
        "url": f"{base}{way}",
        "account_id": account.id,
        "expires_at": offered.expires_at.isoformat(timespec="seconds"),
    }
    return answer(said, 201)


def _asking() -> Actor:
    """Return the site admin whose token came, if it is for the site."""
    actor = tokens.asking()
    find_site(actor)
    return actor


def _store(slug: str) -> Store:
    """Return the store of a path; NotFound where there is none."""
    store = listed.store_called(slug)
    if store is None:
        raise NotFound
    return store


def _whom(form: WhoForm) -> Account:
    """Return who is meant; NotFound where they have no account."""
    if form.email.data is not None:
        return _found(people.account_by_email(form.email.data))
    return _found(people.account(form.account_id.data))


def _found(account: Account | None) -> Account:
    """Return an account that must be there; NotFound else."""
    if account is None:
        raise NotFound
    return account


def _next(rows: Any, limit: int) -> int | None:
    """Return after which id a list goes on; None at its end."""
    return rows[-1].id if len(rows) == limit else None
