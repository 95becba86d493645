"""The table of ``docs/channels.md``, made of the catalogue; ``python -m tests.channels_table`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from openopen8.core.rules.routing import ENDPOINTS
from relay.channels import CATALOG, ChannelType
from relay.channels.quirks import Quirks

PAGE = Path(__file__).parent.parent / "docs" / "channels.md"
BEGIN, END = "<!-- the table of types: made of the catalogue -->\n", "<!-- end of the table -->\n"

_FORMATS = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Claude",
    "gemini": "Gemini",
}


_BY_MODEL = {
    "vertex": "Gemini, Claude, OpenAI chat: by the model",
    "bedrock": "Claude, Converse: by the model",
    "cohere": "Cohere",
    "ollama-native": "Ollama",
}


def table() -> str:
    """One line for each type."""
    head = "| provider | type | base URL | speaks | beside chat | left out, and reported |\n" + "| --- " * 6 + "|\n"
    return head + "".join(_line(row) for row in CATALOG)


def page() -> str:
    """The page with the table as it has to be."""
    text = PAGE.read_text()
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    return before + "\n" + table() + "\n" + after


def _line(row: ChannelType) -> str:
    label = f"[{row.label}]({row.page})" if row.page else row.label
    speaks = _BY_MODEL.get(row.name) or ", ".join(_FORMATS[name] for name in (row.format, *row.also))
    if "chat" not in ENDPOINTS[row.name]:
        speaks = "–"
    further = ", ".join(sorted(ENDPOINTS[row.name] - {"chat"})) or "–"
    changes = "; ".join(filter(None, map(_changes, row.quirks))) or "–"
    base = f"`{row.base_url}`" if row.base_url else "–"
    return f"| {label} | `{row.name}` | {base} | {speaks} | {further} | {changes} |\n"


def _changes(quirks: Quirks) -> str:
    names = sorted(quirks.refused) + [f"messages.{name}" for name in sorted(quirks.refused_of_messages)]
    parts = [", ".join(f"`{name}`" for name in names)] if names else []
    parts += [f"`{old}` is sent as `{new}`" for old, new in quirks.renamed.items()]
    text = "; ".join(parts)
    return f"{quirks.whose}: {text}" if quirks.whose and text else text


if __name__ == "__main__":
    PAGE.write_text(page())
