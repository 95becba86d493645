"""The vendors' official clients in front of a relay."""

from __future__ import annotations

import anthropic
import httpx
import httpx2
import openai
from google import genai
from google.genai.types import HttpOptions

from tests.relay.house import House


def openai_client(house: House) -> openai.AsyncOpenAI:
    """OpenAI's own client with the house's token; nothing is retried behind the test's back."""
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=house.relay))
    return openai.AsyncOpenAI(api_key=house.key, base_url="http://gateway/v1", http_client=http, max_retries=0)


def claude_client(house: House) -> anthropic.AsyncAnthropic:
    """Anthropic's own client."""
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=house.relay))
    return anthropic.AsyncAnthropic(api_key=house.key, base_url="http://gateway", http_client=http, max_retries=0)


def google_client(house: House) -> genai.Client:
    """Google's own client."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=house.relay))
    options = HttpOptions(base_url="http://gateway", httpx_async_client=http)
    return genai.Client(api_key=house.key, http_options=options)
