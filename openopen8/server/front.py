"""Serves the compiled dashboard: files from memory, with ETag, gzip, cache and security headers."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from starlette.types import Receive, Scope, Send

from openopen8.server.handshake import first
from openopen8.server.headers import GUARDS, Headers, policy
from openopen8.server.site import File, Site, read_site

LOOK_EVERY_SECONDS = 1.0

_PREPARING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>OpenOpen8</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="3">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em;color-scheme:light dark}
</style></head><body><h1>The dashboard is being prepared</h1><p>It is compiled once, which takes a minute or two;
this page opens by itself then. The API already answers.</p>
<p lang="zh">控制台正在准备中，首次编译需要一两分钟，完成后本页会自动打开。API 已可使用。</p></body></html>"""

_log = logging.getLogger(__name__)


class Front:
    """An ASGI callable for everything that is neither relay, API nor websocket."""

    def __init__(self, folder: Path, stamp: Path) -> None:
        self._folder = folder
        self._stamp = stamp
        self._site: Site | None = None
        self._seen = 0
        self._looked = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            return await _answer(scope, send, 405, ((b"allow", b"GET, HEAD"), *GUARDS), b"Method Not Allowed")
        site = await self.look()
        if site is None:
            return await _prepare(scope, send)
        status, file = site.find(scope["path"])
        await _send_file(scope, send, status, file)

    async def look(self) -> Site | None:
        """The site as last compiled, None before that; a new build is noticed by its stamp, within a second."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_SECONDS:
            return self._site
        self._looked = now
        try:
            stamped = self._stamp.stat().st_mtime_ns
            if stamped != self._seen:
                self._site = await asyncio.to_thread(read_site, self._folder)
                self._seen = stamped
        except FileNotFoundError:
            pass  # not compiled yet, or just being swapped
        except (OSError, KeyError, ValueError) as error:
            _log.error("the compiled dashboard can't be read: %s", error)
        return self._site


class NoFront:
    """In place of :class:`Front` where the dashboard is switched off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(scope, send, 404, ((b"content-type", b"text/plain"), *GUARDS), b"This server has no dashboard.")

    async def look(self) -> None:
        """There is nothing to see."""


async def _send_file(scope: Scope, send: Send, status: int, file: File) -> None:
    headers = scope["headers"]
    tags = first(headers, b"if-none-match")
    if status == 200 and file.etag.decode() in tags:
        return await _answer(scope, send, 304, ((b"etag", file.etag), *file.headers), b"")
    packed = file.gzipped if "gzip" in first(headers, b"accept-encoding") else None
    extra: Headers = ((b"etag", file.etag),) + (((b"content-encoding", b"gzip"),) if packed is not None else ())
    await _answer(scope, send, status, extra + file.headers, file.body if packed is None else packed)


async def _prepare(scope: Scope, send: Send) -> None:
    headers: Headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"retry-after", b"3"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy(_PREPARING)),
        *GUARDS,
    )
    await _answer(scope, send, 503, headers, _PREPARING.encode())


async def _answer(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    whole = list(headers)
    if status != 304:
        whole.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": whole})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
