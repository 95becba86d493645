"""A small compiled dashboard, as the build leaves it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

INLINE = 'window.page = "tokens";'
PAGE = f"<!doctype html><script>{INLINE}</script><script src='/assets/a-1.js'></script><p>tokens</p>"
EMPTY = "<!doctype html><script>window.page = null;</script><p>any page</p>"
SCRIPT = "console.log('the script');" * 20


def write_site(folder: Path) -> tuple[Path, Path]:
    """The folder of the files and the stamp."""
    client, stamp = folder / "client", folder / "stamp"
    routes = {"root": {"path": ""}, "a": {"path": "tokens"}, "b": {"path": "tokens/:token_id"}, "c": {"path": "*"}}
    files = {
        "index.html": "<p>start</p>",
        "tokens/index.html": PAGE,
        "__spa-fallback.html": EMPTY,
        "assets/a-1.js": SCRIPT,
        "assets/manifest-12.js": f"window.__reactRouterManifest={json.dumps({'routes': routes})};",
        "favicon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    for name, text in files.items():
        path = client / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if name.endswith((".js", ".html")):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(text.encode()))
    stamp.write_text("1\n")
    return client, stamp
