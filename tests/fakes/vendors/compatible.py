"""The vendors that speak OpenAI's chat format: where each lives, and what each refuses that OpenAI takes.

Written from the vendors' own pages (see ``relay/channels/vendors.py``), not from the catalogue that it is to check.
"""

from __future__ import annotations

from tests.fakes.exchange import Exchange, Script
from tests.fakes.vendors.chat import chat
from tests.fakes.vendors.claude import claude
from tests.fakes.vendors.responses import responses

ADDRESSES = {
    "deepseek": "https://api.deepseek.com/v1/chat/completions",
    "moonshot": "https://api.moonshot.ai/v1/chat/completions",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
    "zhipu": "https://open.bigmodel.cn/api/paas/v4/chat/completions",
    "minimax": "https://api.minimax.io/v1/chat/completions",
    "doubao": "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
    "qianfan": "https://qianfan.baidubce.com/v2/chat/completions",
    "hunyuan": "https://api.hunyuan.cloud.tencent.com/v1/chat/completions",
    "siliconflow": "https://api.siliconflow.cn/v1/chat/completions",
    "mistral": "https://api.mistral.ai/v1/chat/completions",
    "xai": "https://api.x.ai/v1/chat/completions",
    "groq": "https://api.groq.com/openai/v1/chat/completions",
    "cerebras": "https://api.cerebras.ai/v1/chat/completions",
    "together": "https://api.together.xyz/v1/chat/completions",
    "fireworks": "https://api.fireworks.ai/inference/v1/chat/completions",
    "openrouter": "https://openrouter.ai/api/v1/chat/completions",
    "perplexity": "https://api.perplexity.ai/v1/responses",
    "nvidia": "https://integrate.api.nvidia.com/v1/chat/completions",
    "ollama": "http://localhost:11434/v1/chat/completions",
    "vllm": "http://localhost:8000/v1/chat/completions",
    "llama-cpp": "http://localhost:8080/v1/chat/completions",
    "lm-studio": "http://localhost:1234/v1/chat/completions",
}

MESSAGES = {
    "deepseek": "https://api.deepseek.com/anthropic/v1/messages",
    "moonshot": "https://api.moonshot.ai/anthropic/v1/messages",
    "zhipu": "https://open.bigmodel.cn/api/anthropic/v1/messages",
    "minimax": "https://api.minimax.io/anthropic/v1/messages",
    "openrouter": "https://openrouter.ai/api/v1/messages",
}
"""Those whom Claude's clients may call directly."""

_NOT_MISTRALS = """logit_bias logprobs top_logprobs user store service_tier stream_options seed max_completion_tokens
    messages.developer messages.name messages.reasoning_content messages.reasoning_details messages.refusal
    messages.audio"""

REFUSES = {
    "mistral": _NOT_MISTRALS,
    "groq": "logprobs logit_bias top_logprobs messages.name",
    "cerebras": "frequency_penalty presence_penalty logit_bias",
    "deepseek": "messages.developer",
}
_OPEN = ("moonshot", "qwen", "zhipu", "minimax", "doubao", "qianfan", "hunyuan", "siliconflow", "ollama", "vllm",
         "llama-cpp", "lm-studio")  # fmt: skip


def path_of(address: str) -> str:
    return "/" + address.split("/", 3)[3]


def compatible(name: str) -> Script:
    """One vendor."""
    path = path_of(ADDRESSES[name])
    if path.endswith("/responses"):
        return responses(path)
    refuses = REFUSES.get(name, "messages.developer" if name in _OPEN else "").split()
    knows = ("random_seed",) if name == "mistral" else ()
    return chat(path, refuses, name != "mistral", knows, counts_in_choice=name == "moonshot")


def all_of_them() -> Script:
    """Each where the header ``x-vendor`` names it, in the format that its path tells."""

    async def script(exchange: Exchange) -> None:
        name, path = exchange.received.headers["x-vendor"], exchange.received.path
        if path.endswith("/messages"):
            await claude(path_of(MESSAGES[name]), bearer=True)(exchange)
        elif path.endswith("/responses"):
            await responses()(exchange)
        else:
            await compatible(name)(exchange)

    return script
