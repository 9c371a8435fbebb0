"""Calls to a marketplace that speaks Hip's interface (seed 003): a list of sales, one sale, a sale's flags.

The key goes in a header and nowhere else. Between two calls a tenth of a second passes. Whatever comes
back but an answer as the interface gives it is a Trouble, in words for the store's owner.
"""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from app.config import VERSION
from app.errors import BadBody
from app.exchange.hip import Sale, sale_of
from app.forms.base import strict_json
from app.outward import Answer, NotDelivered, ask, target_of

# A list holds so many sales at once (reference 2.4: clients use 50 and 100).
LIMIT = 100
LARGEST_ANSWER = 8 * 1024 * 1024
# Hip's rule: 10 requests per second.
SECONDS_BETWEEN = 0.1
LONGEST_WAIT = timedelta(hours=24)
LONGEST_SAID = 160

_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,7}", re.ASCII)


class Trouble(Exception):
    """A call came to nothing that can be used; `words` say why.

    `wait`: the server asked for so much time. `is_refusal`: it would answer the very same call so again.
    `is_doubtful`: what was sent may have arrived.
    """

    def __init__(
        self,
        words: str,
        *,
        wait: timedelta | None = None,
        is_refusal: bool = False,
        is_doubtful: bool = False,
    ) -> None:
        super().__init__(words)
        self.words, self.wait = words, wait
        self.is_refusal, self.is_doubtful = is_refusal, is_doubtful


class Window(NamedTuple):
    """From when to when sales were made, both ends in, to the second."""

    begin: datetime
    end: datetime


class Listed(NamedTuple):
    """A page of a list, and how many sales the list has in all."""

    total: int
    sales: list[Sale]


class Pace:
    """Keeps calls apart; one for each connection that is visited."""

    def __init__(self) -> None:
        self._next = 0.0

    def wait(self) -> None:
        """Wait until a call may go out."""
        time.sleep(max(0.0, self._next - time.monotonic()))

    def rest(self) -> None:
        """Let no call go out for a moment: one has ended."""
        self._next = time.monotonic() + SECONDS_BETWEEN


class Hip:
    """An account on a marketplace, as it is called."""

    def __init__(
        self, base_url: str, username: str, zone: str, key: str, *, seconds: Any, may_be_private: bool
    ) -> None:
        self.base_url, self.username, self.zone = base_url.rstrip("/"), username, zone
        self._key, self.seconds, self.may_be_private = key, seconds, may_be_private
        self.pace = Pace()

    def sales(self, window: Window, page: int) -> Listed:
        """Return a page of the store's sales that were made in a window (findAllStoresSalesAll)."""
        asked = {
            "created_time_from": self._time(window.begin),
            "created_time_to": self._time(window.end),
            "limit": str(LIMIT),
            "page": str(page),
        }
        return self._listed(self._call("GET", f"{self._store()}/sales/all?{urlencode(asked)}"))

    def check(self) -> None:
        """Call once and take no notice of what comes, so long as it is a list of sales."""
        self._listed(self._call("GET", f"{self._store()}/sales/all?limit=1"))

    def sale(self, external_id: str) -> Sale:
        """Return one sale (getSale)."""
        found = self._listed(self._call("GET", f"/sales/{external_id}")).sales
        if len(found) != 1 or found[0].id != external_id:
            raise Trouble(f"The server does not answer sale {external_id} when it is asked for it.")
        return found[0]

    def put(self, external_id: str, flags: Mapping[str, Any]) -> None:
        """Set the seller's flags of a sale (updateSaleSellerStatus)."""
        self._call("PUT", f"{self._store()}/sales/{external_id}", json.dumps(flags).encode())

    def _store(self) -> str:
        """Return the path of the account's store."""
        return f"/stores/{quote(self.username, safe='')}"

    def _time(self, at: datetime) -> str:
        """Return an instant as the interface writes times, in the zone of the account."""
        return at.astimezone(ZoneInfo(self.zone)).isoformat(" ", "seconds")[:19]

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Call, and return the JSON of an answer that is 2xx; Trouble for all else."""
        try:
            target = target_of(self.base_url + path, may_be_private=self.may_be_private)
        except ValueError as wrong:
            raise Trouble(str(wrong), is_refusal=True) from None
        headers = {"X-ApiKey": self._key, "Accept": "application/json", "User-Agent": f"Tradepost/{VERSION}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.pace.wait()
        try:
            answer = ask(
                method,
                target,
                headers,
                body,
                seconds=self.seconds,
                may_be_private=self.may_be_private,
                most=LARGEST_ANSWER,
            )
        except NotDelivered as lost:
            raise Trouble(lost.words, is_doubtful=lost.is_doubtful) from None
        finally:
            self.pace.rest()
        if not 200 <= answer.status < 300:
            self._refuse(answer)
        try:
            return strict_json(answer.body) if answer.status != 204 else None
        except (BadBody, ValueError):
            words = "The server answered something else than JSON: this is not Hip's interface."
            raise Trouble(words, is_doubtful=True) from None

    def _refuse(self, answer: Answer) -> NoReturn:
        """Raise the Trouble that an answer means which is none of 2xx."""
        code, who = answer.status, f"“{self.username}”"
        if code == 429 or code >= 500 or code < 200:
            words = f"The server has trouble of its own (it answered {code})."
            if code == 429:
                words = "The server asks to be called less often (it answered 429)."
            raise Trouble(words, wait=_wait(answer), is_doubtful=code != 429)
        words = {
            401: "The server does not take the key (it answered 401): enter one that is valid.",
            403: f"The key may not do this for {who} (the server answered 403).",
            404: f"The server knows nothing there of {who} or of the sale (it answered 404).",
        }.get(code, f"The server refused (it answered {code}).")
        if code < 400:
            words = f"The server leads to another address (it answered {code}): redirects are not followed."
        raise Trouble(f"{words}{self._said(answer)}", is_refusal=True)

    def _said(self, answer: Answer) -> str:
        """Return the sentence that stands in an error's object, without the key; "" where there is none."""
        try:
            told = strict_json(answer.body)
        except (BadBody, ValueError):
            return ""
        said = told.get("error") if isinstance(told, dict) else None
        if not isinstance(said, str) or not said:
            return ""
        said = "".join(sign if sign.isprintable() else " " for sign in said.replace(self._key, "…"))
        return f" It says: “{said[:LONGEST_SAID]}”"

    def _listed(self, told: Any) -> Listed:
        """Return what stands in an envelope (seed 003, Response); Trouble where it is none."""
        count = told.get("count") if isinstance(told, dict) else None
        results = told.get("results") if isinstance(told, dict) else None
        if not isinstance(count, str) or not _COUNT.fullmatch(count) or not isinstance(results, list):
            raise Trouble("The server does not answer as Hip's interface does: there is no list of sales.")
        return Listed(int(count), [sale_of(one) for one in results])


def _wait(answer: Answer) -> timedelta | None:
    """Return how long a server asks to be left alone (Retry-After: seconds or a date); None: it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        left = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(left, timedelta()), LONGEST_WAIT)
