"""Lists by page numbers: the index of a store's sales by time tells what these lists ask of them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = ["store_id", "placed_at", "id"]
AFTER = [*BEFORE, "payment", "shipping", "heir_id"]


def upgrade() -> None:
    op.create_index(op.f("ix_orders_store_id_placed_at_id_payment_shipping_heir_id"), "orders", AFTER)
    op.drop_index(op.f("ix_orders_store_id_placed_at_id"), table_name="orders")


def downgrade() -> None:
    op.create_index(op.f("ix_orders_store_id_placed_at_id"), "orders", BEFORE)
    op.drop_index(op.f("ix_orders_store_id_placed_at_id_payment_shipping_heir_id"), table_name="orders")
