"""Channel types that make videos."""

from __future__ import annotations

from relay.channels.channel_type import ChannelType

VIDEO: tuple[ChannelType, ...] = (
    ChannelType("sora", "OpenAI Sora", base_url="https://api.openai.com/v1", key_needed=True),
)
"""They do nothing but their tasks: see ``relay.tasks``."""
