"""Sign-in elsewhere: what the desk asks an OpenID Connect issuer, and what of its answers it believes.

The issuer is of the operator's choosing, so the addresses that it names are called wherever they lead, by
https (plain http to this machine alone), without following redirects. The flow is by code, with PKCE, state
and nonce. Authlib comes with the extra `oidc` and is loaded when somebody first signs in elsewhere.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from app.errors import Refused, Unavailable

SCOPE = "openid email profile"
# By keys of which the issuer alone has the secret half: "none" and those by a shared secret are no proof.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES = frozenset({"RSA", "EC"})
# Seconds by which the clocks of the two may differ.
SKEW = 60
LARGEST_ANSWER = 256 * 1024  # bytes
LONGEST_SUBJECT = 255
LONGEST_EMAIL = 320
LONGEST_NAME = 255
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class IssuerAway(Unavailable):
    """The issuer cannot be reached, or has trouble of its own."""

    sentence = "The place where you sign in cannot be reached at the moment. Begin anew in a minute."


class NotBelieved(Refused):
    """What came from the issuer, or in its name, proves nothing; `fault` says to the log what was wrong."""

    status = 403
    title = "You are not signed in"
    sentence = "What came back does not prove who you are, so you are not signed in. Begin anew."

    def __init__(self, fault: str, sentence: str | None = None) -> None:
        super().__init__(sentence)
        self.fault = fault


class Issuer(NamedTuple):
    """By whom people may sign in elsewhere, and what this desk is there; `seconds` is its time to answer."""

    url: str
    client_id: str
    client_secret: str
    seconds: Any


class Flow(NamedTuple):
    """One try to sign in elsewhere: what its browser keeps until the answer comes."""

    state: str
    nonce: str
    verifier: str


class Said(NamedTuple):
    """What an issuer says of a person, proved; the e-mail is there only where the issuer proved it."""

    issuer: str
    subject: str
    email: str | None
    name: str


def is_installed() -> bool:
    """Tell whether the libraries of the extra `oidc` are there."""
    return all(find_spec(name) for name in ("authlib", "joserfc", "requests"))


def new_flow() -> Flow:
    """Return a new try, which nobody can guess."""
    return Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


def metadata(issuer: Issuer) -> dict[str, Any]:
    """Return what the issuer says of itself (OpenID Connect Discovery); IssuerAway, NotBelieved."""
    with _session(issuer) as session:
        url = f"{issuer.url.rstrip('/')}/.well-known/openid-configuration"
        told = _asked(lambda: session.request("GET", url, withhold_token=True, **_manner(issuer)))
    if told.get("issuer") != issuer.url:  # to the letter (OpenID Connect Discovery 4.3)
        raise NotBelieved("metadata of another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _require_safe(told, name)
    return told


def way_out(issuer: Issuer, about: Mapping[str, Any], flow: Flow, back: str) -> str:
    """Return the address at the issuer where a person signs in, to come `back` from; NotBelieved."""
    with _session(issuer, redirect_uri=back) as session:
        try:
            url, _ = session.create_authorization_url(
                about["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        except ValueError as error:
            raise NotBelieved("authorization_endpoint is no address") from error
    return str(url)


def told_of(issuer: Issuer, about: Mapping[str, Any], flow: Flow, code: str, back: str) -> Said:
    """Return who came back with a code; IssuerAway, NotBelieved."""
    with _session(issuer, redirect_uri=back, **_client_auth(issuer, about)) as session:
        token = _asked(
            lambda: session.fetch_token(
                about["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=flow.verifier,
                **_manner(issuer),
            )
        )
        keys = _asked(
            lambda: session.request("GET", about["jwks_uri"], withhold_token=True, **_manner(issuer))
        )
        claims = _proved(issuer, str(about["issuer"]), flow.nonce, token, keys)
        if "email" not in claims and about.get("userinfo_endpoint"):
            _require_safe(about, "userinfo_endpoint")
            more = _asked(lambda: session.get(about["userinfo_endpoint"], **_manner(issuer)))
            if more.get("sub") != claims["sub"]:
                raise NotBelieved("userinfo of another subject")
            claims = {**more, **claims}
    return _said(claims)


def _said(claims: Mapping[str, Any]) -> Said:
    """Return of proved claims what the desk uses."""
    email, name = claims.get("email"), claims.get("name")
    # Only the JSON value true: a text or a number may mean anything.
    is_proved = (
        claims.get("email_verified") is True and isinstance(email, str) and len(email) <= LONGEST_EMAIL
    )
    shown = " ".join(name.split()) if isinstance(name, str) else ""
    return Said(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        email=str(email) if is_proved else None,
        name=shown[:LONGEST_NAME] if shown.isprintable() else "",
    )


def _proved(
    issuer: Issuer, name: str, nonce: str, token: Mapping[str, Any], keys: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the claims of the ID token (OpenID Connect Core 3.1.3.7); NotBelieved for any doubt."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.jwk import KeySet

    written = token.get("id_token")
    if not isinstance(written, str):
        raise NotBelieved("no ID token")
    try:
        proving = [key for key in keys["keys"] if key.get("kty") in KEY_TYPES and key.get("use") != "enc"]
        found = jwt.decode(written, KeySet.import_key_set({"keys": proving}), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            dict(found.claims),
            found.header,
            options={
                "iss": {"essential": True, "value": name},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": issuer.client_id},
            },
            params={
                "nonce": nonce,
                "client_id": issuer.client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(now=int(time.time()), leeway=SKEW)
    except Exception as error:  # whatever the libraries stumble over in what anybody may have written
        raise NotBelieved(_fault(error), _is_late(error)) from error
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        raise NotBelieved("no subject")
    return dict(claims)


def _fault(error: Exception) -> str:
    """Say to the log what was wrong, without what was sent."""
    return f"{type(error).__name__} {getattr(error, 'claim', '')}".strip()


def _is_late(error: Exception) -> str | None:
    """Return a sentence of its own for what is wrong in time alone."""
    if getattr(error, "claim", "") not in {"exp", "iat", "nbf"}:
        return None
    return (
        "What came back is too old or not valid yet, so you are not signed in. Begin anew; if it happens "
        "again, the clocks of this desk and of the place where you sign in differ."
    )


def _client_auth(issuer: Issuer, about: Mapping[str, Any]) -> dict[str, str]:
    """Return how the desk proves itself to the issuer, among the ways that it takes."""
    if not issuer.client_secret:
        return {"token_endpoint_auth_method": "none"}
    told = about.get("token_endpoint_auth_methods_supported")
    ways = told if isinstance(told, list) else []  # untold, it is the header (OpenID Connect Discovery 3)
    is_basic = "client_secret_basic" in ways or "client_secret_post" not in ways
    return {"token_endpoint_auth_method": "client_secret_basic" if is_basic else "client_secret_post"}


def _require_safe(about: Mapping[str, Any], name: str) -> None:
    """Refuse an address that others could listen to, or that is none."""
    url = about.get(name)
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        is_here = parts.scheme == "http" and parts.hostname in HERE
    except ValueError:
        raise NotBelieved(f"{name} is no address") from None
    if not (parts.hostname and (parts.scheme == "https" or is_here)):
        raise NotBelieved(f"{name} is no https address")


def _manner(issuer: Issuer) -> dict[str, Any]:
    """Return how every question is asked: in so many seconds, and of nobody else."""
    return {"timeout": issuer.seconds, "allow_redirects": False}


def _session(issuer: Issuer, **given: Any) -> Any:
    """Return a session at the issuer whose answers are bounded."""
    from authlib.integrations.requests_client import OAuth2Session
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        """Reads answers of a certain size and within a certain time, and no others."""

        def send(self, request: Any, *args: Any, **how: Any) -> Any:
            """Return the answer, read to its end; IssuerAway where it is too long, too late or a failure."""
            until = time.monotonic() + issuer.seconds
            answer = super().send(request, *args, **{**how, "stream": True})
            read = b""
            while piece := answer.raw.read1(64 * 1024, decode_content=True):
                read += piece
                if len(read) > LARGEST_ANSWER or time.monotonic() > until:
                    answer.close()
                    raise IssuerAway
            answer._content, answer._content_consumed = read, True
            if answer.status_code >= 500 or answer.status_code == 429:
                raise IssuerAway
            return answer

    session = OAuth2Session(
        issuer.client_id, issuer.client_secret or None, scope=SCOPE, code_challenge_method="S256", **given
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, Bounded())
    return session


def _asked(question: Callable[[], Any]) -> dict[str, Any]:
    """Ask, and return the JSON object that is answered; IssuerAway, NotBelieved."""
    from authlib.common.errors import AuthlibBaseError
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        answer = question()
        told = answer if isinstance(answer, dict) else answer.json() if answer.status_code == 200 else None
    except AuthlibBaseError as error:
        raise NotBelieved(f"the code was refused: {error.error}"[:100]) from error
    except Refused:
        raise
    except ValueError as error:  # no JSON; requests' own is both
        raise NotBelieved("an answer that is no JSON") from error
    except (RequestException, HTTPError, OSError) as error:
        raise IssuerAway from error
    except Exception as error:  # whatever the libraries stumble over in an answer
        raise NotBelieved(_fault(error)) from error
    if not isinstance(told, dict):
        raise NotBelieved("an answer that was not asked for")
    return told
