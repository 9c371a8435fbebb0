"""What sends requests to a furnished desk and judges every answer by what holds for all of them.

No failure, nothing of the inside, no way out, no copy for anybody, one line in the log and no secret in it.
"""

import json
import re
import time
from contextlib import redirect_stderr
from io import StringIO
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD
from tests.house.conftest import HTMX, House

INSIDE = (
    "Traceback (most recent",
    "sqlalchemy.",
    "site-packages",
    "werkzeug.",
    "psycopg",
    "jinja2.",
    "sqlite3.",
)
LEADING = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Refresh", "Link")
OWN = "http://localhost"
# When a token and a sign-in were last in use is the one thing that a read may note (law 6).
LAST_SEEN = {"api_token": ("used_at",), "signin": ("seen_at",)}

# What stands in the house and lets in whoever holds it.
LINKS = (
    "link",
    "link of a new one",
    "guest link's token",
    "hand-off",
    "recovery code",
    "owner's offer",
    "staff's reset",
    "staff's new e-mail",
)


class Slow(NamedTuple):
    """The answer that took longest."""

    seconds: float
    asked: str


def is_home(where: str) -> bool:
    """Tell whether an address leads to this site, read as a browser reads it."""
    read = re.sub(r"[\t\r\n]", "", where.strip("".join(map(chr, range(33))))).replace("\\", "/")
    try:
        parts = urlsplit(urljoin(f"{OWN}/login", read))
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}" == OWN and not read.startswith("//")


class Probe:
    """Asks as one of the cast, by a browser or, below /api, by their token; counts what was asked."""

    def __init__(self, house: House) -> None:
        self.house, self.asked, self.slowest, self.log = house, 0, Slow(0, ""), StringIO()
        keys = [key for keys in house.keys.values() for key in keys if key]  # who is half way in has no token
        links = [house.path(f"{{{name}}}") for name in LINKS if name in house.ids]
        self.secrets = [PASSWORD, *keys, *links]

    def ask(
        self,
        who: str,
        method: str,
        address: str,
        *,
        headers: Any = None,
        part: bool = False,
        browser: FlaskClient | None = None,
        **given: Any,
    ) -> TestResponse:
        """Send a request, by a browser of theirs or a new one; return its answer, which holds."""
        is_program = address.startswith("/api/")
        told = list((headers or {}).items()) if not isinstance(headers, list) else headers
        if is_program and not any(name == "Authorization" for name, _ in told):
            told = [*told, *self.house.bearer(who).items()]
        if part:
            told = [*told, *HTMX.items()]
        browser = browser or self.house.browser("signed_out" if is_program else who)
        self.log.seek(0)
        self.log.truncate()
        began = time.perf_counter()
        with redirect_stderr(self.log):
            answer = browser.open(address, method=method, headers=told, **given)
            body = answer.get_data()
            answer.close()
        took = time.perf_counter() - began
        self.asked += 1
        said = f"{who} {method} {address[:200]}"
        if took > self.slowest.seconds:
            self.slowest = Slow(took, said)
        self.holds(answer, body, said)
        return answer

    def post(self, who: str, address: str, sent: dict[str, Any], **given: Any) -> TestResponse:
        """Send a form with the token of its session."""
        browser = self.house.browser(who)
        token = self.house.csrf(browser, who)
        return self.ask(who, "POST", address, browser=browser, data=sent | {"csrf_token": token}, **given)

    def holds(self, answer: TestResponse, body: bytes, said: str) -> None:
        """Check what holds for every answer."""
        assert answer.status_code < 500, (said, answer.status, self.log.getvalue()[-2000:])
        assert [word for word in INSIDE if word.encode() in body] == [], said
        headers = answer.headers
        self.leads_home(answer, said)
        if "no-store" not in headers.get("Cache-Control", ""):
            assert answer.request.path.startswith("/static/") and answer.status_code in {200, 304}, said
        elif not answer.request.path.startswith("/api/"):
            assert {"Cookie", "HX-Request"} <= set(headers["Vary"].split(", ")), said
        assert headers["X-Content-Type-Options"] == "nosniff", said
        assert "default-src 'none'" in headers["Content-Security-Policy"], said
        self.is_told_once(answer, said)

    def leads_home(self, answer: TestResponse, said: str) -> None:
        """Check that no header leads to another site, or holds another header."""
        for name in LEADING:
            for where in answer.headers.getlist(name):
                address = re.findall(r"<([^>]*)>", where) if name == "Link" else [where]
                assert all(map(is_home, address)), (said, name, where)
        assert not any(set(value) & {"\r", "\n", "\0"} for _, value in answer.headers), said

    def is_told_once(self, answer: TestResponse, said: str) -> None:
        """Check that the request left one line, which says how it ended and holds no secret."""
        text = self.log.getvalue()
        lines = [json.loads(line) for line in text.splitlines()]
        told = [line for line in lines if line["event"] == "request"]
        assert len(told) == 1, (said, text)
        assert told[0]["request"] == answer.headers["X-Request-ID"], said
        assert told[0]["status"] == answer.status_code, said
        assert (answer.status_code < 400) or told[0]["level"] in {"warning", "error"}, said
        assert (text.isascii() and text.isprintable()) or not set(text) - {"\n"} & set(map(chr, range(32))), (
            said
        )
        assert [secret for secret in self.secrets if secret in text] == [], said

    @property
    def line(self) -> dict[str, Any]:
        """Return the log's line of the last request."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return next(line for line in lines if line["event"] == "request")
