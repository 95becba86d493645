"""Bodies that are wrong, huge or hostile: 4xx with the field's path, never 500."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openopen8.core.models import Token
from relay import counting
from relay.app import Relay
from tests.fakes.upstream import as_asked
from tests.relay.driving import Caller, Headers
from tests.relay.house import Build, House

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "x"}]
DEEP = b"[" * 100_000 + b"]" * 100_000

WRONG: list[tuple[str, Any, str | None]] = [
    ("empty", b"", None),
    ("not json", b"{", None),
    ("a list", b"[]", None),
    ("a number", b"1", None),
    ("not utf-8", b'{"model":"\xff\xfe"}', None),
    ("a doubled key", b'{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}', "model"),
    ("a doubled key, escaped", b'{"model":"m","m\\u006fdel":"n","messages":[{"role":"user","content":"x"}]}', "model"),
    ("no model", {"messages": MESSAGES}, "model"),
    ("model of a wrong type", {"model": 5, "messages": MESSAGES}, "model"),
    ("model null", {"model": None, "messages": MESSAGES}, "model"),
    ("NUL in the model", {"model": "m\0", "messages": MESSAGES}, "model"),
    ("a lone surrogate in the model", b'{"model":"\\ud800","messages":[{"role":"user","content":"x"}]}', None),
    ("a long model", {"model": "m" * 5000, "messages": MESSAGES}, "model"),
    ("no messages", {"model": "m"}, "messages"),
    ("messages of a wrong type", {"model": "m", "messages": "hi"}, "messages"),
    ("a message of a wrong type", {"model": "m", "messages": [5]}, "messages.0"),
    ("content of a wrong type", {"model": "m", "messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ("stream of a wrong type", {"model": "m", "messages": MESSAGES, "stream": "yes"}, "stream"),
    ("max_tokens negative", {"model": "m", "messages": MESSAGES, "max_tokens": -1}, "max_tokens"),
    ("max_tokens huge", {"model": "m", "messages": MESSAGES, "max_tokens": 10**30}, "max_tokens"),
    ("max_tokens of a wrong type", {"model": "m", "messages": MESSAGES, "max_tokens": "9"}, "max_tokens"),
    ("n huge", {"model": "m", "messages": MESSAGES, "n": 10**9}, "n"),
    ("stream_options of a wrong type", {"model": "m", "messages": MESSAGES, "stream_options": 1}, "stream_options"),
    ("deep nesting", b'{"model":"m","messages":' + DEEP + b"}", None),
]


@pytest.mark.parametrize(("name", "body", "param"), WRONG, ids=[row[0] for row in WRONG])
async def test_a_wrong_body_is_a_400_that_names_the_field(
    house: House, name: str, body: Any, param: str | None
) -> None:
    reply = await house.caller.post(body=body)
    assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_request"), reply.body[:200]
    if param:
        assert str(reply.json["error"]["param"]).startswith(param)
    entry = house.entry()
    assert entry.status == 400 and entry.credits == 0
    assert house.fake.chats == []
    house.settled()


ODD_BUT_FINE: list[bytes] = [
    b'{"model":"m","messages":[{"role":"user","content":"\\u0000"}]}',
    b'{"model":"m","messages":[{"role":"user","content":"x"}],"seed":123456789012345678901234567890}',
    b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1e999}',
    b'{"model":"m","messages":[{"role":"user","content":"x"}],"deep":' + b"[" * 200 + b"]" * 200 + b"}",
]


@pytest.mark.parametrize("body", ODD_BUT_FINE, ids=range(len(ODD_BUT_FINE)))
async def test_odd_values_that_are_not_looked_at_never_are_a_500(house: House, body: bytes) -> None:
    assert (await house.caller.post(body=body)).status in (200, 400)
    house.settled()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["model", "messages", "stream", "max_tokens", "n", "contents", "system", "stop", "generationConfig"]
)
PATHS = [CHAT, "/v1/messages", "/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent"]


async def test_no_body_whatsoever_is_a_500(house: House) -> None:
    """Random fields of random types, at every endpoint; also bytes that are no JSON."""
    bodies: list[tuple[str, bytes]] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PATHS), st.dictionaries(NAMES, JSON, max_size=5), st.binary(max_size=30), st.integers(0, 3))
    def collect(path: str, fields: dict[str, Any], noise: bytes, kind: int) -> None:
        if kind == 0:
            bodies.append((path, noise))
        else:
            filled = {
                "model": "m",
                "messages": MESSAGES,
                "contents": [{"parts": [{"text": "x"}]}],
                "max_tokens": 5,
                **fields,
            }
            bodies.append((path, json.dumps(filled if kind > 1 else fields).encode()))

    collect()
    house.fake.script(as_asked())
    for path, body in bodies:
        reply = await house.caller.post(path, body)
        assert reply.status < 500 or reply.status == 503, (path, body, reply.body)
    house.settled()


async def test_a_declared_length_over_the_limit_is_a_413_before_anything_else(build: Build) -> None:
    house = await build(max_request_body_mb=1)
    reply = await Caller(house.relay).post(body=b"", headers={"content-length": str(33 * 1024 * 1024)})
    assert (reply.status, reply.headers["x-openopen8-error"]) == (413, "request_too_large")
    reply = await Caller(house.relay).post("/v1/messages", b"", headers={"content-length": str(33 * 1024 * 1024)})
    assert reply.json["error"]["type"] == "request_too_large"


async def test_an_undeclared_length_is_counted_while_it_is_read_and_logged(build: Build) -> None:
    house = await build(max_request_body_mb=1)
    talk = house.caller.open(body=b"x" * (3 * 1024 * 1024), declared=False)
    assert (await talk.end()).status == 413
    assert talk.unread > 20, "it was read on beyond the limit"
    assert house.entry().status == 413


@pytest.mark.parametrize("declared", [True, False])
async def test_key_and_address_are_looked_at_before_a_large_body_is_read(house: House, declared: bool) -> None:
    body = b"x" * (20 * 65536)
    least = 18 if declared or house.lobby is None else 17  # of what comes in chunks uvicorn reads a piece ahead
    for fields, code in (({"enabled": False}, "token_disabled"), ({"ip_whitelist": ["10.0.0.1"]}, "ip_not_allowed")):
        talk = house.other_caller(**fields).open(body=body, declared=declared)
        assert (await talk.end()).json["error"]["code"] == code
        assert talk.unread >= least
    talk = Caller(house.relay).open(body=body, declared=declared)
    assert (await talk.end()).status == 401 and talk.unread >= least


async def test_a_large_body_is_counted_beside_the_event_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[int, bool]] = []

    def count(text: str, encoding: str) -> int:
        counted.append((len(text), threading.current_thread() is threading.main_thread()))
        return 1

    monkeypatch.setattr(counting, "_count", count)
    monkeypatch.setattr(counting, "_KNOWN", {"cl100k_base": {}, "o200k_base": {}})
    house.world.option("strict_holds", True)  # every token counts
    text = "lorem ipsum dolor " * 300_000  # 5 MB
    reply = await house.caller.post(body={"model": "m", "messages": [{"role": "user", "content": text}]})
    assert reply.status == 200 and len(house.fake.chats[0].body) > 5_000_000
    await house.caller.chat()
    sample, whole, small = counted
    assert sample[0] < 5_000 and whole == (len(text), False) and small == (len("Say hello."), True)


async def test_a_caller_that_leaves_in_the_middle_of_its_body_costs_nothing(house: House) -> None:
    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(_message: Any) -> None:
        raise AssertionError("nobody is there")

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http", "method": "POST", "path": CHAT, "query_string": b"", "client": ("192.0.2.1", 1),
        "headers": [(b"authorization", f"Bearer {house.key}".encode())],
    }  # fmt: skip
    await house.relay(scope, receive, send)
    assert house.world.log() == []
    house.settled()


async def test_too_many_headers_are_refused(house: House) -> None:
    many: Headers = {f"x-{n}": "v" * 1000 for n in range(80)}
    assert (await house.caller.post(body={"model": "m", "messages": MESSAGES}, headers=many)).status == 431


async def test_a_body_in_the_hands_of_a_disabled_token_is_not_even_parsed(house: House) -> None:
    house.world.change(Token, house.token_id, enabled=False)
    assert (await house.caller.post(body=b"{")).json["error"]["code"] == "token_disabled"


async def test_wrong_bodies_speak_the_callers_format_with_its_own_paths(house: House) -> None:
    claude = await house.caller.post("/v1/messages", {"model": "m", "max_tokens": 0, "messages": MESSAGES})
    assert claude.status == 400 and claude.json["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in claude.json["error"]["message"]
    gemini = await house.caller.post("/v1beta/models/m:generateContent", {"contents": 5})
    assert gemini.status == 400 and gemini.json["error"]["status"] == "INVALID_ARGUMENT"
    assert "contents" in gemini.json["error"]["message"]


def test_the_relay_takes_its_paths_and_no_others(sqlite_tools: Any) -> None:
    relay = Relay(sqlite_tools)
    for path in (
        CHAT,
        "/v1",
        "/v1/anything",
        "/models/a/b",
        "/healthz",
        "/api/usage/token",
        "/v1beta/models",
        "/messages",
    ):
        assert relay.handles(path, "GET")
    for path in ("/", "/tokens", "/api/tokens", "/catalogue", "/modelsx", "/v2", "/dashboard"):
        assert not relay.handles(path, "GET")
