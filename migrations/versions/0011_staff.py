"""Invitations: a place in a store, offered by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID, nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("invited_by", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'staff', 'vendor')", name=op.f("ck_invitation_role")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_invitation_store_id")),
        sa.ForeignKeyConstraint(["invited_by"], ["account.id"], name=op.f("fk_invitation_invited_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_invitation_store_id"), "invitation", ["store_id"])
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["store_id", "email"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    # Mails that tell of what is gone would fail for ever.
    op.execute("DELETE FROM outbox WHERE kind = 'invitation'")
    op.drop_table("invitation")
