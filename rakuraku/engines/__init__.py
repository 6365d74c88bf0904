"""PostgreSQL and Redis out of wheels: no Docker, no root, nothing installed.

One supervisor starts them and hands DATABASE_URL and REDIS_URL to every other process, which know
nothing of it. Production never comes here.
"""

import fcntl
import os
import shutil
from pathlib import Path

from rakuraku.engines.common import EngineError, engine_home, free_port
from rakuraku.engines.postgres import Postgres
from rakuraku.engines.redis_server import Redis

__all__ = [
    "EngineError",
    "Engines",
    "Postgres",
    "Redis",
    "discard_abandoned",
    "engine_home",
    "free_port",
]


class Engines:
    """Both engines, or those that the environment names. A context manager.

    ``name`` keeps the demo's data apart from a test run's.
    """

    def __init__(self, var: Path, name: str, *, durable: bool = True) -> None:
        # Engines run in folders of their own: a relative path would be another one there.
        self.var = var = var.resolve()
        self.name = name
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.redis_url = os.environ.get("REDIS_URL", "")
        home = engine_home(var, name)
        self.postgres = None if self.database_url else Postgres(home / "pg", durable=durable)
        self.redis = None if self.redis_url else Redis(var / name / "redis", durable=durable)
        self._lock_path = var / f"{name}.lock"

    def lock(self) -> None:
        """Claim the data for this process; raises ``EngineError`` when another one has them."""
        self.var.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock_path.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise EngineError("already running in this checkout; stop that one first") from None

    def __enter__(self) -> "Engines":
        self.lock()
        try:
            if self.postgres:
                self.postgres.start()
                self.database_url = self.postgres.url
            if self.redis:
                self.redis.start()
                self.redis_url = self.redis.url
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop what was started here."""
        for engine in (self.redis, self.postgres):
            if engine:
                engine.stop()
        self._lock.close()

    def discard(self) -> None:
        """Stop, and remove the data: for test runs."""
        self.stop()
        for folder in (engine_home(self.var, self.name), self.var / self.name):
            shutil.rmtree(folder, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What other processes need to know."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def discard_abandoned(var: Path, prefix: str) -> None:
    """Stop and remove the engines named ``prefix…`` whose supervisor was killed."""
    for lock in var.glob(f"{prefix}*.lock"):
        abandoned = Engines(var, lock.stem)
        try:
            abandoned.lock()
        except EngineError:
            continue  # Its run goes on.
        for engine in (abandoned.redis, abandoned.postgres):
            if engine:
                engine.stop_leftover()
        abandoned.discard()
