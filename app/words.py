"""Words as the search sees them: folded so that every database finds the same.

Case and accents are taken away; text without spaces between words (Chinese, Japanese, Korean) becomes
overlapping pairs of characters.
"""

import re
import unicodedata

LONGEST_TERM = 64
LONGEST_SEARCH = 100

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")


# Letters whose stroke or ligature no decomposition takes away.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def fold(text: str) -> str:
    """Return the text without case and accents: "Åsa" becomes "asa", "Łukasz" "lukasz"."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def terms(*texts: str | None) -> set[str]:
    """Return every term under which texts like these are found, each at most 64 characters."""
    found: set[str] = set()
    for text in texts:
        folded = fold(text or "")
        if folded.isascii():
            found.update(word[:LONGEST_TERM] for word in _WORD.findall(folded))
            continue
        for word in _WORD.findall(folded):
            spaced = _UNSPACED.sub(" ", word).split()
            found.update(part[:LONGEST_TERM] for part in spaced)
            for run in _UNSPACED.findall(word):
                found.update(pairs(run))
    return found


def deal_term(word: str) -> str:
    """Return the term under which an order is found by what those see who see its deals alone.

    No term of the order itself begins with this sign.
    """
    return f"={word}"[:LONGEST_TERM]


def pairs(run: str) -> set[str]:
    """Return the overlapping pairs of an unspaced run, and its single characters."""
    return {run[i : i + 2] for i in range(len(run) - 1)} | set(run)


def asked_terms(text: str) -> list[str]:
    """Return the terms that must all be found for this search, in the order typed, each once."""
    asked: dict[str, None] = {}
    for word in _WORD.findall(fold(text)):
        for part in _UNSPACED.sub(" ", word).split():
            asked[part[:LONGEST_TERM]] = None
        for run in _UNSPACED.findall(word):
            asked.update(dict.fromkeys([run] if len(run) == 1 else sorted(pairs(run) - set(run))))
    return list(asked)
