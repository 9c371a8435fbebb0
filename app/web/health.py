"""What watches over the desk asks here: is the process alive, and can it work. Plain text, for everybody.

The answers name no host, no path and no secret; neither takes a session or sets a cookie.
"""

from flask import Blueprint, Response

from app import logs, standing

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Answer as long as the process does; the database is not asked."""
    return told("alive", 200)


@blueprint.get("/readyz")
def ready() -> Response:
    """Answer whether the database is there, with the migrations of this version; 503 says what is wrong."""
    try:
        standing.require_ready()
    except standing.Unready as fault:
        logs.note(reason=str(fault))
        return told(f"not ready: {fault}", 503)
    return told("ready", 200)


def told(words: str, status: int) -> Response:
    """Return a line of plain text."""
    return Response(f"{words}\n", status, content_type="text/plain; charset=utf-8")
