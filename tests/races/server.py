"""The desk as it runs, two workers, and clients whose requests are all in flight before one is answered."""

import http.client
import json
import os
import random
import re
import select
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.processes import Process

FORM = "application/x-www-form-urlencoded"
SECRET = "of the races only"
PATIENCE = 30


class Request(NamedTuple):
    """One request: what it is called, and its bytes."""

    name: str
    sent: bytes


class Answer(NamedTuple):
    """What became of a request: its name, the client who sent it, and what was answered."""

    name: str
    client: int
    status: int
    body: bytes = b""
    is_replayed: bool = False

    @property
    def is_done(self) -> bool:
        """Tell whether it was done."""
        return self.status in {200, 201, 303}

    @property
    def json(self) -> Any:
        """Return what was answered in JSON."""
        return json.loads(self.body)


def request(name: str, method: str, path: str, sent: dict[str, object], **headers: str) -> Request:
    """Return a request that sends a form."""
    body = urlencode(sent)
    told = {"Host": "desk", "Content-Type": FORM, "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items()), "", body]
    return Request(name, "\r\n".join(lines).encode())


def in_json(name: str, path: str, body: str, **headers: str) -> Request:
    """Return a POST of JSON."""
    sent = body.encode()
    told = {"Host": "desk", "Content-Type": "application/json", "Content-Length": str(len(sent)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items()), "", ""]
    return Request(name, "\r\n".join(lines).encode() + sent)


class Server:
    """Gunicorn with two workers on a database."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = (folder / "log").open("w")
        words = [
            "app:create_app()",
            "--preload",
            "--workers=2",
            "--threads=8",
            "--keep-alive=600",
            "--log-level=warning",
        ]
        settings = {
            "TRADEPOST_DATABASE_URL": url,
            "TRADEPOST_INSTANCE": str(folder),
            "TRADEPOST_SECRET_KEY": SECRET,
            "TRADEPOST_DURABLE": "0",
            "TRADEPOST_API_PER_SECOND": "0",
            "TRADEPOST_API_PER_DAY": "0",
        }
        command = ("gunicorn", *words, f"--bind=127.0.0.1:{self.port}")
        self.process = Process(*command, env=os.environ | settings, stderr=self.log)
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.end()
                    raise AssertionError("the desk does not answer") from None
                time.sleep(0.1)

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.communicate(PATIENCE)
        self.log.close()

    def worker_of(self, port: int) -> int | None:
        """Return the process that holds the other end of a connection from this port; None off Linux."""
        if sys.platform != "linux":
            return None
        pair = re.compile(rf" 0100007F:{self.port:04X} 0100007F:{port:04X} (?:\S+ +){{6}}(\d+)")
        found = pair.search(Path("/proc/net/tcp").read_text())
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in own:
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                if found and handle.is_symlink() and os.readlink(handle) == f"socket:[{found[1]}]":
                    return int(pid)
        return None


class Clients:
    """Connections that stay open, spread over both workers."""

    def __init__(self, server: Server, n: int) -> None:
        self.open: list[socket.socket] = []
        seen: dict[int | None, int] = {}
        for _ in range(200):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n")
            _reply(client)
            worker = server.worker_of(client.getsockname()[1])
            if worker is not None and seen.get(worker, 0) >= (n + 1) // 2:
                client.close()
                continue
            seen[worker] = seen.get(worker, 0) + 1
            self.open.append(client)
            if len(self.open) == n:
                return
        raise AssertionError(f"the connections all went to one worker: {seen}")

    def close(self) -> None:
        """Close all of them."""
        for client in self.open:
            client.close()

    def at_once(self, requests: list[Request], first: str, lead: float) -> tuple[list[Answer], bool]:
        """Send all requests but their last byte, then these bytes in one go; return the answers.

        Those of the name `first` get a lead of so many seconds: some acts read more before they take the
        lock. And tell whether nobody was answered before the last of them was on its way.
        """
        pairs = list(zip(self.open, requests, strict=False))
        for client, one in pairs:
            client.sendall(one.sent[:-1])
        time.sleep(0.005)  # the workers take the requests up, and wait for their last byte
        in_any_order = random.sample(pairs, len(pairs))
        for client, one in sorted(in_any_order, key=lambda pair: pair[1].name != first):
            if lead and one.name != first:
                time.sleep(lead)
                lead = 0
            client.sendall(one.sent[-1:])
        answered, _, _ = select.select([client for client, _ in pairs], [], [], 0)
        return [Answer(one.name, n, *_reply(client)) for n, (client, one) in enumerate(pairs)], not answered


def _reply(client: socket.socket) -> tuple[int, bytes, bool]:
    """Return status and body of the answer that comes over a connection, and whether it was given before."""
    reply = http.client.HTTPResponse(client)
    reply.begin()
    return reply.status, reply.read(), "Idempotency-Replayed" in reply.headers
