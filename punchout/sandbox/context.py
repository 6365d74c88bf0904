"""How a request reaches its sandbox: configuration, state and background worker."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from punchout.sandbox.config import Config
from punchout.sandbox.store import Store

if TYPE_CHECKING:
    from punchout.sandbox.worker import Worker


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts one running sandbox is made of."""

    config: Config
    store: Store
    worker: "Worker"


def sandbox() -> Sandbox:
    """Return the sandbox the current request belongs to."""
    return cast(Sandbox, current_app.extensions["sandbox"])
