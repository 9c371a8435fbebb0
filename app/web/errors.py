"""What a person sees when something is refused or fails: a page, or the part that htmx can show."""

from functools import cache

from flask import Flask, Response, current_app, flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security.utils import url_for_security
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from app import logs
from app.db import db
from app.errors import Absorbed, Busy, NotAllowed, NotFound, Refused, SignInAnew, TooManyTries, Unavailable
from app.forms.base import body
from app.standing import refusal_of
from app.web import htmx
from app.web.signin import SecondFactorNeeded, SignInNeeded

TITLES = {
    400: "This request cannot be read",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "Somebody was quicker",
    413: "This is too large",
    415: "This kind of content is not taken",
    410: "This link does not work any more",
    422: "Something is not right yet",
    429: "Not so fast",
    500: "Something went wrong on our side",
    503: "Not at the moment",
}
MESSAGES = {
    400: "Go back, reload the page and try again.",
    403: "Your role in this store does not allow it, or not any more. Its owner can give you the right.",
    404: "The address may be mistyped, or it belongs to a store where you do not work, or not any more.",
    405: "Go back and use the buttons of the page.",
    500: "Nothing was changed. Try again; if it happens again, tell us the number below.",
}
# Fields that no page shows, besides those with "password" in their names.
SECRETS = frozenset({"current", "api_key"})
# A form that was sent in vain is offered again, up to so many bytes.
LARGEST_KEPT = 64 * 1024


def init_app(app: Flask) -> None:
    """Register the error pages; JSON doors register their own."""
    app.register_error_handler(SignInNeeded, to_sign_in)
    app.register_error_handler(SecondFactorNeeded, to_second_factor)
    app.register_error_handler(TooManyTries, too_often)
    app.register_error_handler(Refused, refused)
    app.register_error_handler(SignInAnew, to_sign_in_anew)
    app.register_error_handler(Absorbed, to_the_heir)
    app.register_error_handler(CSRFError, stale_page)
    app.register_error_handler(RequestEntityTooLarge, too_large)
    app.register_error_handler(HTTPException, failed_in_http)
    app.register_error_handler(Exception, failed)


def to_sign_in(_: SignInNeeded) -> ResponseReturnValue:
    """Send a stranger to the sign-in page, and from there back to where they wanted to go."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not htmx.wants_part() else None
    return htmx.go_to(url_for_security("login", next=wanted))


def to_second_factor(_: SecondFactorNeeded) -> ResponseReturnValue:
    """Lead whoever must have a second factor to where it is set up."""
    return htmx.go_to(url_for("second_factor.show"))


def too_often(error: TooManyTries) -> Response:
    """Say when to try again; the same for names that are there and names that are not."""
    logs.note(reason=type(error).__name__)
    answer = page(error.status, error.sentence)
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def to_the_heir(error: Absorbed) -> ResponseReturnValue:
    """Lead a party of a sale that went into another one to that one, under the same roof."""
    db.session.rollback()
    slug = (request.view_args or {}).get("slug")
    sale, they_bought = ("sale", "its buyer bought") if slug else ("purchase", "you bought")
    nothing_done = "" if request.method in {"GET", "HEAD"} else " Nothing of what you sent was done."
    flash(
        f"{sale.capitalize()} {error.number} was combined with what {they_bought} later: "
        f"it is part of this {sale} now.{nothing_done}"
    )
    if slug is None:
        return htmx.go_to(url_for("purchases.show", order_id=error.heir_id))
    return htmx.go_to(url_for("sales.show", slug=slug, order_id=error.heir_id))


def to_sign_in_anew(error: SignInAnew) -> Response:
    """Let whoever must show once more that it is them sign out; from there they are led back to the form."""
    logs.note(reason=type(error).__name__)
    form = url_for(f"{request.blueprint}.show")
    way = url_for_security("logout", next=form)
    return page(error.status, error.sentence, title=error.title, sign_out=way)


def page(
    code: int, message: str | None = None, request_id: str = "", title: str = "", sign_out: str = ""
) -> Response:
    """Show an error with its code, in words."""
    db.session.rollback()
    answer = htmx.page(
        "errors/page.html",
        "errors/_part.html",
        status=code,
        code=code,
        title=title or TITLES.get(code, TITLES[400]),
        message=message or MESSAGES.get(code, ""),
        request_id=request_id,
        again=what_was_sent() if code == Unavailable.status else None,
        sign_out=sign_out,
    )
    return make_response(answer)


def in_plain_words(code: int, sentence: str) -> Response:
    """Show an error without a page: for where none can be drawn."""
    return make_response(f"{sentence}\n", code, {"Content-Type": "text/plain; charset=utf-8"})


def what_was_sent() -> list[tuple[str, str]] | None:
    """Return the fields of a form that came to nothing, for a button that sends them again; else None.

    A password, or the key of an account elsewhere, is asked for anew: it does not stand in a page.
    """
    if request.method != "POST" or htmx.wants_part() or (request.content_length or 0) > LARGEST_KEPT:
        return None
    try:
        fields = list(body().items(multi=True))
    except Refused:
        return None
    is_whole = fields and not any("password" in name or name in SECRETS for name, _ in fields)
    return [(name, text) for name, text in fields if name != "csrf_token"] if is_whole else None


def refused(error: Refused) -> ResponseReturnValue:
    """Show a refusal that its page did not show on a form."""
    logs.note(reason=type(error).__name__)
    if isinstance(error, Unavailable):
        return unavailable(error)
    is_for_all = isinstance(error, NotAllowed | NotFound)  # what every page says of its kind
    return page(error.status, None if is_for_all else error.sentence, title=error.title)


def unavailable(error: Unavailable) -> Response:
    """Say that it cannot be done now, and when to ask again."""
    try:
        is_quick = isinstance(error, Busy) and request.method == "GET"
        answer = make_response(busy(htmx.wants_part()), 503) if is_quick else page(503, error.sentence)
    except Exception:
        # The page asks who is signed in, and it is the database that is out.
        answer = in_plain_words(error.status, error.sentence)
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


@cache
def busy(is_part: bool) -> str:
    """Return what is shown to whoever waited too long: drawn once, and hence nobody's own."""
    return render_template(
        "errors/_part.html" if is_part else "errors/page.html",
        code=Busy.status,
        title=TITLES[Busy.status],
        message=Busy.sentence,
        request_id="",
        again=None,
        sign_out="",
        theme="auto",
        csrf_token=str,
        get_flashed_messages=lambda **_: [],
    )


def stale_page(error: CSRFError) -> ResponseReturnValue:
    """Say that the page is too old to be sent."""
    logs.note(reason=f"CSRF: {error.description}")
    return page(400, "This page is too old, or was not opened from here. Reload it and try again.")


def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """Say how much may be sent."""
    most = current_app.config["MAX_CONTENT_LENGTH"]
    if (request.content_length or 0) <= most:
        return page(413, "A form holds fewer and shorter fields than were sent.")
    megabytes = most // (1024 * 1024)
    return page(
        413, f"At most {megabytes} MB can be sent here. Larger files come in by the command “flask import”."
    )


def failed_in_http(error: HTTPException) -> ResponseReturnValue:
    """Show what Werkzeug refused; keep the headers it needs (Allow, redirects)."""
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, SecurityError):
        # Under a name that is not ours no address can be written, so no page can be drawn.
        return in_plain_words(400, "This desk does not answer to this name.")
    logs.note(reason=type(error).__name__)
    answer = page(error.code)
    allow = dict(error.get_headers()).get("Allow")
    if allow:
        answer.headers["Allow"] = allow
    return answer


def failed(error: Exception) -> ResponseReturnValue:
    """Show the database's outage as what it is; log what nobody foresaw, and show the request's number."""
    if outage := refusal_of(error, method=request.method):
        return refused(outage)
    logs.failed(error)
    request_id = logs.request_id()
    try:
        return page(500, request_id=request_id)
    except Exception:
        # The page asks who is signed in, and it may be the database that failed.
        return in_plain_words(500, f"{TITLES[500]}. {MESSAGES[500]} {request_id}")
