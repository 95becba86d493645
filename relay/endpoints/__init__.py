"""What is no chat but is held, charged and logged as chat is; one kind of request a file."""

from relay.endpoints.completions import COMPLETIONS
from relay.endpoints.counts import CLAUDE_COUNT, GEMINI_COUNT
from relay.endpoints.embeddings import EMBEDDINGS
from relay.endpoints.endpoint import Endpoint
from relay.endpoints.gemini_embeddings import GEMINI_EMBED, GEMINI_EMBED_BATCH
from relay.endpoints.moderations import MODERATIONS

__all__ = [
    "CLAUDE_COUNT",
    "COMPLETIONS",
    "EMBEDDINGS",
    "GEMINI_COUNT",
    "GEMINI_EMBED",
    "GEMINI_EMBED_BATCH",
    "MODERATIONS",
    "Endpoint",
]
