"""Who we call: the catalogue of channel types, one row each."""

from __future__ import annotations

from relay.channels import auth
from relay.channels.azure import AZURE
from relay.channels.channel_type import ChannelType, address, filled
from relay.channels.clouds import CLOUDS
from relay.channels.ollama import OLLAMA
from relay.channels.vendors import LOCAL, VENDORS
from relay.channels.video import VIDEO

CATALOG: tuple[ChannelType, ...] = (
    ChannelType(
        "openai", "OpenAI", base_url="https://api.openai.com/v1", key_needed=True,
        also={"openai_responses": "/responses"},
    ),
    ChannelType("openai-compatible", "OpenAI-compatible"),
    ChannelType(
        "openai-responses", "OpenAI Responses only", "openai_responses", "https://api.openai.com/v1",
        paths={"chat": "/responses"},
    ),
    ChannelType(
        "anthropic", "Anthropic", "anthropic", "https://api.anthropic.com", key_needed=True,
        paths={"chat": "/messages", "count_tokens": "/messages/count_tokens"},
        models_path="/models?limit=1000", auth=auth.claude,
    ),
    ChannelType(
        "gemini", "Google Gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta", key_needed=True,
        paths={"chat": "/models/{model}:{verb}", "count_tokens": "/models/{model}:countTokens"},
        models_path="/models?pageSize=1000", models_at=("models", "name"),
        auth=auth.google, version="/v1beta",
    ),
    *AZURE,
    *VENDORS,
    *LOCAL,
    OLLAMA,
    *VIDEO,
    *CLOUDS,
)  # fmt: skip

TYPES: dict[str, ChannelType] = {row.name: row for row in CATALOG}

__all__ = ["CATALOG", "TYPES", "ChannelType", "address", "filled"]
