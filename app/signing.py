"""Secrets that are derived and never stored, and the signature of webhooks by the Standard Webhooks rule.

A secret follows from the desk's key and a public id (law 4): whoever has the database alone has no secret.
"""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode


def derived(key: str, purpose: str) -> bytes:
    """Return 32 bytes that nobody knows who has not the desk's key; others for each purpose."""
    return hmac.new(key.encode(), purpose.encode(), hashlib.sha256).digest()


def guest_token(key: str, public_id: str) -> str:
    """Return the token of a guest link: its public id, and 256 bits that follow from the desk's key."""
    return f"{public_id}.{urlsafe_b64encode(derived(key, f'guest link:{public_id}')).decode().rstrip('=')}"


def webhook_secret(key: str, store_id: int, public_id: str, number: int = 0) -> bytes:
    """Return the secret by which a webhook's messages are signed, the first or one made later."""
    return derived(key, f"webhook:{store_id}:{public_id}{f':{number}' if number else ''}")


def secret_text(secret: bytes) -> str:
    """Return a webhook's secret as its receiver is given it (Standard Webhooks: "whsec_" and base64)."""
    return f"whsec_{b64encode(secret).decode()}"


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return what stands in the header webhook-signature: HMAC-SHA256 over "id.timestamp.body", version 1."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()}"
