"""`flask import`: an order file brought into a store."""

from typing import BinaryIO

import click

from app.access import Actor, Desk
from app.cli.asking import on_the_desk, progress, store_called
from app.db import db
from app.exchange.importing import bring_in, read, summary
from app.statuses import ActorKind, Door, Role


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--store", "slug", required=True, metavar="SLUG", help="The store that the orders are of.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would happen, and change nothing.")
@on_the_desk
def import_file(file: BinaryIO, slug: str, is_dry_run: bool) -> None:
    """Bring a marketplace's file of orders into a store; - reads standard input.

    What was refused is told line by line; the last line counts. Exits with 1 when anything was refused.
    """
    store = store_called(slug)
    importer = Actor(None, "Import", kind=ActorKind.IMPORT, door=Door.IMPORT)
    orders = read(file.read(), store.zone, store.currency)
    with progress("Reading the orders" if is_dry_run else "Importing") as show:
        report = bring_in(
            orders,
            Desk(importer, store, Role.OWNER),
            is_dry_run=is_dry_run,
            commit=db.session.commit,
            rollback=db.session.rollback,
            progress=show,
        )
    for order in report.orders:
        if order.outcome == "refused":
            for reason in order.reasons:
                click.echo(f"{order.external_id or 'An order'}: {reason}", err=True)
    if is_dry_run:
        click.echo("A dry run: nothing was changed.", err=True)
    click.echo(summary(report))
    if report.refused:
        raise SystemExit(1)
