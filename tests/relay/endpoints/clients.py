"""The vendors' official clients in front of a relay."""

from __future__ import annotations

import httpx2
import openai

from tests.relay.house import House


def openai_client(house: House) -> openai.AsyncOpenAI:
    """OpenAI's own client with the house's token; nothing is retried behind the test's back."""
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=house.relay))
    return openai.AsyncOpenAI(api_key=house.key, base_url="http://gateway/v1", http_client=http, max_retries=0)
