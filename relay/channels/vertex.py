"""Google Vertex AI: models of Google, Anthropic and others, by project and region.

Sources: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference (Gemini),
…/docs/partner-models/claude/use-claude (``rawPredict``), …/docs/maas/call-open-models-apis (open models),
…/docs/start/express-mode/vertex-ai-express-mode-api-reference (API keys)
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from relay.channels import auth
from relay.channels.channel_type import ChannelType
from relay.channels.dialect import Dialect, claude_in_a_cloud, without
from relay.channels.vertex_vectors import PREDICT, embed
from relay.formats import FORMATS
from relay.signing.google import account_of, is_account, with_token
from relay.upstream import Failure

_VERSION = re.compile(r"/v\d[a-z0-9]*$")

_REGION = re.compile(
    r"([a-z]+(?:-[a-z]+)*\d*)-aiplatform\.googleapis\.com$|aiplatform\.([a-z]+)\.rep\.googleapis\.com$"
)

_PLACED = re.compile(r"/projects/\{project\}/locations/[a-z0-9-]+")

_CLAUDE = "/publishers/anthropic/models/{model}:"

_GOOGLE = "/publishers/google/models/{model}:{verb}"

_GEMINI = Dialect(FORMATS["gemini"], _GOOGLE, _GOOGLE, without("store"))

_ANTHROPIC = Dialect(
    FORMATS["anthropic"],
    _CLAUDE + "rawPredict",
    _CLAUDE + "streamRawPredict",
    claude_in_a_cloud("vertex-2023-10-16", ("model",), beta=False),
)

_OPEN = Dialect(FORMATS["openai_chat"], "/endpoints/openapi/chat/completions", "/endpoints/openapi/chat/completions")

_LIST = "/v1beta1/publishers/google/models?pageSize=300"
"""Known to no other version of the API, and to no project."""


def dialect_of(model: str) -> Dialect:
    """By the model's name: Claude's, open models as ``publisher/model``, all others Google's own."""
    if model.startswith("claude-"):
        return _ANTHROPIC
    return _OPEN if "/" in model.removeprefix("models/") else _GEMINI


def placed(base_url: str, path: str, version: str) -> str:
    """The URL of ``path``: the region is in the host's name, or written out in the base URL."""
    base = base_url.rstrip("/")
    parts = urlsplit(base)
    if path == _LIST:
        return f"{parts.scheme}://{parts.netloc}{path}"
    if "/publishers/" in base or "/endpoints/" in base:
        base = re.split("/publishers/|/endpoints/", base)[0]
    if "/locations/" in base:
        return base + path
    base = base if _VERSION.search(base) else base + version
    return f"{base}/projects/{{project}}/locations/{region_of(parts.hostname or '')}{path}"


def region_of(host: str) -> str:
    """The region that a host serves; ``global`` where its name tells none."""
    found = _REGION.search(host)
    return (found[1] or found[2]) if found else "global"


def located(url: str, key: str) -> str:
    """The project is that of the key; API keys (express mode) know their project, and need none. Raises Failure."""
    if "{project}" not in url:
        return url
    if not is_account(key):
        return _PLACED.sub("", url)
    account = account_of(key)
    project = account.project_id or account.quota_project_id
    if not project:
        raise Failure("key", "The Google credentials name no project: write it into the base URL.")
    return url.replace("{project}", quote(project, safe=":"))


def shown(key: str) -> dict[str, str]:
    """API keys in their header; tokens are fetched for all others."""
    return {} if is_account(key) else auth.google(key)


VERTEX = ChannelType(
    "vertex", "Google Vertex AI", "gemini", "https://aiplatform.googleapis.com", key_needed=True,
    paths={"chat": _GEMINI.whole, "embeddings": PREDICT}, bridges={"embeddings": embed},
    models_path=_LIST, models_at=("publisherModels", "name"),
    auth=shown, place=placed, dialect=dialect_of, located=located, sign=with_token,
)  # fmt: skip
