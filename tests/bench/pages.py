"""What is asked of our desk, signed in with a real session, and what each answer must show."""

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flask import Flask

from app.actions.people import make_token
from app.db import db
from app.queries import people
from tests.bench.calls import Answer, Ask, Wrong
from tests.bench.facts import COMMON, OTHER, OWNER, PAGE, SLUG, Facts, Sale

Check = Callable[[Answer], None]
HTMX = {"HX-Request": "true"}
SALES, ITEMS = f"/stores/{SLUG}/sales", f"/stores/{SLUG}/items"
SALE_ROW, ITEM_ROW = re.compile(rb'<tbody id="sale-(\d+)"'), re.compile(rb'<tbody id="item-(\d+)"')
LINE = re.compile(rb'<tr id="item-(\d+)"')
TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class Keys(NamedTuple):
    """How the store's owner gets in: the browser's cookie and CSRF token, and a program's token."""

    cookie: dict[str, str]
    csrf: str
    bearer: dict[str, str]


class Page(NamedTuple):
    """One page: the path's name, what is asked, and the judge of its answers."""

    path: str
    ask: Ask
    check: Check


def sign_in(app: Flask, password: str) -> Keys:
    """Sign the owner in through the page, and make a token as the command does."""
    browser = app.test_client()
    token = TOKEN.search(browser.get("/login").data)
    assert token is not None
    sent = {"email": OWNER, "password": password, "csrf_token": token[1].decode()}
    answer = browser.post("/login", data=sent)
    if answer.status_code not in {302, 303}:
        raise Wrong(f"{OWNER} cannot sign in: {answer.status}")
    name = app.config["SESSION_COOKIE_NAME"]
    signed = TOKEN.search(browser.get(SALES).data)
    cookie = browser.get_cookie(name)  # as that page has left it: the token belongs to it
    assert cookie is not None and signed is not None
    with app.app_context():
        account = people.account_by_email(OWNER)
        assert account is not None
        secret = make_token(account, None, ["read:store-orders"])
        db.session.commit()
    bearer = {"Authorization": f"Bearer {secret}"}
    return Keys({"Cookie": f"{name}={cookie.value}"}, signed[1].decode(), bearer)


def pages(facts: Facts, keys: Keys) -> list[Page]:
    """Return every page of the desk that is measured."""
    first = facts.sales()
    all_lead, lead = facts.middle(), facts.middle("AND desk_state = ?", "closed")
    all_before = facts.place(facts.sales(offset=all_lead * PAGE - 1)[0])
    before = facts.place(facts.sales("AND desk_state = ?", "closed", offset=lead * PAGE - 1)[0])
    middle, middle_closed = facts.sales(offset=all_lead * PAGE), closed_middle(facts)
    to_ship = facts.sales("AND desk_state = ?", "to_ship")
    with_status = facts.sales(
        "AND EXISTS (SELECT 1 FROM order_item WHERE order_id = orders.id AND status = 2)"
    )
    sale, items = facts.sale(), facts.items()
    rare = facts.rare_word()

    def lists(path: str, query: str, ids: Sequence[int], *, is_part: bool = False) -> Page:
        headers = keys.cookie | HTMX if is_part else keys.cookie
        return Page(path, Ask(SALES + query, headers), shows_sales(facts, ids, is_part=is_part))

    return [
        lists("list", "", first),
        lists("list-part", "", first, is_part=True),
        lists("list-middle", f"?after={all_before.text()}", middle),
        lists("tab", "?tab=to_ship", to_ship),
        lists("tab-middle", f"?tab=closed&after={before.text()}", middle_closed),
        lists("filter", "?status=2", with_status),
        lists("search-rare", f"?q={rare}", facts.found(rare)),
        lists("search-common", f"?q={COMMON}", facts.found(COMMON)),
        lists("search-two", f"?q={COMMON}+{OTHER}", facts.found(COMMON, OTHER)),
        Page("sale", Ask(f"{SALES}/{sale.id}", keys.cookie), shows_sale(facts, sale)),
        Page("items", Ask(ITEMS, keys.cookie), shows_items(facts, items)),
        Page("json", Ask(f"/api/okanjo/stores/{facts.store_id}/sales", keys.bearer), is_json(facts, items)),
    ]


def closed_middle(facts: Facts) -> list[int]:
    """Return the 25 closed sales in the middle of their tab: what the floors read, too."""
    return facts.sales(
        "AND desk_state = ?", "closed", offset=facts.middle("AND desk_state = ?", "closed") * PAGE
    )


def judge(answer: Answer, found: object, expected: object) -> None:
    """Refuse an answer that is not 200, or shows something else than expected."""
    if answer.status != 200 or found != expected or not expected:
        raise Wrong(f"{answer.status}, shows {found}, expected {expected}: {answer.body[:300]!r}")


def rows(pattern: re.Pattern[bytes], body: bytes) -> list[int]:
    """Return the ids of the rows that a page shows."""
    return [int(row) for row in pattern.findall(body)]


def shows_sales(facts: Facts, ids: Sequence[int], *, is_part: bool) -> Check:
    """Judge a list of sales: these sales in this sequence, in the frame of the right store or without it."""
    frame = f'<span class="store">{facts.store_name}</span>'.encode()

    def check(answer: Answer) -> None:
        judge(answer, rows(SALE_ROW, answer.body), ids)
        if (frame in answer.body, b"</html>" in answer.body) != (not is_part, not is_part):
            raise Wrong(
                f"not {'a part' if is_part else 'a page of ' + facts.store_name}: {answer.body[:300]!r}"
            )

    return check


def shows_items(facts: Facts, ids: Sequence[int]) -> Check:
    """Judge a list of items."""
    frame = f'<span class="store">{facts.store_name}</span>'.encode()

    def check(answer: Answer) -> None:
        judge(answer, rows(ITEM_ROW, answer.body), ids)
        if frame not in answer.body:
            raise Wrong(f"not a page of {facts.store_name}: {answer.body[:300]!r}")

    return check


def shows_sale(facts: Facts, sale: Sale) -> Check:
    """Judge the page of one sale: its number and its lines."""
    head = f"<h1>Sale {sale.number}</h1>".encode()

    def check(answer: Answer) -> None:
        judge(answer, rows(LINE, answer.body), sale.item_ids)
        if head not in answer.body or facts.store_name.encode() not in answer.body:
            raise Wrong(f"not sale {sale.number} of {facts.store_name}: {answer.body[:300]!r}")

    return check


def is_json(facts: Facts, ids: Sequence[int]) -> Check:
    """Judge the list of items for programs: these items of this store."""

    def check(answer: Answer) -> None:
        shown = json.loads(answer.body) if answer.status == 200 else []
        judge(answer, [item["id"] for item in shown], ids)
        if {item["product_seller_store_id"] for item in shown} != {facts.store_id}:
            raise Wrong(f"items of another store: {answer.body[:300]!r}")

    return check
