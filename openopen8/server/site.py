"""The compiled dashboard in memory: each file with its headers, and which paths are pages."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from openopen8.server.headers import GUARDS, Headers, policy

FALLBACK = "/__spa-fallback.html"
"""The empty page that finds its content by the address: for /tokens/12 and for what does not exist."""

_FOREVER = b"public, max-age=31536000, immutable"
_CHECK = b"no-cache"
_MANIFEST_HEAD = "window.__reactRouterManifest="


@dataclass(frozen=True, slots=True)
class File:
    """One file: as it is, and gzipped where the build made that."""

    body: bytes
    gzipped: bytes | None
    etag: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Site:
    """All files by their path, and patterns of the pages that have a variable part."""

    files: dict[str, File]
    patterns: tuple[re.Pattern[str], ...]

    def find(self, path: str) -> tuple[int, File]:
        """The status and file for ``path``: a file, a page, a deep link, or the page that says "not found"."""
        bare = path.rstrip("/") or "/"
        found = self.files.get(path) or self.files.get(bare.rstrip("/") + "/index.html")
        if found is not None:
            return 200, found
        known = any(pattern.fullmatch(bare) for pattern in self.patterns)
        return (200 if known else 404), self.files[FALLBACK]


def read_site(folder: Path) -> Site:
    """Read the output of the build (a few megabytes); OSError or KeyError when it is not whole."""
    files = {
        "/" + path.relative_to(folder).as_posix(): _read(path, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".gz" and "/." not in path.relative_to(folder.parent).as_posix()
    }
    files.setdefault(FALLBACK, files["/index.html"])
    return Site(files, _patterns(files))


def _read(path: Path, name: str) -> File:
    body = path.read_bytes()
    zipped = path.with_name(path.name + ".gz")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml")
    # names below assets/ carry a hash of their content
    lasting = _FOREVER if name.startswith("assets/") else _CHECK
    headers: Headers = (
        (b"content-type", (kind + ("; charset=utf-8" if text else "")).encode()),
        (b"cache-control", lasting),
        (b"vary", b"accept-encoding"),
        *GUARDS,
        (b"content-security-policy", policy(body.decode()) if kind == "text/html" else b"default-src 'none'"),
    )
    etag = b'W/"' + hashlib.sha256(body).hexdigest()[:24].encode() + b'"'
    return File(body, zipped.read_bytes() if zipped.is_file() else None, etag, headers)


def _patterns(files: dict[str, File]) -> tuple[re.Pattern[str], ...]:
    """From the router's own list: ``tokens/:id`` becomes a pattern for one segment."""
    manifest = next((file for name, file in files.items() if re.fullmatch(r"/assets/manifest-[^/]+\.js", name)), None)
    if manifest is None:
        return ()
    text = manifest.body.decode().removeprefix(_MANIFEST_HEAD).rstrip().removesuffix(";")
    paths = (str(route.get("path", "")) for route in json.loads(text)["routes"].values())
    return tuple(_pattern(path) for path in paths if ":" in path)


def _pattern(path: str) -> re.Pattern[str]:
    parts = (r"[^/]+" if part.startswith(":") else re.escape(part) for part in path.strip("/").split("/"))
    return re.compile("/" + "/".join(parts))
