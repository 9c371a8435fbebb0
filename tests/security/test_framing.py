"""What is no proper request is refused by the server that runs, and nothing hides behind it (H36, H37)."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running import Desk, come_true

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: desk\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ENDED = b"0\r\n\r\n"


def sent(*headers: bytes, body: bytes = b"", line: bytes = b"POST /theme HTTP/1.1") -> bytes:
    """Return a request, behind which another one hides."""
    return b"\r\n".join((line, b"Host: desk", *headers, b"", b"")) + body + HIDDEN


FRAMES = {
    "a length and chunks": sent(b"Content-Length: 5", CHUNKED[:-2], body=ENDED),
    "chunks and a length": sent(CHUNKED[:-2], b"Content-Length: 5", body=ENDED),
    "two lengths": sent(b"Content-Length: 5", b"Content-Length: 0"),
    "two lengths in one": sent(b"Content-Length: 5, 0"),
    "the same length twice": sent(b"Content-Length: 3", b"Content-Length: 3", body=b"a=1"),
    "a length below 0": sent(b"Content-Length: -1"),
    "a length with a sign": sent(b"Content-Length: +5"),
    "a length with an exponent": sent(b"Content-Length: 1e3"),
    "a length in hex": sent(b"Content-Length: 0x5"),
    "a length with a line below": sent(b"Content-Length: 1_0"),
    "a length in other digits": sent("Content-Length: ٥".encode()),
    "no length": sent(b"Content-Length: "),
    "a length of 40 digits": sent(b"Content-Length: " + b"9" * 40),
    "a blank before the colon": sent(b"Content-Length : 5"),
    "a blank before the name": sent(b" Content-Length: 5"),
    "a folded header": sent(b"X-One: a\r\n b", b"Content-Length: 0"),
    "a folded encoding": sent(b"Transfer-Encoding:\r\n chunked", body=ENDED),
    "an encoding twice": sent(CHUNKED[:-2], b"Transfer-Encoding: identity", body=ENDED),
    "an encoding that is none": sent(b"Transfer-Encoding: xchunked", body=ENDED),
    "chunks that are not last": sent(b"Transfer-Encoding: chunked, identity", body=ENDED),
    "chunks with a tab": sent(b"Transfer-Encoding: \x0bchunked", body=ENDED),
    "chunks with NUL": sent(b"Transfer-Encoding: chunked\0", body=ENDED),
    "a chunk of letters": sent(CHUNKED[:-2], body=b"zz\r\nabc\r\n" + ENDED),
    "a chunk below 0": sent(CHUNKED[:-2], body=b"-1\r\nabc\r\n" + ENDED),
    "a chunk in 0x": sent(CHUNKED[:-2], body=b"0x3\r\nabc\r\n" + ENDED),
    "a chunk longer than said": sent(CHUNKED[:-2], body=b"3\r\nabcdef\r\n" + ENDED),
    "chunks in HTTP 1.0": sent(CHUNKED[:-2], body=ENDED, line=b"POST /theme HTTP/1.0"),
    "another version": sent(line=b"GET / HTTP/9.9"),
    "no version": sent(line=b"GET /"),
    "two blanks": sent(line=b"GET  / HTTP/1.1"),
    "no method": sent(line=b" / HTTP/1.1"),
    "signs for a method": sent(line=b"G<T / HTTP/1.1"),
    "NUL in the path": sent(line=b"GET /\0 HTTP/1.1"),
    "a name with a blank": sent(b"X One: a"),
    "a header without a colon": sent(b"X-One"),
    "NUL in a header": sent(b"X-One: a\0b"),
    "CR in a header": sent(b"X-One: a\rX-Two: b"),
    "a name of no letters": sent(b": a"),
    "a line of 100 KB": sent(line=b"GET /" + b"a" * 100_000 + b" HTTP/1.1"),
    "a header of 100 KB": sent(b"X-One: " + b"x" * 100_000),
    "5,000 headers": sent(*(b"X-%d: x" % n for n in range(5000))),
}
# What is odd but proper: one answer to each request.
PROPER = {
    "a proper one": b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n",
    "a name in any case": b"GET /healthz HTTP/1.1\r\nhOST: desk\r\n\r\n",
    "an empty line before": b"\r\nGET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that runs as `make run` starts it."""
    desk = Desk(tmp_path_factory.mktemp("framing"), WORKERS="1").wait()
    yield desk
    desk.end()


def answers(desk: Desk, request: bytes) -> tuple[list[bytes], bool]:
    """Send bytes; return the status of each answer, and whether the server closed the connection."""
    client = desk.call()
    client.settimeout(3)
    got, is_closed = b"", False
    try:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        while part := client.recv(65536):
            got += part
        is_closed = True
    except TimeoutError:
        pass
    except OSError:  # it was closed before all was sent
        is_closed = True
    finally:
        client.close()
    return re.findall(rb"HTTP/1\.[01] (\d{3}) ", got), is_closed


def lines(desk: Desk) -> str:
    """Return the desk's log."""
    return Path(desk.log).read_text()


def test_nothing_hides_behind_a_request_that_is_none(desk: Desk, count: Callable[[str, int], None]) -> None:
    for name, request in FRAMES.items():
        codes, is_closed = answers(desk, request)
        assert is_closed, name
        assert len(codes) <= 2, (name, codes)  # what follows on a body that is none may be refused for itself
        assert set(codes) <= {b"400", b"405", b"413", b"414", b"431", b"501", b"505"}, (name, codes)
    assert "/hidden" not in lines(desk)
    assert "Traceback" not in lines(desk)
    for name, request in PROPER.items():
        assert answers(desk, request)[0] == [b"200"], name
    count("requests that are none, on the wire", len(FRAMES))


def test_what_stands_behind_a_proper_request_is_answered(desk: Desk) -> None:
    assert answers(desk, PROPER["a proper one"] + HIDDEN.replace(b"/hidden", b"/nowhere"))[0] == [
        b"200",
        b"404",
    ]
    assert come_true(lambda: "/nowhere" in lines(desk))
