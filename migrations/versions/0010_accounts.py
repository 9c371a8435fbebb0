"""Accounts: a proved e-mail, a second factor, what a sign-in says of itself, and mails that no store sends."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("account", sa.Column("email_proved_at", INSTANT))
    op.add_column("account", sa.Column("second_factor_at", INSTANT))
    op.add_column("account", sa.Column("second_factor_step", sa.BigInteger()))
    op.add_column("signin", sa.Column("browser", sa.String(64), nullable=False, server_default=""))
    op.add_column("signin", sa.Column("address", sa.String(64), nullable=False, server_default=""))
    let_outbox_store_be_empty(True)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE store_id IS NULL")
    let_outbox_store_be_empty(False)
    op.drop_column("signin", "address")
    op.drop_column("signin", "browser")
    op.drop_column("account", "second_factor_step")
    op.drop_column("account", "second_factor_at")
    op.drop_column("account", "email_proved_at")


def let_outbox_store_be_empty(may_be: bool) -> None:
    """SQLite changes no column in place: there the table is written anew, in the words in which it stands."""
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.alter_column("outbox", "store_id", existing_type=sa.BigInteger(), nullable=may_be)
        return
    found = bind.exec_driver_sql("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'outbox'").fetchall()
    (table,) = [sql for kind, sql in found if kind == "table"]
    before, after = ("store_id INTEGER NOT NULL", "store_id INTEGER")
    was, becomes = (before, after) if may_be else (f"{after},", f"{before},")
    assert was in table
    name, columns = table.split("(", 1)
    assert "outbox" in name
    op.execute(f"CREATE TABLE outbox_anew ({columns.replace(was, becomes, 1)}")
    op.execute("INSERT INTO outbox_anew SELECT * FROM outbox")
    op.execute("DROP TABLE outbox")
    op.execute("ALTER TABLE outbox_anew RENAME TO outbox")
    for kind, sql in found:
        if kind == "index" and sql:
            op.execute(sql)
