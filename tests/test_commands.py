"""The commands: what each does, and the one sentence with which it ends when it cannot."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.access import READ, SCOPES, WRITE, Role
from app.actions.people import secret_hash
from app.cli.demo import password_file, sign_ins
from app.db import db
from app.errors import Unavailable
from app.models import ApiToken, Order
from app.queries import people
from app.standing import TOO_NEW
from tests.conftest import TEST_SETTINGS, email_of
from tests.rules.books import everything
from tests.web.mailed import account
from tests.web.test_outages import read_only
from tests.web.test_second_factor import turn_on

Run = Callable[..., Result]

GOOD = "correct horse battery"

ETSY = (
    "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Coupon Details,Discount Amount,Shipping Discount,"
    "Order Shipping,Order Sales Tax,Item Total,Currency,Transaction ID,Listing ID,Date Paid,Date Shipped,"
    "Ship Name,Ship Address1,Ship Address2,Ship City,Ship State,Ship Zipcode,Ship Country,Order ID,"
    "Variations,Order Type,Listings Type,Payment Type,InPerson Discount,InPerson Location,VAT Paid by Buyer,"
    "SKU\n"
)
ROW = (
    "01/15/26,Letterpress card,Maja (maja),{quantity},4.50,,,0.00,0.00,1.80,0.00,9.00,EUR,{line},771,"
    "01/15/2026,,Maja Kowalczyk,ul. Długa 5,,Poznań,,61-001,Poland,{order},,online,listing,online_cc,,,0,"
    "LC-014\n"
)


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command on the desk with the cast."""

    def run_command(*words: str, typed: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(words), input=typed)

    return run_command


def refusal(result: Result, exit_code: int = 1) -> str:
    """Return the one sentence with which a command ended; no traceback, nothing printed besides."""
    assert result.exit_code == exit_code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return result.stderr


def place_of(email: str, slug: str) -> str | None:
    """Return a person's role in a store."""
    account = people.account_by_email(email)
    place = people.place(slug, account.id if account else None)
    return place.role if place else None


# --- store


def test_a_store_is_opened_for_its_owner(app: Flask, run: Run) -> None:
    said = run(
        "store", "ink", "--name", "Ink & Co", "--owner", "owner2@example.com", "--currency", "eur",
        "--zone", "Europe/Vienna", "--vendor",
    )  # fmt: skip
    assert (said.exit_code, said.stderr) == (0, "")
    assert "ink" in said.stdout
    with app.app_context():
        place = people.place("ink", None)
        assert place is not None
        store = place.store
        assert (store.name, store.currency, store.zone, store.is_vendor) == (
            "Ink & Co", "EUR", "Europe/Vienna", True,
        )  # fmt: skip
        assert place_of("owner2@example.com", "ink") == Role.OWNER


@pytest.mark.parametrize(
    ("slug", "changes", "exit_code", "says"),
    [
        ("papershop", {}, 1, "already"),
        ("PaperShop", {}, 2, "is no slug"),
        ("7up", {}, 2, "is no slug"),
        ("a b", {}, 2, "is no slug"),
        ("ink", {"--owner": "nobody@example.com"}, 2, "has no account"),
        ("ink", {"--currency": "XYZ"}, 2, "is no currency"),
        ("ink", {"--zone": "Mars/Base"}, 2, "is no time zone"),
        ("ink", {"--name": "   "}, 2, "A name has"),
        ("ink", {"--name": "x" * 256}, 2, "A name has"),
    ],
)
def test_a_store_is_refused_in_one_sentence(
    *, app: Flask, run: Run, slug: str, changes: dict[str, str], exit_code: int, says: str
) -> None:
    options = {"--name": "Ink", "--owner": "owner@example.com", **changes}
    assert says in refusal(run("store", slug, *(x for pair in options.items() for x in pair)), exit_code)
    with app.app_context():
        assert len(people.all_stores()) == 3


# --- account


def test_an_account_is_made_with_a_password_that_signs_in(app: Flask, run: Run) -> None:
    said = run("account", "New@Example.com", "--name", "Nia New", typed=f"{GOOD}\n{GOOD}\n")
    assert said.exit_code == 0, said.output
    assert GOOD not in said.output
    page = app.test_client()
    token = page.get("/login").text.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
    sent = {"email": "new@example.com", "password": GOOD, "csrf_token": token}
    assert page.post("/login", data=sent).status_code in {302, 303}


def test_a_password_may_come_from_standard_input(app: Flask, run: Run) -> None:
    said = run("account", "new@example.com", "--password-stdin", "--site-admin", typed=f"{GOOD}\n")
    assert said.exit_code == 0, said.output
    with app.app_context():
        account = people.account_by_email("new@example.com")
        assert account is not None
        assert account.is_site_admin
        assert account.password == GOOD  # the tests' hash is plain


def test_an_account_that_is_there_is_given_a_place(app: Flask, run: Run) -> None:
    said = run("account", "stranger@example.com", "--store", "papershop", "--role", "staff")
    assert said.exit_code == 0, said.output
    with app.app_context():
        assert place_of("stranger@example.com", "papershop") == Role.STAFF


def test_an_account_that_is_there_may_be_let_run_the_site(app: Flask, run: Run) -> None:
    assert run("account", "stranger@example.com", "--site-admin").exit_code == 0
    with app.app_context():
        account = people.account_by_email("stranger@example.com")
        assert account is not None
        assert account.is_site_admin


@pytest.mark.parametrize(
    ("words", "typed", "exit_code", "says"),
    [
        (("new@example.com", "--role", "staff"), None, 2, "both --store and --role"),
        (("new@example.com", "--store", "papershop"), None, 2, "both --store and --role"),
        (("new@example.com", "--store", "no-such", "--role", "staff"), None, 2, "There is no store"),
        (("new@example.com", "--role", "king", "--store", "papershop"), None, 2, "king"),
        (("not an address", "--password-stdin"), f"{GOOD}\n", 2, "is no e-mail address"),
        (("new@example.com", "--password-stdin"), "short\n", 2, "8"),
        (("new@example.com", "--password-stdin"), "", 2, "8"),
        (("owner@example.com", "--password-stdin"), f"{GOOD}\n", 1, "already"),
        (("owner@example.com", "--name", "Else"), None, 1, "already"),
    ],
)
def test_an_account_is_refused_in_one_sentence(
    *, app: Flask, run: Run, words: tuple[str, ...], typed: str | None, exit_code: int, says: str
) -> None:
    assert says in refusal(run("account", *words, typed=typed), exit_code)
    with app.app_context():
        assert people.account_by_email("new@example.com") is None


@pytest.mark.parametrize("password", ["password1", "iloveyou", "nia.new1", "tradepost"])
def test_the_rule_for_passwords_is_that_of_the_pages(run: Run, password: str) -> None:
    words = ("account", "nia.new@shop.example", "--name", "Nia New", "--password-stdin")
    assert "Choose another one." in refusal(run(*words, typed=f"{password}\n"), 2)


def test_the_second_factor_of_whoever_lost_it_is_turned_off(app: Flask, run: Run) -> None:
    turn_on(app, "owner")
    said = run("account", email_of("owner"), "--second-factor-off")
    assert "second factor turned off" in said.output
    assert account(app, "owner").second_factor_at is None


@pytest.mark.parametrize(("who", "is_ended"), [("site_admin", True), ("owner", False)])
def test_a_site_admin_without_a_second_factor_has_no_tokens_either(
    app: Flask, run: Run, token: Callable[..., dict[str, str]], who: str, is_ended: bool
) -> None:
    turn_on(app, who)
    header = token(who)
    assert run("account", email_of(who), "--second-factor-off").exit_code == 0
    answer = app.test_client().get("/api/okanjo/stores/1/sales", headers=header)
    assert answer.status_code == (401 if is_ended else 200)


def test_two_passwords_that_differ_are_asked_for_again(run: Run) -> None:
    said = run("account", "new@example.com", typed=f"{GOOD}\nother\n{GOOD}\n{GOOD}\n")
    assert said.exit_code == 0, said.output


# --- token


def test_a_token_is_the_last_word_and_opens_the_api(app: Flask, run: Run) -> None:
    scope = next(iter(SCOPES))
    said = run("token", "owner@example.com", "--store", "papershop", "--scope", scope)
    assert said.exit_code == 0
    secret = said.stdout.split()[-1]
    (line,) = said.stderr.splitlines()
    assert json.loads(line)["event"] == "made a token"
    assert json.loads(line)["token"] == secret.split("_")[1]
    assert secret.rsplit("_", 1)[1] not in line
    with app.app_context():
        kept = db.session.query(ApiToken).one()
        assert kept.token_hash == secret_hash(secret)
        assert kept.scopes == [scope]
        place = people.place("papershop", None)
        assert place is not None
        assert kept.store_id == place.store.id


def test_a_token_may_have_a_name_and_an_end(app: Flask, run: Run) -> None:
    words = (
        "token",
        "owner@example.com",
        "--scope",
        "read:store-orders",
        "--name",
        " Till  1 ",
        "--days",
        "7",
    )
    assert run(*words).exit_code == 0
    with app.app_context():
        kept = db.session.query(ApiToken).one()
        assert (kept.name, kept.expires_at) == ("Till 1", kept.created_at + timedelta(days=7))


def test_a_token_may_be_for_all_stores_of_a_person(app: Flask, run: Run) -> None:
    words = [word for scope in (READ, WRITE) for word in ("--scope", scope)]
    assert run("token", "owner@example.com", *words).exit_code == 0
    with app.app_context():
        kept = db.session.query(ApiToken).one()
        assert (kept.store_id, kept.scopes) == (None, [READ, WRITE])


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("nobody@example.com", "--scope", "read:store-orders"), 2, "has no account"),
        (("owner@example.com", "--scope", "read:everything"), 2, ", ".join(SCOPES)[:17]),
        (("owner@example.com",), 2, "--scope"),
        (("owner@example.com", "--scope", "read:store-orders", "--days", "0"), 2, "--days"),
        (("owner@example.com", "--scope", "read:store-orders", "--name", "x" * 65), 2, "1 to 64"),
        (("owner@example.com", "--store", "no-such", "--scope", "read:store-orders"), 2, "papershop"),
        (("buyer@example.com", "--store", "papershop", "--scope", "read:store-orders"), 1, "has no place"),
        (("owner@example.com", "--scope", "write:site"), 1, "site admins"),
        (("site_admin@example.com", "--store", "papershop", "--scope", "write:site"), 1, "no single store"),
    ],
)
def test_a_token_is_refused_in_one_sentence(
    app: Flask, run: Run, words: tuple[str, ...], exit_code: int, says: str
) -> None:
    assert says in refusal(run("token", *words), exit_code)
    with app.app_context():
        assert db.session.query(ApiToken).count() == 0


def test_a_site_admin_may_have_a_token_for_the_site(app: Flask, run: Run) -> None:
    said = run("token", "site_admin@example.com", "--scope", "write:site")
    headers = {"Authorization": f"Bearer {said.output.split()[-1]}"}
    assert app.test_client().get("/api/site/stores", headers=headers).status_code == 200


def test_a_site_admin_may_have_a_token_for_any_store(run: Run) -> None:
    words = ("token", "site_admin@example.com", "--store", "papershop", "--scope", "read:store-orders")
    assert run(*words).exit_code == 0


# --- import


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Return the path of an Etsy file with these rows."""

    def written(*rows: str, header: str = ETSY) -> str:
        path = tmp_path / "EtsySoldOrderItems.csv"
        path.write_text(header + "".join(rows))
        return str(path)

    return written


def test_a_file_is_brought_in_and_again_changes_nothing(
    app: Flask, run: Run, file: Callable[..., str]
) -> None:
    path = file(ROW.format(order=1, line=11, quantity=2), ROW.format(order=2, line=12, quantity=2))
    said = run("import", path, "--store", "papershop")
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[-1] == "2 orders, 2 items: 2 new, 0 changed, 0 same, 0 refused"
    said = run("import", path, "--store", "papershop")
    assert said.stdout.splitlines()[-1] == "2 orders, 2 items: 0 new, 0 changed, 2 same, 0 refused"
    with app.app_context():
        assert db.session.query(Order).count() == 2


def test_a_dry_run_changes_nothing(app: Flask, run: Run, file: Callable[..., str]) -> None:
    said = run("import", file(ROW.format(order=1, line=11, quantity=2)), "--store", "papershop", "--dry-run")
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[-1] == "1 orders, 1 items: 1 new, 0 changed, 0 same, 0 refused"
    assert "nothing was changed" in said.stderr
    with app.app_context():
        assert db.session.query(Order).count() == 0


def test_refused_orders_are_told_with_line_and_reason_and_the_others_come_in(
    app: Flask, run: Run, file: Callable[..., str]
) -> None:
    path = file(ROW.format(order=1, line=11, quantity=2), ROW.format(order=2, line=12, quantity="many"))
    said = run("import", path, "--store", "papershop")
    assert said.exit_code == 1
    assert said.stdout.splitlines()[-1] == "2 orders, 2 items: 1 new, 0 changed, 0 same, 1 refused"
    assert said.stderr.startswith("2: Line 3: ")
    assert "Traceback" not in said.output
    with app.app_context():
        assert db.session.query(Order).count() == 1


@pytest.mark.parametrize("header", ["", "Name,Age\n", "\x00\x01\x02", ETSY.replace("Order ID", "Number")])
def test_a_file_that_is_none_of_ours_is_refused_as_a_whole(
    run: Run, file: Callable[..., str], header: str
) -> None:
    assert refusal(run("import", file("x,y\n", header=header), "--store", "papershop"))


def test_import_names_the_stores_there_are(run: Run, file: Callable[..., str]) -> None:
    assert "othershop, papershop, vendorshop" in refusal(run("import", file(), "--store", "nowhere"), 2)


def test_import_of_a_file_that_is_not_there_is_asked_wrongly(run: Run) -> None:
    assert "no-such.csv" in refusal(run("import", "no-such.csv", "--store", "papershop"), 2)


# --- demo


def test_the_demo_is_refused_beside_real_stores(run: Run) -> None:
    assert "empty database" in refusal(run("demo", "--orders", "1"))


def test_the_demo_is_refused_where_others_reach_the_desk(
    app: Flask, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "HOST", "0.0.0.0")
    assert "HOST is 0.0.0.0" in refusal(run("demo"))


@pytest.mark.parametrize(
    "words",
    [
        ("--today", "yesterday"),
        ("--today", "0001-01-01"),
        ("--today", "2026-13-01"),
        ("--orders", "-1"),
        ("--stores", "0"),
        ("--seed", "x"),
    ],
)
def test_the_demo_understands_numbers_and_days(run: Run, words: tuple[str, str]) -> None:
    assert words[0] in refusal(run("demo", *words), 2)


# --- a database that is not ready


@pytest.mark.parametrize("words", [("demo",), ("token", "a@example.com", "--scope", "read:store-orders")])
def test_a_database_without_tables_is_told_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'new.db'}"})
    assert "db upgrade" in refusal(app.test_cli_runner().invoke(args=list(words)))


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'folder.db'}"})
    said = refusal(app.test_cli_runner().invoke(args=["demo"]))
    assert said == "Error: The database cannot be reached. unable to open database file\n"


WORDS = (
    ("demo",),
    ("store", "ink", "--name", "Ink", "--owner", "owner@example.com"),
    ("account", "stranger@example.com", "--site-admin"),
    ("token", "owner@example.com", "--scope", "read:store-orders"),
)


def test_a_database_of_a_newer_version_is_left_as_it_is(app: Flask, run: Run) -> None:
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
    before = everything(app)
    for words in WORDS:
        assert refusal(run(*words)) == f"Error: {TOO_NEW}\n"
    assert run("db", "upgrade").exit_code == 1
    assert everything(app) == before


def test_a_database_that_is_out_is_told_in_a_sentence(app: Flask, run: Run) -> None:
    with read_only(app):
        assert refusal(run("store", "ink", "--name", "Ink", "--owner", "owner@example.com")) == (
            f"Error: {Unavailable.sentence}\n"
        )


def test_the_demo_keeps_its_password_beside_the_database(database: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(database, tmp_path))
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})
    with app.app_context():
        assert password_file() == tmp_path / "demo_password"
        assert "not known any more" in sign_ins()
