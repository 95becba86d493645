"""Sends requests that have to be signed, or carry a token that has to be fetched first."""

from __future__ import annotations

from collections.abc import Callable

from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.security.keyring import Keyring
from relay.signing.sign import Means, Sign
from relay.signing.tokens import Tokens
from relay.templates import key_of, proxy_of
from relay.upstream import Answer, Outgoing, Upstream


class Signer:
    """One per worker."""

    def __init__(self, keyring: Keyring, upstream: Upstream, now: Callable[[], int]) -> None:
        self._keyring = keyring
        self._upstream = upstream
        self._now = now
        self._tokens = Tokens(now)

    async def send(self, sign: Sign, outgoing: Outgoing, provider: Provider, key: ProviderKey) -> Answer:
        """The answer's head; raises Failure. A kept token that is refused gives way to a new one, once."""
        secret = key_of(key, self._keyring)
        means = Means(self._upstream, self._tokens, self._now, proxy_of(provider, self._keyring))
        signed = await sign(outgoing, secret, means)
        answer = await self._upstream.send(signed)
        if answer.status == 401 and self._tokens.refused(secret, _token(signed)):
            answer.close()
            answer = await self._upstream.send(await sign(outgoing, secret, means))
        return answer


def _token(signed: Outgoing) -> str:
    return dict(signed.template.headers).get("authorization", "").removeprefix("Bearer ")
