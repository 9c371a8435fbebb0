"""`flask backup` and `flask restore`: what goes in comes out, and nothing half is ever taken for whole."""

import hashlib
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import make_url, text

from app.backup import sealed
from app.config import ROOT
from app.db import db, sqlite
from app.standing import make_file, newest
from tests.factories import DEAL, GOODS, Factory
from tests.rules.books import everything
from tests.stocked import is_on_sqlite, path_of
from tests.test_books import change, spoil
from tests.test_commands import refusal

WORK = str(ROOT / "app" / "backup")
# At how many places each is killed here; TRADEPOST_RACES=1: at every line. PostgreSQL begins slowly.
EVERY = bool(int(os.environ.get("TRADEPOST_RACES", "0")))
KILLS = {"sqlite": 6, "postgresql": 2}
forking = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where backups are written."""
    return tmp_path / "desk.backup"


def run(desk: Flask, *words: object) -> Result:
    """Run a command on a desk."""
    return desk.test_cli_runner().invoke(args=[str(word) for word in words])


def done(desk: Flask, *words: object) -> str:
    """Run a command that does what it is asked, and return what it says."""
    said = run(desk, *words)
    assert (said.exit_code, said.stderr) == (0, ""), said.output
    return said.stdout


@pytest.fixture
def backed_up(app: Flask, make: Factory, file: Path) -> Path:
    """A backup of the cast with a few sales."""
    fill(make)
    done(app, "backup", file)
    return file


def fill(make: Factory) -> None:
    """Make sales that leave rows in many tables, with signs that COPY and JSON must escape."""
    make.mail(make.refunding())
    make.sale(DEAL, store="vendorshop", buyer_note="a\tb\\.\n\\.\n\\N “ż” \\")
    make.sale(GOODS, gift_message="", account="buyer")


# --- there and back


@pytest.mark.both
def test_every_row_comes_back_and_numbers_go_on_where_they_did(
    app: Flask, make: Factory, file: Path, elsewhere: Flask
) -> None:
    fill(make)
    if not is_on_sqlite(app):
        change(app, "SELECT setval('orders_id_seq', 70)")  # given out, never committed
    assert "MB, of migration" in done(app, "backup", file)
    assert "Restored the desk of" in done(elsewhere, "restore", file)
    assert everything(elsewhere) == everything(app)
    assert done(elsewhere, "verify").endswith(": all hold\n")
    next_one = Factory(elsewhere).sale(GOODS, external_id="next")
    assert next_one == make.sale(GOODS, external_id="next")
    assert is_on_sqlite(app) or next_one == 71


def test_a_desk_with_rows_is_replaced_when_told_so_and_not_before(
    app: Flask, make: Factory, backed_up: Path, elsewhere: Flask
) -> None:
    before = everything(app)
    make.sale(GOODS)
    later = everything(app)
    assert "Take a backup of it, then say --replace" in refusal(run(app, "restore", backed_up))
    assert everything(app) == later
    done(app, "restore", backed_up, "--replace")
    assert everything(app) == before
    assert done(app, "verify").endswith(": all hold\n")


def test_a_desk_without_rows_needs_no_telling(elsewhere: Flask, app: Flask, backed_up: Path) -> None:
    with elsewhere.app_context():
        make_file()
        upgrade()
    done(elsewhere, "restore", backed_up)
    assert everything(elsewhere) == everything(app)


@pytest.mark.both
def test_a_backup_of_an_older_version_is_brought_to_this_one(
    elsewhere: Flask, file: Path, app: Flask
) -> None:
    with elsewhere.app_context():
        make_file()
        upgrade(revision="0001")
    assert "of migration 0001" in done(elsewhere, "backup", file)
    assert f"Brought from migration 0001 to {newest()}." in done(app, "restore", file, "--replace")
    assert not any(everything(app).values())
    assert done(app, "verify").endswith(": all hold\n")


@pytest.mark.postgresql
@pytest.mark.parametrize("kind_of_database", ["postgresql"], indirect=True)
def test_what_is_not_the_desks_stays_and_what_a_newer_version_made_goes(
    app: Flask, make: Factory, backed_up: Path, elsewhere: Flask
) -> None:
    done(elsewhere, "restore", backed_up)
    change(
        elsewhere,
        "CREATE TABLE huey_queue (id int)",
        "CREATE TABLE newer (id int PRIMARY KEY, store_id bigint REFERENCES store)",
        "CREATE TABLE newest (id int REFERENCES newer)",
        "UPDATE alembic_version SET version_num = '9999'",
    )
    done(elsewhere, "restore", backed_up, "--replace")
    with elsewhere.app_context():
        tables = set(db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
        db.session.remove()
    assert tables - set(db.metadata.tables) == {"alembic_version", "huey_queue"}
    assert leftovers(elsewhere) == []
    assert everything(elsewhere) == everything(app)


def test_backup_and_database_are_their_owners_alone(backed_up: Path, elsewhere: Flask) -> None:
    before = os.umask(0)
    try:
        backed_up.chmod(0o644)
        backed_up.with_name(f"{backed_up.name}.part").touch(0o644)  # somebody else's
        done(elsewhere, "restore", backed_up)
        done(elsewhere, "backup", backed_up)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (backed_up, path_of(elsewhere))}
    assert modes == {0o600}


# --- files that are no whole backup


def resealed(file: Path, **changes: object) -> None:
    """Change what a backup's seal says, and let the checksum fit."""
    payload, line, _ = file.read_bytes().rsplit(b"\n", 3)[:3]
    told = {**json.loads(line), **changes}
    whole = payload + b"\n" + json.dumps(told).encode() + b"\n"
    file.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode() + b"\n")


def flipped(file: Path, place: float) -> None:
    """Change one bit of a file, so far from its beginning."""
    changed = bytearray(file.read_bytes())
    changed[int((len(changed) - 1) * place)] ^= 1
    file.write_bytes(changed)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda f: f.write_bytes(b""), "no whole backup"),
    "cut off by one": (lambda f: os.truncate(f, f.stat().st_size - 1), "no whole backup"),
    "cut off in the seal": (lambda f: os.truncate(f, f.stat().st_size - 90), "no whole backup"),
    "cut off in the middle": (lambda f: os.truncate(f, f.stat().st_size // 2), "no whole backup"),
    "more behind it": (lambda f: f.write_bytes(f.read_bytes() + b"\n"), "no whole backup"),
    "a piece lost": (lambda f: f.write_bytes(f.read_bytes()[4096:]), "no whole backup"),
    "another file": (lambda f: f.write_text("Sale Date,Item Name\n" * 200), "no whole backup"),
    "a bit at the beginning": (lambda f: flipped(f, 0), "is damaged"),
    "a bit in the middle": (lambda f: flipped(f, 0.5), "is damaged"),
    "a bit of the checksum": (lambda f: flipped(f, (f.stat().st_size - 9) / f.stat().st_size), " "),
    "a newer migration": (
        lambda f: resealed(f, revision="9999", version="2.0"),
        "version 2.0, which is newer",
    ),
    "a newer kind": (lambda f: resealed(f, tradepost_backup=2), "made by a newer version"),
    "another database": (lambda f: resealed(f, database="oracle"), "is a backup of oracle"),
    "an untrue migration": (lambda f: resealed(f, revision="0001"), ""),
    "not there": (lambda f: f.unlink(), "No such file"),
}


@pytest.mark.both
def test_what_is_no_whole_backup_is_refused_and_the_desk_stays(app: Flask, backed_up: Path) -> None:
    good, before = backed_up.read_bytes(), everything(app)
    for damage, (spoiling, says) in DAMAGES.items():
        backed_up.write_bytes(good)
        spoiling(backed_up)
        said = refusal(run(app, "restore", backed_up, "--replace"))
        assert says in said and said.count("\n") == 1, (damage, said)
        assert everything(app) == before
        assert leftovers(app) == []
    backed_up.write_bytes(good)
    done(app, "restore", backed_up, "--replace")


def test_a_sealed_database_that_is_not_sound_is_refused(app: Flask, backed_up: Path) -> None:
    before = everything(app)
    spoil(backed_up, page_of_an_index(app))
    resealed(backed_up)
    assert "is not sound" in refusal(run(app, "restore", backed_up, "--replace"))
    assert everything(app) == before


def page_of_an_index(app: Flask) -> int:
    """Return at which page of the desk's file, which is all there is of it now, an index begins."""
    with app.app_context():
        db.session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = db.session.scalar(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_media_product_id'")
        )
        db.session.remove()
        db.engine.dispose()
    return int(page)


# --- places that are not theirs


@pytest.mark.both
def test_a_backup_takes_the_place_of_a_backup_and_of_nothing_else(
    app: Flask, make: Factory, backed_up: Path, tmp_path: Path
) -> None:
    make.sale(GOODS)
    older = backed_up.read_bytes()
    with backed_up.open("rb") as reading:
        done(app, "backup", backed_up)
        assert reading.read() == older != backed_up.read_bytes()  # another file took its name
    (tmp_path / "letter").write_text("Dear Maja")
    (tmp_path / "link").symlink_to(backed_up)
    others = [tmp_path / "letter", tmp_path / "link", tmp_path]
    if is_on_sqlite(app):
        others += [path_of(app), Path(f"{path_of(app)}-wal")]
    for other in others:
        assert "is no backup" in refusal(run(app, "backup", other))
    assert "There is no folder" in refusal(run(app, "backup", tmp_path / "none" / "x"))
    assert (tmp_path / "letter").read_text() == "Dear Maja"
    assert done(app, "verify").endswith(": all hold\n")


def test_where_there_is_no_database_there_is_no_backup(elsewhere: Flask, file: Path) -> None:
    assert "There is no database" in refusal(run(elsewhere, "backup", file))
    assert not file.exists()


def test_an_unsound_database_takes_no_good_backups_place(app: Flask, backed_up: Path) -> None:
    good = backed_up.read_bytes()
    with app.app_context():
        db.session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = db.session.scalar(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_media_product_id'")
        )
        db.session.remove()
        db.engine.dispose()
    spoil(path_of(app), page)
    assert "is not sound, and no backup was made of it" in refusal(run(app, "backup", backed_up))
    assert backed_up.read_bytes() == good


def test_a_log_that_a_lost_database_left_is_not_read_into_the_restored_one(
    backed_up: Path, elsewhere: Flask
) -> None:
    left = Path(f"{path_of(elsewhere)}-wal")
    left.write_bytes(b"rows of yore")
    assert "move away what it left" in refusal(run(elsewhere, "restore", backed_up))
    left.unlink()
    done(elsewhere, "restore", backed_up)


def test_a_database_that_cannot_be_read_is_to_be_moved_away(elsewhere: Flask, backed_up: Path) -> None:
    path_of(elsewhere).write_bytes(b"\xff" * 9000)
    assert "move it and what begins with its name away" in refusal(run(elsewhere, "restore", backed_up))
    path_of(elsewhere).unlink()
    done(elsewhere, "restore", backed_up)


@pytest.mark.both
def test_a_desk_that_runs_is_not_replaced(app: Flask, make: Factory, backed_up: Path) -> None:
    before = everything(app)
    with connected(app):
        assert "The desk runs: stop it" in refusal(run(app, "restore", backed_up, "--replace"))
    assert "say --replace" in refusal(run(app, "restore", backed_up))
    assert everything(app) == before
    done(app, "restore", backed_up, "--replace")


def connected(app: Flask) -> Any:
    """Return a connection that some process of the desk keeps, and that does nothing now."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if is_on_sqlite(app):
        connection = sqlite.connect(path_of(app))
        connection.execute("SELECT count(*) FROM store").fetchall()
        return closing(connection)
    return psycopg.connect(**url.translate_connect_args(username="user", database="dbname"), **url.query)


@pytest.mark.both
def test_what_is_being_written_is_not_written_by_another(app: Flask, backed_up: Path) -> None:
    good = backed_up.read_bytes()
    with sealed.draft_of(backed_up):
        assert "is being written by another" in refusal(run(app, "backup", backed_up))
    assert backed_up.read_bytes() == good
    assert os.listdir(backed_up.parent) == [backed_up.name]


# --- cut off


@pytest.mark.both
def test_a_backup_for_which_there_is_no_room_leaves_the_older_one(
    app: Flask, make: Factory, backed_up: Path
) -> None:
    good, before = backed_up.read_bytes(), everything(app)
    for room in (0, 5000, len(good) // 2, len(good) - 300):
        assert limited(room, lambda: run(app, "backup", backed_up)).exit_code == 1
        assert backed_up.read_bytes() == good
        assert os.listdir(backed_up.parent) == [backed_up.name]
    assert everything(app) == before


def test_a_restore_for_which_there_is_no_room_leaves_the_desk(
    app: Flask, make: Factory, backed_up: Path
) -> None:
    make.sale(GOODS)
    before, length = everything(app), backed_up.stat().st_size
    for room in (5000, length // 2, length - 4096):
        said = limited(room, lambda: run(app, "restore", backed_up, "--replace"))
        assert "File too large" in refusal(said)
        assert everything(app) == before


def limited(room: int, what: Callable[[], Result]) -> Result:
    """Do something while no file may become longer than this."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
    try:
        return what()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def killed_at(which: int, desk: Flask, *words: object) -> int:
    """Run a command in a process that is killed at this line of the backup's modules (0: at its end).

    Return at which line that was.
    """
    with desk.app_context():
        db.session.remove()
        db.engine.dispose()
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        lines = 0

        def die() -> None:
            os.write(tell, str(lines).encode())
            os.kill(os.getpid(), signal.SIGKILL)

        def count(_frame: FrameType, what: str, _value: object) -> Any:
            nonlocal lines
            if what == "line":
                lines += 1
                if lines == which:
                    die()
            return count

        def trace(frame: FrameType, _what: str, _value: object) -> Any:
            return count if frame.f_code.co_filename.startswith(WORK) else None

        try:
            sys.settrace(trace)
            said = run(desk, *words)
            sys.settrace(None)
            if said.exit_code == 0:
                die()
        finally:
            os._exit(1)  # it was to be killed
    os.close(tell)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    with os.fdopen(told) as count_of:
        return int(count_of.read())


def places(lines: int, kind: str) -> list[int]:
    """Return at which lines to kill: some of all, and the last ones, where the places are changed."""
    if EVERY:
        return list(range(1, lines))
    return sorted({*range(1, lines, max(1, lines // KILLS[kind])), *range(lines - 9, lines, 4)})


@forking
@pytest.mark.both
def test_a_backup_killed_anywhere_leaves_the_older_one_or_the_new_one(
    app: Flask, make: Factory, backed_up: Path, kind_of_database: str, tmp_path: Path
) -> None:
    old = backed_up.read_bytes()
    make.sale(GOODS)
    lines = killed_at(0, app, "backup", tmp_path / "whole")
    seen = set()
    for which in places(lines, kind_of_database):
        backed_up.write_bytes(old)
        killed_at(which, app, "backup", backed_up)
        now = backed_up.read_bytes()
        if now != old:
            with backed_up.open("rb") as file:
                sealed.require_sound(file, backed_up)
        seen.add(now == old)
    assert True in seen
    done(app, "backup", backed_up)
    assert sorted(os.listdir(tmp_path)) == [backed_up.name, "whole"]


@forking
@pytest.mark.both
def test_a_restore_killed_anywhere_leaves_the_old_desk_or_the_new_one(
    app: Flask, make: Factory, backed_up: Path, kind_of_database: str, tmp_path: Path
) -> None:
    new = everything(app)
    sell_and_be_killed(app, make)
    left = {path: path.read_bytes() for path in beside(app) if not path.name.endswith("-shm")}
    assert len(left) in {0, 2}  # on SQLite the sale stands in the log alone
    old = everything(app)
    done(app, "backup", tmp_path / "later")
    lines = killed_at(0, app, "restore", backed_up, "--replace")
    seen = []
    for which in places(lines, kind_of_database):
        put_back(app, left, tmp_path / "later", old)
        killed_at(which, app, "restore", backed_up, "--replace")
        now = everything(app)
        assert now in (old, new), f"killed at line {which} of {lines}"
        seen.append(now == new)
    assert seen == sorted(seen) and set(seen) == {False, True}
    done(app, "restore", backed_up, "--replace")
    assert everything(app) == new
    assert done(app, "verify").endswith(": all hold\n")
    assert leftovers(app) == []


def sell_and_be_killed(app: Flask, make: Factory) -> None:
    """Make a sale in a process that is killed when it is committed."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    if (child := os.fork()) == 0:
        try:
            make.sale(GOODS)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(child, 0)


def put_back(app: Flask, left: dict[Path, bytes], later: Path, old: object) -> None:
    """Let the desk be the old one again: on SQLite with the log that the kill left."""
    if left:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        for path, held in left.items():
            path.write_bytes(held)
    elif everything(app) != old:
        done(app, "restore", later, "--replace")


def beside(app: Flask) -> list[Path]:
    """Return the files of a desk's database; none on PostgreSQL."""
    path = path_of(app)
    return sorted(path.parent.glob(f"{path.name}*")) if is_on_sqlite(app) else []


def leftovers(app: Flask) -> list[str]:
    """Return what a restore left beside the desk's database."""
    if is_on_sqlite(app):
        return [path.name for path in beside(app) if ".part" in path.name]
    with app.app_context():
        names = list(db.session.scalars(text("SELECT nspname FROM pg_namespace")))
        db.session.remove()
        return [name for name in names if name.startswith("tradepost")]
