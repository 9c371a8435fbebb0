"""How a program signs in at Weebly's door: by its token, or by signing what it sends.

Platform sends the token as `x-weebly-access-token`. Cloud names its key in `X-Public-Key` and sends in
`X-Signed-Request-Hash` the base64 of the lower-case hex of HMAC-SHA-256 over method, path and body, with a
line feed between them: the path is Weebly's own, without the desk's mount, slash or query; the body is the
bytes as they came, none where none did (reference 3.4).
"""

import base64
import binascii
import re

from flask import request

from app.access import Actor
from app.api import tokens
from app.api.tokens import TokenRefused
from app.errors import Refused
from app.forms.base import raw_body

TOKEN, KEY, HASH = "X-Weebly-Access-Token", "X-Public-Key", "X-Signed-Request-Hash"
LONGEST_HASH = 128
PATH = re.compile(r"/((?:v1/)?user/.*)", re.DOTALL)


class BadHash(Refused):
    """The signature is not that of this request under this key."""

    status = 401
    sentence = "Invalid hash."


def asking() -> Actor:
    """Return the person whose token came, or signed, with what the token may.

    TokenNeeded where there is neither; TokenRefused for a token or a key that is none of ours or has ended,
    and for two tokens; BadHash for a signature that is wrong. Who begins to sign is taken at that alone.
    """
    headers = request.headers
    if KEY in headers or HASH in headers:
        return _signing(headers.get(KEY, ""), headers.get(HASH, ""))
    return tokens.asking(header=TOKEN)


def _signing(key: str, sent: str) -> Actor:
    """Return the person whose key signed the request."""
    token = tokens.keyed(key)
    if token is None:
        raise TokenRefused
    signed = b"\n".join((request.method.encode(), _path().encode(), raw_body()))
    if not tokens.is_signed(token, signed, _unpacked(sent)):
        raise BadHash
    return tokens.acting(token)


def _path() -> str:
    """Return the path as Weebly knows it: what follows the mount of this dialect."""
    found = PATH.search(request.path)
    return found[1] if found else ""


def _unpacked(sent: str) -> str:
    """Return the hex that a hash is the base64 of; BadHash where it is none."""
    try:
        return base64.b64decode(sent[:LONGEST_HASH].encode(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise BadHash from None
