"""The worker: killed, stopped, doubled or deaf, it brings every order in, and each once."""

import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from app import create_app, postman, worker
from app.actions.idempotency import KEPT_FOR
from app.actions.jobs import TakenOver, ask, keep, keep_file, start
from app.db import db
from app.models import Idempotency, Job, JobRow, Order
from app.queries import people
from tests.conftest import TEST_SETTINGS, email_of
from tests.exchange.conftest import items_file
from tests.postgres import Refilled
from tests.processes import Process
from tests.rules.books import recount, tally

Hire = Callable[[], Process]
LONGEST_WAIT = 30


SECRET = "a secret of the worker's tests"
BOTH = pytest.mark.parametrize(
    "kind_of_database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)


@pytest.fixture
def desk(
    database: Path, tmp_path: Path, kind_of_database: str, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """A desk where workers find it: in a folder of its own, or on PostgreSQL, and its queue beside it."""
    if kind_of_database == "postgresql":
        stage: Refilled = request.getfixturevalue("postgres_desk")
        stage.refill()
        url = queue_url = stage.app.config["SQLALCHEMY_DATABASE_URI"]
    else:
        url, queue_url = f"sqlite:///{shutil.copy(database, tmp_path / 'tradepost.db')}", ""
    app = create_app(
        {**TEST_SETTINGS, "SECRET_KEY": SECRET, "SQLALCHEMY_DATABASE_URI": url, "QUEUE_URL": queue_url}
    )
    with app.app_context():
        queue = app.extensions[worker.NAME].ring.huey
        queue.flush()
        yield app
        queue.storage.close()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def hire(desk: Flask, tmp_path: Path) -> Iterator[Hire]:
    """Return what starts a worker as `make run` does; what still runs at the end is ended."""
    settings = {
        "INSTANCE": str(tmp_path),
        "SECRET_KEY": SECRET,
        "DATABASE_URL": desk.config["SQLALCHEMY_DATABASE_URI"],
        "QUEUE_URL": desk.config["QUEUE_URL"],
        "DURABLE": "0",
    }
    env = os.environ | {f"TRADEPOST_{name}": value for name, value in settings.items()}
    hired: list[Process] = []

    def started() -> Process:
        hired.append(Process("flask", "--app", "app", "worker", env=env))
        return hired[-1]

    yield started
    for process in hired:
        process.kill()
        process.communicate(timeout=LONGEST_WAIT)


def asked(orders: int) -> int:
    """Let a file of so many orders be brought into the paper shop by its staff; return the job's id."""
    account, place = people.account_by_email(email_of("staff")), people.place("papershop", None)
    assert account is not None
    assert place is not None
    file = items_file(*({"Order ID": str(n), "Transaction ID": str(n)} for n in range(1, orders + 1)))
    said = {"file": "etsy.csv", "kind": "Etsy sold order items", "orders": orders, "items": orders}
    by: dict[str, Any] = {"account_id": account.id, "store_id": place.store.id}
    job_id = keep_file(file, said, total=orders, **by)
    change(job_id, state="previewed")
    assert ask(job_id, **by)
    db.session.commit()
    return job_id


def change(job_id: int, **values: Any) -> None:
    """Change a job in the table, behind everybody's back."""
    db.session.execute(update(Job).where(Job.id == job_id).values(**values))
    db.session.commit()


def age(job_id: int) -> None:
    """Let a job not have been heard of for long."""
    change(job_id, heartbeat_at=datetime.now(UTC) - timedelta(minutes=5))


def stand(job_id: int) -> tuple[str, int]:
    """Return a job's state, and how many orders are done."""
    db.session.rollback()
    found = db.session.execute(select(Job.state, Job.done).where(Job.id == job_id)).one()
    return found[0], found[1]


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something; fail where it never comes."""
    end = time.monotonic() + LONGEST_WAIT
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def wait_until_ready(process: Process) -> None:
    """Wait until a worker can be rung for."""
    assert process.stdout.readline() == "The worker is ready.\n"


def wait_until_done(job_id: int) -> None:
    """Wait for a job's end."""
    wait_until(lambda: stand(job_id)[0] == "done")


def orders() -> int:
    """Return how many orders there are."""
    return db.session.scalar(select(func.count(Order.id))) or 0


def assert_all_is_new_once(desk: Flask, job_id: int, n: int) -> None:
    """Every order is there once, the report says so, and the books are right."""
    db.session.rollback()
    assert stand(job_id) == ("done", n)
    assert orders() == n
    told = select(JobRow.verdict, func.count(), func.count(JobRow.order_id.distinct())).group_by(
        JobRow.verdict
    )
    assert db.session.execute(told.where(JobRow.job_id == job_id)).all() == [("new", n, n)]
    job = db.session.get_one(Job, job_id)
    assert (job.params["new"], job.params["same"], job.source) == (n, 0, None)
    db.session.rollback()
    assert tally(desk) == recount(desk)


def rung(desk: Flask) -> list[int]:
    """Return which jobs the queue holds."""
    return [task.args[0] for task in desk.extensions[worker.NAME].ring.huey.pending()]


# Real workers.


@BOTH
def test_a_worker_killed_in_the_middle_leaves_nothing_doubled_and_nothing_lost(
    desk: Flask, hire: Hire
) -> None:
    job_id = asked(400)
    worker.ring(job_id)
    first = hire()
    wait_until(lambda: stand(job_id)[1] >= 100)
    first.kill()
    first.wait(LONGEST_WAIT)
    state, done = stand(job_id)
    assert state == "running"
    assert 100 <= done == orders() < 400
    desk.extensions[worker.NAME].ring.huey.flush()  # Huey promises a message at most once
    age(job_id)
    hire()
    wait_until_done(job_id)
    assert_all_is_new_once(desk, job_id, 400)


def test_a_worker_that_finds_its_database_away_waits_for_it(desk: Flask, hire: Hire, tmp_path: Path) -> None:
    db.session.remove()
    db.engine.dispose()
    here, aside = tmp_path / "tradepost.db", tmp_path / "aside.db"
    here.rename(aside)
    here.mkdir()
    process = hire()
    assert process.stdout.readline().startswith("The database cannot be reached.")
    here.rmdir()
    aside.rename(here)
    wait_until_ready(process)


def test_a_worker_told_to_stop_puts_its_job_back_behind_a_whole_batch(desk: Flask, hire: Hire) -> None:
    job_id = asked(400)
    stopped = hire()
    wait_until(lambda: stand(job_id)[1] >= 100)
    stopped.send_signal(signal.SIGINT)  # from the terminal, and at once from `make run`:
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(LONGEST_WAIT) == 0
    state, done = stand(job_id)
    assert state == "waiting"
    assert 100 <= done == orders() < 400
    worker.work(job_id)
    assert_all_is_new_once(desk, job_id, 400)


def test_two_workers_at_once_bring_nothing_in_twice(desk: Flask, hire: Hire) -> None:
    for ready in (hire(), hire()):
        wait_until_ready(ready)
    jobs = [asked(150), asked(150)]
    for _ in range(5):
        for job_id in jobs:
            worker.ring(job_id)
    for job_id in jobs:
        wait_until_done(job_id)
    # The two files tell the same orders: each is new in one of them.
    told = select(JobRow.verdict, func.count()).group_by(JobRow.verdict).order_by(JobRow.verdict)
    assert db.session.execute(told).all() == [("new", 150), ("same", 150)]
    assert orders() == 150
    db.session.rollback()
    assert tally(desk) == recount(desk)


def test_a_worker_whose_queue_was_taken_away_hears_again(desk: Flask, hire: Hire, tmp_path: Path) -> None:
    ready = hire()
    wait_until_ready(ready)
    worker.ring(0)
    wait_until(lambda: rung(desk) == [])
    (tmp_path / worker.FILE).unlink()
    job_id = asked(3)
    worker.ring(job_id)
    wait_until_done(job_id)
    ready.send_signal(signal.SIGTERM)
    assert ready.wait(LONGEST_WAIT) == 0


# What the worker does, step by step.


def test_the_queue_stands_beside_the_database(desk: Flask, tmp_path: Path) -> None:
    worker.ring(asked(1))
    assert (tmp_path / worker.FILE).exists()


def test_a_sweep_rings_once_for_what_waits(desk: Flask) -> None:
    job_id = asked(1)
    worker.look(desk)
    worker.look(desk)
    assert rung(desk) == [job_id]


@BOTH
def test_a_sweep_rings_for_what_was_cut_off_and_for_nothing_that_is_at_work_or_ended(desk: Flask) -> None:
    cut_off, at_work, done, failed = (asked(1) for _ in range(4))
    assert start(cut_off)
    assert start(at_work)
    db.session.commit()
    age(cut_off)
    worker.work(done)
    change(failed, state="failed")
    worker.look(desk)
    assert rung(desk) == [cut_off]


@BOTH
def test_keys_and_reports_are_forgotten_when_they_were_kept_long_enough(desk: Flask, hire: Hire) -> None:
    now = datetime.now(UTC)
    kept = {"account_id": 1, "fingerprint": "x", "status": 201, "answer": "{}"}
    for key, days in (("old", KEPT_FOR.days + 1), ("young", KEPT_FOR.days - 1)):
        db.session.add(Idempotency(key=key, claimed_at=now - timedelta(days=days), **kept))
    at = now - timedelta(days=KEPT_FOR.days + 1)
    db.session.add(Job(id=9, store_id=1, kind="import", state="done", created_at=at, params={}))
    db.session.flush()
    db.session.add(JobRow(job_id=9, line=1, verdict="refused", reason="“Maja” is no country."))
    db.session.commit()
    hire()
    wait_until(
        lambda: keys() == ["young"] and not db.session.scalar(select(func.count()).select_from(JobRow))
    )


def keys() -> list[str]:
    """Return the keys of requests that are kept."""
    db.session.rollback()
    return list(db.session.scalars(select(Idempotency.key)))


def reports() -> list[int]:
    """Return the imports whose reports are kept."""
    return list(db.session.scalars(select(JobRow.job_id)))


def test_a_clearing_that_fails_is_logged_and_ends_no_worker(
    desk: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    db.session.execute(text("DROP TABLE idempotency"))
    db.session.commit()
    postman.walk(desk, go=worker.forget)
    assert "a round was broken off" in caplog.text


def test_a_job_is_done_once_however_often_it_is_rung_for(desk: Flask) -> None:
    job_id = asked(3)
    for _ in range(3):
        worker.work(job_id)
    assert_all_is_new_once(desk, job_id, 3)


@BOTH
def test_a_run_that_was_thought_lost_writes_nothing_more(desk: Flask) -> None:
    job_id = asked(3)
    first = start(job_id)
    db.session.commit()
    assert first is not None
    age(job_id)
    second = start(job_id)
    db.session.commit()
    assert second is not None
    with pytest.raises(TakenOver):
        keep(first, [])
    db.session.rollback()
    keep(second, [])


def test_a_worker_that_was_overtaken_leaves_the_job_alone(
    desk: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = asked(3)
    reading = worker.read

    def read_slowly(*file: Any) -> Any:
        age(job_id)
        assert start(job_id)
        db.session.commit()
        return reading(*file)

    monkeypatch.setattr(worker, "read", read_slowly)
    worker.work(job_id)
    assert stand(job_id) == ("running", 0)
    assert orders() == 0


def test_where_the_queue_cannot_be_reached_the_job_waits_to_be_found(
    desk: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = tmp_path / "away"
    desk.config["QUEUE_URL"] = f"sqlite:///{away / 'queue.db'}"
    worker.init_app(desk)
    job_id = asked(3)
    worker.ring(job_id)
    worker.look(desk)
    assert f"job {job_id} waits to be found" in caplog.text
    assert stand(job_id) == ("waiting", 0)
    away.mkdir()
    worker.look(desk)
    assert rung(desk) == [job_id]


def test_a_message_that_we_did_not_sign_runs_nothing(desk: Flask) -> None:
    worker.ring(1)
    queue = desk.extensions[worker.NAME].ring.huey
    queue.flush()
    queue.storage.enqueue(pickle.dumps(("forged",)) + b":" + b"0" * 40)
    with pytest.raises(ValueError, match="mismatch"):
        queue.dequeue()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://localhost", "needs the library redis, which is not installed"),
        ("postgresql://nobody@127.0.0.1:1/none", "The queue cannot be reached: "),
        ("sqlite:////no/such/folder/queue.db", "The queue cannot be reached: unable to open database file"),
        ("amqp://localhost", "begins with sqlite:///, postgresql:// or redis://, not “amqp”"),
    ],
)
def test_a_queue_that_cannot_be_had_ends_the_command_in_one_sentence(
    desk: Flask, monkeypatch: pytest.MonkeyPatch, url: str, says: str
) -> None:
    monkeypatch.setattr("huey.storage.Redis", None)
    desk.config["QUEUE_URL"] = url
    worker.init_app(desk)
    ended = desk.test_cli_runner().invoke(args=["worker"])
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert says in ended.stderr
