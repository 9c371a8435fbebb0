"""The site's door: a marketplace's program makes stores and accounts, gives places, shuts, and hands over."""

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import db
from app.models import Account, ApiToken, Handoff, Idempotency, Member, Store
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.rules.books import everything

SITE = ("write:site",)
STORE = {"slug": "stampshop", "name": "Stamp Shop", "currency": "EUR", "zone": "Europe/Lisbon"}
ANA = {"email": "Ana@Example.com", "name": "Ana Lima"}
NO_RIGHT = (403, {"error": "Insufficient privileges for this operation."})
NOT_THERE = (404, {"error": "Not found."})
CALLS = (
    ("GET", "/stores", None),
    ("POST", "/stores", STORE),
    ("POST", "/stores/papershop", {"is_active": False}),
    ("POST", "/stores/papershop/members", {"email": email_of("buyer"), "role": "staff"}),
    ("GET", "/accounts", None),
    ("POST", "/accounts", ANA),
    ("POST", "/accounts/1", {"is_active": False}),
    ("POST", "/handoffs", {"email": email_of("buyer")}),
)


class Program:
    """A marketplace's program: calls under a new key each time unless one is named."""

    def __init__(self, app: Flask, token: Callable[..., dict[str, str]]) -> None:
        self.app, self.client, self.token, self.keys = app, app.test_client(), token, 0
        self.own = token("site_admin", scopes=SITE)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: dict[str, str] | None = None,
        key: str | None = "",
    ) -> TestResponse:
        """Call, with a body of JSON or of bytes."""
        self.keys += 1
        headers = dict(self.own if by is None else by)
        if method == "POST" and key is not None:
            headers["Idempotency-Key"] = key or f"k-{self.keys}"
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        kind = "application/json" if body is not None else None
        return self.client.open(
            f"/api/site{path}", method=method, data=raw, content_type=kind, headers=headers
        )

    def post(self, path: str, body: Any, **how: Any) -> TestResponse:
        """POST."""
        return self.call("POST", path, body, **how)

    def get(self, path: str, **how: Any) -> TestResponse:
        """GET."""
        return self.call("GET", path, **how)


@pytest.fixture
def program(app: Flask, token: Callable[..., dict[str, str]]) -> Program:
    return Program(app, token)


def told(answer: TestResponse) -> tuple[int, Any]:
    """Return status and JSON."""
    assert answer.mimetype == "application/json"
    return answer.status_code, answer.json


def count(app: Flask, table: Any) -> int:
    """Count rows."""
    with app.app_context():
        return db.session.query(table).count()


# Whose token it must be.


def test_only_a_site_admins_token_for_the_site_may(app: Flask, program: Program) -> None:
    both = ("read:store-orders", "write:store-orders")
    others = {
        "a site admin's for sales": program.token("site_admin", scopes=both),
        "a site admin's for nothing": program.token("site_admin", scopes=()),
        "a site admin's for one store": program.token("site_admin", store="papershop", scopes=SITE),
        "an owner's, forged": program.token("owner", scopes=(*both, *SITE)),
        "a buyer's, forged": program.token("buyer", scopes=SITE),
    }
    before = everything(app) | {"api_token": []}
    for whose, by in others.items():
        for method, path, body in CALLS:
            assert told(program.call(method, path, body, by=by)) == NO_RIGHT, (whose, method, path)
    for method, path, body in CALLS:
        assert program.call(method, path, body, by={}).status_code == 401
    assert everything(app) | {"api_token": []} == before


def test_the_token_ends_with_its_persons_place(app: Flask, program: Program) -> None:
    assert program.get("/stores").status_code == 200
    with app.app_context():
        db.session.query(Account).filter_by(email=email_of("site_admin")).one().is_site_admin = False
        db.session.commit()
    assert told(program.get("/stores")) == NO_RIGHT


def test_a_token_for_the_site_alone_sees_no_sales(program: Program) -> None:
    for path in ("/api/okanjo/stores/1/sales", "/api/hip/sales", "/api/weebly/v1/user/sites/1/store/orders"):
        assert program.client.get(path, headers=program.own).status_code == 403, path


# Stores.


@pytest.mark.both
def test_a_store_is_made_once_and_then_answered_as_it_is(app: Flask, program: Program) -> None:
    made = told(program.post("/stores", STORE))
    store = {"id": 4, **STORE, "is_vendor": False, "is_active": True}
    assert made == (201, store)
    changed = {**STORE, "slug": "stampshop", "name": "Another name", "currency": "USD"}
    assert told(program.post("/stores", changed)) == (200, store)
    assert count(app, Store) == 4
    assert told(program.get("/stores?after=3")) == (200, {"stores": [store], "next": None})


def test_the_same_key_and_body_is_done_once(app: Flask, program: Program) -> None:
    first = program.post("/stores", STORE, key="a")
    again = program.post("/stores", STORE, key="a")
    assert told(first) == told(again)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert program.post("/stores", {**STORE, "name": "x"}, key="a").status_code == 422
    assert program.post("/stores", STORE, key=None).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**STORE, "slug": None}, "slug"),
        ({**STORE, "slug": "Stamp Shop"}, "slug"),
        ({**STORE, "slug": "a"}, "slug"),
        ({**STORE, "slug": "a" * 64}, "slug"),
        ({**STORE, "slug": "../x"}, "slug"),
        ({**STORE, "slug": ["x"]}, "slug"),
        ({**STORE, "name": ""}, "name"),
        ({**STORE, "name": "n" * 256}, "name"),
        ({**STORE, "name": "a\0b"}, "name"),
        ({**STORE, "currency": "EURO"}, "currency"),
        ({**STORE, "zone": "Mars/Olympus"}, "zone"),
        ({**STORE, "is_vendor": "perhaps"}, "is_vendor"),
        ({**STORE, "commission_bp": 0}, "commission_bp"),
        ({**STORE, "id": 9}, "id"),
        ({**STORE, "is_active": True}, "is_active"),
    ],
)
def test_a_store_that_cannot_be_is_refused_by_the_name_of_the_field(
    app: Flask, program: Program, body: dict[str, Any], field: str
) -> None:
    status, said = told(program.post("/stores", body))
    assert (status, said["field"]) == (400, field)
    assert count(app, Store) == 3


@pytest.mark.parametrize(
    ("raw", "status"), [(b"", 400), (b"[]", 400), (b"{", 400), (b'{"slug": "a", "slug": "b"}', 400)]
)
def test_a_body_must_be_a_strict_object(program: Program, raw: bytes, status: int) -> None:
    for _, path, body in CALLS:
        if body is not None:
            assert program.post(path, raw).status_code == status, path


def test_a_form_is_not_taken(program: Program) -> None:
    headers = {**program.own, "Idempotency-Key": "f"}
    assert program.client.post("/api/site/stores", data=STORE, headers=headers).status_code == 415


def test_a_store_is_shut_to_its_people_and_opened_again(app: Flask, program: Program) -> None:
    owner = program.token("owner")
    sales = "/api/okanjo/stores/1/sales"
    assert program.client.get(sales, headers=owner).status_code == 200
    assert told(program.post("/stores/PaperShop", {"is_active": False}))[1]["is_active"] is False
    assert program.client.get(sales, headers=owner).status_code == 403
    assert told(program.post("/stores/papershop", {"is_active": True}))[1]["is_active"] is True
    assert program.client.get(sales, headers=owner).status_code == 200
    for body in ({}, {"is_active": None}, {"is_active": "no"}, {"is_active": True, "name": "x"}):
        assert program.post("/stores/papershop", body).status_code == 400, body
    assert told(program.post("/stores/nowhere", {"is_active": True})) == NOT_THERE
    assert told(program.post("/stores/a%00b", {"is_active": True})) == NOT_THERE


# Accounts.


@pytest.mark.both
def test_an_account_is_made_once_without_a_password(app: Flask, program: Program) -> None:
    status, made = told(program.post("/accounts", {**ANA, "is_email_proved": True}))
    assert (status, made["email"], made["name"]) == (201, "ana@example.com", "Ana Lima")
    assert (made["is_active"], made["is_site_admin"], made["is_email_proved"]) == (True, False, True)
    assert told(program.post("/accounts", {"email": "ANA@example.com", "name": "x"})) == (200, made)
    with app.app_context():
        assert db.session.get_one(Account, made["id"]).password is None
    browser = app.test_client()
    for password in ("", "None", PASSWORD):
        sent = {
            "email": made["email"],
            "password": password,
            "csrf_token": csrf_token(browser.get("/login").text),
        }
        browser.post("/login", data=sent)
        assert browser.get("/purchases").status_code == 303


def test_an_account_whose_e_mail_nobody_answers_for_is_not_proved(program: Program) -> None:
    assert told(program.post("/accounts", ANA))[1]["is_email_proved"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Ana"}, "email"),
        ({"email": "ana"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"email": "ana@example.com\r\nBcc: x@example.com"}, "email"),
        ({"email": f"{'a' * 320}@example.com"}, "email"),
        ({"email": {"a": 1}}, "email"),
        ({**ANA, "name": "n" * 256}, "name"),
        ({**ANA, "password": PASSWORD}, "password"),
        ({**ANA, "is_site_admin": True}, "is_site_admin"),
        ({**ANA, "is_email_proved": "perhaps"}, "is_email_proved"),
        ({**ANA, "is_email_vouched": True}, "is_email_vouched"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_the_name_of_the_field(
    app: Flask, program: Program, body: dict[str, Any], field: str
) -> None:
    status, said = told(program.post("/accounts", body))
    assert (status, said["field"]) == (400, field)
    assert count(app, Account) == 8


def test_a_disabled_account_is_out_at_the_next_request(app: Flask, program: Program) -> None:
    owner = program.token("owner")
    sales = "/api/okanjo/stores/1/sales"
    (account,) = program.get("/accounts?email=OWNER@example.com").json["accounts"]
    assert told(program.post(f"/accounts/{account['id']}", {"is_active": False}))[1]["is_active"] is False
    assert program.client.get(sales, headers=owner).status_code == 401
    program.post(f"/accounts/{account['id']}", {"is_active": True})
    assert program.client.get(sales, headers=owner).status_code == 200
    for absent in ("987654", "0", "x", "9" * 30, "1.0"):
        assert told(program.post(f"/accounts/{absent}", {"is_active": True})) == NOT_THERE


def test_a_site_admins_account_is_not_changed_by_a_program(app: Flask, program: Program) -> None:
    (admin,) = program.get("/accounts?email=site_admin@example.com").json["accounts"]
    status, said = told(program.post(f"/accounts/{admin['id']}", {"is_active": False}))
    assert (status, said) == (403, {"error": "A site admin's account is not changed by a program."})
    assert program.get("/stores").status_code == 200


def test_lists_go_on_where_they_ended(program: Program) -> None:
    found, after = [], None
    while True:
        answer = program.get(f"/accounts?limit=3{f'&after={after}' if after else ''}").json
        assert len(answer["accounts"]) <= 3
        found += [account["id"] for account in answer["accounts"]]
        after = answer["next"]
        if after is None:
            break
    assert found == list(range(1, 9))
    assert [s["slug"] for s in program.get("/stores?limit=2").json["stores"]] == ["papershop", "vendorshop"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "after=0",
        "after=-1",
        "after=",
        "page=2",
        "limit=1&limit=2",
        "email=x",
    ],
)
def test_a_list_asked_wrongly_is_refused(program: Program, query: str) -> None:
    status, said = told(program.get(f"/accounts?{query}"))
    assert (status, said["field"]) == (400, query.split("=", maxsplit=1)[0])


# Places.


def test_somebody_gets_a_place_and_another_role(app: Flask, program: Program) -> None:
    account = program.post("/accounts", ANA).json
    place = {"store": "papershop", "account_id": account["id"], "email": "ana@example.com"}
    for role, who in (("staff", {"email": "ana@example.com"}), ("owner", {"account_id": account["id"]})):
        answer = program.post("/stores/papershop/members", {**who, "role": role})
        assert told(answer) == (201, {**place, "role": role})
    with app.app_context():
        assert [m.role for m in db.session.query(Member).filter_by(account_id=account["id"])] == ["owner"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "staff"}, 400),
        ({"email": "ana@example.com"}, 400),
        ({"email": "owner@example.com", "account_id": 2, "role": "staff"}, 400),
        ({"email": "owner@example.com", "role": "admin"}, 400),
        ({"email": "owner@example.com", "role": "staff", "rights": ["refund"]}, 400),
        ({"email": "nobody@example.com", "role": "staff"}, 404),
        ({"account_id": 987654, "role": "staff"}, 404),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    app: Flask, program: Program, body: dict[str, Any], status: int
) -> None:
    before = count(app, Member)
    assert program.post("/stores/papershop/members", body).status_code == status
    assert program.post("/stores/nowhere/members", body).status_code == 404
    assert count(app, Member) == before


# Hand-offs.


@pytest.mark.both
def test_a_hand_off_is_a_link_of_its_own_each_time_and_its_key_is_not_kept(
    app: Flask, program: Program
) -> None:
    first, second = (program.post("/handoffs", {"email": email_of("buyer")}, key="one") for _ in "12")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["url"] != second.json["url"]
    assert first.headers["Cache-Control"] == "no-store"
    assert count(app, Idempotency) == 0
    with app.app_context():
        kept = str([(row.key_hash, row.path) for row in db.session.query(Handoff)])
    assert first.json["url"].split("key=")[1] not in kept


def test_the_address_of_a_hand_off_is_that_of_the_settings(app: Flask, program: Program) -> None:
    app.config["BASE_URL"] = "https://desk.example/shop/"
    try:
        url = program.post("/handoffs", {"email": email_of("buyer")}).json["url"]
    finally:
        app.config["BASE_URL"] = ""
    assert url.startswith("https://desk.example/shop/login/handoff?key=")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "/a\tb",
        "/a\0b",
        "purchases",
        " /purchases",
        "/" + "x" * 2000,
        ["/"],
    ],
)
def test_a_hand_off_leads_to_no_other_place(app: Flask, program: Program, path: object) -> None:
    status, said = told(program.post("/handoffs", {"email": email_of("buyer"), "path": path}))
    assert (status, said["field"]) == (400, "path")
    assert count(app, Handoff) == 0


def test_a_site_admin_or_a_disabled_account_is_never_handed_over(app: Flask, program: Program) -> None:
    with app.app_context():
        db.session.query(Account).filter_by(email=email_of("staff")).one().active = False
        db.session.commit()
    assert program.post("/handoffs", {"email": email_of("site_admin")}).status_code == 403
    assert program.post("/handoffs", {"email": email_of("staff")}).status_code == 409
    assert told(program.post("/handoffs", {"email": "nobody@example.com"})) == NOT_THERE
    assert count(app, Handoff) == 0


# Many at once, limits, the log.


@pytest.mark.both
@pytest.mark.parametrize(("path", "body", "table"), [("/stores", STORE, Store), ("/accounts", ANA, Account)])
def test_of_many_who_make_the_same_at_once_one_makes_it(
    app: Flask, program: Program, path: str, body: dict[str, Any], table: Any
) -> None:
    before, together, answered = count(app, table), Barrier(6), []

    def run(n: int) -> None:
        headers = {**program.own, "Idempotency-Key": f"twin-{n}"}
        together.wait()
        answered.append(app.test_client().post(f"/api/site{path}", json=body, headers=headers).status_code)

    threads = [Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(app, table) == before + 1
    assert (answered.count(201), set(answered) <= {200, 201, 409}) == (1, True)


def test_a_program_that_calls_too_often_is_held_back(app: Flask, program: Program) -> None:
    app.config["API_PER_SECOND"] = 2
    try:
        answers = [program.get("/stores") for _ in range(4)]
    finally:
        app.config["API_PER_SECOND"] = 0
    assert 429 in {answer.status_code for answer in answers}
    assert answers[-1].headers["Retry-After"]


def test_every_call_is_a_line_that_says_what_was_done_to_whom(
    app: Flask, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for method, path, body in CALLS:
        program.call(method, path.replace("/accounts/1", "/accounts/8"), body).close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line.get("did") for line in lines] == [
        None,
        "made a store",
        "shut a store",
        "gave a place",
        None,
        "made an account",
        "disabled an account",
        "made a hand-off",
    ]
    assert {line["account"] for line in lines} == {1}
    assert "@" not in str(lines)
    secret = program.own["Authorization"].split("_", 2)[2]
    assert secret not in str(lines)
    with app.app_context():
        assert secret not in str([row.token_hash for row in db.session.query(ApiToken)])
