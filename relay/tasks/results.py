"""Reads the results of a batch as they come, one answer a line, and adds up what they used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from openopen8.core.rules.pricing import NOTHING, Counts, Price, Receipt, price_of, together
from relay.endpoints.answers import input_usage
from relay.formats.anthropic.usage import parse_usage as claude_usage
from relay.formats.gemini.usage import parse_usage as gemini_usage
from relay.formats.openai_chat.usage import parse_usage as chat_usage
from relay.formats.openai_responses.usage import parse_usage as responses_usage
from relay.formats.vendor import loads
from relay.neutral import Usage
from relay.upstream import Answer, Failure

BATCH = "batch"
"""The service tier of a batch, for prices that name a factor for it."""
LONGEST_LINE = 16 * 1024 * 1024

_USAGES: dict[str, Callable[[dict[str, Any]], Usage | None]] = {
    "/v1/chat/completions": lambda body: chat_usage(body.get("usage")),
    "/v1/completions": lambda body: chat_usage(body.get("usage")),
    "/v1/responses": responses_usage,
    "/v1/embeddings": lambda body: input_usage(body.get("usage")),
    "/v1/messages": lambda body: claude_usage(body.get("usage")),
    "/v1beta/models/{model}:generateContent": lambda body: gemini_usage(body.get("usageMetadata")),
}


@dataclass(slots=True)
class Results:
    """Listens to a file of results; see ``Sink``."""

    url: str
    price: Price
    ratio: Decimal
    over: asyncio.Future[Failure | None]
    answered: int = 0
    """Requests that the provider has answered, whatever the answer says of its usage."""
    uncounted: int = 0
    """Answers without usage: they are not charged, and the log says how many they are."""
    receipts: list[Receipt] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    _rest: bytes = b""

    def data(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LONGEST_LINE:
            self.end(Failure("broken", "A line of the results is too long."))

    def end(self, failure: Failure | None) -> None:
        if self.over.done():
            return
        self._line(self._rest)
        self.over.set_result(failure)

    def receipt(self) -> Receipt:
        """What all of it costs."""
        return together(self.receipts, self.price, self.ratio)

    def total(self) -> Counts:
        names = Counts.__struct_fields__
        return Counts(**{name: sum(getattr(counts, name) for counts in self.counts) for name in names})

    def _line(self, line: bytes) -> None:
        body = _body(line)
        if body is not None:
            self.add(body)

    def add(self, body: dict[str, Any]) -> None:
        """One answer."""
        self.answered += 1
        usage = _USAGES[self.url](body)
        if usage is None:
            self.uncounted += 1
        if usage is not None or self.price.per_call is not None:
            counts = usage.counts if usage is not None else Counts()
            further = usage.further if usage is not None else NOTHING
            self.counts.append(counts)
            self.receipts.append(price_of(counts, self.price, self.ratio, further=further, tier=BATCH))


def _body(line: bytes) -> dict[str, Any] | None:
    """The body of a good answer."""
    try:
        row = loads(line) if line.strip() else None
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    response, result, body = row.get("response"), row.get("result"), None
    if isinstance(response, dict) and response.get("status_code") == 200:
        body = response.get("body")
    elif isinstance(result, dict) and result.get("type") == "succeeded":  # Claude's
        body = result.get("message")
    return body if isinstance(body, dict) else None


async def read(answer: Answer, url: str, price: Price, ratio: Decimal) -> Results:
    """The whole file, added up. Raises Failure."""
    results = Results(url, price, ratio, asyncio.get_running_loop().create_future())
    answer.flow(results)
    failure = await results.over
    if failure is not None:
        raise failure
    return results
