"""Clouds that host the models of many vendors, and vendors with APIs of their own."""

from relay.channels.bedrock import BEDROCK
from relay.channels.cohere import COHERE
from relay.channels.jina import JINA
from relay.channels.vertex import VERTEX

CLOUDS = (VERTEX, BEDROCK, COHERE, JINA)
