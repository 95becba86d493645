"""Gemini: ``POST /v1beta/models/{model}:generateContent`` and ``:streamGenerateContent``."""

from relay.formats.format import Format
from relay.formats.gemini.errors import render_error
from relay.formats.gemini.glance import glance
from relay.formats.gemini.passthrough import ArrayTap, ContentTap, patch_request, patch_response
from relay.formats.gemini.reader import ContentReader
from relay.formats.gemini.request import parse_request, render_request
from relay.formats.gemini.response import parse_response, render_response
from relay.formats.gemini.suffix import patch_reasoning
from relay.formats.gemini.survey import survey
from relay.formats.gemini.writer import ContentWriter
from relay.formats.vendor import parse_error

FORMAT = Format(
    name="gemini",
    glance=glance,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    reader=ContentReader,
    writer=ContentWriter,
    render_error=render_error,
    parse_error=parse_error,
    patch_request=patch_request,
    patch_response=patch_response,
    survey=survey,
    tap=ContentTap,
    array_tap=ArrayTap,
    patch_reasoning=patch_reasoning,
)
