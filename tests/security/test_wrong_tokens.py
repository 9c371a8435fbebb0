"""A token that is not quite one opens nothing: every wrong form at every program's door (P22, H35)."""

import base64
import hashlib
from collections.abc import Callable

from tests.house.conftest import COOKIE, House
from tests.house.test_permissions import LINES
from tests.security.doors import OF_EVERYBODY
from tests.security.probe import LINKS, Probe
from tests.security.scale import share

Form = tuple[list[tuple[str, str]], str]  # headers, query


def bearer(token: str) -> Form:
    """Return a token as it is usually sent."""
    return [("Authorization", f"Bearer {token}")], ""


def forms(house: House) -> dict[str, Form]:
    """Return the wrong forms, each near to the owner's token or a way by which none is taken."""
    token, other = house.keys["owner"].token, house.keys["staff"].token
    _, public, secret = token.split("_", 2)
    swapped = token[:-1] + ("A" if token[-1] != "A" else "B")
    basic = base64.b64encode(f"{token}:".encode()).decode()
    return {
        "none": ([("Authorization", "")], ""),
        "the word alone": ([("Authorization", "Bearer")], ""),
        "a blank": ([("Authorization", "Bearer  ")], ""),
        "null": bearer("null"),
        "undefined": bearer("undefined"),
        "an asterisk": bearer("*"),
        "7,000 characters": bearer("x" * 7000),
        "one more": bearer(token + "x"),
        "one fewer": bearer(token[:-1]),
        "the last one another": bearer(swapped),
        "capitals": bearer(token.upper()),
        "small letters": bearer(token.lower()),
        "its public part": bearer(public),
        "its secret part": bearer(secret),
        "its beginning": bearer(f"tp_{public}_"),
        "another's secret": bearer(f"tp_{public}_{other.split('_', 2)[2]}"),
        "its hash": bearer(hashlib.sha256(token.encode()).hexdigest()),
        "bytes": bearer("\xff\xfe"),
        "NUL behind it": bearer(token + "\0"),
        "quotes around it": bearer(f'"{token}"'),
        "two blanks": ([("Authorization", f"Bearer  {token}")], ""),
        "two tokens": bearer(f"{token}, Bearer {other}"),
        "two headers": ([("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")], ""),
        "Basic": ([("Authorization", f"Basic {basic}")], ""),
        "Token": ([("Authorization", f"Token {token}")], ""),
        "no word": ([("Authorization", token)], ""),
        "in a cookie": ([("Authorization", ""), ("Cookie", f"token={token}; api_key={token}")], ""),
        "a sign-in": ([("Authorization", ""), ("Cookie", f"{COOKIE}={house.keys['owner'].cookie}")], ""),
        "in the query": ([("Authorization", "")], f"access_token={token}"),
        "in the query as a token": ([("Authorization", "")], f"token={token}"),
    }


def test_no_wrong_form_of_a_token_opens_a_programs_door(
    probe: Probe, count: Callable[[str, int], None]
) -> None:
    doors = [x for x in LINES if x.rule.startswith("/api/") and x.rule not in OF_EVERYBODY]
    lines = list({(x.method, x.rule): x for x in doors}.values())
    wrong = forms(probe.house)
    before = probe.house.dump()
    for line, (name, (headers, query)) in share(
        [(line, form) for line in lines for form in wrong.items()], 3
    ):
        address = probe.house.path(line.address) + (f"?{query}" if query else "")
        answer = probe.ask("signed_out", line.method, address, headers=headers)
        assert answer.status_code == 401, (line.rule, name)
        assert answer.headers["WWW-Authenticate"] == "Bearer", (line.rule, name)
        assert "Set-Cookie" not in answer.headers, (line.rule, name)
    assert probe.house.dump() == before
    count("wrong tokens at programs' doors", probe.asked)
    count("forms of wrong tokens", len(wrong))


def test_the_right_form_opens_it(probe: Probe) -> None:
    assert probe.ask("owner", "GET", "/api/okanjo/stores/1/sales").status_code == 200


def test_no_token_stands_in_the_database(house: House) -> None:
    rows = str(house.dump())
    for who, keys in house.keys.items():
        assert keys.cookie not in rows, who
        if who != "half_way":  # who is half way in has neither yet
            assert keys.token not in rows and keys.token.split("_", 2)[2] not in rows, who
            assert keys.csrf not in rows, who
    for name in LINKS:
        assert house.path(f"{{{name}}}") not in rows, name
