"""`openopen8 reload`: what is replaced, what it says, and that whatever goes wrong leaves the server serving."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.processes import ROOT, command, serving, until
from tests.server.test_serve import compiled, events, healthy

__all__ = ["compiled"]

BROKEN = """import os, sys
if os.path.exists("broken") and "relay-2" in sys.orig_argv:
    os._exit(7)
"""


def status_of_a_body(address: str, kilobytes: int) -> int:
    return httpx.post(
        address + "/v1/chat/completions", content=b"x" * kilobytes * 1024, headers={"authorization": "Bearer x"},
        trust_env=False,
    ).status_code  # fmt: skip


def test_it_replaces_every_process_and_the_settings_of_now_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKERS=2\n")
    with serving(tmp_path, "--no-dashboard") as server:
        address = server.address
        assert status_of_a_body(address, 20) == 401
        old = server.part("relay")
        (tmp_path / ".env").write_text("WORKERS=3\nMAX_REQUEST_BODY_MB=0.01\n")
        done = command(server, "reload")
        assert (done.returncode, done.stdout) == (0, "Reloaded.\n"), done.stderr
        assert done.stderr.splitlines()[:3] == ["relay-1 is new.", "relay-2 is new.", "relay-3 is new."]
        until(lambda: len(server.part("relay")) == 3)
        assert not set(old) & set(server.part("relay"))
        assert {status_of_a_body(address, 20) for _ in range(9)} == {413}
        (tmp_path / ".env").write_text("WORKERS=1\n")
        assert json.loads(command(server, "reload", "--json").stdout)["workers"] == 1
        until(lambda: len(server.part("relay")) == 1)
        assert healthy(address)
        assert server.end() == 0
        assert server.family() == []
    assert "Traceback" not in server.text


def test_sighup_reloads_too(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        assert healthy(server.address)
        old = server.part("relay")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "Reloaded." in server.text, lambda: server.text)
        until(lambda: not set(old) & set(server.part("relay")))
        assert healthy(server.address)


def test_an_idle_connection_gets_its_next_answer_and_hears_that_it_is_the_last(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        address = server.address
        with dial(address) as used, dial(address) as silent:
            assert "connection: close" not in ask(used)
            old = server.part("relay")
            assert "1 replaced worker ends what was begun" in command(server, "reload").stdout
            assert set(old) < set(server.part("relay"))
            for connection in (used, silent):
                answer = ask(connection)
                assert "HTTP/1.1 200" in answer and "connection: close" in answer
                assert connection.recv(1) == b""
            until(lambda: not set(old) & set(server.part("relay")))
        assert healthy(address)


def test_settings_that_cannot_be_used_change_nothing_and_are_told(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        assert healthy(server.address)
        old = server.part("relay")

        def refused(text: str) -> None:
            done = command(server, "reload")
            assert done.returncode == 1
            assert text in done.stdout and "All goes on as before." in done.stdout
            assert server.part("relay") == old
            assert healthy(server.address)

        (tmp_path / ".env").write_text("REQUEST_TIMEOUT=soon\n")
        server.process.send_signal(signal.SIGHUP)  # the command itself could not read this .env
        until(lambda: "Not reloaded: REQUEST_TIMEOUT: Input should be a valid number" in server.text)
        (tmp_path / ".env").write_text("SECRET_KEY=another secret key, long enough\n")
        refused("This database was made with another secret key")
        (tmp_path / ".env").write_text("HOST=0.0.0.0\n")
        refused("HOST can only change with a restart")
        (tmp_path / ".env").unlink()
        with sqlite3.connect(tmp_path / "data" / "openopen8.db") as database:
            database.execute("UPDATE alembic_version SET version_num = 'older'")
        refused("The database must be migrated; stop the server and start it again.")


def test_a_new_worker_that_cannot_start_stops_the_reload_and_the_old_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    with serving(tmp_path, "--no-dashboard", "--workers", "2", PYTHONPATH=f"{ROOT}:{tmp_path}") as server:
        assert healthy(server.address)
        until(lambda: len(server.part("relay")) == 2)
        old = set(server.part("relay"))
        (tmp_path / "broken").touch()
        done = command(server, "reload")
        assert done.returncode == 1
        assert "relay-2 can't start: it ended (exit 7)" in done.stdout
        assert "1 of 2 workers are new, the others go on as before." in done.stdout
        until(lambda: len(server.part("relay")) == 2)
        assert len(old & set(server.part("relay"))) == 1
        (tmp_path / "broken").unlink()
        assert command(server, "reload").returncode == 0
        until(lambda: len(server.part("relay")) == 2 and not old & set(server.part("relay")))


def test_reloads_asked_for_at_the_same_time_all_succeed(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server, ThreadPoolExecutor() as pool:
        assert healthy(server.address)
        first = pool.submit(command, server, "reload")
        until(lambda: "relay-1 is new." in server.text)
        others = [pool.submit(command, server, "reload") for _ in range(3)]
        assert [done.result().returncode for done in (first, *others)] == [0, 0, 0, 0]
        until(lambda: len(server.part("relay")) == 1)


def test_sigterm_during_a_reload_ends_all(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard", "--workers", "2") as server, ThreadPoolExecutor() as pool:
        assert healthy(server.address)
        asked = pool.submit(command, server, "reload")
        until(lambda: "relay-1 is new." in server.text)
        assert server.end() == 0
        assert server.family() == []
        assert asked.result().returncode == 1
        assert "openopen8: The server ended before it had reloaded." in asked.result().stderr
    assert "Traceback" not in server.text


def test_a_server_that_was_killed_is_known_to_be_gone(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-dashboard") as server:
        assert healthy(server.address)
        server.end(signal.SIGKILL)
        until(lambda: server.family() == [])
        assert json.loads((tmp_path / "data" / "serve.json").read_text())["pid"] == server.process.pid
        done = command(server, "reload")
        assert (done.returncode, done.stderr[:30]) == (1, "openopen8: No server runs on /")
    (tmp_path / "again").mkdir()
    with serving(tmp_path / "again", "--no-dashboard", DATA_DIR=str(tmp_path / "data")) as server:
        assert healthy(server.address)
        assert command(server, "reload").returncode == 0


@pytest.mark.parametrize("detached", [False, True])
def test_closing_its_terminal_ends_the_server_unless_nohup_was_used(tmp_path: Path, detached: bool) -> None:
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        # the tests may run under nohup themselves
        signal.signal(signal.SIGHUP, signal.SIG_IGN if detached else signal.SIG_DFL)

    start = {"start_new_session": True, "pass_fds": (theirs,), "preexec_fn": take_terminal}
    with serving(tmp_path, "--no-dashboard", start=start) as server:
        os.close(theirs)
        assert healthy(server.address)
        server.family()
        os.close(ours)
        if detached:
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(2)
            assert healthy(server.address)
            assert "Reloaded." not in server.text
        else:
            assert server.process.wait(60) == 0
            assert server.family() == []


def test_tabs_move_to_the_new_dashboard_process(tmp_path: Path, compiled: None) -> None:
    with serving(tmp_path, "--no-build") as server, events(server.address) as tab:
        assert tab.recv().startswith("0{")  # type: ignore[arg-type]
        old = server.part("dashboard")
        assert command(server, "reload").returncode == 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                tab.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        with events(server.address) as tab:
            assert tab.recv().startswith("0{")  # type: ignore[arg-type]
        until(lambda: len(server.part("dashboard")) == 1)
        assert server.part("dashboard") != old


def test_the_dashboard_is_switched_off_and_on_by_a_reload(tmp_path: Path, compiled: None) -> None:
    with serving(tmp_path, "--no-build") as server:
        page = server.address + "/login"
        assert httpx.get(page, trust_env=False).status_code == 200
        for setting, status, processes in (("DASHBOARD=false", 404, 0), ("", 200, 1)):
            (tmp_path / ".env").write_text(setting)
            assert command(server, "reload").returncode == 0
            until(lambda: len(server.part("relay")) == 1)
            assert httpx.get(page, trust_env=False).status_code == status
            assert len(server.part("dashboard")) == processes


def dial(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def ask(connection: socket.socket) -> str:
    """The head and body of one answer."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    got = b""
    while b'"ok"}' not in got:
        piece = connection.recv(4096)
        assert piece, got
        got += piece
    return got.decode()
