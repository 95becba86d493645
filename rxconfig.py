"""What `reflex run` and `reflex export` read; see openopen8/server/reflex_config.py."""

import os
from pathlib import Path

from openopen8.server.reflex_config import config

# Reload for changes of the source only: the database's own writes would restart the backend for ever.
ROOT = Path(__file__).parent
os.environ.setdefault("REFLEX_HOT_RELOAD_OVERRIDE_PATHS", f"{ROOT / 'openopen8'}{os.pathsep}{ROOT / 'relay'}")

__all__ = ["config"]
