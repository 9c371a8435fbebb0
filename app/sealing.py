"""Secrets that must be told in clear one day, so that no hash will do: sealed by the desk's key.

Whoever has the database alone reads none of them. Each purpose has a key of its own: what was sealed for one
store opens for no other.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken

from app.signing import derived


class NotOpened(Exception):
    """A seal does not fit: it was made by another key, for another purpose, or was changed."""


def seal(key: str, purpose: str, secret: str) -> str:
    """Return a secret sealed by the desk's key: plain ASCII, other text each time."""
    return _sealer(key, purpose).encrypt(secret.encode()).decode()


def unseal(key: str, purpose: str, sealed: str) -> str:
    """Return the secret; NotOpened where this key and purpose did not seal it."""
    try:
        return _sealer(key, purpose).decrypt(sealed).decode()
    except (InvalidToken, ValueError) as wrong:
        raise NotOpened from wrong


def _sealer(key: str, purpose: str) -> Fernet:
    """Return what seals for one purpose (AES-128-CBC with HMAC-SHA256, by Fernet's rule)."""
    return Fernet(urlsafe_b64encode(derived(key, f"seal:{purpose}")))
