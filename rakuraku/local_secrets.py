"""Secrets of the demo and the tests: made once per checkout, kept in var/, readable by the owner.

Production is given its own and never comes here.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet


def secret_key(var: Path) -> str:
    """Django's SECRET_KEY."""
    return _kept(var / "secrets" / "secret-key", lambda: secrets.token_urlsafe(50))


def field_key(var: Path) -> str:
    """The key of secrets at rest."""
    return _kept(var / "secrets" / "field-key", lambda: Fernet.generate_key().decode())


def _kept(path: Path, make: Callable[[], str]) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Several processes may start at once: the first to link its file in wins.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
