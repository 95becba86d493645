"""One server with two workers for all sentences, and a second one behind a proxy that it trusts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from openopen8.core.services import access_tokens
from openopen8.core.services.access_tokens import AccessTokenFields
from openopen8.core.tools import open_tools
from tests.conftest import EVERYTHING, fresh_database, settings_for
from tests.fakes.upstream import FakeUpstream, whole
from tests.system.installation import CHAT, Installation

FIELDS = AccessTokenFields(name="tests")


@dataclass
class Site:
    """A running gateway as an owner of tokens and as a program see it."""

    installation: Installation
    address: str
    proxied: str
    """Address of the same installation behind a trusted proxy: X-Forwarded-For counts."""
    access: str = field(repr=False)
    root: str = field(repr=False)

    def api(self, method: str, path: str, expect: int = 200, **json: Any) -> Any:
        """One call of the management API as the owner of the tokens."""
        return self._call(self.access, method, path, expect, json)

    def admin(self, method: str, path: str, expect: int = 200, **json: Any) -> Any:
        """The same as root."""
        return self._call(self.root, method, path, expect, json)

    def _call(self, access: str, method: str, path: str, expect: int, json: dict[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {access}"}
        url = self.address + "/api" + path
        answer = httpx.request(method, url, json=json or None, headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def add(self, **fields: Any) -> tuple[int, str]:
        """Add a token; its id and value."""
        made = self.api("POST", "/tokens", 201, **{"name": "app", **fields})
        return made["id"], made["value"]

    def token(self, id: int) -> Any:
        return self.api("GET", f"/tokens/{id}")

    def log(self, id: int) -> list[Any]:
        """The token's log, newest first."""
        return list(self.api("GET", f"/logs?token_id={id}&page_size=100")["items"])

    def call(self, value: str, model: str = "m", address: str = "", **more: Any) -> httpx.Response:
        """One chat request on a connection of its own; ``address``: where it claims to come from."""
        headers = {"authorization": f"Bearer {value}"} | ({"x-forwarded-for": address} if address else {})
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more.pop("body", {})}
        base = self.proxied if more.pop("proxied", False) else self.address
        return httpx.post(base + CHAT, json=body, headers=headers | more.pop("headers", {}), trust_env=False)

    def codes(self, value: str, times: int = 6, **more: Any) -> set[str]:
        """What several calls in a row say, each on a new connection, so that both workers are asked."""
        return {code_of(self.call(value, **more)) for _ in range(times)}


def code_of(answer: httpx.Response) -> str:
    """``ok`` or the error's code."""
    if answer.status_code == 200:
        return "ok"
    code = str(answer.json()["error"]["code"])
    assert answer.headers["x-openopen8-error"] == code or answer.status_code == 429
    return code


PLACES = ("sqlite-1", "sqlite-2", "sqlite-3", "postgres-1", "postgres-2", "postgres-3")
KINDS = [f"{door}-{place}" for door in ("hot", "asgi") for place in PLACES]
if not EVERYTHING:
    KINDS = ["hot-sqlite-2", "asgi-postgres-1"]


@pytest.fixture(scope="module", params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway behind one of its front doors, on a database and with a number of workers."""
    door, database, workers = request.param.split("-")
    folder = tmp_path_factory.mktemp("seed")
    with ExitStack() as stack:
        url = ""
        if database == "postgres":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
        else:
            (folder / "data").mkdir()
            shutil.copy(request.getfixturevalue("sqlite_template"), folder / "data" / "openopen8.db")
        tools = open_tools(settings_for(folder / "data", url))
        stack.callback(tools.close)
        installation = Installation(tools, folder, stack.enter_context(FakeUpstream(whole())))
        installation.hot_path = door == "hot"
        root = installation.world.user("root", role="root")
        access, admin = (access_tokens.create(tools, who, FIELDS).value for who in (installation.user, root))
        with (
            installation.serve(workers=int(workers)) as server,
            installation.serve(TRUSTED_PROXIES="127.0.0.1, 10.99.0.0/16") as proxied,
        ):
            yield Site(installation, server.address, proxied.address, access, admin)
        installation.world.audit()


@pytest.fixture(autouse=True)
def usual_answers(site: Site) -> None:
    """Whatever an earlier test made the provider say."""
    site.installation.fake.script(whole())
