"""Asks each call of the document with made-up requests, and holds every answer against the document."""

import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import IgnoredAuth
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.stage import Stage

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# One request in so many is made to be wrong.
WRONG = 4
# Each good answer is asked for again in vain, without a token and with bad ones, so often.
PROBES = 3
TOO_LONG = 414
__all__ = ["IgnoredAuth", "Told", "drive", "load"]


class Told(NamedTuple):
    """What became of the requests of one call."""

    name: str
    statuses: Counter[int]
    faults: list[str]

    @property
    def good(self) -> float:
        """Return the share of good answers."""
        return sum(n for status, n in self.statuses.items() if status < 300) / max(1, self.statuses.total())

    def line(self) -> str:
        """Return it as a line of the table."""
        server = sum(n for status, n in self.statuses.items() if status >= 500)
        kinds = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        return f"{self.name:<34} {self.statuses.total():>5} {self.good:>7.0%} {server:>4}  {kinds}"


def load(document: dict[str, Any], app: Any = None) -> Any:
    """Return the document as the library reads it; `app` answers itself, where one is given.

    Okanjo's signature is left out: where it is wrong the answer is 400, as Okanjo has it, and not 401.
    """
    for of in document["paths"].values():
        for method, operation in of.items():
            if method != "parameters" and "okanjoKey" in str(operation.get("security")):
                operation["security"] = [{"bearer": []}]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation.update(with_security_parameters=False)
    schema.app = app
    return schema


def operations(schema: Any) -> Iterator[Any]:
    """Yield the calls of the document."""
    for found in schema.get_all_operations():
        yield found.ok()


def drive(operation: Any, stage: Stage, examples: int, seed: int, address: str | None) -> Told:
    """Ask one call so many times, a part of them wrongly; return what was answered."""
    name = operation.definition.raw["operationId"]
    told = Told(name, Counter(), [])
    wrong = max(1, examples // WRONG)
    for mode, n in ((GenerationMode.POSITIVE, examples - wrong), (GenerationMode.NEGATIVE, wrong)):
        try:
            _made_up(operation.as_strategy(generation_mode=mode), n, seed, _asker(stage, told, address))
        except (hypothesis.errors.Unsatisfiable, unittest.SkipTest):
            if mode is GenerationMode.POSITIVE:
                raise  # a call that takes nothing cannot be asked wrongly
    return told


def _made_up(strategy: Any, examples: int, seed: int, ask: Callable[[Case], None]) -> None:
    """Ask with so many requests that are made up from a seed."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def ask_each(case: Case) -> None:
        ask(case)

    ask_each()


def _asker(stage: Stage, told: Told, address: str | None) -> Callable[[Case], None]:
    """Return what sends a request, and writes down what came."""
    given: dict[str, Any] = {"headers": stage.headers(told.name)}
    if address:
        given["base_url"] = address

    def ask(case: Case) -> None:
        stage.dress(case, told.name)
        answer = case.call(**given)
        told.statuses[answer.status_code] += 1
        if answer.status_code == TOO_LONG:
            return  # the web server's own refusal: the call never came to the desk
        checks = list(CHECKS)
        if answer.status_code < 300 and told.statuses[answer.status_code] <= PROBES:
            checks.append(ignored_auth)
        try:
            case.validate_response(
                answer,
                checks,
                headers=given["headers"],
                transport_kwargs={**given, "headers": given["headers"]},
            )
        except FailureGroup as failure:
            told.faults.append(str(failure))

    return ask
