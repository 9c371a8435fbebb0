"""Webhooks: programs that are told what happens to a store's sales, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
HOOKS = sa.text("webhook_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("url", sa.String(1000), nullable=False),
        sa.Column("events", sa.String(255), nullable=False),
        sa.Column("is_for_all", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_webhook_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_store_id"), "webhook", ["store_id"])
    op.add_column("store", sa.Column("has_webhooks", sa.Boolean(), nullable=False, server_default=sa.false()))
    # In plain words both databases add a column that points elsewhere; Alembic's would copy SQLite's table.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    points = "CONSTRAINT fk_outbox_webhook_id REFERENCES webhook (id)"
    op.execute(f"ALTER TABLE outbox ADD COLUMN webhook_id {kind} {points}")
    op.add_column("outbox", sa.Column("answer", sa.Integer()))
    op.create_index(
        "ix_outbox_hooks", "outbox", ["store_id", "id"], sqlite_where=HOOKS, postgresql_where=HOOKS
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_hooks", "outbox")
    op.execute("DELETE FROM outbox WHERE webhook_id IS NOT NULL")
    op.drop_column("outbox", "answer")
    op.drop_column("outbox", "webhook_id")
    op.drop_column("store", "has_webhooks")
    op.drop_index(op.f("ix_webhook_store_id"), "webhook")
    op.drop_table("webhook")
