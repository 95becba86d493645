"""View state of the dashboard in Redis or Valkey, so that any dashboard process can go on with any tab.

Reflex stores pickles, and a pickle is a program. So everything is sealed with the installation's key before it
goes there, and only what that key sealed is unpickled: whoever can write to Redis runs nothing here, whoever can
read it sees no row, form or new token.
"""

from __future__ import annotations

import pickle
from typing import Any

from openopen8.core.security.keyring import Keyring


class SealedPickle:
    """Stands for the module ``pickle`` where Reflex speaks to Redis."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def dumps(self, value: object) -> bytes:
        return self._keyring.seal_view(pickle.dumps(value))

    def loads(self, data: bytes) -> Any:
        return pickle.loads(self._keyring.open_view(data))


def use(config: Any, url: str, keyring: Keyring) -> None:
    """Have Reflex keep view state at ``url``; before the app is made."""
    import reflex as rx

    config.redis_url = url
    config.state_manager_mode = rx.constants.StateManagerMode.REDIS
    _seal(keyring)


def _seal(keyring: Keyring) -> None:
    """Reflex has no hook for this: the three places where it pickles for Redis, by name, are covered by tests."""
    from reflex.istate.manager import token
    from reflex.state import BaseState
    from reflex.utils import token_manager

    sealed = SealedPickle(keyring)
    token.pickle = sealed  # type: ignore[assignment, attr-defined]
    token_manager.pickle = sealed  # type: ignore[assignment, attr-defined]
    # not the module in reflex.state: there it also makes hashes, which must be the same each time
    plain_out, plain_in = BaseState._serialize, BaseState._deserialize

    def serialize(self: BaseState) -> bytes:
        return keyring.seal_view(plain_out(self))

    def deserialize(cls: type[BaseState], data: bytes | None = None, fp: Any = None) -> BaseState:
        return plain_in(data=_opened(keyring, data))

    BaseState._serialize = serialize  # type: ignore[method-assign]
    BaseState._deserialize = classmethod(deserialize)  # type: ignore[assignment, method-assign]


def _opened(keyring: Keyring, data: bytes | None) -> bytes:
    from reflex_base.utils.exceptions import StateSchemaMismatchError

    try:
        return keyring.open_view(data or b"")
    except ValueError as error:  # to Reflex: a state of another version, so the tab starts anew
        raise StateSchemaMismatchError(str(error)) from None


def clients(app: Any) -> list[Any]:
    """Reflex's Redis clients of a running app."""
    managers: tuple[Any, ...] = (app.state_manager, app.event_namespace._token_manager)
    return [manager.redis for manager in managers if hasattr(manager, "redis")]
