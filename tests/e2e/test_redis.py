"""Several dashboard processes share their view state in Redis or Valkey; nothing else depends on it."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import SECRET
from tests.e2e.browser import EXPECTED, Reader
from tests.e2e.conftest import PASSWORD, USERNAME
from tests.fakes.switch import Switch
from tests.fakes.upstream import FakeUpstream
from tests.fakes.valkey import Valkey
from tests.server.processes import Server, serving

COME_BACK_MS = 30_000
RECONNECTING = re.compile(r"WebSocket connection to .* failed")
"""The browser's own words about a tab that tries again."""


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey() as found:
        yield found


@pytest.fixture(scope="module")
def server(valkey: Valkey, compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("one"), "--no-build", REDIS_URL=valkey.url) as server:
        assert server.address
        yield server


@pytest.fixture(scope="module")
def owner(server: Server, browser: Browser) -> Iterator[Reader]:
    """The owner of three tokens."""
    with at_home(browser, server.address) as reader:
        yield reader


@contextmanager
def at_home(browser: Browser, address: str) -> Iterator[Reader]:
    reader = Reader(browser, address)
    reader.call("POST", "/api/setup", username=USERNAME, password=PASSWORD)
    reader.log_in(USERNAME, PASSWORD)
    for name in ("alpha", "beta", "gamma"):
        reader.call("POST", "/api/tokens", name=name)
    yield reader
    reader.context.close()
    assert not [line for line in reader.complaints if not (RECONNECTING.search(line) or EXPECTED.search(line))]


def searched(reader: Reader, word: str = "beta") -> Page:
    """The list of tokens, narrowed by a search: that is state of the view, at the server."""
    page = reader.open("/tokens", reader.new_page())
    page.get_by_role("searchbox").first.fill(word)
    expect(page.get_by_role("row")).to_have_count(2)
    return page


def reconnected(page: Page) -> None:
    expect(page.locator(".reconnecting")).to_have_count(0, timeout=COME_BACK_MS)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


def test_while_redis_is_frozen_all_but_the_dashboard_goes_on_and_the_dashboard_comes_back(
    owner: Reader, server: Server, valkey: Valkey
) -> None:
    with FakeUpstream() as upstream:
        owner.call(
            "POST", "/api/channels", name="fake", type="openai-compatible", base_url=upstream.url, keys=["k"],
            models=["m"],
        )  # fmt: skip
        owner.call("POST", "/api/prices", model="m", input="0", output="0")
        value = owner.call("POST", "/api/tokens", name="caller")["value"]
        page = searched(owner)
        valkey.freeze()
        expect(page.locator(".reconnecting")).to_be_visible(timeout=COME_BACK_MS)
        for _ in range(5):
            assert chat(server.address, value).status_code == 200
        owner.log_in(USERNAME, PASSWORD)
        owner.call("POST", "/api/tokens", name="beta-made-meanwhile")
        assert httpx.get(server.address + "/readyz", trust_env=False).status_code == 200
        expect(page.locator(".reconnecting")).to_be_visible()
        valkey.thaw()
        reconnected(page)
        expect(page.get_by_role("row")).to_have_count(3)
        owner.call("POST", "/api/tokens", name="beta-made-later")
        expect(page.get_by_role("row")).to_have_count(4)
        page.close()


def chat(address: str, value: str) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"authorization": f"Bearer {value}"}
    return httpx.post(f"{address}/v1/chat/completions", json=body, headers=headers, timeout=20, trust_env=False)


def test_redis_that_comes_back_empty_costs_the_view_and_nothing_else(owner: Reader, valkey: Valkey) -> None:
    page = searched(owner, "alpha")
    valkey.kill()
    expect(page.locator(".reconnecting")).to_be_visible(timeout=COME_BACK_MS)
    valkey.start()
    reconnected(page)
    owner.call("POST", "/api/tokens", name="alpha-2")
    expect(row(page, "alpha-2")).to_be_visible()
    page.close()


def test_nobody_reads_in_redis_what_a_page_shows(owner: Reader, valkey: Valkey) -> None:
    page = owner.open("/tokens", owner.new_page())
    page.get_by_role("button", name="Add Token").click()
    page.get_by_label("Name").fill("confidential-name")
    page.get_by_role("button", name="Save").click()
    value = page.get_by_role("dialog").locator("code").first.inner_text()
    kept = contents(valkey)
    assert len(kept) > 5
    for text in (value, value[3:], "confidential-name", USERNAME):
        assert not any(text.encode() in data for data in kept.values())
    page.close()


def test_a_pickle_that_somebody_puts_into_redis_is_never_run(
    owner: Reader, server: Server, valkey: Valkey, tmp_path: Path
) -> None:
    page = searched(owner, "gamma")
    for key in contents(valkey):
        connection(valkey).set(key, pickle.dumps(Intruder(tmp_path / "was-here")))
    page.get_by_role("searchbox").first.fill("")
    owner.open("/tokens", page)
    expect(row(page, "alpha-2")).to_be_visible()
    assert not (tmp_path / "was-here").exists()
    assert "not sealed with this key" not in page.content()
    page.close()


class Intruder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self._path),)


def contents(valkey: Valkey) -> dict[bytes, bytes]:
    found = connection(valkey)
    return {key: found.get(key) for key in found.keys("*") if found.type(key) == b"string"}  # type: ignore[misc,union-attr]


def connection(valkey: Valkey) -> redis.Redis:
    return redis.Redis(port=valkey.port)


def test_any_dashboard_process_on_any_machine_goes_on_with_a_tab(
    browser: Browser, valkey: Valkey, postgres_url: str, tmp_path: Path
) -> None:
    shared = {"DATABASE_URL": postgres_url, "SECRET_KEY": SECRET, "REDIS_URL": valkey.url}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        serving(tmp_path / "one", "--no-build", **shared) as one,
        serving(tmp_path / "two", "--no-build", **shared) as two,
        Switch(port_of(one)) as switch,
        at_home(browser, switch.url) as reader,
    ):
        page = reader.open("/tokens")
        page.get_by_role("button", name="Add Token").click()
        fill(page, "Name", "half-typed")
        switch.to(port_of(two))
        goes_on(page, reader, "made-at-two")
        fill(page, "Quota", "1234")
        switch.to(port_of(one))
        goes_on(page, reader, "made-at-one")
        expect(page.get_by_label("Name")).to_have_value("half-typed")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="I have stored it").click()
        expect(row(page, "half-typed").filter(has_text="1,234")).to_be_visible()


def fill(page: Page, label: str, text: str) -> None:
    """Type, and leave the field, which tells the server."""
    page.get_by_label(label).fill(text)
    page.get_by_label(label).blur()
    page.wait_for_timeout(500)


def goes_on(page: Page, reader: Reader, name: str) -> None:
    """The tab is alive at its new place: what is made now shows behind the sheet, which is still open."""
    reader.call("POST", "/api/tokens", name=name)
    expect(page.locator("tr").filter(has_text=name)).to_be_visible(timeout=COME_BACK_MS)
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def port_of(server: Server) -> int:
    return int(server.address.rpartition(":")[2])
