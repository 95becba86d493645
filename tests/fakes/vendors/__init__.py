"""Providers that check requests as strictly as the real ones do, and play one small conversation.

Asked with a tool and no result yet they think and call it; else they say ``Hello!``. What they think is signed, and
what comes back without its signature, or with another one, is refused.
"""

from tests.fakes.vendors.chat import chat
from tests.fakes.vendors.claude import claude, claude_models
from tests.fakes.vendors.gemini import gemini, gemini_models
from tests.fakes.vendors.play import ANSWER, LONG, MODELS, SHAPED, Play
from tests.fakes.vendors.responses import responses

VENDORS = {"openai-compatible": chat, "openai-responses": responses, "anthropic": claude, "gemini": gemini}
"""Channel type → its provider."""

__all__ = [
    "ANSWER",
    "LONG",
    "MODELS",
    "SHAPED",
    "VENDORS",
    "Play",
    "chat",
    "claude",
    "claude_models",
    "gemini",
    "gemini_models",
    "responses",
]
