"""OpenAI chat completions: ``POST /v1/chat/completions``."""

from relay.formats.format import Format
from relay.formats.openai_chat.glance import glance
from relay.formats.openai_chat.passthrough import ChatTap, patch_request
from relay.formats.openai_chat.reader import ChatReader
from relay.formats.openai_chat.request import parse_request, render_request
from relay.formats.openai_chat.response import parse_response, render_response
from relay.formats.openai_chat.suffix import patch_reasoning
from relay.formats.openai_chat.survey import survey
from relay.formats.openai_chat.writer import ChatWriter
from relay.formats.openai_errors import render_error
from relay.formats.renaming import patch_response
from relay.formats.vendor import parse_error

FORMAT = Format(
    name="openai_chat",
    glance=glance,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    reader=ChatReader,
    writer=ChatWriter,
    render_error=render_error,
    parse_error=parse_error,
    patch_request=patch_request,
    patch_response=patch_response,
    survey=survey,
    tap=ChatTap,
    patch_reasoning=patch_reasoning,
)
