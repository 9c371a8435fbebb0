"""No write by a browser without a CSRF token of its own session, and no session for programs.

Every unsafe route of url_map has a body here that would do something: with a token it does (or answers as
its table says), without one, or with another session's, it answers 400 and the database stays as it is.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api import DIALECTS
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.house.conftest import COOKIE, HTMX, ORDER_FILE, House

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
NEW_PASSWORD = {"password": "another boat on the pond", "again": "another boat on the pond"}
SURE = {"current": PASSWORD, "code": "{recovery code}"}


SETTINGS = {
    "seen": "{settings}",
    "name": "Another name",
    "zone": "UTC",
    "handling_days": "1",
    "workdays-day1": "1",
    "cut_off": "12",
    "cancel_days": "30",
    "unpaid_days": "5",
    "received_days": "14",
    "undo_minutes": "10",
    "guest_days": "180",
    "forget_months": "0",
}


class Write(NamedTuple):
    """One unsafe route: where it is sent, by whom, a body that does something, whether rows change, and
    whether a page answers (else it leads to one).
    """

    endpoint: str
    address: str
    body: dict[str, str]
    who: str = "owner"
    changes_rows: bool = True
    shows_page: bool = False
    has_file: bool = False


WRITES = (
    Write("security.login", "/login", {"email": email_of("owner"), "password": PASSWORD}, "signed_out"),
    Write("security.logout", "/logout", {}),
    Write("second_step.enter", "/login/code", {"code": "{recovery code}"}, "half_way"),
    Write("passwords.ask", "/forgot", {"email": email_of("owner")}, "signed_out"),
    Write("passwords.set_anew", "/reset", {"token": "{staff's reset}", **NEW_PASSWORD}, "signed_out"),
    Write("passwords.change", "/account/password", {"current": PASSWORD, **NEW_PASSWORD}),
    Write("email_change.ask", "/account/email", {"current": PASSWORD, "email": "new@example.com"}),
    Write("email_change.change", "/account/email/confirm", {"token": "{staff's new e-mail}"}, "staff"),
    Write(
        "second_factor.turn_on",
        "/account/second-factor",
        {"sealed": "{owner's offer}", "code": "{code of now}", "current": PASSWORD},
        shows_page=True,
    ),
    Write("second_factor.turn_off", "/account/second-factor/off", SURE, "stranger"),
    Write(
        "second_factor.make_codes",
        "/account/second-factor/codes",
        SURE,
        "stranger",
        shows_page=True,
    ),
    Write("signins.end", "/account/sessions/{owner's session}/end", {}),
    Write("signins.end_others", "/account/sessions/end-others", {}),
    Write("account.save", "/account", {"name": "Olive Owner", "username": "olive"}),
    Write("account.theme", "/theme", {"theme": "dark"}, changes_rows=False),
    Write("handoff.enter", "/login/handoff", {"key": "{hand-off}"}, "signed_out"),
    Write("tokens.make", "/account/tokens", {"name": "Till", "read": "1", "lasts": "7"}, shows_page=True),
    Write("tokens.end", "/account/tokens/{owner's token}/end", {}),
    Write(
        "ship.send",
        "/stores/papershop/sales/{sale}/ship",
        {"pieces-{sale's item}": "1", "tracking_number": "X 2"},
    ),
    Write("sales.paid", "/stores/papershop/sales/{unpaid}/paid", {"payment": "1"}),
    Write(
        "aftersale.cancel",
        "/stores/papershop/sales/{sale}/cancel",
        {"pieces-{sale's item}": "1", "reason": "buyer"},
    ),
    Write("aftersale.refund", "/stores/papershop/sales/{sale}/refund", {"amount": "1", "reason": "other"}),
    Write("aftersale.refund_done", "/stores/papershop/sales/{refunding}/refund/done", {}),
    Write("aftersale.refund_withdraw", "/stores/papershop/sales/{refunding}/refund/withdraw", {}),
    Write("aftersale.take_back", "/stores/papershop/sales/{sent}/return", {"pieces-{sent's item}": "1"}),
    Write("aftersale.problem", "/stores/papershop/sales/{sent}/problem", {}),
    Write("aftersale.resolve", "/stores/papershop/sales/{refunding}/resolve", {}),
    Write("aftersale.expire", "/stores/papershop/sales/{unpaid}/expire", {}),
    Write("aftersale.note", "/stores/papershop/sales/{sale}/notes", {"body": "Fragile"}),
    Write(
        "aftersale.address",
        "/stores/papershop/sales/{sale}/address",
        {"name": "Ada", "city": "York", "country": "GB"},
    ),
    Write("aftersale.unpaid", "/stores/papershop/sales/{sale}/unpaid", {}),
    Write("aftersale.void", "/stores/papershop/sales/{sent}/parcels/{parcel}/void", {}),
    Write("aftersale.mail_again", "/stores/papershop/sales/{sent}/mails/{mail}/again", {}),
    Write("items.update", "/stores/papershop/items/{papershop's deal}", {"status": "4"}),
    Write("parcels.send", "/stores/papershop/parcels/{draft}/send", {}),
    Write("parcels.void", "/stores/papershop/parcels/{parcel}/void", {}),
    Write("buyers_word.paid", "/purchases/{sale}/paid", {"code": "1"}, "buyer"),
    Write("buyers_word.received", "/purchases/{bought}/received", {"item-{bought goods}": "1"}, "buyer"),
    Write(
        "buyers_word.problem",
        "/purchases/{bought}/problem",
        {"item-{bought kit}": "1", "words": "It is the wrong one."},
        "buyer",
    ),
    Write(
        "buyers_word.feedback",
        "/purchases/{bought}/feedback",
        {"item": "{bought file}", "value": "5"},
        "buyer",
    ),
    Write("buyers_word.download", "/purchases/{bought}/download", {"item": "{bought file}"}, "buyer"),
    Write(
        "persons.export", "/site/persons/export", {"email": email_of("buyer")}, "site_admin", shows_page=True
    ),
    Write(
        "persons.erase",
        "/site/persons/erase",
        {"email": email_of("buyer"), "again": email_of("buyer"), "anyway": "1"},
        "site_admin",
    ),
    Write("guest_links.make", "/stores/papershop/sales/{sale}/guest-link", {}),
    Write("guest_links.end", "/stores/vendorshop/sales/{bought}/guest-link/end", {}),
    Write("guest.received", "/guest/{guest link}/received", {"item-{bought goods}": "1"}, "guest"),
    Write(
        "guest.problem", "/guest/{guest link}/problem", {"item-{bought kit}": "1", "words": "Torn"}, "guest"
    ),
    Write(
        "aftersale.feedback",
        "/stores/vendorshop/sales/{bought}/feedback",
        {"item": "{bought file}", "value": "4"},
    ),
    Write("imports.preview", "/stores/papershop/import", {}, has_file=True),
    Write("imports.run", "/stores/papershop/import/{import}", {}),
    Write(
        "new_sale.keep",
        "/stores/papershop/sales/new",
        {"key": "0" * 32, "buyer-name": "Ada", "lines-0-title": "Card", "lines-0-price": "1"},
    ),
    Write("settings.save", "/stores/papershop/settings", SETTINGS),
    Write(
        "webhooks.add",
        "/stores/papershop/settings/webhooks",
        {"key": "0" * 32, "url": "https://program.example/", "events-paid": "1"},
    ),
    Write("webhooks.change", "/stores/vendorshop/settings/webhooks/{webhook}", {"events-paid": "1"}),
    Write("webhooks.rotate", "/stores/vendorshop/settings/webhooks/{webhook}/secret", {"number": "0"}),
    Write("webhooks.try_out", "/stores/vendorshop/settings/webhooks/{webhook}/ping", {}),
    Write("webhooks.end", "/stores/vendorshop/settings/webhooks/{webhook}/end", {}),
    Write(
        "site.make",
        "/site/stores",
        {"slug": "newshop", "name": "New", "owner": email_of("owner2"), "currency": "USD", "zone": "UTC"},
        "site_admin",
    ),
    Write("site.disable", "/site/stores/1/disable", {}, "site_admin"),
    Write("site.enable", "/site/stores/1/enable", {}, "site_admin", changes_rows=False),
    Write("site.hand_store_over", "/site/stores/1/hand-over", {"email": email_of("owner2")}, "site_admin"),
    Write("site_people.disable", "/site/people/{the buyer}/disable", {}, "site_admin"),
    Write("site_people.enable", "/site/people/{the buyer}/enable", {}, "site_admin", changes_rows=False),
    Write("site_people.make_admin", "/site/people/{the buyer}/make-admin", {}, "site_admin"),
    Write(
        "site_people.unmake_admin",
        "/site/people/{the buyer}/unmake-admin",
        {},
        "site_admin",
        changes_rows=False,
    ),
    Write("site_people.sign_out", "/site/people/{the buyer}/sign-out", {}, "site_admin"),
    Write("staff.invite_one", "/stores/papershop/staff", {"email": "ada@example.com", "role": "staff"}),
    Write("staff.invite_again", "/stores/papershop/staff/invitations/{invitation}/again", {}),
    Write("staff.withdraw_one", "/stores/papershop/staff/invitations/{invitation}/withdraw", {}),
    Write("staff.change", "/stores/papershop/staff/{the staff}", {"role": "vendor", "seen": "staff"}),
    Write("staff.remove_one", "/stores/papershop/staff/{the staff}/remove", {}),
    Write("staff.leave_it", "/stores/papershop/leave", {}, "vendor"),
    Write("store_tokens.end", "/stores/papershop/tokens/{token for papershop}/end", {}),
    Write("invitations.accept_it", "/invitations/{link}/accept", {}, "stranger"),
    Write("invitations.decline_it", "/invitations/{link}/decline", {}, "stranger"),
    Write(
        "invitations.join",
        "/invitations/{link of a new one}/join",
        {"name": "Ada", "password": PASSWORD},
        "signed_out",
    ),
    Write("webhooks.again", "/stores/vendorshop/settings/webhooks/messages/{message}/again", {}),
    Write(
        "connections.make",
        "/stores/papershop/settings/connections",
        {"base_url": "{market}", "username": "joe", "api_key": "k", "zone": "UTC"},
    ),
    Write("connections.pull", "/stores/vendorshop/settings/connections/pull", {}),
    Write("connections.halt", "/stores/vendorshop/settings/connections/pause", {}),
    Write(  # nothing is paused
        "connections.go_on", "/stores/vendorshop/settings/connections/resume", {}, changes_rows=False
    ),
    Write("connections.again", "/stores/vendorshop/settings/connections/sales/{untold}/again", {}),
    Write("connections.end", "/stores/vendorshop/settings/connections/end", {}),
)


# What a browser says of a request that a page of another site sends.
ELSEWHERE = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "another name of this site": {"Sec-Fetch-Site": "same-site"},
    "an older browser": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://localhost:8000"},
    "a page without an address": {"Origin": "null"},
    "htmx of another site": {**HTMX, "Sec-Fetch-Site": "cross-site"},
    "no address at all": {"Origin": "http://[::1"},
}


@pytest.fixture(autouse=True)
def _reached(reached: Callable[[House], None], house: House) -> None:
    """Let the desk call a marketplace: a store is connected to it."""
    reached(house)


def web_routes(app: Flask) -> set[str]:
    """Return the endpoints outside of the dialects that take an unsafe method."""
    dialects = {dialect.name for dialect, _ in DIALECTS}
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) & UNSAFE and rule.endpoint.split(".")[0] not in dialects
    }


def filled(house: House, write: Write) -> dict[str, Any]:
    """Return the body with the ids of what stands in the house, and the file where one is sent."""
    file = {"file": (BytesIO(ORDER_FILE.read_bytes()), "orders.csv")} if write.has_file else {}
    return {house.path(name): house.path(value) for name, value in write.body.items()} | file


def test_every_unsafe_route_is_tried_here(app: Flask) -> None:
    assert {write.endpoint for write in WRITES} == web_routes(app)


@pytest.mark.parametrize("write", WRITES, ids=[w.endpoint for w in WRITES])
def test_with_a_token_of_its_session_the_write_is_done(house: House, write: Write) -> None:
    browser = house.browser(write.who)
    token = house.csrf(browser, write.who)
    before = house.dump()
    answer = browser.post(house.path(write.address), data=filled(house, write) | {"csrf_token": token})
    assert answer.status_code in ({200, 201} if write.shows_page else {302, 303})
    assert (house.dump() != before) == write.changes_rows


def cookies(browser: FlaskClient) -> set[str]:
    """Return the names of the cookies that a browser keeps."""
    return {name for name in (COOKIE, "theme") if browser.get_cookie(name)}


@pytest.mark.parametrize("write", WRITES, ids=[w.endpoint for w in WRITES])
def test_without_one_nothing_is_done(house: House, write: Write, count: Callable[[str, int], None]) -> None:
    other = "owner" if write.who == "staff" else "staff"
    tokens = {
        "no token": {},
        "an empty token": {"csrf_token": ""},
        "a token of another session": {"csrf_token": house.csrf(house.browser(other), other)},
        "a made-up token": {"csrf_token": "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"},
    }
    browser = house.browser(write.who)
    house.csrf(browser, write.who)  # the session has a token: it must be this one
    before, answered = (house.dump(), cookies(browser)), {}
    for wrong, token in tokens.items():
        in_header = {"X-CSRFToken": token["csrf_token"]} if token else {}
        for asking, headers in {"a browser": {}, "htmx": HTMX, "a header": in_header}.items():
            sent = filled(house, write) | ({} if asking == "a header" else token)
            answer = browser.post(house.path(write.address), data=sent, headers=headers)
            answered[wrong, asking] = answer.status_code
    for from_where, headers in ELSEWHERE.items():  # even with the right token
        token = {"csrf_token": house.csrf(browser, write.who)}
        answer = browser.post(house.path(write.address), data=filled(house, write) | token, headers=headers)
        answered["a token that leaked", from_where] = answer.status_code
    assert set(answered.values()) == {400}, answered
    assert (house.dump(), cookies(browser)) == before
    count("forgeries on unsafe routes", len(answered))


@pytest.mark.parametrize("write", WRITES, ids=[w.endpoint for w in WRITES])
def test_a_token_of_before_the_last_sign_in_is_none(
    house: House, write: Write, count: Callable[[str, int], None]
) -> None:
    # These do not sign in by a password alone; who sends a form is looked at after its token anyway.
    who = "owner" if write.who in {"signed_out", "guest", "half_way", "stranger"} else write.who
    browser = house.app.test_client()
    stale = csrf_token(browser.get("/login").text)
    sent = {"email": email_of(who), "password": PASSWORD, "csrf_token": stale}
    assert browser.post("/login", data=sent).status_code in {302, 303}
    stale_too = csrf_token(browser.get("/purchases").text)
    assert browser.post("/logout", data={"csrf_token": stale_too}).status_code == 302
    fresh = csrf_token(browser.get("/login").text)
    if write.who != "signed_out":
        assert browser.post("/login", data=sent | {"csrf_token": fresh}).status_code in {302, 303}
    assert len({stale, stale_too, fresh}) == 3
    before = house.dump()
    for token in (stale, stale_too, house.csrf(house.browser(who), who)):
        answer = browser.post(house.path(write.address), data=filled(house, write) | {"csrf_token": token})
        assert answer.status_code == 400
    assert house.dump() == before
    count("forgeries on unsafe routes", 3)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin"},
        # A proxy that hides the desk's name: the browser has compared.
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://desk.example"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_of_this_site_is_taken(house: House, headers: dict[str, str]) -> None:
    browser = house.browser("owner")
    sent = {"payment": "1", "csrf_token": house.csrf(browser, "owner")}
    answer = browser.post(house.path("/stores/papershop/sales/{unpaid}/paid"), data=sent, headers=headers)
    assert answer.status_code == 303


def test_a_form_of_the_desks_own_name_is_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(house.app.config, "BASE_URL", "https://desk.example")
    browser = house.browser("owner")
    sent = {"payment": "1", "csrf_token": house.csrf(browser, "owner")}
    path = house.path("/stores/papershop/sales/{unpaid}/paid")
    assert browser.post(path, data=sent, headers={"Origin": "https://desk.example"}).status_code == 303


def test_a_program_may_call_from_a_page_of_others(house: House) -> None:
    headers = house.bearer("owner") | {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"}
    path = house.path("/api/okanjo/stores/1/sales/{sale's item}")
    assert house.browser("signed_out").put(path, data={"status": "3"}, headers=headers).status_code == 200


def test_a_token_in_the_header_does_as_well_as_one_in_the_body(house: House) -> None:
    browser = house.browser("owner")
    headers = {**HTMX, "X-CSRFToken": house.csrf(browser, "owner")}
    answer = browser.post(
        house.path("/stores/papershop/sales/{unpaid}/paid"), data={"payment": "1"}, headers=headers
    )
    assert answer.status_code == 200


def test_signing_in_ends_the_tokens_of_the_session_before(house: House) -> None:
    browser = house.browser("signed_out")
    before = house.csrf(browser, "signed_out")
    sent = {"email": email_of("owner"), "password": PASSWORD, "csrf_token": before}
    assert browser.post("/login", data=sent).status_code in {302, 303}
    assert browser.post("/theme", data={"theme": "dark", "csrf_token": before}).status_code == 400


def test_only_the_dialects_are_exempt(app: Flask) -> None:
    csrf = app.extensions["csrf"]
    assert csrf._exempt_blueprints == {dialect for dialect, _ in DIALECTS}
    assert csrf._exempt_views == set()


def api_routes(app: Flask) -> list[tuple[str, str]]:
    """Return (method, address) of every route below the dialects' mounts, ids filled in."""
    mounts = tuple(mount for _, mount in DIALECTS)
    found = []
    for rule in app.url_map.iter_rules():
        if str(rule).startswith(mounts):
            address = "".join(
                "1" if is_variable else part for is_variable, part in rule._trace if part != "|"
            )
            found += [(method, address) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_programs_never_get_in_by_the_session(house: House) -> None:
    calls = api_routes(house.app)
    assert calls
    for method, address in calls:
        with house.statements() as seen:
            answer = house.browser("owner").open(address, method=method, data={"status": "4"})
        assert (method, address, answer.status_code) == (method, address, 401)
        assert [s.sql for s in seen if "signin" in s.sql] == []
        assert "Set-Cookie" not in answer.headers


def test_a_call_with_a_token_does_not_read_the_session_beside_it(house: House) -> None:
    for method, address in api_routes(house.app):
        with house.statements() as seen:
            house.browser("owner").open(address, method=method, headers=house.bearer("stranger"))
        assert [s.sql for s in seen if "signin" in s.sql] == []


def test_no_page_takes_a_token_of_a_program(house: House) -> None:
    answer = house.browser("signed_out").get("/stores/papershop/sales", headers=house.bearer("owner"))
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
