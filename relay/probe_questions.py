"""What a channel's model is asked when it is tested: chat, or what else models of such a name are for."""

from __future__ import annotations

import re
from typing import Any

from openopen8.core.rules.routing import ENDPOINTS

QUESTION = "Say hello in one short sentence."

_MAX_TOKENS = 32

_FOR = (("rerank", "/v1/rerank", re.compile("rerank")), ("embeddings", "/v1/embeddings", re.compile("embed|-clip")))
"""Endpoint, path, and what is in the names of models that know it alone."""

_FILMS = re.compile("^sora|seedance")


def path_for(type: str, model: str) -> str:
    """The path of the request that tests ``model``."""
    able = ENDPOINTS.get(type, frozenset({"chat"}))
    for endpoint, path, name in _FOR:
        if endpoint in able and (name.search(model) or ("chat" not in able and endpoint == "embeddings")):
            return path
    return "/v1/chat/completions"


def films(type: str, model: str) -> bool:
    """True where a test could only make a video: such a channel is asked for a task that is none."""
    able = ENDPOINTS.get(type, frozenset({"chat"}))
    return "videos" in able and ("chat" not in able or _FILMS.search(model) is not None)


def body_for(path: str, model: str, stream: bool) -> dict[str, Any]:
    """The body of that request."""
    if path == "/v1/rerank":
        return {"model": model, "query": QUESTION, "documents": ["Hello.", "Goodbye."]}
    if path == "/v1/embeddings":
        return {"model": model, "input": QUESTION}
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": model, "messages": messages, "max_tokens": _MAX_TOKENS, "stream": stream}
