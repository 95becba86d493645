"""The management API with people in it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from openopen8.api.app import create_api
from openopen8.core.rules.roles import Actor
from openopen8.core.security.passwords import hash_password
from openopen8.core.services import access_tokens
from openopen8.core.services.access_tokens import AccessTokenFields
from openopen8.core.tools import Tools
from tests.world import World

PASSWORD = "a good password"


class Person:
    """Calls the API with a personal access token; ``call`` also takes any other header."""

    def __init__(self, client: TestClient, actor: Actor, key: str) -> None:
        self.client, self.actor, self.key = client, actor, key

    def call(self, method: str, path: str, **more: Any) -> Response:
        headers = {"authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return self.client.request(method, f"/api{path}", headers=headers, **more)

    def get(self, path: str, **query: Any) -> Response:
        return self.call("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Response:
        return self.call("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> Response:
        return self.call("PATCH", path, json=body)

    def delete(self, path: str) -> Response:
        return self.call("DELETE", path)

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        """POST that must succeed; the answer's body."""
        answer = self.post(path, **body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@dataclass(frozen=True, slots=True)
class House:
    """An installation with four people; every password is PASSWORD."""

    tools: Tools
    world: World
    app: FastAPI
    root: Person
    admin: Person
    ann: Person
    bob: Person

    def browser(self, address: str = "192.0.2.1", **more: Any) -> TestClient:
        """A client with cookies of its own, as if from ``address``."""
        return TestClient(
            self.app, client=(address, 40000), raise_server_exceptions=False, follow_redirects=False, **more
        )

    def log_in(self, name: str, address: str = "192.0.2.1") -> TestClient:
        """A browser with the session of ``name``."""
        browser = self.browser(address)
        answer = browser.post("/api/session", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser


def _person(tools: Tools, world: World, app: FastAPI, name: str, role: str) -> Person:
    actor = world.user(name, role=role, password_hash=hash_password(PASSWORD))
    key = access_tokens.create(tools, actor, AccessTokenFields(name="tests")).value
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    return Person(client, actor, key)


@pytest.fixture
def house(tools: Tools) -> House:
    """People: root, admin, ann, bob."""
    return _house(tools)


@pytest.fixture
def sqlite_house(sqlite_tools: Tools) -> Iterator[House]:
    """The same on SQLite only, for what no database decides."""
    yield _house(sqlite_tools)


def _house(tools: Tools) -> House:
    world, app = World(tools), create_api(tools)
    people = {n: _person(tools, world, app, n, r) for n, r in (("root", "root"), ("admin", "admin"))}
    people |= {n: _person(tools, world, app, n, "user") for n in ("ann", "bob")}
    return House(tools, world, app, **people)
