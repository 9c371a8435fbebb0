"""The one way by which the desk calls out: one request to an address that a person wrote down.

The name is looked up once, every address that it has is judged, and one of these very addresses is connected
to: what the name stands for a moment later does not matter. Nothing but the public internet is reached unless
the operator allows it. No redirect is followed, and all together ends after some seconds.
"""

import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

LONGEST_URL = 1000
# So much of an answer is read, in bytes: of its head, and of more where its body is not asked for.
LONGEST_ANSWER = 64 * 1024

VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
HERE = re.compile(r"(.*\.)?(localhost|local|internal|localdomain)\.?", re.ASCII)
# What is reached by IPv6 is in the first; the second and third carry IPv4 addresses inside.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
CARRYING = (ipaddress.ip_network("2001::/23"), ipaddress.ip_network("2002::/16"))
RELAYS = ipaddress.ip_network("192.88.99.0/24")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """Where a request goes; `host` is a name or an address, without brackets."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """Return the host as the request names it, with its port where that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


class NotDelivered(Exception):
    """A request came to nothing; the text says why, in words of ours.

    `is_doubtful`: it may have arrived all the same. `is_unreachable`: the next one would fare no better now.
    """

    def __init__(self, words: str, *, is_doubtful: bool = False, is_unreachable: bool = True) -> None:
        super().__init__(words)
        self.words, self.is_doubtful, self.is_unreachable = words, is_doubtful, is_unreachable


def target_of(url: str, *, may_be_private: bool) -> Target:
    """Return where a URL leads; ValueError says in a sentence what is wrong with it.

    https alone, unless private addresses are allowed. What a name stands for is judged when it is called.
    """
    if len(url) > LONGEST_URL:
        raise ValueError(f"At most {LONGEST_URL} characters fit here; these are {len(url)}.")
    if not VISIBLE.fullmatch(url) or "\\" in url:
        raise ValueError("Write an address of plain signs, such as https://shop.example/hooks.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError("This is no address: write it as https://shop.example/hooks.") from None
    if parts.scheme not in ({"https", "http"} if may_be_private else {"https"}):
        raise ValueError("Write an address that begins with https://.")
    if "@" in parts.netloc:
        raise ValueError("Leave out user and password: every message is signed.")
    if "#" in url:
        raise ValueError("Leave out what begins with #: it is not sent.")
    if port == 0:
        raise ValueError("A port is a number from 1 to 65535.")
    _judge_host(host, parts.netloc, may_be_private)
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_tls, host, port or (443 if is_tls else 80), path)


def _judge_host(host: str, netloc: str, may_be_private: bool) -> None:
    """Refuse (ValueError) what is no name and no address, and addresses that are not to be reached."""
    ip = ip_of(host)
    if ip is None and (not NAME.fullmatch(host) or len(host) > 253 or "[" in netloc):
        raise ValueError("This is no address: write it as https://shop.example/hooks.")
    if ip is None and NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise ValueError("Write a number as an address the plain way, such as 203.0.113.7, or use a name.")
    if may_be_private:
        return
    if (ip is not None and not is_public(ip)) or HERE.fullmatch(host):
        raise ValueError("This leads into a private network. Only public addresses are called.")


def ip_of(text: str) -> Ip | None:
    """Return a text as an address in its plain spelling; None where it is none, or names an interface."""
    try:
        return ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def is_public(ip: Ip) -> bool:
    """Tell whether an address is one host's of the public internet."""
    if ip.is_multicast or ip.is_reserved or ip.is_unspecified or not ip.is_global:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip not in RELAYS
    return ip in GLOBAL_UNICAST and not any(ip in network for network in CARRYING)


class Deadline:
    """The moment by which all must have ended, so many seconds from now."""

    def __init__(self, seconds: Any) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> Any:
        """Return how many seconds are left; TimeoutError where none are."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Answer(NamedTuple):
    """What a server answered; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(
    target: Target, body: bytes, headers: Mapping[str, str], *, seconds: Any, may_be_private: bool
) -> int:
    """Send a body; return the status of the answer, whichever it is. NotDelivered where none came."""
    return ask("POST", target, headers, body, seconds=seconds, may_be_private=may_be_private).status


def ask(
    method: str,
    target: Target,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    seconds: Any,
    may_be_private: bool,
    most: int = 0,
) -> Answer:
    """Send a request; return the answer, whichever its status. NotDelivered where none came.

    Of its body so many bytes are read, and nothing where `most` is 0; a longer one is none.
    """
    deadline = Deadline(seconds)
    try:
        found = addresses(target, deadline)
        if not may_be_private and not all(map(_is_public_text, (address for _, address in found))):
            raise NotDelivered("The name leads into a private network, which is not called.")
        connection = _connected(target, found, deadline)
    except TimeoutError:
        raise NotDelivered("The server could not be reached in time.") from None
    except ssl.SSLCertVerificationError:
        raise NotDelivered("The server's certificate does not fit its name.") from None
    except OSError:
        raise NotDelivered("The server cannot be reached.") from None
    with connection:
        try:
            return _asked(connection, target, Request(method, headers, body, most), deadline)
        except TimeoutError:
            raise NotDelivered("The server did not answer in time.", is_doubtful=True) from None
        except (OSError, HTTPException, ValueError):
            raise NotDelivered("The server gave no answer that can be read.", is_doubtful=True) from None


def addresses(target: Target, deadline: Deadline) -> list[tuple[int, Any]]:
    """Return (family, socket address) of all that a host stands for, looked up once.

    By a thread of its own: a look-up knows of no deadline.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception) or not found:
        raise NotDelivered("The server's name is not known.")
    return [(family, address) for family, _, _, _, address in found]


def _is_public_text(address: tuple[Any, ...]) -> bool:
    """Tell whether a socket's address is public; one with an interface is not."""
    ip = ip_of(str(address[0]))
    return ip is not None and is_public(ip)


def _connected(target: Target, found: list[tuple[int, Any]], deadline: Deadline) -> socket.socket:
    """Return a connection to the first of these addresses that takes one, with TLS where it is asked for."""
    refusal: OSError = ConnectionError()
    for family, address in found:
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.settimeout(deadline.left())
            plain.connect(address)
            if not target.is_tls:
                return plain
            plain.settimeout(deadline.left())
            return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
        except OSError as error:
            plain.close()
            refusal = error
    raise refusal


class Reading(io.RawIOBase):
    """What a server answers, until the deadline, and no more of it than a limit."""

    def __init__(self, connection: socket.socket, deadline: Deadline, most: int = LONGEST_ANSWER) -> None:
        self.connection, self.deadline, self.room = connection, deadline, most

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there; nothing once the limit is reached."""
        if not self.room:
            return 0
        self.connection.settimeout(self.deadline.left())
        n = self.connection.recv_into(memoryview(buffer)[: self.room])
        self.room -= n
        return n

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return what http.client reads from."""
        return io.BufferedReader(self)


class Request(NamedTuple):
    """What is asked; of the answer's body at most so many bytes are wanted, nothing where that is 0."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    most: int


def _asked(connection: socket.socket, target: Target, request: Request, deadline: Deadline) -> Answer:
    """Send the request and return the answer."""
    http = HTTPConnection(target.host, target.port)
    http.sock = connection
    connection.settimeout(deadline.left())
    headers = {"Host": target.named, "Connection": "close", **request.headers}
    http.request(request.method, target.path, request.body, headers)
    reading = Reading(connection, deadline, LONGEST_ANSWER + request.most)
    answer = HTTPResponse(reading, method=request.method)  # type: ignore[arg-type]
    answer.begin()
    got = b""
    try:
        got = answer.read() if request.most else b""
    finally:
        if request.most and not reading.room:
            raise NotDelivered("The server's answer is too long.", is_doubtful=True, is_unreachable=False)
    return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, got)
