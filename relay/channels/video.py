"""Channel types that make videos."""

from __future__ import annotations

from relay.channels.channel_type import ChannelType

VIDEO: tuple[ChannelType, ...] = (
    ChannelType("sora", "OpenAI Sora", base_url="https://api.openai.com/v1", key_needed=True),
    ChannelType("kling", "Kling", base_url="https://api-singapore.klingai.com", key_needed=True),
    ChannelType("jimeng", "Jimeng", base_url="https://visual.volcengineapi.com", key_needed=True, version=""),
    ChannelType("vidu", "Vidu", base_url="https://api.vidu.com/ent/v2", key_needed=True, version="/ent/v2"),
)  # fmt: skip
"""They do nothing but their tasks: see ``relay.tasks``."""
