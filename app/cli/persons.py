"""`flask person export|erase EMAIL`: a person's data, given out or erased."""

import json

import click

from app import logs
from app.access import SYSTEM
from app.actions.persons import ERASE, EXPORT, erase_person, export_person
from app.cli.asking import on_the_desk
from app.db import db

WARNING = "This cannot be undone: their names, addresses and words are gone for good. Erase them?"


@click.group("person")
def person() -> None:
    """Give out what the desk holds of a person, by their e-mail address, or erase it."""


@person.command("export")
@click.argument("email")
@on_the_desk
def export(*, email: str) -> None:
    """Write all that the desk holds of a person to the standard output, as JSON."""
    told = export_person(email, actor=SYSTEM)
    db.session.commit()
    logs.tell(EXPORT, **told.ids)
    click.echo(json.dumps(told.everything, ensure_ascii=False, indent=2))


@person.command("erase")
@click.argument("email")
@click.option("--anyway", "is_anyway", is_flag=True, help="Although sales are still to be sent to them.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@on_the_desk
def erase(*, email: str, is_anyway: bool, is_sure: bool) -> None:
    """Erase a person: what stays is money, numbers and history."""
    if not is_sure:
        click.confirm(WARNING, abort=True)
    erased = erase_person(email, actor=SYSTEM, is_anyway=is_anyway)
    db.session.commit()
    logs.tell(ERASE, **erased)
    buyers, sales = len(erased["buyer_ids"]), erased["sales"]
    whose = "an account, " if erased["account_id"] else ""
    click.echo(f"Erased: {whose}{buyers} buyer{'s' * (buyers != 1)}, {sales} sale{'s' * (sales != 1)}.")
