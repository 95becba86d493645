"""Vendors that speak OpenAI's chat format, as data: address, what they refuse, what else they speak.

``page`` is where the vendor says what stands here. Base URLs without a version get the row's own.
"""

from __future__ import annotations

import re

from relay.channels import auth
from relay.channels.channel_type import ChannelType
from relay.channels.quirks import Quirks

OPEN = Quirks(developers=False)
"""``developer`` is OpenAI's own word for ``system``; the chat templates of open models know only the latter."""

_CLAUDE = {"anthropic": "//anthropic/v1/messages"}
"""Where most put the endpoint that Claude's clients are pointed to."""

_MISTRAL = Quirks(
    refused=frozenset({
        "logit_bias", "logprobs", "top_logprobs", "user", "store", "service_tier", "verbosity", "prompt_cache_key",
        "prompt_cache_retention", "safety_identifier",
    }),
    renamed={"seed": "random_seed", "max_completion_tokens": "max_tokens"},
    needless=frozenset({"stream_options"}),  # its streams end with the counts in any case
    refused_of_messages=frozenset({
        "name", "reasoning_content", "reasoning", "reasoning_details", "refusal", "audio", "function_call",
        "annotations",
    }),
    developers=False,
)  # fmt: skip
"""Mistral takes no field that it does not know, not even in messages:
https://github.com/mistralai/platform-docs-public/issues/7, https://github.com/charmbracelet/crush/issues/1590"""

_GROQ = Quirks(
    refused=frozenset({"logprobs", "logit_bias", "top_logprobs"}),
    refused_of_messages=frozenset({"name"}),
)

_CEREBRAS = Quirks(refused=frozenset({"frequency_penalty", "logit_bias", "presence_penalty"}))

_XAI = Quirks(
    refused=frozenset({"presence_penalty", "frequency_penalty"}),
    models=re.compile(r"^grok-(?!.*non-reasoning)(3-mini|code|[4-9])"),
    whose="models that reason",
)
"""Of the models that reason. They refuse ``stop``, too; without it the answer would be another, so xAI may say so."""

_KIMI = Quirks(
    refused=frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"}),
    models=re.compile(r"^kimi-k(2\.[5-9]|[3-9])"),
    whose="Kimi from K2.5 on",
)
"""Their sampling is fixed; another value is an error."""

VENDORS: tuple[ChannelType, ...] = (
    ChannelType(
        "deepseek", "DeepSeek", base_url="https://api.deepseek.com/v1", key_needed=True,
        also=_CLAUDE, auth=auth.either, quirks=(OPEN,), page="https://api-docs.deepseek.com/guides/anthropic_api",
    ),
    ChannelType(
        "moonshot", "Moonshot (Kimi)", base_url="https://api.moonshot.ai/v1", key_needed=True,
        also=_CLAUDE, auth=auth.either, quirks=(OPEN, _KIMI), page="https://platform.kimi.ai/docs/api/models-overview",
    ),
    ChannelType(
        "qwen", "Qwen (Alibaba Model Studio)", base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
        key_needed=True, version="/compatible-mode/v1", quirks=(OPEN,),
        page="https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope",
    ),
    ChannelType(
        "zhipu", "Zhipu (GLM)", base_url="https://open.bigmodel.cn/api/paas/v4", key_needed=True,
        version="/api/paas/v4", also={"anthropic": "//api/anthropic/v1/messages"}, auth=auth.either, quirks=(OPEN,),
        page="https://docs.z.ai/guides/develop/openai/python",
    ),
    ChannelType(
        "minimax", "MiniMax", base_url="https://api.minimax.io/v1", key_needed=True,
        also=_CLAUDE, auth=auth.either, quirks=(OPEN,),
        page="https://platform.minimax.io/docs/api-reference/text-anthropic-api",
    ),
    ChannelType(
        "doubao", "Doubao (Volcengine Ark)", base_url="https://ark.cn-beijing.volces.com/api/v3", key_needed=True,
        version="/api/v3", quirks=(OPEN,), page="https://www.volcengine.com/docs/82379/1263482",
    ),
    ChannelType(
        "qianfan", "Baidu Qianfan", base_url="https://qianfan.baidubce.com/v2", key_needed=True,
        version="/v2", quirks=(OPEN,), page="https://cloud.baidu.com/doc/qianfan/s/qmh4sv5vi",
    ),
    ChannelType(
        "hunyuan", "Tencent Hunyuan", base_url="https://api.hunyuan.cloud.tencent.com/v1", key_needed=True,
        quirks=(OPEN,), page="https://cloud.tencent.com/document/product/1729/111007",
    ),
    ChannelType(
        "siliconflow", "SiliconFlow", base_url="https://api.siliconflow.cn/v1", key_needed=True, quirks=(OPEN,),
        page="https://docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions",
    ),
    ChannelType(
        "mistral", "Mistral", base_url="https://api.mistral.ai/v1", key_needed=True, quirks=(_MISTRAL,),
        page="https://docs.mistral.ai/api",
    ),
    ChannelType(
        "xai", "xAI (Grok)", base_url="https://api.x.ai/v1", key_needed=True,
        also={"openai_responses": "/responses"}, quirks=(_XAI,), page="https://docs.x.ai/docs/guides/reasoning",
    ),
    ChannelType(
        "groq", "Groq", base_url="https://api.groq.com/openai/v1", key_needed=True, version="/openai/v1",
        quirks=(_GROQ,), page="https://console.groq.com/docs/openai",
    ),
    ChannelType(
        "cerebras", "Cerebras", base_url="https://api.cerebras.ai/v1", key_needed=True, quirks=(_CEREBRAS,),
        page="https://inference-docs.cerebras.ai/resources/openai",
    ),
    ChannelType(
        "together", "Together AI", base_url="https://api.together.xyz/v1", key_needed=True,
        page="https://docs.together.ai/docs/openai-api-compatibility",
    ),
    ChannelType(
        "fireworks", "Fireworks AI", base_url="https://api.fireworks.ai/inference/v1", key_needed=True,
        version="/inference/v1", page="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    ),
    ChannelType(
        "openrouter", "OpenRouter", base_url="https://openrouter.ai/api/v1", key_needed=True, version="/api/v1",
        also={"anthropic": "/messages"}, auth=auth.either, page="https://openrouter.ai/docs/api-reference/overview",
    ),
    # Its chat completions ended in September 2026; what replaced them speaks the Responses format.
    ChannelType(
        "perplexity", "Perplexity", "openai_responses", "https://api.perplexity.ai/v1", key_needed=True,
        paths={"chat": "/responses"}, page="https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview",
    ),
    ChannelType(
        "nvidia", "NVIDIA NIM", base_url="https://integrate.api.nvidia.com/v1", key_needed=True,
        page="https://docs.api.nvidia.com/nim/reference/llm-apis",
    ),
)  # fmt: skip

LOCAL: tuple[ChannelType, ...] = (
    # OpenAI's format has no place for the size of the context: the type `ollama-native` speaks Ollama's own.
    ChannelType(
        "ollama", "Ollama", base_url="http://localhost:11434/v1", quirks=(OPEN,),
        page="https://docs.ollama.com/api/openai-compatibility",
    ),
    ChannelType(
        "vllm", "vLLM", base_url="http://localhost:8000/v1", quirks=(OPEN,),
        page="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    ChannelType(
        "llama-cpp", "llama.cpp", base_url="http://localhost:8080/v1", quirks=(OPEN,),
        page="https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    ),
    ChannelType(
        "lm-studio", "LM Studio", base_url="http://localhost:1234/v1", quirks=(OPEN,),
        page="https://lmstudio.ai/docs/developer/openai-compat",
    ),
)  # fmt: skip
"""Servers that people run themselves."""
