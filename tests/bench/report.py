"""Where figures go: between markers in docs/performance.md, and whole into .bench/results.json."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.servers import ROOT, nginx_program

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / ".bench" / "results.json"
RUNS = 3
"""So many of the last runs are kept."""
PACKAGES = ("uvicorn", "uvloop", "httptools", "msgspec")


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the benchmark found: lines for the page, all figures for the file."""

    name: str
    lines: tuple[str, ...]
    raw: Any
    failed: tuple[str, ...] = ()
    """What must hold and did not."""
    key: Mapping[str, str] = field(default_factory=dict)
    """The figure of each row that runs are compared by."""


def keep(part: Part, command: str, whole: bool = True) -> None:
    """Write ``part`` to the file and, when it is ``whole``, to the page."""
    told = surroundings(command)
    RESULTS.parent.mkdir(exist_ok=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    runs = results.get(part.name, {}).get("runs", [])
    if whole and part.key:
        runs = [*runs, {"date": told["date"], "commit": told["commit"], "key": dict(part.key)}][-RUNS:]
    results[part.name] = {**told, "runs": runs, "figures": part.raw}
    RESULTS.write_text(json.dumps(results, indent=1, default=_plain) + "\n")
    if whole:
        _into_page(part, told, _runs(runs))


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _runs(runs: list[dict[str, Any]]) -> list[str]:
    """The last runs beside each other: what differs between them is the machine's noise, or a change."""
    if len(runs) < 2:
        return []
    names = dict.fromkeys(name for run in runs for name in run["key"])
    heads = [f"{run['date']}, {run['commit']}" for run in runs]
    lines = ["", "The last runs:", "", f"| row | {' | '.join(heads)} |", "| --- |" + " --- |" * len(runs)]
    return lines + [f"| {name} | {' | '.join(run['key'].get(name, '–') for run in runs)} |" for name in names]


def surroundings(command: str) -> dict[str, str]:
    """Machine, versions, date and command."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": command,
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "machine": _machine(),
        "versions": ", ".join(
            (
                f"Python {platform.python_version()}",
                _said(nginx_program(), "-v").removeprefix("nginx version: "),
                *(f"{name} {version(name)}" for name in PACKAGES),
            )
        ),
    }


def _into_page(part: Part, told: dict[str, str], runs: list[str]) -> None:
    text = PAGE.read_text()
    begin, end = f"<!-- {part.name} -->", f"<!-- end of {part.name} -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{PAGE.name} has no place for {part.name}: {begin} … {end}")
    head = f"`{told['command']}`, {told['date']}, commit {told['commit']}; {told['machine']}; {told['versions']}."
    body = "\n".join((begin, "", head, "", *part.lines, *runs, "", end))
    PAGE.write_text(re.sub(re.escape(begin) + r".*?" + re.escape(end), lambda _: body, text, flags=re.DOTALL))


def _machine() -> str:
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    cores = len(re.findall(r"^processor", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    size = int(memory[1]) / 1024**2 if memory else 0
    name = model[1].strip() if model else platform.machine()
    return f"{name}, {cores} cores, {size:.0f} GB, Linux {platform.release().partition('-')[0]}"


def _said(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    return (done.stdout + done.stderr).strip() or "?"


def command_line() -> str:
    """The command as a person would type it."""
    return " ".join(("python -m tests.bench", *sys.argv[1:]))
