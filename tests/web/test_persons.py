"""A person's data on the site's page and by command: given out as a file, erased for good, logged in ids."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.actions.purchases import BuyerSaid
from app.db import db
from app.models import Event
from tests.factories import GOODS, Factory
from tests.web.pages import Browser, words

Browse = Callable[[str], Browser]
MAIL = "qwzyx@example.com"
AT = "/site/persons"
TWICE = {"email": MAIL, "again": MAIL}


@pytest.fixture
def sold(make: Factory) -> int:
    """A sale to somebody, still to be sent."""
    return make.sale(GOODS, buyer=BuyerSaid("Qwzyx Maja", "qwzyx", MAIL), buyer_note="Qwzyx rings twice")


def test_a_site_admin_gives_a_persons_data_out_as_a_file(
    app: Flask, sold: int, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = browse("site_admin")
    capsys.readouterr()
    answer = admin.post(f"{AT}/export", {"email": MAIL.upper()})
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == "attachment; filename=person.json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(answer.text)
    assert told["stores"][0]["sales"][0]["buyer_note"] == "Qwzyx rings twice"
    answer.close()
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["did"], line["path"], line["account"]) == ("export_person", f"{AT}/export", 1)
    assert line["buyer_ids"] == [1]
    assert "qwzyx" not in json.dumps(line).lower()


def test_a_site_admin_erases_a_person_after_two_words(
    app: Flask, make: Factory, sold: int, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = browse("site_admin")
    wrong = admin.post(f"{AT}/erase", {"email": MAIL, "again": "other@example.com"})
    assert (wrong.status_code, "This is another address" in wrong.text) == (422, True)
    late = admin.post(f"{AT}/erase", TWICE)
    assert late.status_code == 422
    assert f"Still to be sent to them: {make.number_of(sold)} (papershop)" in words(late.text)
    capsys.readouterr()
    answer = admin.post(f"{AT}/erase", TWICE | {"anyway": "1"})
    assert (answer.status_code, answer.location) == (303, AT)
    answer.close()
    assert "qwzyx" not in capsys.readouterr().err.lower()
    page = words(browse("owner").get(f"/stores/papershop/sales/{sold}").text)
    assert "Qwzyx" not in page
    assert "Forgotten buyer" in page
    assert "Site admin, as site admin forgot the buyer" in page
    with app.app_context():
        (event,) = db.session.query(Event).filter_by(verb="erase_person")
        assert (event.actor_kind, event.door, event.actor_id) == ("admin", "page", 1)
    again = admin.post(f"{AT}/erase", TWICE)
    assert "Nothing is known here" in again.text


def test_a_forgotten_sale_shows_everywhere(app: Flask, make: Factory, sold: int, browse: Browse) -> None:
    make.mail(sold)
    browse("site_admin").post(f"{AT}/erase", TWICE | {"anyway": "1"})
    owner = browse("owner")
    for path in ("", f"/{sold}", f"/{sold}/invoice", f"/{sold}/ship"):
        assert owner.get(f"/stores/papershop/sales{path}").status_code == 200
    assert owner.get("/stores/papershop/sales?q=qwzyx").text.count("<tbody") == 0


def run(app: Flask, *words_: str, answer: str = "") -> Any:
    """Run a command on a person's data."""
    return app.test_cli_runner().invoke(args=["person", *words_], input=answer)


def test_the_command_gives_out_json(app: Flask, sold: int) -> None:
    done = run(app, "export", MAIL)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["email"] == MAIL
    assert run(app, "export", "nobody@example.com").exit_code == 1


def test_the_command_asks_before_it_erases(app: Flask, make: Factory, sold: int) -> None:
    assert run(app, "erase", MAIL, answer="n\n").exit_code == 1
    with app.app_context():
        assert db.session.query(Event).filter_by(verb="erase_person").count() == 0
    refused = run(app, "erase", MAIL, "--yes")
    assert (refused.exit_code, "Still to be sent" in refused.output) == (1, True)
    done = run(app, "erase", MAIL, "--anyway", answer="y\n")
    assert done.exit_code == 0
    assert "Erased: 1 buyer, 1 sale." in done.output
    assert run(app, "erase", MAIL, "--yes").exit_code == 1
