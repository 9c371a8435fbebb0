"""One body through many doors: what each door answers, and what the rows are afterwards."""

import html
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from werkzeug.test import TestResponse

from tests.house.conftest import House

DONE, NOTHING, REFUSED = "done", "done, and nothing changed", "refused"
ACT_ID = re.compile(r'"act_id": [0-9]+')
Sending = Callable[[], TestResponse]


class Came(NamedTuple):
    """What came of a body at every door: status (as a page has it), text, and whether rows changed."""

    statuses: dict[str, int]
    texts: dict[str, str]
    has_changed: bool
    elsewhere: list[str]  # the doors after which the rows are others than after the first

    def unlike(self, outcome: str) -> dict[str, int]:
        """Return the doors whose answer is not that of this outcome, with their statuses."""
        is_done = outcome in {DONE, NOTHING}
        return {door: status for door, status in self.statuses.items() if (status == 200) != is_done}


def rows(house: House, **without: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows, but for what tells one door from another, and for these columns of these tables.

    Left out are an act's id and door, last uses, and what a program asked for under which key.
    """
    by_act = {"event": ("act_id", "actor_kind", "door"), "outbox": ("dedupe",)}
    found = house.dump(**by_act, api_token=("used_at",), signin=("seen_at",), **without)
    del found["idempotency"]
    # What is owed names the act in its payload, too.
    found["outbox"] = [tuple(ACT_ID.sub("", str(cell)) for cell in row) for row in found["outbox"]]
    return found


def send_through(
    house: House,
    doors: Iterable[tuple[str, Sending]],
    restore: Callable[[], None],
    **without: tuple[str, ...],
) -> Came:
    """Send a body through every door, each on the same desk; `without` as `rows` has it."""
    before, statuses, texts, afters = rows(house, **without), {}, {}, {}
    for door, send in doors:
        answer = send()
        statuses[door] = {400: 422, 303: 200, 201: 200}.get(answer.status_code, answer.status_code)
        texts[door], afters[door] = answer.text, rows(house, **without)
        if afters[door] != before:
            restore()
    first = next(iter(afters.values()))
    return Came(statuses, texts, first != before, [door for door in afters if afters[door] != first])


def seen(page: str) -> str:
    """Return the words of a page as they are read."""
    return html.unescape(re.sub(r"<[^>]*>", " ", page))
