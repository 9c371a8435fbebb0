"""Ways in: identities at OpenID Connect issuers, hand-off links, and whether an account's e-mail was vouched for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_identity_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identity_issuer_subject")),
        sa.UniqueConstraint("account_id", "issuer", name=op.f("uq_identity_account_id_issuer")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "handoff",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("made_by", ID, nullable=False),
        sa.Column("path", sa.String(2000), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_handoff_account_id")),
        sa.ForeignKeyConstraint(["made_by"], ["account.id"], name=op.f("fk_handoff_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_handoff_key_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_handoff_account_id"), "handoff", ["account_id"])
    op.create_index(op.f("ix_handoff_expires_at"), "handoff", ["expires_at"])
    # Until now every account was made by the desk's operator, who answers for its e-mail.
    vouched = sa.Column("is_email_vouched", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("account", vouched)


def downgrade() -> None:
    op.drop_column("account", "is_email_vouched")
    op.drop_table("handoff")
    op.drop_table("identity")
