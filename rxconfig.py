"""What `reflex run` and `reflex export` read; see openopen8/server/reflex_config.py."""

from openopen8.server.reflex_config import config

__all__ = ["config"]
