"""A guest link is useless for anything else: with its cookie every other address answers as to a stranger."""

import re

import pytest
from werkzeug.test import TestResponse

from tests.house.conftest import House
from tests.house.test_permissions import LINES, Line

# An invitation is declined once: whoever asks second is answered otherwise for that alone.
OTHERS = [x for x in LINES if not x.rule.startswith("/guest/") and not x.rule.endswith("/decline")]


def ask(house: House, line: Line, cookie: str) -> TestResponse:
    """Send a request by a browser that is signed out and carries this cookie to every path."""
    browser = house.browser("signed_out")
    token = house.csrf(browser, "signed_out")
    if cookie:
        name, _, value = cookie.partition("=")
        browser.set_cookie(name, value, path="/")
    body = {"csrf_token": token} if line.method != "GET" and "/api/" not in line.address else None
    return browser.open(house.path(line.address), method=line.method, data=body)


def evened(answer: TestResponse) -> tuple[int, str | None, str]:
    """Return what an answer says, without what differs each time."""
    text = re.sub(r'(csrf_token"[^>]* value="|X-CSRFToken": ")[^"]*', r"\1", answer.text)
    return answer.status_code, answer.location, text


def test_the_routes_are_many() -> None:
    assert len(OTHERS) > 100


@pytest.mark.parametrize("line", OTHERS, ids=[f"{x.method} {x.address}" for x in OTHERS])
def test_it_opens_nothing_else(house: House, line: Line) -> None:
    opened = house.browser("signed_out").get(house.path("/guest/{guest link's token}"))
    cookie = opened.headers["Set-Cookie"].split(";")[0]
    assert evened(ask(house, line, cookie)) == evened(ask(house, line, ""))
