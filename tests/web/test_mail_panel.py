"""The mails of a sale on its page: what became of them, and one sent again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import update

from app.actions import mails
from app.db import db
from app.models import Outbox
from tests.factories import DEAL, GOODS, Factory
from tests.rules.books import everything
from tests.web.pages import Browser, words

Browse = Callable[[str], Browser]
TICK = 'name="notify" value="1" checked'


def at(order_id: int, path: str = "") -> str:
    """Return an address below a sale's page."""
    return f"/stores/papershop/sales/{order_id}{path}"


def written(app: Flask, make: Factory, **values: object) -> tuple[int, int]:
    """Make a sale with a message to its buyer, whose row has these values; return the ids of both."""
    order_id = make.sale(GOODS, DEAL)
    mail_id = make.mail(order_id)
    with app.app_context():
        db.session.execute(update(Outbox).values({"tries": 1, **values}))
        db.session.commit()
    return order_id, mail_id


def test_the_page_says_what_became_of_each_mail(app: Flask, make: Factory, browse: Browse) -> None:
    noon, later = datetime(2026, 11, 21, 12, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)
    staff = browse("staff")
    for values, said in (
        (
            {"state": "due", "due_at": noon, "tries": 0, "trouble": ""},
            "Waits to maja@x.example · in a moment",
        ),
        (
            {"state": "due", "due_at": later, "tries": 0, "trouble": ""},
            "Waits to maja@x.example · not before",
        ),
        ({"state": "due", "due_at": later, "tries": 2, "trouble": "Away."}, "· tried again at"),
        ({"state": "sending", "claimed_at": noon}, "Being sent"),
        ({"state": "sent", "sent_at": noon}, "Sent to maja@x.example · 21 Nov"),
        ({"state": "failed", "trouble": "The mail server is away."}, "The mail server is away."),
        ({"state": "dropped", "trouble": "Taken back."}, "Not sent to maja@x.example Taken back."),
    ):
        order_id, _ = written(app, make, **({"recipient": "maja@x.example"} | values))
        page = words(staff.get(at(order_id)).text)
        assert f"Mails Message {said}" in page or said in page, values
        assert ("Send again" in page) == (values["state"] in {"sent", "failed", "dropped"})
        with app.app_context():
            db.session.query(Outbox).delete()
            db.session.commit()


def test_who_sees_deals_alone_sees_no_mails(app: Flask, make: Factory, browse: Browse) -> None:
    order_id, _ = written(app, make, recipient="maja@x.example")
    page = browse("vendor").get(at(order_id)).text
    assert "maja@x.example" not in page
    assert "Mails" not in words(page)


def test_where_no_server_is_named_the_page_says_where_mails_are(
    app: Flask, make: Factory, browse: Browse
) -> None:
    order_id, _ = written(app, make)
    assert "mails are put as files into the folder mails" in words(browse("owner").get(at(order_id)).text)


def test_a_mail_is_sent_again_once_however_often_the_button_is_pressed(
    app: Flask, make: Factory, browse: Browse
) -> None:
    order_id, mail_id = written(app, make)
    staff = browse("staff")
    done = staff.post(at(order_id, f"/mails/{mail_id}/again"), part=True)
    assert "the mail is sent again" in words(done.text)
    assert "sent a mail again" in words(done.text)
    assert "Send again" not in words(done.text)
    before = everything(app)
    again = staff.post(at(order_id, f"/mails/{mail_id}/again"))
    assert again.status_code == 409
    assert "This mail is on its way already." in words(again.text)
    assert everything(app) == before
    with app.app_context():
        assert len(mails.ripe()) == 1


def test_a_mail_of_another_sale_is_not_there(app: Flask, make: Factory, browse: Browse) -> None:
    _, mail_id = written(app, make)
    other = make.sale(GOODS)
    owner = browse("owner")
    before = everything(app)
    assert owner.post(at(other, f"/mails/{mail_id}/again")).status_code == 404
    assert everything(app) == before


def test_the_forms_ask_whether_the_buyer_is_told(app: Flask, make: Factory, browse: Browse) -> None:
    now = datetime.now(UTC) - timedelta(days=1)
    owner, order_id = browse("owner"), make.sale(GOODS, placed_at=now)
    (cards,) = make.items_of(order_id)
    assert owner.get(at(order_id)).text.count(TICK) == 3  # ship, cancel, refund
    sent = {f"pieces-{cards}": "9", "reason": "buyer"}
    assert owner.post(at(order_id, "/cancel"), sent).text.count(TICK) == 2  # what was left out stays so
    owner.post(at(order_id, "/cancel"), {f"pieces-{cards}": "1", "reason": "buyer", "notify": "1"})
    owner.post(at(order_id, "/refund"), {"amount": "1", "reason": "other", "notify": "1"})
    owner.post(at(order_id, "/refund"), {"amount": "1", "reason": "other", "is_pending": "1", "notify": "1"})
    assert owner.get(at(order_id)).text.count(TICK) == 4
    owner.post(at(order_id, "/refund/done"), {"notify": "1"})
    with app.app_context():
        kinds = [mail.kind for mail in db.session.query(Outbox).order_by(Outbox.id)]
    assert kinds == ["cancelled", "refunded", "refunded"]


def test_the_forms_of_another_channel_say_who_tells_the_buyer(make: Factory, browse: Browse) -> None:
    order_id = make.sale(GOODS, channel="etsy")
    page = browse("owner").get(at(order_id)).text
    assert TICK not in page
    assert words(page).count("Etsy tells the buyer itself") == 3
