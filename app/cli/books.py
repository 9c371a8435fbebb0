"""`flask verify, recount`: the books are proved, and what can be counted anew is."""

import click

from app.actions.audit import audit
from app.actions.audit.proofs import Proof
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
    proofs, broken = 0, 0
    for proof in audit():
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
        slug, differed = store.slug, recount(store.id)
        db.session.commit()
        click.echo(
            f"{slug}: {differed.tallies} tallies put right, {differed.added} search terms added, "
            f"{differed.taken} taken away"
        )


def said(proof: Proof) -> str:
    """Return the line of a proof."""
    looked = f"{proof.name}: {proof.rows} row{'' if proof.rows == 1 else 's'}"
    if not proof.broken:
        return f"{looked}, ok"
    more = ", ..." if proof.broken > len(proof.first) else ""
    return f"{looked}, {proof.broken} BROKEN: {'; '.join(proof.first)}{more}"
