"""A store's webhooks: programs that are told what happens, and the log of what they were told."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app import logs
from app.access import Desk, Permission
from app.actions.hooks import Happening
from app.actions.webhooks import (
    MOST_WEBHOOKS,
    add_webhook,
    change_webhook,
    end_webhook,
    ping,
    rotate_secret,
    send_message_again,
)
from app.db import db
from app.errors import NotFound, Refused
from app.forms.base import body
from app.forms.fields import LARGEST_ID
from app.forms.webhooks import MessageLogForm, RotateForm, WantedForm, WebhookForm
from app.queries import webhooks
from app.signing import secret_text, webhook_secret
from app.web import htmx
from app.web.clock import Clock
from app.web.desk import open_desk
from app.web.webhook_view import hook_view, message_rows, ticks

blueprint = Blueprint("webhooks", __name__, url_prefix="/stores/<slug>/settings/webhooks")

# Which webhook's secret the next page shows: the cookie carries its id, never the secret.
JUST_MADE = "webhook_secret"


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the webhooks, the log, and, once, the secret that was just made."""
    desk = open_desk(slug, Permission.SETTINGS)
    return asking(desk, 200, just_made=session.pop(JUST_MADE, None))


@blueprint.post("")
def add(slug: str) -> ResponseReturnValue:
    """Add a webhook; its secret stands on the page that follows."""
    desk = open_desk(slug, Permission.SETTINGS)
    form = WebhookForm(body(), may_be_private=current_app.config["WEBHOOK_PRIVATE"])
    if not form.validate():
        return asking(desk, 422, form=form)

    def act(**by: Any) -> None:
        session[JUST_MADE] = add_webhook(form.url.data, form.wanted(), form.key.data, **by).id

    return carry_out(desk, act, "The webhook is added.", "added a webhook")


@blueprint.post("/<id:webhook_id>")
def change(slug: str, webhook_id: int) -> ResponseReturnValue:
    """Let a webhook be told of other things."""
    desk = open_desk(slug, Permission.SETTINGS)
    form = WantedForm(body())
    is_valid = form.validate()
    ask_that_it_lives(desk, webhook_id)
    if not is_valid:
        return asking(desk, 422, changing=(webhook_id, form))
    wanted = form.wanted()
    said, did = "What it is told is saved.", "changed a webhook"
    return carry_out(desk, lambda **by: change_webhook(webhook_id, wanted, **by), said, did)


@blueprint.post("/<id:webhook_id>/end")
def end(slug: str, webhook_id: int) -> ResponseReturnValue:
    """Tell a webhook nothing any more."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    said, did = "The webhook is ended.", "ended a webhook"
    return carry_out(desk, lambda **by: end_webhook(webhook_id, **by), said, did)


@blueprint.post("/<id:webhook_id>/secret")
def rotate(slug: str, webhook_id: int) -> ResponseReturnValue:
    """Give a webhook a new secret, which stands on the page that follows."""
    desk = open_desk(slug, Permission.SETTINGS)
    form = RotateForm(body())
    ask_that_it_lives(desk, webhook_id)
    if not form.validate():
        return asking(desk, 422, refusal="Open the page anew and send the form again.")
    number = form.number.data

    def act(**by: Any) -> None:
        session[JUST_MADE] = rotate_secret(webhook_id, number, **by).id

    said = "The secret is made anew. For 24 hours messages are signed by the one before, too."
    return carry_out(desk, act, said, "made a webhook's secret anew")


@blueprint.post("/<id:webhook_id>/ping")
def try_out(slug: str, webhook_id: int) -> ResponseReturnValue:
    """Send a webhook a message that tells nothing."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    said, did = "A ping is on its way: look at the log.", "sent a ping"
    return carry_out(desk, lambda **by: ping(webhook_id, **by), said, did)


@blueprint.post("/messages/<id:delivery_id>/again")
def again(slug: str, delivery_id: int) -> ResponseReturnValue:
    """Send a message once more."""
    desk = open_desk(slug, Permission.SETTINGS)
    body()
    said, did = "The message is sent again.", "sent a message again"
    return carry_out(desk, lambda **by: send_message_again(delivery_id, **by), said, did)


def ask_that_it_lives(desk: Desk, webhook_id: int) -> None:
    """Raise NotFound where the store has no such webhook, or has ended it."""
    if not any(hook.id == webhook_id and not hook.ended_at for hook in webhooks.hooks_of(desk.store.id)):
        raise NotFound


def carry_out(desk: Desk, act: Callable[..., object], said: str, did: str) -> ResponseReturnValue:
    """Carry an act out and lead back to the page; what is refused stands on it."""
    try:
        act(actor=desk.acting, store_id=desk.store.id)
        db.session.commit()
    except NotFound:
        raise
    except Refused as refusal:
        db.session.rollback()
        return asking(desk, refusal.status, refusal=refusal.sentence)
    rows = {name: row for name, row in (request.view_args or {}).items() if name != "slug"}
    logs.note(did=did, **rows)
    flash(said)
    return htmx.go_to(url_for("webhooks.index", slug=desk.store.slug))


def asking(
    desk: Desk,
    status: int,
    *,
    form: WebhookForm | None = None,
    changing: tuple[int, WantedForm] | None = None,
    refusal: str = "",
    just_made: int | None = None,
) -> ResponseReturnValue:
    """Show the page with this form, or with one webhook's own that was refused."""
    log = MessageLogForm(request.args if request.method == "GET" else {})
    is_log, store_id = log.validate(), desk.store.id
    hooks, clock = webhooks.hooks_of(store_id), Clock(desk.store.zone)
    found, has_older = webhooks.log_of(store_id, log.before.data or LARGEST_ID) if is_log else ([], False)
    living = [
        hook_view(hook, clock, changing[1] if changing and changing[0] == hook.id else None)
        for hook in hooks
        if hook.ended_at is None
    ]
    is_private = current_app.config["WEBHOOK_PRIVATE"]
    form = form or WebhookForm(may_be_private=is_private)
    here = url_for("webhooks.index", slug=desk.store.slug)
    given = {
        "desk": desk,
        "form": form,
        "new_ticks": ticks({kind: form.events.form[kind.name.lower()].data for kind in Happening}),
        "hooks": living,
        "most": MOST_WEBHOOKS,
        "rows": message_rows(desk, found, {hook.id: hook for hook in hooks}, clock),
        "older": f"{here}?before={found[-1].id}" if has_older else "",
        "is_first": log.before.data is None,
        "log": log,
        "refusal": refusal,
        **secret_of(hooks, just_made),
        "seconds": current_app.config["WEBHOOK_TIMEOUT"],
        "is_private": is_private,
        "undo_minutes": desk.store.undo_minutes,
    }
    return render_template("webhooks/index.html", **given), status if is_log else 422


def secret_of(hooks: list[webhooks.Hook], webhook_id: int | None) -> dict[str, str]:
    """Return the secret of a webhook of the store that was just made, and its address; "" else."""
    hook = next((hook for hook in hooks if hook.id == webhook_id), None)
    if hook is None:
        return {"secret": "", "secret_for": ""}
    key = current_app.config["SECRET_KEY"]
    secret = webhook_secret(key, hook.store_id, hook.public_id, hook.secret_number)
    return {"secret": secret_text(secret), "secret_for": hook.url}
