"""The services' tools of the dashboard process: opened on first use, replaced by tests."""

from __future__ import annotations

from openopen8.core.config import load_settings
from openopen8.core.tools import Tools, open_tools

_tools: Tools | None = None


def tools() -> Tools:
    """Settings, database, clock and keyring of this process."""
    global _tools
    if _tools is None:
        _tools = open_tools(load_settings())
    return _tools


def use(replacement: Tools | None) -> None:
    """Work with ``replacement`` from now on; None opens the configured ones again."""
    global _tools
    _tools = replacement
