"""Amazon Bedrock's Converse and ConverseStream; only channels speak it, no callers."""

from relay.formats.bedrock_converse.reader import ConverseReader
from relay.formats.bedrock_converse.request import render_request
from relay.formats.bedrock_converse.response import parse_response
from relay.formats.upstream_only import upstream_only
from relay.formats.vendor import parse_error

FORMAT = upstream_only("bedrock_converse", render_request, parse_response, ConverseReader, parse_error)
