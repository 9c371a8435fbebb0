"""`flask store, account, token`: who there is, and what they may."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import click
from flask import current_app
from flask_security import hash_password

from app import logs
from app.access import SCOPES, SITE
from app.actions.accounts import turn_off_second_factor
from app.actions.people import (
    join,
    let_run_the_site,
    make_token,
    open_account,
    open_store,
    public_id_of,
    signing_secret,
)
from app.cli.asking import AskedWrongly, Stop, account_of, on_the_desk, store_called
from app.db import db, take_write_lock
from app.forms.accounts import LONGEST_TOKEN_NAME
from app.forms.passwords import fault_of, normal
from app.forms.site import SLUG
from app.forms.values import LONGEST_NAME
from app.forms.values import read_email as plain_email
from app.models import Account
from app.money import known_currencies
from app.queries import people
from app.statuses import Role

MOST_TOKEN_DAYS = 3650


@click.command("store")
@click.argument("slug")
@click.option("--name", required=True, help="What people call it.")
@click.option("--owner", required=True, metavar="EMAIL", help="Whose it is; the account must be there.")
@click.option("--currency", default="USD", show_default=True, help="ISO 4217.")
@click.option("--zone", default="UTC", show_default=True, help="Its time zone, such as Europe/Berlin.")
@click.option("--vendor", "is_vendor", is_flag=True, help="The store redeems deals.")
@on_the_desk
def store(*, slug: str, name: str, owner: str, currency: str, zone: str, is_vendor: bool) -> None:
    """Open a store: SLUG is its name in addresses."""
    require_slug(slug)
    require_place(currency, zone)
    name = read_name(name)
    take_write_lock()
    account = account_of(owner)
    if people.place(slug, None) is not None:
        raise Stop(f"There is a store “{slug}” already.")
    made = open_store(slug, name, currency=currency.upper(), zone=zone, is_vendor=is_vendor)
    join(made, account, Role.OWNER)
    db.session.commit()
    click.echo(f"Opened store {made.id}, {slug}, owned by {account.email}.")


@click.command("account")
@click.argument("email")
@click.option("--name", help="What people call them.")
@click.option("--store", "slug", metavar="SLUG", help="Gives a place in this store, with --role.")
@click.option("--role", type=click.Choice([role.value for role in Role]))
@click.option("--site-admin", "is_site_admin", is_flag=True, help="They run the site: all stores.")
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input.")
@click.option(
    "--second-factor-off", "is_factor_off", is_flag=True, help="For who lost app and recovery codes."
)
@on_the_desk
def account(
    *,
    email: str,
    name: str | None,
    slug: str | None,
    role: str | None,
    is_site_admin: bool,
    password_stdin: bool,
    is_factor_off: bool,
) -> None:
    """Make an account, asking for its password; give it, or one that is there, a place in a store."""
    if (slug is None) != (role is None):
        raise AskedWrongly("A place in a store needs both --store and --role.")
    place = store_called(slug) if slug else None
    known = people.account_by_email(email)
    if known and (password_stdin or name is not None):
        raise Stop(f"{email} has an account already: its name and password are not changed here.")
    email = email if known else read_email(email)
    hashed = None if known else password_hash(password_stdin, [email, name])
    take_write_lock()
    whose = known or _open(email, read_name(name) if name else "", hashed)
    if is_site_admin:
        let_run_the_site(whose)
    if place and role:
        join(place, whose, Role(role))
    is_off_now = is_factor_off and turn_off_second_factor(whose.id, now=datetime.now(UTC))
    db.session.commit()
    if is_off_now:
        logs.tell("turned a second factor off", account=whose.id)
    said = [f"{role} of {slug}"] * bool(place) + ["runs the site"] * whose.is_site_admin
    said += ["second factor turned off"] * is_off_now
    click.echo(
        f"{'Found' if known else 'Made'} account {whose.id}, {whose.email}: {', '.join(said) or 'a buyer'}."
    )


@click.command("token")
@click.argument("email")
@click.option("--store", "slug", metavar="SLUG", help="For this store alone; else for all of theirs.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help=f"One of {', '.join(SCOPES)}; repeat it."
)
@click.option("--name", help="What will use it.")
@click.option("--days", type=click.IntRange(1, MOST_TOKEN_DAYS), help="How long it works; else until ended.")
@on_the_desk
def token(
    *, email: str, slug: str | None, scopes: tuple[str, ...], name: str | None, days: int | None
) -> None:
    """Make a token that lets a program act as a person; it is shown once, as the last word.

    Programs that sign their requests (Weebly's X-Public-Key, Okanjo's key) use the key and secret beside it.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise AskedWrongly(f"“{scope}” is no scope; there are {' and '.join(SCOPES)}.")
    place = store_called(slug) if slug else None
    take_write_lock()
    whose = account_of(email)
    if SITE in scopes and (place or not whose.is_site_admin):
        raise Stop(f"{SITE} is for tokens of site admins that are for no single store.")
    found = people.place(place.id, whose.id) if place else None
    if found is not None and found.role is None and not whose.is_site_admin:
        raise Stop(f"{whose.email} has no place in {slug}: give them one with `flask --app app account`.")
    secret = make_token(
        whose,
        place,
        list(scopes),
        name=read_name(name, LONGEST_TOKEN_NAME) if name else "",
        lasts=timedelta(days=days) if days else None,
    )
    db.session.commit()
    key = public_id_of(secret)
    logs.tell("made a token", account=whose.id, token=key)
    click.echo(f"To sign requests: key {key}, secret {signing_secret(str(current_app.secret_key), key)}")
    click.echo(f"A token for {whose.email}, shown this once: {secret}")


def require_slug(slug: str) -> None:
    """Stop where a store cannot be called so in addresses."""
    if not SLUG.fullmatch(slug):
        raise AskedWrongly(f"“{slug}” is no slug: 2 to 63 of a-z, 0-9 and -, a letter first.")


def require_place(currency: str, zone: str) -> None:
    """Stop where there is no such currency or time zone."""
    if currency.upper() not in known_currencies():
        raise AskedWrongly(f"“{currency}” is no currency: write its ISO 4217 code, such as EUR.")
    if zone not in available_timezones():
        raise AskedWrongly(f"“{zone}” is no time zone: write one such as Europe/Berlin.")


def _open(email: str, name: str, password_hash: str | None) -> Account:
    """Make the account, unless somebody else just did."""
    if people.account_by_email(email):
        raise Stop(f"{email} has an account already.")
    return open_account(email, name=name, password_hash=password_hash)


def read_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name to show; Stop for an empty or endless one."""
    name = " ".join(text.split())
    if not name or len(name) > longest:
        raise AskedWrongly(f"A name has 1 to {longest} characters.")
    return name


def read_email(text: str) -> str:
    """Return an e-mail address as the sign-in will look it up; Stop for what is none."""
    try:
        return plain_email(text)
    except ValueError as wrong:
        raise AskedWrongly(f"“{text}” is no e-mail address. {wrong}") from wrong


def password_hash(from_stdin: bool, about: Iterable[str | None]) -> str:
    """Ask for a password, or read it, and return its hash; Stop for one that `passwords` refuses."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if fault := fault_of(password, about):
        raise AskedWrongly(fault)
    return str(hash_password(normal(password)))
