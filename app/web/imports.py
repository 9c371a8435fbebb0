"""Bringing in files of orders: first what would happen, order by order, then the same for good."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Blueprint, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.access import Desk, Permission
from app.actions.imports import LOST_AFTER, JobState, Kept, Outcome, beat, finish, keep_preview, start
from app.db import db
from app.errors import BadFile, NotFound
from app.exchange.importing import KINDS, File, Report, bring_in, read
from app.forms.base import body
from app.forms.uploads import OrderFileForm, ReportForm
from app.models import Job
from app.queries import imports, people
from app.web import display, htmx
from app.web.clock import Clock
from app.web.desk import open_desk

blueprint = Blueprint("imports", __name__, url_prefix="/stores/<slug>/import")

# More would keep a browser waiting longer than it waits; the command takes any number.
MOST_ORDERS = 2000

BADGES = {
    Outcome.NEW: display.Badge("New", "good"),
    Outcome.CHANGED: display.Badge("Changed", "info"),
    Outcome.SAME: display.Badge("Same", "plain"),
    Outcome.REFUSED: display.Badge("Refused", "bad"),
}
STATE_BADGES = {
    JobState.PREVIEWED: display.Badge("Preview", "wait", "ring"),
    JobState.RUNNING: display.Badge("Under way", "info", "half"),
    JobState.DONE: display.Badge("Brought in", "good"),
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
        if len(file.orders) > MOST_ORDERS:
            raise BadFile(
                f"It has {len(file.orders):,} orders; a page takes {MOST_ORDERS:,} at once. "
                "Bring it in by parts, or by the command “flask import”."
            )
    except BadFile as bad:
        form.file.errors = [bad.sentence]
        return asking(desk, form, 422)
    report = carried_out(file, desk, is_dry_run=True)
    job = keep_preview(
        kept(report),
        source=source,
        said={"file": form.file_name(), "kind": file.kind.name, **counted(report)},
        account_id=desk.actor.account_id,
        store_id=desk.store.id,
    )
    address = url_for("imports.show", slug=slug, job_id=job.id)
    db.session.commit()
    return htmx.go_to(address)


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
    said, address = dict(job.params), url_for("imports.show", slug=slug, job_id=job_id)
    has_begun = start(job_id, store_id=desk.store.id)
    db.session.commit()
    if not has_begun:
        flash(why_not(find_import(desk, job_id)), "error")
        return htmx.go_to(address)
    source = imports.source(desk.store.id, job_id) or b""
    file = read(source, desk.store.zone, desk.store.currency)

    def note(done: int, _total: int) -> None:
        beat(job_id, done)
        db.session.commit()

    report = carried_out(file, desk, is_dry_run=False, progress=note)
    finish(job_id, kept(report), {**said, **counted(report)})
    db.session.commit()
    flash(f"{said['file']}: {sentence(counted(report))}")
    return htmx.go_to(address)


def carried_out(
    file: File, desk: Desk, *, is_dry_run: bool, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Bring the file's orders in, or try it."""
    return bring_in(
        file,
        desk,
        is_dry_run=is_dry_run,
        commit=db.session.commit,
        rollback=db.session.rollback,
        progress=progress,
    )


def find_import(desk: Desk, job_id: int) -> Job:
    """Return an import of this store; NotFound for every other one."""
    job = imports.one(desk.store.id, job_id)
    if job is None:
        raise NotFound
    return job


def kept(report: Report) -> list[Kept]:
    """Return a report as it is kept."""
    return [
        Kept(order.line, order.external_id, order.outcome, "\n".join(order.reasons), order.order_id)
        for order in report.orders
    ]


def counted(report: Report) -> dict[str, int]:
    """Return how many orders and items a report is on, and how the orders ended."""
    counts = {outcome.value: report.count(outcome) for outcome in Outcome}
    return {"orders": len(report.orders), "items": report.items, **counts}


def sentence(said: dict[str, Any]) -> str:
    """Say in words what is in a file and how its orders ended."""
    if not said["orders"]:
        return "No orders are in it."
    ended = ", ".join(f"{said[o]:,} {o.value}" for o in Outcome if said[o])
    orders = f"{said['orders']:,} order{'' if said['orders'] == 1 else 's'}"
    return f"{orders}, {said['items']:,} item{'' if said['items'] == 1 else 's'}: {ended}."


def why_not(job: Job) -> str:
    """Say why a file cannot be brought in now."""
    return {
        JobState.DONE: "This file has been brought in already; nothing was done a second time.",
        JobState.LAPSED: "This preview is too old: choose the file again.",
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
        "most_orders": f"{MOST_ORDERS:,}",
    }
    return render_template("imports/index.html", **given), status


def report_of(desk: Desk, job: Job, verdict: Outcome | None, is_valid: bool) -> dict[str, Any]:
    """Return what the page of one import is given."""
    base = url_for("imports.show", slug=desk.store.slug, job_id=job.id)
    counts = imports.outcomes(job.id)
    named = [(None, "All", base), *((o, o.value.capitalize(), f"{base}?verdict={o.value}") for o in Outcome)]
    is_lost = bool(job.heartbeat_at and job.heartbeat_at < datetime.now(UTC) - LOST_AFTER)
    state = JobState(job.state)
    coming = job.params[Outcome.NEW] + job.params[Outcome.CHANGED]
    return {
        "desk": desk,
        "job": job,
        "base": base,
        "sentence": sentence(job.params),
        "when": Clock(desk.store.zone).exact(job.created_at),
        "badge": STATE_BADGES[state],
        "is_running": state is JobState.RUNNING and not is_lost,
        "may_run": state is JobState.PREVIEWED and coming > 0,
        "may_go_on": state is JobState.RUNNING and is_lost,
        "coming": coming,
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
        "rows": order_rows(desk, job, verdict) if is_valid else [],
        "most_shown": imports.MOST_SHOWN,
        "shown_of": counts.get(verdict, 0) if verdict else sum(counts.values()),
    }


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
