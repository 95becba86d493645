"""Who may call what: every operation of the description, by everybody who might try."""

from __future__ import annotations

from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from api.conftest import House
from openopen8.api.description import PUBLIC, TOKEN_PATH
from openopen8.core.models import User

ADMIN_ONLY = ("/api/channels", "/api/groups", "/api/prices", "/api/users", "/api/settings", "/api/logs/{request_id}")
METHODS = ("get", "post", "patch", "delete")


def operations(house: House) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of the API's own description; the relay's one path there is not among them."""
    found = house.root.get("/openapi.json").json()["paths"]
    return [(method, path, told) for path, each in found.items() if path != TOKEN_PATH for method, told in each.items()]


def filled(path: str) -> str:
    return (
        path.replace("{id}", "999" if "sessions" not in path else "0" * 16)
        .replace("{key_id}", "1")
        .replace("{request_id}", "req_1")
    )


def tried(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Response:
    more: dict[str, Any] = {} if method in ("get", "delete") else {"json": {}}
    return client.request(method.upper(), filled(path), headers=headers, **more)


def test_the_matrix_of_roles_and_operations_holds(sqlite_house: House) -> None:
    house = sqlite_house
    _, sk = house.world.token(house.ann.actor)
    client = house.browser()
    seen = operations(house)
    assert len(seen) > 40 and {method for method, _, _ in seen} == set(METHODS)
    for method, path, told in seen:
        if path in PUBLIC:
            assert told["security"] == []
            continue
        where = f"{method} {path}"
        assert tried(client, method, path, {}).status_code == 401, where
        refused = tried(client, method, path, {"authorization": f"Bearer {sk}"})
        assert refused.status_code == 401 and "sk-" in refused.json()["error"]["message"], where
        for wrong in ("Bearer oo8-" + "x" * 48, "Basic YTpi", house.ann.key, "Bearer ' OR 1=1 --", "Bearer " + "€" * 9):
            assert tried(client, method, path, {"authorization": wrong.encode()}).status_code == 401, where  # type: ignore[dict-item]
        as_user = tried(client, method, path, {"authorization": f"Bearer {house.ann.key}"})
        if path.startswith(ADMIN_ONLY):
            assert as_user.status_code == 403 and as_user.json()["error"]["code"] == "admin_only", where
        else:
            assert as_user.status_code not in (401, 403) and as_user.status_code < 500, where
        as_admin = tried(client, method, path, {"authorization": f"Bearer {house.root.key}"})
        assert as_admin.status_code not in (401, 403) and as_admin.status_code < 500, (where, as_admin.text)


def test_whatever_stands_in_the_credential_is_a_401(house: House) -> None:
    client = house.browser()
    key = house.ann.key
    for wrong in ("", "Bearer", "Bearer ", "Basic YTpi", key, f"bearer  {key}x", f"Token {key}"):
        assert client.get("/api/me", headers={"authorization": wrong}).status_code == 401, wrong
    odd = ("' OR 1=1 --", "oo8-'; DROP TABLE users; --", "oo8-" + "€" * 48, "oo8-%", "\x00", "oo8-" + "x" * 60_000)
    for wrong in odd:
        assert client.get("/api/me", headers={"authorization": f"Bearer {wrong}".encode()}).status_code == 401
        assert client.get("/api/me", headers={"cookie": f"oo8_session={wrong}".encode()}).status_code == 401
    assert client.get("/api/me", headers={"authorization": f"bearer {house.ann.key}"}).status_code == 200


def test_an_odd_host_header_opens_nothing(sqlite_house: House) -> None:
    house = sqlite_house
    for host in ("x/api/status?", "x/api/status#", "x?/api/setup", "[::1", "a b", "x/../api/status"):
        for path in ("/api/users", "/api/settings", "/api/tokens"):
            answer = house.browser().get(path, headers={"host": host})
            assert answer.status_code in (400, 401), (host, path)
            assert house.ann.call("GET", "/users", headers={"host": host}).status_code in (400, 403)


def test_two_credentials_are_refused_and_a_header_goes_before_a_cookie(sqlite_house: House) -> None:
    house = sqlite_house
    browser = house.log_in("ann")
    twice = [("authorization", f"Bearer {house.ann.key}"), ("authorization", f"Bearer {house.bob.key}")]
    assert browser.get("/api/me", headers=twice).status_code == 401
    as_bob = browser.get("/api/me", headers={"authorization": f"Bearer {house.bob.key}"})
    assert as_bob.json()["name"] == "bob"
    assert browser.get("/api/me", headers={"authorization": "Bearer oo8-wrong"}).status_code == 401


def test_two_tenant_ids_are_404(house: House) -> None:
    world, ann, bob = house.world, house.ann, house.bob
    token = ann.make("/tokens", name="t")["id"]
    access = ann.make("/access-tokens", name="mine")["id"]
    entry = world.log("login")[0].id if world.log("login") else None
    session = house.log_in("ann").get("/api/sessions").json()["items"][0]["id"]
    entry = next(x.id for x in world.log("login") if x.user_id == ann.actor.user_id) or entry
    tries = (
        bob.get(f"/tokens/{token}"),
        bob.patch(f"/tokens/{token}", name="bob's now"),
        bob.delete(f"/tokens/{token}"),
        bob.post(f"/tokens/{token}/rotate"),
        bob.post(f"/tokens/{token}/top-up", amount=1),
        bob.get(f"/tokens/{token}/days"),
        bob.post("/tokens/disable", ids=[token]),
        bob.post("/tokens/delete", ids=[token]),
        bob.delete(f"/access-tokens/{access}"),
        bob.delete(f"/sessions/{session}"),
        bob.get(f"/logs/{entry}"),
    )
    assert [answer.status_code for answer in tries] == [404] * len(tries)
    absent = bob.get("/tokens/999999")
    assert absent.json() == tries[0].json(), "a foreign id must look like one that does not exist"
    assert bob.get("/logs", token_id=token).json()["total"] == 0
    assert ann.get(f"/tokens/{token}").json()["status"] == "enabled"
    assert all(x["user"] == "bob" for x in bob.get("/logs").json()["items"])


def test_a_plain_user_changes_documented_fields_only(sqlite_house: House) -> None:
    house = sqlite_house
    described = house.root.get("/openapi.json").json()
    every_field = {
        name for schema in described["components"]["schemas"].values() for name in schema.get("properties", {})
    } | {"user_role", "allowed_routes", "password_hash", "key_hash", "deleted_at", "is_admin", "balance"}
    allowed = {"email", "log_address"}
    me = house.ann.get("/me").json()
    for field in every_field - allowed:
        assert house.ann.patch("/me", **{field: "root"}).status_code == 400, field
    token = house.ann.make("/tokens", name="t")
    documented = set(described["components"]["schemas"]["TokenPatch"]["properties"])
    for field in every_field - documented:
        answer = house.ann.patch(f"/tokens/{token['id']}", **{field: 1})
        assert answer.status_code == 400 and answer.json()["error"]["param"] == field
    assert house.ann.get("/me").json() == me
    del token["value"]
    assert house.ann.get(f"/tokens/{token['id']}").json() == token
    row = house.world.one(User, house.ann.actor.user_id)
    assert (row.role, row.group_id, row.ratio) == ("user", 1, None)


def test_no_answer_holds_a_secret(house: House) -> None:
    planted = "planted-provider-key-0123456789abcdef"
    channel = house.root.make(
        "/channels",
        name="c",
        type="openai",
        base_url="https://up.example.com",
        keys=[planted, "env:OO8_KEY_MAIN"],
        models=["m"],
    )
    token = house.ann.make("/tokens", name="t")
    browser = house.log_in("ann")
    cookie = browser.cookies["oo8_session"]
    hashes = [house.tools.keyring.hash(x) for x in (token["value"], house.ann.key, house.root.key, cookie)]
    user = house.world.one(User, house.ann.actor.user_id)
    secrets = [planted, token["value"], house.ann.key, house.root.key, cookie, user.password_hash, *hashes]
    texts = [str(channel)]
    for method, path, _ in operations(house):
        if method == "get":
            for person in (house.root, house.ann):
                texts.append(person.call("GET", filled(path).removeprefix("/api")).text)
    texts += [house.root.patch(f"/channels/{channel['id']}", name="d").text, browser.get("/api/sessions").text]
    texts += [house.root.get("/logs.csv").text, house.root.get("/logs", page_size=500).text]
    for text in texts:
        assert not any(secret in text for secret in secrets)
    assert [key["hint"] for key in channel["keys"]] == ["plan…cdef", "env:OO8_KEY_MAIN"]
