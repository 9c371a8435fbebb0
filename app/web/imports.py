"""Bringing in files of orders: first what would happen, order by order, then the same for good."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from flask import Blueprint, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import worker
from app.access import Desk, Permission
from app.actions.imports import Outcome
from app.actions.jobs import LOST_AFTER, JobState, ask, is_lost, keep_file, may_be_asked
from app.db import db
from app.errors import BadFile, NotFound
from app.exchange.importing import KINDS, read
from app.exchange.tables import MOST_ROWS
from app.forms.base import body
from app.forms.uploads import OrderFileForm, ReportForm
from app.models import Job
from app.queries import imports, people
from app.web import display, htmx
from app.web.clock import Clock
from app.web.desk import open_desk

blueprint = Blueprint("imports", __name__, url_prefix="/stores/<slug>/import")

# So many orders are done before a page is answered; more are the worker's.
AT_ONCE = 200
# A worker takes a job up within a second; after this its page says what may be missing.
SOON = timedelta(seconds=10)

BADGES = {
    Outcome.NEW: display.Badge("New", "good"),
    Outcome.CHANGED: display.Badge("Changed", "info"),
    Outcome.SAME: display.Badge("Same", "plain"),
    Outcome.REFUSED: display.Badge("Refused", "bad"),
}
STATE_BADGES = {
    JobState.WAITING: display.Badge("Waiting", "wait", "ring"),
    JobState.RUNNING: display.Badge("Under way", "info", "half"),
    JobState.PREVIEWED: display.Badge("Preview", "wait", "ring"),
    JobState.DONE: display.Badge("Brought in", "good"),
    JobState.FAILED: display.Badge("Failed", "bad"),
    JobState.REFUSED: display.Badge("Refused", "bad"),
    JobState.LAPSED: display.Badge("Lapsed", "plain", "ring"),
}


class OrderRow(NamedTuple):
    """One order of a report, as the page shows it."""

    line: int
    external_id: str
    badge: display.Badge
    reasons: list[str]
    number: int | None
    href: str | None


class ImportRow(NamedTuple):
    """One import in the list of the latest."""

    href: str
    name: str
    kind: str
    when: str
    who: str
    sentence: str
    badge: display.Badge


@blueprint.get("")
def index(slug: str) -> ResponseReturnValue:
    """Show the form for a file, what files are known, and the latest imports."""
    return asking(open_desk(slug, Permission.IMPORT), OrderFileForm(), 200)


@blueprint.post("")
def preview(slug: str) -> ResponseReturnValue:
    """Try a file out and keep what would happen; nothing of it is brought in yet."""
    desk = open_desk(slug, Permission.IMPORT)
    body()
    form = OrderFileForm(request.files)
    if not form.validate():
        return asking(desk, form, 422)
    source = form.content()
    try:
        file = read(source, desk.store.zone, desk.store.currency)
    except BadFile as bad:
        form.file.errors = [bad.sentence]
        return asking(desk, form, 422)
    orders = len(file.orders)
    said = {"file": form.file_name(), "kind": file.kind.name, "orders": orders, "items": file.items}
    by, store_id = desk.actor.account_id, desk.store.id
    job_id = keep_file(source, said, total=orders, account_id=by, store_id=store_id)
    db.session.commit()
    set_going(job_id, orders)
    return htmx.go_to(url_for("imports.show", slug=slug, job_id=job_id))


@blueprint.get("/<id:job_id>")
def show(slug: str, job_id: int) -> ResponseReturnValue:
    """Show what would happen to each order of a file, or what did."""
    desk = open_desk(slug, Permission.IMPORT)
    job = find_import(desk, job_id)
    form = ReportForm(request.args)
    is_valid = form.validate()
    given = report_of(desk, job, form.verdict.data, is_valid)
    status = 200 if is_valid else 422
    return htmx.page("imports/show.html", "imports/_report.html", status=status, **given)


@blueprint.post("/<id:job_id>")
def run(slug: str, job_id: int) -> ResponseReturnValue:
    """Bring a previewed file in, once: who sends it again is shown what became of it."""
    desk = open_desk(slug, Permission.IMPORT)
    job = find_import(desk, job_id)
    total = job.total
    is_asked = ask(job_id, account_id=desk.actor.account_id, store_id=desk.store.id)
    db.session.commit()
    if is_asked:
        set_going(job_id, total)
    job = find_import(desk, job_id)
    if not is_asked:
        flash(why_not(job), "error")
    elif job.state == JobState.DONE:
        flash(f"{job.params['file']}: {sentence(job.params)}")
    return htmx.go_to(url_for("imports.show", slug=slug, job_id=job_id))


def set_going(job_id: int, orders: int) -> None:
    """Let a job be done: a short one here and now, a longer one by the worker."""
    if orders <= AT_ONCE:
        worker.work(job_id)
    else:
        worker.ring(job_id)


def find_import(desk: Desk, job_id: int) -> Job:
    """Return an import of this store; NotFound for every other one."""
    job = imports.one(desk.store.id, job_id)
    if job is None:
        raise NotFound
    return job


def sentence(said: dict[str, Any]) -> str:
    """Say in words what is in a file and, once that is known, how its orders ended."""
    if not said["orders"]:
        return "No orders are in it."
    ended = ", ".join(f"{said[o]:,} {o.value}" for o in Outcome if said.get(o))
    orders = f"{said['orders']:,} order{'' if said['orders'] == 1 else 's'}"
    items = f"{said['items']:,} item{'' if said['items'] == 1 else 's'}"
    return f"{orders}, {items}: {ended}." if ended else f"{orders}, {items}."


def why_not(job: Job) -> str:
    """Say why a file cannot be brought in now."""
    return {
        JobState.DONE: "This file has been brought in already; nothing was done a second time.",
        JobState.LAPSED: "This preview is too old: choose the file again.",
        JobState.REFUSED: "This import was refused: choose the file again.",
    }.get(JobState(job.state), "This file is being brought in already; nothing was done a second time.")


def asking(desk: Desk, form: OrderFileForm, status: int) -> ResponseReturnValue:
    """Show the page that asks for a file."""
    latest = imports.latest(desk.store.id)
    names = people.names_of({job.account_id for job in latest if job.account_id})
    rows = [
        ImportRow(
            href=url_for("imports.show", slug=desk.store.slug, job_id=job.id),
            name=job.params["file"],
            kind=job.params["kind"],
            when=Clock(desk.store.zone).exact(job.created_at),
            who=names.get(job.account_id or 0, ""),
            sentence=sentence(job.params),
            badge=STATE_BADGES[JobState(job.state)],
        )
        for job in latest
    ]
    given = {
        "desk": desk,
        "form": form,
        "rows": rows,
        "kinds": KINDS,
        "megabytes": current_app.config["MAX_CONTENT_LENGTH"] // (1024 * 1024),
        "most_rows": f"{MOST_ROWS:,}",
    }
    return render_template("imports/index.html", **given), status


def report_of(desk: Desk, job: Job, verdict: Outcome | None, is_valid: bool) -> dict[str, Any]:
    """Return what the page of one import is given."""
    state, base = JobState(job.state), url_for("imports.show", slug=desk.store.slug, job_id=job.id)
    is_at_work = state in {JobState.WAITING, JobState.RUNNING}
    # Of what is at work the bar is shown, and asked for again and again: it costs no count.
    counts = {} if is_at_work else imports.outcomes(job.id)
    named = [(None, "All", base), *((o, o.value.capitalize(), f"{base}?verdict={o.value}") for o in Outcome)]
    return {
        "desk": desk,
        "job": job,
        "base": base,
        "sentence": sentence(job.params),
        "when": Clock(desk.store.zone).exact(job.created_at),
        "badge": STATE_BADGES[state],
        "is_at_work": is_at_work,
        "is_bad": state in {JobState.FAILED, JobState.REFUSED},
        "news": news(job),
        "act": act_on(job),
        "is_wrong": not is_valid,
        "tabs": [
            {
                "label": label,
                "href": href,
                "count": f"{counts.get(o, 0) if o else sum(counts.values()):,}",
                "is_current": o is verdict,
            }
            for o, label, href in named
        ],
        "rows": order_rows(desk, job, verdict) if is_valid and not is_at_work else [],
        "most_shown": imports.MOST_SHOWN,
        "shown_of": counts.get(verdict, 0) if verdict else sum(counts.values()),
    }


def coming(job: Job) -> int:
    """Return how many orders a previewed file would make or change."""
    return int(job.params[Outcome.NEW] + job.params[Outcome.CHANGED])


def act_on(job: Job) -> str | None:
    """Return what a person may let be done with an import, as the button says it."""
    if job.state == JobState.PREVIEWED:
        orders = coming(job)
        return f"Bring in {orders:,} order{'' if orders == 1 else 's'}" if orders else None
    return "Go on" if may_be_asked(job, datetime.now(UTC)) else None


def news(job: Job) -> str:
    """Say how an import stands, as far as its report does not."""
    so_far = f"{job.done:,} of {job.total:,} orders"
    match JobState(job.state):
        case JobState.PREVIEWED if coming(job):
            return "Nothing has been brought in yet. This is what would happen."
        case JobState.PREVIEWED:
            return "Nothing in it is new here."
        case JobState.WAITING:
            return waiting(job)
        case JobState.RUNNING if is_lost(job, datetime.now(UTC)):
            return (
                f"It was cut off after {so_far}. A worker goes on with it by itself, and does nothing twice."
            )
        case JobState.RUNNING if job.params.get("is_dry_run"):
            return f"{so_far} are tried out. You may leave this page."
        case JobState.RUNNING:
            return f"{so_far} are done. You may leave this page."
        case JobState.FAILED:
            return (
                f"Something went wrong on our side after {so_far}. What was done stays. Go on: nothing is "
                f"done twice. If it happens again, tell whoever runs this desk: import {job.id}."
            )
        case JobState.REFUSED:
            return str(job.params["why"])
    return ""


def waiting(job: Job) -> str:
    """Say what an import waits for."""
    now = datetime.now(UTC)
    if job.heartbeat_at is None or job.heartbeat_at > now - SOON:
        return "It is about to begin. You may leave this page."
    if imports.is_any_at_work(now - LOST_AFTER):
        return "It waits its turn: another import is under way. You may leave this page."
    return (
        "It waits for the worker, which does not seem to run. Whoever runs this desk starts one with "
        "“flask --app app worker”; then it begins by itself."
    )


def order_rows(desk: Desk, job: Job, verdict: Outcome | None) -> list[OrderRow]:
    """Return the orders of a report, refused ones first."""
    return [
        OrderRow(
            line=row.line,
            external_id=row.external_id,
            badge=BADGES[Outcome(row.verdict)],
            reasons=row.reason.split("\n") if row.reason else [],
            number=number,
            href=url_for("sales.show", slug=desk.store.slug, order_id=row.order_id) if number else None,
        )
        for row, number in imports.rows(job.id, verdict)
    ]
