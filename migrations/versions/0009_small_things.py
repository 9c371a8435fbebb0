"""Small things: a store's feedback along an index, a webhook's secret made anew, its messages one by one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

HOOKS = sa.text("webhook_id IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_feedback_store_id_id", "feedback", ["store_id", "id"])
    op.add_column("webhook", sa.Column("secret_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("webhook", sa.Column("rotated_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_outbox_of_hook", "outbox", ["webhook_id", "id"], sqlite_where=HOOKS, postgresql_where=HOOKS
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_of_hook", "outbox")
    op.drop_column("webhook", "rotated_at")
    op.drop_column("webhook", "secret_number")
    op.drop_index("ix_feedback_store_id_id", "feedback")
