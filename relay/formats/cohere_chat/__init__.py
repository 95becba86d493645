"""Cohere's Chat v2; only channels speak it, no callers."""

from relay.formats.cohere_chat.reader import CohereReader
from relay.formats.cohere_chat.request import render_request
from relay.formats.cohere_chat.response import parse_response
from relay.formats.upstream_only import upstream_only
from relay.formats.vendor import parse_error

FORMAT = upstream_only("cohere_chat", render_request, parse_response, CohereReader, parse_error)
