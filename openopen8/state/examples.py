"""Ready calls for a token: curl, Python, JavaScript, Claude, Gemini, for this gateway's own address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from openopen8.core.services.options import public
from openopen8.core.tools import Tools

NO_VALUE = "sk-…"
NO_MODEL = "gpt-4o"


@dataclass(frozen=True)
class Example:
    """One ready call."""

    key: str = ""
    title: str = ""
    code: str = ""


def base_url(tools: Tools, state: Any) -> str:
    """Where programs reach the gateway: as the admin set it, else as the caller's browser does."""
    public_url = public(tools).public_url
    return (public_url or state.router.url.origin or "").rstrip("/")


def examples(base: str, value: str, model: str) -> list[Example]:
    """The calls, with quotes and backslashes of ``model`` kept harmless."""
    name = json.dumps(model, ensure_ascii=False)
    return [
        Example("curl", "curl", _curl(base, value, name)),
        Example("python", "Python", _python(base, value, name)),
        Example("javascript", "JavaScript", _javascript(base, value, name)),
        Example("claude", "Claude", _claude(base, value, name)),
        Example("gemini", "Gemini", _gemini(base, value, name)),
    ]


def _curl(base: str, value: str, model: str) -> str:
    shell = model.replace("'", "'\\''")
    return f"""curl {base}/v1/chat/completions \\
  -H "Authorization: Bearer {value}" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "model": {shell},
    "messages": [{{"role": "user", "content": "Hello"}}]
  }}'"""


def _python(base: str, value: str, model: str) -> str:
    return f"""from openai import OpenAI

client = OpenAI(base_url="{base}/v1", api_key="{value}")
answer = client.chat.completions.create(
    model={model},
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)"""


def _javascript(base: str, value: str, model: str) -> str:
    return f"""import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{base}/v1", apiKey: "{value}" }});
const answer = await client.chat.completions.create({{
  model: {model},
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.choices[0].message.content);"""


def _claude(base: str, value: str, model: str) -> str:
    return f"""from anthropic import Anthropic

client = Anthropic(base_url="{base}", api_key="{value}")
answer = client.messages.create(
    model={model},
    max_tokens=1024,
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.content[0].text)"""


def _gemini(base: str, value: str, model: str) -> str:
    return f"""from google import genai

client = genai.Client(api_key="{value}", http_options={{"base_url": "{base}"}})
answer = client.models.generate_content(model={model}, contents="Hello")
print(answer.text)"""
