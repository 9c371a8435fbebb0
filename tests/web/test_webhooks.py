"""The page of a store's webhooks: added with a secret shown once, changed, tried out, ended; the log."""

import base64
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.webhooks import MOST_WEBHOOKS, ping
from app.db import db
from app.models import Event, Member, Outbox, Store, Webhook
from app.postman import hooks
from app.queries.webhooks import ON_PAGE
from tests.factories import Factory
from tests.hooks.receiver import Receiver, change, hook, serve
from tests.web.pages import Browser, words

Browse = Callable[[str], Browser]
AT = "/stores/papershop/settings/webhooks"
URL = "https://program.example/hooks?shop=7"


def sent(page: str, **changes: str) -> dict[str, str]:
    """Return what a browser sends of the form for a new webhook as it stands in a page."""
    form = page[page.index("Add a webhook") :]
    form = form[: form.index("</form>")]
    key = re.search(r'name="key" value="(\w+)"', form)
    assert key
    ticked = re.findall(r'name="([\w-]+)" value="1"[^>]* checked', form)
    return {"key": key[1], **dict.fromkeys(ticked, "1"), **changes}


def found(app: Flask) -> list[Webhook]:
    """Return all webhooks."""
    with app.app_context():
        rows = db.session.query(Webhook).order_by(Webhook.id).all()
        db.session.expunge_all()
        return rows


def secret(page: str) -> str:
    """Return the secret that a page shows; "" where it shows none."""
    shown = re.search(r'<code class="secret" id="secret">([^<]+)</code>', page)
    return unescape(shown[1]) if shown else ""


def added(browser: Browser, url: str = URL) -> str:
    """Add a webhook by the page; return the page that follows."""
    answer = browser.post(AT, sent(browser.get(AT).text, url=url))
    assert (answer.status_code, answer.location) == (303, AT)
    return browser.get(AT).text


@pytest.mark.both
def test_a_webhook_is_added_and_its_secret_shown_once(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    page = added(owner)
    shown = secret(page)
    assert len(base64.b64decode(shown.removeprefix("whsec_"), validate=True)) == 32
    assert "The webhook is added." in page
    assert URL in unescape(page)
    again = owner.get(AT).text
    assert secret(again) == "" and "whsec_" not in again
    (row,) = found(app)
    assert (row.url, row.store_id, row.is_for_all, row.ended_at) == (URL, 1, False, None)
    assert row.events.count("order.") == 7


def test_the_secret_is_not_in_the_cookie(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    owner.post(AT, sent(owner.get(AT).text, url=URL))
    cookie = owner.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    kept = cookie.value
    page = owner.get(AT).text
    assert secret(page)
    held = base64.urlsafe_b64decode(kept.split(".")[1 if kept.startswith(".") else 0] + "===")
    assert b"whsec" not in held


def test_the_same_form_sent_twice_adds_one(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    form = sent(owner.get(AT).text, url=URL)
    owner.post(AT, form)
    assert secret(owner.get(AT).text)
    late = owner.post(AT, form)
    assert (late.status_code, len(found(app))) == (409, 1)
    assert "This webhook was added before." in late.text
    assert "whsec_" not in late.text


def test_a_secret_is_made_anew_and_shown_once(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    first = secret(added(owner))
    answer = owner.post(f"{AT}/1/secret", {"number": "0"})
    assert (answer.status_code, answer.location) == (303, AT)
    page = owner.get(AT).text
    assert secret(page) not in {"", first}
    assert "messages are signed by the secret before, too" in page
    assert secret(owner.get(AT).text) == ""
    late = owner.post(f"{AT}/1/secret", {"number": "0"})
    assert (late.status_code, secret(late.text)) == (409, "")
    assert "This secret was made anew before." in late.text
    for wrong in ({}, {"number": "x"}, {"number": "1", "colour": "red"}):
        assert owner.post(f"{AT}/1/secret", wrong).status_code == 422
    (row,) = found(app)
    assert (row.secret_number, row.rotated_at is not None) == (1, True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": ""}, "This is empty."),
        (
            {"url": "https://10.0.0.1/"},
            "This leads into a private network.",
        ),
        ({"url": "http://program.example/"}, "Write an address that begins with https://."),
        ({"key": "x"}, "Open the page anew and send the form again."),
        ({"more": "1"}, "is no field of this form"),
        ({"events-paid": "perhaps"}, "Tick it or leave it."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browse: Browse, changes: dict[str, str], sentence: str
) -> None:
    owner = browse("owner")
    answer = owner.post(AT, {**sent(owner.get(AT).text, url=URL), **changes})
    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    if changes.get("url"):
        assert f'value="{changes["url"]}"' in answer.text
    assert found(app) == []


def test_one_thing_at_least_is_ticked(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    form = {name: v for name, v in sent(owner.get(AT).text, url=URL).items() if not name.startswith("events")}
    answer = owner.post(AT, form)
    assert answer.status_code == 422
    assert "Tick one thing at least" in answer.text
    assert len(sent(answer.text)) == 1  # none is ticked again


def test_a_store_has_so_many_at_most(app: Flask, browse: Browse) -> None:
    with app.app_context():
        for _ in range(MOST_WEBHOOKS):
            hook(URL)
    owner = browse("owner")
    answer = owner.post(AT, sent(owner.get(AT).text, url=URL))
    assert answer.status_code == 409
    assert f"A store has at most {MOST_WEBHOOKS} webhooks." in answer.text


@pytest.mark.both
def test_what_it_is_told_can_be_changed_and_the_history_says_so(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    added(owner)
    answer = owner.post(f"{AT}/1", {"events-paid": "1", "events-shipped": "1", "is_for_all": "1"})
    assert answer.status_code == 303
    (row,) = found(app)
    assert (row.events, row.is_for_all) == (",order.paid,order.shipped,", True)
    nothing = owner.post(f"{AT}/1", {})
    assert (nothing.status_code, "Tick one thing at least" in nothing.text) == (422, True)
    owner.post(f"{AT}/1/ping", {})
    owner.post(f"{AT}/1/end", {})
    with app.app_context():
        told = [
            (event.verb, event.row_kind, event.row_id, event.after)
            for event in db.session.query(Event).order_by(Event.id)
            if event.row_kind == "webhook"
        ]
        assert [verb for verb, *_ in told] == [
            "add_webhook",
            "change_webhook",
            "ping_webhook",
            "end_webhook",
        ]
        assert told[1][1:] == ("webhook", 1, {"events": ",order.paid,order.shipped,", "is_for_all": True})
        assert "program.example" not in str(told)
        assert db.session.get_one(Store, 1).has_webhooks is False
    assert "program.example" not in owner.get(AT).text.split("Messages</h2>")[0]


@pytest.mark.both
def test_a_ping_is_posted_and_stands_in_the_log_and_can_be_sent_again(app: Flask, browse: Browse) -> None:
    owner, receiver = browse("owner"), Receiver()
    thread = serve(receiver)
    app.config["WEBHOOK_PRIVATE"] = True
    try:
        added(owner, receiver.url)
        owner.post(f"{AT}/1/ping", {})
        assert "in a moment" in owner.get(AT).text
        receiver.answers = [b"HTTP/1.1 500 Oh\r\n\r\n"]
        with app.app_context():
            hooks.go_round()
            change(state="failed")
        page = words(owner.get(AT).text)
        assert "The server answered 500." in page
        assert "Failed" in page
        assert owner.post(f"{AT}/messages/1/again", {}).status_code == 303
        assert owner.post(f"{AT}/messages/1/again", {}).status_code == 409
        with app.app_context():
            hooks.go_round()
        assert "The server answered 204." in words(owner.get(AT).text)
        assert receiver.types == ["ping", "ping"]
        assert owner.get(AT).text.count(">Send again<") == 1  # the last of the two
    finally:
        app.config["WEBHOOK_PRIVATE"] = False
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def test_the_log_names_the_sale_and_goes_on_page_by_page(app: Flask, browse: Browse, make: Factory) -> None:
    owner = browse("owner")
    with app.app_context():
        webhook_id = hook(URL)
        for _ in range(ON_PAGE):
            ping(webhook_id, actor=SYSTEM, store_id=1)
        db.session.commit()
    order_id = make.sale(paid=None)
    page = owner.get(AT).text
    assert f'href="/stores/papershop/sales/{order_id}"' in page
    assert "not before" in page
    further = re.search(r'href="([^"]+before=\d+)#log"', page)
    assert further
    older = owner.get(unescape(further[1])).text
    assert (page.count('<li class="message">'), older.count('<li class="message">')) == (ON_PAGE, 1)
    assert 'rel="next"' not in older
    for wrong in ("?before=x", "?before=0", "?colour=red", "?before=1&before=2"):
        answer = owner.get(AT + wrong)
        assert (answer.status_code, '<li class="message">' in answer.text) == (422, False)


def test_mails_of_a_sale_are_no_messages_and_messages_no_mails(
    app: Flask, browse: Browse, make: Factory
) -> None:
    with app.app_context():
        hook(URL)
    order_id = make.sale()
    mail_id = make.mail(order_id)
    owner = browse("owner")
    panel = owner.get(f"/stores/papershop/sales/{order_id}").text
    panel = panel[panel.index('id="mails"') :]
    assert "order." not in panel[: panel.index("</section>")]
    with app.app_context():
        message = db.session.query(Outbox).filter(Outbox.webhook_id.is_not(None)).first()
        assert message is not None
        message_id = message.id
    assert owner.post(f"/stores/papershop/sales/{order_id}/mails/{message_id}/again", {}).status_code == 404
    assert owner.post(f"{AT}/messages/{mail_id}/again", {}).status_code == 404


def test_who_may_set_a_store_may_set_its_webhooks_and_nobody_else(app: Flask, browse: Browse) -> None:
    with app.app_context():
        hook(URL, store_id=3)
    owner, staff = browse("owner"), browse("staff")
    for path in (f"{AT}/1", f"{AT}/1/end", f"{AT}/1/ping"):
        assert owner.post(path, {"events-paid": "1"}).status_code == 404
    assert staff.get(AT).status_code == 403
    with app.app_context():
        member = db.session.query(Member).filter_by(store_id=1, role="staff").one()
        member.rights = ["settings"]
        db.session.commit()
    assert staff.get(AT).status_code == 200
    assert secret(added(staff))


def test_the_settings_lead_to_it_and_the_menu_says_where_one_is(browse: Browse) -> None:
    owner = browse("owner")
    assert f'href="{AT}"' in owner.get("/stores/papershop/settings").text
    page = owner.get(AT).text
    assert re.search(r'href="/stores/papershop/settings"[^>]* aria-current', page)
