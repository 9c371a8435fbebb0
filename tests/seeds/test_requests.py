"""The requests that the seeds write down, sent by curl to a running desk: host, keys and ids alone are ours.

The files hold the seeds' own lines: seed 000's routes, seed 003's methods, seed 004's calls of curl, with the
two slips that no shell takes: a quote that is closed by another one, a blank behind a backslash.
"""

import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.actions.purchases import BuyerSaid
from tests.api.caller import Caller
from tests.api.hip_caller import ENVELOPE, HipCaller
from tests.api.weebly import WeeblyCaller
from tests.factories import GOODS, Factory

pytestmark = [
    pytest.mark.seed,
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl"),
]

EXAMPLES = Path(__file__).parent / "examples"
ROUTES = (EXAMPLES / "000_routes.txt").read_text().splitlines()
METHODS = (EXAMPLES / "003_methods.txt").read_text().splitlines()
REQUESTS = (EXAMPLES / "004_requests.txt").read_text().strip().split("\n\n")


@pytest.fixture
def host(app: Flask) -> Iterator[str]:
    """The address of the desk as it listens."""
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()
    thread.join()


def curl(*words: str) -> tuple[int, str, Any]:
    """Let curl send a request; return status, type and JSON of the answer."""
    form = "\n%{http_code} %{content_type}"
    # It waits until the desk hangs up: by then the desk is done with the request, its log line too.
    ours = ["--silent", "--noproxy", "*", "--ignore-content-length", "--write-out", form]
    done = subprocess.run(["curl", *ours, *words], capture_output=True, check=True)
    body, _, last = done.stdout.decode().rpartition("\n")
    status, kind = last.split(" ", 1)
    return int(status), kind, json.loads(body)


def test_the_routes_answer_as_the_seed_writes_them(
    host: str, okanjo: Caller, hip: HipCaller, make: Factory
) -> None:
    maja = BuyerSaid("Maja Kowalczyk", "maja", ref="maja")
    for line in ROUTES:
        method, route = line.split()
        item = make.item(GOODS)
        path = route.replace("{store_id}", "1").replace("{item_id}", str(item))
        more = ["--data", "status=3"] if method == "PUT" else []
        authorization = f"Authorization: {okanjo.headers('owner')['Authorization']}"
        answer = curl("--request", method, *more, "--header", authorization, f"{host}/okanjo{path}")
        assert answer[:2] == (200, "application/json"), line
        assert (answer[2] == {"type": "success"}) == (method == "PUT")
    assert okanjo.shown(item)["status"] == 3
    for line in METHODS:
        method, route = line.split()
        order = make.sale(account="buyer", buyer=maja)
        path = route.replace(":username", "papershop").replace(":id", str(order))
        is_buyers = not path.startswith("/stores")
        more = ["--data", f"flag_{'buyer_payment' if is_buyers else 'shipping'}=1"] if method == "PUT" else []
        key = f"X-ApiKey: {hip.key('buyer' if is_buyers else 'owner')}"
        status, kind, found = curl("--request", method, *more, "--header", key, f"{host}/hip{path}")
        assert (status, kind, list(found)) == (200, "application/json", ENVELOPE), line


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda text: re.sub(r".*/(v1|user)/(\S+).*", r"\2", text))
def test_example_curl_requests_of_the_seed(
    host: str, weebly: WeeblyCaller, make: Factory, request_: str
) -> None:
    order = make.sale(GOODS, GOODS)
    mended = request_.replace("\\ \\", "\\").replace('[YOUR_TOKEN]"', "[YOUR_TOKEN]'")
    words = shlex.split(mended.replace("\\\n", " "))
    assert words.pop(0) == "curl"
    (n,) = [n for n, word in enumerate(words) if word.startswith("https://")]
    path = re.sub(r"https://[^/]+", "/api/weebly", words[n])
    for theirs, ours in (
        ("/user/123456/", f"/user/{weebly.owners['papershop']}/"),
        ("987654321", str(weebly.stores["papershop"])),
        ("123456", str(order)),
    ):
        path = path.replace(theirs, ours, 1)
    words[n] = host.removesuffix("/api") + path
    signed = weebly.sign("owner", path)
    keys = {
        "[YOUR_TOKEN]": weebly.secret("owner"),
        "YOURAPIKEY": signed["X-Public-Key"],
        "YOURSECRETHASH": signed["X-Signed-Request-Hash"],
    }
    for theirs, ours in keys.items():
        words = [word.replace(theirs, ours) for word in words]
    status, kind, found = curl(*words)
    assert (status, kind) == (200, "application/json")
    steps = re.split("items?", path)[-1].split("/")[1:]
    assert found == weebly.told(order, "items", *steps)
