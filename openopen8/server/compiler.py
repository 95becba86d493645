"""Compiles the dashboard with Reflex and Node (from a pip package); a failure leaves the old one in place."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from openopen8.core.errors import Problem
from openopen8.server.built import Place, here

Say = Callable[[str], None]
Export = Callable[[Place, Say], None]

HEARTBEAT_SECONDS = 10.0
SHOWN_LINES, SHOWN_WIDTH = 30, 200
"""How much of a failed build's output is shown, from its first error on."""

_STEPS = ("Initializing", "Compiling", "Installing", "Creating", "modules transformed", "built in")


def compile_dashboard(say: Say, force: bool = False, place: Place | None = None, export: Export | None = None) -> bool:
    """Bring the compiled dashboard up to date; False when it already was.

    Raises a Problem with the reason when it fails. Two processes never compile at once: the second
    waits, and finds it done.
    """
    place = place or here()
    if not force and place.is_current:
        return False
    if not place.can_compile:
        raise Problem(500, "no_dashboard", "This installation holds no compiled dashboard; install the wheel again.")
    with _alone(place, say):
        if not force and place.is_current:
            return False
        began, stamp = time.monotonic(), place.stamp()
        say("Compiling the dashboard; the first time takes a minute or two, and needs the network once.")
        (export or run_reflex)(place, say)
        _swap_in(place, stamp)
        say(f"The dashboard is compiled ({time.monotonic() - began:.0f} s).")
    return True


def run_reflex(place: Place, say: Say) -> None:
    """`reflex export`; its output is in `.web/build/client` then."""
    command = [sys.executable, "-m", "reflex", "export", "--no-zip"]
    process = subprocess.Popen(
        command, cwd=place.root, env=_environment(), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
    )  # fmt: skip
    done = threading.Event()
    threading.Thread(target=_heartbeat, args=(say, done), daemon=True).start()
    assert process.stdout is not None
    output = []
    for line in map(str.strip, process.stdout):
        output.append(line)
        if any(step in line for step in _STEPS):
            say("  " + line.strip("─ "))
    done.set()
    if process.wait() != 0:
        raise Problem(500, "not_compiled", "The dashboard could not be compiled:\n" + _reason(output))


def _reason(output: list[str]) -> str:
    """The output from its first error on, without the source text that bundlers print in full."""
    start = next((i for i, line in enumerate(output) if "rror:" in line or "ERR!" in line), -SHOWN_LINES)
    return "\n".join(line[:SHOWN_WIDTH] for line in output[start:][:SHOWN_LINES])


def _environment() -> dict[str, str]:
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    return os.environ | {
        "PATH": path,
        "REFLEX_USE_NPM": "1",
        "npm_config_omit_lockfile_registry_resolved": "true",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }


def _heartbeat(say: Say, done: threading.Event) -> None:
    began = time.monotonic()
    while not done.wait(HEARTBEAT_SECONDS):
        say(f"  … {time.monotonic() - began:.0f} s")


def _swap_in(place: Place, stamp: str) -> None:
    """Copy the output beside the old one, then put it in its place; the stamp comes last."""
    output, home = place.root / ".web" / "build" / "client", place.home
    fresh, old = home.with_name("dashboard.new"), home.with_name("dashboard.old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(output, fresh / "client")
    (fresh / "stamp").write_text(stamp + "\n")
    if home.exists():
        home.rename(old)
    fresh.rename(home)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _alone(place: Place, say: Say) -> Iterator[None]:
    place.home.parent.mkdir(parents=True, exist_ok=True)
    with (place.home.parent / "dashboard.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is compiling the dashboard; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
