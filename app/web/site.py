"""The stores of the site, for its admins: who works in them; made, disabled, enabled, handed over."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import find_site
from app.actions.site import hand_over, make_store, set_open
from app.db import db
from app.errors import NotAllowed, NotFound, Refused
from app.forms.base import body
from app.forms.settings import zones
from app.forms.site import HandOverForm, StoreForm, StoresForm
from app.money import known_currencies
from app.queries import counts, people, site_stores
from app.web import htmx
from app.web.signin import current_actor

blueprint = Blueprint("site", __name__, url_prefix="/site")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Show stores, all or those that are searched for, with their people and how much there is to do."""
    find_site(current_actor())
    asked = StoresForm(request.args)
    return listed(200 if asked.validate() else 422, asked=asked)


@blueprint.post("/stores")
def make() -> ResponseReturnValue:
    """Make a store; its owner is whoever has this e-mail, or is invited by it."""
    actor = current_actor()
    find_site(actor)
    form = StoreForm(body())
    if not form.validate():
        return listed(422, form=form)
    try:
        store, is_owned = make_store(form.new_store(), form.owner.data, actor=actor)
        db.session.commit()
    except NotAllowed:
        raise
    except Refused as refusal:
        db.session.rollback()
        field = form[refusal.field] if refusal.field else None
        if field is not None:
            field.errors = [refusal.sentence]
        else:
            form.form_errors.append(refusal.sentence)
        return listed(refusal.status, form=form)
    logs.note(did="made a store", store=store.slug)
    whose = "is theirs" if is_owned else "waits for them: they are invited by mail"
    flash(f"{store.name} is made, and {whose} ({form.owner.data}).")
    return htmx.go_to(url_for("site.index", **whereabouts(store.id)))


@blueprint.post("/stores/<id:store_id>/disable")
def disable(store_id: int) -> ResponseReturnValue:
    """Close a store to everybody but site admins."""
    return switch(store_id, False)


@blueprint.post("/stores/<id:store_id>/enable")
def enable(store_id: int) -> ResponseReturnValue:
    """Open a store again."""
    return switch(store_id, True)


def switch(store_id: int, is_open: bool) -> ResponseReturnValue:
    """Open or close a store."""
    actor = current_actor()
    find_site(actor)
    body()
    store = found_store(store_id)

    def act() -> str:
        set_open(store_id, is_open, actor=actor)
        logs.note(did="enabled a store" if is_open else "disabled a store", store=store.slug)
        how = "is open again" if is_open else "is disabled: nobody but site admins can open it"
        return f"{store.name} {how}."

    return carry_out(store, act)


@blueprint.post("/stores/<id:store_id>/hand-over")
def hand_store_over(store_id: int) -> ResponseReturnValue:
    """Make somebody else the one owner of a store."""
    actor = current_actor()
    find_site(actor)
    store, form = found_store(store_id), HandOverForm(body())
    if not form.validate():
        return listed(422, asked=StoresForm(data=whereabouts(store.id)), handing=(store_id, form))

    def act() -> str:
        account = hand_over(store_id, form.email.data, actor=actor)
        logs.note(did="handed a store over", store=store.slug, member=account.id)
        return f"{store.name} belongs to {account.shown_name} now; its owners of before have no place in it."

    return carry_out(store, act, handing=(store_id, form))


def carry_out(
    store: people.StoreFacts, act: Callable[[], str], handing: tuple[int, HandOverForm] | None = None
) -> ResponseReturnValue:
    """Carry an act on a store out, say what it did, and lead back to the list."""
    try:
        said = act()
        db.session.commit()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        db.session.rollback()
        if handing is not None:
            handing[1].form_errors.append(refusal.sentence)
            return listed(refusal.status, asked=StoresForm(data=whereabouts(store.id)), handing=handing)
        return listed(refusal.status, asked=StoresForm(data=whereabouts(store.id)), refusal=refusal.sentence)
    flash(said)
    return htmx.go_to(url_for("site.index", **whereabouts(store.id)))


def whereabouts(store_id: int) -> dict[str, Any]:
    """Return by which words the list shows a store: none, or, where all fill more than a page, it alone."""
    return {"only": store_id} if site_stores.count() > site_stores.PAGE else {}


def found_store(store_id: int) -> people.StoreFacts:
    """Return a store; NotFound where there is none."""
    found = people.stores_by_id([store_id])
    if store_id not in found:
        raise NotFound
    return found[store_id]


def listed(
    status: int,
    *,
    asked: StoresForm | None = None,
    form: StoreForm | None = None,
    handing: tuple[int, HandOverForm] | None = None,
    refusal: str = "",
) -> ResponseReturnValue:
    """Show the stores that are asked for, with this form, or with what was refused to one of them."""
    asked = asked or StoresForm()
    is_right = not (asked.errors or asked.form_errors)
    wanted = asked.q.data or "", asked.after.data, asked.only.data
    stores, has_more = site_stores.page(*wanted) if is_right else ([], False)
    members: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for store_id, name, role in people.members_of([s.id for s in stores]):
        members[store_id].append((name, role))
    tallies = counts.tabs_of([s.id for s in stores])
    words = asked.q.data or None
    return render_template(
        "site/index.html",
        asked=asked,
        count=site_stores.count(),
        more=url_for("site.index", q=words, after=stores[-1].id) if has_more else "",
        first=url_for("site.index", q=words) if asked.after.data else "",
        form=form or StoreForm(),
        zones=zones(),
        currencies=sorted(known_currencies()),
        refusal=refusal,
        stores=[store_view(s, members[s.id], tallies, handing) for s in stores],
    ), status


def store_view(
    store: Any,
    members: list[tuple[str, str]],
    tallies: dict[int, dict[str, int]],
    handing: tuple[int, HandOverForm] | None,
) -> dict[str, Any]:
    """Return a store as the list shows it; `handing` is the form that was refused, and whose it was."""
    refused = handing[1] if handing and handing[0] == store.id else None
    faults = [str(text) for _, text in refused.faults()] if refused else []
    return {
        "id": store.id,
        "name": store.name,
        "slug": store.slug,
        "href": url_for("sales.index", slug=store.slug),
        "is_active": store.is_active,
        "is_vendor": store.is_vendor,
        "currency": store.currency,
        "people": members,
        "all": sum(tallies.get(store.id, {}).values()),
        "to_ship": tallies.get(store.id, {}).get("to_ship", 0),
        "typed": refused.email._value() if refused else "",
        "faults": faults,
    }
