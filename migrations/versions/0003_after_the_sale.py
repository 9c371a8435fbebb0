"""After the sale: why it ended, downloads counted, a store's calendar, windows and mails, the log of mails."""

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


def downgrade() -> None:
    op.drop_index("ix_outbox_order_id", "outbox")
    for name in ("order_id", "sent_at", "trouble", "claimed_at", "is_doubtful", "recipient"):
        op.drop_column("outbox", name)
    op.drop_column("order_item", "downloaded")
    op.drop_column("orders", "end_reason")
    for name, _, _ in STORE:
        op.drop_column("store", name)
