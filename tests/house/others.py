"""Those who are answered as somebody of the cast is: how each comes to the door.

What made them so (a sign-in that ended, a right taken away) is done to the house when they come.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from app.actions.people import make_token
from app.db import db
from app.queries import people
from tests.conftest import email_of
from tests.house.conftest import COOKIE, House

Asks = Callable[[str, str], TestResponse]
READ, WRITE = "read:store-orders", "write:store-orders"


def change(house: House, statement: str, **values: Any) -> None:
    """Change rows of the house; a statement may speak of the owner's account as :owner."""
    with house.app.app_context():
        values |= {"owner": house.ids["the owner"]} if ":owner" in statement else {}
        db.session.execute(text(statement), values)
        db.session.commit()
        db.session.remove()


def with_token(house: House, token: str) -> Asks:
    """Ask by a bearer token."""

    def ask(method: str, address: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return house.browser("signed_out").open(address, method=method, headers=headers)

    return ask


def by_browser(house: House, cookie: str | None = None) -> Asks:
    """Ask by the browser in which the owner is signed in, as far as it is; a form has its right token."""
    token = house.csrf(house.browser("owner"), "owner")

    def ask(method: str, address: str) -> TestResponse:
        browser = house.browser("owner")
        if cookie is not None:
            browser.set_cookie(COOKIE, cookie)
        sent = {"csrf_token": token} if method != "GET" else None
        return browser.open(address, method=method, data=sent)

    return ask


def new_token(house: House, scopes: tuple[str, ...] = (READ, WRITE), store: str | None = None) -> str:
    """Make a token of the owner's."""
    with house.app.app_context():
        account = people.account_by_email(email_of("owner"))
        assert account is not None
        place = people.place(store, account.id) if store else None
        secret = make_token(account, place.store if place else None, list(scopes))
        db.session.commit()
        db.session.remove()
    return secret


def both(house: House) -> Asks:
    """Ask pages by the owner's browser, and programs' doors by their token."""
    page, program = by_browser(house), with_token(house, house.keys["owner"].token)
    return lambda method, address: (program if address.startswith("/api/") else page)(method, address)


def ended_signin(house: House) -> Asks:
    """Come with the cookie of a sign-in that was ended."""
    change(house, "UPDATE signin SET ended_at = created_at WHERE account_id = :owner")
    return by_browser(house)


def lapsed_signin(house: House) -> Asks:
    """Come with the cookie of a sign-in that has lasted as long as it may."""
    change(house, "UPDATE signin SET expires_at = created_at WHERE account_id = :owner")
    return by_browser(house)


def idle_signin(house: House) -> Asks:
    """Come with the cookie of a sign-in that was not in use for a day."""
    long_ago = (datetime.now(UTC) - timedelta(days=1)).replace(tzinfo=None).isoformat(" ")
    change(house, "UPDATE signin SET seen_at = :at WHERE account_id = :owner", at=long_ago)
    return by_browser(house)


def forged_cookie(house: House) -> Asks:
    """Come with the owner's cookie, one letter changed."""
    cookie = house.keys["owner"].cookie
    return by_browser(house, cookie[:-2] + ("A" if cookie[-2] != "A" else "B") + cookie[-1])


def disabled(house: House) -> Asks:
    """Come as the owner, whose account was shut."""
    change(house, "UPDATE account SET is_active = 0 WHERE id = :owner")
    return both(house)


def put_out(house: House) -> Asks:
    """Come as the owner, who has no place in any store any more."""
    change(house, "DELETE FROM member WHERE account_id = :owner")
    return both(house)


def made_vendor(house: House) -> Asks:
    """Come as the owner, who is a vendor now."""
    change(house, "UPDATE member SET role = 'vendor' WHERE account_id = :owner")
    return both(house)


def made_staff(house: House) -> Asks:
    """Come as the owner, who is staff now."""
    change(house, "UPDATE member SET role = 'staff' WHERE account_id = :owner")
    return both(house)


def stores_shut(house: House) -> Asks:
    """Come as the owner, whose stores were shut."""
    change(house, "UPDATE store SET is_active = 0")
    return both(house)


def revoked_token(house: House) -> Asks:
    """Come with a token that was ended."""
    change(house, "UPDATE api_token SET revoked_at = created_at WHERE account_id = :owner")
    return with_token(house, house.keys["owner"].token)


def expired_token(house: House) -> Asks:
    """Come with a token whose time is over."""
    change(house, "UPDATE api_token SET expires_at = created_at WHERE account_id = :owner")
    return with_token(house, house.keys["owner"].token)


def program_at_a_page(house: House) -> Asks:
    """Come with a good token and a good form, signed in by nothing else."""
    headers = house.bearer("owner")

    def ask(method: str, address: str) -> TestResponse:
        browser = house.browser("signed_out")  # another one each time: a guest link gives a cookie
        sent = {"csrf_token": house.csrf(browser, "signed_out")} if method != "GET" else None
        return browser.open(address, method=method, headers=headers, data=sent)

    return ask


def by_link(house: House) -> Asks:
    """Come by the guest link of a purchase, to every address; a form has its right token."""

    def ask(method: str, address: str) -> TestResponse:
        browser = house.browser("guest")
        sent = {"csrf_token": house.csrf(browser, "guest")} if method != "GET" else None
        return browser.open(address, method=method, data=sent)

    return ask


OTHERS: dict[str, Callable[[House], Asks]] = {
    "an ended sign-in": ended_signin,
    "a lapsed sign-in": lapsed_signin,
    "an idle sign-in": idle_signin,
    "a forged cookie": forged_cookie,
    "a disabled person": disabled,
    "an owner put out": put_out,
    "an owner made a vendor": made_vendor,
    "an owner made staff": made_staff,
    "an owner of shut stores": stores_shut,
    "a bad token": lambda house: with_token(house, "tp_0123456789abcdef_" + "x" * 43),
    "an empty token": lambda house: with_token(house, ""),
    "a revoked token": revoked_token,
    "an expired token": expired_token,
    "a token that reads": lambda house: with_token(house, new_token(house, (READ,))),
    "a token of vendorshop": lambda house: with_token(house, new_token(house, store="vendorshop")),
    "a program at a page": program_at_a_page,
    "a browser at a program's door": by_browser,
    "a guest": by_link,
}
