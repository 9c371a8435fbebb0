"""No answer leaves before what it says is on the disk: seen from the system's calls, by strace.

`flask serve` with DURABLE=1 answers each kind of write, one after the other, while its web workers are
traced. On SQLite a thread that answers must have flushed the write-ahead log after its last write to it. On
PostgreSQL it must have heard of the commit after its last BEGIN; and the server's own processes, traced too,
must have flushed their log before they said so. With DURABLE=0 the same look finds what is missing.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from app import assets
from app.db import db
from tests.conftest import PASSWORD, csrf_token, email_of
from tests.kill.conftest import SECRET, Place, bearer_of
from tests.kill.writers import Ledger
from tests.running import FOR_EVER, Desk, children, come_true, needs_linux

ROUNDS = int(os.environ.get("TRADEPOST_KILLS", "0")) or 1
CALLS = "pwrite64,pwritev,write,writev,sendto,sendmsg,recvfrom,fsync,fdatasync"
# "4711 fdatasync(9</tmp/desk.db-wal>) = 0"; one that waits is told in two lines.
BEGUN = re.compile(r"^(\d+) +(\w+)\((\d+<.*)$")
ENDED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
ANSWER = re.compile(r'"HTTP/1\.1 (\d+)')

pytestmark = needs_linux


class Rule(NamedTuple):
    """How a call of the system is read: as a write, as a flush of it, as an answer."""

    write: Callable[[str, str], bool]
    flush: Callable[[str, str], bool]
    answer: Callable[[str, str], bool]


def is_answer(call: str, told: str) -> bool:
    return call.startswith("send") and bool(ANSWER.search(told))


SQLITE = Rule(
    write=lambda call, told: "write" in call and "-wal>" in told,
    flush=lambda call, told: call in {"fsync", "fdatasync"} and "-wal>" in told,
    answer=is_answer,
)
# A transaction that is open is not kept yet; the server tells of its commit.
CLIENT = Rule(
    write=lambda call, told: call == "recvfrom" and "BEGIN\\0" in told,
    flush=lambda call, told: call == "recvfrom" and "COMMIT\\0" in told,
    answer=is_answer,
)
SERVER = Rule(
    write=lambda call, told: "write" in call and "/pg_wal/" in told,
    flush=lambda call, told: call in {"fsync", "fdatasync"} and "/pg_wal/" in told,
    answer=lambda call, told: call == "sendto" and "COMMIT\\0" in told,
)


class Seen(NamedTuple):
    """An answer as the trace shows it: its words, and whether its thread wrote, and flushed after that."""

    words: str
    has_written: bool
    is_flushed: bool


def read(trace: str, rule: Rule) -> list[Seen]:
    """Return the answers of a trace, in their order."""
    seen: list[Seen] = []
    waiting: dict[str, str] = {}
    stands: dict[str, list[bool]] = {}
    for line in trace.splitlines():
        if begun := BEGUN.match(line):
            thread, call, told = begun.groups()
            if told.endswith("<unfinished ...>"):
                waiting[thread] = told.removesuffix("<unfinished ...>")
                told, is_over = waiting[thread], False
            else:
                is_over = True
        elif ended := ENDED.match(line):
            thread, call, rest = ended.groups()
            told, is_over = waiting.pop(thread, "") + rest, True
        else:
            continue
        has_written, is_flushed = stands.setdefault(thread, [False, True])
        # A write and an answer count when they begin; what is read, and a flush, when they have ended.
        is_first = begun is not None
        if (is_over if call == "recvfrom" else is_first) and rule.write(call, told):
            stands[thread] = [True, False]
        elif is_over and rule.flush(call, told):
            stands[thread] = [has_written, True]
        elif is_first and rule.answer(call, told):
            seen.append(Seen(told, has_written, is_flushed))
            stands[thread] = [False, is_flushed]
    return seen


class Tracer:
    """strace on some processes and their threads."""

    def __init__(self, pids: list[int], path: Path) -> None:
        which = [word for pid in pids for word in ("-p", str(pid))]
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(path), *which],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        for _ in pids:
            said = self.process.stderr.readline()
            if "not permitted" in said:
                self.end()
                pytest.skip(f"nobody may be traced here: {said.strip()}")
            assert "attached" in said, said

    def end(self) -> str:
        """Let them go and return what was seen."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=FOR_EVER)
        return self.path.read_text(errors="replace")


class Writes:
    """One client of each kind of write, one after the other."""

    def __init__(self, port: int, bearer: dict[str, str], cookie: str, csrf: str, store_id: int) -> None:
        self.port, self.bearer, self.cookie, self.csrf = port, bearer, cookie, csrf
        self.ledger = Ledger(store_id)
        self.keys = 0
        self.names: list[str] = []

    def ask(self, name: str, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
        """Send a request over a connection of its own, hold that it was done, and return the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=FOR_EVER)
        connection.request(method, path, body.encode(), headers)
        reply = connection.getresponse()
        answer = reply.read()
        connection.close()
        assert reply.status in {200, 201, 303}, (name, reply.status, answer)
        self.names.append(name)
        return json.loads(answer) if answer.startswith(b"{") else None

    def tell(self, name: str, path: str, body: dict[str, Any], method: str = "POST") -> Any:
        """Tell something as a program does."""
        self.keys += 1
        headers = {**self.bearer, "Content-Type": "application/json", "Idempotency-Key": f"k-{self.keys}"}
        return self.ask(name, method, path, json.dumps(body), headers)

    def fill_in(self, name: str, order_id: int, path: str, **sent: str) -> None:
        """Send a form of a sale's page."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"csrf_token": self.csrf, **{k.replace("_no_", "-"): v for k, v in sent.items()}})
        self.ask(name, "POST", f"/stores/papershop/sales/{order_id}{path}", body, headers)

    def buy(self, paid: bool) -> tuple[int, int]:
        """Let somebody buy, and pay; return the sale's id and its line's."""
        self.keys += 1
        call = self.ledger._purchase(f"lot-{self.keys}", f"buyer-{self.keys}")
        sale = self.tell("purchase", call.path, call.body)
        if paid:
            body = {"amount": sale["total"], "currency": "USD", "method": "card"}
            self.tell("payment", f"/api/intake/orders/{sale['id']}/payments", body)
        return sale["id"], sale["lines"][0]["id"]

    def one_of_each(self) -> None:
        """Write once in each way."""
        order_id, item_id = self.buy(paid=True)
        intake, items = f"/api/intake/orders/{order_id}", f"/api/okanjo/stores/{self.ledger.store_id}/sales"
        self.tell("note", f"{intake}/notes", {"body": "Hello"})
        self.tell("ship (Okanjo PUT)", f"{items}/{item_id}", {"status": 3}, "PUT")
        self.tell("refund", f"{intake}/refunds", {"amount": "1.00", "reason": "other"})
        self.fill_in("form: refund", order_id, "/refund", amount="1.00", reason="other")
        order_id, item_id = self.buy(paid=True)
        self.fill_in("form: ship", order_id, "/ship", **{f"pieces_no_{item_id}": "2", "no_number": "1"})
        order_id, item_id = self.buy(paid=True)
        self.tell("cancellation", f"/api/intake/orders/{order_id}/cancellations", {"reason": "buyer"})
        order_id, item_id = self.buy(paid=False)
        self.fill_in("form: cancel", order_id, "/cancel", **{f"pieces_no_{item_id}": "2", "reason": "buyer"})


@pytest.fixture
def traced(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[bool], tuple[list[str], str, str]]]:
    """What lets a desk write in each way, traced: the names of what was written, and the traces."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    if assets.missing():
        pytest.skip("run `make setup` first: the browser's files are not there")
    monkeypatch.setitem(place.app.config, "SECRET_KEY", SECRET)
    desks: list[Desk] = []

    def run(is_durable: bool) -> tuple[list[str], str, str]:
        bearer, store_id = bearer_of(place.app)
        browser = place.app.test_client()
        sent = {"email": email_of("owner"), "password": PASSWORD}
        browser.post("/login", data={**sent, "csrf_token": csrf_token(browser.get("/login").text)})
        page = browser.get("/purchases")
        page = browser.get("/purchases")
        with place.app.app_context():
            db.session.remove()
            db.engine.dispose()
        settings = {"DATABASE_URL": place.url, "DURABLE": "1" if is_durable else "0", "SECRET_KEY": SECRET}
        desks.append(desk := Desk(tmp_path / "desk", **settings).wait())
        writes = Writes(desk.port, bearer, page.request.headers["Cookie"], csrf_token(page.text), store_id)
        web = desk.web()
        assert come_true(lambda: len(children(web)) == 2)
        writes.one_of_each()
        writes.names.clear()
        tracers = [Tracer(children(web), tmp_path / "desk.trace")]
        if place.postmaster:
            tracers.append(Tracer(children(place.postmaster.process.pid), tmp_path / "postgres.trace"))
        for _ in range(ROUNDS):
            writes.one_of_each()
        told = [tracer.end() for tracer in tracers]
        return writes.names, told[0], "".join(told[1:])

    yield run
    for desk in desks:
        desk.end()


def test_no_answer_leaves_before_its_data_is_on_the_disk(
    place: Place,
    traced: Callable[[bool], tuple[list[str], str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    names, of_desk, of_server = traced(True)
    answers = read(of_desk, CLIENT if place.postmaster else SQLITE)
    assert len(answers) == len(names)
    pairs = list(zip(names, answers, strict=True))
    assert [pair for pair in pairs if not (pair[1].has_written and pair[1].is_flushed)] == []
    commits = [seen for seen in read(of_server, SERVER) if seen.has_written]
    if place.postmaster:
        assert len(commits) >= len(names) and all(seen.is_flushed for seen in commits)
    with capsys.disabled():
        kind = f"postgresql, {len(commits)} commits of the server" if place.postmaster else "sqlite"
        print(f"\n{kind}: {len(names)} answers, each after its flush: {dict(sorted(Counter(names).items()))}")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_where_durable_is_off_the_look_finds_what_is_missing(
    traced: Callable[[bool], tuple[list[str], str, str]],
) -> None:
    names, of_desk, _ = traced(False)
    answers = read(of_desk, SQLITE)
    assert len(answers) == len(names)
    assert all(seen.has_written for seen in answers)
    missing = [seen for seen in answers if not seen.is_flushed]
    assert len(missing) > len(answers) / 2  # a checkpoint flushes now and then
