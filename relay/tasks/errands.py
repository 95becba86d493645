"""Sends errands: signed for their channel, answered whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.security.keyring import Keyring
from relay.formats.vendor import loads
from relay.tasks.vendor import Authorize, Errand
from relay.templates import BETA, channel_type, headers_of, key_of, proxy_of
from relay.upstream import LARGEST_ANSWER, LARGEST_ERROR, Answer, Failure, Outgoing, Template, Upstream


def outgoing(
    keyring: Keyring, provider: Provider, key: ProviderKey, authorize: Authorize, errand: Errand, now: int
) -> Outgoing:
    """The errand as it goes out. Signatures hold for minutes, so it is never kept. Raises Failure."""
    kind, proxy = channel_type(provider), proxy_of(provider, keyring)
    if "://" in errand.path:  # somebody else's: no header of ours, no key, no override
        return Outgoing(Template.make(errand.path, {"accept": "*/*"}, errand.method, proxy, provider.http2))
    secret = key_of(key, keyring)
    url = kind.url(provider.base_url, errand.path, secret)
    headers = headers_of(provider, replace(kind, auth=lambda key: authorize(key, errand, url, now)), secret, False)
    headers["content-type"] = errand.content_type
    if errand.beta:
        headers[BETA] = ",".join(filter(None, (headers.get(BETA), errand.beta)))
    if not errand.body:
        del headers["content-type"]
    return Outgoing(Template.make(url, headers, errand.method, proxy, provider.http2), errand.body)


async def answered(upstream: Upstream, errand: Outgoing) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of the answer. Raises Failure."""
    answer = await upstream.send(errand)
    try:
        return answer.status, await read(answer)
    finally:
        answer.close()


async def read(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object; an empty one for nothing at all, and for an error that is none. Raises Failure."""
    good = 200 <= answer.status < 300
    body = await answer.read(LARGEST_ANSWER if good else LARGEST_ERROR)
    try:
        found = loads(body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    if good and body.strip():
        raise Failure("broken", "The provider's answer is no JSON object.")
    return {}
