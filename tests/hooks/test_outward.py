"""Where the desk calls and where it never does: private networks in any spelling, redirects, slow servers."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.outward import LONGEST_URL, Deadline, NotDelivered, Reading, ip_of, is_public, post, target_of
from tests.hooks.receiver import Receiver, go_round, hook, rows
from tests.hooks.test_posted import pinged

CERTIFICATE = Path(__file__).parent / "server.pem"
SHORT = 0.3  # seconds, where a server is slow on purpose

# Refused as they are written down already: by what they say, or by where they lead.
BAD_URLS = r"""
http://program.example/
ftp://program.example/
file:///etc/passwd
//program.example/
program.example/hooks
javascript:alert(1)
https://
https:///hooks
https://user@program.example/
https://user:word@program.example/
https://program.example@127.0.0.1/
https://127.0.0.1/
https://127.0.0.1:8443/
https://127.1.2.3/
https://127.1/
https://2130706433/
https://0x7f000001/
https://0x7f.1/
https://0177.0.0.1/
https://017700000001/
https://127.0.0.1./
https://0/
https://0.0.0.0/
https://1/
https://10.0.0.1/
https://172.16.0.1/
https://172.31.255.255/
https://192.168.1.1/
https://169.254.169.254/latest/meta-data
https://100.64.0.1/
https://192.0.0.1/
https://192.0.2.1/
https://198.18.0.1/
https://198.51.100.1/
https://203.0.113.7/
https://192.88.99.1/
https://224.0.0.1/
https://239.255.255.255/
https://240.0.0.1/
https://255.255.255.255/
https://[::]/
https://[::1]/
https://[0:0:0:0:0:0:0:1]/
https://[::127.0.0.1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:10.0.0.1]/
https://[::ffff:8.8.8.8]/
https://[64:ff9b::7f00:1]/
https://[64:ff9b:1::1]/
https://[100::1]/
https://[2001::1]/
https://[2001:db8::1]/
https://[2002:7f00:1::]/
https://[fc00::1]/
https://[fd00:ec2::254]/
https://[fe80::1]/
https://[fe80::1%25eth0]/
https://[fec0::1]/
https://[ff02::1]/
https://[v1.x]/
https://[127.0.0.1]/
https://localhost/
https://LOCALHOST/
https://localhost./
https://a.localhost/
https://printer.local/
https://metadata.google.internal/
https://program.example:0/
https://program.example:65536/
https://program.example:x/
https://program.example/#part
https://program.example\@127.0.0.1/
https://program.example /
https://pro\tgram.example/
https://program.example/\r\nX: 1
https://127。0。0。1/
https://①②⑦.0.0.1/
https://prögram.example/
https://-program.example/
https://program..example/
https://program_x.example/
https://%31%32%37.0.0.1/
""".strip("\n").split("\n")
GOOD_URLS = (
    "https://program.example/hooks",
    "https://program.example",
    "https://program.example.:8443/a?b=c&d=%20",
    "https://xn--prgram-zxa.example/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "HTTPS://Program.Example/",
)
PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.3.4"),
    *("::1", "fe80::1%lo", "fd00::1", "::ffff:127.0.0.1"),
)
NO_ANSWERS = (b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"\x00" * 9)


@pytest.mark.parametrize("url", BAD_URLS)
def test_no_private_address_can_be_written_down_in_any_spelling(url: str) -> None:
    written = url.replace(r"\t", "\t").replace(r"\r\n", "\r\n")
    with pytest.raises(ValueError, match=r"\.$"):
        target_of(written, may_be_private=False)


def test_that_many_forms_are_tried() -> None:
    assert len(set(BAD_URLS)) == len(BAD_URLS) > 60
    with pytest.raises(ValueError, match="At most"):
        target_of("https://program.example/" + "x" * LONGEST_URL, may_be_private=False)


@pytest.mark.parametrize("url", GOOD_URLS)
def test_public_addresses_can_be_written_down(url: str) -> None:
    assert target_of(url, may_be_private=False).is_tls


def test_where_the_operator_allows_it_private_addresses_and_http_can_be() -> None:
    for url in ("http://127.0.0.1:8080/", "https://[::1]/", "http://localhost/", "https://10.0.0.1/"):
        assert target_of(url, may_be_private=True)
    with pytest.raises(ValueError, match="plain way"):
        target_of("http://2130706433/", may_be_private=True)


def test_the_host_is_named_as_it_was_written_down() -> None:
    assert target_of("https://program.example/", may_be_private=False).named == "program.example"
    assert target_of("https://[2606:4700::1]:444/", may_be_private=False).named == "[2606:4700::1]:444"
    assert target_of("http://[::1]/", may_be_private=True).named == "[::1]"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what lets names stand for addresses, a list a look-up, and tells what is connected to."""

    def stand_for(*answers: list[str]) -> list[str]:
        left, reached = list(answers), []

        def look_up(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            found = left.pop(0) if len(left) > 1 else left[0]
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (ip, port, 0, 0))
                if ":" in ip
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
                for ip in found
            ]

        def connect(_self: socket.socket, address: tuple[Any, ...]) -> None:
            reached.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(socket.socket, "connect", connect)
        return reached

    return stand_for


def sent(url: str = "https://program.example/", *, may_be_private: bool = False, seconds: Any = 5) -> int:
    """Post something."""
    target = target_of(url, may_be_private=may_be_private)
    return post(target, b"{}", {}, seconds=seconds, may_be_private=may_be_private)


@pytest.mark.parametrize("ip", PRIVATE)
def test_a_name_of_a_private_address_is_not_called(names: Callable[..., list[str]], ip: str) -> None:
    for answer in ([ip], ["8.8.8.8", ip]):
        reached = names(answer)
        with pytest.raises(NotDelivered, match="private network"):
            sent()
        assert reached == []


def test_a_name_that_stands_for_127_0_0_1_at_the_second_look_is_looked_up_once(
    names: Callable[..., list[str]],
) -> None:
    reached = names(["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(NotDelivered, match="cannot be reached"):
        sent()
    assert reached == ["8.8.8.8"]


def test_each_address_of_a_name_is_tried(names: Callable[..., list[str]]) -> None:
    reached = names(["2606:4700::1111", "8.8.8.8"])
    with pytest.raises(NotDelivered, match="cannot be reached"):
        sent()
    assert reached == ["2606:4700::1111", "8.8.8.8"]


def test_a_webhook_whose_name_leads_inside_later_is_never_called(
    app: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = ("127.0.0.1", receiver.server_port)
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", private)]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers[0])
    with app.app_context():
        pinged("https://program.example/")
        go_round()
        (row,) = rows()
        assert row.trouble == "The name leads into a private network, which is not called."
        assert (row.state, receiver.got) == ("due", [])


def test_what_was_written_down_while_private_addresses_were_allowed_is_not_called_any_more(
    app: Flask, receiver: Receiver
) -> None:
    with app.app_context():
        pinged(receiver.url)
        go_round()
        assert (rows()[0].trouble, receiver.got) == ("Write an address that begins with https://.", [])


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(desk: Flask, receiver: Receiver, code: int) -> None:
    pinged(receiver.url)
    receiver.answers = [f"HTTP/1.1 {code} Go\r\nLocation: {receiver.url}\r\n\r\n".encode()]
    go_round()
    assert len(receiver.got) == 1
    assert rows()[0].trouble == f"The server answered {code}. Redirects are not followed."


class Slow:
    """A server that lets others wait; `drip` is what it says every few milliseconds."""

    def __init__(self, drip: bytes, first: bytes = b"") -> None:
        self.drip, self.first, self.is_over = drip, first, threading.Event()
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def serve(self) -> None:
        """Take one connection and be slow, until whoever asks has gone."""
        connection, _ = self.listener.accept()
        with connection:
            try:
                connection.sendall(self.first)
                while not self.is_over.wait(0.002):
                    connection.sendall(self.drip)
                    self.sent += len(self.drip)
            except OSError:
                pass

    def close(self) -> None:
        """Be over."""
        self.is_over.set()
        self.thread.join()
        self.listener.close()


@pytest.fixture
def slow() -> Iterator[Callable[..., Slow]]:
    """Return what starts a slow server."""
    started: list[Slow] = []

    def start(*said: bytes) -> Slow:
        started.append(Slow(*said))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.mark.parametrize(
    "said",
    [(b"",), (b"H",), (b" ", b"HTTP/1.1 200 OK\r\nX: "), (b"HTTP/1.1 100 Continue\r\n\r\n",)],
    ids=["says nothing", "never says what", "never ends a header", "always says to go on"],
)
def test_a_slow_server_is_left_when_its_time_is_over(
    slow: Callable[..., Slow], said: tuple[bytes, ...], desk: Flask
) -> None:
    desk.config["WEBHOOK_TIMEOUT"] = SHORT
    server = slow(*said)
    pinged(server.url)
    began = time.monotonic()
    go_round()
    took = time.monotonic() - began
    (row,) = rows()
    assert (row.state, row.is_doubtful) == ("due", True)
    assert row.trouble in {
        "The server did not answer in time.",
        "The server gave no answer that can be read.",
    }
    server.thread.join(SHORT)
    assert not server.thread.is_alive() or said == (b"",), "the connection is closed"
    assert took < 60  # a test that hangs: nobody waits for the server's own end


def test_a_name_that_is_looked_up_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def never(*_: Any, **__: Any) -> Any:
        is_over.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        with pytest.raises(NotDelivered, match="in time"):
            sent(seconds=SHORT)
    finally:
        is_over.set()


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_without_end_is_left(slow: Callable[..., Slow], begin: bytes) -> None:
    endless = slow(b"x" * 2000 + b"\r\nX: ", begin)
    assert sent(endless.url, may_be_private=True) == 200
    endless.thread.join(60)
    assert not endless.thread.is_alive()


def test_no_more_of_an_answer_is_read_than_64_kb() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=theirs.sendall, args=(b"x" * 70_000,))
        writer.start()
        assert len(Reading(ours, Deadline(60)).makefile().read()) == 64 * 1024
        assert ours.recv(70_000)  # and the rest still lies there
        writer.join()


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_what_is_no_answer_is_a_failure(desk: Flask, receiver: Receiver, answer: bytes) -> None:
    pinged(receiver.url)
    receiver.answers = [answer]
    go_round()
    (row,) = rows()
    assert (row.trouble, row.is_doubtful) == ("The server gave no answer that can be read.", True)


def test_an_unknown_name_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotDelivered, match="not known"):
        sent()


@pytest.fixture
def sealed(server: Receiver) -> Iterator[Receiver]:
    """A program that speaks TLS, by a certificate for hooks.example that nobody else vouches for."""
    receiver = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def test_by_tls_the_very_address_is_called_under_its_name(
    sealed: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("127.0.0.1", sealed.server_port)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    url = f"https://hooks.example:{sealed.server_port}/"
    with pytest.raises(NotDelivered, match="certificate"):
        sent(url, may_be_private=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with pytest.raises(NotDelivered, match="certificate"):
        sent(url.replace("hooks.", "other."), may_be_private=True)
    assert sealed.got == []
    assert sent(url, may_be_private=True) == 204
    assert [got.headers["host"] for got in sealed.got] == [f"hooks.example:{sealed.server_port}"]


def test_addresses_are_public_or_not() -> None:
    judged = {"8.8.8.8": True, "1.1.1.1": True, "2606:4700::1111": True, "2a00:1450::1": True}
    judged |= {ip.partition("%")[0]: False for ip in PRIVATE}
    assert {text: is_public(ip) for text in judged if (ip := ip_of(text))} == judged


def test_the_setting_is_off_unless_it_is_said(app: Flask) -> None:
    assert (app.config["WEBHOOK_PRIVATE"], app.config["WEBHOOK_TIMEOUT"]) == (False, 5)
    with app.app_context():
        assert hook("https://program.example/")
