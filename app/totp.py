"""Codes of an authenticator app: RFC 6238 with SHA-1, six digits, steps of thirty seconds, as all do."""

import hmac
import re
import secrets
from base64 import b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

STEP = 30
DIGITS = 6
CODE = re.compile(r"[0-9]{6}", re.ASCII)
# Clocks differ: the code of the step before and of the one after are taken too.
AROUND = (0, -1, 1)
ISSUER = "Tradepost"


def new_secret() -> bytes:
    """Return a new secret of 160 bits."""
    return secrets.token_bytes(20)


def code(secret: bytes, step: int) -> str:
    """Return the code of a step (RFC 4226, 5.3)."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), "sha1").digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, typed: str, now: datetime) -> int | None:
    """Return the step whose code was typed, blanks left out; None where it is none of these moments."""
    typed = "".join(typed.split())
    if not CODE.fullmatch(typed):
        return None
    present = int(now.timestamp()) // STEP
    steps = [present + n for n in AROUND]
    # Each is compared, so that the time taken tells nothing.
    fitting = [step for step in steps if hmac.compare_digest(code(secret, step), typed)]
    return fitting[0] if fitting else None


def in_words(secret: bytes) -> str:
    """Return the secret as it is typed into an app: Base32 in groups of four."""
    text = b32encode(secret).decode()
    return " ".join(text[n : n + 4] for n in range(0, len(text), 4))


def address(secret: bytes, name: str) -> str:
    """Return the otpauth address that an app reads from the picture."""
    label = quote(f"{ISSUER}:{name}", safe="@")
    given = {"secret": b32encode(secret).decode(), "issuer": ISSUER}
    return f"otpauth://totp/{label}?{urlencode(given)}"
