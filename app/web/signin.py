"""Who is asking: Flask-Security's sign-in, with the session kept on the server.

The cookie carries a random secret; the `signin` row that it opens says whether it still holds. Signing
out ends the row, so a cookie kept aside is worth nothing.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask_login import user_logged_in, user_logged_out
from flask_login.utils import _user_context_processor
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.utils import login_user, logout_user, set_request_attr

from app import logs
from app.access import Actor, person
from app.actions.people import SEEN_EVERY, end_signin, note_seen, open_signin, secret_hash
from app.config import is_loopback
from app.db import db
from app.errors import BadBody, SignInAnew
from app.forms.accounts import is_of_this_site, is_short_way
from app.forms.base import body, forget_unless
from app.forms.credentials import SignInForm
from app.models import Account
from app.queries import accounts, people
from app.queries.people import Person
from app.standing import leave_note
from app.web import guesses
from app.web.browsers import address_in_words, browser_in_words

SECRET, SECOND = "signin", "second"
# For so long after the password the code may come.
SECOND_WITHIN = timedelta(minutes=10)
# So old may the sign-in be of whoever changes what lets them in, and has no password to prove themselves.
LATELY = timedelta(minutes=10)
# The demo's people live there, and nobody else can: no mail ever reaches it (RFC 2606).
DEMO_DOMAIN = "@example.com"


class SignInNeeded(Exception):
    """The page is for people who have signed in."""


class SecondFactorNeeded(Exception):
    """Whoever runs the site sets a second factor up before anything else."""


class Pending(NamedTuple):
    """Somebody who knew the password, and whose code is waited for; `next` is where they want to go."""

    account: Account
    remember: bool
    next: str


class SecondStep:
    """What the library's sign-in asks whether a second step is needed once the password was right."""

    def tf_enter(self, user: Account, remember_me: bool | None, _via: str, next_loc: str | None) -> Any:
        """Return the way to the second step; None where the account has none."""
        return second_step(user, remember=bool(remember_me), wanted=next_loc or "")


def init_app(app: Flask) -> None:
    """Set up sign-in, and let the server's own table judge every session."""
    datastore = SQLAlchemyUserDatastore(db, Account, None)  # type: ignore[arg-type]
    security = Security(app, datastore, login_form=SignInForm)
    security.two_factor_plugins = SecondStep()  # type: ignore[assignment]
    # A page answers here: the library would read JSON bodies by its own loose rules, and answer in JSON.
    security.want_json(lambda _request: False)
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
    app.before_request(before_the_library)
    app.after_request(after_the_library)


def before_the_library() -> None:
    """Keep the library's views at home, and count the tries of its sign-in."""
    if request.blueprint != "security":
        return
    if request.is_json:
        raise BadBody("Send a form.", 415)
    # The library shows its form again where `next` leads elsewhere, and fails where it is no URL at all.
    forget_unless("next", is_of_this_site)
    if request.endpoint == "security.login" and request.method == "POST":
        typed = body().get("email", "")[:320]
        found = accounts.by_name(typed)
        if found:
            logs.note(tried=found.id)
        guesses.take("password", found.id if found else typed.lower(), account_id=found.id if found else None)


def after_the_library(answer: Response) -> Response:
    """Note who may not come in; let a browser know whom it knows, and forget all when they leave."""
    if request.endpoint == "security.login" and request.method == "POST":
        if answer.status_code == 200:  # the form again: the library tells nobody else
            logs.note(reason="SignInRefused")
        elif answer.status_code < 400:
            guesses.give_back()
    if request.endpoint == "security.logout" and request.method == "POST":
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return guesses.remember(answer, g.begun) if "begun" in g else answer


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
    g.signin_id, g.signed_in_at = found.signin_id, found.created_at
    if now - found.seen_at > SEEN_EVERY and not asks_by_itself():
        leave_note(partial(note_seen, found.signin_id, now=now), commit=db.session.commit)
    return found.person


def asks_by_itself() -> bool:
    """Tell whether a page asks that only lies open: that is no sign that somebody is there."""
    return request.endpoint == "new_sale.show" and "after" in request.args


def second_step(account: Account, *, remember: bool, wanted: str) -> Response | None:
    """Return the way to the second step of whoever knew the password; None where the account has none."""
    if account.second_factor_at is None:
        return None
    session[SECOND] = {
        "account": account.id,
        "key": account.fs_uniquifier,
        "at": int(datetime.now(UTC).timestamp()),
        "remember": remember,
        "next": wanted if is_short_way(wanted) else "",
    }
    logs.note(did="gave the password", account=account.id)
    return redirect(url_for("second_step.show"), 303)  # type: ignore[return-value]


def pending() -> Pending | None:
    """Return whose code is waited for; None where nobody's is, any more."""
    kept = session.get(SECOND)
    if not kept or datetime.now(UTC).timestamp() - kept["at"] > SECOND_WITHIN.total_seconds():
        return None
    account = people.active_account(kept["account"])
    if account is None or account.fs_uniquifier != kept["key"] or account.second_factor_at is None:
        return None
    return Pending(account, kept["remember"], kept["next"])


def let_in(account: Account, *, remember: bool, wanted: str = "") -> Response:
    """Sign an account in that has proved all that is asked of it, and lead it to where it wanted to go."""
    login_user(account, remember=remember)
    return redirect(wanted if is_of_this_site(wanted) else url_for("account.home"), 303)  # type: ignore[return-value]


def begin(app: Flask, user: Account, **_: Any) -> None:
    """Open a new sign-in, whatever the browser carried before."""
    for old in ("csrf_token", SECOND):
        session.pop(old, None)
    g.pop("csrf_token", None)
    g.pop("actor", None)
    # "Keep me signed in" keeps this cookie; the library's own one would outlive the sign-in on the server.
    session.permanent = session.pop("_remember", None) == "set"
    session[SECRET] = open_signin(
        user.id,
        now=datetime.now(UTC),
        lasts=app.config["SIGNIN_LASTS"],
        browser=browser_in_words(request.headers.get("User-Agent", "")),
        address=address_in_words(request.remote_addr),
    )
    db.session.commit()
    g.begun = user.id
    logs.note(did="signed in", account=user.id)


def bring_in(account: Account, *, way: str, to: str) -> Response:
    """Sign somebody in who did not send a password, and lead them on to a path; `way` is how they came.

    Whoever was signed in in this browser is signed out first. A second factor is asked for as always.
    """
    if actor_or_none() is not None:
        logout_user()
    g.pop("actor", None)
    logs.note(way=way)
    return second_step(account, remember=False, wanted=to) or let_in(account, remember=False, wanted=to)


def end(_app: Flask, **_: Any) -> None:
    """End the sign-in on the server and forget everything in the cookie."""
    secret = session.pop(SECRET, None)
    if secret:
        end_signin(secret, now=datetime.now(UTC))
        db.session.commit()
        logs.note(did="signed out")
    session.clear()


def current_actor(*, is_setting_up: bool = False) -> Actor:
    """Return the signed-in person as an actor; SignInNeeded sends everybody else to the sign-in page.

    SecondFactorNeeded where the person must have a second factor first, unless they are setting it up.
    """
    actor = actor_or_none()
    if actor is None:
        raise SignInNeeded
    if g.must_set_up and not is_setting_up:
        raise SecondFactorNeeded
    return actor


def own_account() -> Account:
    """Return the account of whoever is signed in, for the pages by which they change it."""
    account = people.account(current_actor(is_setting_up=True).account_id or 0)
    if account is None:
        raise SignInNeeded
    return account


def own_account_to_change() -> Account:
    """Return it for a change of what lets one in, which a form then asks the password for (ASVS 7.5.1).

    An account without one shows whose it is by a sign-in of lately: SignInAnew.
    """
    account = own_account()
    if account.password is None and datetime.now(UTC) - g.signed_in_at > LATELY:
        raise SignInAnew
    return account


def actor_or_none() -> Actor | None:
    """Return the signed-in person as an actor, or None."""
    if "actor" not in g:
        found = signed_in_person(session.get("_user_id", ""))
        g.actor = person(found) if found else None
        g.must_set_up = found is not None and must_have_second_factor(found) and not found.second_factor_at
    return g.actor  # type: ignore[no-any-return]


def must_have_second_factor(found: Person | Account) -> bool:
    """Tell whether an account must have a second factor: whoever runs the site, but for the demo's."""
    config = current_app.config
    is_demo = config["DEMO"] and is_loopback(config["HOST"]) and (found.email or "").endswith(DEMO_DOMAIN)
    return found.is_site_admin and not is_demo
