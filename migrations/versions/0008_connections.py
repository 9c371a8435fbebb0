"""Connections: a store's account on a marketplace, what was pulled from there, and what it is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
OWED = sa.text("is_owed")


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("base_url", sa.String(1000), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("sealed_key", sa.Text()),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("pulled_to", INSTANT),
        sa.Column("looked_back_at", INSTANT),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("waits_until", INSTANT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(255), nullable=False),
        sa.Column("claimed_at", INSTANT),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_connection_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_connection_store_id"), "connection", ["store_id"])
    op.create_table(
        "pull",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("is_look_back", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pull_store_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_pull_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_pull_connection_id_id"), "pull", ["connection_id", "id"])
    op.create_table(
        "sale_there",
        sa.Column("order_id", ID, nullable=False, autoincrement=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("shipping", sa.Integer(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.Column("own_shipping", sa.Integer(), nullable=False),
        sa.Column("own_link", sa.Text(), nullable=False),
        sa.Column("is_owed", sa.Boolean(), nullable=False),
        sa.Column("is_unsure", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_sale_there_order_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_sale_there_store_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_sale_there")),
    )
    op.create_index(
        "ix_sale_there_owed", "sale_there", ["store_id", "due_at"], sqlite_where=OWED, postgresql_where=OWED
    )


def downgrade() -> None:
    op.drop_table("sale_there")
    op.drop_table("pull")
    op.drop_table("connection")
