"""A small OpenID Connect provider on loopback: real requests, real keys, and answers that tests bend."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "the desk", "a secret: of the desk/"
METHODS = ["client_secret_basic", "client_secret_post"]


class Answer(Exception):
    """What is answered instead of all else."""

    def __init__(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


class Quiet(ThreadingHTTPServer):
    """A server that says nothing where its client went away early."""

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


class Provider:
    """The provider; `claims` is added to each ID token, and what is in `bends` has its last word there."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.other_key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.server = Quiet(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.begin()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def begin(self) -> None:
        """Forget what a test asked for."""
        self.claims: dict[str, Any] = {
            "sub": "person-1",
            "email": "buyer@example.com",
            "email_verified": True,
        }
        self.codes: dict[str, dict[str, str]] = {}
        self.seen: list[str] = []
        self.bends: dict[str, Callable[[Any], Any]] = {}
        self.userinfo: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], Any] = self.signed

    def stop(self) -> None:
        """End the server."""
        self.server.shutdown()
        self.server.server_close()

    def signed(self, claims: dict[str, Any], *, key: RSAKey | None = None, **header: Any) -> str:
        """Return an ID token."""
        return jwt.encode({"alg": "RS256", "kid": "one", **header}, claims, key or self.key)

    def enter(self, url: str, **more: str) -> str:
        """Sign in at the provider as a browser would; return where it leads back to."""
        asked = {name: texts[0] for name, texts in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"code": code, "state": asked["state"], "iss": self.url, "session_state": "any", **more}
        return f"{asked['redirect_uri']}?{urlencode(told)}"

    def _bent(self, name: str, value: Any) -> Any:
        """Return a value as the test wants it."""
        return self.bends[name](value) if name in self.bends else value

    def _metadata(self, _handler: Any) -> Any:
        """Answer the discovery."""
        return self._bent(
            "metadata",
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize?tenant=1",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "token_endpoint_auth_methods_supported": METHODS,
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )

    def _keys(self, _handler: Any) -> Any:
        """Answer the keys."""
        return self._bent("keys", {"keys": [self.key.as_dict(private=False)]})

    def _userinfo(self, handler: Any) -> Any:
        """Answer what else is known of the person."""
        assert handler.headers["Authorization"] == "Bearer access"
        return self._bent("userinfo", self.userinfo)

    def _token(self, handler: Any) -> Any:
        """Exchange a code, once, for the client and the verifier that asked for it."""
        sent = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        given = {name: texts[0] for name, texts in parse_qs(sent).items()}
        asked = self.codes.pop(given.get("code", ""), None)
        challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        right = {
            "client": self._client(handler, given),
            "code": asked is not None,
            "verifier": bool(asked)
            and base64.urlsafe_b64encode(challenge).decode().rstrip("=") == asked["code_challenge"],
            "redirect_uri": bool(asked) and given.get("redirect_uri") == asked["redirect_uri"],
            "grant": given.get("grant_type") == "authorization_code",
        }
        if not all(right.values()):
            raise Answer(400, json.dumps({"error": "invalid_grant"}).encode())
        assert asked is not None
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = self._bent("claims", claims | self.claims)
        told = {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(claims)}
        return self._bent("token", told)

    @staticmethod
    def _client(handler: Any, given: dict[str, str]) -> bool:
        """Tell whether the client proves itself, by header or in the body."""
        if "client_secret" in given:
            return (given["client_id"], given["client_secret"]) == (CLIENT, SECRET)
        basic = handler.headers.get("Authorization", "").removeprefix("Basic ")
        return base64.b64decode(basic).decode() == f"{CLIENT}:{SECRET}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        """Return what answers requests."""
        provider = self
        places = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": self._keys,
            "/token": self._token,
            "/userinfo": self._userinfo,
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                provider.seen.append(path)
                try:
                    status, headers = 200, {}
                    body = json.dumps(places[path](self)).encode()
                except Answer as instead:
                    status, body, headers = instead.status, instead.body, instead.headers
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
