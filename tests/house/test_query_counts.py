"""How many statements each page costs, exactly, and that none of them grows with the number of sales.

A figure may go down; to let one go up is a decision. Who asks costs two: the sign-in with its account, and
all stores with the person's place in them. A page about no store costs one more for the frame's stores.
"""

import re
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from app.db import db
from app.models import Order, OrderItem
from tests.house.conftest import HTMX, House, Statement

MANY = 2000
EMBEDS_BOUGHT = "order,media,seller,store,buyer,cause,feedback,history"
EMBEDDED = "order,media,seller,store,buyer,cause,feedback,history,payouts"
CAPPED = re.compile(r"count\(.*FROM \(SELECT .* LIMIT ", re.IGNORECASE)

# page, who, address, statements: whole page, part of it (None: there is no such answer)
READS: tuple[tuple[str, str, str, int | None, int | None], ...] = (
    ("that it lives", "signed_out", "/healthz", 0, None),
    # whether the table of migrations is there, and what stands in it
    ("that it is ready", "signed_out", "/readyz", 2, None),
    ("the sign-in page", "signed_out", "/login", 0, None),
    ("the way to one's desk", "owner", "/", 2, None),
    # who 2, tabs 1, late and what needs attention 1 (to a hundred each), rows 1, lines 1
    ("the list of sales", "owner", "/stores/papershop/sales", 6, 6),
    ("a tab", "owner", "/stores/papershop/sales?tab=to_ship", 6, 6),
    # how many have the word 1 (to five hundred)
    ("a search", "owner", "/stores/papershop/sales?q=letterpress&status=2", 7, 7),
    # whether a sale of this number went into another 1
    ("a search for a number", "owner", "/stores/papershop/sales?q={absorbed's number}", 8, 8),
    ("the list of deals' sales", "vendor", "/stores/papershop/sales", 5, 5),
    ("an empty tab", "owner", "/stores/papershop/sales?tab=closed&q=nowhere", 5, 5),
    ("a filter that is wrong", "owner", "/stores/papershop/sales?status=x", 4, 4),
    ("the list of items", "owner", "/stores/papershop/items", 4, 3),
    ("an item filter", "owner", "/stores/papershop/items?status=2", 4, 3),
    # who 2, order with buyer, address and lines 1, parcels, money, notes, history 4, its neighbours 1,
    # its mails 1, its guest links 1; where something is to ship, what could go along 1; whole: what needs
    # attention 1
    ("a sale", "owner", "/stores/papershop/sales/{sale}", 12, 11),
    ("a sale with a parcel", "owner", "/stores/papershop/sales/{sent}", 12, 11),
    ("a deal, for its vendor", "vendor", "/stores/papershop/sales/{papershop's deal sale}", 5, 5),
    # the sales that went into it 1
    ("a sale that others went into", "owner", "/stores/papershop/sales/{combined}", 12, 11),
    # who 2, the old order 1, its heir 1
    ("a sale that went into another", "owner", "/stores/papershop/sales/{absorbed}", 4, 4),
    ("the ship form", "owner", "/stores/papershop/sales/{sale}/ship", 10, 9),
    ("a row", "owner", "/stores/papershop/sales/{sale}/row", None, 5),
    (
        "a carrier by its number",
        "owner",
        "/stores/papershop/sales/{sale}/ship/number?tracking_number=1",
        None,
        3,
    ),
    # who 2, counts 1, rows 1, lines 1, since when 1, and where it is under way 1
    ("what needs attention", "owner", "/stores/papershop/attention", 6, 6),
    ("a reason for attention", "owner", "/stores/papershop/attention?kind=late", 6, 6),
    # who 2, counts 1, rows 1, what is inside 1; whole: what needs attention 1
    ("the list of parcels", "owner", "/stores/papershop/parcels", 6, 5),
    ("parcels of a carrier on a day", "owner", "/stores/papershop/parcels?carrier=DHL&day=2026-11-21", 5, 4),
    # who 2, buyers known by e-mail 1; what needs attention 1
    ("the form for a new sale", "owner", "/stores/papershop/sales/new", 4, None),
    # who 2, how many came in 1 (to a hundred)
    ("what came in", "owner", "/stores/papershop/sales/new?after=0.1", None, 3),
    # who 2, the store 1, whether it has sales 1; what needs attention 1
    ("the settings", "owner", "/stores/papershop/settings", 5, None),
    # who 2, the webhooks 1, their messages 1; what needs attention 1
    ("the webhooks", "owner", "/stores/vendorshop/settings/webhooks", 5, None),
    # who 2, the connection 1, its pulls 1, what is not told there 1; what needs attention 1
    ("the connection", "owner", "/stores/vendorshop/settings/connections", 6, None),
    ("no connection", "owner", "/stores/papershop/settings/connections", 4, None),
    ("the form for a file", "owner", "/stores/papershop/import", 5, None),
    ("an import", "owner", "/stores/papershop/import/{import}", 6, 5),
    # who 1, tabs 1 (to a thousand), rows 1, lines 1; the frame 1
    ("the list of purchases", "buyer", "/purchases", 5, 4),
    # all one's own with their titles 1, the rows found 1
    ("a search of purchases", "buyer", "/purchases?q=letterpress&tab=on_the_way", 6, 5),
    # what became of those that had this number 1
    ("a search for a purchase's number", "buyer", "/purchases?q={absorbed's number}", 7, 6),
    ("no purchases", "stranger", "/purchases", 4, 3),
    # who 1, order 1, its lines, store, parcels, money, notes, history 6; the frame 1
    ("a purchase", "buyer", "/purchases/{sale}", 8, 7),
    # those that went into it 1
    ("a purchase that others went into", "buyer", "/purchases/{combined}", 9, 8),
    # the link 1, order 1, its store, parcels, money, notes, history 5, what was said of complete lines 1
    ("a guest's purchase", "guest", "/guest/{guest link}", 8, 8),
    ("a guest's invoice", "guest", "/guest/{guest link}/invoice", 4, None),
    ("a purchase that went into another", "buyer", "/purchases/{absorbed}", 3, 3),
    # what was said of the lines that are complete 1
    ("a purchase with complete lines", "buyer", "/purchases/{bought}", 9, 8),
    ("an invoice of a purchase", "buyer", "/purchases/{bought}/invoice", 5, None),
    ("an invoice of a sale", "owner", "/stores/papershop/sales/{sale}/invoice", 6, None),
    # who 1, tokens 1, stores to choose from 1; the frame 1
    ("one's tokens", "owner", "/account/tokens", 4, None),
    # who 1, the account 1; the frame 1
    ("one's account", "owner", "/account", 3, None),
    ("the form for another password", "owner", "/account/password", 3, None),
    ("the second factor", "owner", "/account/second-factor", 3, None),
    # stores for the zone 1, sign-ins 1
    ("one's sign-ins", "owner", "/account/sessions", 5, None),
    ("the form for a link", "signed_out", "/forgot", 0, None),
    # whom it lets in 1
    ("a hand-off link", "signed_out", "/login/handoff?key={hand-off}", 1, None),
    # who 1, the sale of this id 1, the place in its store 1, the sale or the purchase 1
    ("a link by an outside id", "owner", "/stores/papershop/orders/intake/{outside id}", 4, None),
    ("a buyer's link by it", "buyer", "/stores/papershop/orders/intake/{outside id}", 4, None),
    ("all stores", "site_admin", "/site", 6, None),
    # who 2, members 1, invitations 1, who invited 2; what needs attention 1
    ("a store's people", "owner", "/stores/papershop/staff", 7, None),
    ("a member", "owner", "/stores/papershop/staff/3", 4, None),
    ("its tokens", "owner", "/stores/papershop/tokens", 4, None),
    ("its log", "owner", "/stores/papershop/log", 5, None),
    # who 1, people 1, their places 1; the frame 1
    ("the people of the site", "site_admin", "/site/people", 4, None),
    ("the log of the site", "site_admin", "/site/log", 4, None),
    ("a person's data", "site_admin", "/site/persons", 2, None),
    ("a sale that is not there", "owner", "/stores/papershop/sales/999999", 3, 3),
    ("a store that is not there", "owner", "/stores/nowhere/sales", 2, 2),
)


def shown(statements: Sequence[Statement]) -> str:
    """Return statements for the message of a failure."""
    return "\n".join(f"{n}. {s.sql[:150]}" for n, s in enumerate(statements, 1))


@pytest.mark.parametrize("read", READS, ids=[r[0] for r in READS])
def test_a_page_costs_so_many_statements(
    house: House, read: tuple[str, str, str, int | None, int | None]
) -> None:
    _, who, address, whole, part = read
    for headers, expected in (({}, whole), (HTMX, part)):
        if expected is not None:
            browser = house.browser(who)
            with house.statements() as seen:
                browser.get(house.path(address), headers=headers)
            assert len(seen) == expected, f"{headers or 'whole'}\n{shown(seen)}"


def test_where_nothing_changed_asking_what_came_in_costs_no_more_than_who_asks(house: House) -> None:
    browser = house.browser("owner")
    drawn = re.search(r'hx-get="([^"]*after=[^"]*)"', browser.get("/stores/papershop/sales").text)
    assert drawn
    with house.statements() as seen:
        assert browser.get(drawn[1], headers=HTMX).status_code == 204
    assert len(seen) == 2, shown(seen)


# call, address, statements: the token with its person 1, the store with their place 1, count 1, items with
# order, buyer, address, newest parcel and pictures 1; what is embedded and there, one each
CALLS = (
    ("a list of items", "/api/okanjo/stores/1/sales", 4),
    ("a list with all that hangs on them", f"/api/okanjo/stores/1/sales?embed={EMBEDDED}", 7),
    ("a filtered list", "/api/okanjo/stores/1/sales?status=2&order_status=2", 4),
    ("an item", "/api/okanjo/stores/1/sales/{sale's item}", 3),
    # the token 1, the store 1, count 1: nobody said anything yet
    ("what was said to a store", "/api/okanjo/stores/1/feedback", 3),
    # Weebly's: the token 1, the store 1, its owners 1; a list: the tally 1, rows 1, their lines 1
    ("Weebly's orders", "/api/weebly/v1/user/sites/1/store/orders", 6),
    (
        "Weebly's orders by date",
        "/api/weebly/v1/user/sites/1/store/orders?filterby=order_date&filterfor=>1",
        6,
    ),
    # how many have the word 1
    ("Weebly's orders by a word", "/api/weebly/v1/user/sites/1/store/orders?query=letterpress", 7),
    ("how many orders Weebly counts", "/api/weebly/v1/user/sites/1/store/orders/count", 4),
    # the lines 1, what comes off them 1
    ("Weebly's items", "/api/weebly/v1/user/sites/1/store/orders/{sale}/items", 5),
    ("Weebly's items under their owner", "/api/weebly/user/{the owner}/site/1/store/order/{sale}/item", 5),
    ("how many items Weebly counts", "/api/weebly/v1/user/sites/1/store/orders/{sale}/items/count", 4),
    ("Weebly's item", "/api/weebly/v1/user/sites/1/store/orders/{sale}/items/1", 5),
    # lines 1, the order 1, how they stand 1, what comes off 1, parcels 1, history 1, money 1
    ("Weebly's order", "/api/weebly/v1/user/sites/1/store/orders/{sent}", 10),
    ("Weebly's order without a parcel", "/api/weebly/v1/user/sites/1/store/orders/{sale}", 9),
    # sales with buyer, store, address and newest parcel 1, their lines 1, what went into them 1; a buyer's
    # place is whom the stores know them as
    ("Hip's list of sales", "/api/hip/stores/papershop/sales/all", 6),
    ("Hip's list by flags", "/api/hip/stores/papershop/sales/paid_not_shipped", 6),
    ("Hip's list by time", "/api/hip/stores/papershop/sales/paid?created_time_from=2026-01-01", 6),
    ("Hip's list beyond its end", "/api/hip/stores/papershop/sales/all?page=99", 3),
    ("Hip's sale", "/api/hip/sales/{sale}", 6),
    ("Hip's listings that were sold", "/api/hip/stores/papershop/listings/closed?show=sold", 4),
)
# The buyer's: the token with its person 1, count 1, rows 1, and what is embedded, one each
BOUGHT = (
    ("what was bought", "/api/okanjo/order-items", 3),
    # the stores 1, causes none there, feedback 1, history 1
    ("what was bought with all that hangs on it", f"/api/okanjo/order-items?embed={EMBEDS_BOUGHT}", 6),
    ("an item that was bought", "/api/okanjo/order-items/{bought goods}", 2),
    # the types of their items 1
    ("orders of one's own", "/api/okanjo/orders", 4),
    # stores 1, items 1, their types 1
    ("orders with all that lies in them", "/api/okanjo/orders?embed=items,buyer,seller,stores", 6),
    ("an order of one's own", "/api/okanjo/orders/{bought}", 3),
    # count 1: nothing yet
    ("what one said", "/api/okanjo/users/{the buyer}/feedback", 2),
    ("Hip's list of purchases", "/api/hip/sales?created_time_from=2026-01-01", 6),
)


BY_WHOM = [("owner", *call) for call in CALLS] + [("buyer", *call) for call in BOUGHT]


@pytest.mark.parametrize("call", BY_WHOM, ids=[c[1] for c in BY_WHOM])
def test_a_call_costs_so_many_statements(house: House, call: tuple[str, str, str, int]) -> None:
    who, _, address, expected = call
    browser = house.browser("signed_out")
    browser.get(house.path(address), headers=house.bearer(who))  # the first use of a token is noted
    with house.statements() as seen:
        answer = browser.get(house.path(address), headers=house.bearer(who))
    assert answer.status_code == 200
    assert len(seen) == expected, shown(seen)


NEW_SALE = {
    "key": "0" * 32,
    "buyer-email": "ada@example.com",
    "lines-0-title": "Card",
    "lines-0-price": "1",
    "payment": "1",
}
# act, address, body, statements by htmx
WRITES: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("ship from a row", "sales/{sale}/ship?in=row", {"pieces-{sale's item}": "1", "no_number": "1"}, 15),
    ("ship on the page", "sales/{sale}/ship?in=page", {"pieces-{sale's item}": "1", "no_number": "1"}, 22),
    ("ship nothing", "sales/{sale}/ship?in=row", {}, 8),
    (
        "ship what another has shipped",
        "sales/{sent}/ship?in=row",
        {"version": "1", "pieces-{sent's item}": "1", "no_number": "1"},
        8,
    ),
    ("type a sale in", "sales/new", NEW_SALE, 26),
    ("add a line to it", "sales/new", {**NEW_SALE, "line": "more"}, 3),
    ("mark paid", "sales/{unpaid}/paid", {"payment": "1"}, 24),
    ("redeem in a row", "items/{papershop's deal}?in=row", {"status": "4"}, 13),
    ("what is prohibited", "items/{papershop's deal}?in=row", {"status": "3"}, 8),
)


@pytest.mark.parametrize("act", WRITES, ids=[w[0] for w in WRITES])
def test_an_act_costs_so_many_statements(house: House, act: tuple[str, str, dict[str, str], int]) -> None:
    _, address, body, expected = act
    browser = house.browser("owner")
    token = house.csrf(browser, "owner")
    sent = {house.path(name): value for name, value in body.items()} | {"csrf_token": token}
    with house.statements() as seen:
        browser.post(house.path(f"/stores/papershop/{address}"), data=sent, headers=HTMX)
    assert len(seen) == expected, shown(seen)


def crowd(house: House, states: Sequence[str] = ("unpaid", "to_ship", "shipped", "closed")) -> None:
    """Copy one sale with its first line 2,000 times, a minute apart, over all tabs and statuses."""
    minutes = "strftime('%Y-%m-%d %H:%M:%f000', {column}, '-' || i || ' minutes')"
    cases = " ".join(f"WHEN {n} THEN '{state}'" for n, state in enumerate(states))
    differing = {
        "orders": {
            "id": "100000 + i",
            "number": "100000 + i",
            "external_id": "'many-' || i",
            "placed_at": minutes.format(column="placed_at"),
            "ship_by": minutes.format(column="ship_by"),
            "desk_state": f"CASE i % 4 {cases} END",
        },
        "order_item": {
            "id": "100000 + i",
            "order_id": "100000 + i",
            "placed_at": minutes.format(column="placed_at"),
            "status": "i % 4 + 1",
        },
    }
    sources = {"orders": house.ids["sale"], "order_item": house.ids["sale's item"]}
    with house.app.app_context(), db.engine.begin() as connection:
        for table in (Order.__table__, OrderItem.__table__):
            values = [differing[table.name].get(c.name, c.name) for c in table.columns]
            connection.execute(
                text(
                    f"INSERT INTO {table.name} ({', '.join(c.name for c in table.columns)})"
                    f" WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < {MANY})"
                    f" SELECT {', '.join(values)} FROM {table.name}, k WHERE {table.name}.id = :source"
                ),
                {"source": sources[table.name]},
            )


def turn_pages(house: House) -> list[Statement]:
    """Look at every tab in every order, its first page, one further on and back; return the statements."""
    browser = house.browser("owner")
    lists = [f"/stores/papershop/sales?tab={tab}" for tab in ("", "unpaid", "to_ship", "shipped", "closed")]
    addresses = [f"{at}&sort={sort}" for at in lists for sort in ("", "oldest", "ship_by")]
    addresses += [
        f"/stores/papershop/items?status={status}&sort={sort}"
        for status in ("", "1", "2", "3", "8")
        for sort in ("", "oldest")
    ]
    with house.statements() as seen:
        for address in addresses:
            page = browser.get(address, headers=HTMX)
            assert page.status_code == 200
            for way in ("after", "after", "before"):
                further = re.search(rf'href="([^"]*[?&](?:amp;)?{way}=[^"]*)"', page.text)
                if further:
                    page = browser.get(further[1].replace("&amp;", "&"), headers=HTMX)
                    assert page.status_code == 200
    assert sum("placed_at <" in s.sql or "placed_at >" in s.sql for s in seen) >= 2 * len(lists)
    return seen


def test_no_list_skips_rows_or_counts_without_a_cap(house: House) -> None:
    crowd(house)
    statements = {(s.sql, repr(s.parameters)): s for s in turn_pages(house)}.values()
    # SQLAlchemy writes OFFSET after every LIMIT: what is skipped stands last among the parameters.
    skipping = [s for s in statements if "OFFSET" in s.sql and s.parameters[-1] != 0]
    counting = [s for s in statements if "count(" in s.sql.lower() and not CAPPED.search(s.sql)]
    assert skipping + counting == []


# What a statement asks for, and how a step of its plan says that an index leads there.
ALONG = {
    r"orders\.desk_state = \?.*ORDER BY orders\.placed_at": "desk_state=?",
    r"order_item\.status IN \(\?\)": "status=?",
    r"placed_at <= \?": "placed_at<?",
    r"placed_at >= \?": "placed_at>?",
    r"ship_by <= \?": "ship_by<?",
    r"ship_by >= \?": "ship_by>?",
}


@pytest.mark.parametrize("is_analysed", [False, True], ids=["never analysed", "analysed"])
def test_every_tab_is_read_along_an_index(house: House, is_analysed: bool) -> None:
    crowd(house)
    with house.app.app_context():
        if is_analysed:
            with db.engine.begin() as connection:
                connection.execute(text("ANALYZE"))
            db.engine.dispose()
        asked = {(s.sql, repr(s.parameters)): s for s in turn_pages(house) if "orders" in s.sql}
        slow = [found for statement in asked.values() for found in slow_steps(statement)]
    assert asked
    assert slow == []


LISTED = ("all", "paid", "unpaid", "paid_not_shipped", "posted_sent")


@pytest.mark.parametrize("is_analysed", [False, True], ids=["never analysed", "analysed"])
@pytest.mark.parametrize("which", LISTED)
def test_lists_by_page_numbers_skip_and_count_along_an_index_alone(
    house: House, which: str, is_analysed: bool
) -> None:
    crowd(house)
    query = "limit=1&created_time_from=2020-01-01"
    sent = house.path("/api/hip/stores/papershop/sales/{sale}")
    house.browser("signed_out").put(sent, data={"flag_shipping": "1"}, headers=house.bearer("owner"))
    with house.statements() as seen:
        for sort in ("created_desc", "created_asc"):
            address = f"/api/hip/stores/papershop/sales/{which}?{query}&sort={sort}"
            assert house.browser("signed_out").get(address, headers=house.bearer("owner")).status_code == 200
    asked = [s for s in seen if "count(orders.id)" in s.sql or "OFFSET" in s.sql]
    assert len(asked) == 4
    with house.app.app_context():
        if is_analysed:
            with db.engine.begin() as connection:
                connection.execute(text("ANALYZE"))
            db.engine.dispose()
        with db.engine.connect() as connection:
            for s in asked:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s.sql}", s.parameters)
                steps = [str(row[-1]) for row in plan]
                # The unpaid are few: they are found in their tab.
                way = "store_id=? AND desk_state=?" if which == "unpaid" else "USING COVERING INDEX"
                assert any("orders" in step and way in step for step in steps), steps


def test_what_could_go_along_with_a_sale_is_found_by_its_buyer_alone(house: House) -> None:
    crowd(house)
    with house.statements() as seen:
        house.browser("owner").get(house.path("/stores/papershop/sales/{sale}"))
    [asked] = [s for s in seen if "destination_key = ?" in s.sql]
    with house.app.app_context(), db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked.sql}", asked.parameters)
        steps = [str(row[-1]) for row in plan]
    assert any("orders USING INDEX" in step and "buyer_id=?" in step for step in steps), steps


def slow_steps(statement: Statement) -> list[tuple[str, str]]:
    """Return (what is slow, SQL): a table is read whole, or sorted, or an index is left aside."""
    with db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
        steps = [str(row[-1]) for row in plan]
    reading = [s for s in steps if re.match(r"SCAN (orders|order_item)\b", s) or "TEMP B-TREE" in s]
    aside = [
        f"no {way} in {steps}"
        for asked, way in ALONG.items()
        if re.search(asked, statement.sql) and not any(way in step for step in steps)
    ]
    return [(found, statement.sql[-300:]) for found in reading + aside]
