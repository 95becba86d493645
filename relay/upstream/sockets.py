"""WebSockets to providers, as strict as requests: no redirects, no environment, never to forbidden addresses."""

from __future__ import annotations

import logging
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from openopen8.core.config import Settings
from relay.upstream.failure import Failure, failure_of
from relay.upstream.guard import Guard, Resolve, system_resolve
from relay.upstream.outgoing import Template
from relay.upstream.tls import Sessions

LARGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes of one event: OpenAI takes 15 MB of sound at once."""

_quiet = logging.getLogger("openopen8.relay.sockets")
_quiet.disabled = True  # it would show headers, and with them keys

Refusal = tuple[int, dict[str, str], bytes]
"""Status, headers and body of a provider that wants no WebSocket."""


class Sockets:
    """Opens WebSockets."""

    def __init__(self, settings: Settings, resolve: Resolve = system_resolve) -> None:
        self._timeout = settings.connect_timeout
        self._guard = Guard(settings.allow_private_upstreams, resolve)
        self._sessions = Sessions()

    async def open(self, template: Template) -> ClientConnection | Refusal:
        """The connection, or what the provider says instead of making one. Raises Failure."""
        try:
            return await self._opened(template)
        except InvalidStatus as error:
            response = error.response
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            return response.status_code, headers, bytes(response.body or b"")
        except (InvalidHandshake, InvalidProxy, InvalidURI, EOFError):
            raise Failure("broken", "The provider did not open a WebSocket.") from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, TimeoutError):
                raise failure_of(error) from None
            raise Failure("unreachable", "The provider could not be reached.") from None
        except Exception as error:
            raise failure_of(error) from None

    async def _opened(self, template: Template) -> ClientConnection:
        origin = template.origin
        if origin.proxy:
            if self._guard.refuses(origin.host):
                raise Failure("unreachable", "The provider's address may not be called.")
            return await self._dialled(template, proxy=origin.proxy)
        *others, last = await self._guard.addresses(origin.host, origin.port)
        for address in others:
            try:
                return await self._dialled(template, host=address, port=origin.port)
            except OSError:
                continue
        return await self._dialled(template, host=last, port=origin.port)

    async def _dialled(self, template: Template, **way: Any) -> ClientConnection:
        if template.origin.scheme == "https":
            way["ssl"] = self._sessions.context
        return await _Direct(
            "ws" + template.url.removeprefix("http"),
            additional_headers=[(name, value) for name, value in template.headers if name not in _UNSENT],
            user_agent_header=None,
            open_timeout=self._timeout,
            max_size=LARGEST_MESSAGE,
            max_queue=2,  # events that wait for their caller: large ones are large enough
            compression=None,
            logger=_quiet,
            **{"proxy": None, **way},
        )


_UNSENT = frozenset(("accept", "accept-encoding", "content-type"))


class _Direct(connect):
    """Follows nobody: the key is for the channel's own address."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc
