"""Who is asking: Flask-Security's sign-in, with the session kept on the server.

The cookie carries a random secret; the `signin` row that it opens says whether it still holds. Signing
out ends the row, so a cookie kept aside is worth nothing.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, g, request, session
from flask_login import user_logged_in, user_logged_out
from flask_login.utils import _user_context_processor
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.utils import set_request_attr

from app import logs
from app.access import Actor, person
from app.actions.people import SEEN_EVERY, end_signin, note_seen, open_signin, secret_hash
from app.db import db
from app.errors import BadBody
from app.forms.accounts import is_of_this_site
from app.forms.base import body, forget_unless
from app.models import Account
from app.queries import people
from app.queries.people import Person
from app.standing import leave_note

SECRET = "signin"
LONGEST_PASSWORD = 4096


def take_plain_forms() -> None:
    """Refuse a body that the library would fail at: BadBody for JSON, and for what can be no password.

    Its hashes raise where one holds NUL or is longer than they take, for people who are known alone.
    """
    if request.is_json:
        raise BadBody("Send a form.", 415)
    sent = [text for name, text in body().items(multi=True) if "password" in name]
    if any("\0" in text or len(text) > LONGEST_PASSWORD for text in sent):
        raise BadBody(f"A password has at most {LONGEST_PASSWORD} characters, and none of them is NUL.")


class SignInNeeded(Exception):
    """The page is for people who have signed in."""


def init_app(app: Flask) -> None:
    """Set up sign-in, and let the server's own table judge every session."""
    accounts = SQLAlchemyUserDatastore(db, Account, None)  # type: ignore[arg-type]
    security = Security(app, accounts)
    # The library would load the account before every request: for static files, and for programs, which
    # have no session. It is loaded where somebody asks for it.
    security.principal.identity_loaders.clear()
    security.login_manager.user_loader(load_account)
    # Pages ask `actor_or_none`; the library would load the whole account for every template.
    app.template_context_processors[None].remove(_user_context_processor)
    app.template_context_processors["security"].append(_user_context_processor)
    # Flask-Security would read tokens from JSON bodies and query strings; ours come by the API alone.
    security.login_manager.request_loader(lambda _request: None)
    # A cookie that is kept is written when it begins, not again with every file and page.
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    user_logged_in.connect(begin, app)
    user_logged_out.connect(end, app)

    @app.before_request
    def stay_here() -> None:
        # The library shows its form again where `next` leads elsewhere, and fails where it is no URL at all.
        if request.blueprint == "security":
            take_plain_forms()
            forget_unless("next", is_of_this_site)

    @app.after_request
    def note_refusal(answer: Response) -> Response:
        # The library shows the form again to whoever may not come in, and tells nobody else.
        if request.endpoint == "security.login" and request.method == "POST" and answer.status_code == 200:
            logs.note(reason="SignInRefused")
        return answer


def load_account(uniquifier: str) -> Account | None:
    """Return the account whose session this is, while its sign-in lasts, for the library's own views."""
    person = signed_in_person(uniquifier)
    if person is None:
        return None
    set_request_attr("fs_authn_via", "session")
    return people.account(person.id)


def signed_in_person(uniquifier: str) -> Person | None:
    """Return whose session this is, while its sign-in lasts; note now and then that it is in use."""
    secret = session.get(SECRET)
    if not secret:
        return None
    now = datetime.now(UTC)
    found = people.signed_in(secret_hash(secret), now, now - current_app.config["SIGNIN_IDLE"])
    if found is None or found.person.fs_uniquifier != uniquifier:
        return None
    if now - found.seen_at > SEEN_EVERY:
        leave_note(partial(note_seen, found.signin_id, now=now), commit=db.session.commit)
    return found.person


def begin(app: Flask, user: Account, **_: Any) -> None:
    """Open a new sign-in, whatever the browser carried before."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    # "Keep me signed in" keeps this cookie; the library's own one would outlive the sign-in on the server.
    session.permanent = session.pop("_remember", None) == "set"
    session[SECRET] = open_signin(user.id, now=datetime.now(UTC), lasts=app.config["SIGNIN_LASTS"])
    db.session.commit()
    logs.note(did="signed in", account=user.id)


def end(_app: Flask, **_: Any) -> None:
    """End the sign-in on the server and forget everything in the cookie."""
    secret = session.pop(SECRET, None)
    if secret:
        end_signin(secret, now=datetime.now(UTC))
        db.session.commit()
        logs.note(did="signed out")
    session.clear()


def current_actor() -> Actor:
    """Return the signed-in person as an actor; SignInNeeded sends everybody else to the sign-in page."""
    actor = actor_or_none()
    if actor is None:
        raise SignInNeeded
    return actor


def actor_or_none() -> Actor | None:
    """Return the signed-in person as an actor, or None."""
    if "actor" not in g:
        found = signed_in_person(session.get("_user_id", ""))
        g.actor = person(found) if found else None
    return g.actor  # type: ignore[no-any-return]
