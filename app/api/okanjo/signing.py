"""How a program signs in at Okanjo's door: by a bearer token as everywhere, or by what Okanjo's clients send.

These name their `key` in the query, sign with its passphrase and name the person by `user_token`. The
`signature` stands last: the lower-case hex of HMAC-SHA-256 over path, "?", the query before it, and the body
unless it is multipart (reference 1.6). The key is a token's public id, the user token a token, of the same or
of another person: rights are those of the user token. All three are taken out of the query before anybody
else reads it, and stand in no log and no answer (law 4).
"""

import re

from flask import request

from app.access import Actor
from app.api import tokens
from app.api.tokens import TokenNeeded, TokenRefused
from app.errors import Refused
from app.forms.base import forget, raw_body
from app.queries.people import TokenRow

NAMES = ("key", "signature", "user_token")
QUERY = re.compile(rb"(.*)&signature=([0-9a-f]{64})", re.DOTALL)
MOUNT = re.compile(r".*?/okanjo(?=/)", re.DOTALL)


class NotSigned(Refused):
    """Key or signature is missing or wrong (Okanjo's own sentence, reference 1.6)."""

    sentence = "Valid API key and signature required."


def asking() -> Actor:
    """Return the person whose token came, with what it may.

    NotSigned where Okanjo's own way was begun and is not gone to its end; other refusals are those of tokens.
    """
    sent = {name: request.args.getlist(name) for name in NAMES}
    if "Authorization" in request.headers or not any(sent.values()):
        return tokens.asking()  # beside a header the three are names that no call has
    forget(NAMES)
    person = tokens.held(sent["user_token"][0]) if len(sent["user_token"]) == 1 else None
    if len(sent["key"]) != 1 or not _is_signed(sent["key"][0], person):
        raise NotSigned
    if not sent["user_token"]:
        raise TokenNeeded
    if person is None:
        raise TokenRefused
    return tokens.acting(person)


def _is_signed(key: str, person: TokenRow | None) -> bool:
    """Tell whether a good key signed this request: its whole path, or Okanjo's own behind the mount."""
    found = QUERY.fullmatch(request.query_string)
    signer = person if person and person.public_id == key else tokens.keyed(key)
    if found is None or signer is None:
        return False
    body = b"" if request.mimetype == "multipart/form-data" else raw_body()
    whole = request.root_path + request.path
    paths = (whole, MOUNT.sub("", request.path, count=1))
    return any(
        tokens.is_signed(signer, path.encode() + b"?" + found[1] + body, found[2].decode()) for path in paths
    )
