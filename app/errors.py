"""What the desk refuses, each refusal with its sentence.

An act, a loader or a form raises one of these; doors turn them into a page, a part or a dialect's error
object. The sentences quoted from seed 000 are part of its interface. Standard library only.
"""


class Refused(Exception):
    """Something was asked that the desk does not do; `sentence` says what, in words for people."""

    status = 400
    sentence = "This cannot be done."
    title = ""  # what heads its page, where its status alone says too little

    def __init__(self, sentence: str | None = None, field: str | None = None) -> None:
        self.sentence = sentence or type(self).sentence
        self.field = field
        super().__init__(self.sentence)


class InvalidStatus(Refused):
    """The asked status is no code that can be applied (seed 000, PUT, 400)."""

    sentence = "Invalid status."


class StatusChangeProhibited(Refused):
    """The item's present state forbids the change (seed 000, PUT, 400)."""

    sentence = "Order status change prohibited."


class NotAllowed(Refused):
    """The person may see the thing and may not do this to it (seed 000, PUT, 403)."""

    status = 403
    sentence = "Insufficient privileges for this operation."


class SignInAnew(Refused):
    """Who has no password shows by a sign-in of lately that it is them who change what lets them in."""

    status = 403
    title = "Sign in once more first"
    sentence = (
        "Your account has no password, so this takes a sign-in of the last ten minutes. "
        "Sign out and in again: you are led back here."
    )


class TooManyCalls(Refused):
    """A token called too often; the next call that is taken is `retry_after` seconds away."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        seconds = "1 second" if retry_after == 1 else f"{retry_after} seconds"
        super().__init__(f"Too many calls with this token: try again in {seconds}.")
        self.retry_after = retry_after


class TooManyTries(Refused):
    """Passwords, codes or resets were tried too often under a name or from an address."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        seconds = "1 second" if retry_after == 1 else f"{retry_after} seconds"
        wait = f"{-(-retry_after // 3600)} hours" if retry_after > 3600 else seconds
        super().__init__(f"That was tried too often. Wait {wait}, then try again.")
        self.retry_after = retry_after


class NotFound(Refused):
    """There is no such thing, or none that this person may know of."""

    status = 404
    sentence = "Not found."


class ForeignStore(NotFound):
    """The store in the path is not the caller's, whether it exists or not."""


class ForeignUser(ForeignStore):
    """The user in the path is none for whose stores the caller works, whether there is one or not."""


class Absorbed(NotFound):
    """The sale of this number went into another one, `heir_id`: it is no sale any more (law 5, law 6).

    Whoever is a party to it may be told of the heir; to everybody else there is no such thing.
    """

    sentence = "This sale was combined with a later purchase of the same buyer."

    def __init__(self, heir_id: int, number: int) -> None:
        super().__init__()
        self.heir_id, self.number = heir_id, number


class ChangedMeanwhile(Refused):
    """Somebody else was quicker; nothing was changed."""

    status = 409
    sentence = "This sale was changed meanwhile. Nothing was done; look at it as it is now and try again."


class BadBody(Refused):
    """The request's body cannot be read (or is of a type that is not taken)."""

    sentence = "The body of the request cannot be read."

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class BadFile(Refused):
    """A file as a whole cannot be taken in; `line` is the file's own line number where there is one."""

    status = 422
    sentence = "This file cannot be read."

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(f"Line {line}: {sentence}" if line else sentence)
        self.line = line


class Unavailable(Refused):
    """The desk cannot do it now, whoever asks; it may be asked again in `retry_after` seconds."""

    status = 503
    sentence = "The desk cannot write at the moment; nothing was changed. Try again in a minute."
    retry_after = 60


class NothingToRead(Unavailable):
    """The database cannot even be read."""

    sentence = "The desk cannot reach its data at the moment. Try again in a minute."


class PerhapsDone(Unavailable):
    """The connection broke while the change was saved: nobody here knows whether it was."""

    sentence = (
        "The connection to the database broke while this was saved. "
        "Look whether it was done before you send it again."
    )


class Busy(Unavailable):
    """Too many ask at once, and this one has waited too long already."""

    sentence = "Too many are in line at the moment; nothing was changed. Try again in a few seconds."
    retry_after = 5
