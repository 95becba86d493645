"""Azure OpenAI: a key in its own header, deployments in the path (with a date) or in the body (v1).

Source: https://learn.microsoft.com/azure/foundry/openai/reference
"""

from __future__ import annotations

from tests.fakes.exchange import Exchange, Received, Script
from tests.fakes.vendors.chat import chat
from tests.fakes.vendors.play import KEY, Refused, dumped, listing, need, only, playing
from tests.fakes.vendors.responses import responses

DATE = "api-version=2024-10-21"
DEPLOYMENT = "some-model"
V1, DATED = "/openai/v1", f"/openai/deployments/{DEPLOYMENT}"


def azure(dated: bool) -> Script:
    """A resource with one deployment, as the v1 API or the one with a date shows it."""
    chatting = chat(f"{DATED}/chat/completions?{DATE}" if dated else f"{V1}/chat/completions", header="api-key")
    embeddings = f"{DATED}/embeddings?{DATE}" if dated else f"{V1}/embeddings"

    async def script(exchange: Exchange) -> None:
        path = exchange.received.path
        if "/responses" in path:
            await responses(f"{V1}/responses", header="api-key")(exchange)
        elif "/embeddings" in path:
            await playing(lambda received: _embedded(received, embeddings), _refusal)(exchange)
        else:
            await chatting(exchange)

    return script


def azure_models() -> Script:
    """The list of models."""
    return listing({"object": "list", "data": [{"id": "gpt-5"}, {"id": "gpt-4o"}]}, _check_head)


def _check_head(received: Received) -> None:
    need(received.headers.get("api-key") == KEY and "authorization" not in received.headers, "Access denied", 401)


def _embedded(received: Received, path: str) -> tuple[bool, list[bytes]]:
    _check_head(received)
    need(received.path == path, f"Resource not found: {received.path}", 404)
    only(received.json, "encoding_format dimensions user", "body", "model input")
    need(received.json["model"] == DEPLOYMENT, "DeploymentNotFound", 404)
    data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
    usage = {"prompt_tokens": 1000, "total_tokens": 1000}
    return False, dumped({"object": "list", "model": DEPLOYMENT, "data": data, "usage": usage})


def _refusal(refused: Refused) -> object:
    return {"error": {"code": str(refused.status), "message": str(refused)}}
