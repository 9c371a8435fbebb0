"""Somebody is invited, comes in with a second factor, and loses rights and place while a page is open."""

import re
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app import postman, totp
from app.db import db
from app.models import Event
from tests.browser.conftest import Desk
from tests.factories import GOODS
from tests.mails.outbox import sending_by

PASSWORD = "a lantern in the harbour"
SALES = "/stores/papershop/sales"
NOT_ALLOWED = "Your role in this store does not allow it, or not any more. Its owner can give you the right."
NOT_THERE = "The address may be mistyped, or it belongs to a store where you do not work, or not any more."


@pytest.fixture
def mail_to(desk: Desk, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Let a postman go round, and return what he wrote to an address."""

    def written(address: str) -> str:
        postman.walk(desk.make.app)
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in tmp_path.iterdir()]
        (mail,) = (mail for mail in mails if mail["To"] == address)
        return str(mail.get_content())

    with sending_by(desk.make.app, {"MAIL_FILE_PATH": str(tmp_path)}):
        yield written


def join(owner: Page, page: Page, mail_to: Callable[[str], str], name: str, *also: str) -> None:
    """Let the owner invite somebody, and them make their account by the link of the mail."""
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    owner.goto("/stores/papershop/staff")
    owner.get_by_label("E-mail", exact=True).fill(email)
    for right in also:
        owner.get_by_label(right).check()
    owner.get_by_role("button", name="Send the invitation").click()
    expect(owner.locator("#said")).to_contain_text(f"{email} is invited")
    (way,) = re.findall(r"http://[^/\s]+(/invitations/\S+)", mail_to(email))
    page.goto(way)
    expect(page.get_by_text("Owner invites")).to_be_visible()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#password-error")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page).to_have_url(re.compile(SALES))
    expect(page.locator("#said")).to_contain_text("Welcome to Paper Shop.")


def events_of(desk: Desk, sale: int) -> int:
    """Return how many lines the history of a sale has."""
    with desk.make.app.app_context():
        return db.session.scalar(select(func.count()).where(Event.order_id == sale)) or 0


def place_of(owner: Page, name: str) -> None:
    """Open a member's place as the owner changes it."""
    owner.goto("/stores/papershop/staff")
    owner.locator("tr", has_text=name).get_by_role("link", name="Change").click()


def test_who_is_invited_comes_in_with_a_second_factor_and_loses_what_is_taken_while_a_page_is_open(
    desk: Desk,
    visit: Callable[..., Page],
    mail_to: Callable[[str], str],
) -> None:
    sale = desk.make.sale(GOODS)
    number = desk.make.number_of(sale)
    owner, page = visit("owner"), visit()
    join(owner, page, mail_to, "Nadia Novak", "Refund")

    # A second factor, and in with it.
    page.goto("/account/second-factor")
    secret = b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    step = int(time.time()) // totp.STEP
    page.get_by_label("Code from the app").fill(totp.code(secret, step - 1))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator("#codes code")).to_have_count(10)
    page.context.clear_cookies()
    page.goto(f"{SALES}/{sale}")
    page.get_by_label("E-mail or username").fill("nadia@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    expect(page).to_have_url(f"{desk.url}/login/code")
    page.get_by_label("Code").fill(totp.code(secret, step))
    page.get_by_label("Code").press("Enter")
    expect(page).to_have_url(f"{desk.url}{SALES}/{sale}")

    # The right to refund goes while the form for it is open: htmx sends it, and a part answers.
    page.locator("#after summary", has_text="Give money back").click()
    fold = page.locator("#after details", has_text="Give money back")
    fold.get_by_label("Amount").fill("1.00")
    fold.get_by_label("Why").select_option(index=1)
    place_of(owner, "Nadia Novak")
    owner.get_by_label("Refund").uncheck()
    owner.get_by_role("button", name="Save role and rights").click()
    expect(owner.locator("#said")).to_contain_text("Role and rights of Nadia Novak are saved.")
    before = events_of(desk, sale)
    fold.get_by_role("button").click()
    expect(page.locator("#said")).to_have_text(f"You may not do this. {NOT_ALLOWED} Nothing was changed.")
    expect(fold.get_by_label("Amount")).to_have_value("1.00")
    assert events_of(desk, sale) == before

    # Then the place, while the form that ships is open: first htmx, then the browser by itself.
    page.reload()
    expect(page.locator("#after", has_text="Give money back")).to_have_count(0)
    place_of(owner, "Nadia Novak")
    owner.get_by_role("button", name="Remove Nadia Novak from this store").click()
    expect(owner.locator("#said")).to_contain_text("Nadia Novak does not work here any more.")
    page.locator("#ship-form [name=tracking_number]").fill("RB473124829GB")
    page.locator("#ship-form .btn-main").click()
    expect(page.locator("#said")).to_have_text(f"There is nothing here. {NOT_THERE} Nothing was changed.")
    page.locator("#ship-form").evaluate("form => form.submit()")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.get_by_text(NOT_THERE)).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(str(number))
    assert events_of(desk, sale) == before
    page.get_by_role("link", name="Go to your desk").click()
    expect(page).to_have_url(f"{desk.url}/purchases")


def test_without_script_who_is_invited_comes_in_and_is_told_plainly_what_was_taken(
    desk: Desk,
    visit: Callable[..., Page],
    mail_to: Callable[[str], str],
) -> None:
    sale = desk.make.sale(GOODS)
    owner, page = (visit(who, java_script_enabled=False) for who in ("owner", None))
    join(owner, page, mail_to, "Otto Onwu", "Cancel sales")
    page.goto(f"{SALES}/{sale}")
    page.locator("#after summary", has_text="Cancel pieces").click()
    fold = page.locator("#after details", has_text="Cancel pieces")
    fold.get_by_label("Why").select_option(index=1)
    before = events_of(desk, sale)
    place_of(owner, "Otto Onwu")
    owner.get_by_label("Cancel sales").uncheck()
    owner.get_by_role("button", name="Save role and rights").click()
    fold.get_by_role("button").click()
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    expect(page.get_by_text(NOT_ALLOWED)).to_be_visible()
    assert events_of(desk, sale) == before
    page.get_by_role("link", name="Go to your desk").click()
    expect(page).to_have_url(re.compile(SALES))
