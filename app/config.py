"""Every setting of the desk, its default and its name in the environment. No logic beyond reading it."""

import ipaddress
import os
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from click import ClickException

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
# Milliseconds for which a write waits for another one.
LOCK_WAIT = 5000
SHORTEST_SECRET = 16
SENDER = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", re.ASCII)


class BadSetting(ClickException):
    """A setting cannot be taken; whichever command reads it ends with this sentence."""

    exit_code = 2


def _flag(name: str, default: bool) -> bool:
    """Read a yes/no setting: 0, no, false and off mean no."""
    return os.environ.get(name, "1" if default else "0").lower() not in {"0", "no", "false", "off", ""}


def _number(name: str, default: int, *, least: int, most: int) -> int:
    """Read a whole number; BadSetting names the setting that is none, or lies outside of its bounds."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise BadSetting(f"{name} must be a whole number from {least} to {most}, not “{text}”.")
    return int(text)


def is_loopback(host: str) -> bool:
    """Tell whether a desk that listens on this host is reached from its own machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(folder: Path) -> str:
    """Return the secret key; BadSetting for one that could be guessed."""
    given = os.environ.get("TRADEPOST_SECRET_KEY")
    secret = given or kept_secret(folder)
    if len(secret) < SHORTEST_SECRET:
        where = "TRADEPOST_SECRET_KEY" if given else f"{folder / 'secret_key'}"
        raise BadSetting(f"{where} is too short a secret: give it {SHORTEST_SECRET} characters or more.")
    return secret


def kept_secret(folder: Path) -> str:
    """Return the secret key kept in this folder, made at the first start and readable by its owner only."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"secret_key.{os.getpid()}"
        draft.touch(0o600)
        draft.write_text(secrets.token_hex(32))
        # It appears whole or not at all, and of two that are made at once the first one stays.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def _hosts(base_url: str) -> list[str] | None:
    """Return the names that are answered: those set, else the desk's own and this machine's; None: any."""
    given = [host for host in os.environ.get("TRADEPOST_TRUSTED_HOSTS", "").split(",") if host]
    own = urlsplit(base_url).hostname
    return given or ([own, "localhost", "127.0.0.1", "[::1]"] if own else None)


def _mail(folder: Path, base_url: str) -> dict[str, object]:
    """Return how mail is sent, as Flask-Mailman keeps it; BadSetting for what does not fit together."""
    env = os.environ.get
    server, user = env("TRADEPOST_MAIL_SERVER", ""), env("TRADEPOST_MAIL_USER", "")
    means = env("TRADEPOST_MAIL_BACKEND") or ("smtp" if server else "file")
    if means not in {"smtp", "console", "file"}:
        raise BadSetting(f"TRADEPOST_MAIL_BACKEND must be smtp, console or file, not “{means}”.")
    if means == "smtp" and not server:
        raise BadSetting("TRADEPOST_MAIL_BACKEND is smtp: name the server in TRADEPOST_MAIL_SERVER.")
    is_ssl = _flag("TRADEPOST_MAIL_SSL", False)
    is_tls = _flag("TRADEPOST_MAIL_TLS", bool(user) and not is_ssl)
    if is_ssl and is_tls:
        raise BadSetting("TRADEPOST_MAIL_SSL and TRADEPOST_MAIL_TLS exclude each other: choose one.")
    sender = env("TRADEPOST_MAIL_SENDER") or f"tradepost@{urlsplit(base_url).hostname or 'localhost'}"
    if not SENDER.fullmatch(sender):
        raise BadSetting(f"TRADEPOST_MAIL_SENDER must be an e-mail address, not “{sender}”.")
    return {
        "MAIL_MEANS": means,
        "MAIL_SERVER": server,
        "MAIL_PORT": _number(
            "TRADEPOST_MAIL_PORT", 465 if is_ssl else 587 if is_tls else 25, least=1, most=65535
        ),
        "MAIL_USERNAME": user or None,
        "MAIL_PASSWORD": env("TRADEPOST_MAIL_PASSWORD") or None,
        "MAIL_USE_TLS": is_tls,
        "MAIL_USE_SSL": is_ssl,
        "MAIL_SENDER": sender,
        # Seconds for which each answer of the server is waited for.
        "MAIL_TIMEOUT": 20,
        "MAIL_FILE_PATH": str(folder / "mails"),
    }


def _openid() -> dict[str, object]:
    """Return by whom people may sign in elsewhere; BadSetting for what is no OpenID Connect issuer."""
    env = os.environ.get
    issuer, client_id = env("TRADEPOST_OIDC_ISSUER", ""), env("TRADEPOST_OIDC_CLIENT_ID", "")
    host = _issuer_host(issuer) if issuer else ""
    if issuer and not client_id:
        raise BadSetting("TRADEPOST_OIDC_ISSUER is set: name this desk in TRADEPOST_OIDC_CLIENT_ID.")
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": client_id,
        "OIDC_CLIENT_SECRET": env("TRADEPOST_OIDC_CLIENT_SECRET", ""),
        "OIDC_NAME": env("TRADEPOST_OIDC_NAME") or host,
        # Whether whom the desk does not know is let in with a new account.
        "OIDC_OPEN": _flag("TRADEPOST_OIDC_OPEN", False),
        # Seconds in which each question to the issuer is answered.
        "OIDC_TIMEOUT": 5,
    }


def _issuer_host(issuer: str) -> str:
    """Return the host of an issuer; BadSetting unless it is an https address, or one of this machine."""
    try:
        parts = urlsplit(issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_safe = issuer.startswith("https://") or (issuer.startswith("http://") and is_loopback(host))
    if not (host and is_safe) or set(issuer) & set("?#@\\ "):
        raise BadSetting(f"TRADEPOST_OIDC_ISSUER must be an https address, not “{issuer}”.")
    return host


def from_environment() -> dict[str, object]:
    """Return the settings as Flask keeps them, read from TRADEPOST_* variables."""
    env = os.environ.get
    folder = Path(env("TRADEPOST_INSTANCE", str(ROOT / "instance")))
    base_url = env("TRADEPOST_BASE_URL", "")
    is_https = base_url.startswith("https://")
    database = env("TRADEPOST_DATABASE_URL") or f"sqlite:///{folder / 'tradepost.db'}"
    return {
        "SECRET_KEY": _secret(folder),
        "INSTANCE": str(folder),
        "SQLALCHEMY_DATABASE_URI": database,
        "QUEUE_URL": env("TRADEPOST_QUEUE_URL", ""),
        "DURABLE": _flag("TRADEPOST_DURABLE", True),
        "DEMO": _flag("TRADEPOST_DEMO", True),
        "HOST": env("TRADEPOST_HOST", "127.0.0.1"),
        "PORT": _number("TRADEPOST_PORT", 5000, least=0, most=65535),
        "WORKERS": _number("TRADEPOST_WORKERS", os.cpu_count() or 1, least=1, most=256),
        "BASE_URL": base_url,
        # Calls of a token, in any second and in any 24 hours; 0 is no limit.
        "API_PER_SECOND": _number("TRADEPOST_API_PER_SECOND", 10, least=0, most=100_000),
        "API_PER_DAY": _number("TRADEPOST_API_PER_DAY", 10_000, least=0, most=1_000_000),
        "TRUSTED_HOSTS": _hosts(base_url),
        # A whole year of a busy shop's export is some megabytes; beyond that the command takes it.
        "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 1000,
        "SESSION_COOKIE_NAME": "__Host-tradepost" if is_https else "tradepost",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "IS_HTTPS": is_https,
        # A sign-in ends when nobody used it for so long, and after so long in any case.
        "SIGNIN_IDLE": timedelta(hours=_number("TRADEPOST_SIGNIN_IDLE", 12, least=1, most=24 * 30)),
        "SIGNIN_LASTS": timedelta(days=_number("TRADEPOST_SIGNIN_LASTS", 14, least=1, most=365)),
        # Wrong passwords, codes and the like, of a name and from an address, in any minute; 0 is no limit.
        "TRIES_PER_MINUTE": _number("TRADEPOST_TRIES_PER_MINUTE", 10, least=0, most=1000),
        # How many proxies of the operator's stand before the desk: each has named whom it speaks for.
        "PROXIES": _number("TRADEPOST_PROXIES", 0, least=0, most=8),
        # Whether webhooks may reach private addresses, and by http: for programs on the same machine.
        "WEBHOOK_PRIVATE": _flag("TRADEPOST_WEBHOOK_PRIVATE", False),
        # Seconds in which a webhook's server is found, reached and has answered.
        "WEBHOOK_TIMEOUT": 5,
        # The same for a marketplace that a store is connected to: a list of a hundred sales takes its time.
        "MARKET_TIMEOUT": 15,
        **_mail(folder, base_url),
        **_openid(),
        **SECURITY,
    }


SECURITY: dict[str, object] = {
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_PASSWORD_SINGLE_HASH": True,
    "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
    "SECURITY_LOGIN_USER_TEMPLATE": "security/login_user.html",
    "SECURITY_LOGOUT_METHODS": ["POST"],
    "SECURITY_POST_LOGIN_VIEW": "/",
    "SECURITY_POST_LOGOUT_VIEW": "/login",
    "SECURITY_REGISTERABLE": False,
    "SECURITY_RECOVERABLE": False,
    "SECURITY_SEND_REGISTER_EMAIL": False,
    "SECURITY_DEFAULT_REMEMBER_ME": False,
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": False,
    "SECURITY_JOIN_USER_ROLES": False,
    "SECURITY_REDIRECT_ALLOW_SUBDOMAINS": False,
    # The library's page that asks for the password anew: ours ask within their forms.
    "SECURITY_FRESHNESS": timedelta(days=-1),
    "WTF_CSRF_TIME_LIMIT": None,
}
