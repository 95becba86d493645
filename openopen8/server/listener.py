"""The one listening socket: bound by the supervisor, inherited by every relay worker."""

from __future__ import annotations

import errno
import socket

from openopen8.core.errors import Problem

BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A listening, inheritable socket; a Problem says in plain words why it can't be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(
            address[:2],
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=family == socket.AF_INET6 and host in ("::", "") and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise Problem(500, "cannot_listen", _reason(error, host, port)) from None
    listener.set_inheritable(True)
    return listener


def address_of(listener: socket.socket, host: str) -> str:
    """The address to open in a browser on this machine: ``http://127.0.0.1:3000``."""
    port = listener.getsockname()[1]
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use. Stop the program that has it, or choose another port: "
            f"openopen8 serve --port {port + 1 if port < 65535 else 3000} (or PORT in .env)."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} on {host} needs more rights than this user has; ports from 1024 up need none."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host!r} is not an address of this machine; set HOST to one that is (127.0.0.1, 0.0.0.0)."
    return f"Can't listen on {host} port {port}: {error.strerror or error}."
