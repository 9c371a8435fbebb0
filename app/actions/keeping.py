"""What is kept no longer is forgotten, some of it at a time: the worker asks until nothing is left."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update

from app.access import SYSTEM
from app.actions.forgetting import forget_buyers
from app.actions.webhooks import forget_messages
from app.db import db, take_write_lock
from app.models import JobRow, Outbox
from app.queries import keeping

# Reports of imports quote their files; mails say where they went; messages are long.
KEPT_FOR = timedelta(days=30)
# So many sales at once: others wait for the write lock meanwhile.
SALES_AT_ONCE = 20
ROWS_AT_ONCE = 500


def forget_some(*, now: datetime) -> bool:
    """Forget some of what is kept no longer, and tell whether there may be more; the door commits."""
    if found := keeping.due(now, SALES_AT_ONCE):
        forget_buyers(found.order_ids, actor=SYSTEM, store_id=found.store_id, at=now)
        return True
    return _prune(now)


def _prune(now: datetime) -> bool:
    """Drop some of what was at its end long before now; tell whether there was any."""
    before = now - KEPT_FOR
    if reports := keeping.old_reports(before, 1):
        take_write_lock()
        db.session.execute(delete(JobRow).where(JobRow.job_id.in_(reports)))
        return True
    if forget_messages(now=now):
        return True
    if mails := keeping.old_recipients(before, ROWS_AT_ONCE):
        take_write_lock()
        db.session.execute(update(Outbox).where(Outbox.id.in_(mails)).values(recipient=""))
        return True
    return False
