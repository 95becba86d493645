"""OpenAI Responses: ``POST /v1/responses``."""

from relay.formats.format import Format
from relay.formats.openai_errors import render_error
from relay.formats.openai_responses.glance import glance
from relay.formats.openai_responses.passthrough import ResponsesTap, patch_request, patch_response
from relay.formats.openai_responses.reader import ResponsesReader
from relay.formats.openai_responses.request import parse_request, render_request
from relay.formats.openai_responses.response import parse_response, render_response
from relay.formats.openai_responses.suffix import patch_reasoning
from relay.formats.openai_responses.survey import survey
from relay.formats.openai_responses.writer import ResponsesWriter
from relay.formats.vendor import parse_error

FORMAT = Format(
    name="openai_responses",
    glance=glance,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    reader=ResponsesReader,
    writer=ResponsesWriter,
    render_error=render_error,
    parse_error=parse_error,
    patch_request=patch_request,
    patch_response=patch_response,
    survey=survey,
    tap=ResponsesTap,
    patch_reasoning=patch_reasoning,
)
