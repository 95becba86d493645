"""The compiled dashboard as browsers get it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from openopen8.server import front as front_module
from openopen8.server.front import Front
from tests.server.site import EMPTY, INLINE, PAGE, SCRIPT, write_site


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(*write_site(tmp_path))


async def ask(front: Front, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=front)
    names = {name.replace("_", "-"): value for name, value in {"accept_encoding": "identity", **headers}.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=names)


async def test_a_page_is_served_with_and_without_a_slash_at_its_end(front: Front) -> None:
    for path in ("/tokens", "/tokens/"):
        answer = await ask(front, path)
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_deep_link_is_a_page(front: Front) -> None:
    answer = await ask(front, "/tokens/12")
    assert (answer.status_code, answer.text) == (200, EMPTY)


async def test_what_does_not_exist_is_404_and_shows_the_page_that_says_so(front: Front) -> None:
    for path in ("/nowhere", "/tokens/12/more", "/assets/gone.js", "/../secret.key", "/tokens/%2e%2e/x/y"):
        answer = await ask(front, path)
        assert (answer.status_code, answer.text) == (404, EMPTY)


async def test_each_page_allows_exactly_its_own_inline_scripts(front: Front) -> None:
    policy = (await ask(front, "/tokens")).headers["content-security-policy"]
    script_src = re.search(r"script-src ([^;]*)", policy)
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert script_src is not None
    assert script_src[1].split() == ["'self'", f"'sha256-{digest}'"]


async def test_no_page_allows_eval_or_any_inline_script(front: Front) -> None:
    for path in ("/", "/tokens", "/tokens/12", "/nowhere"):
        policy = (await ask(front, path)).headers["content-security-policy"]
        assert "unsafe-eval" not in policy
        assert "unsafe-inline" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
        for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert part in policy


async def test_everything_has_the_security_headers(front: Front) -> None:
    for path in ("/", "/tokens", "/assets/a-1.js", "/favicon.svg", "/nowhere"):
        headers = (await ask(front, path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert "content-security-policy" in headers


async def test_pages_are_checked_each_time_and_hashed_files_kept_for_ever(front: Front) -> None:
    assert (await ask(front, "/tokens")).headers["cache-control"] == "no-cache"
    assert "immutable" in (await ask(front, "/assets/a-1.js")).headers["cache-control"]


async def test_an_unchanged_file_is_not_sent_again(front: Front) -> None:
    tag = (await ask(front, "/tokens")).headers["etag"]
    answer = await ask(front, "/tokens", if_none_match=tag)
    assert (answer.status_code, answer.content) == (304, b"")


async def test_the_gzipped_file_goes_to_those_who_can_read_it(front: Front) -> None:
    packed = await ask(front, "/assets/a-1.js", accept_encoding="gzip, br")
    plain = await ask(front, "/assets/a-1.js")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == SCRIPT
    assert plain.headers["vary"] == "accept-encoding"


async def test_head_has_the_headers_and_no_body(front: Front) -> None:
    answer = await ask(front, "/tokens", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(PAGE)


async def test_other_methods_are_refused(front: Front) -> None:
    answer = await ask(front, "/tokens", method="POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_before_the_first_build_pages_say_that_they_are_being_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "LOOK_EVERY_SECONDS", 0)
    front = Front(tmp_path / "client", tmp_path / "stamp")
    answer = await ask(front, "/tokens")
    assert answer.status_code == 503
    assert "being prepared" in answer.text
    assert answer.headers["retry-after"] == "3"
    write_site(tmp_path)
    assert (await ask(front, "/tokens")).text == PAGE
