"""What is no chat but is held, charged and logged as chat is; one kind of request a file."""

from relay.endpoints.completions import COMPLETIONS
from relay.endpoints.embeddings import EMBEDDINGS
from relay.endpoints.endpoint import Endpoint
from relay.endpoints.moderations import MODERATIONS

__all__ = ["COMPLETIONS", "EMBEDDINGS", "MODERATIONS", "Endpoint"]
