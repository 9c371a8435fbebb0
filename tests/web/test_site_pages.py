"""What site admins do on the site's pages: stores, people, the whole log; and that they are seen to visit."""

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from app.actions.people import open_store
from app.db import db
from app.models import Event, Invitation, Store
from app.queries import people
from tests.conftest import email_of
from tests.factories import GOODS, Factory
from tests.web.pages import Browser, words
from tests.web.test_staff import entries

Browse = Callable[[str], Browser]
NEW = {"slug": "newshop", "name": "New Shop", "owner": email_of("stranger"), "currency": "EUR", "zone": "UTC"}
BANNER = "You are here as a site admin; what you do is logged as that."


def account_id(who: str) -> int:
    """Return the account of one of the cast."""
    account = people.account_by_email(email_of(who))
    assert account is not None
    return account.id


@pytest.mark.both
def test_a_store_is_made_for_somebody_with_an_account(app: Flask, browse: Browse) -> None:
    admin = browse("site_admin")
    assert admin.post("/site/stores", NEW).status_code == 303
    assert browse("stranger").get("/stores/newshop/sales").status_code == 200
    again = admin.post("/site/stores", NEW)
    assert again.status_code == 409
    assert "There is a store of this name in addresses already." in words(again.text)
    assert entries(admin.get("/site/log?store=newshop").text) == [
        "Site admin as site admin gave a place to Stranger · newshop",
        "Site admin as site admin made the store · newshop",
    ]


def test_a_store_is_made_for_somebody_who_is_invited(app: Flask, browse: Browse) -> None:
    admin = browse("site_admin")
    assert admin.post("/site/stores", {**NEW, "owner": "ada@example.com"}).status_code == 303
    with app.app_context():
        store = db.session.scalars(select(Store).where(Store.slug == "newshop")).one()
        invitation = db.session.scalars(select(Invitation)).one()
        assert (invitation.store_id, invitation.role, invitation.email) == (
            store.id,
            "owner",
            "ada@example.com",
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "1"},
        {"slug": "New"},
        {"name": ""},
        {"owner": "x"},
        {"currency": "XXQ"},
        {"zone": "Moon"},
        {"id": "1"},
    ],
)
def test_a_wrong_store_is_not_made(app: Flask, browse: Browse, wrong: dict[str, str]) -> None:
    assert browse("site_admin").post("/site/stores", {**NEW, **wrong}).status_code == 422
    with app.app_context():
        assert len(people.all_stores()) == 3


def names(page: str) -> list[str]:
    """Return the stores that the list shows."""
    return re.findall(r'<a class="no"[^>]*><bdi>([^<]+)</bdi>', page)


@pytest.mark.both
def test_many_stores_are_paged_by_name_and_found_by_words_and_an_act_leads_to_its_store(
    app: Flask, browse: Browse
) -> None:
    with app.app_context():
        for n in range(115):
            open_store(f"shop-{n:03}", f"Kiosk {chr(97 + n % 23)}x")  # names that several have
        db.session.commit()
    admin = browse("site_admin")
    page, seen, pages = admin.get("/site").text, [], 1
    assert "118 stores" in words(page)
    while more := re.search(r'href="([^"]+)" rel="next"', page):
        seen += re.findall(r"<small>([a-z0-9-]+)</small>", page)
        page, pages = admin.get(unescape(more[1])).text, pages + 1
    seen += re.findall(r"<small>([a-z0-9-]+)</small>", page)
    assert (len(seen), len(set(seen)), pages) == (118, 118, 3)
    assert names(admin.get("/site?q=PAPER").text) == ["Paper Shop"]
    assert names(admin.get("/site?q=kiosk+BX").text) == ["Kiosk bx"] * 5
    assert names(admin.get("/site?q=%25").text) == []
    assert "No store has these words" in words(admin.get("/site?q=nowhere").text)
    assert admin.get("/site?after=0").status_code == 422
    assert admin.post("/site/stores/1/disable").location == "/site?only=1"
    assert names(admin.get("/site?only=1").text) == ["Paper Shop"]
    with app.app_context():  # whose slug stands in those of all others
        shop = open_store("shop", "Zzz").id
        db.session.commit()
    assert names(admin.post(f"/site/stores/{shop}/hand-over", {"email": "x"}).text) == ["Zzz"]
    assert names(admin.post("/site/stores/1/hand-over", {"email": "x"}).text) == ["Paper Shop"]


def test_a_store_is_disabled_enabled_and_handed_over(app: Flask, browse: Browse) -> None:
    admin, owner = browse("site_admin"), browse("owner")
    admin.post("/site/stores/1/disable")
    assert owner.get("/stores/papershop/sales").status_code == 404
    assert "Disabled" in words(admin.get("/site").text)
    admin.post("/site/stores/1/enable")
    assert owner.get("/stores/papershop/sales").status_code == 200
    refused = admin.post("/site/stores/1/hand-over", {"email": "nobody@example.com"})
    assert refused.status_code == 422 and "Nobody has an account" in words(refused.text)
    admin.post("/site/stores/1/hand-over", {"email": email_of("stranger")})
    assert owner.get("/stores/papershop/sales").status_code == 404
    assert browse("stranger").get("/stores/papershop/settings").status_code == 200
    told = entries(admin.get("/site/log?store=papershop").text)
    assert [x.removeprefix("Site admin as site admin ") for x in told[:3]] == [
        "handed the store over Owner · papershop",
        "enabled the store · papershop",
        "disabled the store · papershop",
    ]


@pytest.mark.both
def test_a_token_made_for_ones_own_stores_does_not_become_the_whole_sites(
    app: Flask, browse: Browse, token: Callable[..., dict[str, str]]
) -> None:
    header, client = token("stranger"), app.test_client()
    assert client.get("/api/okanjo/stores/1/sales", headers=header).status_code == 403
    with app.app_context():
        whom = people.account_by_email(email_of("stranger"))
        assert whom is not None
    browse("site_admin").post(f"/site/people/{whom.id}/make-admin")
    assert client.get("/api/okanjo/stores/1/sales", headers=header).status_code == 401
    assert client.get("/api/okanjo/stores/1/sales", headers=token("stranger")).status_code == 200


def test_people_are_found_disabled_and_made_admins(app: Flask, browse: Browse) -> None:
    admin = browse("site_admin")
    shown = words(admin.get("/site/people?q=STRANGER").text)
    assert "stranger@example.com" in shown and "owner2@example.com" not in shown
    for text in ("%25", "_", "\\", "nobody"):
        assert (
            "@example.com" not in admin.get(f"/site/people?q={text}").text.replace("site_admin@", "")
            or text == "_"
        )
    with app.app_context():
        whom, oneself = account_id("stranger"), account_id("site_admin")
    browser = browse("stranger")
    admin.post(f"/site/people/{whom}/make-admin")
    assert browser.get("/site").status_code == 200
    admin.post(f"/site/people/{whom}/unmake-admin")
    assert browser.get("/site").status_code == 403
    admin.post(f"/site/people/{whom}/disable", {"q": "stranger"})
    assert browser.get("/purchases").status_code == 303
    for deed in ("disable", "unmake-admin"):
        refused = admin.post(f"/site/people/{oneself}/{deed}")
        assert refused.status_code == 409
        assert "The site keeps one site admin at least" in words(refused.text)
    told = entries(admin.get("/site/log").text)
    assert [x.removeprefix("Site admin as site admin ") for x in told[:3]] == [
        "disabled Stranger",
        "took the site from Stranger",
        "made a site admin of Stranger",
    ]


def test_each_change_of_a_person_is_a_line_of_the_log(
    app: Flask, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = browse("site_admin")
    with app.app_context():
        whom = account_id("stranger")
    capsys.readouterr()
    admin.post(f"/site/people/{whom}/disable").close()
    (line,) = [json.loads(x) for x in capsys.readouterr().err.splitlines() if "/disable" in x]
    assert (line["did"], line["person"]) == ("disabled (person)", whom)


def test_a_site_admin_is_told_that_they_visit_and_what_they_do_is_theirs(
    app: Flask, browse: Browse, make: Factory
) -> None:
    sale = make.sale(GOODS)
    admin = browse("site_admin")
    for page in ("sales", "items", "parcels", "attention", "settings", "staff", "log", f"sales/{sale}"):
        text = admin.get(f"/stores/papershop/{page}").text
        assert BANNER in text and 'href="/site"' in text
    assert BANNER not in admin.get("/site").text
    assert BANNER not in browse("owner").get("/stores/papershop/sales").text
    admin.post(f"/stores/papershop/sales/{sale}/notes", {"body": "Look"})
    with app.app_context():
        event = db.session.scalars(select(Event).order_by(Event.id.desc())).first()
        assert event is not None
        assert (event.actor_id, event.actor_kind) == (account_id("site_admin"), "admin")


def test_every_key_of_the_menu_goes_to_one_page_and_stands_in_the_list_of_keys(browse: Browse) -> None:
    page = browse("site_admin").get("/stores/papershop/sales").text  # who sees every entry
    gone_to = re.findall(r'href="([^"]+)"[^>]* data-go="(.)"', page)
    listed = re.findall(r"<kbd>g</kbd> <kbd>(.)</kbd></dt><dd>go to ", page)
    assert len(gone_to) == 9
    assert len({href for href, _ in gone_to}) == len({key for _, key in gone_to}) == len(gone_to)
    assert listed == [key for _, key in gone_to]


def test_a_persons_data_is_reached_from_the_site_and_from_the_person(app: Flask, browse: Browse) -> None:
    admin = browse("site_admin")
    with app.app_context():
        at = f"/site/persons?person={account_id('buyer')}"
    assert 'href="/site/persons"' in admin.get("/site").text
    assert f'href="{at}"' in admin.get("/site/people").text
    assert admin.get(at).text.count(f'value="{email_of("buyer")}"') == 2
    for nobody in ("999", "x", ""):
        assert "@example.com" not in admin.get(f"/site/persons?person={nobody}").text.partition("<main")[2]
