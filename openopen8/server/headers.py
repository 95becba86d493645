"""Security headers of what browsers show, and the content security policy of each page."""

from __future__ import annotations

import base64
import hashlib
import re

Headers = tuple[tuple[bytes, bytes], ...]

GUARDS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # not no-referrer: with it a form is posted with "Origin: null"
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)

_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.S | re.I)


def script_hashes(html: str) -> tuple[str, ...]:
    """CSP sources for each inline script of ``html``, in order of appearance, once each."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(html) if script)
    return tuple(dict.fromkeys(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests))


def policy(html: str) -> bytes:
    """The content security policy for ``html``: its own scripts, nothing from elsewhere, no eval.

    Styles may be inline: the component library writes them at run time.
    """
    scripts = " ".join(("'self'", *script_hashes(html)))
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
        "object-src 'none'"
    ).encode()
