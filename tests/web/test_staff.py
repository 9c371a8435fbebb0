"""The pages of a store's people: invited by mail, joined, changed, removed; and the log of the store."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.actions.audit import audit
from app.actions.outbox import claim
from app.actions.persons import ERASE, EXPORT
from app.db import db
from app.exchange.csv_out import inert
from app.models import Account, Event, Invitation, Outbox, Store
from app.postman import deliver
from app.postman.invitations import invitation_letter
from app.queries import people, staff
from app.web.log_view import VERBS
from tests.conftest import csrf_token, email_of
from tests.factories import GOODS, Factory
from tests.house.tree import modules
from tests.rules.books import everything
from tests.web.mailed import change
from tests.web.pages import Browser, words
from tests.web.test_second_factor import code, give, turn_on
from tests.web.test_settings import saved

Browse = Callable[[str], Browser]
AT = "/stores/papershop/staff"
NEW = {"email": "Ada@Example.com", "role": "staff", "see_personal": "1", "refund": "1"}
PASSWORD = "seven swans over the weir"


def account_id(email: str) -> int:
    """Return the account of this address."""
    account = people.account_by_email(email)
    assert account is not None
    return account.id


def link_of(app: Flask) -> str:
    """Write the newest invitation's mail as the worker does, and return where its link leads."""
    with app.app_context():
        row_id = db.session.scalars(
            select(Outbox.id).where(Outbox.kind == "invitation").order_by(Outbox.id)
        ).all()[-1]
        claimed = claim(row_id)
        assert claimed is not None
        letter = invitation_letter(claimed)
        db.session.rollback()
    (found,) = re.findall(r"http://127\.0\.0\.1:5000(/invitations/\S+)", letter.body)
    return str(found)


def answer(client: FlaskClient, path: str, deed: str, **sent: str) -> Any:
    """Press a button of an invitation's page."""
    token = csrf_token(client.get(path).text)
    return client.post(f"{path}/{deed}", data={"csrf_token": token, **sent})


@pytest.mark.both
def test_who_is_invited_by_mail_makes_an_account_and_works_there(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    assert owner.post(AT, NEW).status_code == 303
    shown = words(owner.get(AT).text)
    assert "ada@example.com" in shown and "Not: Payments and payouts" in shown and "Refund" in shown
    link, client = link_of(app), app.test_client()
    assert "Owner invites ada@example.com" in words(client.get(link).text)
    weak = answer(client, link, "join", name="Ada", password="short")
    assert weak.status_code == 422 and 'value="short"' not in weak.text
    joined = answer(client, link, "join", name="Ada", password=PASSWORD)
    assert (joined.status_code, joined.location) == (303, "/stores/papershop/sales")
    assert "Welcome to Paper Shop" in client.get("/stores/papershop/sales").text
    with app.app_context():
        member = staff.member(1, account_id("ada@example.com"))
        assert member is not None
        assert (member.role, member.rights) == ("staff", ["-export", "-see money", "refund"])
        assert [p.name for p in audit() if p.broken] == []


@pytest.mark.both
def test_an_invitation_is_no_way_round_the_second_factor(app: Flask, browse: Browse, make: Factory) -> None:
    # Whoever signs in elsewhere has no password here, and may ask for a code all the same.
    browser = browse("stranger")
    turn_on(app, "stranger")
    change(app, "stranger", password=None)
    link, client = f"/invitations/{make.invitation(email_of('stranger'))[1]}", app.test_client()
    joined = answer(client, link, "join", name="Ada", password=PASSWORD)
    assert joined.location == "/login/code"
    assert client.get("/stores/papershop/sales").location.startswith("/login")
    assert browser.get("/purchases").location.startswith("/login")  # what was open before ends, as always
    assert give(client, code(int(datetime.now(UTC).timestamp()) // 30)).location == "/stores/papershop/sales"


def test_a_password_chosen_with_an_invitation_keeps_the_rule_of_all_passwords(
    app: Flask, make: Factory
) -> None:
    link, client = f"/invitations/{make.invitation('adalovelace@example.com')[1]}", app.test_client()
    weak = {"password1": "tried first", "adalovelace1": "easily guessed", "x" * 129: "characters at most"}
    for password, why in weak.items():
        refused = answer(client, link, "join", name="Ada", password=password)
        assert refused.status_code == 422
        assert why in words(refused.text)
        assert password not in refused.text


def test_who_has_an_account_signs_in_and_accepts(app: Flask, browse: Browse, make: Factory) -> None:
    link = f"/invitations/{make.invitation(email_of('stranger'))[1]}"
    signed_out = words(app.test_client().get(link).text)
    assert "Sign in to accept" in signed_out and "Password" not in signed_out
    other = browse("buyer")
    assert "You are signed in as buyer@example.com" in words(other.get(link).text)
    assert 'action="/logout?next=/invitations/' in other.get(link).text
    assert other.post(f"{link}/accept").status_code == 403
    assert other.post(f"{link}/join", {"name": "B", "password": PASSWORD}).status_code == 403
    stranger = browse("stranger")
    assert stranger.get("/stores/papershop/sales").status_code == 404
    assert stranger.post(f"{link}/accept").status_code == 303
    assert stranger.get("/stores/papershop/sales").status_code == 200


def test_signing_out_as_another_leads_back_to_the_invitation(browse: Browse, make: Factory) -> None:
    link = f"/invitations/{make.invitation(email_of('stranger'))[1]}"
    other = browse("other_buyer")
    gone = other.post(f"/logout?next={link}")
    assert gone.location == link
    assert "Sign in to accept" in words(other.get(link).text)


def test_links_that_do_not_hold_answer_alike(app: Flask, browse: Browse, make: Factory) -> None:
    def invited(email: str, **given: Any) -> tuple[int, str]:
        number, text = make.invitation(email, **given)
        return number, f"/invitations/{text}"

    used = invited(email_of("stranger"))[1]
    browse("stranger").post(f"{used}/accept")
    withdrawn_id, withdrawn = invited("a@example.com")
    browse("owner").post(f"{AT}/invitations/{withdrawn_id}/withdraw")
    declined = invited("b@example.com")[1]
    answer(app.test_client(), declined, "decline")
    replaced, expired = invited("c@example.com")[1], invited("d@example.com")[1]
    invited("c@example.com")
    with app.app_context():
        row = db.session.scalars(select(Invitation).where(Invitation.email == "d@example.com")).one()
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        db.session.commit()
    links = [
        used,
        withdrawn,
        declined,
        replaced,
        expired,
        "/invitations/OTk5.x",
        f"{replaced}x",
        "/invitations/x",
    ]
    with time_machine.travel(datetime.now(UTC), tick=False):
        pages = [app.test_client().get(link) for link in links]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(r'X-CSRFToken": "[^"]+', "", page.text) for page in pages}) == 1
    assert "This invitation does not hold" in words(pages[0].text)


def test_the_link_stands_in_no_table_and_in_no_line_of_the_log(
    app: Flask, make: Factory, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = make.invitation("ada@example.com")[1]
    capsys.readouterr()
    app.test_client().get(f"/invitations/{secret}").close()
    (line,) = [
        json.loads(x) for x in capsys.readouterr().err.splitlines() if '"request"' in x and "path" in x
    ]
    assert (line["path"], line["status"]) == ("/invitations/***", 200)
    assert secret not in str(everything(app))
    assert secret.split(".")[-1] not in str(everything(app))


def test_a_mail_that_is_late_tells_nobody_of_what_does_not_hold(
    app: Flask, browse: Browse, make: Factory
) -> None:
    number = make.invitation("ada@example.com")[0]
    browse("owner").post(f"{AT}/invitations/{number}/withdraw")
    with app.app_context():
        row = db.session.scalars(select(Outbox).where(Outbox.kind == "invitation")).one()
        deliver(row.id)
        row = db.session.get_one(Outbox, row.id, populate_existing=True)
        assert (row.state, row.trouble) == ("dropped", "The invitation does not hold any more.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": ""}, "This is empty."),
        ({"email": "no address"}, "Write an e-mail address"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "one line"),
        ({"role": "king"}, "Use one of owner, staff, vendor."),
        ({"is_site_admin": "1"}, "is no field of this form"),
        ({"email": "staff@example.com"}, "works here already"),
    ],
)
def test_a_wrong_invitation_is_refused_in_words(browse: Browse, changes: dict[str, str], said: str) -> None:
    refused = browse("owner").post(AT, {**NEW, **changes})
    assert refused.status_code in {409, 422}
    assert said in words(refused.text)


def test_a_place_is_changed_and_a_person_removed(app: Flask, browse: Browse) -> None:
    owner = browse("owner")
    with app.app_context():
        whom = account_id(email_of("staff"))
    page = owner.get(f"{AT}/{whom}").text
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', page)
    sent = {
        "role": "staff",
        "seen": seen,
        "see_money": "1",
        "see_personal": "1",
        "export": "1",
        "cancel": "1",
    }
    assert owner.post(f"{AT}/{whom}", sent).status_code == 303
    assert "Cancel sales" in words(owner.get(AT).text)
    late = owner.post(f"{AT}/{whom}", sent)
    assert late.status_code == 409 and "meanwhile" in words(late.text)
    assert owner.post(f"{AT}/{whom}/remove").status_code == 303
    assert browse("staff").get("/stores/papershop/sales").status_code == 404


def test_staff_see_the_page_with_the_right_alone_and_offer_what_they_have(app: Flask, browse: Browse) -> None:
    owner, worker = browse("owner"), browse("staff")
    assert worker.get(AT).status_code == 403
    assert 'href="/stores/papershop/staff"' not in worker.get("/stores/papershop/sales").text
    with app.app_context():
        whom = account_id(email_of("staff"))
    sent = {"role": "staff", "seen": "staff", "see_personal": "1", "export": "1", "staff": "1"}
    owner.post(f"{AT}/{whom}", sent)
    page = worker.get(AT).text
    assert 'name="export"' in page and 'name="staff"' in page
    assert 'name="see_money"' not in page and 'name="refund"' not in page and 'value="owner"' not in page
    assert worker.post(AT, {**NEW, "role": "owner"}).status_code == 422
    assert worker.post(AT, {"email": "a@example.com", "role": "vendor"}).status_code == 303
    assert worker.post(AT, {"email": "b@example.com", "role": "staff", "export": "1"}).status_code == 303
    with app.app_context():
        invited = db.session.scalars(select(Invitation).order_by(Invitation.id.desc())).first()
        assert invited is not None and invited.rights == ["-see money", "-see personal data"]
    for deed in ("", "/remove"):
        assert worker.post(f"{AT}/{whom}{deed}", sent).status_code == 403


def test_the_page_asks_no_more_of_the_database_for_more_invitations(
    app: Flask, browse: Browse, make: Factory
) -> None:
    owner, asked = browse("owner"), list[str]()
    with app.app_context():
        engine = db.engine

    def note(*told: Any) -> None:
        asked.append(told[2])

    event.listen(engine, "before_cursor_execute", note)
    counts = []
    for n in range(3):
        make.invitation(f"ada{n}@example.com")
        asked.clear()
        assert words(owner.get(AT).text).count("Waits for an answer") == n + 1
        counts.append(len(asked))
    event.remove(engine, "before_cursor_execute", note)
    assert counts[1] == counts[2]


# ---------- the log ----------


def entries(page: str) -> list[str]:
    """Return what a page of the log says, from the top, in words."""
    return [words(told) for told in re.findall(r'<div class="told">(.*?)</div>', page, re.DOTALL)]


def test_the_log_says_who_did_what_newest_first(app: Flask, browse: Browse, make: Factory) -> None:
    sale = make.sale(GOODS)
    browse("site_admin").post(f"/stores/papershop/sales/{sale}/notes", {"body": "Look"})
    owner = browse("owner")
    owner.post(AT, NEW)
    number = make.number_of(sale)
    told = entries(owner.get("/stores/papershop/log").text)
    assert told[:3] == [
        "Owner invited ada@example.com",
        f"Site admin as site admin wrote a private note · sale {number}",
        f"Tradepost confirmed the payment · sale {number}",
    ]
    assert "Tradepost gave a place to Staff" in told


@pytest.mark.parametrize(
    ("asked", "n"),
    [
        ("verb=invite", 1),
        ("verb=invite&person={owner}", 1),
        ("verb=invite&person=1", 0),
        ("number=1001", 2),
        ("number=1001&verb=take_in", 1),
        ("day={today}&verb=join", 3),
        ("day=2001-01-01", 0),
        ("person={owner}", 1),
        ("verb=&person=&number=&day=", 6),
    ],
)
def test_the_log_is_narrowed_by_person_act_sale_and_day(
    app: Flask, browse: Browse, make: Factory, asked: str, n: int
) -> None:
    make.sale(GOODS)
    owner = browse("owner")
    owner.post(AT, NEW)
    with app.app_context():
        today = datetime.now(ZoneInfo(db.session.get_one(Store, 1).zone))  # a day is the store's own
        names = {"owner": account_id(email_of("owner")), "today": f"{today:%Y-%m-%d}"}
    path = asked.format(**names)
    assert len(entries(owner.get(f"/stores/papershop/log?{path}").text)) == n
    rows = list(
        csv.DictReader(io.StringIO(owner.get(f"/stores/papershop/log.csv?{path}").text.lstrip("\ufeff")))
    )
    assert (
        len({(row["act"], row["sale"], row["row id"] if row["row"] == "member" else "") for row in rows}) == n
    )


@pytest.mark.parametrize(
    "wrong", ["verb=x", "person=0", "day=x", "number=-1", "colour=red", "verb=ship&verb=void"]
)
def test_a_wrong_question_is_never_a_longer_list(browse: Browse, wrong: str) -> None:
    for at in ("log", "log.csv"):
        answered = browse("owner").get(f"/stores/papershop/{at}?{wrong}")
        assert answered.status_code == 422
        assert entries(answered.text) == []


def test_the_log_goes_on_by_keyset_and_tells_each_act_once(
    browse: Browse, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.queries.log.PAGE", 4)
    for _ in range(3):
        make.sale(GOODS, paid=None)
    owner, path, seen = browse("owner"), "/stores/papershop/log", []
    while path:
        page = owner.get(path).text
        seen += re.findall(r"<li>((?:item|sale|member) \d+[^<]*)</li>", page)
        path = next(iter(re.findall(r'href="([^"]*before=\d+)" rel="next"', page)), "")
    assert len(seen) == len(set(seen)) == 9  # a sale and a line, three times, and who joined


def test_the_logs_of_others_are_not_told(app: Flask, browse: Browse, make: Factory) -> None:
    make.sale(GOODS, store="othershop")
    owner = browse("owner")
    assert entries(owner.get("/stores/papershop/log?number=1001").text) == []
    assert "othershop" not in owner.get("/stores/papershop/log.csv").text
    assert owner.get("/stores/othershop/log").status_code == 404


def test_a_file_of_the_log_starts_no_formula_and_is_noted(
    app: Flask, browse: Browse, make: Factory, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = make.sale(GOODS)
    make.ship(sale, {make.items_of(sale)[0]: 1}, number="=1+1")
    with app.app_context():
        account = db.session.get_one(Account, account_id(email_of("owner")))
        account.name = "=HYPERLINK(1)"
        db.session.commit()
    owner = browse("owner")
    owner.post(AT, NEW)
    capsys.readouterr()
    answered = owner.get("/stores/papershop/log.csv")
    rows = list(csv.reader(io.StringIO(answered.text.lstrip("\ufeff"))))
    assert [c for row in rows for c in row if c[:1] in tuple("=+-@\t\r")] == []
    assert "'=HYPERLINK(1)" in {c for row in rows for c in row}
    assert "attachment; filename=log-papershop.csv" in answered.headers["Content-Disposition"]
    answered.close()
    (line,) = [json.loads(x) for x in capsys.readouterr().err.splitlines() if "log.csv" in x]
    assert (line["did"], line["store"]) == ("exported the log", "papershop")


def test_what_a_spreadsheet_would_run_is_told_apart_from_plain_numbers() -> None:
    for text in ("=1", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1+1", "-x"):
        assert inert(text) == f"'{text}"
    for text in ("-12", "+3.50", "a=1", "", "1-2", "{}"):
        assert inert(text) == text
    assert inert(None) == ""


def test_more_than_a_file_holds_is_refused(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.log_view.MOST_IN_FILE", 2)
    refused = browse("owner").get("/stores/papershop/log.csv")
    assert refused.status_code == 422
    assert "A file holds at most" in words(refused.text)


def test_every_act_has_words_in_the_log() -> None:
    ours = modules("app")
    acts = {verb for m in ours for verb in re.findall(r'\bAct\(\s*"([a-z_]+)"', m.source)}
    acts |= {
        verb for m in ours if m.floor == "actions" for verb in re.findall(r'\.verb = "([a-z_]+)"', m.source)
    }
    acts |= {verb for m in ours for verb in re.findall(r'_tell\(\s*"([a-z_]+)", account_id', m.source)}
    assert acts | {ERASE, EXPORT} <= VERBS.keys()
    assert "sign_out_person" in acts


def test_the_settings_that_were_changed_are_in_the_log(app: Flask, browse: Browse) -> None:
    with app.app_context():
        assert not db.session.scalars(select(Event).where(Event.verb == "set_store")).all()
    owner = browse("owner")
    assert saved(owner, name="Another name").status_code == 303
    assert entries(owner.get("/stores/papershop/log").text)[0] == "Owner changed the settings"
