""".github/SECURITY.md has the code's figures, and leaves out no way in, no key, no call, no sort of data."""

import ast
import re
from datetime import timedelta

import pytest

from app import openid, outward
from app.actions.people import MOST_TOKENS
from app.actions.staff import LASTS, MOST_A_DAY
from app.actions.ways import HANDOFF_LASTS
from app.actions.webhooks import MOST_WEBHOOKS
from app.api.shape import LARGEST_BODY
from app.config import from_environment
from app.exchange.tables import LONGEST_CELL, LONGEST_ROW, MOST_ROWS
from app.forms.base import MOST_DEPTH, MOST_FIELDS
from app.forms.passwords import LONGEST, SHORTEST, commonest, words_of
from app.forms.purchases import MOST_LINES
from app.postman import hip_calls
from app.web.log_view import MOST_IN_FILE
from app.web.overload import LONGEST_WAIT
from tests.house.tree import ROOT
from tests.security.test_source import APP, importing

TEXT = (ROOT / ".github/SECURITY.md").read_text()
KB, MB = 1024, 1024 * 1024
# What hashes, signs, seals, or draws at random; what opens a connection to another host.
HASHING = {"hashlib", "hmac", "secrets", "itsdangerous", "cryptography", "joserfc"}
CALLING = {
    "socket",
    "ssl",
    "smtplib",
    "http.client",
    "requests",
    "flask_mailman",
    "authlib",
    "urllib.request",
}
# These listen, or look at what came in; gunicorn and the tables of status codes call nobody.
LISTENING = {"app/cli/serve.py", "app/cli/supervising.py", "app/cli/web_server.py", "app/web/overload.py"}

# What lets somebody in: pages by an account or a link, programs by a token.
SIGNS_IN = {"login_user", "let_in", "bring_in", "acting", "find_link"}


def part(title: str) -> str:
    """Return what stands below a heading."""
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_document_has_the_figures_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEPOST_SECRET_KEY", "tests only, long enough")
    config = from_environment()
    limits, ways, sessions = part("Limits"), part("Ways in"), part("Sessions")
    body, field = int(str(config["MAX_CONTENT_LENGTH"])), int(str(config["MAX_FORM_MEMORY_SIZE"]))
    assert (
        f"{body // MB} MB; {MOST_FIELDS:,}; {field // KB} KB; {LARGEST_BODY // MB} MB and {MOST_DEPTH} levels"
        in limits
    )
    assert f"{MOST_ROWS:,}; {LONGEST_ROW:,}; {LONGEST_CELL:,}; CSV alone" in limits
    assert f"| lines of a purchase | {MOST_LINES} |" in limits
    assert f"| {MOST_TOKENS}; {MOST_WEBHOOKS}; {MOST_A_DAY} |" in limits
    assert f"| the log as a file | {MOST_IN_FILE:,} lines |" in limits
    assert f"| {LONGEST_WAIT / 1000} seconds, then 503 |" in limits
    assert f"`TRADEPOST_API_PER_SECOND` ({config['API_PER_SECOND']})" in limits
    assert f"`TRADEPOST_API_PER_DAY` ({config['API_PER_DAY']:,})" in limits
    assert f"`TRADEPOST_TRIES_PER_MINUTE` ({config['TRIES_PER_MINUTE']})" in ways
    assert f"{SHORTEST} to {LONGEST} characters" in ways
    assert f"{len(commonest()):,} commonest" in ways
    assert words_of(()) == {"tradepost"} and "`tradepost`" in ways
    assert f"for {HANDOFF_LASTS.total_seconds():.0f} seconds" in ways and f"for {LASTS.days} days" in ways
    idle, lasts = config["SIGNIN_IDLE"], config["SIGNIN_LASTS"]
    assert isinstance(idle, timedelta) and isinstance(lasts, timedelta)
    assert f"`TRADEPOST_SIGNIN_IDLE` ({idle.total_seconds() / 3600:.0f}) hours" in sessions
    assert f"`TRADEPOST_SIGNIN_LASTS` ({lasts.days}) days" in sessions
    calls = part("Whom the desk calls")
    assert f"{config['MAIL_TIMEOUT']} seconds; TLS" in calls
    assert f"{config['WEBHOOK_TIMEOUT']} seconds, {outward.LONGEST_ANSWER // KB} KB" in calls
    assert f"{config['MARKET_TIMEOUT']} seconds, {hip_calls.LARGEST_ANSWER // MB} MB" in calls
    assert f"{config['OIDC_TIMEOUT']} seconds, {openid.LARGEST_ANSWER // KB} KB" in calls


def test_the_document_names_every_way_in() -> None:
    ways = part("Ways in")
    # What signs somebody in, by the door that does: a new caller of these needs its line in the table.
    signing_in = {
        module.path
        for module in APP
        for call in module.nodes(ast.Call)
        if isinstance(call, ast.Call)
        and module.floor in {"web", "api"}
        and getattr(call.func, "id", getattr(call.func, "attr", "")) in SIGNS_IN
    }
    assert signing_in == {
        "app/web/signin.py",  # password
        "app/web/second_step.py",
        "app/web/passwords.py",  # a changed one
        "app/web/openid.py",
        "app/web/handoff.py",
        "app/web/invitations.py",
        "app/web/guest.py",
        "app/api/tokens.py",
        "app/api/okanjo/signing.py",
        "app/api/weebly/signing.py",
    }
    for way in (
        "password",
        "forgotten password",
        "OpenID Connect",
        "hand-off",
        "invitation",
        "guest link",
        "token",
    ):
        assert re.search(rf"^\| .*{way}", ways, re.MULTILINE), way
    assert "neither ends with the provider's nor ends that one" in part("Sessions")


def test_the_inventory_names_every_module_that_hashes_or_draws() -> None:
    told = set(re.findall(r"`(app/[\w/]+\.py)`", part("Keys and hashes")))
    hashing = importing(*HASHING)
    also = {m.path for m in APP if "hash_password" in m.source or "SignedSerializer" in m.source}
    known = {"app/postman/__init__.py"}
    assert (hashing | also | known) - told == set()
    assert {path for path in told if not (ROOT / path).is_file()} == set()


def test_the_document_names_every_module_that_calls_out() -> None:
    told = set(re.findall(r"`(app/[\w/]+\.py)`", part("Whom the desk calls")))
    assert importing(*CALLING) - LISTENING - told == set()
    assert {path for path in told if not (ROOT / path).is_file()} == set()


def test_the_document_says_what_each_sort_of_data_needs() -> None:
    rows = [row.split("|") for row in part("Data").splitlines() if row.startswith("| ")]
    needs = {cells[1].strip(): cells[3] for cells in rows}
    assert set(needs) - {"class", "---"} == {"secret", "personal", "money", "plain"}
    assert "hashed or sealed" in needs["secret"] and "in no log" in needs["secret"]
    assert "forgotten after" in needs["personal"] and "in no log" in needs["personal"]


def test_the_document_says_what_the_log_holds() -> None:
    log = part("Log")
    for word in ("stderr", "JSON", "UTC", "by id", "sign-ins", "refusals", "rights", "exports", "No query"):
        assert word in log, word
