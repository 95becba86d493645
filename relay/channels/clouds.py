"""Clouds that host the models of many vendors."""

from relay.channels.bedrock import BEDROCK
from relay.channels.vertex import VERTEX

CLOUDS = (VERTEX, BEDROCK)
