"""Search terms by order, compared sign by sign; ids of stores as wide as all other ids on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NARROW = ("discount", "tax_line", "payment", "payout", "parcel", "parcel_line")


def upgrade() -> None:
    op.drop_index("ix_search_term_order_id", "search_term")
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("search_term", "term", type_=sa.String(64, collation="C"))
        for table in NARROW:
            op.alter_column(table, "store_id", type_=sa.BigInteger())
    op.create_index("ix_search_term_order_id_term", "search_term", ["order_id", "term"])


def downgrade() -> None:
    op.drop_index("ix_search_term_order_id_term", "search_term")
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("search_term", "term", type_=sa.String(64, collation="default"))
        for table in NARROW:
            op.alter_column(table, "store_id", type_=sa.Integer())
    op.create_index("ix_search_term_order_id", "search_term", ["order_id"])
