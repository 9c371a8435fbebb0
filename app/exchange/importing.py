"""An order file brought in: every order through the same form and the same acts, whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass

from app.access import Desk


@dataclass(frozen=True)
class File:
    """What was read from a file of orders; nothing of it is judged yet."""


@dataclass(frozen=True)
class Report:
    """What became of every order of a file."""

    refused: int = 0


def read(data: bytes, zone: str, currency: str) -> File:
    """Return the orders of a file; BadFile names the line that keeps it from being read as a whole."""
    raise NotImplementedError


def bring_in(
    file: File,
    desk: Desk,
    *,
    is_dry_run: bool,
    commit: Callable[[], None],
    rollback: Callable[[], None],
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Bring the orders of a file into a store and report on each; a dry run leaves nothing behind."""
    raise NotImplementedError


def summary(report: Report) -> str:
    """Return the command's last line: N orders, M items: A new, B changed, C same, R refused."""
    raise NotImplementedError
