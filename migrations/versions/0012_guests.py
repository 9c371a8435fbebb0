"""Guest links, orders whose buyer was forgotten, and for how long both are kept; no buyer's words in events."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "guest_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["order_id", "store_id"],
            ["orders.id", "orders.store_id"],
            name=op.f("fk_guest_link_order_id_store_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_link")),
        sa.UniqueConstraint("public_id", name=op.f("uq_guest_link_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_guest_link_order_id"), "guest_link", ["order_id"])
    op.create_table(
        "forgotten",
        sa.Column("order_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id", "store_id"],
            ["orders.id", "orders.store_id"],
            name=op.f("fk_forgotten_order_id_store_id"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_forgotten")),
    )
    op.create_index(op.f("ix_forgotten_store_id"), "forgotten", ["store_id"])
    op.add_column("store", sa.Column("guest_days", sa.Integer(), nullable=False, server_default="180"))
    op.add_column("store", sa.Column("forget_months", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("note", sa.Column("is_guests", sa.Boolean(), nullable=False, server_default=sa.false()))
    # What buyers wrote to purchases that combined stood in the history: events carry nothing personal.
    for side in ("before", "after"):
        if op.get_bind().dialect.name == "sqlite":
            less = f"json_remove({side}, '$.buyer_note', '$.gift_message')"
        else:
            less = f"({side}::jsonb - 'buyer_note' - 'gift_message')::json"
        has = (
            f"CAST({side} AS TEXT) LIKE '%\"buyer_note\"%' OR CAST({side} AS TEXT) LIKE '%\"gift_message\"%'"
        )
        op.execute(f"UPDATE event SET {side} = {less} WHERE verb = 'combine' AND ({has})")


def downgrade() -> None:
    op.execute("UPDATE event SET actor_kind = 'person' WHERE actor_kind = 'guest'")
    op.execute("DELETE FROM event WHERE row_kind = 'guest_link'")
    op.drop_column("note", "is_guests")
    op.drop_column("store", "forget_months")
    op.drop_column("store", "guest_days")
    op.drop_index(op.f("ix_forgotten_store_id"), "forgotten")
    op.drop_table("forgotten")
    op.drop_index(op.f("ix_guest_link_order_id"), "guest_link")
    op.drop_table("guest_link")
