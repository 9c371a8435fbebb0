"""Files that are whole or not there: drafts beside the place they are for, and the seal that ends a backup.

A backup is what the database gave, then a line of facts in JSON, then the SHA-256 of all before. So a file
that was cut off has no seal, and one that was changed does not fit it.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from app.config import VERSION

FORMAT = 1
# The longest seal is a third of it.
LONGEST_SEAL = 1024
SEAL = re.compile(rb"\n(\{\"tradepost_backup\": [^\n]*\})\n([0-9a-f]{64})\n\Z")
AT_ONCE = 1024 * 1024
# What SQLite may keep beside a file.
BESIDE = ("-journal", "-wal", "-shm")


class CannotCopy(Exception):
    """A backup or a restore cannot be done; the text says why, and how to mend it."""


class Facts(NamedTuple):
    """What a seal says: which database, migration and version, when, and how many bytes."""

    database: str
    revision: str
    version: str
    made_at: str
    size: int


class Draft(NamedTuple):
    """A private file that nobody else writes, beside the place that it is to take."""

    path: Path
    place: Path
    handle: int

    def publish(self) -> None:
        """Take the place, in one step and for good: what is there afterwards is the old or the new, whole."""
        os.fsync(self.handle)
        os.replace(self.path, self.place)
        folder = os.open(self.place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def draft_of(place: Path) -> Iterator[Draft]:
    """Give an empty draft of this file; what is not published is taken away.

    One that was killed leaves its draft, `.part` behind the name, which the next one writes anew.
    """
    path = place.with_name(f"{place.name}.part")
    handle = _hold(path)
    try:
        _clear_beside(path)
        yield Draft(path, place, handle)
    finally:
        if _is_at(handle, path):
            path.unlink()
            _clear_beside(path)
        os.close(handle)


def _hold(path: Path) -> int:
    """Return the handle of this file, empty and private; CannotCopy where somebody else writes it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it until now may have published it: then it is a draft no more.
            if _is_at(handle, path):
                os.fchmod(handle, 0o600)
                os.ftruncate(handle, 0)
                return handle
        except BlockingIOError as busy:
            os.close(handle)
            raise CannotCopy(f"{path} is being written by another backup or restore.") from busy
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Tell whether an open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _clear_beside(path: Path) -> None:
    """Take away what SQLite left beside a draft that was killed: it would be read into the next one."""
    for end in BESIDE:
        Path(f"{path}{end}").unlink(missing_ok=True)


def require_place(path: Path) -> None:
    """Raise CannotCopy where a backup would take the place of what is none."""
    if not path.parent.is_dir():
        raise CannotCopy(f"There is no folder {path.parent}.")
    if not (path.exists() or path.is_symlink()):
        return
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            if SEAL.search(_last(file)):
                return
    raise CannotCopy(f"{path} is there and is no backup: give another name, or move it away.")


def seal(draft: Draft, *, database: str, revision: str) -> Facts:
    """End a draft with its facts and its checksum, and return the facts."""
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    with draft.path.open("r+b") as file:
        facts = Facts(database, revision, VERSION, made_at, size=file.seek(0, os.SEEK_END))
        line = f"\n{json.dumps({'tradepost_backup': FORMAT, **facts._asdict()})}\n".encode()
        file.write(line + f"{_checksum(file, facts.size, line)}\n".encode())
    return facts


def facts_of(file: IO[bytes], path: Path) -> Facts:
    """Return what the seal of a backup says; CannotCopy for a file without one, or of a newer kind."""
    found = SEAL.search(_last(file))
    told = json.loads(found[1]) if found else {}
    if told.get("tradepost_backup", FORMAT) != FORMAT:
        raise CannotCopy(f"{path} was made by a newer version: restore it with that version.")
    if found is None or told["size"] + len(found[0]) != file.seek(0, os.SEEK_END):
        raise CannotCopy(f"{path} is no whole backup: it was cut off or changed, or is another file.")
    return Facts(**{name: told[name] for name in Facts._fields})


def require_sound(file: IO[bytes], path: Path) -> None:
    """Raise CannotCopy unless a backup is, byte for byte, what was sealed."""
    last = SEAL.search(_last(file))
    length = file.seek(0, os.SEEK_END)
    if last is None or _checksum(file, length - len(last[2]) - 1).encode() != last[2]:
        raise CannotCopy(f"{path} is damaged: its checksum is another. Take an older backup.")
    file.seek(0)


def copy_out(file: IO[bytes], size: int, draft: Draft) -> None:
    """Write the first bytes of a backup, what the database gave, into a draft."""
    file.seek(0)
    with draft.path.open("r+b") as into:
        while size and (piece := file.read(min(AT_ONCE, size))):
            into.write(piece)
            size -= len(piece)
    if size:
        raise OSError(errno.EIO, "the file became shorter while it was read")


def _last(file: IO[bytes]) -> bytes:
    """Return the end of a file, where the seal is."""
    file.seek(max(file.seek(0, os.SEEK_END) - LONGEST_SEAL, 0))
    return file.read()


def _checksum(file: IO[bytes], size: int, more: bytes = b"") -> str:
    """Return the SHA-256, in hex, of a file's first bytes and then of these."""
    file.seek(0)
    counted = hashlib.sha256()
    while size and (piece := file.read(min(AT_ONCE, size))):
        counted.update(piece)
        size -= len(piece)
    counted.update(more)
    file.seek(0, os.SEEK_END)
    return counted.hexdigest()
