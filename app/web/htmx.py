"""The one place that speaks htmx's headers: whole page or part, where a part goes, and going elsewhere."""

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

ASKS = "HX-Request"


def wants_part() -> bool:
    """Tell whether htmx asks for a part (and not for a page of its history)."""
    return ASKS in request.headers and "HX-History-Restore-Request" not in request.headers


def page(
    whole: str, part: str, *, status: int = 200, target: str | None = None, **given: object
) -> ResponseReturnValue:
    """Render the whole page, or the part of it that htmx asked for; `target` moves where the part goes."""
    if not wants_part():
        return render_template(whole, **given), status
    answer = make_response(render_template(part, **given), status)
    if target:
        answer.headers["HX-Retarget"] = target
        answer.headers["HX-Reswap"] = "outerHTML"
    return answer


def go_to(url: str) -> Response:
    """Send the browser to another page of ours, by whichever way it asked."""
    if not wants_part():
        return redirect(url, 303)  # type: ignore[return-value]
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = url
    return answer
