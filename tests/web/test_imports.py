"""The import pages: a file is tried out first, then brought in, once."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app import worker
from app.actions.jobs import ask, start
from app.db import db
from app.models import Account, Event, Job, JobRow, Member, Order
from app.web.imports import AT_ONCE
from tests.conftest import csrf_token, email_of
from tests.exchange.conftest import ITEMS, fixture, items_file
from tests.rules.books import everything

SignIn = Callable[[str], FlaskClient]
PAGE = "/stores/papershop/import"


def token(browser: FlaskClient) -> str:
    return csrf_token(browser.get(PAGE).text)


def upload(browser: FlaskClient, data: bytes, name: str = "etsy.csv", page: str = PAGE) -> TestResponse:
    return browser.post(page, data={"csrf_token": token(browser), "file": (io.BytesIO(data), name)})


def previewed(browser: FlaskClient, data: bytes, name: str = "etsy.csv") -> str:
    """Upload a file and return the address of its preview."""
    answer = upload(browser, data, name)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def run(browser: FlaskClient, address: str) -> TestResponse:
    return browser.post(address, data={"csrf_token": token(browser)})


def orders(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Order.id))) or 0


def job(app: Flask, **changes: Any) -> Job:
    """Return the latest import, after these changes of its row."""
    with app.app_context():
        found = db.session.scalars(select(Job).order_by(Job.id.desc())).first()
        assert found is not None
        for name, value in changes.items():
            setattr(found, name, value)
        db.session.commit()
        db.session.refresh(found)
        db.session.expunge_all()
        return found


def many(n: int = AT_ONCE + 1) -> bytes:
    """Return a file of more orders than a page does itself."""
    return items_file(*({"Order ID": str(i), "Transaction ID": str(i)} for i in range(1, n + 1)))


def begun(app: Flask) -> None:
    """Take the latest import up to bring it in, as a worker does, and get no further."""
    found = job(app)
    with app.app_context():
        assert ask(found.id, account_id=found.account_id, store_id=found.store_id)
        assert start(found.id)
        db.session.commit()


def worked(app: Flask) -> None:
    """Do what a worker would do now, were there one."""
    with app.app_context():
        worker.work(job(app).id)


@pytest.fixture
def staff(sign_in: SignIn) -> FlaskClient:
    return sign_in("staff")


def test_the_page_says_what_it_takes(staff: FlaskClient) -> None:
    page = staff.get(PAGE)
    assert page.status_code == 200
    for said in (
        "Etsy sold order items",
        "Etsy sold orders",
        "at most 16 MB and 100,000 rows",
        "There are none yet.",
    ):
        assert said in page.text


def test_a_file_is_tried_out_before_anything_is_brought_in(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    page = staff.get(address).text
    assert "6 orders, 8 items: 6 new." in page
    assert "Bring in 6 orders" in page
    assert "Nothing has been brought in yet." in page
    assert (orders(app), job(app).state) == (0, "previewed")


def test_then_it_is_brought_in_and_let_go(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    answer = run(staff, address)
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    page = staff.get(address).text
    assert "etsy.csv: 6 orders, 8 items: 6 new." in page
    assert '<a class="no" href="/stores/papershop/sales/' in page
    assert "Bring in" not in page
    assert orders(app) == 6
    done = job(app)
    assert (done.state, done.source, done.done, done.total) == ("done", None, 6, 6)


def test_the_latest_imports_are_listed(staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS), "december.csv")
    page = staff.get(PAGE).text
    assert f'href="{address}"' in page
    assert "december.csv" in page
    assert "Preview" in page


def test_sent_twice_it_is_done_once_and_says_so(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    run(staff, address)
    assert run(staff, address).status_code == 303
    assert "has been brought in already; nothing was done a second time" in staff.get(address).text
    assert orders(app) == 6


def test_while_it_runs_a_second_tab_is_told_so_and_shown_how_far_it_is(
    app: Flask, staff: FlaskClient
) -> None:
    address = previewed(staff, fixture(ITEMS))
    begun(app)
    job(app, done=2)
    assert run(staff, address).status_code == 303
    page = staff.get(address).text
    assert "is being brought in already" in page
    assert '<progress id="done" max="6" value="2">' in page
    assert "2 of 6 orders are done. You may leave this page." in page
    assert 'hx-trigger="every 2s"' in page
    assert "Bring in" not in page
    assert orders(app) == 0


def test_what_was_cut_off_can_be_gone_on_with(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    begun(app)
    job(app, heartbeat_at=datetime.now(UTC) - timedelta(minutes=5))
    page = staff.get(address).text
    assert "was cut off after 0 of 6 orders" in page
    assert "Go on" in page
    run(staff, address)
    assert (orders(app), job(app).state) == (6, "done")


def test_the_same_file_again_has_nothing_new(app: Flask, staff: FlaskClient) -> None:
    run(staff, previewed(staff, fixture(ITEMS)))
    page = staff.get(previewed(staff, fixture(ITEMS))).text
    assert "6 orders, 8 items: 6 same." in page
    assert "Nothing in it is new here." in page
    assert "Bring in" not in page


def test_a_file_without_orders_says_so(staff: FlaskClient) -> None:
    page = staff.get(previewed(staff, items_file())).text
    assert "No orders are in it." in page


def test_faults_are_told_with_their_lines_refused_orders_first(app: Flask, staff: FlaskClient) -> None:
    data = items_file({"Order ID": "1"}, {"Order ID": "2", "Price": "x", "Quantity": "0"}, {"Order ID": "3"})
    address = previewed(staff, data)
    page = staff.get(address).text
    assert page.index(">2</bdi>") < page.index(">1</bdi>") < page.index(">3</bdi>")
    assert "Line 3: Price: “x” is not an amount" in page
    assert "Line 3: Quantity: Write a number from 1 to 1000000." in page
    assert "Bring in 2 orders" in page
    run(staff, address)
    assert orders(app) == 2
    assert "3 orders, 3 items: 2 new, 1 refused." in staff.get(address).text


def test_a_report_is_narrowed_to_a_verdict(staff: FlaskClient) -> None:
    address = previewed(staff, items_file({"Order ID": "1"}, {"Order ID": "2", "Price": "x"}))
    refused = staff.get(f"{address}?verdict=refused").text
    assert ">2</bdi>" in refused
    assert ">1</bdi>" not in refused
    assert "No orders here" in staff.get(f"{address}?verdict=same").text


@pytest.mark.parametrize("verdict", ["nonsense", "NEW", "new,same", "%00"])
def test_a_verdict_that_there_is_not_shows_no_rows(staff: FlaskClient, verdict: str) -> None:
    answer = staff.get(f"{previewed(staff, fixture(ITEMS))}?verdict={verdict}")
    assert answer.status_code == 422
    assert "there is no such verdict" in answer.text
    assert "90001" not in answer.text


def test_at_most_200_orders_are_shown(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, many(202))
    worked(app)
    page = staff.get(address).text
    assert page.count("<tr data-row>") == 200
    assert "The first 200 of 202 orders." in page


def test_htmx_gets_the_part_that_stands_in_the_page(staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    part = staff.get(address, headers={"HX-Request": "true"}).text
    assert part.startswith('<div id="report">')
    assert part.strip() in staff.get(address).text


# A long file: the worker's.


def test_a_long_file_is_tried_out_and_brought_in_behind_the_page(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, many())
    page = staff.get(address).text
    assert "201 orders, 201 items." in page
    assert "It is about to begin. You may leave this page." in page
    assert '<progress id="done" max="201" value="0">' in page
    assert "Waiting" in staff.get(PAGE).text
    worked(app)
    page = staff.get(address).text
    assert "201 orders, 201 items: 201 new." in page
    assert "Bring in 201 orders" in page
    assert (orders(app), job(app).state) == (0, "previewed")

    assert run(staff, address).status_code == 303
    page = staff.get(address).text
    assert "It is about to begin" in page
    assert "201 new" not in page
    assert orders(app) == 0
    worked(app)
    page = staff.get(address).text
    assert "201 orders, 201 items: 201 new." in page
    assert "progress" not in page
    done = job(app)
    assert (orders(app), done.state, done.source, done.done) == (201, "done", None, 201)


def test_without_a_script_one_looks_again_by_a_link(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, many())
    assert f'<a class="linked" id="again" href="{address}">Look again</a>' in staff.get(address).text


def test_while_it_is_tried_out_the_page_says_how_far_it_is(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, many())
    with app.app_context():
        assert start(job(app).id)
        db.session.commit()
    job(app, done=75)
    assert "75 of 201 orders are tried out." in staff.get(address).text


def test_a_page_that_waits_in_vain_says_what_is_missing(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, many())
    job(app, heartbeat_at=datetime.now(UTC) - timedelta(minutes=1))
    page = staff.get(address).text
    assert "It waits for the worker, which does not seem to run." in page
    assert "flask --app app worker" in page


def test_a_page_that_waits_its_turn_says_so(app: Flask, staff: FlaskClient) -> None:
    previewed(staff, many())
    with app.app_context():
        assert start(job(app).id)
        db.session.commit()
    address = previewed(staff, many())
    job(app, heartbeat_at=datetime.now(UTC) - timedelta(minutes=1))
    assert "It waits its turn: another import is under way." in staff.get(address).text


def test_the_acts_are_of_who_brings_the_file_in(app: Flask, staff: FlaskClient, sign_in: SignIn) -> None:
    address = previewed(staff, fixture(ITEMS))
    run(sign_in("owner"), address)
    with app.app_context():
        told = select(Event.actor_kind, Event.door, Account.email).join(Account, Account.id == Event.actor_id)
        assert set(db.session.execute(told)) == {("import", "import", email_of("owner"))}


@pytest.mark.parametrize("lost", ["place", "right", "account"])
def test_who_lost_the_right_meanwhile_is_refused(
    app: Flask, staff: FlaskClient, sign_in: SignIn, lost: str
) -> None:
    address = previewed(staff, many())
    worked(app)
    run(staff, address)
    with app.app_context():
        account = db.session.query(Account).filter_by(email=email_of("staff")).one()
        places = db.session.query(Member).filter_by(account_id=account.id)
        if lost == "place":
            places.delete()
        elif lost == "right":
            places.update({"role": "vendor"})
        else:
            account.active = False
        db.session.commit()
    worked(app)
    ended = job(app)
    assert (orders(app), ended.state, ended.source) == (0, "refused", None)
    owner = sign_in("owner")
    page = owner.get(address).text
    assert "Who asked for it may not bring orders into this store any more." in page
    assert "Go on" not in page
    run(owner, address)
    assert "This import was refused: choose the file again." in owner.get(address).text


def test_what_nobody_foresaw_is_logged_with_the_job_and_can_be_gone_on_with(
    app: Flask, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    address = previewed(staff, fixture(ITEMS))
    with monkeypatch.context() as broken:
        broken.setattr(worker, "read", lambda *_: 1 / 0)
        run(staff, address)
    assert f"job {job(app).id} failed" in caplog.text
    page = staff.get(address).text
    assert "Something went wrong on our side after 0 of 6 orders. What was done stays." in page
    assert f"import {job(app).id}." in page
    assert (orders(app), job(app).state) == (0, "failed")
    run(staff, address)
    assert (orders(app), job(app).state) == (6, "done")


# What is refused.


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty."),
        (b"a,b\n1,2\n", "Line 1: This is no header of a file that we know. It has “a”, “b”; known files are"),
        (fixture(ITEMS) + b"short,row\n", "Line 11: This row has 2 fields where the header has 33."),
        (fixture(ITEMS) + b"\xff\n", "Line 11: Byte 0xff is no UTF-8"),
        (fixture(ITEMS).decode().encode("utf-16"), "This file is in UTF-16"),
        (b"PK\x03\x04", "This is a spreadsheet or a zip"),
    ],
    ids=["empty", "another file", "short row", "bytes", "UTF-16", "zip"],
)
def test_a_bad_file_is_refused_at_the_field_and_nothing_is_kept(
    app: Flask, staff: FlaskClient, data: bytes, said: str
) -> None:
    token(staff)
    before = everything(app)
    answer = upload(staff, data)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert everything(app) == before


def test_a_form_without_a_file_asks_for_one(staff: FlaskClient) -> None:
    for sent in ({}, {"file": "not a file"}, {"file": (io.BytesIO(b""), "")}):
        answer = staff.post(
            PAGE, data={"csrf_token": token(staff), **sent}, content_type="multipart/form-data"
        )
        assert answer.status_code == 422
        assert "Choose a file." in answer.text


def test_a_file_that_is_too_large_is_refused_in_words(app: Flask, staff: FlaskClient) -> None:
    boundary = b"--x\r\nContent-Disposition: form-data; name=file; filename=x.csv\r\n\r\n"
    answer = staff.post(
        PAGE, data=boundary + b"x" * (16 * 1024 * 1024), content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 413
    assert "At most 16 MB can be sent here." in answer.text
    assert "flask import" in answer.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../x.csv", "x.csv"),
        ("<script>alert(1)</script>.csv", "script&gt;.csv"),
        ("注文.csv", "注文.csv"),
        ("..", ".."),
        ("x" * 300 + ".csv", "x" * 255),
    ],
)
def test_the_name_of_a_file_is_shown_and_nothing_else(staff: FlaskClient, name: str, shown: str) -> None:
    page = staff.get(previewed(staff, fixture(ITEMS), name)).text
    assert f"<h1><bdi>{shown}</bdi></h1>" in page


def test_names_in_a_file_are_shown_as_text(staff: FlaskClient) -> None:
    page = staff.get(previewed(staff, items_file({"Order ID": "<b>1</b>", "Currency": "<i>"}))).text
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "“&lt;i&gt;” is no currency" in page


# Who may.


@pytest.mark.parametrize(
    ("who", "page", "status"),
    [
        ("owner", PAGE, 200),
        ("staff", PAGE, 200),
        ("site_admin", PAGE, 200),
        ("vendor", PAGE, 403),
        ("owner2", PAGE, 404),
        ("stranger", PAGE, 404),
        ("staff", "/stores/nowhere/import", 404),
    ],
)
def test_who_may_import(sign_in: SignIn, who: str, page: str, status: int) -> None:
    assert sign_in(who).get(page).status_code == status


def test_a_preview_is_of_its_store_alone(app: Flask, sign_in: SignIn, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    number = address.rsplit("/", 1)[1]
    stranger = sign_in("owner2")
    assert stranger.get(address).status_code == 404
    theirs = f"/stores/othershop/import/{number}"
    assert stranger.get(theirs).status_code == 404
    token_of_theirs = csrf_token(stranger.get("/stores/othershop/import").text)
    assert stranger.post(theirs, data={"csrf_token": token_of_theirs}).status_code == 404
    assert stranger.post(address, data={"csrf_token": token_of_theirs}).status_code == 404
    assert orders(app) == 0


def test_signed_out_one_is_asked_to_sign_in(client: FlaskClient) -> None:
    answer = client.get(PAGE)
    assert (answer.status_code, "/login" in answer.headers["Location"]) == (303, True)


def test_without_its_token_nothing_is_taken(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    assert staff.post(PAGE, data={"file": (io.BytesIO(fixture(ITEMS)), "x.csv")}).status_code == 400
    assert staff.post(address).status_code == 400
    assert orders(app) == 0


# What is kept, and how long.


def test_a_preview_that_nobody_wanted_lapses(app: Flask, staff: FlaskClient) -> None:
    address = previewed(staff, fixture(ITEMS))
    job(app, created_at=datetime.now(UTC) - timedelta(days=8))
    previewed(staff, fixture(ITEMS))
    with app.app_context():
        old = db.session.scalars(select(Job).order_by(Job.id)).first()
        assert old is not None
        assert (old.state, old.source) == ("lapsed", None)
    run(staff, address)
    assert "This preview is too old" in staff.get(address).text
    assert orders(app) == 0


def test_what_is_at_work_does_not_lapse(app: Flask, staff: FlaskClient) -> None:
    previewed(staff, fixture(ITEMS))
    begun(app)
    old = job(app, created_at=datetime.now(UTC) - timedelta(days=8))
    previewed(staff, fixture(ITEMS))
    with app.app_context():
        assert db.session.get_one(Job, old.id).state == "running"


def test_the_report_names_lines_and_orders_and_no_person(app: Flask, staff: FlaskClient) -> None:
    run(staff, previewed(staff, fixture(ITEMS)))
    with app.app_context():
        kept = [(r.line, r.external_id, r.verdict, r.reason) for r in db.session.scalars(select(JobRow))]
    assert kept[0] == (2, "90001", "new", "")
    assert len(kept) == 6
