"""Requests to AWS: signed with an access key, or with an API key of Bedrock's in their header.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html and
https://docs.aws.amazon.com/general/latest/gr/bedrock.html (hosts)
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from relay.signing.sign import Means
from relay.signing.sigv4 import Credentials, Scope, signed
from relay.upstream import Failure, Outgoing

EVENT_STREAM = "application/vnd.amazon.eventstream"

_REGION = re.compile(r"bedrock(?:-runtime)?(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.")

_USUAL_REGION = "us-east-1"

_ACCESS = re.compile(r"[A-Za-z0-9]{4,128}")

_LARGE = 200_000
"""Bytes beyond which hashing a body leaves the event loop."""


def is_access_key(key: str) -> bool:
    """False for API keys, which have no colon."""
    return ":" in key


def region_of(url: str) -> str:
    """The region in the host's name; the usual one where there is none."""
    found = _REGION.search((urlsplit(url).hostname or "") + ".")
    return found[1] if found else _USUAL_REGION


def credentials_of(key: str) -> Credentials:
    """What ``ACCESS:SECRET`` or ``ACCESS:SECRET:SESSION`` says. Raises Failure."""
    access, secret, session = [*(part.strip() for part in key.split(":", 2)), ""][:3]
    if not _ACCESS.fullmatch(access) or not secret:
        raise Failure("key", "The provider key is not of the form ACCESS_KEY_ID:SECRET_ACCESS_KEY.")
    return Credentials(access, secret, session)


async def for_bedrock(outgoing: Outgoing, key: str, means: Means) -> Outgoing:
    """See ``Sign``."""
    if outgoing.template.url.endswith("-stream"):
        outgoing = outgoing.with_headers({"accept": EVENT_STREAM})
    if not is_access_key(key):
        return outgoing
    by, now_s = credentials_of(key), means.now() // 1000
    if len(outgoing.body) <= _LARGE:
        return _signed(outgoing, by, now_s)
    return await asyncio.to_thread(_signed, outgoing, by, now_s)


def _signed(outgoing: Outgoing, by: Credentials, now_s: int) -> Outgoing:
    made = outgoing.template
    assert isinstance(outgoing.body, bytes)  # uploads go to other vendors
    headers = {"host": urlsplit(made.url).netloc, "content-type": dict(made.headers)["content-type"]}
    scope = Scope(region_of(made.url), "bedrock")
    return outgoing.with_headers(signed(made.method, made.url, headers, outgoing.body, by, scope, now_s))
