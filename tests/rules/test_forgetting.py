"""A person's data: given out whole, erased whole, and never in events; money, numbers and history stay."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import JSON, LargeBinary, String, func, select, update

from app.access import SYSTEM
from app.actions.account_mails import AccountMail, owe_notice
from app.actions.addresses import correct_address
from app.actions.audit import audit
from app.actions.buyers_word import review
from app.actions.guests import make_link
from app.actions.keeping import KEPT_FOR, forget_some
from app.actions.ledger import Act
from app.actions.people import (
    join,
    join_buyer,
    let_run_the_site,
    make_token,
    open_account,
    open_signin,
)
from app.actions.persons import (
    OwnsAlone,
    StillToShip,
    Unknown,
    erase_person,
    export_person,
)
from app.actions.problems import note
from app.actions.purchases import BuyerSaid
from app.actions.site import LastAdmin
from app.api.shape import as_json
from app.db import Base, db
from app.models import (
    Account,
    Address,
    ApiToken,
    Buyer,
    Connection,
    Event,
    Feedback,
    Forgotten,
    GuestLink,
    Handoff,
    Idempotency,
    Identity,
    Job,
    JobRow,
    Member,
    Note,
    Order,
    OrderItem,
    Outbox,
    Pull,
    SearchTerm,
    Signin,
    Store,
)
from app.models.personal import PERSONAL, SECRET
from app.queries import keeping, people, sales
from app.queries.keeping import months_before
from app.statuses import DeskState, Role
from tests.factories import ADDRESS, AUCTION, DEAL, GOODS, Factory
from tests.rules.books import everything

MARK = "Qwzyx"
MAIL = "qwzyx@example.com"
BY: dict[str, Any] = {"actor": SYSTEM, "store_id": 1}
WHO = BuyerSaid(f"{MARK} Maja", f"{MARK}-maja", MAIL, ref=MAIL)
HOME = replace(
    ADDRESS,
    name=f"{MARK} Maja",
    street=f"{MARK} Street 5",
    city=f"{MARK} City",
    postal_code=f"{MARK} 61",
    phone=f"+48 {MARK}",
)
TOLD: dict[str, Any] = {
    "buyer": WHO,
    "address": HOME,
    "buyer_note": f"{MARK} rings twice",
    "gift_message": f"For {MARK}",
}

# Every other column of text: it names no person. A new one gets its line here, or in models.personal.
PLAIN = """
api_token.public_id api_token.scopes
buyer.channel
cause.name cause.place
connection.base_url connection.trouble connection.username connection.zone
discount.code discount.kind
event.row_kind event.actor_kind event.door event.verb event.before event.after
feedback.direction
guest_link.public_id
handoff.path
idempotency.fingerprint idempotency.key
identity.issuer
invitation.rights invitation.role invitation.state
job.kind job.params job.state
job_row.external_id job_row.verdict
media.url
member.rights member.role
order_item.condition order_item.delivery order_item.description order_item.download_limit_type
order_item.external_id order_item.image order_item.options order_item.short_description order_item.sku
order_item.title order_item.unit order_item.url order_item.weight
orders.channel orders.currency orders.desk_state orders.end_reason orders.external_id orders.gateway_code
orders.kind orders.postage_method
outbox.dedupe outbox.kind outbox.payload outbox.state outbox.trouble
parcel.carrier parcel.number parcel.state parcel.url
payment.code payment.currency payment.kind payment.method payment.status
payout.kind
product.channel product.delivery product.description product.external_id product.sku product.title
product.unit product.url product.weight
sale_there.link sale_there.own_link sale_there.trouble
store.address store.carriers store.currency store.holidays store.legal_name store.mail_from store.mail_texts
store.name store.slug store.vat_id store.workdays store.zone
tally.code tally.grain
tax_line.name tax_line.rate
webhook.events webhook.public_id webhook.url
address.country
"""


def of(listed: dict[str, tuple[str, ...]]) -> set[str]:
    """Return the columns of a list as "table.column"."""
    return {f"{table}.{name}" for table, names in listed.items() for name in names}


def test_every_column_of_text_has_an_answer_whether_it_is_somebodys_own() -> None:
    texts = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON | LargeBinary)
    }
    personal, secret, plain = of(PERSONAL), of(SECRET), set(PLAIN.split())
    assert texts == personal | secret | plain
    assert not personal & secret | personal & plain | secret & plain


@pytest.fixture
def person(app: Flask, make: Factory) -> list[int]:
    """Somebody of whom the desk holds something in every column that may hold it; their sales that live."""
    told: dict[str, Any] = {"channel": "intake", "kind": "auction", "paid": None, **TOLD}
    old = make.sale(replace(AUCTION, personalisation=MARK), **told)
    heir = make.sale(AUCTION, **{**told, "buyer_note": f"{MARK} again"})
    plain = make.sale(GOODS, replace(DEAL, personalisation=f"To {MARK}"), paid=None, **TOLD)
    corrected = replace(HOME, street=f"{MARK} Road 7")
    with app.app_context():
        correct_address(plain, corrected, **BY)
        db.session.commit()
    for order_id in (heir, plain):
        make.pay(order_id)
    goods, deal = make.items_of(plain)
    make.ship(plain, {goods: 5}, number="X 1")
    make.put(deal, 4)
    make.put(goods, 4)
    make.ship(heir, dict.fromkeys(make.items_of(heir), 1))
    for item_id in make.items_of(heir):
        make.put(item_id, 4)
    make.invitation(MAIL, store="vendorshop")
    with app.app_context():
        account = open_account(MAIL, name=f"{MARK} Maja", password_hash="x")
        join_buyer(db.session.get_one(Buyer, db.session.get_one(Order, plain).buyer_id), account)
        open_signin(account.id, now=datetime.now(UTC), lasts=timedelta(days=1), browser=MARK, address=MARK)
        owe_notice(AccountMail.PASSWORD_CHANGED, account.id, MAIL, now=datetime.now(UTC))
        make_token(account, None, ["read:store-orders"], name=f"{MARK}'s till")
        join(db.session.get_one(Store, 1), account, Role.STAFF)
        review(plain, goods, 5, f"Thanks, {MARK}", **BY)
        note(plain, f"{MARK} called: send it late", is_private=True, **BY)
        note(plain, f"Dear {MARK}", is_private=False, **BY)
        make_link(heir, **BY)
        with Act("acknowledge", **BY) as act:
            held = act.hold(plain)
            act.change(next(item for item in held.items if item.id == deal), ack=f"{MARK}, at the door")
        now = datetime.now(UTC)
        said = as_json({"id": 1, "order_id": plain, "is_private": False, "body": f"Dear {MARK}"})
        db.session.add_all(
            [
                Idempotency(account_id=2, key="k", fingerprint="f", claimed_at=now, status=201, answer=said),
                Job(
                    id=1,
                    store_id=1,
                    kind="import",
                    state="previewed",
                    created_at=now,
                    params={},
                    source=f"Name\n{MARK} Maja\n".encode(),
                ),
            ]
        )
        shop = Connection(
            store_id=1,
            base_url="https://h.example",
            username="u",
            zone="UTC",
            since=now,
            created_at=now,
            next_at=now,
        )
        db.session.add(shop)
        db.session.flush()
        db.session.add_all(
            [
                Pull(
                    store_id=1,
                    connection_id=shop.id,
                    is_look_back=False,
                    at=now,
                    until=now,
                    began_at=now,
                    remarks=[{"said": f"“{MARK} Maja” is no country."}],
                ),
                Identity(account_id=account.id, issuer="https://id.example", subject=MARK, created_at=now),
                Handoff(key_hash="h", account_id=account.id, made_by=1, path="/", expires_at=now),
                JobRow(job_id=1, line=1, verdict="refused", reason=f"“{MARK} Maja” is no country."),
                JobRow(job_id=1, line=2, verdict="same", order_id=plain, reason=f"{MARK} differs"),
            ]
        )
        # What no act of the desk's own fills in.
        for model in (Account, Address, Buyer, OrderItem, Outbox):
            table = model.__table__
            mine = {"account": Account.email == MAIL}.get(table.name, True)
            blanks = [
                c
                for name in PERSONAL[table.name]
                if isinstance((c := table.c[name]).type, String) and name not in KEYS | TOLD_OF
            ]
            for column in blanks:
                filled = str(MARK)[: column.type.length or 9]
                where = [func.coalesce(column, "") == "", *([mine] if mine is not True else [])]
                db.session.execute(update(table).where(*where).values({column.name: filled}))
        account.preferences = {"greeting": MARK}
        db.session.commit()
        assert db.session.get_one(Order, old).heir_id == heir
    return [heir, plain]


# Keys that are made of what is personal, and hold none of it in words.
KEYS = {"destination_key", "open_key"}
# What the history tells of: set by an act.
TOLD_OF = {"ack"}


def marked(dump: dict[str, list[str]]) -> set[str]:
    """Return the tables in which the mark stands."""
    words = (MARK.lower(), MARK.encode().hex())
    return {name for name, rows in dump.items() for row in rows if any(w in row.lower() for w in words)}


def broken() -> list[str]:
    """Return which promises the books break."""
    return [str(proof) for proof in audit() if proof.broken]


def test_the_mark_stands_in_every_personal_column_before(app: Flask, person: list[int]) -> None:
    with app.app_context():
        for table, names in PERSONAL.items():
            for name in set(names) - KEYS:
                column = Base.metadata.tables[table].c[name]
                rows = db.session.scalars(select(column)).all()
                has = any(MARK.lower() in repr(value).lower() for value in rows)
                assert has, f"{table}.{name}"


def test_events_never_carry_what_is_somebodys_own(app: Flask, person: list[int]) -> None:
    assert "event" not in marked(everything(app))
    assert "tally" not in marked(everything(app))


def test_nothing_is_left_and_everything_adds_up(
    app: Flask, person: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        keys = set(db.session.scalars(select(Address.destination_key)))
        before = figures()
        ids = erase_person(MAIL, actor=SYSTEM)
        db.session.commit()
        assert ids["sales"] == 2
    dump = everything(app)
    assert marked(dump) == set()
    assert not any(key in row for key in keys for rows in dump.values() for row in rows)
    assert MARK.lower() not in "".join(capsys.readouterr()).lower()
    with app.app_context():
        assert figures() == before
        assert broken() == []


def figures() -> list[Any]:
    """Return money, numbers, pieces and states of all sales, and what happened to them."""
    orders = select(Order.id, Order.number, Order.total_minor, Order.payment, Order.status, Order.placed_at)
    items = select(
        OrderItem.id, OrderItem.title, OrderItem.status, OrderItem.shipped, OrderItem.line_total_minor
    )
    events = select(Event.id, Event.verb).where(Event.order_id.is_not(None), Event.verb != "forget")
    return [list(db.session.execute(rows.order_by("id"))) for rows in (orders, items, events)]


def test_the_person_is_gone_at_the_next_request(app: Flask, person: list[int]) -> None:
    with app.app_context():
        account_id = erase_person(MAIL, actor=SYSTEM)["account_id"]
        db.session.commit()
        account = db.session.get_one(Account, account_id)
        assert (account.active, account.password, account.email) == (False, None, None)
        assert account.shown_name == "Forgotten person"
        assert db.session.query(Signin).count() == 0
        assert db.session.query(Member).filter_by(account_id=account_id).count() == 0
        assert all(token.revoked_at for token in db.session.query(ApiToken))
        assert all(link.revoked_at for link in db.session.query(GuestLink))
        assert {mail.state for mail in db.session.query(Outbox)} <= {"dropped", "sent"}
        assert people.account_by_email(MAIL) is None
        with pytest.raises(Unknown):
            erase_person(MAIL, actor=SYSTEM)


def test_the_erasure_is_written_down_in_ids(app: Flask, person: list[int]) -> None:
    with app.app_context():
        ids = erase_person(MAIL, actor=SYSTEM)
        db.session.commit()
        (event,) = db.session.query(Event).filter_by(verb="erase_person")
        assert (event.store_id, event.order_id, event.row_kind, event.after) == (None, None, "person", ids)
        told = db.session.query(Event.order_id).filter_by(verb="forget", row_kind=None).distinct()
        assert {row.order_id for row in told} >= set(person)


def test_nobody_elses_is_touched(app: Flask, make: Factory, person: list[int]) -> None:
    other = make.sale(GOODS, buyer=BuyerSaid("Ada Byron", "ada", "ada@example.com"), buyer_note="Ring twice")
    with app.app_context():
        note(other, "Ada is kind", is_private=True, **BY)
        db.session.commit()
        erase_person(MAIL, actor=SYSTEM)
        db.session.commit()
        order = sales.one(1, other)
        assert order is not None
        assert order.address is not None
        assert (order.buyer.name, order.buyer_note, order.address.name) == (
            "Ada Byron",
            "Ring twice",
            ADDRESS.name,
        )
        assert db.session.query(Note).filter_by(order_id=other).one().body == "Ada is kind"
        found = db.session.scalars(select(SearchTerm.order_id).where(SearchTerm.term == "ada"))
        assert list(found) == [other]


def test_who_alone_owns_a_store_stays(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(OwnsAlone, match="papershop, vendorshop"):
            erase_person("owner@example.com", actor=SYSTEM)
        db.session.rollback()
        staff = people.account_by_email("staff@example.com")
        assert staff is not None
        for store_id in (1, 2):
            join(db.session.get_one(Store, store_id), staff, Role.OWNER)
        erase_person("owner@example.com", actor=SYSTEM)
        db.session.commit()
        assert broken() == []


def test_the_site_keeps_an_admin(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(LastAdmin):
            erase_person("site_admin@example.com", actor=SYSTEM)
        db.session.rollback()
        other = people.account_by_email("stranger@example.com")
        assert other is not None
        let_run_the_site(other)
        erase_person("site_admin@example.com", actor=SYSTEM)
        db.session.commit()
        assert broken() == []


def test_what_the_sites_own_program_was_answered_of_a_person_is_forgotten(app: Flask) -> None:
    with app.app_context():
        open_account(MAIL)
        db.session.add(
            Idempotency(
                account_id=1,
                key="k",
                fingerprint="f",
                claimed_at=datetime.now(UTC),
                status=201,
                answer=json.dumps({"id": 9, "email": MAIL}),
            )
        )
        db.session.commit()
        erase_person(MAIL, actor=SYSTEM)
        db.session.commit()
    assert marked(everything(app)) == set()


def test_who_waits_for_a_parcel_stays_unless_it_is_wished(app: Flask, make: Factory) -> None:
    order_id = make.sale(GOODS, **TOLD)
    number = make.number_of(order_id)
    with app.app_context():
        with pytest.raises(StillToShip, match=rf"{number} \(papershop\)"):
            erase_person(MAIL, actor=SYSTEM)
        db.session.rollback()
        erase_person(MAIL, actor=SYSTEM, is_anyway=True)
        db.session.commit()
        assert broken() == []
    assert marked(everything(app)) == set()


def test_all_is_given_out_but_secrets_and_what_is_the_stores_own(app: Flask, person: list[int]) -> None:
    with app.app_context():
        told = export_person(MAIL, actor=SYSTEM)
        db.session.commit()
        (event,) = db.session.query(Event).filter_by(verb="export_person")
        assert event.after == told.ids
        tokens = set(db.session.scalars(select(ApiToken.token_hash)))
        tokens |= set(db.session.scalars(select(Account.fs_uniquifier)))
    text = json.dumps(told.everything)
    assert not any(secret in text for secret in tokens)
    assert "send it late" not in text
    for words in (
        f"{MARK} rings twice",
        f"{MARK} Road 7",
        f"Thanks, {MARK}",
        f"Dear {MARK}",
        f"{MARK}'s till",
    ):
        assert words in text
    assert "ack" not in names_in(told.everything)
    (store,) = told.everything["stores"]
    assert (store["store"], len(store["sales"])) == ("Paper Shop", 2)
    assert store["known_as"][0]["email"] == MAIL


def names_in(value: Any) -> set[str]:
    """Return the names of all that stands in a JSON value, however deep."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names_in(inner)}
    return {name for inner in value for name in names_in(inner)} if isinstance(value, list) else set()


@pytest.mark.parametrize("email", ["nobody@example.com", "", "%", "_@example.com"])
def test_of_nobody_there_is_nothing(app: Flask, person: list[int], email: str) -> None:
    with app.app_context():
        for act in (export_person, erase_person):
            with pytest.raises(Unknown):
                act(email, actor=SYSTEM)
            db.session.rollback()


# ---------- retention


def keep(app: Flask, months: int) -> None:
    """Let the first store forget buyers so many months after their sales were closed."""
    with app.app_context():
        db.session.execute(update(Store).where(Store.id == 1).values(forget_months=months))
        db.session.commit()


def forget(app: Flask, **later: int) -> int:
    """Forget what is to be forgotten so much later; return in how many batches."""
    with app.app_context():
        batches = 0
        while forget_some(now=datetime.now(UTC) + timedelta(**later)):
            db.session.commit()
            batches += 1
        db.session.rollback()
        return batches


def forgotten(app: Flask) -> set[int]:
    """Return the sales that are forgotten."""
    with app.app_context():
        return set(db.session.scalars(select(Forgotten.order_id)))


def closed(make: Factory, **changes: Any) -> int:
    """Make a sale that is closed."""
    order_id = make.sale(GOODS, **{**TOLD, **changes})
    finish(make, order_id)
    return order_id


def finish(make: Factory, order_id: int) -> None:
    """Let the cards of a sale be sent and received."""
    (item_id,) = make.items_of(order_id)
    make.ship(order_id, {item_id: 5})
    make.put(item_id, 4)


def test_nothing_is_forgotten_unless_the_store_says_so(app: Flask, make: Factory) -> None:
    closed(make)
    forget(app, days=10_000)
    assert forgotten(app) == set()


def test_buyers_are_forgotten_so_long_after_their_sales_were_closed(app: Flask, make: Factory) -> None:
    keep(app, 3)
    done, open_ = closed(make), make.sale(GOODS, **TOLD)
    forget(app, days=80)
    assert forgotten(app) == set()
    assert forget(app, days=95) == 1
    assert forgotten(app) == {done}
    with app.app_context():
        first, second = (sales.one(1, order_id) for order_id in (done, open_))
        assert first is not None
        assert second is not None
        assert first.address is not None
        assert (first.address.name, first.buyer_note) == ("Forgotten", "")
        assert second.address is not None
        assert (second.buyer.email, second.address.name) == (MAIL, HOME.name)  # a sale of theirs is open
        assert broken() == []
    finish(make, open_)
    forget(app, days=95)
    assert forgotten(app) == {done, open_}
    assert marked(everything(app)) == set()
    with app.app_context():
        assert broken() == []


def test_a_change_makes_the_wait_begin_anew(app: Flask, make: Factory) -> None:
    keep(app, 3)
    order_id = closed(make)
    with app.app_context():
        note(order_id, "Came back", is_private=True, **BY, at=datetime.now(UTC) + timedelta(days=60))
        db.session.commit()
    forget(app, days=120)
    assert forgotten(app) == set()
    forget(app, days=155)
    assert forgotten(app) == {order_id}


def test_it_is_done_in_batches_and_once(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.keeping.SALES_AT_ONCE", 2)
    keep(app, 1)
    ids = {closed(make) for _ in range(5)}
    assert forget(app, days=40) == 3
    assert forgotten(app) == ids
    assert forget(app, days=40) == 0
    with app.app_context():
        assert db.session.query(Event).filter_by(verb="forget", row_kind=None, item_id=None).count() == 5
        assert broken() == []


def test_other_stores_keep_theirs(app: Flask, make: Factory) -> None:
    keep(app, 1)
    finish(make, make.sale(GOODS, store="othershop", **TOLD))
    forget(app, days=400)
    assert forgotten(app) == set()


def test_what_a_sale_took_up_is_forgotten_with_it(app: Flask, person: list[int]) -> None:
    keep(app, 1)
    forget(app, days=40)
    with app.app_context():
        assert forgotten(app) == set(db.session.scalars(select(Order.id)))
        texts = db.session.scalars(select(Order.buyer_note)).all()
        assert set(texts) == {""}
        assert {row.text for row in db.session.query(Feedback)} == {""}
        assert db.session.query(Order).filter_by(desk_state=DeskState.TO_SHIP.value).count() == 0
        assert broken() == []


def test_reports_and_recipients_go_after_a_month(app: Flask, make: Factory) -> None:
    now = datetime.now(UTC)
    old, new = now - KEPT_FOR - timedelta(days=1), now - KEPT_FOR + timedelta(days=1)
    order_id = make.sale()
    make.webhook(1)
    with app.app_context():
        for n, at in ((1, old), (2, new)):
            db.session.add(Job(id=n, store_id=1, kind="import", state="done", created_at=at, params={}))
            db.session.flush()
            db.session.add(JobRow(job_id=n, line=1, verdict="refused", reason=MARK))
            for hook in (None, 1):
                db.session.add(
                    Outbox(
                        store_id=1,
                        order_id=order_id,
                        kind="message",
                        due_at=at,
                        state="sent",
                        payload={"note_id": 1},
                        dedupe=f"{n}:{hook}",
                        recipient=MAIL,
                        webhook_id=hook,
                    )
                )
        db.session.commit()
    assert forget(app) == 2
    with app.app_context():
        assert [row.job_id for row in db.session.query(JobRow)] == [2]
        kept = {row.dedupe: row.recipient for row in db.session.query(Outbox) if ":" in row.dedupe}
        # The newest messages of a webhook stay, however old: what they carry is ids.
        assert {key: kept[key] for key in ("1:None", "1:1", "2:None", "2:1")} == {
            "1:None": "",
            "1:1": "",
            "2:None": MAIL,
            "2:1": MAIL,
        }


def test_months_are_counted_by_the_calendar() -> None:
    def before(text: str, months: int) -> str:
        return months_before(datetime.fromisoformat(text).replace(tzinfo=UTC), months).date().isoformat()

    assert before("2026-03-31", 1) == "2026-02-28"
    assert before("2026-01-15", 1) == "2025-12-15"
    assert before("2026-12-31", 12) == "2025-12-31"
    assert before("2024-02-29", 12) == "2023-02-28"
    assert before("2026-05-31", 18) == "2024-11-30"


def test_the_walk_over_closed_sales_is_along_an_index(app: Flask) -> None:
    if not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        return
    with app.app_context():
        asked = str(keeping._DUE.compile(dialect=db.engine.dialect))
        numbers = {"store": 1, "before": "2026-01-01", "most": 20}
        plan: Iterable[Any] = db.session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN " + asked.replace("?", "1"), ()
        )
        assert numbers
        assert any("ix_orders_store_id_desk_state_placed_at_id" in row.detail for row in plan)
