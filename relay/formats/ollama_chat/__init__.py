"""Ollama's own chat; only channels speak it, no callers."""

from relay.formats.ollama_chat.reader import OllamaReader
from relay.formats.ollama_chat.request import render_request
from relay.formats.ollama_chat.response import parse_response
from relay.formats.upstream_only import upstream_only
from relay.formats.vendor import parse_error

FORMAT = upstream_only("ollama_chat", render_request, parse_response, OllamaReader, parse_error)
