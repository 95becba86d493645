"""Planted secrets are found nowhere: not in answers, the server's log, the database or the log entries."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from openopen8.core.services import access_tokens
from openopen8.core.services.access_tokens import AccessTokenFields
from openopen8.core.tools import open_tools
from tests.conftest import SECRET, settings_for
from tests.fakes.upstream import FakeUpstream, Script, error_inside, garbage, status, whole
from tests.server.processes import until
from tests.system.installation import CHAT, Installation

PROVIDER_KEY = "sk-planted-provider-key-0123456789abcdefghijklmnop"
PASSWORD = "planted pass phrase 42"


class Sent:
    """Everything that the server said to anyone."""

    def __init__(self, address: str) -> None:
        self.address, self.said = address, bytearray()

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = httpx.request(method, self.address + path, trust_env=False, timeout=30, **more)
        self.said += repr(sorted(answer.headers.items())).encode() + answer.content
        return answer


def provider_tells_all(fake: FakeUpstream) -> Iterator[Script]:
    """Answers of a provider that repeats the key and its own address in every corner."""
    told = f"Incorrect API key provided: {PROVIDER_KEY} at {fake.url}/v1 (Bearer {PROVIDER_KEY})"
    body = {"error": {"message": told, "type": "t", "code": PROVIDER_KEY}}
    for code in (400, 401, 403, 413, 422, 429, 500, 503):
        yield status(code, body, {"x-goog-api-key": PROVIDER_KEY, "x-request-id": PROVIDER_KEY})
    yield whole(headers={"authorization": PROVIDER_KEY, "set-cookie": PROVIDER_KEY, "openai-organization": "o"})
    yield garbage()
    yield error_inside()


def test_no_secret_leaves_the_server(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "openopen8.db")
    tools = open_tools(settings_for(tmp_path / "data"))
    with FakeUpstream() as fake:
        installation = Installation(tools, tmp_path, fake)
        world = installation.world
        world.channel(fake.url, name="planted", models=("p",), keys=(PROVIDER_KEY,), auto_disable=False)
        world.price("p")
        _, value = installation.token()
        access = access_tokens.create(tools, world.user("ann", role="root"), AccessTokenFields(name="pat")).value
        with installation.serve() as server:
            sent = Sent(server.address)
            cookie = _log_in(sent, access)
            _ask(sent, fake, value)
            _look_around(sent, {"authorization": f"Bearer {access}"}, cookie)
            _odd_requests(server.address, value, access)
            until(lambda: len(world.log()) > 10)
            text = server.text
    secrets = (PROVIDER_KEY, PASSWORD, value, access, cookie, SECRET, fake.url.removeprefix("http://"))
    for secret in secrets[:-1]:
        assert secret.encode() not in sent.said
        assert secret not in text
        for file in (tmp_path / "data").iterdir():
            assert secret.encode() not in file.read_bytes(), file.name
    # the provider's address is the admin's to see, and no caller's
    errors = " ".join(entry.error + json.dumps(entry.details) for entry in world.log())
    assert all(secret not in errors for secret in secrets)
    tools.close()


def _log_in(sent: Sent, access: str) -> str:
    """A user with a password logs in; the session's value is the one secret that an answer may carry."""
    headers = {"authorization": f"Bearer {access}"}
    made = sent.call("POST", "/api/users", json={"name": "bob", "role": "user", "password": PASSWORD}, headers=headers)
    assert made.status_code == 201, made.text
    sent.call("POST", "/api/session", json={"username": "bob", "password": PASSWORD + "!"})
    answer = httpx.post(sent.address + "/api/session", json={"username": "bob", "password": PASSWORD}, trust_env=False)
    cookie = answer.cookies["oo8_session"]
    assert cookie not in answer.text
    return cookie


def _ask(sent: Sent, fake: FakeUpstream, value: str) -> None:
    body = {"model": "p", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}
    contents = {"contents": [{"parts": [{"text": "hello"}]}]}
    for script in provider_tells_all(fake):
        fake.script(script)
        for stream in (False, True):
            sent.call("POST", CHAT, json={**body, "stream": stream}, headers={"authorization": f"Bearer {value}"})
        sent.call("POST", "/v1/messages", json=body, headers={"x-api-key": value})
        sent.call("POST", f"/v1beta/models/p:generateContent?key={value}", json=contents)
    answered = sent.said.decode("utf-8", "replace")
    assert fake.url.removeprefix("http://") not in answered


def _look_around(sent: Sent, admin: dict[str, str], cookie: str) -> None:
    document = sent.call("GET", "/api/openapi.json").json()
    paths = [path for path, verbs in document["paths"].items() if "get" in verbs]
    assert len(paths) > 15
    for path in paths:
        for headers in (admin, {"cookie": f"oo8_session={cookie}"}, {}):
            sent.call("GET", path.replace("{id}", "1").replace("{name}", "planted"), headers=headers)
    channel = next(
        c for c in sent.call("GET", "/api/channels", headers=admin).json()["items"] if c["name"] == "planted"
    )
    sent.call("PATCH", f"/api/channels/{channel['id']}", json={"note": 5}, headers=admin)
    sent.call("POST", "/api/channels", json={"name": "x", "keys": [PROVIDER_KEY + "\n"]}, headers=admin)


def _odd_requests(address: str, value: str, access: str) -> None:
    """What makes servers write things down: broken requests with a secret in every corner."""
    host, port = address.removeprefix("http://").split(":")
    for line in (
        f"GET /v1/nothing?key={value} HTTP/1.1",
        f"POST /v1/chat/completions?key={value}&token={access} HTTP/9.9",
        f"GET /api/me?access_token={access} HTTP/1.1",
        f"{value} / HTTP/1.1",
    ):
        with socket.create_connection((host, int(port))) as s:
            s.sendall(f"{line}\r\nhost: x\r\nauthorization: Bearer {value}\r\ncookie: a={access}\r\n\r\n".encode())
            s.settimeout(2)
            with contextlib.suppress(TimeoutError):
                s.recv(4096)
