"""How Weebly says which part of a list an answer holds: three headers, and links where there is more."""

from urllib.parse import urlencode

from flask import Response, current_app, request


def paged(response: Response, *, total: int, page: int, limit: int) -> Response:
    """Give a list its paging headers, and `Link` where it is not all there is (reference 3.5)."""
    headers = response.headers
    headers["X-Resultset-Total"], headers["X-Resultset-Page"] = str(total), str(page)
    headers["X-Resultset-Limit"] = str(limit)
    last = max(1, -(-total // limit))
    if last > 1:
        pages = {"first": 1, "prev": min(page - 1, last), "next": page + 1, "last": last}
        links = [f'<{_address(n)}>; rel="{name}"' for name, n in pages.items() if 1 <= n <= last]
        headers["Link"] = ", ".join(links)
    return response


def _address(page: int) -> str:
    """Return the address of another page: on the desk's own host where it knows it, not on the one named."""
    base = str(current_app.config["BASE_URL"]).rstrip("/") or request.root_path
    return f"{base}{request.path}?{urlencode({**request.args, 'page': page})}"
