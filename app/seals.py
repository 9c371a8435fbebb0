"""What the desk seals with its own key: links that go out by mail, and secrets that it must read again.

A link is signed for one purpose and carries all that it says, so that nothing secret waits in the database;
a second factor's secret, or the key of an account elsewhere, lies there encrypted. Whoever has the
database alone can make neither.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from app.signing import derived


def signed(key: str, purpose: str, said: dict[str, Any]) -> str:
    """Return a text, fit for an address, that `said_by` reads for this purpose alone."""
    return str(_signer(key, purpose).dumps(said))


def said_by(key: str, purpose: str, text: str, lasts: timedelta) -> dict[str, Any] | None:
    """Return what a signed text says; None for one that was not signed for this purpose, or is too old."""
    try:
        said = _signer(key, purpose).loads(text, max_age=int(lasts.total_seconds()))
    except BadData:
        return None
    return said if isinstance(said, dict) else None


def mark(key: str, *parts: object) -> str:
    """Return a short mark of these values: it changes when one of them does, and tells none of them."""
    said = "\0".join(str(part) for part in parts)
    return hmac.new(derived(key, "mark"), said.encode(), hashlib.sha256).hexdigest()[:32]


def encrypted(key: str, purpose: str, secret: bytes) -> str:
    """Return a secret as it may be kept."""
    from cryptography.fernet import Fernet

    return Fernet(_fernet_key(key, purpose)).encrypt(secret).decode()


def decrypted(key: str, purpose: str, kept: str) -> bytes | None:
    """Return the secret of what `encrypted` gave for this purpose; None for everything else."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_fernet_key(key, purpose)).decrypt(kept.encode())
    except (InvalidToken, UnicodeEncodeError):
        return None


def _signer(key: str, purpose: str) -> URLSafeTimedSerializer:
    """Return what signs and reads texts of one purpose."""
    return URLSafeTimedSerializer(
        derived(key, f"link:{purpose}"), salt=purpose, signer_kwargs={"digest_method": hashlib.sha256}
    )


def _fernet_key(key: str, purpose: str) -> bytes:
    """Return the key for secrets of one purpose."""
    return urlsafe_b64encode(derived(key, f"secret:{purpose}"))
