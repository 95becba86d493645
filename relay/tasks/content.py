"""A result on its way: bytes of the provider go to the caller as they come, in the parts that it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from openopen8.core.errors import Problem, not_found
from relay import verdict
from relay.caller import Caller, Gone, Pairs
from relay.formats.vendor import message_of
from relay.gate import Gate
from relay.tasks.errands import read
from relay.tasks.place import Place
from relay.tasks.vendor import Errand
from relay.upstream import Answer, Failure, Outgoing, Template

ASKED = ("range", "if-range", "if-none-match", "if-modified-since")
"""Headers of the caller that the provider hears."""
TOLD = (
    "content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified", "content-disposition"
)  # fmt: skip
"""Headers of the provider that the caller sees."""
MEDIA = ("video/", "audio/", "image/jpeg", "image/png", "image/webp", "image/gif")
REDIRECTS = 3


class Pipe:
    """From an answer to a caller; see ``Sink``."""

    def __init__(self, answer: Answer, caller: Caller) -> None:
        self.over: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._caller = caller
        caller.on_slow = self._slow
        caller.attend(self._left)
        answer.flow(self)

    def data(self, data: bytes) -> None:
        self._caller.write(data)

    def end(self, failure: Failure | None) -> None:
        if not self.over.done():
            self.over.set_result(failure)

    def _slow(self, slow: bool) -> None:
        if slow:
            self._answer.pause()
        else:
            self._answer.resume()

    def _left(self) -> None:
        if not self.over.done():
            self.over.set_exception(Gone())


async def deliver(gate: Gate, caller: Caller, place: Place, errand: Errand, headers: Mapping[bytes, bytes]) -> None:
    """Send the result on. Raises a Problem as long as nothing was sent, then Gone."""
    try:
        answer = await _found(gate, place, place.sent(errand), _asked(headers))
    except Failure as failure:
        raise verdict.problem_of(failure) from None
    try:
        if answer.status not in (200, 206, 304, 416):
            raise await _refused(answer)
        caller.start(answer.status, _told(answer))
        if answer.status == 304:
            return caller.finish()
        broken = await Pipe(answer, caller).over
        if broken is None:  # else the connection is cut: what came must not look whole
            caller.finish()
    finally:
        caller.on_slow = None
        caller.attend(None)
        answer.close()


async def _refused(answer: Answer) -> Problem:
    """What the caller hears instead of the result."""
    if answer.status in (404, 410):
        return not_found("The content")
    if answer.status != 400:
        return verdict.problem_of(Failure("status", "", answer.status))
    try:  # not every file may be read again
        return Problem(400, "invalid_request", message_of(await read(answer)) or "The provider refuses it.")
    except Failure as failure:
        return verdict.problem_of(failure)


async def _found(gate: Gate, place: Place, errand: Outgoing, asked: dict[str, str]) -> Answer:
    """The answer, after redirects: those are followed without any key.

    What a provider names may lead anywhere: into our own network only where the channel itself is.
    """
    template = errand.template
    headers = {**dict(template.headers), "accept": "*/*", **asked}
    origin = template.origin
    url = template.url
    for _ in range(REDIRECTS + 1):
        made = Template.make(url, headers, "GET", origin.proxy, origin.http2)
        answer = await (gate.upstream if place.holds(made.url) else gate.abroad).send(Outgoing(made))
        where = answer.headers.get("location", "")
        if answer.status not in (301, 302, 303, 307, 308) or not where.startswith(("http://", "https://")):
            return answer
        answer.close()
        url, headers = where, {"accept": "*/*", **asked}
    raise Failure("broken", "The provider sends from one address to the next.")


def _asked(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    found = {name: headers.get(name.encode(), b"").decode("latin-1") for name in ASKED}
    return {name: value for name, value in found.items() if value and len(value) < 200}


def _told(answer: Answer) -> Pairs:
    found = {name: value for name in TOLD if (value := answer.headers.get(name)) and len(value) < 300}
    if not found.get("content-type", "").startswith(MEDIA):
        found["content-type"] = "application/octet-stream"  # a page of a provider's must not open as one of ours
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in found.items() if value.isprintable()]
    return [*pairs, (b"x-content-type-options", b"nosniff")]
