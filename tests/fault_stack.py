"""The product's processes on engines of their own, each of which can be broken on purpose."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import redis
from stack import Stack

from rakuraku.engines import Engines
from rakuraku.processes import Process, entry

RETRY_MINUTES = "0.02,0.03,0.05,0.05,0.1,0.1,0.2,0.2,0.3"
POST_SECONDS = 2.0


class FaultStack(Stack):
    """Two workers, quick sweeps and retries. Break and mend it from the main thread only."""

    def __init__(self, engines: Engines, folder: Path) -> None:
        super().__init__("faults", folder)
        self._engines = engines
        self.sandbox: Process
        self.second_worker: Process

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "ORDER_POST_SECONDS": str(POST_SECONDS),
            "ORDER_RETRY_MINUTES": RETRY_MINUTES,
            "ORDER_SWEEP_SECONDS": "2",
            "HISTORY_PULL_SECONDS": "3600",
            "WORKER_CONCURRENCY": "2",
            "LOG_LEVEL": "WARNING",
        }

    def start_around(self) -> None:
        self.sandbox = self.processes.started[0]
        self.second_worker = self._start("worker-2", entry("worker"), self.env)

    # What can happen ---------------------------------------------------------------------------

    def kill_worker(self, chance: random.Random) -> None:
        """SIGKILL to a worker and its children, in whatever they are doing."""
        _kill_and_start(chance.choice([self.worker, self.second_worker]))

    def kill_web(self, _chance: random.Random) -> None:
        """The supplier's messages meet nobody for a while."""
        _kill_and_start(self.web)
        self.web.wait_for(f"{self.base}/healthz")

    def kill_supplier(self, chance: random.Random) -> None:
        """Connections are refused until it is back."""
        self.sandbox.kill()
        time.sleep(chance.random())
        self.sandbox.start()
        self.sandbox.wait_for(f"{self.shop}/static/shop.css")

    def empty_redis(self, _chance: random.Random) -> None:
        """Every message is lost."""
        assert self._engines.redis
        with redis.Redis.from_url(self._engines.redis.url, socket_timeout=5) as client:
            client.flushall()

    def restart_redis(self, _chance: random.Random) -> None:
        """Killed and started again, on the same port."""
        assert self._engines.redis
        self._engines.redis.kill()
        self._engines.redis.start()

    def restart_postgres(self, chance: random.Random) -> None:
        """Stopped, or crashed; every connection breaks."""
        assert self._engines.postgres
        self._engines.postgres.restart(crash=chance.random() < 0.5)

    def mend(self) -> None:
        """Everything runs again; the supplier behaves."""
        for process in self.processes.started:
            if not process.is_running:
                process.start()
        self.web.wait_for(f"{self.base}/healthz")
        self.control("DELETE", "faults")


Break = Callable[[FaultStack, random.Random], None]


def _kill_and_start(process: Process) -> None:
    process.kill()
    process.start()
