"""Wire formats of chat, each ignorant of the others; ``FORMATS`` is the whole list."""

from relay.formats import anthropic, gemini, openai_chat, openai_responses
from relay.formats.format import Format

FORMATS: dict[str, Format] = {
    "openai_chat": openai_chat.FORMAT,
    "openai_responses": openai_responses.FORMAT,
    "anthropic": anthropic.FORMAT,
    "gemini": gemini.FORMAT,
}
