"""The background process: what takes long is done here, behind the pages.

The job's row in our table is the truth about it (`actions.jobs`); Huey's queue is only the bell. It carries
a job's id, rung after the commit, so that a worker takes it up at once. What the queue loses, or never got,
a worker finds in the table: it looks when it starts and every few seconds. So a job may be rung for any
number of times, and is done once.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from huey import Huey, PostgresHuey, RedisHuey
from huey.consumer import Consumer
from huey.exceptions import ConfigurationError
from huey.serializer import SignedSerializer
from huey.storage import SqliteStorage

from app import postman
from app.access import Desk, Permission, find_desk, person
from app.actions.account_mails import forget_old_mails
from app.actions.idempotency import forget_old
from app.actions.jobs import LOST_AFTER, Kept, Run, TakenOver, fail, finish, keep, put_back, refuse, start
from app.actions.keeping import forget_some
from app.db import db, with_driver
from app.errors import NotAllowed, NotFound, Refused
from app.exchange.importing import OrderReport, batches, read
from app.postman import connector, hooks
from app.queries import imports, people

NAME = "tradepost"
FILE = "queue.db"
# Two, so that one long import does not keep another store's waiting.
THREADS = 2
# Seconds: between two looks at the table of jobs, between two rounds of the postman, between two clearings,
# between two looks at the queue, between two batches of what is forgotten, until the batch at work must end.
SWEEP_EVERY = 10
ROUND_EVERY = 3
CLEAR_EVERY = 3600
LONGEST_NAP = 0.5
BREATH = 0.05
GRACE = 8
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NoQueue(Exception):
    """QUEUE_URL names no queue that can be had here; the text says why."""


class QueueFile(SqliteStorage):
    """Huey's queue in a file; where somebody took the file away, a new one is made."""

    _conn: Any

    def _create_connection(self) -> Any:
        """Open the file, with its tables, and remember which file it is."""
        connection = super()._create_connection()
        for statement in ("begin exclusive", *self.ddl, "commit"):
            connection.execute(statement)
        self.inode = inode(self.filename)
        return connection

    @property
    def conn(self) -> Any:
        """Return the connection to the file that is there now."""
        if self._conn is not None and inode(self.filename) != self.inode:
            self._conn.close()
            self._conn = None
        return super().conn


def inode(path: str) -> int | None:
    """Return by which number the disk knows a file; None where it is gone."""
    try:
        return Path(path).stat().st_ino
    except FileNotFoundError:
        return None


class Bell:
    """The queue of one app, and what its worker does when it is rung for a job."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.is_stopping: Callable[[], bool] = never

    @cached_property
    def ring(self) -> Any:
        """Return the task that lets a worker take up a job, by its id; NoQueue where there is no queue."""
        return queue_of(self.app).task(name="take_up")(self.take_up)

    def take_up(self, job_id: int) -> None:
        """Do a job, in the worker."""
        with self.app.app_context():
            work(job_id, self.is_stopping)


def never() -> bool:
    """Say no."""
    return False


def init_app(app: Flask) -> None:
    """Hang the bell up; the queue itself is opened when it is first needed."""
    app.extensions[NAME] = Bell(app)


def queue_of(app: Flask) -> Huey:
    """Return the queue that QUEUE_URL names; NoQueue where it cannot be had."""
    url = with_driver(app.config["QUEUE_URL"] or f"sqlite:///{queue_file(app)}")
    scheme = url.split(":", 1)[0]
    # Messages are pickled: who may write into the queue is not to run code here.
    given = {"results": False, "serializer": SignedSerializer(app.config["SECRET_KEY"], salt=NAME)}
    try:
        match scheme:
            case "sqlite":
                # Python's own SQLite opens it, whose WAL may be unsafe (see app.db).
                given |= {"storage_class": QueueFile, "journal_mode": "delete"}
                return Huey(NAME, filename=url.removeprefix("sqlite:///"), **given)
            case "postgresql+psycopg":
                return PostgresHuey(NAME, dsn=url.replace("+psycopg", "", 1), **given)
            case "redis" | "rediss":
                return RedisHuey(NAME, url=url, **given)
    except ConfigurationError as lacking:
        library = "psycopg" if scheme.startswith("postgresql") else "redis"
        raise NoQueue(
            f"TRADEPOST_QUEUE_URL needs the library {library}, which is not installed."
        ) from lacking
    except Exception as error:  # whatever the driver calls it
        raise NoQueue(f"The queue cannot be reached: {str(error).splitlines()[0]}") from error
    raise NoQueue(f"TRADEPOST_QUEUE_URL begins with sqlite:///, postgresql:// or redis://, not “{scheme}”.")


def queue_file(app: Flask) -> Path:
    """Return where the queue stands when nothing is said: beside the database, or in the instance folder."""
    with app.app_context():
        url = db.engine.url
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return (Path(str(url.database)).parent if is_file else Path(app.config["INSTANCE"])) / FILE


def ring(job_id: int) -> None:
    """Let a worker take a job up at once; where the queue fails, its next look at the table finds it."""
    try:
        current_app.extensions[NAME].ring(job_id)
    except Exception:
        current_app.logger.exception("job %s waits to be found: the queue was not reached", job_id)


def sweep() -> None:
    """Ring for every job that nobody is at and nobody has been rung for."""
    lying = imports.to_do(datetime.now(UTC) - LOST_AFTER)
    if lying:
        rung = {task.args[0] for task in current_app.extensions[NAME].ring.huey.pending()}
        for job_id in lying:
            if job_id not in rung:
                ring(job_id)


def work(job_id: int, is_stopping: Callable[[], bool] = never) -> None:
    """Do a job from where it stands, a batch after the other; nothing where somebody else is at it.

    When `is_stopping` says so, it is put back after the batch at work. What is refused or fails is kept
    as the job's end.
    """
    run = start(job_id)
    db.session.commit()
    if run is None:
        return
    end: Callable[[Run], None] = finish
    try:
        desk = desk_of(run)
        file = read(imports.source(job_id), desk.store.zone, desk.store.currency)
        for reports in batches(
            file, desk, is_dry_run=run.is_dry_run, rollback=db.session.rollback, begin=run.done
        ):
            later = keep(run, [kept(report) for report in reports])
            db.session.commit()
            run = later
            if is_stopping():
                end = put_back
                break
    except TakenOver:
        db.session.rollback()
        return
    except Refused as refused:
        end = partial(refuse, sentence=refused.sentence)
    except Exception:
        current_app.logger.exception("job %s failed", job_id)
        end = fail
    db.session.rollback()
    with suppress(TakenOver):
        end(run)
    db.session.commit()


def desk_of(run: Run) -> Desk:
    """Return the desk of whoever asked for the job; NotAllowed where they may not import there any more."""
    account = people.active_account(run.account_id or 0)
    try:
        if account is None:
            raise NotFound
        return find_desk(person(account), run.store_id, to=Permission.IMPORT)
    except (NotAllowed, NotFound) as gone:
        raise NotAllowed("Who asked for it may not bring orders into this store any more.") from gone


def kept(report: OrderReport) -> Kept:
    """Return what became of an order as the job's report keeps it."""
    return Kept(report.line, report.external_id, report.outcome, "\n".join(report.reasons), report.order_id)


def consumer_of(app: Flask) -> Consumer:
    """Return the threads that will work, not begun yet; NoQueue where there is no queue."""
    bell: Bell = app.extensions[NAME]
    consumer = bell.ring.huey.create_consumer(
        workers=THREADS, periodic=False, max_delay=LONGEST_NAP, scheduler_interval=60, shutdown_timeout=GRACE
    )
    bell.is_stopping = consumer.stop_flag.is_set
    return consumer


def run(app: Flask, consumer: Consumer) -> None:
    """Work until the process is told to stop: by SIGINT, SIGTERM or SIGHUP.

    What is at work then ends its batch and waits for the next worker.
    """
    asked: list[int] = []
    # Held back until our handlers stand: the consumer sets its own, which interrupt and start anew.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    consumer.start()
    # Beside the jobs, and beside each other: a server that is waited for keeps nothing else waiting.
    is_ending = threading.Event()
    rounds = (
        (postman.go_round, ROUND_EVERY),
        (hooks.go_round, ROUND_EVERY),
        (connector.go_round, ROUND_EVERY),
        (forget, CLEAR_EVERY),
    )
    postmen = [
        threading.Thread(target=go_rounds, args=(app, is_ending, go, every), daemon=True)
        for go, every in rounds
    ]
    for each in postmen:
        each.start()
    for stop in STOPS:
        signal.signal(stop, lambda number, _frame: asked.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    next_look = 0.0
    while not asked:
        if time.monotonic() >= next_look:
            look(app)
            consumer.check_worker_health()
            next_look = time.monotonic() + SWEEP_EVERY
        time.sleep(0.1)
    is_ending.set()
    consumer.stop(graceful=True)
    for each in postmen:
        each.join(GRACE)


def go_rounds(
    app: Flask, is_ending: threading.Event, go: Callable[..., None], every: int = ROUND_EVERY
) -> None:
    """Let a postman go round every few seconds, until the worker ends."""
    while not is_ending.is_set():
        postman.walk(app, is_ending.is_set, go)
        is_ending.wait(every)


def forget(is_stopping: Callable[[], bool] = never) -> None:
    """Forget what is kept no longer, in small batches: others write in between."""
    forget_old(now=datetime.now(UTC))
    forget_old_mails(now=datetime.now(UTC))
    db.session.commit()
    while not is_stopping() and forget_some(now=datetime.now(UTC)):
        db.session.commit()
        time.sleep(BREATH)
    db.session.rollback()


def look(app: Flask) -> None:
    """Sweep; what fails is logged, and tried again at the next look."""
    try:
        with app.app_context():
            sweep()
    except Exception:
        app.logger.exception("the jobs could not be looked at")
