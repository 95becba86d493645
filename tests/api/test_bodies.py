"""What may stand in a body: malformed, doubled, deep, huge or unstorable input is a 4xx, never a 500."""

from __future__ import annotations

import json

import pytest

from api.conftest import House

JSON = {"content-type": "application/json"}
BAD: tuple[tuple[str, bytes], ...] = (
    ("nothing", b""),
    ("blank", b"  \n"),
    ("half", b'{"name": "a"'),
    ("not an object", b'["name"]'),
    ("null", b"null"),
    ("a number", b"7"),
    ("not UTF-8", b'{"name": "\xff\xfe"}'),
    ("UTF-16", '{"name": "a"}'.encode("utf-16")),
    ("trailing", b'{"name": "a"} x'),
    ("NaN", b'{"name": "a", "quota": NaN}'),
    ("infinity", b'{"name": "a", "quota": -Infinity}'),
    ("doubled key", b'{"name": "a", "quota": 5, "quota": 0}'),
    ("doubled inner key", b'{"name": "a", "x": [{"y": 1, "y": 2}]}'),
    ("NUL", b'{"name": "a\\u0000b"}'),
    ("NUL in a key", b'{"name": "a", "b\\u0000": 1}'),
    ("lone surrogate", b'{"name": "a\\ud800"}'),
    ("lone surrogate in a key", b'{"name": "a", "\\udfff": 1}'),
    ("huge whole number", b'{"name": "a", "quota": ' + b"9" * 5_000 + b"}"),
    ("big whole number", b'{"name": "a", "quota": ' + b"9" * 300 + b"}"),
    ("huge exponent", b'{"name": "a", "quota": 1e999999999}'),
    ("tiny exponent", b'{"name": "a", "quota": 1e-999999999}'),
    ("deep list", b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("deep object", b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    ("rather deep", b'{"name": ' + b"[" * 60 + b"]" * 60 + b"}"),
)
PATHS = ("/tokens", "/channels", "/prices", "/users", "/groups", "/access-tokens", "/me/password")


@pytest.mark.parametrize("path", PATHS)
def test_bad_bodies_are_400_at_every_form(sqlite_house: House, path: str) -> None:
    for name, body in BAD:
        answer = sqlite_house.root.call("POST", path, content=body, headers=JSON)
        assert answer.status_code == 400, (name, answer.status_code, answer.text[:200])
        assert set(answer.json()["error"]) >= {"message", "type", "code", "param"}
    for name, body in BAD:
        for patched in ("/me", "/settings"):
            answer = sqlite_house.root.call("PATCH", patched, content=body, headers=JSON)
            assert answer.status_code == 400, (name, answer.text[:200])


def test_a_doubled_key_is_named(sqlite_house: House) -> None:
    answer = sqlite_house.ann.call("POST", "/tokens", content=b'{"name": "a", "quota": 5, "quota": 0}', headers=JSON)
    assert answer.json()["error"]["param"] == "quota"


def test_a_body_over_the_bound_is_413_also_without_a_declared_length(sqlite_house: House) -> None:
    large = json.dumps({"name": "x" * 1_000_001}).encode()
    assert sqlite_house.ann.call("POST", "/tokens", content=large, headers=JSON).status_code == 413
    pieces = iter([large[:600_000], large[600_000:]])
    assert sqlite_house.ann.call("POST", "/tokens", content=pieces, headers=JSON).status_code == 413
    many = {"name": "t", "allowed_models": [f"model-{n}" for n in range(1_001)]}
    assert sqlite_house.ann.post("/tokens", **many).status_code == 400


def test_a_body_of_another_kind_is_400(sqlite_house: House) -> None:
    parts = "multipart/form-data; boundary=" + "x" * 10_000
    for kind in ("text/plain", "application/x-www-form-urlencoded", parts, ""):
        answer = sqlite_house.ann.call("POST", "/tokens", content=b'{"name": "a"}', headers={"content-type": kind})
        assert answer.status_code == 400, kind
    assert sqlite_house.ann.get("/tokens").json()["total"] == 0


def test_unknown_paths_and_methods_are_told_in_the_same_shape(sqlite_house: House) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/tokens/abc", 404),
        ("GET", "/tokens/0", 404),
        ("GET", f"/tokens/{10**40}", 404),
        ("GET", "/tokens/1%00", 404),
        ("GET", "/tokens/", 404),
        ("PUT", "/tokens", 405),
        ("DELETE", "/tokens", 405),
        ("POST", "/status", 405),
    ):
        answer = sqlite_house.root.call(method, path)
        assert answer.status_code == status and answer.json()["error"]["message"], (method, path, answer.text)
        assert answer.headers["cache-control"] == "no-store"


def test_the_description_and_its_page_need_nothing_from_elsewhere(sqlite_house: House) -> None:
    browser = sqlite_house.browser()
    page = browser.get("/api/docs")
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200 and "unsafe" not in policy and "default-src 'none'" in policy
    for path in ("/api/docs", "/api/docs/docs.js", "/api/docs/docs.css"):
        text = browser.get(path).text
        assert "//" not in text.replace("http://127.0.0.1:3000", "").replace("// Shows", "") and "innerHTML" not in text
    described = browser.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.") and "/api/tokens/{id}/rotate" in described["paths"]
    view = described["components"]["schemas"]["TokenView"]["properties"]
    assert view["created_at"] == {"format": "date-time", "title": "Created At", "type": "string"}
    assert "default" not in described["components"]["schemas"]["TokenPatch"]["properties"]["quota"]
    assert "value" not in view and "key_hash" not in view
