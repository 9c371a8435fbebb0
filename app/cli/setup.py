"""`flask setup`: the first owner and store of a desk that is to be used, and whether its mail goes out."""

import re
from datetime import UTC, datetime
from typing import Any

import click
from flask import current_app

from app import logs, postman
from app.actions.account_mails import AccountMail, owe_notice, ripe
from app.actions.outbox import State
from app.actions.people import join, let_run_the_site, open_account, open_store
from app.cli.asking import Stop, on_the_desk
from app.cli.people import password_hash, read_email, read_name, require_place, require_slug
from app.db import db, take_write_lock
from app.queries import accounts, people
from app.queries.mails import last_to
from app.statuses import Role

NEXT = """
Next:
  start the desk               make run   (TRADEPOST_DEMO=0)
  sign in as                   {email}
  set a second factor up       under “Your account”{must}
  people who work in the store .venv/bin/flask --app app account EMAIL --store {slug} --role staff
  another store                .venv/bin/flask --app app store SLUG --name NAME --owner {email}"""


@click.command("setup")
@click.option("--email", help="The owner's e-mail.")
@click.option("--name", help="The owner's name.")
@click.option("--store", "slug", metavar="SLUG", help="The store's name in addresses, such as paper-shop.")
@click.option("--store-name", help="What people call the store.")
@click.option("--currency", help="ISO 4217, such as EUR.")
@click.option("--zone", help="The store's time zone, such as Europe/Berlin.")
@click.option("--site-admin/--no-site-admin", "is_site_admin", default=None, help="They run the site too.")
@click.option("--mail/--no-mail", "is_mail_tried", default=None, help="Send the owner a mail to try it out.")
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input.")
@click.option("--again", is_flag=True, help="Though there are accounts already.")
@on_the_desk
def setup(*, is_mail_tried: bool | None, again: bool, password_stdin: bool, **said: Any) -> None:
    """Make the first owner and store, asking for whatever no option says."""
    if accounts.is_any_there() and not again:
        raise Stop(
            "This desk has accounts already. `flask account` and `flask store` make more; --again insists."
        )
    email = read_email(_asked(said["email"], "Owner's e-mail"))
    if people.account_by_email(email):
        raise Stop(f"{email} has an account already.")
    name = read_name(_asked(said["name"], "Owner's name"))
    store_name = read_name(_asked(said["store_name"], "Name of the store"))
    slug = _asked(said["slug"], "Its name in addresses", _slug_of(store_name))
    require_slug(slug)
    currency = _asked(said["currency"], "Currency", "USD").upper()
    zone = _asked(said["zone"], "Time zone", "UTC")
    require_place(currency, zone)
    is_admin = _sure(said["is_site_admin"], "Does the owner run the whole site too?")
    hashed = password_hash(password_stdin, [email, name, store_name])
    take_write_lock()
    if people.place(slug, None) is not None:
        raise Stop(f"There is a store “{slug}” already.")
    owner = open_account(email, name=name, password_hash=hashed)
    if is_admin:
        let_run_the_site(owner)
    join(open_store(slug, store_name, currency=currency, zone=zone), owner, Role.OWNER)
    db.session.commit()
    logs.tell("set the desk up", account=owner.id)
    click.echo(f"Made {email}, owner of {slug}{', who runs the site' if is_admin else ''}.")
    if _sure(is_mail_tried, "Send them a mail, to see whether mail goes out?"):
        click.echo(try_mail(owner.id, email))
    must = ": nothing opens before" if is_admin else ""
    click.echo(NEXT.format(email=email, slug=slug, must=must))


def _asked(said: str | None, what: str, proposed: str | None = None) -> str:
    """Return what an option said, or what is typed now."""
    return said if said is not None else str(click.prompt(what, default=proposed))


def _sure(said: bool | None, question: str) -> bool:
    """Return what an option said, or whether the answer is yes now."""
    return said if said is not None else click.confirm(question, default=True)


def _slug_of(name: str) -> str | None:
    """Return a name as it could stand in addresses; None where nothing of it can."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63] or None


def try_mail(account_id: int, email: str) -> str:
    """Send a mail at once, and say what became of it."""
    owe_notice(AccountMail.TEST, account_id, email, now=datetime.now(UTC))
    db.session.commit()
    for mail_id in ripe(AccountMail.TEST):
        postman.deliver(mail_id)
    state, trouble = last_to(account_id, AccountMail.TEST.value)
    if state == State.SENT:
        means = current_app.config["MAIL_MEANS"]
        where = f": it is a file in {current_app.config['MAIL_FILE_PATH']}" if means == "file" else ""
        return f"The mail went out by {means}{where}."
    return f"The mail did not go out. {trouble} Look at the settings TRADEPOST_MAIL_*."
