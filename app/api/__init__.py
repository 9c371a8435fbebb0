"""The JSON doors: a dialect a module, each with the words of its source. This file only mounts them.

Programs come here with tokens; the session cookie is never taken, so no call needs a CSRF token. Every
answer under /api is JSON, also where no call stands.
"""

from flask import Flask, Response, request
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException, NotFound

from app.api import hip, intake, okanjo, openapi, site, weebly
from app.api.hip import described as hip_described
from app.api.intake import described as intake_described
from app.api.okanjo import described as okanjo_described
from app.api.shape import Dialect, answer, keep_headers
from app.api.site import described as site_described
from app.api.weebly import described as weebly_described

MOUNT = "/api"
DIALECTS: tuple[tuple[Dialect, str], ...] = (
    (okanjo.blueprint, f"{MOUNT}/okanjo"),
    (hip.blueprint, f"{MOUNT}/hip"),
    (weebly.blueprint, f"{MOUNT}/weebly"),
    (intake.blueprint, f"{MOUNT}/intake"),
    (site.blueprint, f"{MOUNT}/site"),
)
DESCRIBED = {
    "okanjo": okanjo_described.DESCRIBED,
    "hip": hip_described.DESCRIBED,
    "weebly": weebly_described.DESCRIBED,
    "intake": intake_described.DESCRIBED,
    "site_api": site_described.DESCRIBED,
}


def init_app(app: Flask, csrf: CSRFProtect) -> None:
    """Mount the dialects and what tells of them, and answer in JSON for all of /api."""
    for dialect, mount in DIALECTS:
        app.register_blueprint(dialect, url_prefix=mount)
        csrf.exempt(dialect)
    openapi.init_app(app, MOUNT, DESCRIBED)
    app.before_request(answer_lost)
    app.after_request(keep_private)


def answer_lost() -> Response | None:
    """Answer a request to /api that no call is made for: its path, method or host is wrong."""
    error = request.routing_exception
    if error is None or not _stands_under(MOUNT):
        return None
    if error.code is None or error.code < 400:  # Werkzeug would lead "//" elsewhere; no path has two names
        error = NotFound()
    for dialect, mount in DIALECTS:
        if _stands_under(mount):
            return dialect.fail(error)
    return _failed(error)


def keep_private(response: Response) -> Response:
    """Let no answer of a program's door be kept on its way."""
    if _stands_under(MOUNT):
        response.headers["Cache-Control"] = "no-store"
    return response


def _failed(error: HTTPException) -> Response:
    """Return the error of a path that belongs to no dialect."""
    response = answer({"error": error.name}, error.code or 500)
    return keep_headers(response, error)


def _stands_under(mount: str) -> bool:
    """Tell whether the request's path is this one or below it."""
    return request.path == mount or request.path.startswith(f"{mount}/")
