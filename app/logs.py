"""The log: one JSON line a request on stderr, and one for whatever fails; words in colour on a terminal.

A line says who (the account's id), what (method and path, never the query), when, and how it ended, under an
id made here. No secret and no personal data stands in it: callers note ids and names of refusals alone.
"""

import json
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any
from urllib.parse import quote

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

LONGEST_PATH = 300
# Behind this step stands the token of a guest link: what is no plain id is cut, with all that follows.
GUEST = re.compile(r"(.*/guest/)(?![0-9]{1,19}(?:/[a-z]{1,20})?/?\Z).+", re.IGNORECASE | re.DOTALL)
# The same in what others write, such as Flask's own server, which repeats the address.
TOKEN = re.compile(r"(/guest/)[^\s\"'/]*\.[^\s\"']+", re.IGNORECASE)
# Characters that could begin a line of their own, or speak to a terminal.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# A link out of a mail is a key.
SECRETS_IN_PATHS = re.compile(r"(/invitations/)[^/]+")
# PostgreSQL repeats there what was sent: "Key (email)=(...) already exists."
VALUES = re.compile(r"^DETAIL:.*$", re.MULTILINE)


def note(**facts: object) -> None:
    """Let the line of the present request carry these facts: ids and names, nothing personal."""
    bind_contextvars(**facts)


def request_id() -> str:
    """Return the id of the present request; "" outside of one."""
    return str(get_contextvars().get("request", ""))


def tell(event: str, **facts: object) -> None:
    """Write a line of its own, for what was done outside of a request: ids and names, nothing personal."""
    _log.info(event, **facts)


def failed(error: BaseException) -> None:
    """Write down what nobody foresaw, with its traceback, under the present request's id."""
    _log.error("failed", exc_info=error)


class Logged:
    """A WSGI application whose every request has an id and leaves a line."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer with the id as `X-Request-ID`; the line is written when the last byte was given away."""
        clear_contextvars()
        line = Line(environ)
        bind_contextvars(request=line.id)

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            line.code = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", line.id)], *failure)

        try:
            body = self.application(environ, start)
            line.facts = get_contextvars()
        except BaseException:
            line.write()
            raise
        sender = environ.get("wsgi.file_wrapper")
        if isinstance(sender, type) and isinstance(body, sender):  # the server sends the file by itself
            line.write()
            return body  # type: ignore[return-value]
        return Body(body, line)


class Line:
    """What is known of a request."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.began = perf_counter()
        self.id = secrets.token_hex(6)
        self.method = str(environ["REQUEST_METHOD"])[:16]
        # Quoted, a path is one word of ASCII, whatever was sent.
        path = GUEST.sub(r"\1*", environ.get("PATH_INFO", ""))
        path = quote(path.encode("latin-1"), safe="/*")
        self.path = SECRETS_IN_PATHS.sub(r"\1***", path)[:LONGEST_PATH]
        self.code = 500
        self.facts: dict[str, Any] = {}

    def write(self) -> None:
        """Write the line; what was noted in the course of the request stands in it."""
        if request_id() != self.id:  # this thread has begun another one meanwhile
            clear_contextvars()
            bind_contextvars(**self.facts)
        is_refusal = self.code >= 400 or "reason" in get_contextvars()
        write = _log.error if self.code == 500 else _log.warning if is_refusal else _log.info
        ms = round((perf_counter() - self.began) * 1000, 1)
        write("request", method=self.method, path=self.path, status=self.code, ms=ms)


class Body:
    """The body of an answer, which writes the line when it is closed."""

    def __init__(self, body: Iterable[bytes], line: Line) -> None:
        self.body, self.line = body, line

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.body
        except Exception as error:
            failed(error)  # the status is gone already; the connection will break
            raise

    def close(self) -> None:
        """Close the body, and write the line."""
        try:
            if hasattr(self.body, "close"):
                self.body.close()
        finally:
            self.line.write()


def set_up() -> None:
    """Let structlog and the standard library write to stderr: JSON, or words where it is a terminal."""
    shared: list[Processor] = [
        merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _tell_failure,
        _cut_tokens,
        _escape,
    ]
    renderer: Processor = _render
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(
            timestamp_key="time", pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=Lines,
        cache_logger_on_first_use=True,
    )
    words = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, Handler)]:
        root.removeHandler(handler)
    root.addHandler(Handler(words))


class Handler(logging.Handler):
    """What takes the standard library's records: they become lines as all others."""

    def __init__(self, words: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(words)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        try:
            Lines().msg(self.format(record))
        except Exception:
            self.handleError(record)


class Lines:
    """Where lines go: to the stderr of this moment."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        """Write a line in one piece; a log that cannot be written stops no request."""
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass

    info = warning = error = msg


def _tell_failure(_logger: WrappedLogger, _name: str, entry: EventDict) -> EventDict:
    """Put an exception into words, without the values that a database repeats in it."""
    error = entry.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        entry["exception"] = VALUES.sub("DETAIL: left out", "".join(traceback.format_exception(error)))
    return entry


def _cut_tokens(_logger: WrappedLogger, _name: str, entry: EventDict) -> EventDict:
    """Cut the tokens of guest links out of every text."""
    for key, value in entry.items():
        if isinstance(value, str) and "/guest/" in value:
            entry[key] = TOKEN.sub(r"\1*", value)
    return entry


def _escape(_logger: WrappedLogger, _name: str, entry: EventDict) -> EventDict:
    """Make every text one line that a terminal can be shown; a traceback keeps its lines."""
    for key, value in entry.items():
        if isinstance(value, str) and not value.isprintable():
            lines = value.split("\n") if key == "exception" else [value]
            entry[key] = "\n".join(CONTROLS.sub(lambda found: repr(found[0])[1:-1], line) for line in lines)
    return entry


def _render(_logger: WrappedLogger, _name: str, entry: EventDict) -> str:
    """Return an entry as JSON, in ASCII: time, level and what happened first."""
    first = {key: entry.pop(key) for key in ("time", "level", "event") if key in entry}
    return json.dumps({**first, **entry}, default=str)


_log = structlog.get_logger()
