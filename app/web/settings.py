"""A store's settings: one page, one form, one act."""

from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission
from app.actions.stores import CurrencyStays, SettingsChanged, set_store
from app.carriers import CARRIERS
from app.db import db
from app.forms.base import body
from app.forms.settings import (
    LONGEST_MAIL,
    MOST_CARRIERS,
    MOST_HOLIDAYS,
    MOST_UNDO,
    SettingsForm,
    in_braces,
    percent_text,
    zones,
)
from app.money import known_currencies
from app.queries import stores
from app.web import htmx
from app.web.desk import open_desk

blueprint = Blueprint("settings", __name__, url_prefix="/stores/<slug>/settings")

PARTS = frozenset({"workdays", "mail_texts"})


@blueprint.get("")
def show(slug: str) -> ResponseReturnValue:
    """Show what the store has set."""
    desk = open_desk(slug, Permission.SETTINGS)
    return asking(desk, fresh(desk), 200)


@blueprint.post("")
def save(slug: str) -> ResponseReturnValue:
    """Set what the form says; on a refusal show it again with what was typed."""
    desk = open_desk(slug, Permission.SETTINGS)
    form = fresh(desk, body())
    if not form.validate():
        return asking(desk, form, 422)
    try:
        is_changed = set_store(
            form.settings(), seen=form.seen.data, actor=desk.acting, store_id=desk.store.id
        )
        db.session.commit()
    except SettingsChanged as late:
        db.session.rollback()
        return asking(desk, form, 409, late.sentence)
    except CurrencyStays as refusal:
        db.session.rollback()
        form.currency.errors = [refusal.sentence]
        return asking(desk, form, 422)
    flash("The settings are saved." if is_changed else "Nothing was changed.")
    return htmx.go_to(url_for("settings.show", slug=slug))


def fresh(desk: Desk, sent: Any = None) -> SettingsForm:
    """Return the form as this person gets it: with the store's settings, or with what was sent."""
    store = stores.one(desk.store.id)
    return SettingsForm(sent, store=store, may_set_commission=desk.may(Permission.COMMISSION))


def asking(desk: Desk, form: SettingsForm, status: int, conflict: str = "") -> ResponseReturnValue:
    """Show the page with this form; after a conflict, with what the others set meanwhile."""
    now = fresh(desk) if conflict else form
    given = {
        "desk": desk,
        "form": form,
        "seen": now.seen._value(),
        "conflict": conflict,
        "differing": differing(form, now),
        "store": now.store,
        "is_currency_fixed": stores.has_orders(desk.store.id),
        "commission": percent_text(now.store.commission_bp),
        "zones": zones(),
        "currencies": sorted(known_currencies()),
        "carriers": CARRIERS,
        "names": in_braces(),
        "most": {
            "carriers": MOST_CARRIERS,
            "holidays": MOST_HOLIDAYS,
            "mail": LONGEST_MAIL,
            "undo": MOST_UNDO,
        },
    }
    return render_template("settings/index.html", **given), status


def differing(form: SettingsForm, now: SettingsForm) -> list[tuple[str, str]]:
    """Return (label, what is saved) of each field that was typed otherwise than it is saved now."""
    pairs = [
        (f, now[f.short_name])
        for f in form
        if f.short_name not in {*PARTS, "seen"} and (f.raw_data or f.short_name != "currency")
    ]
    for part in sorted(PARTS):
        pairs += [(f, now[part].form[f.short_name]) for f in form[part].form]
    return [(f.label.text, said(kept)) for f, kept in pairs if said(f) != said(kept)]


def said(field: Any) -> str:
    """Return what stands in a field, in words."""
    if isinstance(field.data, bool):
        return "yes" if field.data else "no"
    return field._value().replace("\r\n", "\n").strip().replace("\n", ", ") or "empty"
