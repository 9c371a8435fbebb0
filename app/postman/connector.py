"""The connector: visits the marketplaces that stores are connected to, tells what is owed, pulls what is new.

A visit is one worker's, and ends after some seconds, so that no store waits for another one's long history;
what it did not reach is the next one's. Nothing of the database is held while a server is spoken to.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app

from app.actions import pulling, tidings
from app.actions.jobs import TakenOver
from app.actions.pulled import SaleTold, take_sales
from app.actions.pulling import Remark, Run, Visit
from app.actions.tidings import Owed
from app.db import db
from app.errors import Refused
from app.exchange.hip import NotASale, Sale, known_there, read_sale
from app.postman import never, report
from app.postman.hip_calls import Hip, Listed, Trouble, Window
from app.queries import connections
from app.seals import decrypted
from app.statuses import Shipping

# Seconds that one visit may take before it begins something more.
VISIT = 20
# The longest window that is asked for, and the shortest; one with more sales than this is halved.
LONGEST_WINDOW, SHORTEST_WINDOW = timedelta(days=30), timedelta(seconds=2)
MOST_AT_ONCE = 1000
# Of one moment at most so many.
MOST_OF_A_MOMENT = 20_000
# A list that changes while it is read is read again, so often.
READINGS = 3
BATCH = 25
BEAT_EVERY = timedelta(seconds=10)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


class Clock:
    """When a visit is to end."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self.until, self.is_stopping = time.monotonic() + VISIT, is_stopping

    def is_over(self) -> bool:
        """Tell whether nothing more is to be begun."""
        return self.is_stopping() or time.monotonic() >= self.until


def key_purpose(store_id: int) -> str:
    """Return what a connection's key is sealed for."""
    return f"connection:{store_id}"


def go_round(is_stopping: Callable[[], bool] = never) -> None:
    """Visit every connection that is due, until told to stop."""
    for connection_id in pulling.ready():
        if is_stopping():
            return
        visit(connection_id, is_stopping)


def visit(connection_id: int, is_stopping: Callable[[], bool] = never) -> None:
    """Visit one connection, unless it is not due or another worker is at it."""
    held = pulling.claim(connection_id)
    db.session.commit()
    if held is None:
        return
    trip = Trip(held, Clock(is_stopping))
    try:
        trip.go()
    except TakenOver:
        db.session.rollback()
    except Trouble as trouble:
        current_app.logger.warning("connection %s: a call came to nothing", held.id)
        trip.put_off(trouble.words, trouble.wait)
    except Exception as error:
        report(held, error, "connection")
        trip.put_off("The visit could not be finished: the desk's log says why.")


class Trip:
    """One visit under way."""

    def __init__(self, held: Visit, clock: Clock) -> None:
        self.held, self.clock = held, clock
        self.zone = held.zone

    def go(self) -> None:
        """Tell what is owed, then pull, until all is done or the time is over."""
        hip = self._hip()
        is_due = self.held.next_at <= datetime.now(UTC)
        if self._tell_all(hip) and is_due:
            self._pull(hip)
        else:
            pulling.leave(self.held)
            db.session.commit()

    def put_off(self, why: str, wait: timedelta | None = None) -> None:
        """End the visit with what went wrong; the next one comes later each time, and never in step."""
        db.session.rollback()
        grown = min(FIRST_WAIT * 2 ** min(self.held.tries, 10), LONGEST_WAIT) * random.uniform(0.75, 1.25)
        try:
            pulling.put_off(self.held, why, max(grown, wait or grown), is_asked=wait is not None)
            db.session.commit()
        except TakenOver:
            db.session.rollback()

    def _hip(self) -> Hip:
        """Return the account with its key; Trouble where that cannot be read."""
        settings = current_app.config
        key = decrypted(settings["SECRET_KEY"], key_purpose(self.held.store_id), self.held.sealed_key)
        if key is None:
            raise Trouble("The key cannot be read since the desk’s secret changed: enter it again.")
        return Hip(
            self.held.base_url,
            self.held.username,
            self.zone,
            key.decode(),
            seconds=settings["MARKET_TIMEOUT"],
            may_be_private=settings["WEBHOOK_PRIVATE"],
        )

    # --- telling

    def _tell_all(self, hip: Hip) -> bool:
        """Tell all that is due; False where the time was over before. Trouble where nobody can be told."""
        for order_id in tidings.due(self.held.store_id):
            if self.clock.is_over():
                return False
            owed = tidings.owed(order_id)
            db.session.rollback()
            if owed is not None:
                self._tell(hip, owed)
        return True

    def _tell(self, hip: Hip, owed: Owed) -> None:
        """Tell of one sale; a refusal is its own, every other trouble that of the whole visit."""
        try:
            if owed.is_unsure:
                owed = self._asked(hip, owed)
            flags = said_of(owed)
            if flags:
                self._note(tidings.note_try, owed)
                hip.put(owed.external_id, flags)
            self._note(tidings.note_told, owed)
        except NotASale as wrong:
            why = f"The server tells of the sale otherwise: {wrong.sentence}"
            self._note(tidings.note_refusal, owed, why)
        except Trouble as trouble:
            if trouble.is_refusal:
                self._note(tidings.note_refusal, owed, trouble.words)
                return
            self._note(tidings.note_failure, owed, trouble.words, trouble.wait)
            raise

    def _asked(self, hip: Hip, owed: Owed) -> Owed:
        """Ask what is known there of a sale, and write it down."""
        shipping, link = known_there(hip.sale(owed.external_id))
        self._note(tidings.note_heard, owed, shipping, link)
        return owed._replace(shipping=shipping, link=link, is_unsure=False)

    def _note(self, how: Callable[..., None], *told: object) -> None:
        """Write something down, if the visit is still ours: its row is locked first, as acts lock it."""
        self.held = pulling.hold_on(self.held)
        how(*told)
        db.session.commit()

    def _beat(self) -> None:
        """Show that the visit goes on, where nothing was written for a while."""
        if datetime.now(UTC) > self.held.mark + BEAT_EVERY:
            self.held = pulling.hold_on(self.held)
            db.session.commit()

    # --- pulling

    def _pull(self, hip: Hip) -> None:
        """Go on with the pull, window by window, and leave."""
        self.held = pulling.hold_on(self.held)
        run = pulling.begin(self.held)
        db.session.commit()
        span = LONGEST_WINDOW
        while True:
            asked_at = datetime.now(UTC)
            window = Window(run.at, min(run.at + span, run.until))
            sales = read_window(hip, window, self._beat)
            if sales is None:
                span = max((window.end - window.begin) / 2, SHORTEST_WINDOW)
                continue
            self._take_in(run, window, sales, asked_at)
            run = run._replace(at=window.end)
            span = min(span * 2, LONGEST_WINDOW)
            if run.at >= run.until:
                pulling.finish(self.held, run, pulling.EVERY * random.uniform(0.9, 1.1))
                break
            if self.clock.is_over():
                pulling.leave(self.held)
                break
        db.session.commit()

    def _take_in(self, run: Run, window: Window, sales: Sequence[Sale], asked_at: datetime) -> None:
        """Take the sales of a window in; with the last of them the pull moves to the window's end."""
        batches = [sales[first : first + BATCH] for first in range(0, len(sales), BATCH)] or [[]]
        for n, batch in enumerate(batches, start=1):
            counts, remarks = self._taken(batch, asked_at)
            at = window.end if n == len(batches) else None
            self.held = pulling.keep(self.held, run, counts, remarks, at)
            db.session.commit()

    def _taken(self, batch: Sequence[Sale], asked_at: datetime) -> tuple[Counter[str], list[Remark]]:
        """Take some sales in; return how many came to what, and what is to be said of them."""
        known = connections.known_among(self.held.store_id, [sale.id for sale in batch])
        db.session.rollback()
        told: dict[str, SaleTold] = {}
        remarks = []
        for sale in batch:
            try:
                told[sale.id] = read_sale(sale, self.zone, asked_at, is_known=sale.id in known)
            except Refused as refused:
                remarks.append(Remark(sale.id, None, "refused", (refused.sentence,)))
        done = take_sales([*told.values()], store_id=self.held.store_id, asked_at=asked_at) if told else []
        counts = Counter(refused=len(remarks))
        for external_id, outcome in zip(told, done, strict=True):
            if isinstance(outcome, Refused):
                remark = Remark(external_id, None, "refused", (outcome.sentence,))
            else:
                remark = Remark(external_id, outcome.order_id, outcome.verdict.value, outcome.said)
            counts[remark.verdict] += 1
            if remark.said:
                remarks.append(remark)
        return counts, remarks


def said_of(owed: Owed) -> dict[str, object]:
    """Return the flags that tell a marketplace of a sale what it does not know."""
    flags: dict[str, object] = {}
    if owed.says_shipping:
        flags["flag_shipping"] = int(owed.own_shipping)
    if owed.says_link and (owed.own_shipping == Shipping.SHIPPED or not owed.says_shipping):
        flags["tracking_link"] = owed.own_link
    return flags


def read_window(hip: Hip, window: Window, beat: Callable[[], None] = lambda: None) -> list[Sale] | None:
    """Return all sales that were made in a window, oldest first; None where they are too many at once.

    A list that changes between two of its pages may hide a sale between them: then it is read again. `beat`
    is called after each page.
    """
    found: dict[str, Sale] = {}
    nameless: list[Sale] = []
    for _ in range(READINGS):
        listed = hip.sales(window, 1)
        if listed.total > MOST_AT_ONCE and window.end - window.begin > SHORTEST_WINDOW:
            return None
        if listed.total > MOST_OF_A_MOMENT:
            raise Trouble(f"The server tells of {listed.total} sales of one moment: these are too many.")
        read = [*_pages(hip, window, listed, beat)]
        found |= {sale.id: sale for page in read for sale in page.sales if sale.id}
        ids = {sale.id for page in read for sale in page.sales if sale.id}
        nameless = [sale for page in read for sale in page.sales if not sale.id]
        if {page.total for page in read} == {len(ids) + len(nameless)}:
            break
    by_age = sorted(found.values(), key=lambda sale: (str(sale.said.get("created_at", "")), int(sale.id)))
    return [*by_age, *nameless]


def _pages(hip: Hip, window: Window, listed: Listed, beat: Callable[[], None]) -> Iterator[Listed]:
    """Yield the pages of a list, the first of which was read already; one that brings nothing new ends it."""
    n, read, seen = 1, 0, set[str]()
    while True:
        beat()
        yield listed
        read += len(listed.sales)
        is_new = any(not sale.id or sale.id not in seen for sale in listed.sales)
        if not is_new or read >= listed.total:
            return
        seen |= {sale.id for sale in listed.sales}
        n += 1
        listed = hip.sales(window, n)
