"""Okanjo's feedback: what a store received, what the caller gave, and giving it."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import SYSTEM
from app.actions.buyers_word import review
from app.db import db
from app.queries import history
from tests.api.caller import Caller, is_success, told
from tests.api.test_okanjo_bought import bought
from tests.factories import DEAL, DIGITAL, GOODS, Factory

NO_RIGHT = (403, "Insufficient privileges for this operation.")
NO_FEEDBACK, NO_ITEM = (404, "Feedback not found."), (404, "Order item not found.")
ONCE_ONLY = (400, "Cannot leave Feedback for this product again")


@pytest.fixture
def own(okanjo: Caller) -> str:
    """The path of the buyer's own feedback."""
    return f"/users/{okanjo.user('buyer')}/feedback"


def received(okanjo: Caller, store: str = "papershop") -> str:
    return okanjo.path(store).removeprefix("/api/okanjo").replace("/sales", "/feedback")


@pytest.mark.both
def test_feedback_is_given_once_and_read_by_both_sides(
    app: Flask, okanjo: Caller, make: Factory, own: str
) -> None:
    order = bought(make, DIGITAL)
    (item,) = make.items_of(order)
    assert told(okanjo.get(f"{own}/{item}")) == NO_FEEDBACK
    assert okanjo.answered(own) == []
    assert is_success(okanjo.send(f"{own}/{item}", rating=4, feedback="Prints well “as said”"))
    said = okanjo.answered(f"{own}/{item}")
    assert list(said) == [
        "id",
        "created",
        "reviewee_id",
        "reviewer_id",
        "order_item_id",
        "value",
        "feedback",
        "reviewer",
        "reviewee",
    ]
    assert (said["value"], said["feedback"], said["order_item_id"]) == (4, "Prints well “as said”", item)
    assert said["reviewer_id"] == make.sale_row(order).buyer_id
    assert (said["reviewer"], said["reviewee"]) == ({"user_name": "buyer"}, {"name": "Paper Shop"})
    assert okanjo.answered(own) == [said]
    assert okanjo.answered(received(okanjo), who="owner") == [said]
    assert okanjo.answered(f"{received(okanjo)}/{item}", who="staff") == said
    assert okanjo.answered(f"/order-items/{item}", {"embed": "feedback"})["feedback"] == said
    assert told(okanjo.send(f"{own}/{item}", rating=5)) == ONCE_ONLY
    with app.app_context():
        newest = history.events_of(order)[0]
        assert (newest.verb, newest.actor_kind, newest.door) == ("review", "token", "api")


def test_words_may_be_left_out(okanjo: Caller, make: Factory, own: str) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    assert is_success(okanjo.send(f"{own}/{item}", rating=1, feedback=""))
    assert okanjo.answered(f"{own}/{item}")["feedback"] is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Require rating."),
        ({"rating": ""}, "Require rating."),
        ({"feedback": "Fine"}, "Require rating."),
        ({"rating": "0"}, "Invalid field: rating"),
        ({"rating": "6"}, "Invalid field: rating"),
        ({"rating": "4.0"}, "Invalid field: rating"),
        ({"rating": "+4"}, "Invalid field: rating"),
        ({"rating": "٤"}, "Invalid field: rating"),
        ({"rating": "five"}, "Invalid field: rating"),
        ({"rating": "9" * 5000}, "Invalid field: rating"),
        ({"rating": "5", "feedback": "é" * 141}, "feedback too long."),
        ({"rating": "5", "feedback": "a\0b"}, "Invalid field: feedback"),
        ({"rating": "5", "value": "5"}, "Invalid field: value"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_kept(
    okanjo: Caller, make: Factory, own: str, fields: dict[str, str], sentence: str
) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    assert told(okanjo.send(f"{own}/{item}", **fields)) == (400, sentence)
    assert okanjo.answered(own) == []


def test_140_characters_are_taken(okanjo: Caller, make: Factory, own: str) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    assert is_success(okanjo.send(f"{own}/{item}", rating=5, feedback="é" * 140))


def test_feedback_is_given_on_what_is_complete(okanjo: Caller, make: Factory, own: str) -> None:
    (item,) = make.items_of(bought(make, GOODS))
    assert told(okanjo.send(f"{own}/{item}", rating=5)) == (400, "Order status change prohibited.")


@pytest.mark.both
def test_only_ones_own_purchases_take_feedback(okanjo: Caller, make: Factory, own: str) -> None:
    (other,) = make.items_of(bought(make, DIGITAL, who="other_buyer"))
    for item in (other, other + 100, 2**63, "0", "abc"):
        assert told(okanjo.send(f"{own}/{item}", rating=5)) == NO_ITEM
        assert told(okanjo.get(f"{own}/{item}")) == NO_FEEDBACK


def test_another_user_and_one_that_is_not_answer_alike(okanjo: Caller, make: Factory) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    for user in (okanjo.user("other_buyer"), 987654, 2**63 - 1, 2**63, "0", "abc"):
        path = f"/users/{user}/feedback"
        assert told(okanjo.get(path)) == told(okanjo.get(f"{path}/{item}")) == NO_RIGHT
        assert told(okanjo.send(f"{path}/{item}", rating=5)) == NO_RIGHT
    mine = f"/users/{okanjo.user('buyer')}/feedback"
    for who in ("owner", "site_admin"):
        assert told(okanjo.get(mine, who=who)) == NO_RIGHT


@pytest.mark.both
def test_a_store_reads_its_own_feedback_newest_first(app: Flask, okanjo: Caller, make: Factory) -> None:
    items = []
    for store in ("papershop", "papershop", "othershop"):
        order = bought(make, DIGITAL, store=store)
        items += make.items_of(order)
        with app.app_context():
            review(order, items[-1], 5, actor=SYSTEM, store_id=make.sale_row(order).store_id)
            db.session.commit()
    first, second, elsewhere = items
    path = received(okanjo)
    listed = okanjo.get(path, who="owner")
    assert [said["order_item_id"] for said in listed.json] == [second, first]
    assert listed.headers["X-COLLECTION-COUNT"] == "2"
    few = okanjo.get(path, {"page_size": 1, "page_start_index": 1}, who="owner")
    assert [said["order_item_id"] for said in few.json] == [first]
    assert okanjo.answered(path, {"page_start_index": 9}, who="owner") == []
    assert told(okanjo.get(f"{path}/{elsewhere}", who="owner")) == NO_FEEDBACK
    assert len(okanjo.answered(f"/users/{okanjo.user('buyer')}/feedback")) == 3


def test_what_the_store_says_of_a_buyer_is_no_feedback_that_it_received(
    app: Flask, okanjo: Caller, make: Factory, own: str
) -> None:
    order = bought(make, DIGITAL)
    (item,) = make.items_of(order)
    with app.app_context():
        review(order, item, 5, direction="to_buyer", actor=SYSTEM, store_id=1)
        db.session.commit()
    assert okanjo.answered(received(okanjo), who="owner") == okanjo.answered(own) == []


def test_a_foreign_store_and_one_that_is_not_answer_alike(okanjo: Caller, make: Factory) -> None:
    (item,) = make.items_of(bought(make, DIGITAL, store="othershop"))
    for store in ("othershop", 987654, "abc", 2**63):
        path = received(okanjo, store)
        for who in ("owner", "buyer"):
            assert told(okanjo.get(path, who=who)) == NO_RIGHT
            assert told(okanjo.get(f"{path}/{item}", who=who)) == NO_FEEDBACK


def test_a_vendor_reads_what_was_said_of_deals(app: Flask, okanjo: Caller, make: Factory) -> None:
    order = bought(make, DIGITAL, DEAL)
    file, deal = make.items_of(order)
    make.put(deal, 4)
    with app.app_context():
        for item in (file, deal):
            review(order, item, 5, actor=SYSTEM, store_id=1)
        db.session.commit()
    path = received(okanjo)
    assert [x["order_item_id"] for x in okanjo.answered(path, who="vendor")] == [deal]
    assert okanjo.get(path, who="vendor").headers["X-COLLECTION-COUNT"] == "1"
    assert told(okanjo.get(f"{path}/{file}", who="vendor")) == NO_FEEDBACK
    assert okanjo.answered(f"{path}/{deal}", who="vendor")["order_item_id"] == deal


def test_a_token_needs_the_scope(
    okanjo: Caller, make: Factory, own: str, token: Callable[..., dict[str, str]]
) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    path = f"/api/okanjo{own}"
    reading, writing = (token("buyer", scopes=(f"{scope}:store-orders",)) for scope in ("read", "write"))
    assert told(okanjo.client.put(f"{path}/{item}", data={"rating": 5}, headers=reading)) == NO_RIGHT
    assert told(okanjo.client.get(path, headers=writing)) == NO_RIGHT
    assert is_success(okanjo.client.put(f"{path}/{item}", data={"rating": 5}, headers=writing))
    assert len(okanjo.client.get(path, headers=reading).json) == 1


@pytest.mark.parametrize("query", ["page_size=0", "page_size=101", "value=5", "page_size=1&page_size=2"])
def test_a_parameter_that_is_wrong_is_named(okanjo: Caller, own: str, query: str) -> None:
    name = query.partition("=")[0]
    assert told(okanjo.get(own, query)) == (400, f"Invalid field: {name}")
    assert told(okanjo.get(received(okanjo), query, who="owner")) == (400, f"Invalid field: {name}")


def test_what_nobody_foresaw_has_the_sentence_of_its_call(
    app: Flask, okanjo: Caller, make: Factory, own: str
) -> None:
    (item,) = make.items_of(bought(make, DIGITAL))
    okanjo.answered(own)
    okanjo.answered(received(okanjo), who="owner")
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE feedback RENAME TO broken"))
        db.session.commit()
    for path, who in ((own, "buyer"), (f"{own}/{item}", "buyer"), (received(okanjo), "owner")):
        assert told(okanjo.get(path, who=who)) == (500, "System error.")
    assert told(okanjo.send(f"{own}/{item}", rating=5)) == (500, "Failed to save Feedback. Try again later")
