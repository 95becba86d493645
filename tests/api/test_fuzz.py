"""Random calls within and beyond the description: never a 500, and what is answered fits the description."""

from __future__ import annotations

import json
import os
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import response_schema_conformance

from api.conftest import House
from openopen8.api.body import parse
from openopen8.api.description import TOKEN_PATH
from openopen8.core.errors import Problem
from openopen8.core.services.ledger import audit

QUICK = settings(
    max_examples=int(os.environ.get("OO8_FUZZ_EXAMPLES", "5")),
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
LEFT_OUT = ("/api/session", "/api/setup", "/api/users/{id}/password", "/api/me/password", "/api/access-tokens/{id}")
"""They would cost a bcrypt hash each, or end the caller's own way in; they have tests of their own."""

ODD_TEXTS = ("", " ", "\x00", "\ud800", "%", "' OR 1=1 --", "a" * 5_000, "＝1", "-1", "../..", "\u202e", "null")
ODD_NUMBERS = (0, -1, 2**31, 2**53, 2**63, 2**64, 10**40, 1.5, -0.0, 1e300, True)
ODD_QUERIES = (*ODD_TEXTS[:3], *ODD_TEXTS[4:], *map(str, ODD_NUMBERS))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
    | st.sampled_from(ODD_TEXTS[:1] + ODD_TEXTS[4:]) | st.sampled_from(ODD_NUMBERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def described(house: House) -> Any:
    return schemathesis.openapi.from_dict(house.app.openapi()).exclude(path=TOKEN_PATH)


def furnished(house: House) -> dict[str, int]:
    """One thing of each kind, so that random ids can meet something."""
    channel = house.world.channel()
    house.world.price()
    token, _ = house.world.token(house.root.actor)
    return {"channel": channel, "token": token}


def test_calls_that_fit_the_description_never_fail_and_their_answers_fit_too(sqlite_house: House) -> None:
    house, schema = sqlite_house, described(sqlite_house)
    furnished(house)
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith(LEFT_OUT):
            continue

        @hypothesis.seed(1)
        @QUICK
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            more = case.as_transport_kwargs(base_url="http://testserver")
            given_headers = {name.lower(): value for name, value in (more.pop("headers") or {}).items()}
            headers = {**given_headers, "authorization": f"Bearer {house.root.key}"}
            more.pop("cookies", None)
            answer = house.root.client.request(headers=headers, **more)
            statuses.add(answer.status_code)
            assert answer.status_code < 500, (case.method, case.path, more, answer.text)
            if answer.status_code == 200 and answer.headers["content-type"] == "application/json":
                case.validate_response(answer, checks=[response_schema_conformance])

        run()
    assert {200, 201, 204, 400, 404} <= statuses, statuses
    assert all(finding.ok for finding in audit.run(house.tools))


@QUICK
@given(data=st.data())
def beyond(house: House, method: str, path: str, fields: list[str], queries: list[str], data: st.DataObject) -> None:
    """One call with known names and odd values."""
    place = path.replace("{id}", data.draw(st.sampled_from(("1", "0", "-1", "x", str(2**63), "%00", "1.5"))))
    place = place.replace("{key_id}", "1").replace("{request_id}", data.draw(st.sampled_from(("r", "%00", "a" * 99))))
    more: dict[str, Any] = {}
    if queries:
        more["params"] = data.draw(st.dictionaries(st.sampled_from(queries), st.sampled_from(ODD_QUERIES)))
    if method in ("POST", "PATCH"):
        names = st.sampled_from(fields) if fields else st.text(max_size=5)
        value = data.draw(st.dictionaries(names, JSON_VALUES, max_size=4) | JSON_VALUES)
        # written here: the client would refuse to send Infinity and lone surrogates
        more |= {"content": json.dumps(value), "headers": {"content-type": "application/json"}}
    answer = house.root.call(method, place.removeprefix("/api"), **more)
    assert answer.status_code < 500 and answer.status_code != 401, (method, place, more, answer.text)


def test_odd_values_in_known_fields_never_fail(house: House) -> None:
    furnished(house)
    whole = house.app.openapi()
    fields = sorted({name for x in whole["components"]["schemas"].values() for name in x.get("properties", {})})
    for path, operations in whole["paths"].items():
        if path.startswith(LEFT_OUT):
            continue
        for method, told in operations.items():
            queries = [each["name"] for each in told.get("parameters", []) if each["in"] == "query"]
            reference = str(told.get("requestBody", ""))
            known = [
                name
                for title, schema in whole["components"]["schemas"].items()
                if f"schemas/{title}'" in reference
                for name in schema.get("properties", {})
            ]
            hypothesis.seed(2)(beyond)(house, method.upper(), path, known or fields, queries)
    assert all(finding.ok for finding in audit.run(house.tools))


@settings(max_examples=300, deadline=None, database=None)
@given(body=st.binary(max_size=60) | JSON_VALUES.map(lambda x: repr(x).encode("utf-8", "replace")))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except Problem as problem:
        assert problem.status == 400
