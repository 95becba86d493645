"""The dashboard compiled once, a gateway on a fresh installation with a fake provider, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from openopen8.server.compiler import compile_dashboard
from tests.e2e.browser import Reader, launch
from tests.fakes.upstream import FakeUpstream
from tests.server.processes import serving

USERNAME, PASSWORD = "mira", "correct horse battery"


@dataclass(frozen=True)
class Gateway:
    """A running `openopen8 serve` and the provider behind it."""

    base: str
    upstream: FakeUpstream
    data_dir: Path


@pytest.fixture(scope="session")
def compiled() -> None:
    """The dashboard of this source; other processes wait for the one that compiles."""
    compile_dashboard(print)


@pytest.fixture(scope="module")
def browser(compiled: None) -> Iterator[Browser]:
    """Ended with its module: while it lives, no test in this process can run an event loop of its own."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def fresh_gateway(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Nothing in it yet: not even an account."""
    folder = tmp_path_factory.mktemp("gateway")
    with FakeUpstream() as upstream, serving(folder) as server:
        yield Gateway(server.address, upstream, folder / "data")


@pytest.fixture(scope="module")
def gateway(fresh_gateway: Gateway, browser: Browser) -> Gateway:
    """With the root account, a channel and a price for the models ``m`` and ``n``."""
    reader = Reader(browser, fresh_gateway.base)
    reader.call("POST", "/api/setup", username=USERNAME, password=PASSWORD)
    reader.call(
        "POST", "/api/channels", name="fake", type="openai-compatible", base_url=fresh_gateway.upstream.url,
        keys=["sk-upstream"], models=["m", "n"],
    )  # fmt: skip
    reader.call("POST", "/api/prices", model="m", input="5", output="15")
    reader.call("POST", "/api/groups", name="half", ratio="0.5", selectable=True)
    reader.context.close()
    return fresh_gateway


@pytest.fixture
def reader(gateway: Gateway, browser: Browser) -> Iterator[Reader]:
    """The owner, logged in; at the end nothing in the pages has failed."""
    reader = Reader(browser, gateway.base)
    reader.log_in(USERNAME, PASSWORD)
    yield reader
    reader.context.close()
    assert not reader.complaints
