"""What is no chat but is held, charged and logged as chat is; one kind of request a file."""

from relay.endpoints.compact import COMPACT
from relay.endpoints.completions import COMPLETIONS
from relay.endpoints.counts import CLAUDE_COUNT, GEMINI_COUNT
from relay.endpoints.embeddings import EMBEDDINGS
from relay.endpoints.endpoint import Endpoint
from relay.endpoints.gemini_embeddings import GEMINI_EMBED, GEMINI_EMBED_BATCH
from relay.endpoints.images import IMAGE_EDITS, IMAGE_VARIATIONS, IMAGES
from relay.endpoints.moderations import MODERATIONS
from relay.endpoints.rerank import RERANK
from relay.endpoints.speech import SPEECH
from relay.endpoints.transcriptions import TRANSCRIPTIONS, TRANSLATIONS

__all__ = [
    "CLAUDE_COUNT",
    "COMPACT",
    "COMPLETIONS",
    "EMBEDDINGS",
    "GEMINI_COUNT",
    "GEMINI_EMBED",
    "GEMINI_EMBED_BATCH",
    "IMAGES",
    "IMAGE_EDITS",
    "IMAGE_VARIATIONS",
    "MODERATIONS",
    "RERANK",
    "SPEECH",
    "TRANSCRIPTIONS",
    "TRANSLATIONS",
    "Endpoint",
]
