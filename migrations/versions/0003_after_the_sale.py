"""After the sale: why it ended, downloads counted, a store's calendar, windows and mails, the log of mails.

And what needs somebody: since when each order does, and parcels by their day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON_LIST, JSON_MAP = "'[]'", "'{}'"
STORE = (
    ("holidays", sa.JSON(), JSON_LIST),
    ("cancel_days", sa.Integer(), "30"),
    ("unpaid_days", sa.Integer(), "5"),
    ("received_days", sa.Integer(), "14"),
    ("carriers", sa.JSON(), JSON_LIST),
    ("mails_all", sa.Boolean(), "false"),
    ("mail_from", sa.String(320), "''"),
    ("mail_texts", sa.JSON(), JSON_MAP),
)
INSTANT = sa.DateTime(timezone=True)
SENT = "('shipped', 'received', 'returned')"
PROBLEM = "shipping = 2 OR buyer_shipping = 2"
# Partial indexes: (name, table, columns, which rows). They hold what is open, however much is done.
PARTIAL = (
    ("ix_orders_attention_at", "orders", ("store_id", "attention_at", "id"), "attention_at IS NOT NULL"),
    ("ix_orders_attention_placed_at", "orders", ("store_id", "placed_at", "id"), "attention_at IS NOT NULL"),
    ("ix_orders_problem", "orders", ("store_id", "id"), PROBLEM),
    ("ix_parcel_draft", "parcel", ("store_id", "dated_at", "id"), "state = 'draft'"),
)

# What acts keep from now on, of orders that are there already. SQLite keeps instants as texts.
DAYS_LATER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', {since}, '{days} days') || '.000000'",
    "postgresql": "{since} + interval '{days} days'",
}
FIRST_TOLD = "(SELECT min(e.at) FROM event e WHERE e.order_id = orders.id)"
FILL = (
    "UPDATE parcel SET dated_at = coalesce(shipped_at, created_at)",
    "UPDATE orders SET sent_at = (SELECT max(p.shipped_at) FROM parcel p JOIN parcel_line l ON l.parcel_id = p.id"
    f" JOIN order_item i ON i.id = l.item_id WHERE i.order_id = orders.id AND p.state IN {SENT})",
    "UPDATE orders SET is_past = true WHERE channel NOT IN ('desk', 'intake') AND placed_at < {window}",
    "UPDATE orders SET attention_at = ship_by WHERE ship_by < {never} AND NOT is_past",
    "UPDATE orders SET attention_at = {waited} WHERE desk_state = 'shipped' AND shipping = 1"
    " AND buyer_shipping = 0 AND sent_at IS NOT NULL AND NOT is_past",
    "UPDATE orders SET attention_at = placed_at WHERE NOT is_past AND ((desk_state = 'unpaid' AND buyer_payment = 1)"
    f" OR {PROBLEM} OR (buyer_shipping = 1 AND shipping = 0 AND ship_by < {{never}})"
    " OR EXISTS (SELECT 1 FROM order_item i WHERE i.order_id = orders.id AND i.status = 11))",
)
# The history tells of all that hangs on an order, of what is there already in an act of its own for each.
HANGS = (
    ("payment", "payment r", "r.order_id", "kind, status, amount_minor, currency"),
    ("payout", "payout r", "r.order_id", "kind, status, amount_minor, item_id, cause_id"),
    ("note", "note r", "r.order_id", "is_private"),
    (
        "feedback",
        "feedback r JOIN order_item i ON i.id = r.item_id",
        "i.order_id",
        "item_id, direction, value",
    ),
)
TOLD = "'system', 'system', 'upgrade'"
TELL = (
    "INSERT INTO event (store_id, order_id, row_kind, row_id, act_id, actor_kind, door, verb, after, at)"
    f" SELECT store_id, order_id, kind, id, -2 * order_id, {TOLD}, told, {{now}} FROM ({{rows}}) AS hangs"
    " ORDER BY order_id, kind, id"
)
TELL_PACKED = (
    "INSERT INTO event (store_id, order_id, parcel_id, act_id, actor_kind, door, verb, before, after, at)"
    f" SELECT p.store_id, min(i.order_id), p.id, -2 * p.id - 1, {TOLD}, '{{{{}}}}', {{inside}}, {{now}} FROM parcel p"
    " JOIN parcel_line l ON l.parcel_id = p.id JOIN order_item i ON i.id = l.item_id"
    " GROUP BY p.store_id, p.id ORDER BY p.id"
)
OBJECT = {"sqlite": "json_object", "postgresql": "json_build_object"}
INSIDE = {
    "sqlite": "json_object('inside', json_group_object(CAST(l.item_id AS TEXT), l.quantity))",
    "postgresql": "json_build_object('inside', json_object_agg(l.item_id, l.quantity))",
}
TRUTH = {"sqlite": "json(CASE WHEN r.{name} THEN 'true' ELSE 'false' END)", "postgresql": "r.{name}"}
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'", "postgresql": "CURRENT_TIMESTAMP"}
NEVER = {"sqlite": "'9999-12-31'", "postgresql": "'9999-12-31 00:00:00+00'"}


def told(dialect: str) -> list[str]:
    """Return what lets the history tell of the rows that it said nothing of so far."""
    rows = []
    for kind, table, order_id, columns in HANGS:
        names = columns.split(", ")
        pairs = (
            f"'{n}', {TRUTH[dialect].format(name=n) if n.startswith('is_') else f'r.{n}'}" for n in names
        )
        said = f"{OBJECT[dialect]}({', '.join(pairs)})"
        rows.append(
            f"SELECT r.store_id, {order_id} AS order_id, '{kind}' AS kind, r.id, {said} AS told FROM {table}"
        )
    words = {"now": NOW[dialect], "inside": INSIDE[dialect], "rows": " UNION ALL ".join(rows)}
    return [TELL.format(**words), TELL_PACKED.format(**words)]


def upgrade() -> None:
    for name, kind, value in STORE:
        op.add_column("store", sa.Column(name, kind, nullable=False, server_default=sa.text(value)))
    op.add_column("orders", sa.Column("end_reason", sa.String(16), nullable=False, server_default=""))
    op.add_column("order_item", sa.Column("downloaded", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))
    op.add_column("outbox", sa.Column("sent_at", sa.DateTime(timezone=True)))
    op.add_column("outbox", sa.Column("trouble", sa.String(255), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("claimed_at", sa.DateTime(timezone=True)))
    op.add_column(
        "outbox", sa.Column("is_doubtful", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("outbox", sa.Column("recipient", sa.String(320), nullable=False, server_default=""))
    op.create_index("ix_outbox_order_id", "outbox", ["order_id"])
    op.add_column("orders", sa.Column("is_past", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("orders", sa.Column("sent_at", INSTANT))
    op.add_column("orders", sa.Column("attention_at", INSTANT))
    op.add_column(
        "parcel", sa.Column("dated_at", INSTANT, nullable=False, server_default="2000-01-01 00:00:00.000000")
    )
    dialect = op.get_bind().dialect.name
    words = {
        "window": DAYS_LATER[dialect].format(since=FIRST_TOLD, days=-14),
        "waited": DAYS_LATER[dialect].format(since="sent_at", days=14),
        "never": NEVER[dialect],
    }
    for statement in FILL:
        op.execute(statement.format(**words))
    op.add_column("event", sa.Column("row_kind", sa.String(16)))
    op.add_column("event", sa.Column("row_id", sa.BigInteger()))
    for statement in told(dialect):
        op.get_bind().exec_driver_sql(statement)
    for name, table, columns, which in PARTIAL:
        op.create_index(name, table, columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
    op.create_index("ix_parcel_dated_at", "parcel", ["store_id", "dated_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_parcel_dated_at", "parcel")
    for name, table, _, _ in PARTIAL:
        op.drop_index(name, table)
    op.execute("DELETE FROM event WHERE row_kind IS NOT NULL OR verb = 'upgrade'")
    op.drop_column("event", "row_kind")
    op.drop_column("event", "row_id")
    op.drop_column("parcel", "dated_at")
    for name in ("is_past", "sent_at", "attention_at"):
        op.drop_column("orders", name)
    op.drop_index("ix_outbox_order_id", "outbox")
    for name in ("order_id", "sent_at", "trouble", "claimed_at", "is_doubtful", "recipient"):
        op.drop_column("outbox", name)
    op.drop_column("order_item", "downloaded")
    op.drop_column("orders", "end_reason")
    for name, _, _ in STORE:
        op.drop_column("store", name)
