"""A store's settings page: what may be set, by whom, and what happens when two set it at once."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask

from app.db import db
from app.models import Event, Member, Store
from tests.factories import GOODS, Factory
from tests.rules.books import everything
from tests.web.pages import Browser, Markup, words

Browse = Callable[[str], Browser]
AT = "/stores/papershop/settings"


def typed(page: str) -> dict[str, str]:
    """Return what a browser would send of the settings form as it stands in a page."""
    form = re.search(r'<form id="settings".*?</form>', page, re.DOTALL)
    assert form
    sent = {}
    for tag, a in Markup(form[0]).tags:
        if tag == "input" and a.get("name") and (a.get("type") != "checkbox" or "checked" in a):
            sent[str(a["name"])] = a.get("value") or ""
    for name, text in re.findall(
        r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form[0], re.DOTALL
    ):
        sent[name] = unescape(text).replace("\n", "\r\n")
    sent["cut_off"] = re.findall(r'<option value="(\d+)" selected', form[0])[-1]
    del sent["csrf_token"]
    return sent


def store_of(app: Flask, slug: str = "papershop") -> Store:
    """Return a store as it is now."""
    with app.app_context():
        return db.session.query(Store).filter_by(slug=slug).one()


def saved(browser: Browser, **changes: str) -> Any:
    """Open the page, change some fields, and send it."""
    return browser.post(AT, {**typed(browser.get(AT).text), **changes})


@pytest.mark.both
def test_everything_that_is_set_is_kept_and_shown_again(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    sent = {
        "name": "Papier & Feder",
        "legal_name": "Papier und Feder GmbH",
        "address": "Lange Straße 5\r\n10115 Berlin",
        "vat_id": "DE123456789",
        "zone": "Asia/Tokyo",
        "currency": "JPY",
        "handling_days": "4",
        "workdays-day6": "1",
        "cut_off": "24",
        "holidays": "2027-01-01\r\n\r\n 2026-12-25 \r\n2027-01-01",
        "cancel_days": "14",
        "unpaid_days": "7",
        "received_days": "21",
        "undo_minutes": "0",
        "guest_days": "180",
        "forget_months": "0",
        "carriers": "Bike courier\r\nDHL\r\nbike COURIER",
        "mails_all": "1",
        "mail_from": "post@papier.example",
        "mail_texts-parcel_shipped": "It is on its way.\r\n\r\nBe well",
    }
    page = typed(owner.get(AT).text)
    del page["workdays-day1"]
    answer = owner.post(AT, {**page, **sent})
    assert (answer.status_code, answer.location) == (303, AT)
    store = store_of(app)
    assert (store.name, store.legal_name, store.vat_id) == (
        "Papier & Feder",
        "Papier und Feder GmbH",
        "DE123456789",
    )
    assert store.address == "Lange Straße 5\n10115 Berlin"
    assert (store.zone, store.currency) == ("Asia/Tokyo", "JPY")
    assert (store.handling_days, store.workdays, store.cut_off) == (4, "23456", 24)
    assert store.holidays == ["2026-12-25", "2027-01-01"]
    assert (store.cancel_days, store.unpaid_days, store.received_days, store.undo_minutes) == (14, 7, 21, 0)
    assert store.carriers == ["Bike courier", "DHL"]
    assert (store.mails_all, store.mail_from) == (True, "post@papier.example")
    assert store.mail_texts == {"parcel_shipped": "It is on its way.\n\nBe well"}
    assert (store.commission_bp, store.revision) == (600, 1)
    shown = owner.get(AT)
    assert "The settings are saved." in words(shown.text)
    assert "Nothing was changed." in words(owner.get(owner.post(AT, typed(shown.text)).location).text)
    assert store_of(app).revision == 1


@pytest.mark.both
def test_the_log_keeps_what_changed_and_nothing_personal(app: Flask, browse: Browse) -> None:
    saved(browse("owner"), legal_name="Ada Lind", mail_from="ada@example.com", undo_minutes="3")
    with app.app_context():
        (event,) = db.session.query(Event).filter_by(verb="set_store")
        assert (event.verb, event.store_id, event.order_id, event.actor_kind) == (
            "set_store",
            1,
            None,
            "person",
        )
        assert event.before == {"legal_name": False, "mail_from": False, "undo_minutes": 10}
        assert event.after == {"legal_name": True, "mail_from": True, "undo_minutes": 3}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": " "}, "This is empty."),
        ({"name": "x" * 256}, "At most 255 characters fit here; these are 256."),
        ({"zone": "Europe/Atlantis"}, "“Europe/Atlantis” is no time zone that we know"),
        ({"zone": "localtime"}, "is no time zone that we know"),
        ({"currency": "EURO"}, "is no currency that we know"),
        ({"handling_days": "61"}, "Write a number from 0 to 60."),
        ({"handling_days": ""}, "This is empty."),
        ({"cut_off": "25"}, "Write a number from 0 to 24."),
        ({"holidays": "2026-12-25\r\n25.12.2026"}, "“25.12.2026” is not a day"),
        ({"holidays": "2026-02-29"}, "“2026-02-29” is not a day"),
        ({"holidays": "2026-W01-1"}, "is not a day"),
        ({"holidays": "20261225"}, "is not a day"),
        ({"holidays": "0001-01-01"}, "is not a day"),
        (
            {"holidays": "\r\n".join(f"20{y:02}-01-{d:02}" for y in range(21) for d in range(1, 21))},
            "At most 400 lines fit here; these are 420.",
        ),
        ({"cancel_days": "3651"}, "Write a number from 0 to 3650."),
        ({"received_days": "0"}, "Write a number from 1 to 3650."),
        ({"undo_minutes": "1441"}, "Write a number from 0 to 1440."),
        ({"carriers": "DHL\r\n" + "C" * 65}, "is too long: at most 64 characters name a carrier."),
        ({"mail_from": "ada"}, "Write an address such as shop@example.com."),
        ({"mail_from": "a@b.example\r\nBcc: c@d.example"}, "Write this on one line."),
        ({"mail_texts-cancelled": "x" * 2001}, "At most 2000 characters fit here; these are 2001."),
        (
            {"mail_texts-message": "Dear {name}"},
            "“{name}” stands for nothing: write {buyer}, {order} or {store}.",
        ),
        ({"mail_texts-message": "{buyer}, {0.x}"}, "“{0.x}” stands for nothing"),
        ({"mail_texts-message": "{{buyer}}"}, "“{” stands for nothing"),
        ({"mail_texts-message": "Of {order"}, "“{order” stands for nothing"),
        ({"mail_texts-message": "Of order}"}, "“}” stands for nothing"),
        ({"commission": "0.00"}, "“commission” is no field of this form, or came twice."),
        ({"slug": "other"}, "“slug” is no field of this form"),
        ({"is_vendor": "1"}, "“is_vendor” is no field of this form"),
        ({"next_number": "1"}, "“next_number” is no field of this form"),
        ({"mail_texts-unheard_of": "x"}, "“mail_texts-unheard_of” is no field of this form"),
        ({"workdays-day8": "1"}, "“workdays-day8” is no field of this form"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browse: Browse, sent: dict[str, str], said: str
) -> None:
    owner = browse("owner")
    page, before = typed(owner.get(AT).text), everything(app)
    answer = owner.post(AT, {**page, "legal_name": "Kept as typed", **sent})
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert typed(answer.text)["legal_name"] == "Kept as typed"
    assert everything(app) == before


def test_a_store_that_never_works_is_refused(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    page = {k: v for k, v in typed(owner.get(AT).text).items() if not k.startswith("workdays")}
    answer = owner.post(AT, page)
    assert answer.status_code == 422
    assert "Tick one day at least: otherwise nothing would ever be due." in words(answer.text)
    assert store_of(app).workdays == "12345"


def test_the_longest_that_fits_is_kept(app: Flask, browse: Browse) -> None:
    days = [f"20{y:02}-01-{d:02}" for y in range(20) for d in range(1, 21)]
    answer = saved(
        browse("owner"),
        holidays="\r\n".join(reversed(days)),
        carriers="C" * 64,
        **{"mail_texts-message": "é" * 2000},
    )
    assert answer.status_code == 303
    store = store_of(app)
    assert (store.holidays, store.carriers) == (days, ["C" * 64])
    assert store.mail_texts == {"message": "é" * 2000}


@pytest.mark.both
def test_a_stale_form_is_refused_and_keeps_what_was_typed(app: Flask, browse: Browse) -> None:
    owner, admin = browse("owner"), browse("site_admin")
    mine, theirs = typed(owner.get(AT).text), typed(admin.get(AT).text)
    assert admin.post(AT, {**theirs, "handling_days": "5"}).status_code == 303
    late = owner.post(AT, {**mine, "vat_id": "DE1"})
    assert late.status_code == 409
    said = words(late.text)
    assert "The settings were changed meanwhile, and nothing of yours was saved." in said
    assert "Handling days is now: 5" in said
    assert "VAT id is now: empty" in said
    assert "Currency is now" not in said
    assert store_of(app).vat_id == ""
    again = typed(late.text)
    assert (again["vat_id"], again["handling_days"]) == ("DE1", "2")
    assert owner.post(AT, again).status_code == 303
    assert (store_of(app).vat_id, store_of(app).handling_days) == ("DE1", 2)


def test_a_form_stays_good_while_sales_come_in(make: Factory, browse: Browse) -> None:
    owner = browse("owner")
    page = typed(owner.get(AT).text)
    make.sale()
    assert owner.post(AT, {**page, "vat_id": "DE1"}).status_code == 303


@pytest.mark.both
def test_the_currency_stays_once_there_is_a_sale(app: Flask, make: Factory, browse: Browse) -> None:
    owner = browse("owner")
    page = typed(owner.get(AT).text)
    make.sale()
    assert "It stays: the store has sales, and their amounts are in it." in words(owner.get(AT).text)
    assert "currency" not in typed(owner.get(AT).text)
    late = owner.post(AT, {**page, "currency": "EUR", "vat_id": "DE1"})
    assert late.status_code == 422
    assert "The currency stays: this store has sales" in words(late.text)
    assert (store_of(app).currency, store_of(app).vat_id) == ("USD", "")
    assert owner.post(AT, {**page, "vat_id": "DE1"}).status_code == 303


def test_an_owner_reads_the_commission_and_a_site_admin_sets_it(app: Flask, browse: Browse) -> None:
    assert "6.00 %" in words(browse("owner").get(AT).text)
    admin = browse("site_admin")
    assert typed(admin.get(AT).text)["commission"] == "6.00"
    for text, kept in (("7.5", 750), ("0", 0), ("100.00", 10_000), ("12.34", 1234)):
        assert saved(admin, commission=text).status_code == 303
        assert store_of(app).commission_bp == kept
    for text in ("100.01", "1.234", "-1", "6,5", "", "1e1", "٣"):
        assert saved(admin, commission=text).status_code == 422
    assert store_of(app).commission_bp == 1234


def test_staff_set_nothing_before_the_owner_gave_the_right(app: Flask, browse: Browse) -> None:
    staff = browse("staff")
    assert staff.get(AT).status_code == 403
    assert AT not in staff.get("/stores/papershop/sales").text
    with app.app_context():
        db.session.query(Member).filter_by(role="staff", store_id=1).update({"rights": ["settings"]})
        db.session.commit()
    assert saved(staff, vat_id="DE1").status_code == 303
    assert saved(staff, commission="0.00").status_code == 422
    assert AT in staff.get("/stores/papershop/sales").text


def test_chosen_carriers_come_first_in_the_ship_form(make: Factory, browse: Browse) -> None:
    sale = make.sale(GOODS)
    saved(browse("owner"), carriers="Bike courier\r\nups")
    page = browse("staff").get(f"/stores/papershop/sales/{sale}/ship").text
    offered = re.findall(r'<option value="([^"]+)"></option>', page)
    assert offered[:4] == ["Bike courier", "ups", "Canada Post", "Deutsche Post"]
    assert "UPS" not in offered


def test_every_zone_can_be_looked_for(browse: Browse) -> None:
    page = browse("owner").get(AT).text
    assert '<option value="Pacific/Chatham"></option>' in page
    assert 'list="zones"' in page
