"""Claude Messages: ``POST /v1/messages``."""

from relay.formats.anthropic.errors import render_error
from relay.formats.anthropic.glance import glance
from relay.formats.anthropic.passthrough import MessageTap, patch_request, patch_response
from relay.formats.anthropic.reader import MessageReader
from relay.formats.anthropic.request import parse_request, render_request
from relay.formats.anthropic.response import parse_response, render_response
from relay.formats.anthropic.suffix import patch_reasoning
from relay.formats.anthropic.survey import survey
from relay.formats.anthropic.writer import MessageWriter
from relay.formats.format import Format
from relay.formats.vendor import parse_error

FORMAT = Format(
    name="anthropic",
    glance=glance,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    reader=MessageReader,
    writer=MessageWriter,
    render_error=render_error,
    parse_error=parse_error,
    patch_request=patch_request,
    patch_response=patch_response,
    survey=survey,
    tap=MessageTap,
    patch_reasoning=patch_reasoning,
)
