"""By whom a mail is written and to whom, and that no text of anybody becomes a header."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update

from app.access import SYSTEM
from app.actions.problems import note
from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Address, Buyer, Order
from app.statuses import ActorKind, Door
from tests.factories import GOODS, Factory
from tests.mails.outbox import MAJA, SITE, Box, by, go_round, number_of, rows, sale, send, set_store


def test_a_store_writes_in_its_name_and_own_words_and_answers_go_to_its_address(
    desk: Flask, make: Factory, box: Box
) -> None:
    set_store(
        name='Köln, "Papier"', mail_from="laden@papier.example", mail_texts={"parcel_shipped": "Wir\ndanken!"}
    )
    send(make, sale(make))
    go_round()
    (mail,) = box.mails
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ('Köln, "Papier"', SITE)
    (answers_to,) = mail["Reply-To"].addresses
    assert (answers_to.display_name, answers_to.addr_spec) == ('Köln, "Papier"', "laden@papier.example")
    assert (mail["Sender"], box.senders) == (None, [SITE])
    assert box.subjects[0].startswith('Köln, "Papier": your order')
    assert "Hello Maja Kowalczyk,\n\nWir\ndanken!\n\na parcel" in box.texts[0]


def test_own_words_name_buyer_order_and_store_and_nothing_else(desk: Flask, make: Factory, box: Box) -> None:
    own = "{buyer}, {order}, {store}, {0.x}, %s, {{buyer}}"
    set_store(name="{order}", mail_texts={"parcel_shipped": own})
    order_id = sale(make, buyer=BuyerSaid("{store}\nMaja {buyer}", "maja", MAJA))
    send(make, order_id)
    go_round()
    n, maja = number_of(order_id), "{store} Maja {buyer}"
    assert f"\n\n{maja}, {n}, {{order}}, {{0.x}}, %s, {{{maja}}}\n\n" in box.texts[0]


NASTY = "Shop\r\nBcc: all@evil.example\n\nHTML\x0b\x0c\x85\u2028X: y\x00\x1b[2J"


def test_no_text_of_anybody_becomes_a_header(desk: Flask, make: Factory, box: Box) -> None:
    set_store(
        name=NASTY, mail_from="a@b.example\r\nBcc: x@evil.example", mail_texts={"parcel_shipped": NASTY}
    )
    order_id = sale(make, replace(GOODS, title=NASTY))
    db.session.execute(update(Buyer).values(name=NASTY))
    db.session.commit()
    send(make, order_id, number=NASTY[:60])
    note(order_id, f".\r\n{NASTY}\r\n.\r\n", is_private=False, **by(order_id))
    db.session.commit()
    go_round()
    known = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    for mail in box.mails:
        assert set(mail.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == known | {
            "Content-Type",
            "Content-Transfer-Encoding",
        }
        assert mail["To"] == MAJA
        assert mail["From"].addresses[0].addr_spec == SITE
        assert mail["Subject"].startswith("Shop Bcc: all@evil.example HTML X: y[2J: ")
        assert {sign for text in box.texts for sign in text if sign < " "} == {"\n"}
    assert len(box.mails) == 2


@pytest.mark.parametrize(
    ("known", "to"),
    [
        ((MAJA, "other@example.com"), MAJA),
        ((None, "other@example.com"), "other@example.com"),
        (("no address", " other@example.com "), "other@example.com"),
        (("maja@müller.example", ""), "maja@xn--mller-kva.example"),
        ((None, ""), None),
        (("a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"), None),
        (("Maja <maja@example.com>", "<maja@example.com>"), None),
        (("ü@example.com", "a@"), None),
        (("a b@example.com", "a@-\u2028b"), None),
        ((f"{'a' * 65}@example.com", f"a@{'b' * 260}.example"), None),
    ],
)
def test_mail_goes_to_the_buyer_or_where_the_parcel_goes_or_nowhere(
    desk: Flask, make: Factory, box: Box, known: tuple[str | None, str], to: str | None
) -> None:
    own, of_parcel = known
    order_id = sale(make, buyer=BuyerSaid("Maja", "maja", own))
    db.session.execute(update(Address).values(email=of_parcel))
    db.session.commit()
    send(make, order_id)
    go_round()
    assert [mail["To"] for mail in box.mails] == ([to] if to else [])
    (row,) = rows()
    assert row.state == ("sent" if to else "dropped")
    assert row.trouble == ("" if to else "No e-mail address of the buyer is known that mail could go to.")


def test_buyers_of_other_channels_hear_from_those_unless_the_store_wants_it(
    desk: Flask, make: Factory
) -> None:
    for channel in ("etsy", "intake"):
        send(make, sale(make, channel=channel))
    assert [db.session.get_one(Order, mail.order_id).channel for mail in rows()] == ["intake"]
    set_store(mails_all=True)
    order_id = sale(make, channel="etsy")
    send(make, order_id)
    assert len(rows()) == 2
    importer = replace(SYSTEM, kind=ActorKind.IMPORT, door=Door.IMPORT)
    send(make, order_id, actor=importer)
    assert len(rows()) == 2
