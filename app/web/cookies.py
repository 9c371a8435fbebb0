"""Cookies: what each is called, and by what they and the tokens of forms are signed.

By https a name begins so that no other host and no plain http can set it: "__Host-" for the whole site,
"__Secure-" for what is kept to a path of its own, which "__Host-" forbids (RFC 6265bis, 4.1.3).
"""

from hashlib import sha256

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import Signer

THEME, GUEST = "theme", "tradepost_guest"


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, signed by SHA-256 instead of SHA-1 (ASVS 11.4.1)."""

    digest_method = staticmethod(sha256)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save it, but not with a static file: that is the same for all, whatever a library looked at."""
        if request.endpoint != "static":
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Sign by SHA-256, also where a library leaves it to itsdangerous: the tokens of forms."""
    app.session_interface = Sessions()
    Signer.default_digest_method = staticmethod(sha256)


def called(name: str, *, has_path: bool = False) -> str:
    """Return the name of a cookie as the browser keeps it; `has_path`: it is kept to a path of its own."""
    if not current_app.config["IS_HTTPS"]:
        return name
    return f"__Secure-{name}" if has_path else f"__Host-{name}"
