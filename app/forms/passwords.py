"""What a password must be, wherever one is chosen: pages, `flask account` and `flask setup` ask here.

ASVS 6.2: any characters, 8 at least, long ones welcome, pasting too; no rule of composition and no expiry.
Refused are the commonest ones, which are tried first, and what anybody knows of the account. No estimator
takes part: those are slow on hostile texts.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

SHORTEST, ADVISED, LONGEST = 8, 15, 128
ADVICE = f"{SHORTEST} characters at least, better {ADVISED} or more: a few words in a row do well."
# Shorter words of the account stand in many good passwords by chance.
SHORTEST_WORD = 4


@cache
def commonest() -> frozenset[str]:
    """Return the thirty thousand commonest passwords, in small letters."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def normal(password: str) -> str:
    """Return a password as it is hashed: however a keyboard composes its signs (NFKD)."""
    return unicodedata.normalize("NFKD", password)


def fault_of(password: str, about: Iterable[str | None]) -> str | None:
    """Return what is wrong with a new password, in words; None where nothing is.

    `about`: the account's e-mail, name and username, the stores' names: a password is none of these, with
    little around it.
    """
    if len(password) < SHORTEST:
        return f"Use {SHORTEST} characters at least; {ADVISED} or more are better."
    if len(password) > LONGEST:
        return f"Use {LONGEST} characters at most; these are {len(password)}."
    small = normal(password).lower()
    if small in commonest():
        return "This is one of the passwords that are tried first. Choose another one."
    for word in words_of(about):
        if word in small and len(small) - len(word) < SHORTEST:
            return "This is easily guessed by whoever knows you or this desk. Choose another one."
    return None


def words_of(about: Iterable[str | None]) -> set[str]:
    """Return the words of an account that a password may not lean on."""
    texts = [normal(text).lower() for text in about if text]
    parts = {"tradepost"}
    for text in texts:
        parts |= {text, text.partition("@")[0], *text.replace("@", " ").replace(".", " ").split()}
    return {part for part in parts if len(part) >= SHORTEST_WORD}
