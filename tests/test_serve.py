"""`flask serve` as it is shipped: real processes, real signals, and clients that behave badly.

One desk runs for all tests of this file; a test that ends it lets the next one start another.
"""

import errno
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from app import assets, config, create_app, standing
from app.cli import supervising
from app.cli.asking import Stop
from app.cli.demo import sign_ins
from app.cli.serve import fill_when_empty, listen, refuse_debugging, set_up_database
from app.cli.supervising import CANNOT_START, Child
from app.config import ROOT, BadSetting, from_environment
from app.db import db
from app.errors import Busy
from app.queries import people
from app.web.overload import LONGEST_WAIT
from tests.conftest import TEST_SETTINGS
from tests.rules.books import everything
from tests.running import FOR_EVER, Desk, children, come_true, is_gone, needs_linux, settings_in
from tests.test_commands import refusal


@pytest.fixture(scope="module", autouse=True)
def heard_interrupts() -> Iterator[None]:
    """Start desks that hear Ctrl-C, as in a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Desk]]:
    """The desks that were started for this file; at most the last one runs."""
    started: list[Desk] = []
    yield started
    for desk in started:
        if desk.process.poll() is None:
            desk.end()
        desk.process.communicate(timeout=FOR_EVER)


@pytest.fixture
def with_assets() -> None:
    """Skip where the browser's files were not placed."""
    if assets.missing():
        pytest.skip("run `make setup` first: the browser's files are not there")


@pytest.fixture
def desk(with_assets: None, desks: list[Desk], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk that runs, without a store."""
    if not desks or desks[-1].process.poll() is not None:
        desks.append(Desk(tmp_path_factory.mktemp("serve")))
        desks[-1].wait()
    return desks[-1]


# --- clients

FORM = "application/x-www-form-urlencoded"


def head(line: str, **headers: object) -> bytes:
    """Return the head of a request."""
    named = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "x", **headers}.items()]
    return "\r\n".join([f"{line} HTTP/1.1", *named, "", ""]).encode()


def answer(client: socket.socket) -> tuple[int, str]:
    """Return the status and all of the answer that comes over a connection."""
    reply = http.client.HTTPResponse(client)
    reply.begin()
    return reply.status, f"{reply.headers}\n{reply.read().decode()}"


@needs_linux
def test_clients_that_send_nothing_or_half_a_request_stop_nobody(desk: Desk) -> None:
    halves = (
        b"",
        b"GET /login HTTP/1.1\r\nHost: x\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    )
    with ExitStack() as open_ones:
        slow = [open_ones.enter_context(desk.call(half)) for half in halves for _ in range(20)]
        assert desk.ask("/login")[0] == 200
        spent = time_spent(desk)
        time.sleep(0.5)
        assert time_spent(desk) - spent < 10  # nobody runs in circles meanwhile
        for client in slow[20:40]:
            client.sendall(b"\r\n")  # and each is served when the rest has come
        assert {answer(client)[0] for client in slow[20:40]} == {200}


def time_spent(desk: Desk) -> int:
    """Return for how many hundredths of a second the workers have computed so far."""
    stats = [
        Path(f"/proc/{worker}/stat").read_text().rsplit(") ", 1)[1].split() for worker in children(desk.web())
    ]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)


def test_a_request_that_comes_letter_by_letter_is_read(desk: Desk) -> None:
    body = b"email=nobody%40example.com"
    whole = head("POST /login", Content_Type=FORM, Content_Length=len(body)) + body
    with desk.call() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(whole)):
            client.sendall(whole[place : place + 1])
        status, said = answer(client)
    assert status == 400  # it carries no CSRF token
    assert "This page is too old" in said


def test_one_that_is_kept_waiting_for_a_word_before_its_body_is_given_it(desk: Desk) -> None:
    with desk.call(head("POST /login", Expect="100-continue", Content_Type=FORM, Content_Length=5)) as client:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"a=1&b")
        assert answer(client)[0] == 400


def test_two_requests_in_one_go_are_both_answered(desk: Desk) -> None:
    with desk.call(head("GET /healthz") * 2) as client:
        came = b""
        while came.count(b"alive\n") < 2:
            came += client.recv(10_000) or pytest.fail("one answer is missing")
        assert came.count(b"HTTP/1.1 200 OK") == 2


@needs_linux
def test_who_has_waited_too_long_is_told_so_and_the_others_are_served(desk: Desk) -> None:
    asked = {
        "page": head("GET /login"),
        "part": head("GET /login", HX_Request="true"),
        "program": head("GET /api/okanjo/stores/1/sales"),
        "file": head("GET /static/desk.css"),
        "health": head("GET /healthz"),
        "readiness": head("GET /readyz"),
    }
    workers = children(desk.web())
    with ExitStack() as open_ones:
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        try:
            clients = {name: open_ones.enter_context(desk.call(sent)) for name, sent in asked.items()}
            time.sleep(LONGEST_WAIT / 1000 + 0.2)
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGCONT)
        answers = {name: answer(client) for name, client in clients.items()}
    assert {name: status for name, (status, _) in answers.items()} == {
        "page": 503, "part": 503, "program": 503, "file": 200, "health": 200, "readiness": 200,
    }  # fmt: skip
    for name in ("page", "part", "program"):
        assert f"Retry-After: {Busy.retry_after}\n" in answers[name][1]
        assert Busy.sentence in answers[name][1]
        assert "Set-Cookie" not in answers[name][1]
    assert "<!doctype html>" in answers["page"][1] and "<!doctype html>" not in answers["part"][1]
    assert '{"type":"error"' in answers["program"][1]
    assert desk.ask("/login")[0] == 200


def test_what_cannot_be_read_is_a_line_without_what_it_says(desk: Desk) -> None:
    sent = b"GET /login?api_key=hidden HTTP/9.9\r\nHost: x\r\n\r\n"
    with desk.call(sent) as client:
        assert answer(client)[0] == 400
    assert come_true(lambda: "Invalid request" in desk.log.read_text())
    lines = [json.loads(line) for line in desk.log.read_text().splitlines()]
    assert "Invalid request: Invalid HTTP Version" in {line["event"] for line in lines}
    assert "127.0.0.1" not in desk.log.read_text() and "hidden" not in desk.log.read_text()


# --- processes


@needs_linux
def test_what_is_killed_is_back_and_the_desk_answers(desk: Desk) -> None:
    first, workers = children(desk.process.pid), children(desk.web())
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert come_true(lambda: are_others(children(desk.web()), workers))
    assert desk.ask("/healthz")[0] == 200
    assert children(desk.process.pid) == first
    for process in first:
        os.kill(process, signal.SIGKILL)
    assert desk.ask("/healthz")[0] == 200
    assert come_true(lambda: are_others(children(desk.process.pid), first))
    assert come_true(lambda: len(children(desk.web())) == 2)


def are_others(processes: list[int], before: list[int]) -> bool:
    """Tell whether there are as many processes as before, and none of those."""
    return len(processes) == len(before) and not set(processes) & set(before)


@needs_linux
def test_nobody_is_left_behind_when_all_is_killed(desk: Desk) -> None:
    assert come_true(lambda: len(children(desk.web())) == 2)
    family = [pid for child in children(desk.process.pid) for pid in (child, *children(child))]
    desk.end(signal.SIGKILL)
    assert come_true(lambda: all(is_gone(pid) for pid in family))


@needs_linux
def test_a_web_worker_is_told_to_end_at_once_when_its_server_is_killed(desk: Desk) -> None:
    assert come_true(lambda: [has_begun(pid) for pid in children(desk.web())] == [True, True])
    server, (worker, _) = desk.web(), children(desk.web())
    os.kill(worker, signal.SIGSTOP)  # what it is told waits, and can be seen
    try:
        assert not waits_for(worker, signal.SIGTERM)
        os.kill(server, signal.SIGKILL)
        assert come_true(lambda: is_gone(server))
        assert waits_for(worker, signal.SIGTERM)
    finally:
        os.kill(worker, signal.SIGKILL)


def waits_for(pid: int, number: int) -> bool:
    """Tell whether a signal waits for a process."""
    return number in signals(pid, "SigPnd") | signals(pid, "ShdPnd")


def has_begun(worker: int) -> bool:
    """Tell whether a web worker has made itself ready: it handles SIGABRT then, as its server does not."""
    return signal.SIGABRT in signals(worker, "SigCgt")


def signals(pid: int, which: str) -> set[int]:
    """Return the signals of a process that Linux names so (proc_pid_status(5))."""
    told = Path(f"/proc/{pid}/status").read_text()
    (mask,) = re.findall(rf"^{which}:\s*(\w+)", told, re.MULTILINE)
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


def end_while_serving(desk: Desk, number: int) -> None:
    """End a desk with this signal while it reads a long request, and check that this is answered first."""
    body = b"a=" + b"b" * 100_000  # longer than what is waited for beside the threads
    with desk.call(
        head("POST /login", Expect="100-continue", Content_Type=FORM, Content_Length=len(body))
    ) as client:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # a thread reads it
        client.sendall(body[:1000])
        os.killpg(desk.process.pid, number)  # to all, as a terminal does on Ctrl-C
        assert come_true(lambda: refuses(desk.port))
        client.sendall(body[1000:])
        assert answer(client)[0] == 400
    desk.process.communicate(timeout=FOR_EVER)
    assert desk.process.returncode == 0


def refuses(port: int) -> bool:
    """Tell whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_web_server_that_cannot_start_ends_all_with_a_code_of_its_own(
    with_assets: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--no-such-option")
    broken = Desk(tmp_path)
    broken.process.communicate(timeout=FOR_EVER)
    assert broken.process.returncode == CANNOT_START
    assert "The web server does not start" in broken.log.read_text()


def run_to_end(work: Callable[[], None], *, is_needed: bool) -> tuple[Child, bool]:
    """Start a child that ends by itself, and tend it until it has ended."""
    child = Child("child", work, is_needed=is_needed)
    child.tend()
    assert child.process is not None
    child.process.wait()
    return child, child.tend()


def give_up() -> None:
    """End with the code of who cannot go on."""
    os._exit(5)


@pytest.mark.parametrize(
    ("work", "is_needed", "goes_on"),
    [
        (give_up, True, False),
        (give_up, False, True),
        (lambda: os._exit(0), True, True),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), True, True),
    ],
)
def test_the_desk_goes_on_unless_what_it_needs_gives_up(
    work: Callable[[], None], is_needed: bool, goes_on: bool
) -> None:
    assert run_to_end(work, is_needed=is_needed)[1] is goes_on


def test_what_ends_again_and_again_is_started_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000
    monkeypatch.setattr(supervising, "monotonic", lambda: now)
    child, _ = run_to_end(give_up, is_needed=False)
    pauses = []
    for _ in range(10):
        pauses.append(child.starts_at - now)
        assert child.tend() and child.process is None  # not yet
        now += 10
        child.tend()
        assert child.process is not None
        child.process.wait()
        child.tend()
    assert pauses == sorted(pauses)
    assert pauses[0] < 1 < pauses[-1] == supervising.LONGEST_PAUSE
    child.start()
    child.started_at = now - supervising.STEADY - 1
    child.process.wait()
    child.tend()
    assert child.starts_at - now == pytest.approx(pauses[0])


def test_where_no_process_can_be_begun_it_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    child = Child("child", lambda: os._exit(0), is_needed=True)
    with monkeypatch.context() as crowded:
        crowded.setattr(os, "fork", refuse)
        assert child.tend() and child.process is None
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()  # Ctrl-C is heard all the same
    assert come_true(lambda: child.tend() and child.process is not None)


# --- the set-up


def test_serve_sets_up_an_empty_desk_and_finds_it_again_and_ends_when_all_are_served(
    with_assets: None, tmp_path: Path
) -> None:
    first = Desk(tmp_path, "--orders", "3", DEMO="1").wait("owner2@example.com")
    password = (tmp_path / "demo_password").read_text().strip()
    assert any(password in line for line in first.said)
    assert (tmp_path / "demo_password").stat().st_mode & 0o777 == 0o600
    assert first.ask("/login")[0] == first.ask("/readyz")[0] == 200
    end_while_serving(first, signal.SIGINT)
    again = Desk(tmp_path, DEMO="1").wait("owner2@example.com")
    assert any(password in line for line in again.said)
    assert not any("Loading" in line for line in again.said)
    end_while_serving(again, signal.SIGTERM)


def test_serve_starts_from_nothing_that_was_loaded(with_assets: None, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=settings_in(tmp_path), text=True, stdout=subprocess.PIPE
    ) as fresh:
        assert fresh.stdout is not None
        try:
            said = [next(fresh.stdout) for _ in range(3)]
            assert said[1].startswith("Tradepost is at http://127.0.0.1:")
            assert said[2] == "The worker is ready.\n"
            fresh.send_signal(signal.SIGINT)
            assert fresh.wait(FOR_EVER) == 0
        finally:
            fresh.kill()


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("SECRET_KEY", "fifteen letters", "TRADEPOST_SECRET_KEY is too short a secret"),
        ("PORT", "65536", "TRADEPOST_PORT must be a whole number from 0 to 65535, not “65536”"),
        ("PORT", "-1", "TRADEPOST_PORT must be"),
        ("PORT", "８０", "TRADEPOST_PORT must be"),
        ("WORKERS", "0", "TRADEPOST_WORKERS must be a whole number from 1 to 256, not “0”"),
        ("WORKERS", "two", "TRADEPOST_WORKERS must be"),
        ("WORKERS", "1" * 5000, "TRADEPOST_WORKERS must be"),
    ],
)
def test_a_setting_that_cannot_be_taken_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, given: str, says: str
) -> None:
    monkeypatch.setenv("TRADEPOST_INSTANCE", str(tmp_path))
    monkeypatch.setenv(f"TRADEPOST_{name}", given)
    with pytest.raises(BadSetting, match=re.escape(says)):
        from_environment()


def test_a_wrong_setting_ends_a_command_with_its_sentence_alone(tmp_path: Path) -> None:
    settings = {"TRADEPOST_INSTANCE": str(tmp_path), "TRADEPOST_WORKERS": "many"}
    command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Error: TRADEPOST_WORKERS must be a whole number from 1 to 256, not “many”.\n"


def test_the_kept_secret_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    secret = config.kept_secret(tmp_path / "new")
    assert len(secret) >= config.SHORTEST_SECRET
    assert config.kept_secret(tmp_path / "new") == secret
    (kept,) = (tmp_path / "new").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("switch", ["DEBUG", "TESTING"])
@pytest.mark.parametrize(
    ("host", "is_https", "is_refused"),
    [("127.0.0.1", False, False), ("::1", False, False), ("0.0.0.0", False, True), ("127.0.0.1", True, True)],
)
def test_no_desk_that_others_reach_shows_its_inside(
    empty_app: Flask, switch: str, host: str, is_https: bool, is_refused: bool
) -> None:
    empty_app.config.update(TESTING=False, HOST=host, IS_HTTPS=is_https)
    refuse_debugging()
    empty_app.config[switch] = True
    if not is_refused:
        refuse_debugging()
        return
    with pytest.raises(Stop, match="Debugging is on"):
        refuse_debugging()


@pytest.mark.both
def test_serve_leaves_a_database_of_a_newer_version_as_it_is(app: Flask) -> None:
    with app.app_context():
        here = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
        before = everything(app)
        with pytest.raises(Stop, match="newer version"):
            set_up_database()
        assert everything(app) == before
        db.session.execute(text("UPDATE alembic_version SET version_num = :here"), {"here": here})
        db.session.commit()


@pytest.mark.parametrize(
    "kind_of_database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_serve_refuses_a_server_that_may_lose_what_it_acknowledged(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' own server is set so.
    with app.app_context():
        monkeypatch.setitem(app.config, "DURABLE", True)
        with pytest.raises(Stop, match="fsync and synchronous_commit and full_page_writes is off"):
            set_up_database()
        monkeypatch.setitem(app.config, "DURABLE", False)
        set_up_database()


def test_sqlite_keeps_what_it_acknowledged_by_the_desks_own_setting(app: Flask) -> None:
    with app.app_context():
        standing.require_durable()


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    """A desk on a migrated database that holds nothing."""
    app = create_app({**TEST_SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'empty.db'}"})
    with app.app_context():
        upgrade()
        yield app
        db.session.remove()


def test_serve_loads_no_demo_where_others_reach_the_desk(
    empty_app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_app.config["HOST"] = "0.0.0.0"
    fill_when_empty(3)
    assert "HOST is 0.0.0.0" in capsys.readouterr().err
    assert not people.all_stores()
    assert sign_ins() == ""


def test_serve_without_the_demo_says_how_to_begin(
    empty_app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_app.config["DEMO"] = False
    fill_when_empty(3)
    assert "flask --app app setup" in capsys.readouterr().out
    assert not people.all_stores()


def test_serve_says_that_a_port_is_in_use(taken_port: int) -> None:
    with pytest.raises(Stop, match=f"cannot listen on 127.0.0.1, port {taken_port}: Address already in use"):
        listen("127.0.0.1", taken_port)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 99999), ("127.0.0.1", -1)]
)
def test_serve_says_that_an_address_cannot_be_had(host: str, port: int) -> None:
    with pytest.raises(Stop, match=f"cannot listen on {host}, port {port}: "):
        listen(host, port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_serve_finds_a_free_port_where_none_is_named(host: str) -> None:
    with listen(host, 0) as listener:
        assert listener.getsockname()[1] > 0


def test_serve_asks_for_the_browsers_files(
    app: Flask, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STAMP", Path("no such stamp"))
    monkeypatch.setitem(app.config, "PORT", taken_port)  # it must not come so far
    assert "make setup" in refusal(app.test_cli_runner().invoke(args=["serve"]))
