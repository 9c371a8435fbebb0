"""`flask verify, recount`: the books are proved, and what can be counted anew is."""

import warnings
from collections.abc import Iterator
from typing import Any

import click
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.actions.audit import audit
from app.actions.audit.proofs import Proof, prove
from app.actions.recount import recount
from app.cli.asking import on_the_desk
from app.db import db
from app.queries import people


@click.command("verify")
@on_the_desk
def verify() -> None:
    """Prove that everything in the database is as it must be; nothing is written, the desk may run.

    One line an invariant; exits with 1 when any is broken.
    """
    proofs = broken = 0
    for proof in all_proofs():
        click.echo(said(proof))
        proofs += 1
        broken += bool(proof.broken)
    click.echo(f"{proofs} invariants: {f'{broken} broken' if broken else 'all hold'}")
    if broken:
        raise SystemExit(1)


@click.command("recount")
@on_the_desk
def recount_all() -> None:
    """Write the tally and the search terms anew from the rows, store by store; the desk may run."""
    for store in people.all_stores():
        slug, differed = store.slug, recount(store.id, commit=db.session.commit)
        db.session.commit()
        click.echo(
            f"{slug}: {counted(differed.tallies, 'tally', 'tallies')} put right, "
            f"{counted(differed.added, 'search term')} added, {differed.taken} taken away"
        )


def all_proofs() -> Iterator[Proof]:
    """Yield the proof of the tables, then those of what is in them."""
    tables = len(db.metadata.tables)
    yield prove("Tables and indexes are those of this version", tables, differences(), of="table")
    yield from audit()


def differences() -> Iterator[str]:
    """Yield what would make the tables that are there those that the models say."""
    with db.engine.connect() as connection, warnings.catch_warnings():
        # An index on an expression cannot be read back.
        warnings.simplefilter("ignore")
        options = {"compare_type": True, "include_name": is_ours}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata)
    for difference in found:
        parts = difference[0] if isinstance(difference, list) else difference
        yield " ".join(str(getattr(part, "name", part)) for part in parts[:4] if part is not None)


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Tell whether something that is there is the desk's: the worker's queue may stand beside it."""
    return kind != "table" or name in db.metadata.tables


def said(proof: Proof) -> str:
    """Return the line of a proof."""
    looked = f"{proof.name}: {counted(proof.rows, proof.of)}"
    if not proof.broken:
        return f"{looked}, ok"
    more = ", ..." if proof.broken > len(proof.first) else ""
    return f"{looked}, {proof.broken} broken: {'; '.join(proof.first)}{more}"


def counted(n: int, one: str, many: str = "") -> str:
    """Return how many of something there are, in words."""
    return f"{n} {one if n == 1 else many or f'{one}s'}"
