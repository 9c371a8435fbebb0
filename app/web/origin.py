"""No form of another site reaches the desk, whatever token it carries.

Browsers say where a request comes from: in Sec-Fetch-Site, older ones in Origin. What comes from elsewhere is
refused, so that a form's token that leaked is of no use in a page of others. What is no browser sends
neither, and needs the token alone. Programs' doors take no cookie: a bearer token is taken from anywhere.
"""

from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFError

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# "none": a person typed the address.
OWN = frozenset({"same-origin", "none"})
PROGRAMS = "/api/"


def init_app(app: Flask) -> None:
    """Ask before each request."""

    @app.before_request
    def refuse_others() -> None:
        is_form = request.method not in SAFE and not request.path.startswith(PROGRAMS)
        if is_form and comes_from_elsewhere():
            raise CSRFError("The request comes from another site.")


def comes_from_elsewhere() -> bool:
    """Tell whether the browser says that a page of another site sent the request.

    A proxy may hide our name, hence Sec-Fetch-Site is asked first: a browser that sends it has compared.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in OWN
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return True
    return host not in {request.host, urlsplit(current_app.config["BASE_URL"]).netloc} - {""}
