"""Each refusal and each change of who may what is one line of the log, by whom, under the answer's id (P37).

`probe` holds every answer of all walls to one line without a secret in it; here is what the line must say.
"""

import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest

from tests.conftest import PASSWORD, email_of
from tests.house.conftest import ORDER_FILE, WHO
from tests.house.test_permissions import LINES
from tests.security.doors import CALLS, WRITES, Call, Write, comer, one_a_rule, sent_to
from tests.security.probe import LAST_SEEN, Probe
from tests.security.scale import share

# Tables by which somebody may come in or do something. A write that changes one says what it did.
OF_RIGHTS = (
    "account",
    "member",
    "api_token",
    "signin",
    "invitation",
    "identity",
    "handoff",
    "guest_link",
    "connection",
    "webhook",
)
# Where a key out of a mail decides, whoever holds it is let in: the session is not read, and nobody is known.
BY_KEY = re.compile("/guest/|/reset|/login/handoff|/account/email/confirm|/invitations/.*/decline")
REFUSALS = {400, 401, 403, 404, 405, 410, 413, 415}


def test_each_refusal_of_the_table_is_told_with_its_reason_and_by_whom(
    probe: Probe, restore: Callable[[], None], count: Callable[[str, int], None]
) -> None:
    cases = [(line, who, status) for line in LINES for who, status in zip(WHO, line.statuses, strict=True)]
    refused = [case for case in cases if case[2] in REFUSALS]
    for line, who, status in share(refused, 4):
        address = probe.house.path(line.address)
        if line.method == "GET" or address.startswith("/api/"):
            answer = probe.ask(who, line.method, address)
        else:
            answer = probe.post(who, address, {})
        # What is done once is refused in the table to whoever comes second; here they may be the first.
        if answer.status_code == 303 and status == 404:
            restore()
            probe.house.be_seen()
            continue
        assert answer.status_code in REFUSALS, (line.rule, who)
        assert probe.line.get("reason"), (line.rule, who, probe.line)
        if not BY_KEY.match(line.rule):
            assert ("account" in probe.line) == (who != "signed_out"), (line.rule, who, probe.line)
    count("refusals told in the log", probe.asked)


@pytest.mark.parametrize("write", [*WRITES, *CALLS], ids=lambda write: write.address)
def test_a_change_of_who_may_what_is_told(probe: Probe, write: Write | Call) -> None:
    before = probe.house.dump(**LAST_SEEN)
    address = probe.house.path(write.address)
    if isinstance(write, Call):
        probe.ask(write.who, write.method, address, json=write.body, headers=write.headers)
    else:
        file = {"file": (BytesIO(ORDER_FILE.read_bytes()), "orders.csv")} if write.has_file else {}
        probe.post(write.who, address, sent_to(probe.house, write) | file)
    after = probe.house.dump(**LAST_SEEN)
    if any(before[table] != after[table] for table in OF_RIGHTS):
        assert probe.line.get("did"), probe.line


EXPORTS = (("owner", "/stores/papershop/log.csv"), ("site_admin", "/site/log.csv"))


@pytest.mark.parametrize(("who", "address"), EXPORTS)
def test_an_export_is_told_and_by_whom(probe: Probe, who: str, address: str) -> None:
    answer = probe.ask(who, "GET", address)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert "export" in probe.line["did"] and probe.line["account"]


def test_an_export_of_a_person_is_told_without_their_name(probe: Probe) -> None:
    answer = probe.post("site_admin", "/site/persons/export", {"email": email_of("buyer")})
    assert answer.status_code == 200
    assert "export" in probe.line["did"] and probe.line["account"]
    assert email_of("buyer") not in probe.log.getvalue()


def test_every_file_that_is_given_out_is_an_export_that_is_told(probe: Probe) -> None:
    given = set()
    for line in one_a_rule(reads=True):
        who = comer(line)
        answer = probe.ask(who, "GET", probe.house.path(line.address))
        if "attachment" in answer.headers.get("Content-Disposition", ""):
            given.add((who, line.address))
            assert probe.line.get("did"), line.rule
    assert given == {(who, address) for who, address in EXPORTS}


def test_a_sign_in_is_told_whether_it_succeeds_or_not(probe: Probe) -> None:
    for password, did, reason in ((PASSWORD, "signed in", False), ("no boats on any pond", None, True)):
        browser = probe.house.browser("signed_out")
        sent = {
            "email": email_of("owner"),
            "password": password,
            "csrf_token": probe.house.csrf(browser, "signed_out"),
        }
        probe.ask("signed_out", "POST", "/login", browser=browser, data=sent)
        assert (probe.line.get("did"), "reason" in probe.line) == (did, reason), probe.line
        assert email_of("owner") not in probe.log.getvalue()


@pytest.mark.parametrize(
    "address",
    [
        "/guest/{guest link's token}",
        "/invitations/{link}",
        "/login/handoff?key={hand-off}",
        "/reset?token={staff's reset}",
        "/account/email/confirm?token={staff's new e-mail}",
    ],
)
def test_a_link_that_lets_somebody_in_stands_in_no_line(probe: Probe, address: str) -> None:
    who = "staff" if "confirm" in address else "signed_out"
    answer = probe.ask(who, "GET", probe.house.path(address))  # the probe looks for every key in the log
    assert answer.status_code in {200, 303}


def test_what_is_sent_makes_no_line_of_its_own(probe: Probe) -> None:
    forged = json.dumps({"event": "request", "status": 200, "account": 1})
    for sent in (
        f"x\r\n{forged}",
        f"x\n{forged}\n",
        f"x\u2028{forged}",
        f"x\x1b[2J{forged}",
        f"x\x85{forged}",
    ):
        probe.ask("owner", "GET", "/stores/papershop/sales", query_string={"q": sent, sent: sent})
        probe.ask("owner", "GET", "/", environ_overrides={"PATH_INFO": f"/{sent}".encode().decode("latin-1")})
        probe.ask("signed_out", "GET", "/login", headers={"User-Agent": sent.split("\r")[0].split("\n")[0]})
        probe.post("owner", probe.house.path("/stores/papershop/sales/{sale}/notes"), {"body": sent})
        for name in ("email", "password", sent):
            probe.ask("signed_out", "POST", "/login", data={name: sent})
        headers = {"Idempotency-Key": "k"}
        for body in ({sent: sent}, {"reason": sent}):
            address = probe.house.path("/api/intake/orders/{sale}/cancellations")
            probe.ask("owner", "POST", address, json=body, headers=headers)
