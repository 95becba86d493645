"""What vendors of OpenAI's format can do, by channel type; how they are called stands in relay/channels."""

from __future__ import annotations

_CHAT = frozenset({"chat"})
_EMBEDDINGS = _CHAT | {"embeddings"}
_COMPLETIONS = _CHAT | {"completions"}
_TEXTS = _COMPLETIONS | {"embeddings"}

VENDORS: dict[str, frozenset[str]] = {
    "azure": _TEXTS | {"images", "image_edits", "speech", "transcriptions", "translations", "realtime"},
    "deepseek": _CHAT,
    "moonshot": _CHAT,
    "qwen": _TEXTS,
    "zhipu": _EMBEDDINGS,
    "minimax": _CHAT,
    "doubao": _EMBEDDINGS | {"videos", "doubao"},
    "qianfan": _EMBEDDINGS,
    "hunyuan": _EMBEDDINGS,
    "siliconflow": _EMBEDDINGS | {"rerank"},
    "mistral": _EMBEDDINGS | {"moderations"},
    "xai": _CHAT,
    "groq": _CHAT,
    "cerebras": _COMPLETIONS,
    "together": _TEXTS | {"rerank"},
    "fireworks": _TEXTS | {"rerank"},
    "openrouter": _TEXTS,
    "perplexity": _CHAT,
    "nvidia": _TEXTS,
    "ollama": _TEXTS,
    "vllm": _TEXTS | {"rerank"},
    "llama-cpp": _TEXTS | {"rerank"},
    "lm-studio": _TEXTS,
}
