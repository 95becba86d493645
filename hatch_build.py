"""Build hook: puts what lies outside the package into the wheel, so that an installed one needs no Node."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Source in the repository -> place in the wheel. The dashboard is there once `openopen8 build` has run.
EXTRAS = {
    "alembic": "openopen8/_alembic",
    "build/dashboard": "openopen8/_dashboard",
}


class Extras(BuildHookInterface):
    """Adds each of EXTRAS that is there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for source, target in EXTRAS.items():
            if (Path(self.root) / source).is_dir():
                build_data["force_include"][source] = target
