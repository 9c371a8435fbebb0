"""`flask setup`: the first owner and store of a desk that holds nobody, for none comes with it."""

from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade

from app.cli.serve import fill_when_empty
from app.db import db
from app.models import Account
from app.queries import people
from app.statuses import Role
from tests.mails.outbox import sending_by
from tests.test_commands import GOOD, refusal

Run = Callable[..., Result]
SAID = {
    "--email": "Olive@Shop.example",
    "--name": "Olive Owner",
    "--store": "paper-shop",
    "--store-name": "Paper Shop",
    "--currency": "eur",
    "--zone": "Europe/Berlin",
}
SURE = ("--no-site-admin", "--no-mail", "--password-stdin")


def options(**changes: str) -> list[str]:
    """Return all options, some of them changed."""
    changed = SAID | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return [word for pair in changed.items() for word in pair]


@pytest.fixture
def empty(elsewhere: Flask) -> Flask:
    """A desk with its tables and nothing in them."""
    with elsewhere.app_context():
        upgrade()
        db.session.remove()
    return elsewhere


@pytest.fixture
def run(empty: Flask) -> Run:
    """Run `flask setup` on the empty desk."""
    return lambda *words, typed=None: empty.test_cli_runner().invoke(args=["setup", *words], input=typed)


def accounts(app: Flask) -> list[tuple[str | None, bool]]:
    """Return (e-mail, runs the site) of every account."""
    with app.app_context():
        return [(a.email, a.is_site_admin) for a in db.session.query(Account).order_by(Account.id)]


def test_a_desk_has_no_account_before_somebody_makes_one(
    empty: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(empty.config, "DEMO", False)
    with empty.app_context():
        fill_when_empty(5)
    assert accounts(empty) == []
    assert "`flask --app app setup` makes the first one with its owner" in capsys.readouterr().out


def test_options_make_owner_and_store(empty: Flask, run: Run) -> None:
    said = run(*options(), *SURE, typed=f"{GOOD}\n")
    assert said.exit_code == 0, said.output
    assert accounts(empty) == [("olive@shop.example", False)]
    with empty.app_context():
        place = people.place("paper-shop", 1)
        assert place is not None
        assert (place.role, place.store.name, place.store.currency, place.store.zone) == (
            Role.OWNER,
            "Paper Shop",
            "EUR",
            "Europe/Berlin",
        )
    assert "make run" in said.stdout
    assert "flask --app app account EMAIL --store paper-shop" in said.stdout
    assert GOOD not in said.output


def test_what_no_option_says_is_asked(empty: Flask, run: Run, tmp_path: Path) -> None:
    typed = f"olive@shop.example\nOlive\nPaper & Co\n\nEUR\n\ny\n{GOOD}\n{GOOD}\ny\n"
    given = {"MAIL_MEANS": "file", "MAIL_FILE_PATH": str(tmp_path), "MAIL_SENDER": "desk@site.example"}
    with sending_by(empty, given):
        said = run(typed=typed)
    assert said.exit_code == 0, said.output
    assert accounts(empty) == [("olive@shop.example", True)]
    with empty.app_context():
        assert people.place("paper-co", 1) is not None
    assert "nothing opens before" in said.stdout
    assert f"The mail went out by file: it is a file in {tmp_path}" in said.stdout
    (file,) = tmp_path.glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("olive@shop.example", "Mail works")


def test_a_mail_that_does_not_go_out_is_told(empty: Flask, run: Run) -> None:
    given = {
        "MAIL_MEANS": "smtp",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": 9,
        "MAIL_SENDER": "d@site.example",
    }
    with sending_by(empty, given):
        said = run(*options(), "--no-site-admin", "--mail", "--password-stdin", typed=f"{GOOD}\n")
    assert said.exit_code == 0, said.output
    assert "The mail did not go out. The mail server cannot be reached." in said.stdout


def test_it_is_done_once_unless_told(empty: Flask, run: Run) -> None:
    run(*options(), *SURE, typed=f"{GOOD}\n")
    other = options(email="else@shop.example", store="else")
    assert "has accounts already" in refusal(run(*other, *SURE, typed=f"{GOOD}\n"))
    assert run(*other, *SURE, "--again", typed=f"{GOOD}\n").exit_code == 0
    assert "There is a store" in refusal(
        run(*options(email="third@shop.example"), *SURE, "--again", typed=f"{GOOD}\n")
    )
    assert len(accounts(empty)) == 2


@pytest.mark.parametrize(
    ("changes", "password", "says"),
    [
        ({"email": "no address"}, GOOD, "is no e-mail address"),
        ({"name": "  "}, GOOD, "A name has"),
        ({"store": "Paper Shop"}, GOOD, "is no slug"),
        ({"currency": "XYZ"}, GOOD, "is no currency"),
        ({"zone": "Mars/Base"}, GOOD, "is no time zone"),
        ({}, "password", "tried first"),
        ({}, "olive2026", "easily guessed"),
        ({"store_name": "Papershop"}, "papershop1", "easily guessed"),
        ({}, "paper shop", "easily guessed"),
    ],
)
def test_what_is_asked_wrongly_makes_nothing(
    *, empty: Flask, run: Run, changes: dict[str, str], password: str, says: str
) -> None:
    assert says in refusal(run(*options(**changes), *SURE, typed=f"{password}\n"), 2)
    assert accounts(empty) == []
