"""Who we call: the catalogue of channel types, one row each."""

from __future__ import annotations

from relay.channels.channel_type import ChannelType, address

CATALOG: tuple[ChannelType, ...] = (
    ChannelType("openai", "OpenAI", base_url="https://api.openai.com/v1", key_needed=True),
    ChannelType("openai-compatible", "OpenAI-compatible"),
)

TYPES: dict[str, ChannelType] = {row.name: row for row in CATALOG}

__all__ = ["CATALOG", "TYPES", "ChannelType", "address"]
