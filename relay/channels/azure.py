"""Azure OpenAI: the v1 API, and the older one with a date, where the path names the deployment.

Source: https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle
"""

from __future__ import annotations

import re

from relay.channels import auth
from relay.channels.channel_type import ChannelType

_BELOW = re.compile(r"(/openai(/v1|/deployments(/.*)?|/responses)?)?/*$")
"""What people copy along with the address of their resource."""

_DEPLOYMENT = re.compile(r"^/deployments/[^/]+")


def place(base_url: str, path: str, version: str) -> str:
    """The URL of ``path``. A base URL with an ``api-version`` means the API of that date, one without it v1.

    Responses and Realtime are always asked for at v1: every resource has it, and the dates differ in what they know.
    """
    base, _, query = base_url.partition("?")
    root = _BELOW.sub("", base) + "/openai"
    if query and (path == "/models" or _DEPLOYMENT.match(path)):
        return f"{root}{path}?{query}"
    return root + version + _DEPLOYMENT.sub("", path)


AZURE: tuple[ChannelType, ...] = (
    ChannelType(
        "azure", "Azure OpenAI", base_url="https://YOUR-RESOURCE.openai.azure.com/openai/v1", key_needed=True,
        paths={
            "chat": "/deployments/{model}/chat/completions",
            "completions": "/deployments/{model}/completions",
            "embeddings": "/deployments/{model}/embeddings",
            "images": "/deployments/{model}/images/generations",
            "image_edits": "/deployments/{model}/images/edits",
            "speech": "/deployments/{model}/audio/speech",
            "transcriptions": "/deployments/{model}/audio/transcriptions",
            "translations": "/deployments/{model}/audio/translations",
        },
        also={"openai_responses": "/responses"}, auth=auth.azure, place=place,
        page="https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle",
    ),
)  # fmt: skip
"""Models are deployments: a channel's model mapping leads from a model's public name to its deployment's."""
