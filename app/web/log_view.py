"""The log as its pages show it: one entry an act, with what it changed; and as a file of all its events."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from io import BytesIO
from itertools import groupby
from typing import Any, NamedTuple

from flask import Response, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from app.errors import Refused
from app.exchange.csv_out import written
from app.forms.log import LogForm
from app.queries import log
from app.queries.log import Asked, Told
from app.statuses import ActorKind, Door, ItemStatus
from app.web.clock import Clock
from app.web.sale_view import SAID

# What acts did, by their verbs: those of a sale, and those that concern a store, its people or the site.
VERBS = {
    **SAID,
    "set_store": "changed the settings",
    "combine": "combined sales",
    "ship": "shipped",
    "label": "made a label",
    "set_tracking": "set a tracking number",
    "say_waiting": "said that it has not come yet",
    "add_webhook": "added a webhook",
    "change_webhook": "changed a webhook",
    "end_webhook": "ended a webhook",
    "rotate_webhook_secret": "made a webhook’s secret anew",
    "ping_webhook": "tried a webhook out",
    "send_message_again": "sent a webhook’s message again",
    "connect": "connected the store to an account elsewhere",
    "disconnect": "disconnected the store",
    "pause": "paused the connection",
    "resume": "let the connection go on",
    "pull_now": "asked for sales to be read anew",
    "tell_again": "let a sale be told again elsewhere",
    "took_earlier_sales_in": "took earlier sales in",
    "invite": "invited",
    "withdraw_invitation": "withdrew an invitation",
    "decline_invitation": "declined an invitation",
    "join": "joined",
    "change_place": "changed the place of",
    "remove_member": "removed",
    "leave": "left",
    "end_token": "ended a token",
    "make_store": "made the store",
    "disable_store": "disabled the store",
    "enable_store": "enabled the store",
    "hand_store_over": "handed the store over",
    "make_account": "made the account of",
    "disable_person": "disabled",
    "enable_person": "enabled",
    "make_admin": "made a site admin of",
    "unmake_admin": "took the site from",
    "sign_out_person": "signed out everywhere",
    "export_person": "gave a person’s data out",
    "erase_person": "erased a person",
}
# Some 20 MB.
MOST_IN_FILE = 50_000
BY_KIND = {
    ActorKind.PERSON: "",
    ActorKind.TOKEN: "by token",
    ActorKind.IMPORT: "by import",
    ActorKind.ADMIN: "as site admin",
    ActorKind.SYSTEM: "",
}
BY_DOOR = {Door.PAGE: "", Door.API: "by API", Door.IMPORT: "by import", Door.SYSTEM: "by itself"}
COLUMNS = (
    "event",
    "at (UTC)",
    "store",
    "person id",
    "person",
    "as",
    "door",
    "act",
    "what",
    "sale",
    "row",
    "row id",
    "before",
    "after",
)


class Entry(NamedTuple):
    """One act: who did what when, to which sale or person, and what it changed."""

    who: str
    who_id: int | None
    how: str
    what: str
    whom: str
    sale: int | None
    sale_href: str
    store: str
    when: str
    ago: str
    changes: list[str]


def page(
    template: str, form: LogForm, asked: Asked | None, clock: Clock, **given: Any
) -> ResponseReturnValue:
    """Render a page of a log; nothing is listed where the form is wrong (`asked` None)."""
    found, has_older = log.page(asked, form.before.data) if asked else ([], False)
    base: str = given["base"]
    query = form.query()
    return render_template(
        template,
        form=form,
        verbs=sorted(VERBS.items(), key=lambda pair: pair[1]),
        entries=entries(found, clock),
        older=f"{base}?{form.query(before=found[-1].id)}" if has_older else "",
        newest=f"{base}?{query}" if form.before.data else "",
        only_person=f"{base}?{form.query(person=None)}{'&' if form.query(person=None) else ''}person=",
        is_narrowed=bool(query),
        zone=clock.name,
        **given,
    ), 200 if asked else 422


def entries(found: Iterable[Told], clock: Clock) -> list[Entry]:
    """Return events as entries, one an act, in their order."""
    return [entry(list(group), clock) for _, group in groupby(found, key=lambda e: (e.act_id, e.verb))]


def entry(act: Sequence[Told], clock: Clock) -> Entry:
    """Return the events of one act as an entry."""
    first = act[0]
    numbered = next((e for e in act if e.number is not None), None)
    by = (BY_KIND[ActorKind(first.actor_kind)], BY_DOOR[Door(first.door)])
    whom = next((e.whom or e.token for e in act if e.whom or e.token), None)
    is_oneself = first.row_kind == "member" and first.row_id == first.actor_id
    what = VERBS.get(first.verb, first.verb.replace("_", " "))
    if first.verb == "join" and not is_oneself:
        what = "gave a place to"
    return Entry(
        who=first.actor or "Tradepost",
        who_id=first.actor_id,
        how=", ".join(dict.fromkeys(words for words in by if words and first.actor)),
        what=what,
        whom="" if whom is None or is_oneself else whom,
        sale=numbered.number if numbered else None,
        sale_href=url_for("sales.show", slug=numbered.slug, order_id=numbered.order_id) if numbered else "",
        store=first.slug or "",
        when=clock.exact(first.at).removesuffix(f" ({clock.name})"),
        ago=clock.age(first.at),
        changes=[words for e in reversed(act) if (words := changed(e))],
    )


def row_of(event: Told) -> tuple[str, int | None]:
    """Return what kind of row an event tells of, and its id."""
    if event.row_kind is not None:
        return event.row_kind, event.row_id
    if event.item_id is not None:
        return "item", event.item_id
    if event.parcel_id is not None:
        return "parcel", event.parcel_id
    return ("sale", event.order_id) if event.order_id is not None else ("store", event.store_id)


def changed(event: Told) -> str:
    """Say what an event changed: each value as it was and as it became."""
    before, after = event.before or {}, event.after or {}
    kind, row_id = row_of(event)
    said = [f"{name} {_values(name, before, after)}" for name in {**before, **after}]
    how = " (new)" if event.before is None else " (gone)" if event.after is None else ""
    return f"{kind} {row_id}{how}: {', '.join(said)}" if said or how else ""


def _values(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """Say a value as it was and became."""
    sides = [_value(name, side[name]) for side in (before, after) if name in side]
    return " → ".join(dict.fromkeys(sides)) if len(sides) == 1 or sides[0] != sides[1] else sides[0]


def _value(name: str, value: Any) -> str:
    """Say a value; of a status its word."""
    if name == "status" and isinstance(value, int) and value in set(ItemStatus):
        return f"“{ItemStatus(value).label}”"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, list):
        return " + ".join(map(str, value)) or "none"
    return str(value) if value != "" else "empty"


class TooLong(Refused):
    """More of the log is asked for than is given out in one file."""

    status = 422
    sentence = f"A file holds at most {MOST_IN_FILE:,} events: ask for one day, person or sale."


def file(asked: Asked, name: str) -> Response:
    """Answer all that is asked for as a file of CSV; TooLong for more than MOST_IN_FILE events."""
    # Written whole before it is sent: what goes wrong is told, and no database is held by a slow reader.
    held = BytesIO()
    for n, line in enumerate(written(COLUMNS, (row(event) for event in log.everything(asked)))):
        if n > MOST_IN_FILE:
            raise TooLong
        held.write(line.encode())
    held.seek(0)
    return send_file(held, "text/csv", as_attachment=True, download_name=name)


def row(event: Told) -> Sequence[object]:
    """Return an event as a row of the file."""
    kind, row_id = row_of(event)
    sides = [json.dumps(side, ensure_ascii=False) if side is not None else "" for side in event[12:14]]
    return (
        event.id,
        event.at.astimezone(UTC).isoformat(timespec="seconds"),
        event.slug,
        event.actor_id,
        event.actor or "Tradepost",
        event.actor_kind,
        event.door,
        event.verb,
        VERBS.get(event.verb, ""),
        event.number,
        kind,
        row_id,
        *sides,
    )
